/* SPDX-License-Identifier: MIT
 *
 * `harden doctor`: findings about a program, a line each, and the verdict that follows from them.
 *
 *     struct diagnosis d = {.name = "curl", .config = c};
 *     doctor_program(&d, &objects);       what kind of file it is
 *     doctor_network(&d, &objects);       by what it makes connections
 *     return doctor_verdict(&d);          0, 1 or 2
 *
 * A finding tells the reason and, where there is one, the remedy. Nothing is run: files and /proc are
 * read, and nothing in them is trusted. */
#ifndef CLI_DOCTOR_DOCTOR_H
#define CLI_DOCTOR_DOCTOR_H

#include "cli/doctor/say.h"
#include "cli/elf/objects.h"
#include "engine/config/config.h"

#include <stdbool.h>

/* These return false when nothing further can be told: the verdict is final. */

/* doctor_program.c: the program as a file */
bool doctor_program(struct diagnosis *d, const struct objects *o);
/* Set-user-ID and the like, which matter when it is started. */
bool doctor_rights(struct diagnosis *d, const char *path);

/* doctor_library.c: the library, and whether this program can load it */
bool doctor_library(struct diagnosis *d, const struct objects *o);
/* Whether the library that a process has loaded, by a path that leads there from here, works in it; with
 * "", whether ours would. */
bool doctor_loaded(struct diagnosis *d, const char *path, const struct objects *o);
/* Whether the configuration leaves the program in. */
void doctor_config(struct diagnosis *d, const struct config *c);

/* doctor_network.c: what it calls */
void doctor_network(struct diagnosis *d, const struct objects *o, const struct config *c);

/* doctor_process.c: the process d->pid; also takes over its HARDEN_* as our environment, so that
 * cli_load_config is its. `maps` gets the text of its mappings, to be freed. */
bool doctor_process(struct diagnosis *d, char **maps);
/* The configuration of a process is read as its user, whose files are not foreign to it. */
void doctor_become(const struct diagnosis *d);

#endif
