/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "cli/host_filter.h"
#include "cli/host_list.h"
#include "cli/request_rate.h"
#include "cli/status_layout.h"
#include "cli/status_rows.h"
#include "cli/table.h"
#include "engine/board/pause.h"
#include "engine/board/status.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#define T(s) ((s) * NS_PER_S)

static bool is(const char *text, const char *expected)
{
    bool same = strcmp(text, expected) == 0;
    if (!same)
        fprintf(stderr, "it is: %s\n", text);
    return same;
}

/* ---- names ----------------------------------------------------------------------------------- */

Test(table, a_long_name_is_shortened_in_the_middle)
{
    char out[TABLE_CELL];
    cr_assert(is(table_shorten("api.example.com", 15, out), "api.example.com"));
    cr_assert(is(table_shorten("api.example.com", 14, out), "api.e...le.com"));
    cr_assert(is(table_shorten("ip-10-20-30-40.eu-central-1.compute.internal:8443", 30, out),
                 "ip-10-20-30-40.eu-...rnal:8443"));
    cr_assert(is(table_shorten("[2001:db8::17]:9200", 12, out), "[200...:9200"));
    cr_assert(is(table_shorten("api.example.com", 4, out), "a.om"));
    cr_assert(is(table_shorten("api.example.com", 1, out), "m"));
    cr_assert(is(table_shorten("", 1, out), ""));
}

/* ---- widths ---------------------------------------------------------------------------------- */

static const char *const names[] = {
    "api.example.com",
    "a-rather-long-name-of-a-host.eu-central-1.compute.cloud.example.com:8443",
    "[2001:db8:1234:5678:9abc:def0:1234:5678]:9200",
    "xn--mnchen-3ya.example",
};

static struct host some_hosts[4];

static struct table hosts_table(bool per_s, bool colours)
{
    for (int i = 0; i < 4; i++) {
        struct host *h = &some_hosts[i];
        *h = (struct host){.p50_ns = T(1), .p99_ns = T(12), .limited = true, .burst = 100};
        strcpy(h->name, names[i]);
        h->status = (enum health_status)(i % 3);
        h->count[COUNT_REQUESTS] = h->count[COUNT_SUCCESSES] = 123456789ULL << (10 * i);
        h->count[COUNT_WAITED_NS] = (uint64_t)T(389);
    }
    return status_rows_of_hosts(some_hosts, 4, per_s, colours);
}

static char *text_of(struct table *t, int window)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    table_fit(t, window);
    table_title(f, t);
    for (uint32_t i = 0; i < t->n; i++)
        table_row(f, t, i);
    fclose(f);
    return text;
}

static void each_line_fits(const char *text, int window)
{
    for (const char *at = text; *at; at = strchr(at, '\n') + 1)
        cr_assert(le(int, (int)strcspn(at, "\n"), window), "%d: %s", window, text);
}

Test(table, no_line_is_longer_than_the_window)
{
    for (int window = 1; window < 260; window++) {
        struct table t = hosts_table(true, false);
        char *text = text_of(&t, window);
        each_line_fits(text, window);
        free(text);
    }
}

Test(table, columns_are_dropped_in_the_order_of_their_importance)
{
    static const char *const order[] = {"P50", "TOKENS",   "RETRIES", "REJECTED", "WAITED",
                                        "P99", "REQUESTS", "REQ/S",   "SUCCESS",  "BREAKER"};
    size_t dropped = 0;
    for (int window = 260; window > 20; window--) {
        struct table t = hosts_table(true, false);
        char *text = text_of(&t, window), *title = strndup(text, strcspn(text, "\n"));
        while (dropped < 10 && !strstr(title, order[dropped]))
            dropped++;
        for (size_t i = 0; i < 10; i++)
            cr_assert(eq(int, strstr(title, order[i]) != NULL, i >= dropped), "%d: %s", window,
                      title);
        cr_assert(strstr(title, "STATUS") != NULL);
        free(title);
        free(text);
    }
    cr_assert(eq(sz, dropped, 10));
}

