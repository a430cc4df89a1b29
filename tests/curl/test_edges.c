/* SPDX-License-Identifier: MIT
 *
 * What one condition more or less in src/curl/ would change for a program. */
#include "recorder.h"

#include "base/clock.h"
#include "curl/transfer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

TestSuite(edges, .fini = programs_end);

#define FIELDS "a=b"

static void post(struct program *p)
{
    set_pointer(p, CURLOPT_POSTFIELDS, FIELDS);
}

static uint64_t counted(const struct program *p, enum counter c)
{
    return slot_counter(p->shadow->binding.slot, c);
}

/* ---- what was sent -------------------------------------------------------------------------- */

Test(edges, a_post_whose_sending_failed_is_not_sent_again_however_little_was_counted)
{
    struct program p;
    START(&p, {.result = CURLE_SEND_ERROR, .unsent = true}, OK_200);
    post(&p);
    cr_assert_eq(program_perform(&p), CURLE_SEND_ERROR);
    cr_assert_eq(performs(&p), 1);
}

/* Before anything was sent this would be a mistake of the URL. */
Test(edges, a_redirect_to_what_libcurl_cannot_do_is_the_hosts_failure)
{
    struct program p;
    START(&p, {.result = CURLE_UNSUPPORTED_PROTOCOL, .unsent = true, .redirects = 1});
    cr_assert_eq(program_perform(&p), CURLE_UNSUPPORTED_PROTOCOL);
    cr_assert_eq(counted(&p, COUNT_FAILURES), 1u);
}

static struct curl_api api;
static long request_size;
static curl_off_t pretransfer;

static CURLcode quirky_getinfo(CURL *h, CURLINFO info, ...)
{
    va_list ap;
    va_start(ap, info);
    void *out = va_arg(ap, void *);
    va_end(ap);
    if (info == CURLINFO_REQUEST_SIZE)
        *(long *)out = request_size;
    else if (info == CURLINFO_PRETRANSFER_TIME_T)
        *(curl_off_t *)out = pretransfer;
    else
        return fake_curl.easy_getinfo(h, info, out);
    return CURLE_OK;
}

/* How many attempts of a POST a libcurl of that version makes, of which the first is reset. */
static int attempts_of(unsigned version, long size, curl_off_t time)
{
    struct program p;
    static const struct fake_attempt script[] = {RESET, OK_200};
    program_start(&p, script, 2);
    api = fake_curl;
    api.easy_getinfo = quirky_getinfo;
    api.version_num = version;
    request_size = size;
    pretransfer = time;
    p.shadow->api = &api;
    post(&p);
    program_perform(&p);
    return performs(&p);
}

Test(edges, whether_a_request_was_sent_is_asked_as_the_version_has_it)
{
    cr_assert_eq(attempts_of(0x075801, 100, 0), 2, "7.88 tells by the time");
    cr_assert_eq(attempts_of(0x080701, 0, 1000), 1, "8.7 counts no request at all");
    cr_assert_eq(attempts_of(0x0814ff, 0, 1000), 1);
    cr_assert_eq(attempts_of(0x081500, 0, 1000), 2, "8.21 fills in the time for failures too");
    cr_assert_eq(attempts_of(0x081500, 100, 0), 1);
}

static size_t read_once(char *to, size_t size, size_t n, void *done)
{
    bool *was = done;
    size_t k = *was ? 0 : 4;
    (void)size, (void)n;
    memcpy(to, "body", k);
    *was = true;
    return k;
}

static int rewind_it(void *done, curl_off_t offset, int origin)
{
    (void)offset, (void)origin;
    *(bool *)done = false;
    return CURL_SEEKFUNC_OK;
}

Test(edges, a_post_of_which_something_was_read_may_have_been_sent)
{
    struct program p;
    bool done = false;
    START(&p, {.result = CURLE_RECV_ERROR, .take = -1}, OK_200);
    api = fake_curl;
    api.easy_getinfo = quirky_getinfo; /* and says that nothing was */
    p.shadow->api = &api;
    set_number(&p, CURLOPT_POST, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))read_once);
    set_pointer(&p, CURLOPT_READDATA, &done);
    set_function(&p, CURLOPT_SEEKFUNCTION, (void (*)(void))rewind_it);
    set_pointer(&p, CURLOPT_SEEKDATA, &done);
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 1);
}

Test(edges, a_server_that_asks_for_calm_is_throttling_whatever_the_method)
{
    struct program p;
    START(&p,
          {.result = CURLE_HTTP2_STREAM,
           .error = "HTTP/2 stream 1 was not closed cleanly: ENHANCE_YOUR_CALM (err 11)"},
          OK_200);
    post(&p);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
}

/* ---- time ----------------------------------------------------------------------------------- */

static long limit_in_body;

static size_t note_limit(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    limit_in_body = fake_of(((struct program *)program)->handle)->timeout_ms;
    return size * n;
}

