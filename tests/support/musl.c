/* SPDX-License-Identifier: MIT
 *
 * Debian's static libraries were compiled for glibc; these are the two names of theirs that musl has
 * not. Linked only with TARGET=musl: a system of musl has such libraries of its own. */
#include <ctype.h>

const unsigned short **__ctype_b_loc(void);
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

/* libgcc: where an exception would be caught. In tests nothing throws. */
int _dl_find_object(void *pc, void *result)
{
    (void)pc;
    (void)result;
    return -1;
}
