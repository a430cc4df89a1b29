/* SPDX-License-Identifier: MIT
 *
 * Which processes use a board, for its readers: a program that has nothing to do gives no other sign
 * of life, for it has no thread of ours. Each has a word in the board's header: its number, and the
 * name space that this number is of.
 *
 * A word is a hint and no more. A process that is killed leaves it, and after an exec it is another
 * program's: readers ask the kernel whether the process is there and has the board mapped
 * (cli/life.h). Where there is no word to be had, the process goes without. Any thread. */
#ifndef ENGINE_BOARD_ATTACHED_H
#define ENGINE_BOARD_ATTACHED_H

#include "engine/board/board.h"

#include <stdint.h>

struct attached {
    uint32_t pid; /* 0: none */
    uint32_t name_space;
};

/* This process, from now on; and not any more, which takes no system call. */
void attached_add(struct board_header *h);
void attached_remove(struct board_header *h);
/* i counts to BOARD_ATTACHED. */
struct attached attached_nth(const struct board_header *h, int i);
/* In which this process has its number; 0: not known. */
uint32_t attached_name_space(void);

#endif