Test(edges, a_good_answer_after_a_wait_streams_as_long_as_the_program_lets_it)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))note_limit);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert(fake_of(p.handle)->timeouts_seen[1] > 0, "until then there is a bound");
    cr_assert_eq(limit_in_body, 0);
}

static struct program *changing;

static size_t change_the_limit(char *to, size_t size, size_t n, void *data)
{
    (void)to, (void)size, (void)n, (void)data;
    set_number(changing, CURLOPT_TIMEOUT_MS, 7777);
    return 0;
}

Test(edges, a_time_limit_that_the_program_changes_in_flight_is_left_alone)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 503 Busy\n\n", .body = "busy", .take = -1},
          {.head = "HTTP/1.1 200 OK\n\n", .body = "fine", .take = -1});
    changing = &p;
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))change_the_limit);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))note_limit);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(limit_in_body, 7777);
}

Test(edges, an_attempt_for_which_no_time_is_left_has_the_shortest_bound_and_not_none)
{
    struct program p;
    START(&p, OK_200);
    set_number(&p, CURLOPT_TIMEOUT_MS, 1000);
    int64_t now_ns = clock_now_ns();
    struct transfer *t = transfer_begin(p.shadow, BY_EASY, now_ns);
    t->app_deadline_ns = now_ns - NS_PER_S;
    t->call.begun_ns = now_ns - 2 * NS_PER_S;
    transfer_attempt(t, now_ns);
    cr_assert_eq(fake_of(p.handle)->timeout_ms, 1);
    t->performing = false;
    transfer_end(t, CURLE_OK, now_ns);
    transfer_leave(t);
    cr_assert_eq(fake_of(p.handle)->timeout_ms, 1000);
}

/* ---- what the program sees ------------------------------------------------------------------- */

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

Test(edges, a_read_callback_that_is_set_in_flight_waits_for_the_next_transfer)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 200 OK\n\n", .body = "fine", .take = -1});
    changing = &p;
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))replace_itself);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert(read_in_flight == body_read);
    cr_assert(fake_of(p.handle)->read_fn == read_other);
}

static int lines_in_flight;

static size_t note_flight(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    lines_in_flight += ((struct program *)program)->shadow->transfer->performing;
    return size * n;
}

Test(edges, a_redirect_that_nobody_follows_is_shown_as_it_comes)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 302 Found\nLocation: /y\n\n"});
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))note_flight);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(lines_in_flight, 3);
}

Test(edges, nothing_is_held_of_a_connection_that_the_program_takes_over)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 302 Found\nLocation: /y\n\n"});
    set_number(&p, CURLOPT_CONNECT_ONLY, 2);
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))note_flight);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(lines_in_flight, 3);
}

Test(edges, whoever_refused_a_line_is_given_no_other)
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

/* It was held for another attempt, for which the body then cannot be read again. */
Test(edges, a_program_that_refuses_what_was_held_of_a_failure_hears_of_the_failure)
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

Test(edges, what_is_held_of_one_attempt_takes_no_room_from_the_next)
{
    struct program p;
    setenv("HARDEN_HOLD_LIMIT", "6B", 1);
    START(&p, BUSY_503, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
}

Test(edges, what_does_not_fit_into_what_may_be_held_is_shown)
{
    struct program p;
    setenv("HARDEN_HOLD_LIMIT", "3B", 1);
    START(&p, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
}

/* ---- headers without end -------------------------------------------------------------------- */

#define LINE_128                                                                                   \
    "X: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"     \
    "56789012345678901234567890123456789012\n"
#define LINES_16                                                                                   \
    LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128      \
        LINE_128 LINE_128 LINE_128 LINE_128 LINE_128 LINE_128
#define LINES_256                                                                                  \
    LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16      \
        LINES_16 LINES_16 LINES_16 LINES_16 LINES_16 LINES_16

/* 256 KiB of them before the answer ends; a block that may be followed by another one. */
static const struct fake_attempt endless[] = {
    {.head = "HTTP/1.1 302 Found\n" LINES_256 LINES_256 LINES_256 LINES_256 LINES_256 LINES_256
         LINES_256 LINES_256 "\nHTTP/1.1 200 OK\n\n",
     .body = "fine",
     .redirects = 1}};

Test(edges, headers_without_end_are_not_held_without_end)
{
    struct program p;
    program_start(&p, endless, 1);
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))note_flight);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(lines_in_flight, 2 + 8 * 256 + 2);
    cr_assert_leq(p.shadow->transfer_memory->gate.hold.capacity, 1 << 18);
    cr_assert_eq(p.shadow->transfer_memory->gate.state, GATE_PASS);
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

/* They need no memory, but who sends so many is not asked again. */
Test(edges, headers_that_nobody_wants_are_not_waited_for_without_end)
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

/* ---- asked more than once by libcurl itself -------------------------------------------------- */

