/* SPDX-License-Identifier: MIT
 *
 * The board as health.json (schema harden.health/1) and metrics.prom. Rendering reads
 * the board without stopping anybody; each number is one atomic read. Writing goes to a temporary
 * file next to the target (O_EXCL, O_NOFOLLOW, 0600), then rename: a reader never sees half a file.
 *
 * What is not known is null and never a made-up number: last_success, last_failure and since when
 * there was none; last_error; mean, p50, p95, p99 and max before the first attempt; limit, window_s
 * and available of `rate` where no limit is in force (its counters are there all the same, for a
 * server's Retry-After makes requests wait too). A host that is recovering, or whose circuit
 * is not closed, is degraded: it makes the whole degraded but is not in `failed`.
 *
 * An active check (check_run.h) is an entry like a host's, without what only requests have; its status
 * is "unknown" until there is a result, and counts for nothing then. totals and all metrics but
 * harden_health_status are without checks.
 *
 * harden_requests_total has the outcomes that are settled, so that each series only grows; requests
 * under way, refused, or ended by the program itself are in `requests` of health.json only. */
#ifndef ENGINE_PUBLISH_SNAPSHOT_H
#define ENGINE_PUBLISH_SNAPSHOT_H

#include "base/text.h"
#include "engine/board/board.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct snapshot_context {
    const struct board *board;
    const char *service;
    int pid;
    uint64_t seq;
    int64_t now_ns;
    int64_t wall_ns;
    int64_t interval_ns;              /* expires = time + 3 x interval */
    const char *const *hooks;         /* names, NULL-terminated */
    void (*libcurls)(struct text *t); /* appends elements (json.h); may be NULL */
};

/* Bytes that are certainly enough for either document as a whole, unless many hosts come meanwhile;
 * and bytes that are enough where the text is drained to a file while it is made. */
size_t snapshot_size(const struct board *b);
size_t snapshot_room(const struct board *b);
/* Both use the end of the room for notes of their own. */
void snapshot_render(struct text *t, const struct snapshot_context *c);
void metrics_render(struct text *t, const struct snapshot_context *c);

#endif
