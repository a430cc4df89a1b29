/* SPDX-License-Identifier: MIT
 *
 * Transfers while memory is short: the program gets the result without the library or the result
 * with the library, and nothing is leaked. */
#include "scarce.h"

#include "base/clock.h"
#include "base/sizes.h"
#include "curl/gate/headers.h"
#include "curl/multi/multi.h"
#include "fake_multi.h"
#include "recorder.h"

#include <limits.h>

#define LONG_HEAD                                                                                  \
    "HTTP/1.1 302 Found\nLocation: /y\nX-A: 1234567890123456789012345678901234567890\n\n"          \
    "HTTP/1.1 200 OK\nX-B: 1234567890123456789012345678901234567890\n\n"

static const struct fake_attempt good[] = {OK_200}, busy[] = {BUSY_503, OK_200},
                                 reset[] = {RESET, OK_200},
                                 redirected[] = {
                                     {.head = LONG_HEAD, .body = "fine", .redirects = 1}};

static void make(void)
{
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", "private", 1);
    setenv("HARDEN_THREAD", "off", 1);
    setenv("HARDEN_SNAPSHOT", "none", 1);
    setenv("HARDEN_METRICS", "none", 1);
    setenv("HARDEN_BASE_DELAY", "1ms", 1);
    setenv("HARDEN_MAX_DELAY", "1ms", 1);
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
    setenv("HARDEN_BREAKER", "off", 1);
}

TestSuite(no_memory, .init = make, .timeout = 120);

static void option(struct program *p, CURLoption o, const void *v)
{
    fake_curl.easy_setopt(p->handle, o, v);
    shadow_setopt(p->shadow, o, (union option_argument){.pointer = (void *)v});
}

static void number(struct program *p, CURLoption o, long v)
{
    fake_curl.easy_setopt(p->handle, o, v);
    shadow_setopt(p->shadow, o, (union option_argument){.number = v});
}

/* False: the library does not know the handle. */
static bool start(struct program *p, const struct fake_attempt *script, int n)
{
    bool on = scarce.on;
    memset(p, 0, sizeof *p);
    scarce_end(); /* the handle is libcurl's own allocation */
    p->handle = fake_new(script, n);
    scarce.on = on;
    p->shadow = shadow_add(p->handle, &fake_curl);
    if (!p->shadow)
        return false;
    option(p, CURLOPT_WRITEFUNCTION, (void *)see_body);
    option(p, CURLOPT_WRITEDATA, p);
    option(p, CURLOPT_HEADERFUNCTION, (void *)see_header);
    option(p, CURLOPT_HEADERDATA, p);
    option(p, CURLOPT_ERRORBUFFER, p->error);
    option(p, CURLOPT_URL, "http://api.example.com/x");
    return true;
}

static void finish(struct program *p)
{
    scarce_end();
    shadow_remove(p->handle);
    fake_curl.easy_cleanup(p->handle);
}

static bool is_whole(const struct program *p)
{
    return !strcmp(p->seen, seen_200) || !strcmp(p->seen, seen_503);
}

static void busy_once(void)
{
    struct program p;
    scarce_begin();
    if (start(&p, busy, 2)) {
        CURLcode r = easy_perform(p.shadow);
        scarce_end();
        cr_assert_eq(r, CURLE_OK);
        cr_assert(is_whole(&p), "%s", p.seen);
    }
    finish(&p);
}

Test(no_memory, a_response_is_complete_whether_it_can_be_held_or_not)
{
    scarce_each(busy_once);
}

static void reset_once(void)
{
    struct program p;
    scarce_begin();
    if (start(&p, reset, 2)) {
        CURLcode r = easy_perform(p.shadow);
        scarce_end();
        cr_assert_str_eq(p.seen, r ? "" : seen_200);
        cr_assert_str_eq(p.error, r ? "reset" : "");
    }
    finish(&p);
}

Test(no_memory, a_failure_is_repeated_or_reported)
{
    scarce_each(reset_once);
}

static void fallback_once(void)
{
    struct program p;
    struct curl_slist own = {.data = (char *)"other:80:elsewhere:1"};
    scarce_begin();
    if (start(&p, reset, 2)) {
        option(&p, CURLOPT_CONNECT_TO, &own);
        CURLcode r = easy_perform(p.shadow);
        scarce_end();
        cr_assert_str_eq(p.seen, r ? "" : seen_200);
        cr_assert_eq(fake_of(p.handle)->connect_to, &own);
    }
    finish(&p);
}

Test(no_memory, an_attempt_goes_to_another_place_or_is_made_at_the_name_itself)
{
    setenv("HARDEN_FALLBACK", "backup", 1);
    scarce_each(fallback_once);
}

