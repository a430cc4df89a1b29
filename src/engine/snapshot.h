/* SPDX-License-Identifier: MIT
 *
 * The board as health.json (schema harden.health/1) and metrics.prom (metrics.h). Rendering reads
 * the board without stopping anybody; each number is one atomic read. Writing goes to a temporary
 * file next to the target (O_EXCL, O_NOFOLLOW, 0600), then rename: a reader never sees half a file.
 */
#ifndef ENGINE_SNAPSHOT_H
#define ENGINE_SNAPSHOT_H

#include "base/text.h"
#include "engine/board.h"
#include "engine/config.h"

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
    void (*libcurls)(struct text *t); /* appends the JSON array's elements; may be NULL */
};

/* Bytes that are certainly enough for this board, for one buffer. */
size_t snapshot_size(const struct board *b);
void snapshot_render(struct text *t, const struct snapshot_context *c);
void metrics_render(struct text *t, const struct snapshot_context *c);
/* 0 or -errno. */
int snapshot_write(const char *path, const char *p, size_t n);

#endif
