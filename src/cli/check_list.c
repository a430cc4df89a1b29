/* SPDX-License-Identifier: MIT */
#include "cli/check_list.h"

#include "engine/board/check_slot.h"

#include <stdlib.h>
#include <string.h>

static void read_check(struct check *c, const struct slot *s)
{
    uint64_t counts[LATENCY_BUCKETS];
    c->error = view_error(s);
    c->since_ms = atomic_load(&s->status_since_ms);
    c->successes = slot_counter(s, COUNT_SUCCESSES);
    c->failures = slot_counter(s, COUNT_FAILURES);
    c->runs = view_latency(s, counts);
    c->last_ns = c->runs ? check_slot_took_ns(s) : 0;
    c->p50_ns = view_quantile_ns(s, counts, c->runs, .50);
    c->p95_ns = view_quantile_ns(s, counts, c->runs, .95);
}

static int by_urgency(const void *a, const void *b)
{
    const struct check *x = a, *y = b;
    if (check_fails(x) != check_fails(y))
        return check_fails(y) - check_fails(x);
    return strcmp(x->view.name, y->view.name);
}

struct check *check_list_read(const struct board *b, int64_t now_ns, uint32_t *n)
{
    uint32_t room = view_count(b) + 1;
    struct check *checks = calloc(room, sizeof *checks);
    *n = 0;
    for (uint32_t i = 0; checks && i < board_size(b) && *n < room; i++) {
        const struct slot *s = view_check(b, i, now_ns, &checks[*n].view);
        if (s)
            read_check(&checks[(*n)++], s);
    }
    if (checks)
        qsort(checks, *n, sizeof *checks, by_urgency);
    return checks;
}
