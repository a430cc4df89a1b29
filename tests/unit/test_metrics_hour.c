/* SPDX-License-Identifier: MIT
 *
 * An hour of a board that two programs share, which take turns to write metrics.prom. It is scraped every
 * 15 seconds. Each counter, with each of its labels, is then compared with what was counted: a rate over
 * any window is right iff each series is in each scrape, and grows by what has happened since the last. */
#include "base/clock.h"
#include "base/compiler.h"
#include "engine/board/board.h"
#include "engine/publish/snapshot.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START    (1000 * NS_PER_S)
#define SCRAPE   (15 * NS_PER_S)
#define SCRAPES  240
#define HOSTS    3
#define SERIES   512
#define NAMELESS 200 /* of a series */

/* ---- what was counted ------------------------------------------------------------------------- */

struct series {
    char name[NAMELESS];
    double counted, shown, last; /* since the first scrape; the value now; at the last scrape */
    bool present;
};
static struct series series[SERIES];
static size_t series_count;

static struct series *series_of(const char *name)
{
    for (size_t i = 0; i < series_count; i++)
        if (!strcmp(series[i].name, name))
            return &series[i];
    cr_assert_lt(series_count, (size_t)SERIES);
    cr_assert_lt(strlen(name), (size_t)NAMELESS);
    strcpy(series[series_count].name, name);
    return &series[series_count++];
}

/* By `n`, for a host. more: labels, "" or ",NAME=VALUE". */
static void expect(const char *metric, int host, const char *more, double n)
{
    char name[NAMELESS];
    snprintf(name, sizeof name, "harden_%s{user=\"1000\",host=\"%c.example\"%s}", metric,
             'a' + host, more);
    series_of(name)->counted += n;
}

static const char *label(const char *name, const char *value)
{
    static char text[80];
    snprintf(text, sizeof text, ",%s=\"%s\"", name, value);
    return text;
}

/* ---- what happens ----------------------------------------------------------------------------- */

static struct board *board;

static unsigned next_random(unsigned below)
{
    static uint64_t x = 0x9e3779b97f4a7c15;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)(x >> 33) % below;
}

static void attempt(struct slot *s, int host)
{
    static const char *const limits[] = {"0.005", "0.01", "0.025", "0.05", "0.075",
                                         "0.1",   "0.25", "0.5",   "0.75", "1",
                                         "2.5",   "5",    "7.5",   "10",   "+Inf"};
    int64_t ms = next_random(20000);
    slot_attempt(s, ms * NS_PER_MS);
    expect("request_duration_seconds_sum", host, "", (double)ms / 1000);
    expect("request_duration_seconds_count", host, "", 1);
    for (size_t i = 0; i < array_size(limits); i++)
        if (limits[i][0] == '+' || (double)ms / 1000 <= strtod(limits[i], NULL))
            expect("request_duration_seconds_bucket", host, label("le", limits[i]), 1);
}

static void failed_attempt(struct slot *s, int host)
{
    attempt(s, host);
    atomic_fetch_add(&s->failed_attempts, 1);
    expect("attempts_total", host, label("result", "failure"), 1);
}

static void succeed(struct slot *s, int host)
{
    attempt(s, host);
    slot_count(s, COUNT_REQUESTS, 1);
    slot_count(s, COUNT_SUCCESSES, 1);
    expect("requests_total", host, label("outcome", "success"), 1);
    expect("attempts_total", host, label("result", "success"), 1);
}

static void fail(struct slot *s, int host)
{
    enum reason_group g = next_random(REASON_GROUPS);
    failed_attempt(s, host);
    slot_count(s, COUNT_FAILURES, 1);
    atomic_fetch_add(&s->failures_by[g], 1);
    expect("failures_total", host, label("reason", reason_group_name(g)), 1);
    expect("requests_total", host, label("outcome", "failure"), 1);
}

static void repeat(struct slot *s, int host)
{
    enum reason_group g = next_random(REASON_GROUPS);
    failed_attempt(s, host);
    slot_count(s, COUNT_RETRIES, 1);
    atomic_fetch_add(&s->retries_by[g], 1);
    expect("retries_total", host, label("reason", reason_group_name(g)), 1);
}

static void wait_for_token(struct slot *s, int host)
{
    unsigned ms = next_random(5000);
    slot_count(s, COUNT_WAITED, 1);
    slot_count(s, COUNT_WAITED_NS, (uint64_t)ms * NS_PER_MS);
    expect("rate_limited_total", host, label("action", "waited"), 1);
    expect("rate_wait_seconds_total", host, "", ms / 1000.0);
}

static void refuse(struct slot *s, int host)
{
    bool by_breaker = next_random(2);
    slot_count(s, by_breaker ? COUNT_BREAKER_REJECTED : COUNT_RATE_REJECTED, 1);
    if (by_breaker)
        expect("breaker_rejected_total", host, "", 1);
    else
        expect("rate_limited_total", host, label("action", "rejected"), 1);
}

