/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "cli/error_text.h"
#include "cli/host_list.h"
#include "cli/liveness.h"
#include "cli/observed_text.h"
#include "cli/report/page.h"
#include "cli/report/plot.h"
#include "cli/report/scale.h"
#include "cli/report/series.h"
#include "cli/report/spans.h"
#include "engine/board/status.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
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

/* ---- text and numbers ------------------------------------------------------------------------ */

static char *written;
static size_t written_size;
static FILE *out;

static void open_out(void)
{
    out = open_memstream(&written, &written_size);
}

static void free_out(void)
{
    free(written);
}

static const char *text(void)
{
    fclose(out);
    return written;
}

TestSuite(page, .init = open_out, .fini = free_out);
TestSuite(plot, .init = open_out, .fini = free_out);

Test(page, text_is_escaped)
{
    page_text(out, "<script>alert(\"1\")</script>&'x'");
    cr_assert(is(text(), "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;x&#39;"));
}

Test(page, invalid_text_is_shown_as_unknown)
{
    page_text(out, "a\x01\x7f\xff\xc2\x85z\xc3\xa9\xe2\x82");
    cr_assert(
        is(text(),
           "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd"));
}

Test(page, exact_numbers_accompany_rounded_ones)
{
    page_count(out, 0);
    page_count(out, 999);
    page_count(out, 1234567);
    page_count(out, UINT64_MAX);
    cr_assert(is(text(), "<data value=\"0\">0</data><data value=\"999\">999</data>"
                         "<data value=\"1234567\">1,234,567</data>"
                         "<data value=\"18446744073709551615\">18,446,744,073,709,551,615</data>"));
}

Test(page, durations_have_a_suitable_unit)
{
    page_duration(out, 0);
    page_duration(out, 81250 * NS_PER_US);
    page_duration(out, 1234 * NS_PER_MS);
    page_duration(out, T(125));
    cr_assert(is(text(),
                 "<data value=\"0\">–</data><data value=\"81.25\">81 ms</data>"
                 "<data value=\"1234\">1.23 s</data><data value=\"125000\">125.0 s</data>"));
}

Test(page, times_are_utc_also_in_the_machine_readable_form)
{
    page_time(out, T(1769335205) + 123 * NS_PER_MS, TIME_SECONDS);
    page_time(out, T(1769908500), TIME_DAY);
    cr_assert(is(text(), "<time datetime=\"2026-01-25T10:00:05.123Z\">25 Jan 10:00:05</time>"
                         "<time datetime=\"2026-02-01T01:15:00.000Z\">1 Feb 01:15</time>"));
}

