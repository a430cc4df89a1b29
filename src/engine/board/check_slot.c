/* SPDX-License-Identifier: MIT */
#include "engine/board/check_slot.h"

#include "engine/board/status.h"

#define FORGOTTEN_NS (60 * NS_PER_S)

/* The words of a check have the offsets and sizes of the words of a host. */
#define SAME(a, b)                                                                                 \
    _Static_assert(offsetof(struct slot, a) == offsetof(struct slot, b) &&                         \
                       sizeof(((struct slot *)0)->a) == sizeof(((struct slot *)0)->b),             \
                   #a)
SAME(check_due_ns, pause_until_ns);
SAME(check_target, limit_count[0]);
SAME(check_took_ns, shown_rate);
SAME(check_interval_ms, shown_window_ms);

int64_t check_slot_interval_ns(const struct slot *s)
{
    int64_t ns =
        NS_PER_MS * (int64_t)atomic_load_explicit(&s->check_interval_ms, memory_order_relaxed);
    return ns > CHECK_INTERVAL_MAX_NS ? CHECK_INTERVAL_MAX_NS : ns;
}

bool check_slot_is_shown(const struct slot *s, int64_t now_ns)
{
    int64_t due_ns = atomic_load_explicit(&s->check_due_ns, memory_order_relaxed);
    return atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_CHECK && due_ns > 0 &&
           due_ns - now_ns <= 2 * CHECK_INTERVAL_MAX_NS &&
           now_ns - due_ns <= 2 * check_slot_interval_ns(s) + FORGOTTEN_NS;
}

bool check_slot_is_known(const struct slot *s)
{
    return atomic_load_explicit(&s->results_in_row, memory_order_relaxed) & STATUS_SEEN;
}

int64_t check_slot_took_ns(const struct slot *s)
{
    return atomic_load_explicit(&s->check_took_ns, memory_order_relaxed);
}
