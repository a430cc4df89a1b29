/* SPDX-License-Identifier: MIT */
#include "engine/publish/sample.h"

#include "engine/board/status.h"
#include "engine/board/view.h"

static void add_hosts(uint64_t sum[HISTORY_SUMS], const struct board *b, int64_t now_ns)
{
    char name[VIEW_NAME_SIZE];
    for (int i = 0; i < HISTORY_COUNTED; i++)
        sum[i] += atomic_load_explicit(&b->history->kept[i], memory_order_relaxed);
    for (uint32_t i = 0; i < board_size(b); i++) {
        const struct slot *s = view_host(b, i, name);
        if (!s)
            continue;
        slot_add_sums(s, sum);
        sum[SUM_UNHEALTHY] += status_of(s) == STATUS_UNHEALTHY;
        sum[SUM_OPEN] += breaker_state_at(&s->breaker, now_ns) != BREAKER_CLOSED;
    }
}

void sample_take(struct history *h, const struct board *b, int64_t now_ns)
{
    bool fine = history_is_due(h, true, now_ns), coarse = history_is_due(h, false, now_ns);
    uint64_t sum[HISTORY_SUMS] = {0};
    if (fine || coarse)
        add_hosts(sum, b, now_ns);
    if (fine)
        history_add(h, true, sum, now_ns);
    if (coarse)
        history_add(h, false, sum, now_ns);
}
