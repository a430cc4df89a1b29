/* SPDX-License-Identifier: MIT
 *
 * Debian's static libraries were compiled for glibc; these are the names of theirs that musl has
 * not. Linked only with TARGET=musl: a system of musl has such libraries of its own. */
#include <ctype.h>
#include <stdio.h>

#undef fopen64 /* a macro for fopen before musl 1.2.4 */

const unsigned short **__ctype_b_loc(void);
FILE *fopen64(const char *path, const char *mode);
int _dl_find_object(void *pc, void *result);

/* inih: the table behind isspace(), of which it asks nothing else. */
const unsigned short **__ctype_b_loc(void)
{
    static unsigned short classes[384];
    static const unsigned short *table = classes + 128;
    for (int c = 0; c < 128; c++)
        if (isspace(c))
            classes[128 + c] = 1 << 13; /* _ISspace, little-endian */
    return &table;
}

/* inih, where it is compiled for files of any size: here all are. */
FILE *fopen64(const char *path, const char *mode)
{
    return fopen(path, mode);
}

/* libgcc: where an exception would be caught. In tests nothing throws. */
int _dl_find_object(void *pc, void *result)
{
    (void)pc;
    (void)result;
    return -1;
}
