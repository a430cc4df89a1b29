/* SPDX-License-Identifier: MIT */
#include "engine/board/status.h"
#include "engine/check/run.h"
#include "engine/publish/snapshot_entry.h"

void render_check(struct text *t, const struct slot *s, const struct check_view *v)
{
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t runs = view_latency(s, counts);
    text_json(t, v->name);
    text_put(t, ":{");
    put_word(t, "kind", v->kind);
    put_word(t, "target", v->target);
    render_status(t, s, v->known ? status_name(v->status) : "unknown");
    put_count(t, "attempts", runs);
    put_count(t, "successes", slot_counter(s, COUNT_SUCCESSES));
    put_count(t, "failures", slot_counter(s, COUNT_FAILURES));
    render_failures_by(t, s);
    open_object(t, "duration_ms");
    put_decimal(t, "last", runs ? check_last_ns(s) / 1000 : -1, 3);
    render_durations(t, s, counts, runs);
    close_with(t, "}");
    text_put(t, "},");
}
