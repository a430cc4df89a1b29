/* SPDX-License-Identifier: MIT
 *
 * Finds programs in PATH, and the library that belongs to this command.
 *
 * All return false if there is no such file, and write the path to out[size]. */
#ifndef CLI_LOCATE_H
#define CLI_LOCATE_H

#include <stdbool.h>
#include <stddef.h>

/* The file that execvp would run for this name. Sets errno on failure. */
bool locate_program(const char *name, char *out, size_t size);
/* The library, in the form for LD_PRELOAD. Searched beside this command (the build directory),
 * then where `make install` puts it relative to this command (also below a DESTDIR), then in ../lib
 * and in LIBDIR. DIR/$LIB/libharden.so if it is installed there for several architectures. */
bool locate_library(char *out, size_t size);
/* The same library as a file, without $LIB: the one for the architecture of this command. */
bool locate_library_file(char *out, size_t size);
/* libharden-audit.so beside the library, in the form for LD_PRELOAD. */
bool locate_audit(char *out, size_t size);

#endif
