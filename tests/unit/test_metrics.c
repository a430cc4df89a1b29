/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/view.h"
#include "engine/publish/metrics_table.h"
#include "engine/publish/snapshot.h"

#include <criterion/criterion.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW (1000 * NS_PER_S)

static struct board *board;
static struct snapshot_context context;
static char *text;

static void make(void)
{
    const char *why;
    board = board_open(NULL, 64, &why);
    context = (struct snapshot_context){.board = board,
                                        .user = 1000,
                                        .service = "legacy-client",
                                        .now_ns = NOW,
                                        .wall_ns = 1769335200123 * NS_PER_MS,
                                        .interval_ns = NS_PER_S};
}

TestSuite(metrics, .init = make);

static void render(void)
{
    size_t size = snapshot_size(board);
    text = realloc(text, size);
    struct text t = {.p = text, .cap = size};
    metrics_render(&t, &context);
    cr_assert(!t.full);
}

#define has(line)      cr_assert_not_null(strstr(text, "\n" line "\n"), "no %s in\n%s", line, text)
#define has_part(part) cr_assert_not_null(strstr(text, part), "no %s in\n%s", part, text)
#define LABELS         "user=\"1000\",host=\"api.example.com\""

static struct slot *busy_host(void)
{
    struct slot *s = board_slot(board, 5, "api.example.com", SLOT_HOST, NOW);
    slot_count(s, COUNT_REQUESTS, 12);
    slot_count(s, COUNT_SUCCESSES, 3);
    slot_count(s, COUNT_FAILURES, 1);
    slot_count(s, COUNT_WAITED, 2);
    slot_count(s, COUNT_WAITED_NS, 1500000001);
    slot_count(s, COUNT_RATE_REJECTED, 3);
    slot_count(s, COUNT_BUDGET_DENIED, 7);
    s->failures_by[GROUP_TIMEOUT] = 1;
    s->retries_by[GROUP_HTTP_5XX] = 2;
    s->failed_attempts = 2;
    slot_attempt(s, 5 * NS_PER_MS);
    slot_attempt(s, 5 * NS_PER_MS + 1);
    slot_attempt(s, 70 * NS_PER_MS);
    slot_attempt(s, 11 * NS_PER_S);
    s->shown_rate = 60ULL << 32 | 60;
    s->shown_window_ms = 60000;
    s->window_ms[0] = 60000;
    s->tat_ns[0] = NOW + 18750 * NS_PER_MS;
    return s;
}

static void promise(struct slot *s)
{
    s->shown_slo_ppm = 995000;
    struct slo *slo = slo_slot_claim(board, 5, "api.example.com", NOW);
    for (int i = 0; i < 10; i++)
        slo_count(slo, i == 0, NOW);
}

Test(metrics, show_the_contents_of_the_board)
{
    busy_host();
    render();
    has("harden_requests_total{" LABELS ",outcome=\"success\"} 3");
    has("harden_requests_total{" LABELS ",outcome=\"failure\"} 1");
    has("harden_failures_total{" LABELS ",reason=\"timeout\"} 1");
    has("harden_failures_total{" LABELS ",reason=\"dns\"} 0");
    has("harden_attempts_total{" LABELS ",result=\"success\"} 3");
    has("harden_attempts_total{" LABELS ",result=\"failure\"} 2");
    has("harden_retries_total{" LABELS ",reason=\"http_5xx\"} 2");
    has("harden_rate_limited_total{" LABELS ",action=\"waited\"} 2");
    has("harden_rate_limited_total{" LABELS ",action=\"rejected\"} 3");
    has("harden_rate_wait_seconds_total{" LABELS "} 1.500000001");
    has("harden_rate_tokens_available{" LABELS "} 41.25");
    has("harden_retry_budget_available{" LABELS "} 100");
    has("harden_retry_budget_denied_total{" LABELS "} 7");
    has("harden_breaker_open{" LABELS "} 0");
    has("harden_health_status{" LABELS "} 0");
    has("harden_hosts{user=\"1000\"} 1");
    has("harden_snapshot_timestamp_seconds{user=\"1000\"} 1769335200.123");
}