Test(page, numbers_have_significant_digits_only)
{
    static const struct {
        double v;
        const char *shown;
    } cases[] = {{0, "0"},       {.03125, "0.0312"}, {12.44, "12.4"},
                 {999.4, "999"}, {999.6, "1,000"},   {1234567.2, "1,234,567"}};
    char number[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(is(page_number(cases[i].v, number), cases[i].shown));
}

/* ---- scales ---------------------------------------------------------------------------------- */

Test(scale, ends_are_round_and_never_below_a_value)
{
    static const struct {
        double max, top, step;
        bool whole;
    } cases[] = {{37, 40, 10, false},     {40, 40, 10, false},      {41, 60, 20, false},
                 {.03, .03, .01, false},  {1, 1, 1, true},          {3, 3, 1, true},
                 {0, 1, 1, false},        {-5, 1, 1, false},        {NAN, 1, 1, false},
                 {INFINITY, 1, 1, false}, {1e19, 1e19, 5e18, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scale s = scale_value(cases[i].max, 4, cases[i].whole);
        cr_expect(fabs(s.top - cases[i].top) < 1e-9 * cases[i].top, "%g: top %g", cases[i].max,
                  s.top);
        cr_expect(fabs(s.step - cases[i].step) < 1e-9 * cases[i].step, "%g: step %g", cases[i].max,
                  s.step);
    }
    for (double v = 1e-6; v < 1e12; v *= 1.37) {
        struct scale s = scale_value(v, 4, false);
        cr_assert(s.top >= v * (1 - 1e-8) && s.top <= v * 2.6, "%g: %g", v, s.top);
        cr_assert(s.top / s.step < 4.01, "%g: %g steps", v, s.top / s.step);
    }
}

Test(scale, time_is_divided_into_clock_units)
{
    cr_assert(eq(i64, scale_time_step(T(120), 5), T(30)));
    cr_assert(eq(i64, scale_time_step(T(3600), 5), T(900)));
    cr_assert(eq(i64, scale_time_step(T(2 * 86400), 5), T(12 * 3600)));
    cr_assert(eq(i64, scale_time_step(T(100 * 86400LL), 5), T(21 * 86400LL)));
}

Test(scale, durations_have_a_logarithmic_scale)
{
    cr_assert(eq(dbl, scale_log(.5, 1, 100), 0));
    cr_assert(epsilon_eq(dbl, scale_log(10, 1, 100), .5, 1e-9));
    cr_assert(eq(dbl, scale_log(1e9, 1, 100), 1));
    cr_assert(epsilon_eq(dbl, scale_decade_below(99), 10, 1e-9));
    cr_assert(epsilon_eq(dbl, scale_decade_below(100), 100, 1e-9));
    cr_assert(epsilon_eq(dbl, scale_decade_above(101), 1000, 1e-9));
    cr_assert(epsilon_eq(dbl, scale_decade_above(.1), .1, 1e-9));
}

/* ---- differences and gaps -------------------------------------------------------------------- */

static struct interval interval[16];

static struct history_sample at(int64_t s, uint64_t requests, uint64_t retries, uint64_t unhealthy)
{
    return (struct history_sample){
        .at_ns = T(s),
        .sum = {[SUM_REQUESTS] = requests, [SUM_RETRIES] = retries, [SUM_UNHEALTHY] = unhealthy}};
}

static size_t series(const struct history_sample *samples, size_t n)
{
    return series_of(samples, n, T(10), T(330), interval);
}

Test(series, has_the_differences_between_samples)
{
    const struct history_sample s[] = {at(100, 5, 1, 0), at(110, 25, 4, 1), at(120, 25, 4, 2)};
    cr_assert(eq(sz, series(s, 3), 2));
    cr_assert(eq(u64, interval[0].counted[SUM_REQUESTS], 20));
    cr_assert(eq(u64, interval[0].counted[SUM_RETRIES], 3));
    cr_assert(eq(u64, interval[0].unhealthy, 1));
    cr_assert(eq(dbl, interval_s(&interval[0]), 10));
    cr_assert(eq(int, interval[0].kind, INTERVAL_KNOWN));
    /* A running program without requests is not a gap. */
    cr_assert(eq(u64, interval[1].counted[SUM_REQUESTS], 0));
    cr_assert(eq(u64, interval[1].unhealthy, 2));
    cr_assert(eq(int, interval[1].kind, INTERVAL_KNOWN));
}

Test(series, counts_nothing_twice_around_a_sample_out_of_order)
{
    const struct history_sample s[] = {at(100, 0, 0, 0), at(110, 10, 0, 0), at(108, 7, 0, 0),
                                       at(120, 20, 0, 0)};
    cr_assert(eq(sz, series(s, 4), 2));
    cr_assert(eq(i64, interval[1].from_ns, T(110)));
    cr_assert(eq(u64, interval[0].counted[SUM_REQUESTS] + interval[1].counted[SUM_REQUESTS], 20));
}

Test(series, is_empty_without_two_samples)
{
    const struct history_sample s[] = {at(100, 5, 1, 0)};
    cr_assert(eq(sz, series(s, 0), 0));
    cr_assert(eq(sz, series(s, 1), 0));
}

Test(series, has_a_gap_where_a_sum_decreased)
{
    const struct history_sample s[] = {at(100, 5, 9, 0), at(110, 25, 0, 0), at(120, 26, 0, 0)};
    cr_assert(eq(sz, series(s, 3), 2));
    cr_assert(eq(int, interval[0].kind, INTERVAL_RESET));
    cr_assert(interval_is_gap(&interval[0]));
    cr_assert(not(interval_is_gap(&interval[1])));
}

Test(series, distinguishes_gaps_from_averages)
{
    const struct history_sample s[] = {at(100, 5, 0, 0), at(135, 5, 0, 0),   at(200, 5, 0, 0),
                                       at(500, 9, 0, 0), at(1000, 10, 0, 0), at(1036, 10, 0, 0)};
    static const enum interval_kind kinds[] = {INTERVAL_KNOWN, INTERVAL_SILENT, INTERVAL_ROUGH,
                                               INTERVAL_LONG, INTERVAL_SILENT};
    cr_assert(eq(sz, series(s, 6), 5));
    for (int i = 0; i < 5; i++)
        cr_expect(eq(int, interval[i].kind, kinds[i]), "interval %d", i);
}

Test(series, skips_samples_out_of_order)
{
    const struct history_sample s[] = {at(100, 5, 0, 0), at(100, 6, 0, 0), at(90, 7, 0, 0),
                                       at(110, 9, 0, 0)};
    cr_assert(eq(sz, series(s, 4), 1));
    cr_assert(eq(i64, interval[0].from_ns, T(90)));
}

/* ---- spans of states ------------------------------------------------------------------------- */

static struct host hosts[] = {{.key = 7, .breaker = BREAKER_OPEN}, {.key = 9}};
static struct span span[16];

static struct history_change changed(int64_t s, uint64_t key, enum history_kind kind, int state)
{
    return (struct history_change){.at_ns = T(s), .key = key, .kind = kind, .state = state};
}

Test(spans, end_with_the_next_change_of_their_kind)
{
    const struct history_change c[] = {changed(10, 9, CHANGE_BREAKER, BREAKER_OPEN),
                                       changed(12, 7, CHANGE_BREAKER, BREAKER_OPEN),
                                       changed(15, 9, CHANGE_STATUS, STATUS_UNHEALTHY),
                                       changed(40, 9, CHANGE_BREAKER, BREAKER_HALF_OPEN),
                                       changed(42, 9, CHANGE_BREAKER, BREAKER_CLOSED),
                                       changed(43, 9, CHANGE_STATUS, STATUS_HEALTHY)};
    size_t gone;
    cr_assert(eq(sz, spans_from_changes(c, 6, hosts, 2, T(100), span, &gone), 4));
    cr_assert(eq(sz, gone, 0));
    cr_assert(eq(u32, span[0].host, 0));
    cr_assert(eq(int, span[0].end, SPAN_CONTINUES));
    cr_assert(eq(i64, span[0].to_ns, T(100)));
    cr_assert(span[1].from_ns == T(10) && span[1].to_ns == T(40) && span[1].state == BREAKER_OPEN);
    cr_assert(span[2].from_ns == T(40) && span[2].to_ns == T(42) && span[2].end == SPAN_ENDED);
    cr_assert(span[3].kind == CHANGE_STATUS && span[3].to_ns == T(43));
}

Test(spans, have_no_end_where_none_is_known)
{
    const struct history_change c[] = {changed(10, 9, CHANGE_BREAKER, BREAKER_OPEN),
                                       changed(11, 5, CHANGE_BREAKER, BREAKER_OPEN),
                                       changed(900, 9, CHANGE_BREAKER, BREAKER_CLOSED)};
    size_t gone;
    cr_assert(eq(sz, spans_from_changes(c, 3, hosts, 2, T(100), span, &gone), 1));
    cr_assert(eq(int, span[0].end, SPAN_UNKNOWN), "a reset closes it without recording the time");
    cr_assert(eq(i64, span[0].to_ns, T(10)));
    cr_assert(eq(sz, gone, 1), "of an unknown host");
}

/* ---- plots ----------------------------------------------------------------------------------- */

Test(plot, a_line_stops_at_a_gap)
{
    const struct step s[] = {{0, .25, .5, false}, {.25, .5, 1, false}, {.75, 1, 0, false}};
    struct plot p = {.f = out, .height_px = 100};
    plot_steps(&p, "first", s, 3, false);
    cr_assert(strstr(text(), "d=\"M0.00 50.00H250.00V0.00H500.00M750.00 100.00H1000.00\"") != NULL,
              "%s", written);
}

Test(plot, an_approximate_step_has_the_class_rough)
{
    const struct step s[] = {{0, .5, .5, false}, {.5, 1, .5, true}};
    struct plot p = {.f = out, .height_px = 100};
    plot_steps(&p, "first", s, 2, true);
    const char *svg = text();
    cr_assert(strstr(svg, "class=\"area first\" d=\"M0.00 100V50.00H500.00V100Z\"") != NULL);
    cr_assert(strstr(svg, "class=\"line first rough\" d=\"M500.00 50.00H1000.00\"") != NULL);
}

Test(plot, has_a_title_and_a_description)
{
    struct plot p;
    plot_begin(&p, out, "axis", "x", "A & B", "<none>", "x-data", 100);
    plot_end(&p);
    const char *svg = text();
    cr_assert(strstr(svg, "role=\"img\"") && strstr(svg, "aria-details=\"x-data\""));
    cr_assert(strstr(svg, "<title id=\"x-title\">A &amp; B</title>") != NULL);
    cr_assert(strstr(svg, "<desc id=\"x-text\">&lt;none&gt;</desc>") != NULL);
}

/* ---- hosts ----------------------------------------------------------------------------------- */

Test(hosts, a_host_with_a_failure_is_never_perfect)
{
    char out16[16];
    struct host h = {.count = {[COUNT_SUCCESSES] = 1000000, [COUNT_FAILURES] = 1}};
    cr_assert(is(host_success(&h, out16), "99.9 %"));
    h.count[COUNT_FAILURES] = 0;
    cr_assert(is(host_success(&h, out16), "100.0 %"));
    cr_assert(is(host_success(&hosts[1], out16), "-"));
}

Test(hosts, a_refused_request_did_not_succeed)
{
    char out16[16];
    struct host h = {.count = {[COUNT_REQUESTS] = 5, [COUNT_RATE_REJECTED] = 5}};
    cr_assert(is(host_success(&h, out16), "0.0 %"));
    h.count[COUNT_SUCCESSES] = 3;
    h.count[COUNT_REQUESTS] = 9; /* one is under way */
    cr_assert(is(host_success(&h, out16), "37.5 %"));
    h.count[COUNT_SUCCESSES] = 1000000;
    h.count[COUNT_REQUESTS] = 1000001;
    h.count[COUNT_RATE_REJECTED] = 0;
    h.count[COUNT_BREAKER_REJECTED] = 1;
    cr_assert(is(host_success(&h, out16), "99.9 %"));
}

Test(hosts, a_failed_request_whose_retry_was_refused_is_one_request)
{
    char out16[16];
    struct host h = {.count = {[COUNT_REQUESTS] = 4,
                               [COUNT_SUCCESSES] = 2,
                               [COUNT_FAILURES] = 2,
                               [COUNT_RATE_REJECTED] = 2}};
    cr_assert(is(host_success(&h, out16), "50.0 %"));
    h.proxy = true; /* its requests are those that were sent */
    cr_assert(is(host_success(&h, out16), "33.3 %"));
}

Test(hosts, unhealthy_hosts_come_first_then_busy_ones)
{
    struct board *b = board_open(NULL, 16, NULL);
    enum health_status status;
    uint32_t n;
    slot_count(board_slot(b, 1, "calm", SLOT_HOST, T(1)), COUNT_REQUESTS, 1);
    slot_count(board_slot(b, 2, "busy", SLOT_HOST, T(1)), COUNT_REQUESTS, 9);
    status_result(board_slot(b, 3, "sick", SLOT_HOST, T(1)), false, 1, 1, 5, &status);
    board_slot(b, 4, "bucket", SLOT_BUCKET, T(1));
    struct host *h = host_list_read(b, T(2), &n);
    cr_assert(eq(u32, n, 3));
    cr_assert(is(h[0].name, "sick"));
    cr_assert(is(h[1].name, "busy"));
    cr_assert(eq(i64, h[0].since_ms, 5));
    free(h);
    board_close(b);
}

Test(hosts, what_would_have_been_done_is_said_in_words)
{
    struct board *b = board_open(NULL, 16, NULL);
    char words[OBSERVED_TEXT_SIZE];
    uint32_t n;
    board_slot(b, 1, "a", SLOT_HOST, T(1));
    board_slot(b, 2, "b", SLOT_HOST, T(1));
    struct slot *o = board_slot(b, board_observed_key(1), "a", SLOT_OBSERVED, T(1));
    struct host *h = host_list_read(b, T(2), &n);
    cr_assert(eq(u32, n, 2));
    cr_assert(h[0].is_observed);
    cr_assert(not(h[1].is_observed));
    cr_assert(is(observed_text(&h[0].observed, words), "would not have been limited or repeated"));
    free(h);
    slot_count(o, COUNT_WAITED, 297);
    slot_count(o, COUNT_WAITED_NS, (uint64_t)T(58) + NS_PER_S / 2);
    slot_count(o, COUNT_RETRIES, 3);
    h = host_list_read(b, T(2), &n);
    cr_assert(is(observed_text(&h[0].observed, words),
                 "would have waited 58.5 s in 297 requests, refused 0 and repeated 3"));
    cr_assert(eq(u64, h[0].count[COUNT_WAITED], 0));
    free(h);
    const struct observed_view most = {.waits = UINT64_MAX,
                                       .rejected = UINT64_MAX,
                                       .retries = UINT64_MAX,
                                       .fallbacks = UINT64_MAX,
                                       .waited_ns = INT64_MAX};
    cr_assert(strstr(observed_text(&most, words),
                     "repeated 18446744073709551615, 18446744073709551615 at another place") !=
              NULL);
    cr_assert(is(observed_text(&(struct observed_view){.rejected = 1}, words),
                 "would have waited 0 s in 0 requests, refused 1 and repeated 0"));
    board_close(b);
}

Test(hosts, a_damaged_time_of_the_last_update_is_stale)
{
    struct board_header h = {.alive_ns = T(90), .alive_interval_ns = T(10)};
    const struct board b = {.header = &h};
    cr_assert(not(liveness_is_stale(liveness_of(&b, T(100)))));
    cr_assert(liveness_is_stale(liveness_of(&b, T(121))));
    h.alive_ns = T(500);
    cr_assert(liveness_of(&b, T(100)).never);
    h.alive_ns = T(99);
    h.alive_interval_ns = INT64_MAX;
    cr_assert(liveness_is_stale(liveness_of(&b, T(101))));
}

Test(hosts, the_last_error_is_said_in_words)
{
    char words[ERROR_TEXT_SIZE];
    cr_assert(is(error_text(
                     &(struct last_error){
                         .class = CLASS_A, .reason = REASON_CONNECT, .curl = 7, .os_errno = 111},
                     words),
                 "transient, connect, curl 7, errno 111 Connection refused"));
    cr_assert(is(
        error_text(&(struct last_error){.class = CLASS_C, .reason = REASON_THROTTLED, .http = 429},
                   words),
        "throttled, http 429"));
    char longest[ERROR_TEXT_SIZE] = "local, other, curl 65535, http 65535, errno 65535 ";
    strncat(longest, strerror(65535), sizeof longest - strlen(longest) - 1);
    cr_assert(is(error_text(&(struct last_error){.class = CLASS_E,
                                                 .reason = REASON_OTHER,
                                                 .curl = 65535,
                                                 .http = 65535,
                                                 .os_errno = 65535},
                            words),
                 longest));
    cr_assert_null(error_text(&(struct last_error){.class = CLASS_SUCCESS}, words));
}

Test(hosts, an_old_error_of_a_healthy_host_is_not_shown)
{
    char words[ERROR_AGED_SIZE];
    int64_t now = T(1769335200);
    struct host h = {.error = {.class = CLASS_B, .reason = REASON_HTTP_5XX, .http = 503},
                     .error_ms = 1769335188000};
    cr_assert(is(error_aged(&h, now, words), "12 s ago: transient, http_5xx, http 503"));
    cr_assert_null(error_aged(&h, now + T(86400), words));
    h.status = STATUS_DEGRADED;
    cr_assert(is(error_aged(&h, now + T(86400), words), "24 h ago: transient, http_5xx, http 503"));
    h.error_ms = INT64_MAX; /* damaged */
    cr_assert(is(error_aged(&h, now, words), "transient, http_5xx, http 503"));
    h.error = (struct last_error){.class = CLASS_SUCCESS};
    cr_assert_null(error_aged(&h, now, words));
}
