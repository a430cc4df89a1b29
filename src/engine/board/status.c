/* SPDX-License-Identifier: MIT */
#include "engine/board/status.h"

/* slot->results_in_row: failures in a row:28, successes in a row:28 (counted only while not healthy),
 * status:2, and the top bit: there was a result. */
#define ROW_MAX       ((1ULL << 28) - 1)
#define SUCCESS_SHIFT 28
#define STATUS_SHIFT  56

static uint64_t status_pack(enum health_status status, uint64_t failures, uint64_t successes)
{
    return STATUS_SEEN | (uint64_t)status << STATUS_SHIFT | successes << SUCCESS_SHIFT | failures;
}

static enum health_status status_in(uint64_t word)
{
    uint64_t s = word >> STATUS_SHIFT & 3;
    return s <= STATUS_UNHEALTHY ? (enum health_status)s : STATUS_UNHEALTHY;
}

static uint64_t next_word(uint64_t word, bool success, int unhealthy_after, int healthy_after)
{
    enum health_status status = status_in(word);
    uint64_t failures = word & ROW_MAX;
    uint64_t successes = word >> SUCCESS_SHIFT & ROW_MAX;

    if (success) {
        if (status == STATUS_HEALTHY)
            return status_pack(STATUS_HEALTHY, 0, 0);
        successes++;
        bool enough = successes >= (uint64_t)(healthy_after > 1 ? healthy_after : 1);
        return enough ? status_pack(STATUS_HEALTHY, 0, 0)
                      : status_pack(STATUS_DEGRADED, 0, successes);
    }
    failures += failures < ROW_MAX;
    bool down = status != STATUS_HEALTHY || /* a recovery that failed */
                failures >= (uint64_t)(unhealthy_after > 1 ? unhealthy_after : 1);
    return status_pack(down ? STATUS_UNHEALTHY : STATUS_HEALTHY, failures, 0);
}

bool status_result(struct slot *s, bool success, int unhealthy_after, int healthy_after,
                   int64_t wall_ms, enum health_status *now)
{
    uint64_t word = atomic_load_explicit(&s->results_in_row, memory_order_relaxed);
    uint64_t next;
    do {
        next = next_word(word, success, unhealthy_after, healthy_after);
        if (next == word)
            return false; /* the usual case: no write */
    } while (!atomic_compare_exchange_weak_explicit(&s->results_in_row, &word, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    bool changed = status_in(next) != status_in(word);
    /* A pause that a server asked for may have changed the status before the first result. */
    bool first =
        !(word & STATUS_SEEN) && !atomic_load_explicit(&s->status_since_ms, memory_order_relaxed);
    if (changed || first)
        atomic_store_explicit(&s->status_since_ms, wall_ms, memory_order_relaxed);
    if (changed)
        *now = status_in(next);
    return changed;
}

enum health_status status_of(const struct slot *s)
{
    return status_in(atomic_load_explicit(&s->results_in_row, memory_order_relaxed));
}

uint32_t status_failures_in_row(const struct slot *s)
{
    return (uint32_t)(atomic_load_explicit(&s->results_in_row, memory_order_relaxed) & ROW_MAX);
}

const char *status_name(enum health_status s)
{
    static const char *const names[] = {"healthy", "degraded", "unhealthy"};
    return names[s <= STATUS_UNHEALTHY ? s : STATUS_UNHEALTHY];
}
