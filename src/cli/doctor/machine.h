/* SPDX-License-Identifier: MIT
 *
 * The checks of `harden doctor` without an argument: whether this user's programs can be covered on
 * this machine, and share their limits.
 *
 *     machine_library(&d);
 *     machine_libcurls(&d);
 *     const struct config *c = machine_configuration(&d);
 *     machine_state(&d, c);
 *     machine_system(&d);
 *     return doctor_verdict(&d);
 *
 * LEVEL_PARTLY is a problem: programs are covered, but not as intended. LEVEL_NO: they are not covered.
 * Files are only read, nothing is created or run. The paths of system files are below d->root, which
 * is another directory in tests only. */
#ifndef CLI_DOCTOR_MACHINE_H
#define CLI_DOCTOR_MACHINE_H

#include "cli/doctor/doctor.h"

/* The library, for each C library and architecture of which there is a loader; ld.so.preload. */
void machine_library(struct diagnosis *d);
/* The copies of libcurl in the loader's cache. */
void machine_libcurls(struct diagnosis *d);
/* The configuration of a program that is started now; NULL: out of memory. */
const struct config *machine_configuration(struct diagnosis *d);
/* The state directory, its board, and the boards of other versions and places. c may be NULL. */
void machine_state(struct diagnosis *d, const struct config *c);
/* Kernel, limits of the user, clock, security modules, container. */
void machine_system(struct diagnosis *d);

/* The beginning of a system file, NUL-terminated, without the newline at its end. False: it cannot be
 * read; then text is "". */
bool machine_read(const struct diagnosis *d, const char *path, char *text, size_t size);

#endif
