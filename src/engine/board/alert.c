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