Test(metrics, show_an_open_circuit_in_the_status_until_it_is_closed)
{
    static const struct policy p = {.breaker_failures = 1,
                                    .breaker_open_ns = 30 * NS_PER_S,
                                    .breaker_max_open_ns = 30 * NS_PER_S};
    struct slot *s = busy_host();
    cr_assert(breaker_report(&s->breaker, &p, &(struct breaker_result){0}, NOW, 0));
    render();
    has("harden_breaker_open{" LABELS "} 1");
    has("harden_health_status{" LABELS "} 1");
    context.now_ns = NOW + 30 * NS_PER_S; /* half-open */
    render();
    has("harden_breaker_open{" LABELS "} 0");
    has("harden_health_status{" LABELS "} 1");
    s->breaker.state = 0;
    render();
    has("harden_health_status{" LABELS "} 0");
}

Test(metrics, show_the_time_that_is_left_of_a_pause)
{
    struct slot *s = busy_host();
    render();
    has("harden_paused_seconds{" LABELS "} 0");
    pause_raise(s, 600 * NS_PER_S, true, 429, "Retry-After: 600", NOW - 500 * NS_PER_MS);
    render();
    has("harden_paused_seconds{" LABELS "} 599.5");
    has("harden_health_status{" LABELS "} 1");
    context.now_ns = NOW + 600 * NS_PER_S;
    render();
    has("harden_paused_seconds{" LABELS "} 0");
    has("harden_health_status{" LABELS "} 0");
}

Test(metrics, show_what_observing_programs_would_have_done_and_the_mode)
{
    busy_host();
    render();
    cr_assert_null(strstr(text, "harden_observed_total{"));
    has("harden_service_info{user=\"1000\",service=\"legacy-client\",mode=\"enforce\",version="
        "\"" HARDEN_VERSION "\"} 1");
    struct slot *o =
        board_slot(board, board_observed_key(5), "api.example.com", SLOT_OBSERVED, NOW);
    slot_count(o, COUNT_WAITED, 297);
    slot_count(o, COUNT_WAITED_NS, 58500 * NS_PER_MS);
    slot_count(o, COUNT_RATE_REJECTED, 2);
    slot_count(o, COUNT_BREAKER_REJECTED, 3);
    slot_count(o, COUNT_RETRIES, 4);
    context.mode = MODE_OBSERVE;
    render();
    has("harden_observed_total{" LABELS ",action=\"wait\"} 297");
    has("harden_observed_total{" LABELS ",action=\"reject\"} 5");
    has("harden_observed_total{" LABELS ",action=\"retry\"} 4");
    has("harden_observed_wait_seconds_total{" LABELS "} 58.5");
    has("harden_service_info{user=\"1000\",service=\"legacy-client\",mode=\"observe\",version="
        "\"" HARDEN_VERSION "\"} 1");
    has("harden_rate_limited_total{" LABELS ",action=\"waited\"} 2");
    has("harden_hosts{user=\"1000\"} 1");
}

Test(metrics, show_the_budget_including_its_refill_by_time)
{
    struct slot *s = busy_host();
    while (budget_take(&s->budget, 20, 6 * NS_PER_S, NOW - 60 * NS_PER_S))
        ;
    s->budget_fill_ms = (float)budget_fill_ms(20, 6 * NS_PER_S);
    render();
    has("harden_retry_budget_available{" LABELS "} 50");
}

/* A board is a file and may contain any bits. */
Test(metrics, an_impossible_time_stamp_of_the_budget_adds_nothing)
{
    static const float times[] = {NAN, INFINITY, -INFINITY, -1, 1e30F};
    struct slot *s = busy_host();
    while (budget_take(&s->budget, 20, 6 * NS_PER_S, NOW - 60 * NS_PER_S))
        ;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        s->budget_fill_ms = times[i];
        render();
        has("harden_retry_budget_available{" LABELS "} 0");
    }
}

Test(metrics, count_durations_exactly_at_the_published_limits)
{
    busy_host();
    render();
#define BUCKET "harden_request_duration_seconds_bucket{" LABELS ",le=\""
    has(BUCKET "0.005\"} 1");
    has(BUCKET "0.01\"} 2");
    has(BUCKET "0.05\"} 2");
    has(BUCKET "0.075\"} 3");
    has(BUCKET "10\"} 3");
    has(BUCKET "+Inf\"} 4");
    has("harden_request_duration_seconds_sum{" LABELS "} 11.080000001");
    has("harden_request_duration_seconds_count{" LABELS "} 4");
}

