/* SPDX-License-Identifier: MIT */
#include "engine/board/status.h"
#include "engine/check/run.h"
#include "engine/publish/snapshot_entry.h"

void entry_check(struct text *t, const struct slot *s, const struct check_view *v)
{
    uint64_t latency[LATENCY_BUCKETS];
    uint64_t runs = view_latency(s, latency);
    json_object_quoted(t, v->name);
    json_string(t, "kind", v->kind);
    json_string(t, "target", v->target);
    entry_status(t, s, v->known ? status_name(v->status) : "unknown");
    json_u64(t, "attempts", runs);
    json_u64(t, "successes", slot_counter(s, COUNT_SUCCESSES));
    json_u64(t, "failures", slot_counter(s, COUNT_FAILURES));
    entry_failures_by(t, s);
    json_object(t, "duration_ms");
    entry_number(t, "last", runs ? check_last_ns(s) / 1000 : -1, 3);
    entry_durations(t, s, latency, runs);
    json_close(t, '}');
    json_close(t, '}');
}
