/* SPDX-License-Identifier: MIT
 *
 * A program with its own event loop over the scripted multi interface. */
#ifndef MULTI_LOOP_H
#define MULTI_LOOP_H

#include "curl/multi/multi.h"
#include "fake_multi.h"
#include "recorder.h"

#include "base/clock.h"

#include <criterion/criterion.h>

struct loop {
    CURLM *handle;
    struct multi *multi;
    int running;
    int messages;
    CURL *last; /* the handle of the newest message */
    CURLcode result;
    CURLcode results[FAKE_HANDLES]; /* in the order of the messages */
    CURL *order[FAKE_HANDLES];
    int timer_calls;
    long timer_ms; /* the last value of the timer; -1: none */
    int timer_answers;
};

static CURLM *loops[4];
static int loop_count;

static inline struct fake_multi *fake(const struct loop *l)
{
    return fake_multi_of(l->handle);
}

static inline void loop_start_with(struct loop *l, const struct curl_api *api)
{
    memset(l, 0, sizeof *l);
    l->handle = fake_multi_init();
    l->multi = multi_new(l->handle, api);
    l->timer_ms = -1;
    cr_assert_not_null(l->multi);
    loops[loop_count++] = l->handle;
}

static inline void loop_start(struct loop *l)
{
    loop_start_with(l, &fake_curl);
}

static inline void loops_end(void)
{
    while (loop_count) {
        struct multi *m = multi_find(loops[--loop_count]);
        if (m)
            multi_cleanup(m);
    }
    programs_end();
}

/* Transfers that fail once stay parked. */
static inline void slowly(void)
{
    setenv("HARDEN_BASE_DELAY", "1h", 1);
    setenv("HARDEN_MAX_DELAY", "1h", 1);
    setenv("HARDEN_MAX_ELAPSED", "1d", 1);
    setenv("HARDEN_JITTER", "none", 1);
}

static inline CURLMcode add(struct loop *l, struct program *p)
{
    return multi_add(l->multi, p->handle);
}

static inline CURLMcode remove_from(struct loop *l, struct program *p)
{
    return multi_remove(l->multi, p->handle);
}

static inline void read_messages(struct loop *l)
{
    int left;
    for (CURLMsg *m; (m = multi_info_read(l->multi, &left));) {
        cr_assert_eq(m->msg, CURLMSG_DONE);
        l->order[l->messages] = l->last = m->easy_handle;
        l->results[l->messages++] = l->result = m->data.result;
    }
}

static inline void turn(struct loop *l)
{
    cr_assert_eq(multi_perform(l->multi, &l->running), CURLM_OK);
    read_messages(l);
}

/* The usual loop: it ends when no transfer is running. */
static inline void run(struct loop *l)
{
    int64_t until_ns = clock_now_ns() + 20 * NS_PER_S;
    do {
        turn(l);
        cr_assert_lt(clock_now_ns(), until_ns, "the loop does not end");
    } while (l->running);
}

static inline int on_timer(CURLM *m, long ms, void *loop)
{
    struct loop *l = loop;
    (void)m;
    l->timer_calls++;
    l->timer_ms = ms;
    return l->timer_answers;
}

static inline CURLMcode set_multi(struct loop *l, int option, union option_argument v)
{
    return multi_setopt(l->multi, (CURLMoption)option, v);
}

static inline void with_timer(struct loop *l)
{
    set_multi(l, CURLMOPT_TIMERDATA, (union option_argument){.pointer = l});
    set_multi(l, CURLMOPT_TIMERFUNCTION,
              (union option_argument){.function = (void (*)(void))on_timer});
}

/* The timer has expired. */
static inline void timer_fires(struct loop *l)
{
    l->timer_ms = -1;
    cr_assert_eq(multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &l->running), CURLM_OK);
    read_messages(l);
}

#endif