Test(metrics, omit_tokens_without_a_limit)
{
    board_slot(board, 5, "api.example.com", SLOT_HOST, NOW);
    board_slot(board, 6, "rule", SLOT_BUCKET, NOW);
    render();
    cr_assert_null(strstr(text, "harden_rate_tokens_available{"));
    cr_assert_null(strstr(text, "\"rule\""), "a bucket is not a host");
}

/* A request through a proxy is one request. */
Test(metrics, of_a_proxy_are_only_its_circuit_pause_and_status)
{
    slot_count(board_slot(board, 5, "h", SLOT_HOST, NOW), COUNT_REQUESTS, 1);
    slot_count(board_slot(board, 6, "http://proxy:3128", SLOT_PROXY, NOW), COUNT_REQUESTS, 1);
    render();
    has("harden_hosts{user=\"1000\"} 1");
    int lines = 0;
    for (const char *at = text; (at = strstr(at, "host=\"http://proxy:3128\"")); at++)
        lines++;
    cr_assert_eq(lines, 3);
    has("harden_paused_seconds{user=\"1000\",host=\"http://proxy:3128\"} 0");
    has("harden_breaker_open{user=\"1000\",host=\"http://proxy:3128\"} 0");
    has("harden_health_status{user=\"1000\",host=\"http://proxy:3128\"} 0");
}

Test(metrics, of_a_place_are_its_attempts_circuit_and_status)
{
    struct slot *s = board_slot(board, 5, "h", SLOT_HOST, NOW),
                *own = board_slot(board, 6, "h via itself", SLOT_PLACE, NOW);
    slot_count(s, COUNT_FALLBACK_USED, 3);
    slot_count(own, COUNT_SUCCESSES, 7);
    atomic_store(&own->failed_attempts, 4);
    render();
    has("harden_hosts{user=\"1000\"} 1");
    has("harden_fallback_used_total{user=\"1000\",host=\"h\"} 3");
    has("harden_place_attempts_total{user=\"1000\",host=\"h via itself\",result=\"success\"} 7");
    has("harden_place_attempts_total{user=\"1000\",host=\"h via itself\",result=\"failure\"} 4");
    has("harden_breaker_open{user=\"1000\",host=\"h via itself\"} 0");
    has("harden_health_status{user=\"1000\",host=\"h via itself\"} 0");
    int lines = 0;
    for (const char *at = text; (at = strstr(at, "host=\"h via itself\"")); at++)
        lines++;
    cr_assert_eq(lines, 4);
}

Test(metrics, of_a_board_elsewhere_have_its_place)
{
    static const char host[] = ",host=\"api.example.com\"";
    char longer[2][2 * VIEW_NAME_SIZE], want[2][VIEW_NAME_SIZE + 80];
    busy_host();
    context.place = "/run/agent/harden";
    render();
    has("harden_hosts{user=\"1000\",board=\"/run/agent/harden\"} 1");
    has("harden_breaker_open{user=\"1000\",board=\"/run/agent/harden\",host=\"api.example.com\"} "
        "0");
    for (int i = 0; i < 2; i++) { /* they differ only at the end */
        memset(longer[i], 'x', sizeof longer[i]);
        memcpy(longer[i] + sizeof longer[i] - 3, i ? "/b" : "/a", 3);
        context.place = longer[i];
        render();
        const char *at = strstr(text, ",board=\""), *end = strstr(at, host);
        cr_assert(at && end && end - at < VIEW_NAME_SIZE + 20, "%s", text);
        snprintf(want[i], sizeof want[i], "%.*s", (int)(end - at), at);
    }
    cr_assert_str_neq(want[0], want[1]);
}

Test(metrics, show_the_objective_of_a_host)
{
    promise(busy_host());
    board_slot(board, 6, "b.example.com", SLOT_HOST, NOW);
    render();
    has("harden_slo_objective_ratio{" LABELS "} 0.995");
    has("harden_slo_requests_total{" LABELS ",outcome=\"good\"} 9");
    has("harden_slo_requests_total{" LABELS ",outcome=\"bad\"} 1");
    has("harden_slo_budget_left_ratio{" LABELS ",window=\"1h\"} -19");
    has("harden_slo_budget_left_ratio{" LABELS ",window=\"24h\"} -19");
    has("harden_slo_burn_rate{" LABELS ",window=\"5m\"} 20");
    has("harden_slo_burn_rate{" LABELS ",window=\"6h\"} 20");
    has("harden_slo_burning{" LABELS ",pair=\"fast\"} 1");
    has("harden_slo_burning{" LABELS ",pair=\"slow\"} 1");
    has("harden_health_status{" LABELS "} 1");
    context.now_ns += 7 * SLO_MINUTE_NS;
    render();
    has("harden_slo_burning{" LABELS ",pair=\"fast\"} 0");
    has("harden_health_status{" LABELS "} 0");
    cr_assert_null(strstr(text, "harden_slo_objective_ratio{user=\"1000\",host=\"b"));
}

