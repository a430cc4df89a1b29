/* SPDX-License-Identifier: MIT
 *
 * What libinih calls for uses that are not ours: it can keep a line in the heap, and open files. But
 * its line is on the stack (ini_use_stack), and files.c hands it each. The build renames those
 * calls of its object to these (Makefile), so that it cannot reach the program's allocator, files and
 * locale (arena.h). One that is built to want the heap is out of memory, and says so. */
#include <stddef.h>
#include <stdio.h>

void *inih_malloc(size_t n);
void *inih_realloc(void *p, size_t n);
void inih_free(void *p);
FILE *inih_fopen64(const char *path, const char *mode);
char *inih_fgets(char *out, int size, FILE *f);
int inih_fclose(FILE *f);
const unsigned short **inih___ctype_b_loc(void);
extern const size_t inih___stack_chk_guard;

/* What lies behind its arrays where the processor has no register for it (aarch64). The C library's is
 * data, and in the loader. */
const size_t inih___stack_chk_guard = (size_t)0x0aff0d0000ff9e37;

void *inih_malloc(size_t n)
{
    (void)n;
    return NULL;
}

void *inih_realloc(void *p, size_t n)
{
    (void)p;
    (void)n;
    return NULL;
}

void inih_free(void *p)
{
    (void)p;
}

FILE *inih_fopen64(const char *path, const char *mode)
{
    (void)path;
    (void)mode;
    return NULL;
}

char *inih_fgets(char *out, int size, FILE *f)
{
    (void)out;
    (void)size;
    (void)f;
    return NULL;
}

int inih_fclose(FILE *f)
{
    (void)f;
    return EOF;
}

/* The table of glibc behind isspace(); inih asks nothing else of it. */
const unsigned short **inih___ctype_b_loc(void)
{
    enum { BELOW = 128, SPACE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 << 13 : 1 << 5 };
    static const unsigned short classes[BELOW + 256] = {
        [BELOW + '\t'] = SPACE, [BELOW + '\n'] = SPACE, [BELOW + '\v'] = SPACE,
        [BELOW + '\f'] = SPACE, [BELOW + '\r'] = SPACE, [BELOW + ' '] = SPACE};
    static const unsigned short *const table = classes + BELOW;
    return (const unsigned short **)&table;
}
