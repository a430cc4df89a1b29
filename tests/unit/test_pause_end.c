/* SPDX-License-Identifier: MIT
 *
 * The event at the end of a pause: one for each, from whichever process notices first. */
#include "call_steps.h"

#include "base/events.h"
#include "engine/board/alert.h"
#include "engine/publish/pause_end.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/harden-test-XXXXXX";
static char got[1 << 20];

static void make(void)
{
    one_host();
    policy.max_attempts = 1;
    close(mkstemp(path));
    events_set(path, "s");
}

static void drop(void)
{
    unlink(path);
    no_host();
}

TestSuite(pause_end, .init = make, .fini = drop);

/* How often this is in the file. */
static int events(const char *what)
{
    int n = 0, fd = open(path, O_RDONLY);
    ssize_t size = read(fd, got, sizeof got - 1);
    got[size > 0 ? size : 0] = '\0';
    close(fd);
    for (const char *p = got; (p = strstr(p, what)); p++)
        n++;
    return n;
}

#define ON   "\"event\":\"pause\",\"state\":\"on\""
#define OVER "\"event\":\"pause\",\"state\":\"over\""

static bool announce(int64_t now)
{
    int64_t next_ns;
    return pause_end_announce(board, now, &next_ns);
}

static int64_t next(int64_t now)
{
    int64_t next_ns;
    pause_end_announce(board, now, &next_ns);
    return next_ns;
}

Test(pause_end, is_announced_once_and_not_before)
{
    cr_assert(eq(i64, next(NOW), INT64_MAX));
    request(with_retry_after(429, 10), NOW);
    cr_assert(eq(int, events(ON), 1));
    cr_assert(eq(i64, next(NOW), NOW + 10 * NS_PER_S));
    cr_assert(not(announce(NOW + 10 * NS_PER_S - 1)));
    uint64_t alerts = board->header->alerts;
    cr_assert(announce(NOW + 12 * NS_PER_S));
    cr_assert(eq(u64, board->header->alerts, alerts + 1), "the files are due");
    cr_assert(not(announce(NOW + 12 * NS_PER_S)));
    cr_assert(eq(i64, next(NOW + 12 * NS_PER_S), INT64_MAX));
    cr_assert(eq(int, events(OVER), 1));
    request(with_retry_after(429, 10), NOW + 20 * NS_PER_S);
    cr_assert(announce(NOW + 30 * NS_PER_S));
    cr_assert(eq(int, events(OVER), 2));
}

Test(pause_end, at_an_odd_moment_is_announced_once_too)
{
    request(with_retry_after(429, 10), NOW + 1);
    cr_assert(not(announce(NOW + 10 * NS_PER_S + 1)), "never earlier than asked");
    cr_assert(announce(NOW + 10 * NS_PER_S + 2));
    board_expect_end(board, NOW);
    cr_assert(not(announce(NOW + 10 * NS_PER_S + 3)));
    cr_assert(eq(int, events(OVER), 1));
}

Test(pause_end, of_a_pause_that_was_made_longer_is_the_later_one)
{
    request(with_retry_after(429, 10), NOW);
    begin(NOW + 5 * NS_PER_S);
    report(with_retry_after(429, 6), NOW + 5 * NS_PER_S, NULL); /* no news */
    cr_assert(eq(int, events(ON), 1));
    cr_assert(not(announce(NOW + 10 * NS_PER_S)));
    cr_assert(eq(i64, next(NOW + 10 * NS_PER_S), NOW + 11 * NS_PER_S));
    cr_assert(announce(NOW + 11 * NS_PER_S));
    cr_assert(eq(int, events(OVER), 1));
}