static void goes_on(int status)
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

Test(edges, an_answer_after_which_libcurl_asks_again_by_itself_is_not_the_last)
{
    static const int statuses[] = {100, 103, 401, 407, 417};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        goes_on(statuses[i]);
}

/* ---- callbacks ------------------------------------------------------------------------------ */

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

Test(edges, a_handle_that_performs_within_its_own_callback_is_libcurls_to_refuse)
{
    struct program p;
    START(&p, OK_200, {.result = CURLE_RECURSIVE_API_CALL});
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))perform_again);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(nested, CURLE_RECURSIVE_API_CALL);
    cr_assert_eq(performs(&p), 2);
    cr_assert_eq(counted(&p, COUNT_REQUESTS), 1u);
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

Test(edges, progress_that_is_off_is_not_shown_while_we_wait)
{
    struct program p;
    int abort_it = 1;
    START(&p, BUSY_503, OK_200);
    with_progress(&p, false, &abort_it);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(shown, 0);
}

Test(edges, the_answer_that_leaves_progress_to_libcurl_aborts_nothing)
{
    struct program p;
    int own = CURL_PROGRESSFUNC_CONTINUE;
    START(&p, BUSY_503, OK_200);
    setenv("HARDEN_JITTER", "none", 1);
    with_progress(&p, true, &own);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_geq(shown, 1);
}

Test(edges, whoever_aborts_the_first_wait_finds_no_trace_of_an_earlier_transfer)
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

Test(edges, a_transfer_that_vanishes_while_it_waits_has_waited)
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

Test(edges, the_copy_of_a_handle_in_flight_is_a_handle_of_its_own)
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

Test(edges, whole_seconds_are_a_thousand_milliseconds_each)
{
    struct program p;
    START(&p, OK_200);
    set_number(&p, CURLOPT_CONNECTTIMEOUT, 3);
    set_number(&p, CURLOPT_TIMEOUT, 5);
    cr_assert_eq(p.shadow->connect_timeout_ms, 3000);
    cr_assert_eq(p.shadow->timeout_ms, 5000);
}

/* ---- the request body ------------------------------------------------------------------------ */

Test(edges, a_post_of_no_bytes_has_no_body)
{
    struct program p;
    struct body b;
    START(&p, OK_200);
    set_number(&p, CURLOPT_POST, 1);
    set_number(&p, CURLOPT_POSTFIELDSIZE, 0);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))read_other);
    body_begin(&b, p.shadow);
    cr_assert_eq(b.kind, BODY_NONE);
}

Test(edges, a_pipe_that_has_no_position_costs_no_errno)
{
    struct program p;
    struct body b;
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    FILE *f = fdopen(ends[0], "r");
    START(&p, OK_200);
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_pointer(&p, CURLOPT_READDATA, f);
    errno = EXDEV;
    body_begin(&b, p.shadow);
    cr_assert_eq(errno, EXDEV);
    cr_assert_eq(b.kind, BODY_FILE);
    fclose(f);
    close(ends[1]);
}

static size_t source_at, source_size;

static size_t feed(char *to, size_t size, size_t n, void *data)
{
    (void)data;
    size_t left = source_size - source_at, k = size * n < left ? size * n : left;
    memset(to, 'x', k);
    source_at += k;
    return k;
}

static int seek_source(void *data, curl_off_t offset, int origin)
{
    (void)data, (void)origin;
    source_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void begin_upload(struct body *b, struct program *p, curl_seek_callback seek_fn)
{
    START(p, OK_200);
    set_number(p, CURLOPT_UPLOAD, 1);
    set_function(p, CURLOPT_READFUNCTION, (void (*)(void))feed);
    set_function(p, CURLOPT_SEEKFUNCTION, (void (*)(void))seek_fn);
    body_begin(b, p->shadow);
    body_attempt(b);
}

Test(edges, a_body_that_ends_earlier_the_second_time_is_another_one)
{
    struct program p;
    struct body b;
    char piece[1024];
    size_t got;
    source_size = 3 * BODY_PREFIX;
    begin_upload(&b, &p, seek_source);
    while (body_read(piece, 1, sizeof piece, &b))
        ;
    cr_assert(body_rewind(&b, false));
    body_attempt(&b);
    source_size -= 10;
    while ((got = body_read(piece, 1, sizeof piece, &b)) && got <= sizeof piece)
        ;
    cr_assert_eq(got, CURL_READFUNC_ABORT);
    cr_assert(b.changed);
}

Test(edges, a_seek_that_failed_has_gone_nowhere)
{
    struct program p;
    struct body b;
    char piece[4];
    source_size = 100;
    begin_upload(&b, &p, seek_badly);
    body_read(piece, 1, sizeof piece, &b);
    cr_assert_eq(body_seek(&b, 0, SEEK_SET), CURL_SEEKFUNC_FAIL);
    cr_assert_eq(b.read, 4u);
}