/* The text of a run with enough memory. */
static char expected[4096];

static void same_once(const struct fake_attempt *script, bool include_header)
{
    struct program p;
    scarce_begin();
    if (start(&p, script, 1)) {
        option(&p, CURLOPT_URL, "api.example.com/x");
        option(&p, CURLOPT_DEFAULT_PROTOCOL, "https");
        option(&p, CURLOPT_PROXY, "http://proxy.example.com:3128");
        option(&p, CURLOPT_NOPROXY, "other.example.com");
        number(&p, CURLOPT_FOLLOWLOCATION, 1);
        number(&p, CURLOPT_HEADER, include_header);
        CURLcode r = easy_perform(p.shadow);
        scarce_end();
        cr_assert_eq(r, CURLE_OK);
        if (!scarce.fail_at)
            memcpy(expected, p.seen, sizeof expected);
        cr_assert_str_eq(p.seen, expected);
    }
    finish(&p);
}

static void redirected_once(void)
{
    same_once(redirected, false);
}

static void included_once(void)
{
    same_once(redirected, true);
}

static void good_once(void)
{
    same_once(good, false);
}

Test(no_memory, header_blocks_are_delivered_once_and_in_order)
{
    scarce_each(good_once);
    scarce_each(redirected_once);
    scarce_each(included_once);
}

Test(no_memory, a_second_perform_allocates_nothing)
{
    struct program p;
    start(&p, good, 1);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    scarce_plan(INT_MAX, false);
    scarce_begin();
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    scarce_end();
    if (HOLD_KEPT_BYTES > 1024) /* enough for such a response */
        cr_assert_eq(scarce.asked, 0);
    scarce_plan(0, false);
    finish(&p);
}

static void copy_once(void)
{
    struct program p;
    start(&p, good, 1);
    option(&p, CURLOPT_PROXY, "http://proxy.example.com:3128");
    option(&p, CURLOPT_NOPROXY, "other.example.com");
    CURL *copy = fake_curl.easy_duphandle(p.handle);
    scarce_begin();
    struct shadow *s = shadow_copy(copy, p.shadow);
    scarce_end();
    cr_assert(s || scarce.failed);
    cr_assert(shadow_find(copy) == s);
    if (s) {
        cr_assert_str_eq(s->url, p.shadow->url);
        cr_assert_str_eq(s->proxy, p.shadow->proxy);
        cr_assert_str_eq(s->no_proxy, p.shadow->no_proxy);
        cr_assert(s->url != p.shadow->url);
    }
    shadow_remove(copy);
    fake_curl.easy_cleanup(copy);
    finish(&p);
}

Test(no_memory, a_copy_of_a_handle_is_complete_or_unknown)
{
    scarce_each(copy_once);
}

/* ---- an event loop --------------------------------------------------------------------------- */

enum { HANDLES = 6 };

static int ignore_timer(CURLM *m, long ms, void *data)
{
    (void)m;
    (void)ms;
    (void)data;
    return 0;
}

static void read_messages(struct multi *m, const struct program *p, int *told)
{
    int left;
    for (CURLMsg *msg; (msg = multi_info_read(m, &left));)
        for (int i = 0; i < HANDLES; i++)
            if (p[i].handle == msg->easy_handle) {
                told[i]++;
                bool good_end = msg->data.result == CURLE_OK && is_whole(&p[i]);
                cr_assert(good_end || (i % 3 == 2 && msg->data.result == CURLE_RECV_ERROR),
                          "%d: %d, %s", i, msg->data.result, p[i].seen);
            }
}

static void drive(struct multi *m, struct program *p)
{
    int told[HANDLES] = {0}, running;
    int64_t end_ns = clock_now_ns() + 20 * NS_PER_S;
    multi_setopt(m, CURLMOPT_TIMERFUNCTION,
                 (union option_argument){.function = (void (*)(void))ignore_timer});
    multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS, (union option_argument){.number = 2});
    for (int i = 0; i < HANDLES; i++)
        cr_assert_eq(multi_add(m, p[i].handle), CURLM_OK);
    do {
        cr_assert_eq(multi_perform(m, &running), CURLM_OK);
        read_messages(m, p, told);
        cr_assert_lt(clock_now_ns(), end_ns, "the loop does not end");
    } while (running);
    for (int i = 0; i < HANDLES; i++) {
        cr_assert_eq(told[i], 1, "handle %d had %d messages", i, told[i]);
        cr_assert_eq(multi_remove(m, p[i].handle), CURLM_OK);
    }
}

