/* SPDX-License-Identifier: MIT
 *
 * Replaces the functions of the C library that libinih would call for features that we do not use:
 * lines on the heap, and opening files. lines.c hands it each line, which inih keeps on the stack
 * (ini_use_stack). The build renames the calls in inih's object (Makefile), so that inih cannot
 * reach the program's allocator, files or locale (base/arena.h). An inih that was built to use the
 * heap reports that it is out of memory. */
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

/* The stack protector's guard on aarch64, where it is a variable: the C library's is in the dynamic
 * loader. */
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

/* glibc's table of character classes; inih calls only isspace(). */
const unsigned short **inih___ctype_b_loc(void)
{
    enum { BELOW = 128, SPACE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 << 13 : 1 << 5 };
    static const unsigned short classes[BELOW + 256] = {
        [BELOW + '\t'] = SPACE, [BELOW + '\n'] = SPACE, [BELOW + '\v'] = SPACE,
        [BELOW + '\f'] = SPACE, [BELOW + '\r'] = SPACE, [BELOW + ' '] = SPACE};
    static const unsigned short *const table = classes + BELOW;
    return (const unsigned short **)&table;
}
