/* SPDX-License-Identifier: MIT
 *
 * Whom a pause concerns: what the configuration tells apart, and nothing wider. */
#include "engine/call/private.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW     (100000 * NS_PER_S)
#define WALL    (1750000000 * NS_PER_S)
#define PAUSE_S 7

static struct board *board;
static struct config *config;
static const char *token; /* of the request header X-Token */

static void configure_board(const char *ini, uint32_t slots)
{
    char path[] = "/tmp/test_pause_scope.XXXXXX";
    int fd = mkstemp(path);
    cr_assert(eq(int, (int)write(fd, ini, strlen(ini)), (int)strlen(ini)));
    close(fd);
    config = config_load_file(path, NULL, NULL);
    unlink(path);
    cr_assert(config && !config->errors);
    board = board_open(NULL, slots, NULL);
}

static void configure(const char *ini)
{
    configure_board(ini, 64);
}

static void tear_down(void)
{
    board_close(board);
    config_discard(config);
}

TestSuite(pause_scope, .fini = tear_down);

static const char *header(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "X-Token") ? NULL : token;
}

static struct binding bind_to(const char *host, uint16_t port, const char *path)
{
    struct target t = {"https", host, port, port == 443, path, NULL, 0};
    struct header_source source = {.header = header};
    struct binding b = {0};
    cr_assert(call_bind(&b, config, board, &t, &source, NOW));
    return b;
}

static struct binding to(const char *path)
{
    return bind_to("api", 443, path);
}

static struct binding with_token(const char *value, const char *path)
{
    token = value;
    return to(path);
}

static struct binding through_proxy(const char *host, const char *proxy)
{
    struct binding b = bind_to(host, 443, "/");
    struct target t = {.scheme = "http", .host = proxy, .port = 3128, .path = ""};
    call_bind_proxy(&b, &t, NOW);
    return b;
}

static struct attempt get(int status)
{
    return (struct attempt){
        .protocol = PROTOCOL_HTTP,
        .http_status = status,
        .method = "GET",
        .hint = {.wait_ns = PAUSE_S * NS_PER_S, .asked = true, .line = "Retry-After: 7"}};
}

static void answer(struct binding b, struct attempt a)
{
    struct call c;
    int64_t at_ns;
    call_begin(&c, &b, 0, NOW);
    cr_assert(eq(int, call_admit(&c, NOW).answer, ANSWER_GO));
    call_report(&c, &a, NOW, WALL, 0, &at_ns);
    call_end(&c, NOW, WALL);
}

static bool is_paused(struct binding b)
{
    struct call c;
    call_begin(&c, &b, 0, NOW);
    struct admission ad = call_admit(&c, NOW);
    bool paused = ad.answer == ANSWER_WAIT && ad.at_ns >= NOW + PAUSE_S * NS_PER_S;
    cr_assert(paused || ad.answer == ANSWER_GO);
    call_abandon(&c, NOW);
    return paused;
}

/* The same with an operation's own rate, which has a slot, and without. */
static const char *const operations[] = {
    "[host api]\nmax_wait = 60s\n[host api/search*]\nmax_attempts = 2\n",
    "[host api]\nmax_wait = 60s\n[host api/search*]\nrate = 1000/1s\nburst = 100\n",
    "[host *]\nrate = 1000/1s\nburst = 100\n[host api/search*]\nrate = 100/1s 1000/1m\nburst = "
    "50\n",
};

Test(pause_scope, without_sections_every_request_to_the_host_waits)
{
    configure("");
    answer(to("/a"), get(429));
    cr_assert(is_paused(to("/b")));
    cr_assert(not(is_paused(bind_to("other", 443, "/a"))));
    cr_assert(not(is_paused(bind_to("api", 8443, "/a"))));
}

Test(pause_scope, of_a_section_with_a_path_are_the_requests_of_that_operation)
{
    for (size_t i = 0; i < array_size(operations); i++) {
        configure(operations[i]);
        answer(to("/search?q=1"), get(503));
        cr_assert(is_paused(to("/search?q=2")), "%zu", i);
        cr_assert(not(is_paused(to("/"))), "%zu", i);
        cr_assert(not(is_paused(bind_to("other", 443, "/search"))), "%zu", i);
        tear_down();
    }
    configure("");
}

Test(pause_scope, of_the_host_includes_its_operations)
{
    for (size_t i = 0; i < array_size(operations); i++) {
        configure(operations[i]);
        answer(to("/"), get(429));
        cr_assert(is_paused(to("/search")), "%zu", i);
        tear_down();
    }
    configure("");
}

