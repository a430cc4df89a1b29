/* SPDX-License-Identifier: MIT
 *
 * Which processes use a board. An idle program leaves no other trace, because it has no thread of
 * this library. Each process has a word in the header of the board: its pid, and the pid namespace.
 *
 * A word is only a hint: it stays when the process is killed, and after an exec it is that of another
 * program. Readers check with the kernel whether the process exists and has the board mapped
 * (cli/liveness.h). If no word is free, the process has none. Any thread. */
#ifndef ENGINE_BOARD_ATTACHED_H
#define ENGINE_BOARD_ATTACHED_H

#include "engine/board/board.h"

#include <stdint.h>

struct attached {
    uint32_t pid; /* 0: none */
    uint32_t namespace;
};

/* Adds this process; removes it, without a system call. */
void attached_add(struct board_header *h);
void attached_remove(struct board_header *h);
/* i counts to BOARD_ATTACHED. */
struct attached attached_nth(const struct board_header *h, int i);
/* The pid namespace of this process; 0: not known. */
uint32_t attached_namespace(void);

#endif
