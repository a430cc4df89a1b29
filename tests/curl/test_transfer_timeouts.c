/* SPDX-License-Identifier: MIT
 *
 * Time limits of an attempt, and progress callbacks during a wait. */
#include "recorder.h"

#include "base/clock.h"
#include "curl/transfer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

TestSuite(transfer_timeouts, .fini = programs_end);

static uint64_t counted(const struct program *p, enum counter c)
{
    return slot_counter(p->shadow->binding.slot, c);
}

static long limit_in_body;

static size_t note_limit(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    limit_in_body = fake_of(((struct program *)program)->handle)->timeout_ms;
    return size * n;
}

Test(transfer_timeouts, a_good_response_after_a_wait_is_limited_by_the_program_only)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))note_limit);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert(fake_of(p.handle)->timeouts_seen[1] > 0, "with a time limit until then");
    cr_assert_eq(limit_in_body, 0);
}

static struct program *changing;

static size_t change_the_limit(char *to, size_t size, size_t n, void *data)
{
    (void)to, (void)size, (void)n, (void)data;
    set_number(changing, CURLOPT_TIMEOUT_MS, 7777);
    return 0;
}

Test(transfer_timeouts, a_time_limit_that_the_program_changes_in_flight_is_kept)
{
    struct program p;
    START(&p, BUSY_503, {.head = "HTTP/1.1 200 OK\n\n", .body = "fine", .take = -1});
    changing = &p;
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))change_the_limit);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))note_limit);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(limit_in_body, 7777);
}

Test(transfer_timeouts, an_attempt_without_time_left_has_the_shortest_timeout_and_not_none)
{
    struct program p;
    START(&p, OK_200);
    set_number(&p, CURLOPT_TIMEOUT_MS, 1000);
    int64_t now_ns = clock_now_ns();
    struct transfer *t = transfer_begin(p.shadow, BY_EASY, now_ns);
    t->app_deadline_ns = now_ns - NS_PER_S;
    t->call.begun_ns = now_ns - 2 * NS_PER_S;
    transfer_begin_attempt(t, now_ns);
    cr_assert_eq(fake_of(p.handle)->timeout_ms, 1);
    t->performing = false;
    transfer_end(t, CURLE_OK, now_ns);
    transfer_leave(t);
    cr_assert_eq(fake_of(p.handle)->timeout_ms, 1000);
}

static int shown;

static int progress(void *answer, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    shown++;
    return *(int *)answer;
}

static void with_progress(struct program *p, bool on, int *answer)
{
    set_function(p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))progress);
    set_pointer(p, CURLOPT_XFERINFODATA, answer);
    set_number(p, CURLOPT_NOPROGRESS, !on);
}

Test(transfer_timeouts, a_disabled_progress_callback_is_not_called_during_a_wait)
{
    struct program p;
    int abort_it = 1;
    START(&p, BUSY_503, OK_200);
    with_progress(&p, false, &abort_it);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(shown, 0);
}

Test(transfer_timeouts, curl_progressfunc_continue_does_not_abort_a_wait)
{
    struct program p;
    int own = CURL_PROGRESSFUNC_CONTINUE;
    setenv("HARDEN_JITTER", "none", 1);
    setenv("HARDEN_BASE_DELAY", "100ms", 1); /* an emulator may not notice a shorter wait */
    setenv("HARDEN_MAX_DELAY", "100ms", 1);
    START(&p, BUSY_503, OK_200);
    with_progress(&p, true, &own);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_geq(shown, 1);
}

Test(transfer_timeouts, an_aborted_first_wait_clears_the_result_of_an_earlier_transfer)
{
    struct program p;
    int abort_it = 1;
    START(&p, OK_200);
    setenv("HARDEN_RATE", "1/1m", 1);
    setenv("HARDEN_MAX_WAIT", "1h", 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    with_progress(&p, true, &abort_it);
    cr_assert_eq(program_perform(&p), CURLE_ABORTED_BY_CALLBACK);
    cr_assert_eq(fake_of(p.handle)->response_code, 0);
    cr_assert_eq(fake_of(p.handle)->empty_performs, 1);
}

Test(transfer_timeouts, the_wait_of_an_abandoned_transfer_is_counted)
{
    struct program p;
    START(&p, OK_200);
    setenv("HARDEN_RATE", "1/1m", 1);
    setenv("HARDEN_MAX_WAIT", "1h", 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    struct transfer *t = transfer_begin(p.shadow, BY_EASY, clock_now_ns());
    cr_assert_eq(call_admit(&t->call, clock_now_ns() - NS_PER_S).answer, ANSWER_WAIT);
    transfer_leave(t);
    cr_assert_geq(counted(&p, COUNT_WAITED_NS), (uint64_t)NS_PER_S);
}

Test(transfer_timeouts, whole_seconds_are_a_thousand_milliseconds_each)
{
    struct program p;
    START(&p, OK_200);
    set_number(&p, CURLOPT_CONNECTTIMEOUT, 3);
    set_number(&p, CURLOPT_TIMEOUT, 5);
    cr_assert_eq(p.shadow->connect_timeout_ms, 3000);
    cr_assert_eq(p.shadow->timeout_ms, 5000);
}