Test(pause_scope, of_two_sections_with_a_path_is_the_more_specific_one)
{
    configure("[host api/v1/*]\nmax_attempts = 2\n[host api/v1/search*]\nmax_attempts = 2\n");
    answer(to("/v1/search/x"), get(429));
    cr_assert(is_paused(to("/v1/search/y")));
    cr_assert(not(is_paused(to("/v1/list"))));
    answer(to("/v1/list"), get(429));
    cr_assert(is_paused(to("/v1/other")));
    cr_assert(not(is_paused(to("/v2"))));
}

Test(pause_scope, of_an_operation_is_not_that_of_the_same_path_at_another_port)
{
    for (size_t i = 0; i < array_size(operations); i++) {
        configure(operations[i]);
        answer(bind_to("api", 8443, "/search"), get(429));
        cr_assert(is_paused(bind_to("api", 8443, "/search")), "%zu", i);
        cr_assert(not(is_paused(to("/search"))), "%zu", i);
        cr_assert(not(is_paused(bind_to("api", 9443, "/search"))), "%zu", i);
        tear_down();
    }
    configure("");
}

Test(pause_scope, of_a_header_are_the_requests_with_the_same_value)
{
    static const char *const ini[] = {
        "[host api]\nper = host+header:X-Token\n",
        "[host api]\nper = host+header:X-Token\nrate = 1000/1s\nburst = 100\n",
        "[host *]\nper = header:X-Token\nrate = 1000/1s\nburst = 100\n",
    };
    for (size_t i = 0; i < array_size(ini); i++) {
        configure(ini[i]);
        answer(with_token("red", "/"), get(403));
        cr_assert(with_token("red", "/").per_request);
        cr_assert(is_paused(with_token("red", "/x")), "%zu", i);
        cr_assert(not(is_paused(with_token("blue", "/"))), "%zu", i);
        cr_assert(not(is_paused(with_token(NULL, "/"))), "%zu", i);
        token = "red";
        cr_assert(not(is_paused(bind_to("other", 443, "/"))), "%zu", i);
        tear_down();
    }
    configure("");
}

Test(pause_scope, of_a_variable_are_the_processes_with_the_same_value)
{
    configure("[host api]\nper = env:HOME\n");
    struct binding b = to("/");
    answer(b, get(429));
    cr_assert(is_paused(to("/x")));
    cr_assert(eq(i64, b.slot->pause_until_ns, 0), "other processes are free");
    cr_assert(not(is_paused(bind_to("other", 443, "/"))));
}

Test(pause_scope, does_not_make_others_wait_for_the_starts_that_the_paused_requests_will_have)
{
    configure("[host *]\nrate = 1/1s\nburst = 3\n[host api/search*]\nmax_attempts = 2\n");
    answer(to("/search"), get(429));
    struct call c;
    struct binding b = to("/search");
    call_begin(&c, &b, 0, NOW);
    cr_assert(eq(i64, call_admit(&c, NOW).at_ns, NOW + PAUSE_S * NS_PER_S));
    cr_assert(not(is_paused(to("/a"))));
    cr_assert(not(is_paused(to("/b"))));
    /* Then it needs a token like everybody else. */
    int64_t then = NOW + PAUSE_S * NS_PER_S;
    for (int i = 0; i < 3; i++) {
        struct binding other = to("/c");
        struct call k;
        call_begin(&k, &other, 0, then);
        cr_assert(eq(int, call_admit(&k, then).answer, ANSWER_GO));
        call_abandon(&k, then);
    }
    struct admission ad = call_admit(&c, then);
    cr_assert(eq(int, ad.answer, ANSWER_WAIT));
    cr_assert(eq(int, ad.why, REFUSED_RATE));
    cr_assert(eq(i64, ad.at_ns, then + NS_PER_S));
    cr_assert(eq(int, call_admit(&c, ad.at_ns).answer, ANSWER_GO));
    call_abandon(&c, ad.at_ns);
}

Test(pause_scope, is_ignored_by_who_cannot_wait_but_takes_a_token)
{
    configure("[host *]\nrate = 1/1s\nburst = 2\n[host api/search*]\nmax_attempts = 2\n");
    answer(to("/search"), get(429));
    struct call c;
    struct binding b = to("/search");
    call_begin(&c, &b, 0, NOW);
    c.cannot_wait = true;
    cr_assert(eq(int, call_admit(&c, NOW).answer, ANSWER_GO));
    struct binding other = to("/a");
    call_begin(&c, &other, 0, NOW);
    cr_assert(eq(i64, call_admit(&c, NOW).at_ns, NOW + NS_PER_S));
    call_abandon(&c, NOW);
}

