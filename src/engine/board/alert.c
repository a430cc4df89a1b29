/* SPDX-License-Identifier: MIT */
#include "engine/board/alert.h"

#include "base/process.h"
#include "engine/board/board.h"

void board_alert(struct board *b)
{
    struct process *p = process_self();
    atomic_fetch_add(&b->header->alerts, 1);
    atomic_store(&b->header->snapshot_due_ns, 0);
    if (atomic_load(&p->updater) == UPDATER_CALLS) {
        atomic_store(&p->update_at_ns, 0);
    } else {
        atomic_fetch_add(&p->wake, 1);
        process_wake(&p->wake);
    }
}

void board_expect_end(struct board *b, int64_t at_ns)
{
    _Atomic int64_t *first = &b->header->pause_end_ns;
    int64_t seen = atomic_load(first);
    while ((!seen || seen > at_ns) && !atomic_compare_exchange_weak(first, &seen, at_ns))
        ;
}
