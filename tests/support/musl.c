/* SPDX-License-Identifier: MIT
 *
 * Debian's static libraries were compiled for glibc; these are the names of theirs that musl has
 * not. Linked only with TARGET=musl: a system of musl has such libraries of its own. */
int _dl_find_object(void *pc, void *result);

/* libgcc: where an exception would be caught. In tests nothing throws. */
int _dl_find_object(void *pc, void *result)
{
    (void)pc;
    (void)result;
    return -1;
}
