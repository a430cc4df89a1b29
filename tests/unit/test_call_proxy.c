/* SPDX-License-Identifier: MIT */
#include "engine/call/call.h"

#include "engine/board/status.h"
#include "engine/board/view.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define NOW  (100000 * NS_PER_S)
#define WALL (1750000000 * NS_PER_S)

static const struct config *config;
static struct board *board;
static struct call call;

static void quiet(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert(false, "%s", line);
}

static void make(void)
{
    setenv("HARDEN_CONFIG", "none", 1);
    config = config_load(quiet, NULL);
    board = board_open(NULL, 64, NULL);
}

static void unmake(void)
{
    board_close(board);
}

TestSuite(call_proxy, .init = make, .fini = unmake);

/* A request to the host through the proxy. */
static enum answer begin(struct binding *b, const char *host, int64_t now)
{
    struct target t = {
        .scheme = "https", .host = host, .port = 443, .default_port = true, .path = "/"};
    struct target proxy = {.scheme = "http", .host = "proxy", .port = 3128, .path = ""};
    cr_assert(call_bind(b, config, board, &t, NULL, now));
    call_bind_proxy(b, &proxy, now);
    call_begin(&call, b, 0, now);
    return call_admit(&call, now).answer;
}

static struct attempt unreached(void)
{
    struct attempt a = {.protocol = PROTOCOL_HTTP,
                        .curl_code = 7,
                        .method = "GET",
                        .via_proxy = true,
                        .proxy_unreached = true,
                        .nothing_sent = true};
    return a;
}

static struct attempt connect_answered(int status)
{
    struct attempt a = unreached();
    a.curl_code = 56;
    a.proxy_unreached = false;
    a.proxy_status = status;
    return a;
}

static struct attempt good(void)
{
    struct attempt a = {
        .protocol = PROTOCOL_HTTP, .method = "GET", .via_proxy = true, .http_status = 200};
    return a;
}

/* A complete request with one attempt. */
static struct slot *request(const char *host, struct attempt a, int64_t now)
{
    static struct binding b;
    int64_t at;
    cr_assert(eq(int, begin(&b, host, now), ANSWER_GO));
    call_report(&call, &a, now, WALL, 0, &at);
    call_end(&call, now, WALL);
    return b.proxy.slot;
}

Test(call_proxy, that_is_unreachable_is_refused_for_all_hosts_and_counts_against_none)
{
    static const char *const hosts[] = {"a", "b", "c", "d", "e"};
    struct slot *proxy = NULL;
    for (int i = 0; i < 5; i++)
        proxy = request(hosts[i], unreached(), NOW);
    cr_assert(eq(str, proxy->name, "http://proxy:3128"));
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_OPEN));
    cr_assert(eq(int, status_of(proxy), STATUS_UNHEALTHY));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_FAILURES), 5));

    struct binding b;
    cr_assert(eq(int, begin(&b, "f", NOW), ANSWER_REFUSE));
    struct admission ad = call_admit(&call, NOW);
    cr_assert(ad.by_proxy && ad.why == REFUSED_BREAKER);
    call_end(&call, NOW, WALL);
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_BREAKER_REJECTED), 2));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_BREAKER_REJECTED), 2));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_REQUESTS), 5),
              "refused requests are not counted for the proxy");
    begin(&b, "a", NOW);
    cr_assert(breaker_is_calm(&b.slot->breaker));
    cr_assert(eq(int, (int)status_failures_in_row(b.slot), 0));
    call_end(&call, NOW, WALL);
}

Test(call_proxy, is_probed_by_one_request_and_its_success_closes_the_circuit)
{
    struct slot *proxy = NULL;
    for (int i = 0; i < 5; i++)
        proxy = request("a", unreached(), NOW);
    int64_t later = NOW + 60 * NS_PER_S;
    struct binding first, second;
    struct call probe;
    cr_assert(eq(int, begin(&first, "a", later), ANSWER_GO));
    probe = call;
    cr_assert(eq(int, begin(&second, "b", later), ANSWER_REFUSE), "one probe at a time");
    call_end(&call, later, WALL);
    struct attempt a = good();
    int64_t at;
    call_report(&probe, &a, later, WALL, 0, &at);
    call_end(&probe, later, WALL);
    request("b", good(), later);
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, later), BREAKER_CLOSED));
    cr_assert(eq(int, status_of(proxy), STATUS_HEALTHY));
}

Test(call_proxy, an_abandoned_probe_allows_another_one)
{
    for (int i = 0; i < 5; i++)
        request("a", unreached(), NOW);
    int64_t later = NOW + 60 * NS_PER_S;
    struct binding b;
    cr_assert(eq(int, begin(&b, "a", later), ANSWER_GO));
    call_abandon(&call, later);
    cr_assert(eq(int, begin(&b, "b", later), ANSWER_GO));
    call_end(&call, later, WALL);
}

Test(call_proxy, that_answers_503_for_one_host_is_not_refused_to_others)
{
    struct slot *proxy = NULL;
    for (int i = 0; i < 20; i++)
        proxy = request("dead", connect_answered(503), NOW);
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_CLOSED));
    cr_assert(eq(int, status_of(proxy), STATUS_HEALTHY));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_FAILURES), 20), "but it is shown");
    cr_assert(eq(u64, slot_counter(proxy, COUNT_SUCCESSES), 0));
}

