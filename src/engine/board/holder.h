/* SPDX-License-Identifier: MIT
 *
 * Who holds a permit (bulkhead.h): the identity of this process on a board, and whether the process with an
 * identity still runs.
 *
 *     uint64_t id = holder_own(board);                    never 0 but for lack of memory
 *     struct holder_check k;
 *     holder_check_begin(&k, board);
 *     if (!holder_is_alive(&k, id)) ... what it held is free ...
 *     holder_check_end(&k);
 *
 * An identity has HOLDER_BITS bits. With bit HOLDER_LOCKED, the process has a lock on the byte of the board's
 * file at HOLDER_LOCKS + id, beyond its end: an open file description lock that a mapping keeps, so the kernel
 * drops it when the process dies, however, and when it executes another program. It can be seen from each pid
 * namespace, and no two processes have the same. Otherwise (a private board, overlayfs, where a mapping does not
 * keep the lock, or a file that is gone) it is made of the pid, its namespace and the time at which the process
 * started: then an exec is not noticed, and a process of another pid namespace counts as alive.
 *
 * The child of a fork is another holder; a vfork child is its parent. Whose death cannot be proved is alive.
 * Any thread, signal handlers; no locks are waited for; errno is preserved. The first call of holder_own on a
 * board, and checks, need a few system calls and some stack (shield.h). */
#ifndef ENGINE_BOARD_HOLDER_H
#define ENGINE_BOARD_HOLDER_H

#include "base/compiler.h"
#include "base/process.h"
#include "engine/board/board.h"

#include <stdbool.h>
#include <stdint.h>

#define HOLDER_BITS   40
#define HOLDER_LOCKED (1ULL << (HOLDER_BITS - 1))
#define HOLDER_LOCKS  (1LL << 41)

/* An identity of this process. Never freed. */
struct holder {
    const struct board *board;
    uint64_t id;
    const struct holder *before; /* on a board that was replaced */
};

uint64_t holder_make(struct board *b);
static inline uint64_t holder_own(struct board *b)
{
    const struct holder *h = atomic_load_explicit(&process_self()->holder, memory_order_acquire);
    return likely(h && h->board == b) ? h->id : holder_make(b);
}
/* Whether it is one of this process, and not of one that has forked it. */
bool holder_is_own(uint64_t id);

struct holder_check {
    int file;             /* -1: the file of the board cannot be opened, or is another one now */
    bool is_private;      /* the board never had one */
    uint64_t alive, dead; /* the last answers, because one process often holds several permits */
};
void holder_check_begin(struct holder_check *k, const struct board *b);
bool holder_is_alive(struct holder_check *k, uint64_t id);
void holder_check_end(struct holder_check *k);

#endif
