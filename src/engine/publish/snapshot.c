/* SPDX-License-Identifier: MIT */
#include "engine/publish/snapshot_entry.h"

#include "base/clock.h"
#include "base/sizes.h"
#include "engine/board/status.h"
#include "engine/publish/metrics_host.h"

#include <stdalign.h>

/* For each host: 69 lines of metrics of at most 550 bytes (JSON needs less), and an entry of
 * metrics_host.h. */
#define HOST_BYTES  38400
#define ENTRY_BYTES 1056
#define BASE_BYTES  65536
_Static_assert(ENTRY_BYTES >
                   sizeof(struct metrics_host) + METRICS_LABELS_SIZE + alignof(struct metrics_host),
               "an entry fits");

/* state_code() of a slot that is not shown, and of a check without a result. */
enum { NOT_SHOWN = 0, NOT_KNOWN = 255 };

/* Others fit a byte, and are neither of these two. */
static unsigned char encode(struct view_state v)
{
    return (unsigned char)(1 + (unsigned)v.status + 4 * (unsigned)v.breaker + 16 * v.slo_burns);
}

static bool is_known(unsigned char code)
{
    return code != NOT_SHOWN && code != NOT_KNOWN;
}

static struct view_state decode(unsigned char code)
{
    unsigned n = code - 1U;
    return (struct view_state){.status = (enum health_status)(n % 4),
                               .breaker = (enum breaker_state)(n / 4 % 4),
                               .slo_burns = n / 16};
}

static size_t room_for(const struct board *b, size_t host_bytes)
{
    size_t used = view_count(b) + 16; /* new hosts may come meanwhile */
    return BASE_BYTES + board_size(b) + used * host_bytes;
}

size_t snapshot_size(const struct board *b)
{
    return room_for(b, HOST_BYTES + ENTRY_BYTES);
}

size_t snapshot_room(const struct board *b)
{
    return room_for(b, ENTRY_BYTES);
}

static void put_coverage(struct text *t, const struct snapshot_context *c)
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

static void put_overall_status(struct text *t, const struct snapshot_context *c,
                               const unsigned char *state)
{
    char name[VIEW_NAME_SIZE];
    struct overall all = {0};
    for (uint32_t i = 0; i < board_size(c->board); i++)
        if (is_known(state[i]))
            view_add(&all, decode(state[i]).status);
    enum health_status overall = view_overall(&all);
    json_string(t, "overall_status", status_name(overall));
    json_bool(t, "healthy", overall == STATUS_HEALTHY);
    json_array(t, "failed");
    for (uint32_t i = 0; i < board_size(c->board); i++) {
        if (is_known(state[i]) && decode(state[i]).status == STATUS_UNHEALTHY &&
            view_name(c->board, i, c->now_ns, name))
            json_element(t, name);
    }
    json_close(t, ']');
}

static unsigned char state_code(const struct snapshot_context *c, uint32_t i)
{
    char name[VIEW_NAME_SIZE];
    struct check_view check;
    const struct slot *s = view_host(c->board, i, name);
    if (s)
        return encode(view_state(c->board, s, c->now_ns));
    if (!view_check(c->board, i, c->now_ns, &check))
        return NOT_SHOWN;
    return check.known ? encode((struct view_state){.status = check.status}) : NOT_KNOWN;
}

static void put_entry(struct text *t, const struct snapshot_context *c, uint32_t i,
                      unsigned char state, struct totals *sum)
{
    char name[VIEW_NAME_SIZE];
    struct check_view check;
    const struct slot *s = view_host(c->board, i, name);
    if (s) {
        entry_host(t, c, s, name, decode(state), sum);
    } else if ((s = view_check(c->board, i, c->now_ns, &check))) {
        check.known = state != NOT_KNOWN;
        check.status = check.known ? decode(state).status : check.status;
        entry_check(t, s, &check);
    }
}

void snapshot_render(struct text *t, const struct snapshot_context *c)
{
    struct totals sum = {0};
    uint32_t n = board_size(c->board);

    /* Each slot's state is read once and kept at the end of the buffer, so that overall_status, failed
     * and the entries agree with each other although the board changes meanwhile. */
    if (t->cap < n + 1) {
        t->full = true;
        return;
    }
    size_t cap = t->cap;
    t->cap -= n;
    unsigned char *state = (unsigned char *)t->p + t->cap;
    if (t->drain && t->cap > SNAPSHOT_WINDOW_BYTES) /* stay in the cache */
        t->cap = SNAPSHOT_WINDOW_BYTES;
    for (uint32_t i = 0; i < n; i++)
        state[i] = state_code(c, i);

    json_open(t, '{');
    json_string(t, "schema", "harden.health/1");
    json_string(t, "service", c->service);
    json_string(t, "mode", mode_name(c->mode));
    json_fixed(t, "pid", c->pid, 0);
    json_u64(t, "seq", c->seq);
    entry_time(t, "time", c->wall_ns / NS_PER_MS);
    entry_time(t, "expires", (c->wall_ns + 3 * c->interval_ns) / NS_PER_MS);
    put_overall_status(t, c, state);
    json_object(t, "checks");
    for (uint32_t i = 0; i < n; i++)
        if (state[i] != NOT_SHOWN)
            put_entry(t, c, i, state[i], &sum);
    json_close(t, '}');
    json_object(t, "totals");
#define MEMBER(NAME, KEY) json_u64(t, KEY, sum.of[TOTAL_##NAME]);
    TOTALS(MEMBER)
#undef MEMBER
    json_u64(t, "hosts", sum.hosts);
    json_close(t, '}');
    put_coverage(t, c);
    json_close(t, '}');
    json_end(t);
    t->cap = cap;
}
