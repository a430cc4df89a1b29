/* SPDX-License-Identifier: MIT
 *
 * Which parts of a response the program gets, and when. */
#include "recorder.h"

#include "base/clock.h"
#include "curl/transfer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

TestSuite(gate, .fini = programs_end);

static uint64_t counted(const struct program *p, enum counter c)
{
    return slot_counter(p->shadow->binding.slot, c);
}

static struct program *changing;

static size_t read_once(char *to, size_t size, size_t n, void *done)
{
    bool *was = done;
    size_t k = *was ? 0 : 4;
    (void)size, (void)n;
    memcpy(to, "body", k);
    *was = true;
    return k;
}

static curl_read_callback read_in_flight;

static size_t read_other(char *to, size_t size, size_t n, void *data)
{
    (void)to, (void)size, (void)n, (void)data;
    return 0;
}

static size_t replace_itself(char *to, size_t size, size_t n, void *data)
{
    (void)to, (void)size, (void)n, (void)data;
    set_function(changing, CURLOPT_READFUNCTION, (void (*)(void))read_other);
    read_in_flight = fake_of(changing->handle)->read_fn;
    return 0;
}

Test(gate, a_read_callback_set_in_flight_applies_to_the_next_transfer)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 200 OK\n\n", .body = "fine", .take = -1});
    changing = &p;
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))replace_itself);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert(read_in_flight == request_body_read);
    cr_assert(fake_of(p.handle)->read_fn == read_other);
}

static int lines_in_flight;
static size_t held_at_first; /* bytes of memory when the first line was delivered */

static size_t note_flight(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    const struct transfer *t = ((struct program *)program)->shadow->transfer;
    if (!lines_in_flight)
        held_at_first = t->gate.hold.end;
    lines_in_flight += t->performing;
    return size * n;
}

Test(gate, a_redirect_that_is_not_followed_is_delivered_at_once)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 302 Found\nLocation: /y\n\n"});
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))note_flight);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(lines_in_flight, 3);
}

Test(gate, nothing_is_held_with_connect_only)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 302 Found\nLocation: /y\n\n"});
    set_number(&p, CURLOPT_CONNECT_ONLY, 2);
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))note_flight);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(lines_in_flight, 3);
}

Test(gate, a_callback_that_failed_is_not_called_again)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 404 Not Found\nX: 1\n\n", .body = "no"});
    p.refuse_at = 1;
    cr_assert_eq(program_perform(&p), CURLE_WRITE_ERROR);
    cr_assert_eq(p.calls, 1);
}

static int seek_badly(void *done, curl_off_t offset, int origin)
{
    (void)done, (void)offset, (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

/* The response was held for another attempt, but the request body cannot be read again. */
Test(gate, a_callback_error_on_held_data_of_a_failure_reports_the_failure)
{
    struct program p;
    bool done = false;
    START(&p, {.head = "HTTP/1.1 503 Busy\n\n",
               .body = "busy",
               .result = CURLE_PARTIAL_FILE,
               .take = -1});
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))read_once);
    set_pointer(&p, CURLOPT_READDATA, &done);
    set_function(&p, CURLOPT_SEEKFUNCTION, (void (*)(void))seek_badly);
    p.refuse_at = 1;
    cr_assert_eq(program_perform(&p), CURLE_PARTIAL_FILE);
    cr_assert_eq(p.calls, 1);
}

Test(gate, data_held_of_one_attempt_takes_no_space_from_the_next)
{
    struct program p;
    setenv("HARDEN_HOLD_LIMIT", "6B", 1);
    START(&p, BUSY_503, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
}

Test(gate, a_response_larger_than_hold_limit_is_delivered)
{
    struct program p;
    setenv("HARDEN_HOLD_LIMIT", "3B", 1);
    START(&p, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
}

/* ---- endless headers ------------------------------------------------------------------------- */

#define LINE_128                                                                                   \
    "X: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"     \
    "56789012345678901234567890123456789012\n"
#define LINES_16                                                                                   \
    LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128      \
        LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128
#define LINES_256                                                                                  \
    LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16      \
        LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16

/* 256 KiB of headers before the response ends, in a block that another one may follow. */
static const struct fake_attempt endless[] = {
    {.head = "HTTP/1.1 302 Found\n" LINES_256 LINES_256 LINES_256 LINES_256 LINES_256 LINES_256
         LINES_256 LINES_256 "\nHTTP/1.1 200 OK\n\n",
     .body = "fine",
     .redirects = 1}};

Test(gate, endless_headers_are_not_held_for_ever)
{
    struct program p;
    program_start(&p, endless, 1);
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))note_flight);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(lines_in_flight, 2 + 8 * 256 + 2);
    cr_assert_gt(held_at_first, 100u << 10);
    cr_assert_lt(held_at_first, 220u << 10, "160 KiB and the overhead of each line");
}

