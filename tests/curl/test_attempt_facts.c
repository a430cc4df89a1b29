/* SPDX-License-Identifier: MIT
 *
 * Whether a request was sent, and whether a request body is the same the second time. */
#include "recorder.h"

#include "base/clock.h"
#include "curl/transfer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

TestSuite(attempt_facts, .fini = programs_end);

#define FIELDS "a=b"

static void post(struct program *p)
{
    set_pointer(p, CURLOPT_POSTFIELDS, FIELDS);
}

static uint64_t counted(const struct program *p, enum counter c)
{
    return slot_counter(p->shadow->binding.slot, c);
}

Test(attempt_facts, a_form_that_failed_while_sending_is_not_sent_again)
{
    struct program p;
    START(&p, {.result = CURLE_SEND_ERROR, .unsent = true}, OK_200);
    set_pointer(&p, CURLOPT_HTTPPOST, "a form, which can be read once");
    set_pointer(&p, CURLOPT_CUSTOMREQUEST, "PUT");
    cr_assert_eq(program_perform(&p), CURLE_SEND_ERROR);
    cr_assert_eq(performs(&p), 1);
}

/* Without a redirect this would be an error in the URL. */
Test(attempt_facts, a_redirect_to_an_unsupported_protocol_counts_against_the_host)
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

/* Returns the number of attempts of a POST with this version of libcurl, after a reset of the
 * first. */
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

Test(attempt_facts, whether_a_request_was_sent_is_determined_as_the_version_allows)
{
    cr_assert_eq(attempts_of(0x075801, 100, 0), 2, "7.88 sets the time only after sending");
    cr_assert_eq(attempts_of(0x080701, 0, 1000), 1, "8.7 does not count requests");
    cr_assert_eq(attempts_of(0x0814ff, 0, 1000), 1);
    cr_assert_eq(attempts_of(0x081500, 0, 1000), 2, "8.21 sets the time for failures too");
    cr_assert_eq(attempts_of(0x081500, 100, 0), 1);
}

static curl_off_t starttransfer, queued;

static CURLcode timed_getinfo(CURL *h, CURLINFO info, ...)
{
    va_list ap;
    va_start(ap, info);
    void *out = va_arg(ap, void *);
    va_end(ap);
    if (info == CURLINFO_STARTTRANSFER_TIME_T)
        *(curl_off_t *)out = starttransfer;
    else if (info == (CURLINFO)(CURLINFO_OFF_T + 65)) /* CURLINFO_QUEUE_TIME_T */
        *(curl_off_t *)out = queued;
    else
        return fake_curl.easy_getinfo(h, info, out);
    return CURLE_OK;
}

/* Whether a response is slow that began after these times, in microseconds. */
static bool is_slow(unsigned version, curl_off_t began_us, curl_off_t queued_us)
{
    struct program p;
    static const struct fake_attempt script[] = {OK_200};
    setenv("HARDEN_SLOW_AFTER", "2s", 1);
    program_start(&p, script, 1);
    api = fake_curl;
    api.easy_getinfo = timed_getinfo;
    api.version_num = version;
    starttransfer = began_us;
    queued = queued_us;
    p.shadow->api = &api;
    static uint64_t before; /* all programs of a test share a board */
    cr_assert_eq(program_perform(&p), CURLE_OK);
    uint64_t now = counted(&p, COUNT_SLOW), was = before;
    before = now;
    return now > was;
}

Test(attempt_facts, a_response_that_begins_later_than_slow_after_is_slow)
{
    cr_assert_not(is_slow(0x075801, 2000000, 0));
    cr_assert(is_slow(0x075801, 2000001, 0));
    cr_assert_not(is_slow(0x075801, 0, 0), "not known");
}

Test(attempt_facts, a_transfer_that_waits_for_a_connection_is_not_slow)
{
    cr_assert_not(is_slow(0x080600, 60000000, 59000000));
    cr_assert(is_slow(0x080600, 60000000, 57000000));
    cr_assert(is_slow(0x075801, 60000000, 59000000), "older versions do not count that time");
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

Test(attempt_facts, a_post_whose_body_was_partly_read_may_have_been_sent)
{
    struct program p;
    bool done = false;
    START(&p, {.result = CURLE_RECV_ERROR, .take = -1}, OK_200);
    api = fake_curl;
    api.easy_getinfo = quirky_getinfo; /* reports that nothing was sent */
    p.shadow->api = &api;
    set_number(&p, CURLOPT_POST, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))read_once);
    set_pointer(&p, CURLOPT_READDATA, &done);
    set_function(&p, CURLOPT_SEEKFUNCTION, (void (*)(void))rewind_it);
    set_pointer(&p, CURLOPT_SEEKDATA, &done);
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 1);
}

Test(attempt_facts, enhance_your_calm_is_throttling_for_every_method)
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
/* ---- the request body ------------------------------------------------------------------------ */

static int seek_badly(void *done, curl_off_t offset, int origin)
{
    (void)done, (void)offset, (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static size_t read_other(char *to, size_t size, size_t n, void *data)
{
    (void)to, (void)size, (void)n, (void)data;
    return 0;
}

Test(attempt_facts, a_post_of_0_bytes_has_no_body)
{
    struct program p;
    struct request_body b;
    START(&p, OK_200);
    set_number(&p, CURLOPT_POST, 1);
    set_number(&p, CURLOPT_POSTFIELDSIZE, 0);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))read_other);
    request_body_begin(&b, p.shadow);
    cr_assert_eq(b.kind, BODY_NONE);
}

Test(attempt_facts, a_pipe_without_position_does_not_change_errno)
{
    struct program p;
    struct request_body b;
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    FILE *f = fdopen(ends[0], "r");
    START(&p, OK_200);
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_pointer(&p, CURLOPT_READDATA, f);
    errno = EXDEV;
    request_body_begin(&b, p.shadow);
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

static void begin_upload(struct request_body *b, struct program *p, curl_seek_callback seek_fn)
{
    START(p, OK_200);
    set_number(p, CURLOPT_UPLOAD, 1);
    set_function(p, CURLOPT_READFUNCTION, (void (*)(void))feed);
    set_function(p, CURLOPT_SEEKFUNCTION, (void (*)(void))seek_fn);
    request_body_begin(b, p->shadow);
    request_body_begin_attempt(b);
}

Test(attempt_facts, a_body_that_ends_earlier_the_second_time_is_different)
{
    struct program p;
    struct request_body b;
    char piece[1024];
    size_t got;
    source_size = 3 * BODY_PREFIX;
    begin_upload(&b, &p, seek_source);
    while (request_body_read(piece, 1, sizeof piece, &b))
        ;
    cr_assert(request_body_rewind(&b, false));
    request_body_begin_attempt(&b);
    source_size -= 10;
    while ((got = request_body_read(piece, 1, sizeof piece, &b)) && got <= sizeof piece)
        ;
    cr_assert_eq(got, CURL_READFUNC_ABORT);
    cr_assert(b.changed);
}

Test(attempt_facts, a_failed_seek_does_not_restart_the_comparison)
{
    struct program p;
    struct request_body b;
    char piece[4];
    source_size = 100;
    begin_upload(&b, &p, seek_badly);
    request_body_read(piece, 1, sizeof piece, &b);
    cr_assert_eq(request_body_seek(&b, 0, SEEK_SET), CURL_SEEKFUNC_FAIL);
    cr_assert_eq(b.read, 4u);
}