Test(table, a_wide_window_shows_names_and_columns_whole)
{
    struct table t = hosts_table(true, false);
    char *wide = text_of(&t, 400);
    struct table u = hosts_table(true, false);
    char *whole = text_of(&u, 0);
    cr_assert(is(wide, whole));
    for (int i = 0; i < 4; i++)
        cr_assert(strstr(whole, names[i]) != NULL);
    free(wide);
    free(whole);
}

Test(table, only_repeated_views_have_a_rate)
{
    struct table t = hosts_table(false, false);
    char *text = text_of(&t, 0);
    cr_assert(strstr(text, "REQ/S") == NULL);
    free(text);
}

/* Colours take no room, and repeat what a word says. */
Test(table, without_its_colours_a_table_is_the_same)
{
    struct table t = hosts_table(true, true), u = hosts_table(true, false);
    char *coloured = text_of(&t, 60), *plain = text_of(&u, 60), *to = coloured;
    cr_assert(strstr(coloured, "\033[31munhealthy\033[0m") != NULL);
    for (const char *at = coloured; *at; at++) {
        if (*at == '\033')
            at = strchr(at, 'm');
        else
            *to++ = *at;
    }
    *to = '\0';
    cr_assert(is(coloured, plain));
    free(coloured);
    free(plain);
}

/* ---- height ---------------------------------------------------------------------------------- */

static uint32_t height(struct status_layout l)
{
    uint32_t extra = 1 + l.gaps;
    return 1 + l.lines + (l.hosts ? extra + l.hosts : 0) + (l.checks ? extra + l.checks : 0) +
           l.last;
}

Test(layout, it_is_never_higher_than_the_window)
{
    static const uint32_t counts[] = {0, 1, 2, 5, 20, 60, 1000};
    for (uint32_t rows = 1; rows < 90; rows++)
        for (int i = 0; i < 7 * 7 * 7 * 2; i++) {
            struct status_layout want = {.lines = counts[i % 7],
                                         .hosts = counts[i / 7 % 7],
                                         .checks = counts[i / 49 % 7],
                                         .last = i / 343},
                                 l = status_layout_fit(rows, want);
            cr_assert(le(u32, height(l), rows), "%u rows, case %d", rows, i);
            bool hidden = l.lines < want.lines || l.hosts < want.hosts || l.checks < want.checks;
            cr_assert(le(u32, l.hosts, want.hosts));
            cr_assert(l.last || rows == 1 || !(hidden || want.last), "%u rows, case %d", rows, i);
        }
}

Test(layout, without_a_window_everything_is_shown)
{
    struct status_layout l =
        status_layout_fit(0, (struct status_layout){.lines = 9, .hosts = 1000, .checks = 50});
    cr_assert(eq(u32, l.lines, 9));
    cr_assert(eq(u32, l.hosts, 1000));
    cr_assert(eq(u32, l.checks, 50));
    cr_assert(not(l.last));
}

Test(layout, in_a_usual_window_most_lines_are_hosts)
{
    struct status_layout l =
        status_layout_fit(24, (struct status_layout){.lines = 9, .hosts = 60, .checks = 10});
    cr_assert(eq(u32, l.lines, 6));
    cr_assert(eq(u32, l.checks, 4));
    cr_assert(eq(u32, l.hosts, 8));
    cr_assert(l.last);
    l = status_layout_fit(4, (struct status_layout){.lines = 9, .hosts = 60});
    cr_assert(eq(u32, l.hosts, 1));
}

/* ---- which hosts ----------------------------------------------------------------------------- */

static bool selects(const char *pattern, const char *name)
{
    struct host_filter f;
    char why[256];
    cr_assert(host_filter_parse(&f, pattern, why, sizeof why), "%s: %s", pattern, why);
    return host_filter_selects(&f, name);
}