static void loop_once(void)
{
    struct program p[HANDLES];
    static const struct fake_attempt *const scripts[] = {good, busy, reset};
    CURLM *handle = fake_multi_init();
    for (int i = 0; i < HANDLES; i++)
        start(&p[i], scripts[i % 3], i % 3 ? 2 : 1);
    scarce_begin();
    struct multi *m = multi_new(handle, &fake_curl);
    if (m) {
        drive(m, p);
        multi_cleanup(m);
    }
    scarce_end();
    cr_assert(m || scarce.failed);
    if (!m)
        fake_multi_cleanup(handle);
    for (int i = 0; i < HANDLES; i++)
        finish(&p[i]);
}

Test(no_memory, a_loop_gets_one_message_for_each_transfer)
{
    scarce_each(loop_once);
}

/* A program may read exactly as many messages as are reported. */
Test(no_memory, messages_that_cannot_be_kept_are_counted)
{
    enum { MANY = 16 };
    static struct program p[MANY];
    int running, left, messages = 0;
    CURLM *handle = fake_multi_init();
    struct multi *m = multi_new(handle, &fake_curl);
    for (int i = 0; i < MANY; i++) {
        start(&p[i], good, 1);
        cr_assert_eq(easy_perform(p[i].shadow), CURLE_OK);
        p[i].seen[0] = '\0';
        cr_assert_eq(multi_add(m, p[i].handle), CURLM_OK);
    }
    scarce_plan(1, true);
    scarce_begin();
    cr_assert_eq(multi_perform(m, &running), CURLM_OK);
    do {
        cr_assert_not_null(multi_info_read(m, &left));
        messages++;
    } while (left);
    scarce_end();
    cr_assert_gt(scarce.failed, 0);
    scarce_plan(0, false);
    cr_assert_eq(messages, MANY);
    for (int i = 0; i < MANY; i++) {
        cr_assert_str_eq(p[i].seen, seen_200);
        cr_assert_eq(multi_remove(m, p[i].handle), CURLM_OK);
    }
    multi_cleanup(m);
    for (int i = 0; i < MANY; i++)
        finish(&p[i]);
}

static const struct fake_attempt cut[] = {BUSY_503, {.lasts_ms = 60000}, OK_200};

/* The restored result is reported until the next transfer, even if that is not covered. */
Test(no_memory, a_transfer_that_cannot_be_covered_is_reported_by_libcurl)
{
    struct program p;
    int running;
    long status;
    setenv("HARDEN_MAX_ELAPSED", "400ms", 1);
    CURLM *handle = fake_multi_init();
    struct multi *m = multi_new(handle, &fake_curl);
    start(&p, cut, 3);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    cr_assert(easy_getinfo(p.shadow, CURLINFO_RESPONSE_CODE, &status));
    cr_assert_eq(status, 503);
    scarce_plan(1, true);
    scarce_begin();
    cr_assert_eq(multi_add(m, p.handle), CURLM_OK);
    cr_assert_eq(multi_perform(m, &running), CURLM_OK);
    scarce_end();
    cr_assert_gt(scarce.failed, 0);
    scarce_plan(0, false);
    cr_assert_eq(fake_of(p.handle)->response_code, 200);
    cr_assert_not(easy_getinfo(p.shadow, CURLINFO_RESPONSE_CODE, &status));
    cr_assert_eq(multi_remove(m, p.handle), CURLM_OK);
    multi_cleanup(m);
    finish(&p);
}

static struct curl_header *two_headers(CURL *handle, unsigned origin, int request,
                                       struct curl_header *previous)
{
    static struct curl_header h = {.name = "A", .value = "b", .origin = CURLH_HEADER};
    (void)handle, (void)origin, (void)request;
    if (previous && previous->anchor)
        return NULL;
    h.anchor = previous;
    return &h;
}

static void copy_headers(void)
{
    static const struct curl_api api = {.easy_nextheader = two_headers};
    scarce_begin();
    struct headers *h = headers_copy(&api, NULL, 1);
    scarce_end();
    cr_assert_eq(!h, scarce.failed > 0);
    cr_assert(!h || (h->lists[0].count == 2 && h->lists[1].count == 2));
    headers_free(h);
}

Test(no_memory, headers_are_copied_completely_or_not_at_all)
{
    scarce_each(copy_headers);
}

static void limited(void)
{
    make();
    setenv("HARDEN_RATE", "100000/1s", 1);
}

Test(no_memory, a_loop_with_a_limit_gets_one_message_for_each_transfer, .init = limited)
{
    scarce_each(loop_once);
}