static void deny(struct slot *s, int host)
{
    slot_count(s, COUNT_BUDGET_DENIED, 1);
    expect("retry_budget_denied_total", host, "", 1);
}

static void answer_late(struct slot *s, int host)
{
    slot_count(s, COUNT_SLOW, 1);
    expect("slow_attempts_total", host, "", 1);
}

static void observe(struct slot *s, int host)
{
    static const struct {
        enum counter counter;
        const char *action;
    } would[] = {{COUNT_WAITED, "wait"},
                 {COUNT_RATE_REJECTED, "reject"},
                 {COUNT_BREAKER_REJECTED, "reject"},
                 {COUNT_RETRIES, "retry"}};
    struct slot *o = board_find(board, board_observed_key(s->key));
    unsigned i = next_random(array_size(would)), ms = next_random(5000);
    slot_count(o, would[i].counter, 1);
    slot_count(o, COUNT_WAITED_NS, (uint64_t)ms * NS_PER_MS);
    expect("observed_total", host, label("action", would[i].action), 1);
    expect("observed_wait_seconds_total", host, "", ms / 1000.0);
}

static void fail_inside(struct slot *s, int host)
{
    (void)s, (void)host;
    atomic_fetch_add(&board->header->internal_errors, 1);
    series_of("harden_internal_errors_total{user=\"1000\"}")->counted++;
}

static void (*const happenings[])(struct slot *, int) = {
    succeed, fail, repeat, wait_for_token, refuse, deny, answer_late, observe, fail_inside};

/* ---- a scrape --------------------------------------------------------------------------------- */

static bool is_counter(const char *text, const char *name)
{
    char type[NAMELESS];
    size_t n = strcspn(name, "{");
    static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};
    for (size_t i = 0; i < array_size(suffixes); i++) {
        size_t k = strlen(suffixes[i]);
        if (n <= k || strncmp(name + n - k, suffixes[i], k))
            continue;
        snprintf(type, sizeof type, "\n# TYPE %.*s %s\n", (int)(n - k), name,
                 k ? "histogram" : "counter");
        if (strstr(text, type))
            return true;
    }
    return false;
}

static void scrape(const struct snapshot_context *c)
{
    size_t size = snapshot_size(board);
    struct text t = {.p = malloc(size), .cap = size};
    metrics_render(&t, c);
    cr_assert_not(t.full);
    char *copy = strdup(t.p), *save;
    for (size_t i = 0; i < series_count; i++)
        series[i].present = false;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (*line == '#' || !is_counter(t.p, line))
            continue;
        char *value = strrchr(line, ' ');
        *value++ = '\0';
        struct series *one = series_of(line);
        cr_assert_not(one->present, "%s: twice in one scrape", line);
        one->present = true;
        one->shown = strtod(value, NULL);
    }
    free(copy);
    free(t.p);
}

static void compare(int number)
{
    for (size_t i = 0; i < series_count; i++) {
        struct series *one = &series[i];
        double grown = one->shown - one->last, off = grown - one->counted;
        cr_assert(one->present, "scrape %d lacks %s", number, one->name);
        if (number)
            cr_assert(off < 1e-5 && off > -1e-5, "scrape %d: %s grew by %f, not by %f", number,
                      one->name, grown, one->counted);
        one->last = one->shown;
        one->counted = 0;
    }
}

Test(metrics_hour, the_rate_of_each_counter_by_each_label_is_right_whoever_writes)
{
    struct slot *hosts[HOSTS];
    board = board_open(NULL, 64, NULL);
    for (int h = 0; h < HOSTS; h++) {
        char name[] = {(char)('a' + h), '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', '\0'};
        hosts[h] = board_slot(board, 5 + (uint64_t)h, name, SLOT_HOST, START);
        board_slot(board, board_observed_key(5 + (uint64_t)h), name, SLOT_OBSERVED, START);
    }
    int happened = 0;
    for (int i = 0; i <= SCRAPES; i++) {
        for (unsigned n = next_random(40); n; n--, happened++) {
            int h = (int)next_random(HOSTS);
            happenings[next_random(array_size(happenings))](hosts[h], h);
        }
        bool second = next_random(2);
        struct snapshot_context c = {.board = board,
                                     .user = 1000,
                                     .service = second ? "nightly" : "web",
                                     .mode = second ? MODE_OBSERVE : MODE_ENFORCE,
                                     .pid = second ? 4711 : 1234,
                                     .now_ns = START + i * SCRAPE,
                                     .wall_ns = 1769335200 * NS_PER_S + i * SCRAPE,
                                     .interval_ns = SCRAPE};
        scrape(&c);
        compare(i);
    }
    cr_assert_gt(happened, 3000);
    cr_assert_gt(series_count, (size_t)HOSTS * 30);
}