Test(pause_end, of_each_host_is_announced)
{
    struct slot *other = board_slot(board, 5, "other.example", SLOT_HOST, NOW);
    struct slot *proxy = board_slot(board, 6, "http://proxy:3128", SLOT_PROXY, NOW);
    request(with_retry_after(429, 10), NOW);
    pause_raise(other, 5 * NS_PER_S, true, 429, "", NOW);
    board_expect_end(board, NOW + 5 * NS_PER_S);
    pause_raise(proxy, 7 * NS_PER_S, true, 429, "", NOW);
    board_expect_end(board, NOW + 7 * NS_PER_S);
    cr_assert(eq(i64, next(NOW), NOW + 5 * NS_PER_S));
    cr_assert(announce(NOW + 6 * NS_PER_S));
    cr_assert(eq(int, events("\"host\":\"other.example\"," OVER), 1));
    cr_assert(eq(int, events(OVER), 1));
    cr_assert(eq(i64, next(NOW + 6 * NS_PER_S), NOW + 7 * NS_PER_S));
    cr_assert(announce(NOW + 11 * NS_PER_S));
    cr_assert(eq(int, events("\"host\":\"http://proxy:3128\"," OVER), 1));
    cr_assert(eq(int, events(OVER), 3));
}

Test(pause_end, of_a_part_is_announced_as_such)
{
    binding.scope_key = 77;
    binding.scope = board_slot(board, 77, "h", SLOT_BUCKET, NOW);
    request(with_retry_after(429, 10), NOW);
    cr_assert(eq(int, events("\"event\":\"pause\",\"part\":true,\"state\":\"on\""), 1));
    cr_assert(not(announce(NOW + 10 * NS_PER_S)), "no status changes");
    cr_assert(eq(int, events("\"event\":\"pause\",\"part\":true,\"state\":\"over\""), 1));
    cr_assert(eq(int, events("over"), 1));
}

Test(pause_end, that_is_not_noted_in_the_header_is_found_with_the_next)
{
    request(with_retry_after(429, 10), NOW);
    board->header->pause_end_ns = 0; /* a process was killed after it had taken the word */
    cr_assert(not(announce(NOW + 20 * NS_PER_S)));
    request(with_empty_quota(200, 1), NOW + 20 * NS_PER_S);
    cr_assert(announce(NOW + 21 * NS_PER_S));
    cr_assert(eq(int, events(OVER), 1));
}

Test(pause_end, an_impossible_moment_in_the_header_does_not_hide_it)
{
    static const int64_t damaged[] = {INT64_MAX, INT64_MIN, -1, 1, NOW + 2 * PAUSE_MAX_NS};
    for (size_t i = 0; i < array_size(damaged); i++) {
        int64_t now = NOW + (int64_t)i * 100 * NS_PER_S;
        request(with_retry_after(429, 10), now);
        board->header->pause_end_ns = damaged[i];
        announce(now + NS_PER_S);
        cr_assert(announce(now + 10 * NS_PER_S), "%zu", i);
    }
    cr_assert(eq(int, events(OVER), (int)array_size(damaged)));
}

#define SLO(state) "\"host\":\"h\",\"event\":\"slo\",\"state\":\"" state "\""

/* It ends by time: whoever looks then announces it, with the moment at which it was over. */
Test(pause_end, of_an_error_budget_that_burns_is_announced_once)
{
    const int64_t minute = 60 * NS_PER_S, end = (NOW / minute + 6) * minute;
    policy.slo_ppm = 995000;
    binding.special = SPECIAL_SLO;
    begin(NOW);
    report(get(0, 500), NOW, NULL);
    call_end(&call, NOW, clock_wall_ns());
    cr_assert(eq(int, events(SLO("burning")), 1));
    cr_assert(eq(int, events("\"event\":\"slo\",\"state\":\"burning\",\"ended\""), 0));
    cr_assert(eq(i64, next(NOW), (NOW / minute + 1) * minute), "somebody should look then");
    cr_assert(not(announce(end - 1)));
    uint64_t alerts = board->header->alerts;
    cr_assert(announce(end + NS_PER_S));
    cr_assert(eq(u64, board->header->alerts, alerts + 1), "the files are due");
    cr_assert(not(announce(end + 2 * NS_PER_S)));
    cr_assert(eq(i64, next(end + 2 * NS_PER_S), INT64_MAX));
    cr_assert(eq(int, events(SLO("over") ",\"ended\":\"20"), 1));
    cr_assert(eq(int, events("\"slo\""), 2));
}

