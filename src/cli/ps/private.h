/* SPDX-License-Identifier: MIT
 *
 * Parts of process.h. */
#ifndef CLI_PS_PRIVATE_H
#define CLI_PS_PRIVATE_H

#include "cli/ps/process.h"

/* Mapped files of a process. */
struct ps_maps {
    char library[PATH_MAX], board[PATH_MAX]; /* without " (deleted)"; "": none */
    char library_range[64];                  /* "START-END" of its first mapping */
    bool library_deleted, board_deleted;
};

/* False: it has not loaded the library, or cannot be inspected. */
bool ps_read_maps(pid_t pid, struct ps_maps *m);
/* Version, mode and reason, from the files. */
void ps_read_library(struct ps_process *p, const struct ps_maps *m);
void ps_read_board(struct ps_process *p, const struct ps_maps *m);

#endif
