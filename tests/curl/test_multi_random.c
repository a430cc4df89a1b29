/* SPDX-License-Identifier: MIT
 *
 * Random sequences of everything that a program may do. Each handle that was added and not
 * removed gets exactly one message, and the count of running transfers is 0 only when all have
 * their message. */
#include "multi_loop.h"

#define HANDLES 12
#define STEPS   1200

static const struct fake_attempt scripts[][3] = {
    {OK_200, OK_200, OK_200},
    {BUSY_503, BUSY_503, OK_200},
    {BUSY_503, BUSY_503, BUSY_503},
    {RESET, OK_200, OK_200},
    {{.head = "HTTP/1.1 401 No\n\n"}, OK_200, OK_200},
    {{.head = "HTTP/1.1 404 No\n\n", .body = "no"}, OK_200, OK_200},
};

struct entry_of_one {
    struct program p;
    struct loop *in; /* NULL: in no multi handle */
    bool told;       /* the message was read */
};

static struct entry_of_one handles[HANDLES];
static struct loop two[2];
static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % n;
}

static struct entry_of_one *entry_of(const CURL *h)
{
    for (int i = 0; i < HANDLES; i++)
        if (handles[i].p.handle == h)
            return &handles[i];
    return NULL;
}

static void read_all(struct loop *l)
{
    int left;
    for (CURLMsg *m; (m = multi_info_read(l->multi, &left));) {
        struct entry_of_one *e = entry_of(m->easy_handle);
        cr_assert_not_null(e);
        cr_assert_eq(e->in, l, "a message of a handle that was not added");
        cr_assert_not(e->told, "a second message");
        e->told = true;
    }
}

static void check_running(struct loop *l)
{
    int without = 0;
    for (int i = 0; i < HANDLES; i++)
        without += handles[i].in == l && !handles[i].told;
    cr_assert_leq(l->running, without);
    if (l->running)
        return;
    read_all(l);
    for (int i = 0; i < HANDLES; i++)
        cr_assert(handles[i].in != l || handles[i].told,
                  "no transfer is running, but one has no message");
}

static void add_one(struct entry_of_one *e, struct loop *l)
{
    if (e->in) {
        cr_assert_eq(add(l, &e->p), CURLM_ADDED_ALREADY);
        return;
    }
    struct fake_handle *f = fake_of(e->p.handle);
    f->script = scripts[below(sizeof scripts / sizeof scripts[0])];
    f->script_length = 3;
    f->performs = 0;
    e->p.seen[0] = '\0';
    e->p.calls = 0;
    e->p.pause_at = below(6) ? 0 : 1;
    set_number(&e->p, CURLOPT_TIMEOUT_MS, below(4) ? 0 : 40);
    cr_assert_eq(add(l, &e->p), CURLM_OK);
    e->in = l;
    e->told = false;
}

static void remove_one(struct entry_of_one *e)
{
    if (!e->in)
        return;
    cr_assert_eq(remove_from(e->in, &e->p), CURLM_OK);
    e->in = NULL;
}

static void one_step(void)
{
    struct entry_of_one *e = &handles[below(HANDLES)];
    struct loop *l = &two[below(2)];
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
        add_one(e, l);
        break;
    case 3:
        remove_one(e);
        break;
    case 4:
        multi_pause(e->p.shadow, below(2) ? CURLPAUSE_ALL : CURLPAUSE_CONT);
        break;
    case 5:
        multi_remove_freed(e->p.handle); /* the first step of curl_easy_cleanup */
        e->in = NULL;
        break;
    case 6:
        set_multi(l, CURLMOPT_MAX_TOTAL_CONNECTIONS, (union option_argument){.number = below(4)});
        break;
    case 7:
        set_multi(l, CURLMOPT_MAX_HOST_CONNECTIONS, (union option_argument){.number = below(4)});
        break;
    case 8:
        fake(l)->slow = (int)below(3);
        break;
    default:
        for (int64_t until_ns = clock_now_ns() + below(60) * NS_PER_US; clock_now_ns() < until_ns;)
            ; /* lets deadlines expire */
        multi_perform(l->multi, &l->running);
        check_running(l);
    }
}

static void unpause_all(void)
{
    for (int i = 0; i < HANDLES; i++) {
        handles[i].p.pause_at = 0;
        multi_pause(handles[i].p.shadow, CURLPAUSE_CONT);
    }
}

static void random_steps(uint64_t seed)
{
    state = seed;
    for (int i = 0; i < HANDLES; i++) {
        START(&handles[i].p, OK_200);
        handles[i].in = NULL;
    }
    loop_start(&two[0]);
    loop_start(&two[1]);
    for (int i = 0; i < STEPS; i++)
        one_step();
    int64_t until_ns = clock_now_ns() + 20 * NS_PER_S;
    do {
        unpause_all();
        for (int i = 0; i < 2; i++) {
            multi_perform(two[i].multi, &two[i].running);
            check_running(&two[i]);
        }
        cr_assert_lt(clock_now_ns(), until_ns, "the loop does not end");
    } while (two[0].running || two[1].running);
    for (int i = 0; i < HANDLES; i++)
        if (below(2))
            remove_one(&handles[i]);
    loops_end();
}

Test(multi_random, every_handle_gets_one_message_without_a_limit)
{
    setenv("HARDEN_BREAKER", "off", 1);
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
    for (uint64_t seed = 1; seed <= 40; seed++)
        random_steps(seed);
}

Test(multi_random, every_handle_gets_one_message_with_a_limit)
{
    setenv("HARDEN_RATE", "2000/1s", 1);
    setenv("HARDEN_BURST", "3", 1);
    for (uint64_t seed = 100; seed <= 140; seed++)
        random_steps(seed);
}

Test(multi_random, every_handle_gets_one_message_with_a_circuit_that_opens)
{
    setenv("HARDEN_BREAKER_FAILURES", "3", 1);
    setenv("HARDEN_BREAKER_OPEN", "100ms", 1);
    for (uint64_t seed = 200; seed <= 240; seed++)
        random_steps(seed);
}