Test(filter, it_is_a_pattern_as_in_a_section)
{
    cr_assert(selects("api.example.com", "api.example.com"));
    cr_assert(selects("API.example.com", "api.example.com:8443"));
    cr_assert(selects("*.example.com", "api.example.com:8443"));
    cr_assert(not(selects("*.example.com", "example.com")));
    cr_assert(selects("*:8443", "api.example.com:8443"));
    cr_assert(not(selects("*:8443", "api.example.com")));
    cr_assert(selects("api.example.com:443", "api.example.com"));
    cr_assert(not(selects("api.example.com:443", "api.example.com:8443")));
    cr_assert(selects("10.0.0.0/8", "10.1.2.3:5432"));
    cr_assert(not(selects("10.0.0.0/8", "11.1.2.3")));
    cr_assert(selects("[2001:db8::17]", "[2001:db8::17]:9200"));
    cr_assert(selects("münchen.example", "xn--mnchen-3ya.example"));
    cr_assert(selects("db", "db"));
    cr_assert(selects("unix:/run/app.sock", "unix:/run/app.sock"));
}

Test(filter, a_place_belongs_to_its_name)
{
    cr_assert(selects("api.example.com", "api.example.com via itself"));
    cr_assert(selects("api.example.com", "api.example.com via backup.example.com:8443"));
    cr_assert(selects("*:8443", "api.example.com:8443 via itself"));
    cr_assert(not(selects("backup.example.com", "api.example.com via backup.example.com")));
    cr_assert(selects("*", "api.example.com via itself"));
}

Test(filter, a_marked_name_selects_its_host)
{
    cr_assert(selects("m%C3%BCnchen~05B1C9", "m%C3%BCnchen~05B1C9"));
    cr_assert(not(selects("m%C3%BCnchen~05B1C9", "m%C3%BCnchen~05B1CA")));
    cr_assert(selects("*", "m~05B1C9"));
    cr_assert(selects("*", "m%C3%BCnchen%1B[31m.de~05B1C9"));
}

Test(filter, a_path_is_refused)
{
    struct host_filter f;
    char why[256];
    cr_assert(not(host_filter_parse(&f, "api.example.com/v1", why, sizeof why)));
    cr_assert(strstr(why, "without a path") != NULL);
}

/* ---- order ----------------------------------------------------------------------------------- */

static struct slot *add(struct board *b, const char *name, uint64_t good, uint64_t bad)
{
    struct slot *s = board_slot(b, board_host_key(name, 0), name, SLOT_HOST, T(1));
    slot_count(s, COUNT_REQUESTS, good + bad);
    slot_count(s, COUNT_SUCCESSES, good);
    slot_count(s, COUNT_FAILURES, bad);
    return s;
}

static void open_circuit(struct slot *s)
{
    const struct policy p = {.breaker_failures = 1,
                             .breaker_open_ns = T(3600),
                             .breaker_max_open_ns = T(3600),
                             .breaker_successes = 1};
    breaker_report(&s->breaker, &p, &(struct breaker_result){.results = 1}, T(1), 0);
}

Test(order, the_worst_comes_first)
{
    static const char *const expected[] = {"sick",  "refused-paused", "refused", "paused",
                                           "shaky", "failing",        "busy",    "calm"};
    struct board *b = board_open(NULL, 256, NULL);
    enum health_status status;
    uint32_t n;
    add(b, "calm", 10, 0);
    add(b, "busy", 900, 0);
    add(b, "failing", 90, 10);
    struct slot *shaky = add(b, "shaky", 10, 0);
    status_result(shaky, false, 1, 1, 5, &status);
    status_result(shaky, true, 1, 9, 5, &status);
    pause_raise(add(b, "paused", 10, 0), T(60), true, 429, "Retry-After: 60", T(1));
    open_circuit(add(b, "refused", 10, 0));
    struct slot *both = add(b, "refused-paused", 10, 0);
    pause_raise(both, T(60), true, 429, "Retry-After: 60", T(1));
    open_circuit(both);
    status_result(add(b, "sick", 1, 0), false, 1, 1, 5, &status);
    struct host *h = host_list_read(b, T(2), &n);
    cr_assert(eq(u32, n, 8));
    for (int i = 0; i < 8; i++)
        cr_assert(is(h[i].name, expected[i]), "%d", i);
    free(h);
    board_close(b);
}