enum { PAUSES = 500, THREADS = 4 };
static _Atomic int64_t clock_ns;
static _Atomic int announced;

static void *watch(void *arg)
{
    (void)arg;
    for (int64_t now; (now = clock_ns) >= 0;)
        announced += announce(now);
    return NULL;
}

Test(pause_end, is_announced_once_by_racing_threads)
{
    pthread_t thread[THREADS];
    events_set(NULL, "s");
    clock_ns = NOW;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, watch, NULL);
    for (int i = 0; i < PAUSES; i++) {
        int64_t now = clock_ns;
        pause_raise(binding.slot, NS_PER_S, true, 429, "", now);
        board_expect_end(board, now + NS_PER_S);
        clock_ns = now + NS_PER_S;
        while (announced <= i)
            ;
    }
    clock_ns = -1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    cr_assert(eq(int, announced, PAUSES));
}

/* ---- an adaptive rate ------------------------------------------------------------------------- */

#define ADAPTIVE(state) "\"event\":\"adaptive\",\"state\":\"" state "\""

static void throttle(int64_t from)
{
    policy.adaptive = true;
    binding.special |= SPECIAL_ADAPTIVE;
    for (int i = 0; i < 50; i++)
        request(get(0, 200), from + i * (NS_PER_S / 10));
    request(get(0, 429), from + 5 * NS_PER_S);
}

Test(pause_end, of_an_adaptive_rate_is_announced_once_and_five_minutes_after_the_last_cut)
{
    throttle(NOW);
    cr_assert(eq(int, events(ADAPTIVE("on")), 1));
    cr_assert(eq(int, events("\"curl\":0,\"http\":429,\"rate\":9.496"), 1));
    int64_t cut = NOW + 10 * NS_PER_S;
    request(get(0, 429), cut);
    request(get(0, 429), cut);
    cr_assert(eq(int, events(ADAPTIVE("cut")), 1));
    announce(NOW + 306 * NS_PER_S);
    cr_assert(eq(int, events(ADAPTIVE("off")), 0), "it was cut again");
    int64_t off = next(NOW + 306 * NS_PER_S);
    cr_assert(ge(i64, off, cut + 300 * NS_PER_S));
    cr_assert(lt(i64, off, cut + 301 * NS_PER_S));
    announce(off);
    announce(off + NS_PER_S);
    cr_assert(eq(int, events(ADAPTIVE("off")), 1));
    cr_assert(eq(int, events("\"ended\":"), 1));
    cr_assert(eq(i64, next(off + 2 * NS_PER_S), INT64_MAX));
}

Test(pause_end, of_the_adaptive_rate_of_observing_programs_is_announced_as_observed)
{
    uint64_t key = binding.key;
    binding.facts = binding.slot;
    binding.facts_key = key;
    binding.key = board_observed_key(key);
    binding.slot = board_slot(board, binding.key, "h", SLOT_OBSERVED, NOW);
    binding.special |= SPECIAL_OBSERVED;
    throttle(NOW);
    announce(NOW + 400 * NS_PER_S);
    cr_assert(eq(int, events(ADAPTIVE("on")), 1));
    cr_assert(eq(int, events(ADAPTIVE("off")), 1));
    cr_assert(eq(int, events("\"rate\":9.496,\"observed\":true"), 1));
}

Test(pause_end, requests_that_wait_for_an_adaptive_rate_name_its_key)
{
    throttle(NOW);
    for (int i = 0; i < 3; i++)
        admit_new(NOW + 5 * NS_PER_S);
    cr_assert(eq(int, events("\"event\":\"wait\""), 1));
    cr_assert(eq(int, events("\"setting\":\"adaptive\""), 1));
}