/* The proxy waits for one host, as far as is known. */
Test(call_proxy, that_does_not_answer_for_one_host_is_not_refused_to_others)
{
    struct attempt a = unreached();
    struct slot *proxy = NULL;
    a.curl_code = 28;
    for (int i = 0; i < 5; i++)
        proxy = request("dead", a, NOW);
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_OPEN));
    struct binding b;
    cr_assert(eq(int, begin(&b, "dead", NOW), ANSWER_REFUSE));
    call_end(&call, NOW, WALL);
    request("well", good(), NOW);
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_CLOSED));
}

Test(call_proxy, that_had_too_little_time_because_of_the_library_is_not_charged)
{
    struct attempt a = unreached();
    struct slot *proxy = NULL;
    a.curl_code = 28;
    a.shortened = true;
    for (int i = 0; i < 20; i++)
        proxy = request("slow", a, NOW);
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_CLOSED));
    cr_assert(eq(int, status_of(proxy), STATUS_HEALTHY));
}

Test(call_proxy, that_reports_an_unreachable_host_has_answered)
{
    struct attempt a = unreached();
    a.curl_code = 97;
    a.proxy_error = 21;
    struct slot *proxy = NULL;
    for (int i = 0; i < 20; i++)
        proxy = request("dead", a, NOW);
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_CLOSED));
    a.proxy_error = 3; /* the proxy closed the connection */
    for (int i = 0; i < 5; i++)
        request("dead", a, NOW);
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_OPEN));
}

Test(call_proxy, that_requires_authentication_is_alive)
{
    struct slot *proxy = request("a", connect_answered(407), NOW);
    cr_assert(eq(u64, slot_counter(proxy, COUNT_SUCCESSES), 1));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_FAILURES), 0));
}

Test(call_proxy, that_asks_for_a_pause_is_named_as_its_origin)
{
    struct binding b = {0};
    struct attempt a = connect_answered(503);
    struct pause_shown cause;
    a.hint = (struct hint){.wait_ns = 60 * NS_PER_S, .asked = true, .line = "Retry-After: 60"};
    struct slot *proxy = request("a", a, NOW);
    cr_assert(eq(int, view_status(board, proxy, NOW), STATUS_DEGRADED));
    cr_assert(eq(int, begin(&b, "b", NOW), ANSWER_REFUSE), "of another host, too");
    cr_assert(eq(str, (char *)call_pause_cause(&call, NOW, &cause), "http://proxy:3128"));
    cr_assert(eq(str, cause.line, "Retry-After: 60"));
    cr_assert(eq(int, view_status(board, b.slot, NOW), STATUS_HEALTHY));
}

Test(call_proxy, an_attempt_that_never_reached_it_does_not_count)
{
    struct attempt a = unreached();
    a.curl_code = 6; /* the name of the host, for a proxy that takes addresses */
    a.proxy_unreached = false;
    struct slot *proxy = request("a", a, NOW);
    cr_assert(eq(u64, slot_counter(proxy, COUNT_SUCCESSES), 0));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_FAILURES), 0));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_REQUESTS), 1));
}

Test(call_proxy, retries_caused_by_it_are_counted_for_it)
{
    struct binding b;
    struct attempt a = unreached();
    a.replayable = true;
    int64_t at = 0;
    begin(&b, "a", NOW);
    cr_assert(call_would_retry(&call, &a, NOW));
    cr_assert(call_report(&call, &a, NOW, WALL, 0, &at));
    cr_assert(eq(int, call_admit(&call, at).answer, ANSWER_GO));
    a = good();
    call_report(&call, &a, at, WALL, 0, &at);
    call_end(&call, at, WALL);
    struct slot *proxy = b.proxy.slot;
    cr_assert(eq(u64, slot_counter(proxy, COUNT_REQUESTS), 1));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_ATTEMPTS), 2));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_RETRIES), 1));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_RECOVERED), 1));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_RECOVERED), 1));
}

Test(call_proxy, a_retry_is_not_planned_when_its_circuit_would_refuse_it)
{
    struct binding b;
    struct attempt a = unreached();
    a.replayable = true;
    int64_t at;
    begin(&b, "b", NOW);
    struct call first = call;
    for (int i = 0; i < 5; i++)
        request("a", unreached(), NOW);
    cr_assert(not(call_would_retry(&first, &a, NOW)));
    cr_assert(not(call_report(&first, &a, NOW, WALL, 0, &at)));
    call_end(&first, NOW, WALL);
}

Test(call_proxy, on_a_full_board_has_no_slot)
{
    board_close(board);
    board = board_open(NULL, 1, NULL);
    struct binding b;
    begin(&b, "a", NOW);
    cr_assert(b.proxy.slot == NULL);
    call_end(&call, NOW, WALL);
}

Test(call_proxy, that_asks_for_a_pause_is_paused_and_not_the_host)
{
    struct attempt a = connect_answered(503);
    a.hint = (struct hint){.wait_ns = 10 * NS_PER_S, .asked = true, .line = "Retry-After: 10"};
    request("a", a, NOW);
    struct binding b;
    cr_assert(eq(int, begin(&b, "b", NOW), ANSWER_WAIT));
    call_end(&call, NOW, WALL);
    struct target direct = {
        .scheme = "https", .host = "a", .port = 443, .default_port = true, .path = "/"};
    cr_assert(call_bind(&b, config, board, &direct, NULL, NOW));
    call_begin(&call, &b, 0, NOW);
    cr_assert(eq(int, call_admit(&call, NOW).answer, ANSWER_GO));
    call_end(&call, NOW, WALL);
}
