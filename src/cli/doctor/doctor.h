/* SPDX-License-Identifier: MIT
 *
 * The checks of `harden doctor`. Each prints findings with doctor_say (say.h):
 *
 *     struct diagnosis d = {.subject = "curl", .name = "curl"};
 *     if (doctor_program(&d, &objects))
 *         doctor_network(&d, &objects, config);
 *     return doctor_verdict(&d);
 *
 * Nothing is run: the checks only read files and /proc, and do not trust their content. A check
 * that returns false has decided the verdict; no further check is needed. */
#ifndef CLI_DOCTOR_DOCTOR_H
#define CLI_DOCTOR_DOCTOR_H

#include "cli/doctor/say.h"
#include "cli/elf/objects.h"
#include "engine/config/config.h"

#include <stdbool.h>

/* program.c: the kind of file, and whether it is setuid, setgid or has file capabilities. */
bool doctor_program(struct diagnosis *d, const struct objects *o);
bool doctor_rights(struct diagnosis *d, const char *path);
/* "x86-64" for EM_X86_64. */
const char *doctor_machine_name(int machine, char out[24]);
/* Whether the library is also installed for the architecture of this file, in a directory that $LIB
 * selects. */
bool doctor_library_of(const struct elf *e);

/* library.c: whether the library is installed and the loader of this program can load it. */
bool doctor_library(struct diagnosis *d, const struct objects *o);
/* Whether the library that a process has loaded matches its C library. `path` is a path
 * to its file that we can open; "": not loaded, then the installed library is checked. */
bool doctor_loaded(struct diagnosis *d, const char *path, const struct objects *o);
/* Whether the configuration includes the program. c may be NULL. */
void doctor_config(struct diagnosis *d, const struct config *c);

/* network.c: how the program makes connections. */
void doctor_network(struct diagnosis *d, const struct objects *o, const struct config *c);
/* Whether the library provides libcurl's functions with this version node. */
bool doctor_knows_node(const char *node);

/* process.c: whether the process d->pid has loaded the library. Also replaces the HARDEN_*
 * variables of our environment with those of the process, so that cli_load_config reads its
 * configuration. *maps receives the text of /proc/PID/maps, to be freed. */
bool doctor_process(struct diagnosis *d, char **maps);
/* board.c: whether the process has opened no board, or one of its own, and why. */
void doctor_private_board(struct diagnosis *d, const char *maps, const struct config *c);
/* process.c: changes to the user of the process, if we are root, so that its configuration files are trusted
 * as they are in the process. */
void doctor_adopt_user(const struct diagnosis *d);

#endif
