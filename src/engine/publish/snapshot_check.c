/* SPDX-License-Identifier: MIT
 *
 * The entry of an active check in health.json. */
#include "engine/board/check_slot.h"
#include "engine/board/status.h"
#include "engine/publish/snapshot_entry.h"

void entry_check(struct text *t, const struct slot *s, const struct check_view *v)
{
    uint64_t latency[LATENCY_BUCKETS], count[COUNTERS_READ];
    uint64_t runs = view_latency(s, latency);
    counters_read(s, runs, count);
    json_object_quoted(t, v->name);
    json_string(t, "kind", v->kind);
    json_string(t, "target", v->target);
    entry_status(t, s, v->known ? status_name(v->status) : "unknown",
                 atomic_load_explicit(&s->status_since_ms, memory_order_relaxed));
    entry_counters(t, count, OBJECT_EVERY);
    entry_counters_by_reason(t, s);
    json_object(t, "duration_ms");
    entry_number(t, "last", runs ? check_slot_took_ns(s) / 1000 : -1, 3);
    entry_durations(t, s, latency, count);
    json_close(t, '}');
    json_close(t, '}');
}
