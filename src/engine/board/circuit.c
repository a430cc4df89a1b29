/* SPDX-License-Identifier: MIT */
#include "engine/board/circuit.h"

#include "base/events.h"
#include "engine/board/alert.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/status.h"

void circuit_announce(struct board *b, struct slot *s, const struct circuit_change *x,
                      int64_t now_ns)
{
    enum breaker_state state = breaker_state_at(&s->breaker, now_ns);
    if (state == BREAKER_OPEN)
        slot_count(s, COUNT_BREAKER_OPENED, 1);
    events_emit(&(struct event){.kind = EVENT_BREAKER,
                                .id = x->id,
                                .host = x->name,
                                .reason = x->reason,
                                .state = breaker_state_name(state),
                                .wait_ns = -1,
                                .observed = x->observed});
    if (atomic_load_explicit(&s->kind, memory_order_relaxed) != SLOT_OBSERVED)
        history_change(b->history, s->key, CHANGE_BREAKER, (int)state, now_ns);
    board_alert(b);
}

void circuit_note_since(const struct board *b, struct slot *s, int64_t now_ns, int64_t wall_ns)
{
    bool first =
        breaker_state_at(&s->breaker, now_ns) == BREAKER_CLOSED || breaker_trips(&s->breaker) == 1;
    if (first && status_of(s) == STATUS_HEALTHY && !pause_is_on(s, now_ns) &&
        !slo_slot_burns(b, s, now_ns))
        atomic_store_explicit(&s->status_since_ms, wall_ns / NS_PER_MS, memory_order_relaxed);
}
