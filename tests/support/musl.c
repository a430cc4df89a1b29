/* SPDX-License-Identifier: MIT
 *
 * Debian's static libraries are compiled for glibc. This file defines the symbols that they need
 * and musl lacks. Linked only with TARGET=musl: a musl system has its own build of these
 * libraries. */
int _dl_find_object(void *pc, void *result);

/* Used by libgcc to find the handler of an exception. The tests throw none. */
int _dl_find_object(void *pc, void *result)
{
    (void)pc;
    (void)result;
    return -1;
}
