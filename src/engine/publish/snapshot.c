/* SPDX-License-Identifier: MIT */
#include "engine/publish/snapshot_entry.h"

#include "base/clock.h"
#include "base/sizes.h"
#include "engine/board/status.h"

/* Per host: 39 lines of metrics of at most 600 bytes; the JSON needs less. Notes: labels
 * and what is shown in metrics. */
#define HOST_BYTES  24576
#define NOTES_BYTES 960
#define BASE_BYTES  65536
#define NOT_KNOWN   255 /* in place of a status */

static size_t room_for(const struct board *b, size_t host_bytes)
{
    size_t used = view_count(b) + 16; /* some may come while it is written */
    return BASE_BYTES + board_size(b) + used * host_bytes;
}

size_t snapshot_size(const struct board *b)
{
    return room_for(b, HOST_BYTES + NOTES_BYTES);
}

size_t snapshot_room(const struct board *b)
{
    return room_for(b, NOTES_BYTES);
}

static void render_coverage(struct text *t, const struct snapshot_context *c)
{
    const struct board_header *h = c->board->header;
    json_object(t, "coverage");
    json_array(t, "hooks");
    for (const char *const *hook = c->hooks; hook && *hook; hook++)
        json_element(t, *hook);
    json_close(t, ']');
    json_array(t, "libcurl");
    if (c->libcurls)
        c->libcurls(t);
    json_close(t, ']');
#define MEMBER(WORD, KEY, ...)                                                                     \
    if (*KEY)                                                                                      \
        json_u64(t, KEY, atomic_load(&h->WORD));
    COUNTERS_OF_HEADER(MEMBER)
#undef MEMBER
    json_close(t, '}');
}

static void render_overall(struct text *t, const struct snapshot_context *c,
                           const unsigned char *status)
{
    char name[VIEW_NAME_SIZE];
    struct overall all = {0};
    for (uint32_t i = 0; i < board_size(c->board); i++)
        if (status[i] && status[i] != NOT_KNOWN)
            view_add(&all, status[i] - 1);
    enum health_status overall = view_overall(&all);
    json_string(t, "overall_status", status_name(overall));
    json_bool(t, "healthy", overall == STATUS_HEALTHY);
    json_array(t, "failed");
    for (uint32_t i = 0; i < board_size(c->board); i++) {
        if (status[i] == 1 + STATUS_UNHEALTHY && view_name(c->board, i, c->now_ns, name))
            json_element(t, name);
    }
    json_close(t, ']');
}

/* As it is noted: 0 is nothing to be shown. */
static unsigned char status_code(const struct snapshot_context *c, uint32_t i)
{
    char name[VIEW_NAME_SIZE];
    struct check_view check;
    const struct slot *s = view_host(c->board, i, name);
    if (s)
        return (unsigned char)(1 + view_status(s, c->now_ns));
    if (!view_check(c->board, i, c->now_ns, &check))
        return 0;
    return check.known ? (unsigned char)(1 + check.status) : NOT_KNOWN;
}

static void render_entry(struct text *t, const struct snapshot_context *c, uint32_t i,
                         unsigned char status, struct totals *sum)
{
    char name[VIEW_NAME_SIZE];
    struct check_view check;
    const struct slot *s = view_host(c->board, i, name);
    if (s) {
        entry_host(t, c, s, name, (enum health_status)(status - 1), sum);
    } else if ((s = view_check(c->board, i, c->now_ns, &check))) {
        check.known = status != NOT_KNOWN;
        check.status = check.known ? (enum health_status)(status - 1) : check.status;
        entry_check(t, s, &check);
    }
}

void snapshot_render(struct text *t, const struct snapshot_context *c)
{
    struct totals sum = {0};
    uint32_t n = board_size(c->board);

    /* The end of the room holds each slot's status, read once: status + 1, 0 for no entry. So the
     * parts of the document agree with each other although the board moves on. */
    if (t->cap < n + 1) {
        t->full = true;
        return;
    }
    size_t cap = t->cap;
    t->cap -= n;
    unsigned char *status = (unsigned char *)t->p + t->cap;
    if (t->drain && t->cap > SNAPSHOT_WINDOW_BYTES) /* it stays in the cache */
        t->cap = SNAPSHOT_WINDOW_BYTES;
    for (uint32_t i = 0; i < n; i++)
        status[i] = status_code(c, i);

    json_open(t, '{');
    json_string(t, "schema", "harden.health/1");
    json_string(t, "service", c->service);
    json_fixed(t, "pid", c->pid, 0);
    json_u64(t, "seq", c->seq);
    entry_time(t, "time", c->wall_ns / NS_PER_MS);
    entry_time(t, "expires", (c->wall_ns + 3 * c->interval_ns) / NS_PER_MS);
    render_overall(t, c, status);
    json_object(t, "checks");
    for (uint32_t i = 0; i < n; i++)
        if (status[i])
            render_entry(t, c, i, status[i], &sum);
    json_close(t, '}');
    json_object(t, "totals");
#define MEMBER(NAME, KEY) json_u64(t, KEY, sum.of[TOTAL_##NAME]);
    TOTALS(MEMBER)
#undef MEMBER
    json_u64(t, "hosts", sum.hosts);
    json_close(t, '}');
    render_coverage(t, c);
    json_close(t, '}');
    json_end(t);
    t->cap = cap;
}
