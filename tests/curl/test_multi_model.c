/* SPDX-License-Identifier: MIT
 *
 * Random events of a timer, for a program with the library and for one with libcurl only. While
 * the library waits for nothing, both have the same timer value; and the timer value is always
 * the one that curl_multi_timeout returns. Times differ so much that the few milliseconds of the
 * test make no difference. */
#include "multi_loop.h"

#define HANDLES 6
#define STEPS   2000
#define STEP_MS 100000L

TestSuite(multi_model, .fini = loops_end);

/* The same handle for both programs. */
struct pair {
    struct program ours, bare;
    bool in;
};

static struct pair pairs[HANDLES];
static struct loop l, without;
static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % n;
}

static long steps(long ms)
{
    return ms < 0 ? -1 : (ms + STEP_MS / 2) / STEP_MS;
}

static void begin(enum fake_timer timer, uint64_t seed)
{
    state = seed;
    loop_start(&l);
    with_timer(&l);
    memset(&without, 0, sizeof without);
    without.handle = fake_multi_init();
    without.timer_ms = -1;
    fake(&without)->timer_fn = on_timer;
    fake(&without)->timer_data = &without;
    fake(&l)->timer = fake(&without)->timer = timer;
    for (int i = 0; i < HANDLES; i++)
        pairs[i].in = false;
}

static void end(void)
{
    loops_end();
    fake_multi_cleanup(without.handle);
}

static void toggle(struct pair *p)
{
    p->in = !p->in;
    if (p->in) {
        fake_of(p->ours.handle)->performs = fake_of(p->bare.handle)->performs = 0;
        cr_assert_eq(add(&l, &p->ours), fake_multi_add(without.handle, p->bare.handle));
    } else {
        cr_assert_eq(remove_from(&l, &p->ours), fake_multi_remove(without.handle, p->bare.handle));
    }
}

static void both_turn(void)
{
    long ms = below(3) ? (long)below(5) * 7 * STEP_MS : -1;
    fake(&l)->own_timeout_ms = fake(&without)->own_timeout_ms = ms;
    fake(&l)->slow = fake(&without)->slow = (int)below(3);
    if (below(2)) {
        multi_perform(l.multi, &l.running);
        fake_multi_perform(without.handle, &without.running);
    } else {
        curl_socket_t fd = below(2) ? CURL_SOCKET_TIMEOUT : 7;
        multi_socket_action(l.multi, fd, 0, &l.running);
        fake_multi_socket_action(without.handle, fd, 0, &without.running);
    }
}

static void one_step(void)
{
    int left;
    if (below(2))
        toggle(&pairs[below(HANDLES)]);
    else
        both_turn();
    while (multi_info_read(l.multi, &left))
        ;
    while (fake_multi_info_read(without.handle, &left))
        ;
}

/* Some random orders for each of three kinds of libcurl. */
static void in_random_order(const struct fake_attempt *script, void (*check)(enum fake_timer))
{
    for (int timer = TIMER_FORGETS; timer <= TIMER_TELLS_ALL; timer++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            begin((enum fake_timer)timer, seed);
            for (int i = 0; i < HANDLES; i++) {
                program_start(&pairs[i].ours, script, 1);
                program_start(&pairs[i].bare, script, 1);
            }
            for (int i = 0; i < STEPS; i++) {
                one_step();
                check((enum fake_timer)timer);
            }
            end();
        }
}

static void expect_value_without_library(enum fake_timer timer)
{
    cr_assert_eq(l.running, without.running);
    cr_assert_eq(steps(l.timer_ms), steps(without.timer_ms), "%ld and bare %ld (%d)", l.timer_ms,
                 without.timer_ms, timer);
}

Test(multi_model, the_timer_has_the_value_that_it_has_without_the_library)
{
    static const struct fake_attempt ok[] = {OK_200};
    in_random_order(ok, expect_value_without_library);
}

/* Where libcurl does not clear the timer, an expired value counts as none. */
static void expect_value_of_multi_timeout(enum fake_timer timer)
{
    long ms = -2;
    multi_timeout(l.multi, &ms);
    if (ms < 0 && timer == TIMER_FORGETS)
        return;
    cr_assert_eq(steps(l.timer_ms), steps(ms), "%ld and asked %ld (%d)", l.timer_ms, ms, timer);
}

Test(multi_model, the_timer_has_the_earlier_of_libcurls_and_the_librarys_deadline)
{
    static const struct fake_attempt busy[] = {BUSY_503};
    slowly();
    setenv("HARDEN_BREAKER", "off", 1);
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
    in_random_order(busy, expect_value_of_multi_timeout);
}
