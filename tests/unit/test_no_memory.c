/* SPDX-License-Identifier: MIT
 *
 * The engine while memory is short: each object is complete or absent, nothing is leaked, and
 * errno is not changed. */
#include "scarce.h"

#include "base/clock.h"
#include "base/sizes.h"
#include "engine/board/board.h"
#include "engine/call/call.h"
#include "engine/check/lookup.h"
#include "engine/config/config.h"
#include "engine/config/options.h"
#include "engine/config/rules.h"
#include "engine/engine.h"
#include "engine/publish/monitor.h"
#include "scratch.h"

#include <netdb.h>
#include <stdio.h>

#define NOW (100000 * NS_PER_S)

static const char text[] = "[harden]\n"
                           "service = test\n"
                           "events = ~/events\n"
                           "metrics = /tmp/metrics.prom\n"
                           "[host *]\n"
                           "retry = expensive\n"
                           "[host partners]\n"
                           "match = api.example.com, *.example.net\n"
                           "rate = 60/1m 5/1s\n"
                           "retry_on = 503 timeout\n"
                           "  reset\n"
                           "[host 10.0.0.0/8]\n"
                           "breaker = off\n"
                           "[check database]\n"
                           "type = tcp\n"
                           "target = db.example.com:5432\n";

static void silent(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

static struct config *load(void)
{
    return config_load_text("test.ini", text, sizeof text - 1, silent, NULL);
}

static void load_once(void)
{
    scarce_begin();
    struct config *c = load();
    scarce_end();
    cr_assert(c || scarce.failed);
    if (!c)
        return;
    cr_assert(!scarce.failed, "a configuration is complete or absent");
    cr_assert_eq(c->errors, 0);
    cr_assert_eq(c->section_count, 3);
    cr_assert_eq(c->check_count, 1);
    config_discard(c);
}

Test(no_memory, a_configuration_is_complete_or_absent)
{
    scarce_each(load_once);
}

/* Objects that are built later need their own memory. */
static struct config *load_full(void)
{
    struct config *c = load();
    cr_assert(arena_get(&c->memory, ARENA_PIECE_BYTES));
    return c;
}

static void find_once(void)
{
    struct config *c = load_full();
    const struct target targets[] = {
        {.scheme = "https",
         .host = "api.example.com",
         .port = 443,
         .default_port = true,
         .path = ""},
        {.scheme = "https", .host = "10.1.2.3", .port = 443, .default_port = true, .path = ""},
        {.scheme = "https", .host = "other.example", .port = 443, .default_port = true, .path = ""},
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        errno = EXDEV;
        scarce_begin();
        const struct policy *p = rules_find(c, &targets[i]);
        scarce_end();
        cr_assert_eq(errno, EXDEV);
        cr_assert(p || scarce.failed);
        cr_assert(!p || p->max_attempts == 5);
        cr_assert(!p || i != 0 || p->limit_count == 1);
        cr_assert(!p || i != 1 || p->breaker == BREAKER_OFF);
    }
    config_discard(c);
}

Test(no_memory, a_policy_is_complete_or_absent)
{
    scarce_each(find_once);
}

static struct config *config;

static void bind_once(void)
{
    struct target t = {.scheme = "https",
                       .host = "api.example.com",
                       .port = 443,
                       .default_port = true,
                       .path = ""};
    struct target proxy = {.scheme = "http", .host = "proxy.example.com", .port = 3128, .path = ""};
    struct header_source nothing = {0};
    struct binding b;
    struct board *board = board_open(NULL, 16, NULL);
    config = load_full();
    scarce_begin();
    bool bound = call_bind(&b, config, board, &t, &nothing, NOW);
    if (bound)
        call_bind_proxy(&b, &proxy, NOW);
    scarce_end();
    cr_assert(bound || scarce.failed);
    if (bound) {
        struct call c;
        call_begin(&c, &b, 0, NOW);
        cr_assert_eq(call_admit(&c, NOW).answer, ANSWER_GO);
        call_end(&c, NOW, NOW);
        cr_assert_eq(slot_counter(b.slot, COUNT_REQUESTS), 1u);
    }
    config_discard(config);
    board_close(board);
}

Test(no_memory, a_binding_is_complete_or_absent)
{
    scarce_each(bind_once);
}

static char dir[64];

static void make(void)
{
    snprintf(dir, sizeof dir, "/tmp/harden-test-XXXXXX");
    cr_assert(mkdtemp(dir));
}

static void drop(void)
{
    scratch_remove(dir);
}

static void use_board(struct board *b)
{
    struct slot *s = board_slot(b, board_host_key("a", 0), "a", SLOT_HOST, NOW);
    slot_count(s, COUNT_REQUESTS, 1);
    cr_assert(slot_counter(s, COUNT_REQUESTS) > 0);
}

static void open_once(void)
{
    const char *why = NULL;
    errno = EXDEV;
    scarce_begin();
    struct board *b = board_open(dir, 16, &why);
    scarce_end();
    cr_assert_eq(errno, EXDEV);
    cr_assert(b || scarce.failed);
    cr_assert(!b || b->shared || (scarce.failed && why));
    if (b)
        use_board(b);
    board_close(b);
}

static void open_private_once(void)
{
    scarce_begin();
    struct board *b = board_open(NULL, 16, NULL);
    scarce_end();
    cr_assert(b || scarce.failed);
    if (b)
        use_board(b);
    board_close(b);
}

static void attach_once(void)
{
    const char *why = NULL;
    board_close(board_open(dir, 16, NULL));
    scarce_begin();
    struct board *b = board_attach(dir, false, &why);
    scarce_end();
    cr_assert(b || (scarce.failed && why));
    board_close(b);
}

Test(no_memory, a_board_is_shared_private_or_absent, .init = make, .fini = drop)
{
    scarce_each(open_once);
    scarce_each(open_private_once);
    scarce_each(attach_once);
}

static void environment(void)
{
    make();
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", dir, 1);
    setenv("HARDEN_RATE", "10/1s", 1);
    setenv("HARDEN_THREAD", "off", 1);
    setenv("HARDEN_LOG", "off", 1);
}

static const char *open_engine(void)
{
    errno = EXDEV;
    scarce_begin();
    struct engine *e = engine_get(), *again = engine_get();
    scarce_end();
    if (errno != EXDEV)
        return "errno was changed";
    if (e != again)
        return "it is there and is not";
    if (!e)
        return scarce.failed && engine_refused() ? NULL : "it is not there, and was not refused";
    struct target t = {.scheme = "", .host = "a", .default_port = true, .path = ""};
    const struct policy *p = rules_find(atomic_load(&e->config), &t);
    return p && p->limit_count == 1 ? NULL : "the configuration is incomplete";
}

Test(no_memory, the_engine_opens_or_stays_closed, .init = environment, .fini = drop)
{
    scarce_each_child(open_engine);
}

static const char *write_snapshot(void)
{
    struct engine *e = engine_get();
    uint64_t before =
        atomic_load(&e->board->header->internal_errors); /* all processes share the board */
    char path[sizeof dir + 16];
    snprintf(path, sizeof path, "%s/health.json", dir);
    unlink(path); /* left by the last child */
    monitor_start();
    errno = EXDEV;
    scarce_begin();
    monitor_update(clock_now_ns());
    scarce_end();
    if (errno != EXDEV)
        return "errno was changed";
    bool written = access(path, F_OK) == 0;
    if (!written && !scarce.failed)
        return "it is not there";
    if (atomic_load(&e->board->header->internal_errors) - before != !written)
        return "a snapshot that could not be written is counted, and no other";
    atomic_store(&e->board->header->snapshot_due_ns, 0); /* for the next child */
    if (atomic_load(&e->board->header->snapshot_lease_ns))
        return "the lease is kept";
    return NULL;
}

Test(no_memory, a_snapshot_that_cannot_be_written_is_counted, .init = environment, .fini = drop)
{
    scarce_each_child(write_snapshot);
}

/* More often than the number of simultaneous look-ups: each frees its place. */
Test(no_memory, a_lookup_that_cannot_start_frees_its_place)
{
    struct addrinfo *list = NULL;
    for (int i = 0; i < 3 * CHECK_LOOKUPS_MAX; i++) {
        scarce_plan(1, true);
        scarce_begin();
        int answer = check_lookup("nobody.invalid", "80", clock_now_ns() + NS_PER_S, &list);
        scarce_end();
        cr_assert_eq(answer, EAI_MEMORY);
    }
}
