/* SPDX-License-Identifier: MIT
 *
 * Which processes use a board, with which version of the library, in which mode. An idle program leaves no
 * other trace, because it has no thread of this library. Each process has two words in the header of the
 * board.
 *
 * They are only a hint: they stay when the process is killed, and after an exec they are those of another
 * program. Readers check with the kernel whether the process exists and has the board mapped
 * (cli/liveness.h). If no place is free, the process has none. Any thread.
 *
 * This table does not change with the layout (others.h), so that `harden ps` reads it in every board:
 *
 *     who     bits 0..31: pid, 32..63: number of its pid namespace; 0: nobody
 *     what    bits 0..21: pid again, 22..23: mode + 1, 24..62: version (13 bits for each of its numbers)
 *
 * Of a `what` that another process has left behind, the pid is wrong. */
#ifndef ENGINE_BOARD_ATTACHED_H
#define ENGINE_BOARD_ATTACHED_H

#include "engine/board/board.h"
#include "engine/policy/policy.h"

#include <stdint.h>

struct attached {
    uint32_t pid; /* 0: none */
    uint32_t namespace;
    bool known; /* the rest is */
    enum mode mode;
    uint16_t version[3];
};

/* Adds this process; removes it, without a system call. */
void attached_add(struct board_header *h, enum mode mode);
void attached_remove(struct board_header *h);
/* Changes the mode of this process, if it has been added. */
void attached_set_mode(struct board_header *h, enum mode mode);
/* i counts to BOARD_ATTACHED. */
struct attached attached_nth(const struct board_header *h, int i);
struct attached attached_read(const struct attached_words *w);
/* The pid namespace of this process; 0: not known. */
uint32_t attached_namespace(void);

#endif
