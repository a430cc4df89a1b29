/* SPDX-License-Identifier: MIT
 *
 * Where programs and the library are. */
#ifndef CLI_FIND_H
#define CLI_FIND_H

#include <stdbool.h>
#include <stddef.h>

/* The file that execvp would start for a name; false and errno when there is none. */
bool locate_program(const char *name, char *out, size_t size);
/* The library as LD_PRELOAD names it: beside this command, as it was built; else where it was
 * installed with the command, also below a DESTDIR; else in ../lib or LIBDIR. As
 * DIR/$LIB/libharden.so where it is there for several architectures. False: it is nowhere. */
bool locate_library(char *out, size_t size);
/* The file for programs of this command's own kind. */
bool locate_library_file(char *out, size_t size);
/* libharden-audit.so, which lies beside the library, named in the same way. False: it does not. */
bool locate_audit(char *out, size_t size);

#endif