Test(pause_scope, of_an_operation_and_a_header_is_what_has_both)
{
    configure(
        "[host api]\nper = host+header:X-Token\n[host api/search*]\nrate = 1000/1s\nburst = 100\n");
    answer(with_token("red", "/search"), get(429));
    cr_assert(is_paused(with_token("red", "/search")));
    cr_assert(not(is_paused(with_token("red", "/"))));
    cr_assert(not(is_paused(with_token("blue", "/search"))));
}

Test(pause_scope, is_the_host_if_per_names_nothing_of_a_request)
{
    static const char *const ini[] = {"[host *]\nper = origin\nrate = 1000/1s\nburst = 100\n",
                                      "[host *]\nper = rule\nrate = 1000/1s\nburst = 100\n",
                                      "[host *]\nper = host+uid\nrate = 1000/1s\nburst = 100\n"};
    for (size_t i = 0; i < array_size(ini); i++) {
        configure(ini[i]);
        answer(to("/"), get(429));
        cr_assert(is_paused(to("/x")), "%zu", i);
        cr_assert(not(is_paused(bind_to("other", 443, "/"))), "%zu", i);
        tear_down();
    }
    configure("");
}

Test(pause_scope, that_has_no_room_on_the_board_is_nobody)
{
    configure_board(operations[0], 1);
    answer(to("/search"), get(429)); /* the host has the only slot */
    cr_assert(not(is_paused(to("/search"))));
    cr_assert(not(is_paused(to("/"))));
    struct binding b = to("/search");
    cr_assert(b.scope == board_overflow(board));
    cr_assert(binding_is_current(&b, config, board));
    answer(to("/"), get(429));
    cr_assert(is_paused(b));
}

Test(pause_scope, is_not_the_slot_that_was_given_to_another_key_in_the_meantime)
{
    configure(operations[0]);
    struct binding b = to("/search");
    struct call c;
    int64_t at_ns;
    call_begin(&c, &b, 0, NOW);
    cr_assert(eq(int, call_admit(&c, NOW).answer, ANSWER_GO));
    atomic_store(&b.scope->key, 4711); /* the request took longer than a slot is kept */
    cr_assert(not(binding_is_current(&b, config, board)));
    struct attempt a = get(429);
    call_report(&c, &a, NOW, WALL, 0, &at_ns);
    call_end(&c, NOW, WALL);
    cr_assert(eq(i64, b.scope->pause_until_ns, 0));
    struct slot *given_away = b.scope;
    answer(b, get(429)); /* finds another one */
    cr_assert(eq(i64, given_away->pause_until_ns, 0));
    cr_assert(is_paused(b));
    cr_assert(is_paused(to("/search")));
}

Test(pause_scope, is_paused_but_nobody_waits_in_observe_mode)
{
    configure("[harden]\nmode = observe\n[host api/search*]\nmax_attempts = 2\n");
    struct binding b = to("/search");
    answer(b, get(429));
    cr_assert(eq(i64, b.scope->pause_until_ns, NOW + PAUSE_S * NS_PER_S));
    cr_assert(not(is_paused(to("/search"))));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_WAITED), 1));
}

Test(pause_scope, of_a_quota_that_a_success_used_up_is_as_narrow)
{
    configure(operations[0]);
    struct attempt a = get(200);
    a.hint.asked = false;
    a.hint.exhausted = true;
    answer(to("/search"), a);
    cr_assert(is_paused(to("/search")));
    cr_assert(not(is_paused(to("/"))));
    a.hint.of_resource = true;
    answer(to("/"), a);
    cr_assert(not(is_paused(to("/"))));
}

Test(pause_scope, of_a_proxys_answer_are_all_requests_through_the_proxy)
{
    configure("");
    struct attempt a = get(0);
    a.curl_code = 56;
    a.proxy_status = 503;
    answer(through_proxy("a", "proxy"), a);
    cr_assert(is_paused(through_proxy("a", "proxy")));
    cr_assert(is_paused(through_proxy("b", "proxy")));
    cr_assert(not(is_paused(through_proxy("a", "another"))));
    cr_assert(not(is_paused(bind_to("a", 443, "/"))));
    cr_assert(not(is_paused(bind_to("proxy", 3128, "/"))));
    answer(bind_to("a", 443, "/"), get(503)); /* the host itself */
    cr_assert(is_paused(through_proxy("a", "another")));
    cr_assert(not(is_paused(through_proxy("c", "another"))));
}
