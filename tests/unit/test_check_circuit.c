/* SPDX-License-Identifier: MIT
 *
 * What active checks mean for the circuit of the host that is their target. Time is stepped; the checks are
 * of types without network. */
#include "base/events.h"
#include "base/netns.h"
#include "engine/board/status.h"
#include "engine/board/view.h"
#include "engine/call/call.h"
#include "engine/check/run.h"
#include "engine/check/types.h"
#include "engine/config/network_zone.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START    (100000 * NS_PER_S)
#define INTERVAL (30 * NS_PER_S)
#define WALL     (1796000000 * NS_PER_S)

static int64_t now;
static enum check_outcome outcome;
static struct board *board;
static struct check_runner runner;

static int64_t now_ns(void)
{
    return now;
}

static int64_t wall_ns(void)
{
    return WALL + now - START;
}

static void run(const struct check_config *c, int64_t timeout_ns, struct check_result *out)
{
    (void)c, (void)timeout_ns;
    *out = (struct check_result){.outcome = outcome, .took_ns = NS_PER_MS, .why = "for a test"};
    out->attempt.protocol = PROTOCOL_CONNECT;
    out->attempt.os_errno = outcome == CHECK_FAILED ? 111 : 0;
}

static const struct check_type fake = {"fake", run};

static void set_up(void)
{
    board = board_open(NULL, 64, NULL);
    runner = (struct check_runner){.board = board, .now_ns = now_ns, .wall_ns = wall_ns};
    now = START;
    check_type_replace(CHECK_TCP, &fake);
    check_type_replace(CHECK_HTTP, &fake);
    check_type_replace(CHECK_DNS, &fake);
}

static void tear_down(void)
{
    board_close(board);
}

TestSuite(check_circuit, .init = set_up, .fini = tear_down);

static void no_error(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert(false, "%s", line);
}

/* A configuration in use lives as long as the process. */
static const struct config *load(const char *mode, const char *keys, const char *kind,
                                 const char *target)
{
    char text[500];
    static struct config *kept[64];
    static int n;
    int length = snprintf(text, sizeof text,
                          "[harden]\nmode = %s\n[host *]\n%s\n[check c]\ntype = %s\ntarget = %s\n"
                          "unhealthy_after = 2\n",
                          mode, keys, kind, target);
    return kept[n++ % 64] = config_load_text("t.ini", text, (size_t)length, no_error, NULL);
}

static const struct config *with(const char *keys)
{
    return load("enforce", keys, "tcp", "a.example:443");
}

static struct binding bind_to(const struct config *c, const char *host, uint16_t port, bool main)
{
    struct target t = {"https", host, port, main, "/x", NULL, 0};
    t.network = zone_applies(host) ? netns_of_thread() : 0;
    struct binding b = {0};
    cr_assert(call_bind(&b, c, board, &t, NULL, now));
    return b;
}

static void check_says(const struct config *c, enum check_outcome what)
{
    outcome = what;
    now += INTERVAL;
    check_round(&runner, c);
}

static enum answer request(struct binding *b, int status)
{
    struct call c;
    int64_t at;
    struct attempt a = {.protocol = PROTOCOL_HTTP, .http_status = status, .method = "GET"};
    call_begin(&c, b, 0, now);
    enum answer answer = call_admit(&c, now).answer;
    if (answer == ANSWER_GO)
        call_report(&c, &a, now, wall_ns(), 0, &at);
    call_end(&c, now, wall_ns());
    return answer;
}

static int state(const struct slot *s)
{
    return (int)breaker_state_at(&s->breaker, now);
}

/* Down for so long that only a check can end it. */
static struct binding down(const struct config *c, const char *host, uint16_t port, bool main)
{
    struct binding b = bind_to(c, host, port, main);
    for (int i = 0; i < 5; i++)
        request(&b, 502);
    cr_assert(eq(int, state(b.slot), BREAKER_OPEN));
    return b;
}

#define LONG "breaker_open = 1h\nbreaker_max_open = 1h\n"

static size_t changes(void)
{
    return history_changes(board->history, (struct history_change[HISTORY_CHANGES]){{0}});
}