static void throttle(struct slot *s)
{
    struct adaptive_view v;
    for (int i = 0; i < 50; i++)
        adaptive_accepted(&s->adaptive, NOW - (50 - i) * (NS_PER_S / 10));
    cr_assert(adaptive_throttled(&s->adaptive, 0, NOW, &v));
}

Test(metrics, show_the_adaptive_rate_while_it_is_on)
{
    throttle(board_slot(board, 5, "api.example.com", SLOT_HOST, NOW));
    throttle(board_slot(board, board_observed_key(5), "api.example.com", SLOT_OBSERVED, NOW));
    render();
    has("harden_adaptive_rate{" LABELS "} 9.496");
    has("harden_observed_adaptive_rate{" LABELS "} 9.496");
    context.now_ns += 301 * NS_PER_S;
    render();
    cr_assert_null(strstr(text, "adaptive_rate{"));
}

Test(metrics, escape_labels)
{
    context.service = "a\"b\\c\nd";
    render();
    has_part("{user=\"1000\",service=\"a\\\"b\\\\c\\nd\",mode=");
}

Test(metrics, put_utf8_into_labels_and_truncate_between_characters)
{
    context.service = "a\xff\xc3\xbc\xc3";
    render();
    has_part(",service=\"a\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\",mode=");

    char longest[2 * VIEW_NAME_SIZE] = "a";
    for (size_t i = 1; i + 2 < sizeof longest; i += 2)
        memcpy(longest + i, "\xc3\xbc", 2);
    for (int skip = 0; skip < 2; skip++) { /* one of them would be truncated within a character */
        context.service = longest + skip;
        render();
        const char *end = strstr(strstr(text, ",service=\""), "\",mode=");
        cr_assert_eq(memcmp(end - 2, "\xc3\xbc", 2), 0);
    }
}

Test(metrics, count_attempts_only_when_their_request_has_ended)
{
    struct slot *s = board_slot(board, 5, "api.example.com", SLOT_HOST, NOW);
    slot_attempt(s, NS_PER_MS); /* reported, but its request has not ended */
    render();
    has("harden_attempts_total{" LABELS ",result=\"success\"} 0");
    has("harden_attempts_total{" LABELS ",result=\"failure\"} 0");
    slot_count(s, COUNT_SUCCESSES, 1);
    render();
    has("harden_attempts_total{" LABELS ",result=\"success\"} 1");
    has("harden_attempts_total{" LABELS ",result=\"failure\"} 0");
}

/* Checks the exposition format line by line: HELP, TYPE, then samples of that metric only. */
Test(metrics, follow_the_exposition_format)
{
    regex_t comment, sample;
    char metric[64] = "", *save, family[64];
    regcomp(&comment, "^# (HELP|TYPE) harden_[a-z_]+ .+$", REG_EXTENDED | REG_NOSUB);
    regcomp(&sample,
            "^harden_[a-z_]+\\{([a-z]+=\"([^\"\\\\]|\\\\[\\\\n\"])*\",?)+\\} "
            "-?[0-9]+(\\.[0-9]+)?$",
            REG_EXTENDED | REG_NOSUB);
    promise(busy_host());
    board_slot(board, 6, "b.example.com:8080", SLOT_HOST, NOW);
    render();
    cr_assert_eq(text[strlen(text) - 1], '\n');
    int families = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '#') {
            cr_assert_eq(regexec(&comment, line, 0, NULL, 0), 0, "%s", line);
            sscanf(line + 7, "%63[a-z_]", metric);
            families += line[2] == 'T';
        } else {
            cr_assert_eq(regexec(&sample, line, 0, NULL, 0), 0, "%s", line);
            sscanf(line, "%63[a-z_]", family);
            cr_assert_eq(strncmp(family, metric, strlen(metric)), 0, "%s in %s", line, metric);
        }
    }
    cr_assert_eq(families, METRIC_COUNT);
    regfree(&comment);
    regfree(&sample);
}