/* ---- requests per second --------------------------------------------------------------------- */

static double near(double x, double y)
{
    return x > y - 1e-6 && x < y + 1e-6;
}

Test(rates, they_are_what_was_counted_between_two_readings)
{
    struct board *b = board_open(NULL, 16, NULL);
    struct request_rates r = {0};
    uint32_t n;
    struct slot *a = add(b, "a", 100, 0);
    struct slot *p = board_slot(b, 2, "proxy", SLOT_PROXY, T(1));
    struct host *h = host_list_read(b, T(2), &n);
    request_rates_read(&r, b, h, n, T(2));
    cr_assert(h[0].per_s < 0 && r.per_s < 0, "nothing is known at first");
    free(h);

    slot_count(a, COUNT_REQUESTS, 30);
    slot_count(p, COUNT_REQUESTS, 30);
    add(b, "new", 6, 0);
    h = host_list_read(b, T(5), &n);
    request_rates_read(&r, b, h, n, T(5));
    for (uint32_t i = 0; i < n; i++)
        cr_assert(near(h[i].per_s, strcmp(h[i].name, "new") ? 10 : 2), "%s", h[i].name);
    cr_assert(near(r.per_s, 12), "a proxy's requests are those of its hosts");
    cr_assert(eq(i64, r.over_ns, T(3)));
    free(h);

    h = host_list_read(b, T(5) + NS_PER_S / 10, &n);
    request_rates_read(&r, b, h, n, T(5) + NS_PER_S / 10);
    cr_assert(near(r.per_s, 12) && r.over_ns == T(3), "soon after, nothing changes");
    cr_assert(near(h[n - 1].per_s, strcmp(h[n - 1].name, "new") ? 10 : 2));
    free(h);
    request_rates_free(&r);
    board_close(b);
}

Test(rates, after_a_reset_they_are_unknown_once)
{
    struct board *b = board_open(NULL, 16, NULL);
    struct request_rates r = {0};
    uint32_t n;
    struct slot *a = add(b, "a", 100, 0);
    for (int step = 0; step < 4; step++) {
        struct host *h = host_list_read(b, T(2 + step), &n);
        request_rates_read(&r, b, h, n, T(2 + step));
        bool known = step == 1 || step == 3;
        cr_assert(eq(int, h[0].per_s >= 0, known), "%d", step);
        cr_assert(eq(int, r.per_s >= 0, known), "%d", step);
        free(h);
        if (step == 1) {
            board_keep_counts(b, a);
            slot_reset(a);
            slot_count(a, COUNT_REQUESTS, 500);
        }
    }
    request_rates_free(&r);
    board_close(b);
}

static void sample(struct board *b, uint64_t requests, int64_t at_ns)
{
    history_add(b->history, true, (const uint64_t[HISTORY_SUMS]){[SUM_REQUESTS] = requests}, at_ns);
}

Test(rates, the_history_tells_that_of_the_last_minute)
{
    struct board *b = board_open(NULL, 16, NULL);
    int64_t over_ns = 0;
    uint32_t n;
    add(b, "a", 100, 0);
    struct host *h = host_list_read(b, T(1000), &n);
    cr_assert(request_rate_of_history(b, h, n, T(1000), &over_ns) < 0, "it is empty");
    sample(b, 1, T(600));
    cr_assert(request_rate_of_history(b, h, n, T(1000), &over_ns) < 0, "it is old");
    sample(b, 80, T(930));
    sample(b, 90, T(938));
    sample(b, 95, T(960));
    sample(b, 99, T(999));
    cr_assert(near(request_rate_of_history(b, h, n, T(1000), &over_ns), 10. / 62));
    cr_assert(eq(i64, over_ns, T(62)));
    sample(b, 9999, T(939));
    cr_assert(request_rate_of_history(b, h, n, T(1000), &over_ns) >= -1, "it is damaged");
    free(h);
    board_close(b);
}