static enum gate_state state_in_body;

static size_t note_state(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    state_in_body = ((struct program *)program)->shadow->transfer->gate.state;
    return size * n;
}

static const struct fake_attempt endless_503[] = {
    {.head = "HTTP/1.1 302 Found\n" LINES_256 LINES_256 LINES_256 LINES_256 LINES_256 LINES_256
         LINES_256 LINES_256 "\nHTTP/1.1 503 Busy\n\n",
     .body = "busy",
     .redirects = 1},
    OK_200};

/* Such headers need no memory, but the request is not repeated. */
Test(gate, endless_headers_without_header_callback_are_not_waited_for)
{
    struct program p;
    program_start(&p, endless_503, 2);
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_function(&p, CURLOPT_HEADERFUNCTION, NULL);
    set_pointer(&p, CURLOPT_HEADERDATA, NULL);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))note_state);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 1);
    cr_assert_eq(state_in_body, GATE_PASS);
}

/* ---- requests that libcurl itself repeats ---------------------------------------------------- */

static void check_not_final(int status)
{
    static char head[200];
    static struct fake_attempt script[2] = {{.body = "fine"}, OK_200};
    struct program p;
    snprintf(head, sizeof head, "HTTP/1.1 %d No\nRetry-After: 0\n\nHTTP/1.1 503 Busy\n\n", status);
    script[0].head = head;
    program_start(&p, script, 2);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200, "%d: %s", status, p.seen);
}

Test(gate, a_response_after_which_libcurl_sends_another_request_is_not_final)
{
    static const int statuses[] = {100, 103, 401, 407, 417};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        check_not_final(statuses[i]);
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static CURLcode nested = CURLE_FAILED_INIT;

static size_t perform_again(char *p, size_t size, size_t n, void *program)
{
    struct program *own = program;
    (void)p;
    if (nested == CURLE_FAILED_INIT) {
        nested = CURLE_OK;
        nested = easy_perform(own->shadow);
    }
    return size * n;
}

Test(gate, a_perform_within_a_callback_of_the_same_handle_is_left_to_libcurl)
{
    struct program p;
    START(&p, OK_200, {.result = CURLE_RECURSIVE_API_CALL});
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))perform_again);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(nested, CURLE_RECURSIVE_API_CALL);
    cr_assert_eq(performs(&p), 2);
    cr_assert_eq(counted(&p, COUNT_REQUESTS), 1u);
}

/* ---- the copy of a handle -------------------------------------------------------------------- */

static CURL *copy;
static struct shadow *copied;

static size_t copy_in_flight(char *p, size_t size, size_t n, void *program)
{
    struct program *own = program;
    (void)p;
    if (!copy) {
        copy = fake_curl.easy_duphandle(own->handle);
        copied = shadow_copy(copy, own->shadow);
        transfer_unwrap_copy(own->shadow->transfer, copy);
    }
    return size * n;
}

Test(gate, a_copy_of_a_handle_in_flight_is_independent)
{
    struct program p;
    START(&p, OK_200);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))copy_in_flight);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_null(copied->transfer);
    cr_assert_null(copied->transfer_memory);
    cr_assert_eq(easy_perform(copied), CURLE_OK);
    cr_assert_eq(fake_of(copy)->performs, 1);
    cr_assert(copied->transfer_memory != p.shadow->transfer_memory);
    shadow_remove(copy);
    fake_curl.easy_cleanup(copy);
}