Test(check_circuit, one_that_passes_makes_an_open_circuit_half_open_and_probes_close_it)
{
    const struct config *c = with(LONG);
    struct binding b = down(c, "a.example", 443, true);
    cr_assert(eq(int, request(&b, 200), ANSWER_REFUSE));
    uint64_t alerts = board->header->alerts;
    size_t before = changes();
    check_says(c, CHECK_PASSED);
    cr_assert(eq(int, state(b.slot), BREAKER_HALF_OPEN));
    cr_assert(lt(u64, alerts, board->header->alerts));
    cr_assert(eq(sz, changes(), before + 1));
    cr_assert(eq(int, request(&b, 200), ANSWER_GO));
    cr_assert(eq(int, state(b.slot), BREAKER_HALF_OPEN), "two probes are needed");
    cr_assert(eq(int, request(&b, 200), ANSWER_GO));
    cr_assert(eq(int, state(b.slot), BREAKER_CLOSED));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_BREAKER_OPENED), 1));
}

/* It may accept connections, and answer none. */
Test(check_circuit, one_that_passes_beside_a_host_that_fails_costs_it_few_probes)
{
    const struct config *c = with(LONG);
    struct binding b = down(c, "a.example", 443, true);
    for (int i = 0; i < 8; i++) {
        check_says(c, CHECK_PASSED);
        cr_assert(eq(int, request(&b, 502), i < 3 ? ANSWER_GO : ANSWER_REFUSE), "%d", i);
        cr_assert(eq(int, request(&b, 502), ANSWER_REFUSE));
    }
}

Test(check_circuit, one_that_passes_after_it_has_failed_ends_the_wait_however_long_it_lasts)
{
    const struct config *c = with(LONG);
    struct binding b = down(c, "a.example", 443, true);
    for (int i = 0; i < 8; i++) {
        check_says(c, CHECK_FAILED);
        check_says(c, CHECK_PASSED);
        cr_assert(eq(int, request(&b, 502), ANSWER_GO), "%d", i);
        cr_assert(eq(int, request(&b, 502), ANSWER_REFUSE));
    }
}

Test(check_circuit, one_that_fails_opens_nothing_unless_it_is_asked_to)
{
    const struct config *c = with("");
    struct binding b = bind_to(c, "a.example", 443, true);
    for (int i = 0; i < 5; i++)
        check_says(c, CHECK_FAILED);
    cr_assert(breaker_is_calm(&b.slot->breaker));
}

Test(check_circuit, one_that_is_unhealthy_opens_the_circuit_for_all_operations)
{
    const struct config *c = with("check_opens = on\n");
    struct binding b = bind_to(c, "a.example", 443, true);
    request(&b, 200);
    check_says(c, CHECK_FAILED);
    cr_assert(eq(int, state(b.slot), BREAKER_CLOSED), "one failure of two");
    check_says(c, CHECK_FAILED);
    cr_assert(eq(int, state(b.slot), BREAKER_OPEN));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_BREAKER_OPENED), 1));
    cr_assert(eq(int, view_status(board, b.slot, now), STATUS_DEGRADED));
    cr_assert(eq(i64, view_since_ms(board, b.slot, STATUS_DEGRADED, now, wall_ns()),
                 (wall_ns()) / NS_PER_MS));
    struct binding other = b;
    for (unsigned i = 0; i < BREAKER_OPERATIONS; i++) {
        other.operation = (uint8_t)i;
        cr_assert(eq(int, request(&other, 200), ANSWER_REFUSE), "%u", i);
    }
    check_says(c, CHECK_PASSED);
    cr_assert(eq(int, request(&b, 200), ANSWER_GO));
    cr_assert(eq(int, request(&b, 200), ANSWER_GO));
    cr_assert(eq(int, state(b.slot), BREAKER_CLOSED));
}

Test(check_circuit, one_that_stays_unhealthy_keeps_it_open)
{
    const struct config *c = with("check_opens = on\n");
    struct binding b = bind_to(c, "a.example", 443, true);
    check_says(c, CHECK_FAILED);
    int64_t since = 0;
    for (int i = 0; i < 20; i++) {
        check_says(c, CHECK_FAILED);
        cr_assert(eq(int, request(&b, 200), ANSWER_REFUSE), "%d", i);
        cr_assert(eq(int, breaker_trips(&b.slot->breaker), 1));
        int64_t ms = view_since_ms(board, b.slot, STATUS_DEGRADED, now, wall_ns());
        if (since)
            cr_assert(eq(i64, ms, since), "degraded since it opened first");
        since = ms;
    }
}

Test(check_circuit, one_without_a_result_changes_nothing)
{
    const struct config *c = with("check_opens = on\n" LONG);
    struct binding b = down(c, "a.example", 443, true), well = bind_to(c, "b.example", 443, true);
    for (int i = 0; i < 3; i++)
        check_says(c, CHECK_UNKNOWN);
    cr_assert(eq(int, state(b.slot), BREAKER_OPEN));
    cr_assert(breaker_is_calm(&well.slot->breaker));
}

