/* SPDX-License-Identifier: MIT
 *
 * What the parts of the JSON snapshot share: members of an object, each ended in a comma, and what
 * hosts and checks have in common. snapshot.c, snapshot_check.c. */
#ifndef ENGINE_PUBLISH_SNAPSHOT_ENTRY_H
#define ENGINE_PUBLISH_SNAPSHOT_ENTRY_H

#include "base/text.h"
#include "engine/board/view.h"
#include "engine/publish/snapshot.h"

static inline void put_key(struct text *t, const char *key)
{
    text_put(t, "\"");
    text_put(t, key);
    text_put(t, "\":");
}

static inline __attribute__((always_inline)) void put_count(struct text *t, const char *key,
                                                            uint64_t v)
{
    put_key(t, key);
    text_u64(t, v);
    text_put(t, ",");
}

static inline void put_word(struct text *t, const char *key, const char *word)
{
    put_key(t, key);
    text_json(t, word);
    text_put(t, ",");
}

static inline void open_object(struct text *t, const char *key)
{
    put_key(t, key);
    text_put(t, "{");
}

/* Each member ended in a comma; the last one's is taken back. */
static inline void close_with(struct text *t, const char *end)
{
    if (t->n && t->p[t->n - 1] == ',')
        t->p[--t->n] = '\0';
    text_put(t, end);
}

/* v / 10^decimals; a negative one is unknown. */
void put_decimal(struct text *t, const char *key, int64_t v, int decimals);
/* status NULL: not known. */
void render_status(struct text *t, const struct slot *s, const char *status);
void render_failures_by(struct text *t, const struct slot *s);
/* The members of duration_ms. */
void render_durations(struct text *t, const struct slot *s, const uint64_t counts[LATENCY_BUCKETS],
                      uint64_t n);
/* An active check's entry, with its comma. known: it has had a result. */
void render_check(struct text *t, const struct slot *s, const struct check_view *v);

#endif
