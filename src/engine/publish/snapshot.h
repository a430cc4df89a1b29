/* SPDX-License-Identifier: MIT
 *
 * Renders the board as health.json (schema harden.health/1, conf/health.schema.json) and as
 * metrics.prom. Which counters are in them is the table of board/counters.h.
 *
 *     char *buffer = malloc(snapshot_size(board));
 *     struct text t = {.p = buffer, .cap = snapshot_size(board)};
 *     snapshot_render(&t, &(struct snapshot_context){.board = board, ...});      t.full: no room
 *
 * Invariants:
 *   - Rendering only reads the board and stops no writer: each number is one atomic read. Counters and
 *     statuses are read once for a document, so that its parts agree with each other.
 *   - An unknown value is null, never a made-up number: last_success, last_failure and since before the
 *     first of them; last_error; paused_until and paused_by without a pause; mean, p50, p95, p99 and max
 *     before the first attempt; limit, window_s and available of "rate" without a limit. The counters of
 *     "rate" are numbers even then, because a server's hint makes requests wait too.
 *   - A host that is recovering or paused, whose circuit is not closed, or whose error budget burns fast, is
 *     degraded: overall_status is degraded then, but the host is not in "failed". If only a part of it is paused, it is not degraded.
 *   - An active check (check/run.h) is an entry without the members that only requests have. Its status
 *     is "unknown" before the first result and does not count then. "totals", and all metrics but
 *     harden_health_status, leave checks out.
 *   - The labels of a metric are those of the board: user, board, host. What is of one program only, such
 *     as `service`, is in harden_service_info, because programs take turns to write the file.
 *   - Each counter in metrics.prom only grows. harden_requests_total has the requests that are settled;
 *     those under way, refused, or ended by the program itself are in "requests" of health.json only.
 *
 * Threads and processes: any, each with a text of its own. Allocates nothing. */
#ifndef ENGINE_PUBLISH_SNAPSHOT_H
#define ENGINE_PUBLISH_SNAPSHOT_H

#include "base/text.h"
#include "engine/board/board.h"

#include <stdint.h>

struct snapshot_context {
    const struct board *board;
    unsigned user;     /* whose board it is */
    const char *place; /* of the board (place.h); NULL: the usual one of this user */
    /* Of the program that renders: */
    const char *service;
    enum mode mode;
    int pid;
    uint64_t seq;
    int64_t now_ns; /* monotonic, as all times on the board */
    int64_t wall_ns;
    int64_t interval_ns;              /* "expires" is the time plus three of these */
    const char *const *hooks;         /* names, NULL-terminated */
    void (*libcurls)(struct text *t); /* appends elements (json.h); may be NULL */
};

/* The size of a buffer for a whole document of either kind, with room for some new hosts; and of one for
 * a text that is drained to a file while it is rendered. */
size_t snapshot_size(const struct board *b);
size_t snapshot_room(const struct board *b);
/* Both keep what they have read at the end of the buffer. Too small a buffer sets t->full. */
void snapshot_render(struct text *t, const struct snapshot_context *c);
void metrics_render(struct text *t, const struct snapshot_context *c);

#endif