Test(check_circuit, of_dns_says_nothing_about_the_host)
{
    const struct config *c = load("enforce", "check_opens = on\n" LONG, "dns", "a.example");
    struct binding b = down(c, "a.example", 443, true);
    check_says(c, CHECK_PASSED);
    cr_assert(eq(int, state(b.slot), BREAKER_OPEN));
}

static bool concerns(const char *kind, const char *target, const char *host, uint16_t port,
                     bool main)
{
    const struct config *c = load("enforce", LONG, kind, target);
    struct binding b = down(c, host, port, main);
    check_says(c, CHECK_PASSED);
    return state(b.slot) == BREAKER_HALF_OPEN;
}

static void tear_down_and_up(void)
{
    tear_down();
    set_up();
}

Test(check_circuit, concerns_the_host_of_its_target_by_name_and_port)
{
    static const struct {
        const char *kind, *target, *host;
        uint16_t port;
        bool main, concerns;
    } cases[] = {
        {"tcp", "a.example:443", "a.example", 443, true, true},
        {"tcp", "a.example:80", "a.example", 443, true, true},
        {"tcp", "a.example:443", "a.example", 8443, false, false},
        {"tcp", "db.example:5432", "db.example", 5432, false, true},
        {"tcp", "db.example:5432", "db.example", 443, true, false},
        {"tcp", "db.example:5432", "db2.example", 5432, false, false},
        {"tcp", "DB.example.:5432", "db.example", 5432, false, true},
        {"tcp", "[2001:db8::7]:8080", "2001:db8::7", 8080, false, true},
        {"http", "https://a.example/health?key=1", "a.example", 443, true, true},
        {"http", "http://a.example/", "a.example", 443, true, true},
        {"http", "HTTPS://u@a.example:8443/", "a.example", 8443, false, true},
        {"http", "https://a.example:80/", "a.example", 80, false, true},
        {"http", "https://a.example:80/", "a.example", 443, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert(eq(int,
                     concerns(cases[i].kind, cases[i].target, cases[i].host, cases[i].port,
                              cases[i].main),
                     cases[i].concerns),
                  "%zu: %s", i, cases[i].target);
        tear_down_and_up();
    }
}

Test(check_circuit, concerns_a_local_host_of_its_own_network_only)
{
    board->header->network = netns_of_thread() + 1; /* the home of another one */
    const struct config *c = load("enforce", LONG, "tcp", "127.0.0.1:8080");
    struct binding own = down(c, "127.0.0.1", 8080, false);
    struct slot *other =
        board_slot(board, board_host_key("127.0.0.1", 8080), "127.0.0.1:8080", SLOT_HOST, now);
    cr_assert(ne(ptr, own.slot, other));
    breaker_force_open(&other->breaker, own.policy, now, 0);
    check_says(c, CHECK_PASSED);
    cr_assert(eq(int, state(own.slot), BREAKER_HALF_OPEN));
    cr_assert(eq(int, state(other), BREAKER_OPEN));
}

#define PLACES "fallback = b.example c.example:8443\ncheck_opens = on\n" LONG

/* A request with an attempt at each of three places. */
static void request_everywhere(struct binding *b)
{
    struct call c;
    int64_t at = now;
    struct attempt a = {.protocol = PROTOCOL_HTTP,
                        .curl_code = 7,
                        .method = "GET",
                        .nothing_sent = true,
                        .replayable = true};
    call_begin(&c, b, 0, now);
    do
        cr_assert(eq(int, call_admit(&c, at).answer, ANSWER_GO));
    while (call_report(&c, &a, at, wall_ns(), 0, &at));
    call_end(&c, at, wall_ns());
}

static struct slot *place(const char *shown)
{
    char name[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(board); i++)
        if (board_nth(board, i, name) && !strcmp(name, shown) && board->slots[i].kind == SLOT_PLACE)
            return &board->slots[i];
    cr_assert(false, "no %s", shown);
    return NULL;
}

/* The states of the host and its places after an unhealthy check, each as a letter. */
static const char *after_check_of(const char *kind, const char *target)
{
    static char letters[5];
    const struct config *c = load("enforce", PLACES, kind, target);
    struct binding b = bind_to(c, "a.example", 443, true);
    request_everywhere(&b);
    check_says(c, CHECK_FAILED);
    check_says(c, CHECK_FAILED);
    const struct slot *of[] = {b.slot, place("a.example via itself"),
                               place("a.example via b.example"),
                               place("a.example via c.example:8443")};
    for (int i = 0; i < 4; i++)
        letters[i] = state(of[i]) == BREAKER_OPEN ? 'o' : 'c';
    check_says(c, CHECK_PASSED);
    for (int i = 0; i < 4; i++)
        cr_assert(eq(int, state(of[i]), letters[i] == 'o' ? BREAKER_HALF_OPEN : BREAKER_CLOSED));
    tear_down_and_up();
    return letters;
}

Test(check_circuit, concerns_the_places_at_its_address_and_not_the_host_that_has_others)
{
    static const struct {
        const char *kind, *target, *states;
    } cases[] = {
        {"tcp", "a.example:443", "cocc"},       {"http", "https://a.example/x", "cocc"},
        {"tcp", "b.example:443", "ccoc"},       {"tcp", "b.example:8443", "cccc"},
        {"tcp", "c.example:8443", "ccco"},      {"http", "https://c.example:8443/", "ccco"},
        {"http", "https://c.example/", "cccc"}, {"tcp", "d.example:443", "cccc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert(eq(str, (char *)after_check_of(cases[i].kind, cases[i].target),
                     (char *)cases[i].states),
                  "%s", cases[i].target);
}

Test(check_circuit, of_a_host_that_nobody_has_used_adds_no_host)
{
    const struct config *c = with("check_opens = on\n");
    for (int i = 0; i < 3; i++)
        check_says(c, CHECK_FAILED);
    cr_assert(board_find(board, board_host_key("a.example", 0)) == NULL);
}

Test(check_circuit, without_a_breaker_nothing_opens)
{
    const struct config *c = with("breaker = off\ncheck_opens = on\n");
    struct binding b = bind_to(c, "a.example", 443, true);
    for (int i = 0; i < 3; i++)
        check_says(c, CHECK_FAILED);
    cr_assert(breaker_is_calm(&b.slot->breaker));
}

Test(check_circuit, of_an_observing_program_refuses_nobody)
{
    const struct config *c = load("observe", "check_opens = on\n" LONG, "tcp", "a.example:443");
    struct binding o = bind_to(c, "a.example", 443, true);
    struct binding e = bind_to(with("check_opens = on\n"), "a.example", 443, true);
    check_says(c, CHECK_FAILED);
    size_t before = changes();
    check_says(c, CHECK_FAILED);
    cr_assert(eq(int, state(o.slot), BREAKER_OPEN));
    cr_assert(breaker_is_calm(&e.slot->breaker));
    cr_assert(eq(sz, changes(), before), "what is observed is not shown as a change");
    cr_assert(eq(int, request(&o, 200), ANSWER_GO));
    cr_assert(eq(u64, slot_counter(o.slot, COUNT_BREAKER_REJECTED), 1));
    cr_assert(eq(int, request(&e, 200), ANSWER_GO));
    down(with("breaker_after = 0\n" LONG), "a.example", 443, true);
    check_says(c, CHECK_PASSED); /* this concerns everybody */
    cr_assert(eq(int, state(o.slot), BREAKER_HALF_OPEN));
    cr_assert(eq(int, state(e.slot), BREAKER_HALF_OPEN));
}

Test(check_circuit, of_an_enforcing_program_shows_observing_ones_what_they_would_refuse)
{
    const struct config *c = with("check_opens = on\n");
    struct binding o = bind_to(load("observe", "check_opens = on\n", "tcp", "a.example:443"),
                               "a.example", 443, true);
    check_says(c, CHECK_FAILED);
    check_says(c, CHECK_FAILED);
    cr_assert(eq(int, state(o.slot), BREAKER_OPEN));
    cr_assert(eq(int, request(&o, 200), ANSWER_GO));
}

Test(check_circuit, its_event_says_that_a_check_has_changed_it)
{
    char path[] = "/tmp/test_check_circuit.XXXXXX", text[4096] = "";
    close(mkstemp(path));
    events_set(path, "s");
    const struct config *c = with("check_opens = on\nbreaker = observe\n" LONG);
    struct binding b = bind_to(c, "a.example", 443, true);
    check_says(c, CHECK_FAILED);
    check_says(c, CHECK_FAILED);
    check_says(c, CHECK_PASSED);
    FILE *f = fopen(path, "r");
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    unlink(path);
    const char *opened = strstr(text, "\"host\":\"a.example\",\"event\":\"breaker\",\"reason\":"
                                      "\"check\",\"state\":\"open\",\"observed\":true}\n");
    cr_assert(opened != NULL, "%s", text);
    cr_assert(strstr(opened, "\"reason\":\"check\",\"state\":\"half-open\"") != NULL, "%s", text);
    cr_assert(eq(int, state(b.slot), BREAKER_HALF_OPEN));
}
