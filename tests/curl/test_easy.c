/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include "curl/transfer.h"

#include <criterion/criterion.h>
#include <unistd.h>

#define REFUSED {.result = CURLE_COULDNT_CONNECT, .unsent = true, .error = "refused"}

TestSuite(easy, .fini = programs_end);

Test(easy, a_good_response_is_delivered_unchanged)
{
    struct program p;
    START(&p, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, two_503_are_invisible_when_the_third_attempt_succeeds)
{
    struct program p;
    START(&p, BUSY_503, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(performs(&p), 3);
    cr_assert_str_eq(p.error, "");
}

Test(easy, the_last_503_is_delivered_once_when_no_attempt_succeeds)
{
    struct program p;
    START(&p, BUSY_503);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_eq(performs(&p), 3);
}

Test(easy, a_reset_before_the_response_is_repeated_and_leaves_no_os_errno)
{
    struct program p;
    START(&p, RESET, RESET, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    fake_of(p.handle)->os_errno = 104;
    long e = -1;
    cr_assert(easy_getinfo(p.shadow, CURLINFO_OS_ERRNO, &e));
    cr_assert_eq(e, 0);
}

Test(easy, a_final_error_keeps_its_code_text_and_errno)
{
    struct program p;
    START(&p, RESET);
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_str_eq(p.seen, "");
    cr_assert_str_eq(p.error, "reset");
    long e = -1;
    cr_assert_not(easy_getinfo(p.shadow, CURLINFO_OS_ERRNO, &e));
}

#define GAVE_UP "Connection died, tried 5 times before giving up"

Test(easy, a_request_that_libcurl_retried_itself_is_not_repeated)
{
    struct program p;
    START(&p, {.result = CURLE_SEND_ERROR, .error = GAVE_UP, .further = 5}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_SEND_ERROR);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_request_that_libcurl_retried_on_earlier_transfers_only_is_repeated)
{
    struct program p;
    START(&p, {.result = CURLE_SEND_ERROR, .error = GAVE_UP, .reused = true}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
}

Test(easy, a_404_is_not_repeated)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 404 Not Found\n\n", .body = "no"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H404[HTTP/1.1 404 Not Found]H404[]B404[no]");
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_reset_after_a_good_header_block_is_not_repeated)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 200 OK\n\n", .body = "fi", .result = CURLE_PARTIAL_FILE}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_PARTIAL_FILE);
    cr_assert_str_eq(p.seen, "H200[HTTP/1.1 200 OK]H200[]B200[fi]");
    cr_assert_eq(performs(&p), 1);
}

Test(easy, commit_late_repeats_a_good_header_block_without_a_body_byte)
{
    struct program p;
    setenv("HARDEN_COMMIT", "late", 1);
    START(&p, {.head = "HTTP/1.1 200 OK\nX: 1\n\n", .result = CURLE_RECV_ERROR}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(performs(&p), 2);
}

Test(easy, commit_late_never_repeats_after_a_body_byte)
{
    struct program p;
    setenv("HARDEN_COMMIT", "late", 1);
    START(&p, {.head = "HTTP/1.1 200 OK\n\n", .body = "fi", .result = CURLE_RECV_ERROR}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, half_a_header_block_is_repeated_although_libcurl_says_success)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 200 OK\nX-Half: 1\n"}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(performs(&p), 2);
}

Test(easy, a_post_that_the_server_may_have_seen_is_not_repeated)
{
    struct program p;
    START(&p, RESET, OK_200);
    set_pointer(&p, CURLOPT_POSTFIELDS, "a=1");
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_post_of_which_nothing_was_sent_is_repeated)
{
    struct program p;
    START(&p, REFUSED, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_POSTFIELDS, "a=1");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(performs(&p), 3);
}

Test(easy, an_idempotency_key_makes_a_post_repeatable)
{
    struct program p;
    struct curl_slist key = {.data = (char *)"Idempotency-Key: 42"};
    START(&p, BUSY_503, OK_200);
    set_pointer(&p, CURLOPT_POSTFIELDS, "a=1");
    set_pointer(&p, CURLOPT_HTTPHEADER, &key);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
}

Test(easy, a_custom_verb_counts_not_the_kind_of_request)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_pointer(&p, CURLOPT_CUSTOMREQUEST, "PATCH");
    program_perform(&p);
    cr_assert_eq(performs(&p), 1);
    cr_assert_str_eq(p.seen, seen_503);
}

Test(easy, a_post_that_was_redirected_is_still_a_post)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 303 See\nLocation: /y\n\nHTTP/1.1 503 Busy\n\n", .redirects = 1},
          OK_200);
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_pointer(&p, CURLOPT_POSTFIELDS, "a=1");
    program_perform(&p);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, every_response_of_a_redirect_chain_is_delivered_with_its_own_status)
{
    struct program p;
    START(&p, BUSY_503,
          {.head = "HTTP/1.1 302 Found\nLocation: /y\n\nHTTP/1.1 200 OK\n\n", .body = "fine"});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H302[HTTP/1.1 302 Found]H302[Location: /y]H302[]"
                             "H200[HTTP/1.1 200 OK]H200[]B200[fine]");
}

Test(easy, a_redirect_that_is_not_followed_is_the_final_response)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 302 Found\nLocation: /y\n\n"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H302[HTTP/1.1 302 Found]H302[Location: /y]H302[]");
}

Test(easy, a_proxys_response_to_connect_is_not_the_final_response)
{
    struct program p;
    START(&p, {.head = "~HTTP/1.1 200 Established\n\nHTTP/1.1 503 Busy\n\n"},
          {.head = "~HTTP/1.1 200 Established\n\nHTTP/1.1 200 OK\nX: 1\n\n", .body = "fine"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H0[HTTP/1.1 200 Established]H0[]"
                             "H200[HTTP/1.1 200 OK]H200[X: 1]H200[]B200[fine]");
    cr_assert_eq(performs(&p), 2);
}

Test(easy, early_hints_are_delivered_before_the_response)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 503 Busy\n\n"},
          {.head = "HTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 200 OK\n\n", .body = "fine"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H103[HTTP/1.1 103 Early Hints]H103[Link: x]H103[]"
                             "H200[HTTP/1.1 200 OK]H200[]B200[fine]");
}

Test(easy, headers_in_the_body_stream_keep_their_order)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_number(&p, CURLOPT_HEADER, 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "B200[HTTP/1.1 200 OK]H200[HTTP/1.1 200 OK]B200[X: 1]H200[X: 1]"
                             "B200[]H200[]B200[fine]");
}

Test(easy, headers_in_the_body_stream_of_an_undecided_response_keep_their_order)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 401 Who\n\n", .body = "abcd", .piece = 2});
    set_number(&p, CURLOPT_HEADER, 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "B401[HTTP/1.1 401 Who]H401[HTTP/1.1 401 Who]B401[]H401[]"
                             "B401[ab]B401[cd]");
}

Test(easy, an_error_response_larger_than_hold_limit_is_delivered_and_not_repeated)
{
    struct program p;
    setenv("HARDEN_HOLD_LIMIT", "8B", 1);
    START(&p, {.head = "HTTP/1.1 503 Busy\n\n", .body = "0123456789", .piece = 4}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H503[HTTP/1.1 503 Busy]H503[]B503[0123]B503[4567]B503[89]");
    cr_assert_eq(performs(&p), 1);
}

/* Memory grows with the data, because most error responses are small. */
Test(easy, an_error_response_of_half_a_mebibyte_is_held_and_a_small_one_needs_little_memory)
{
    static char large[512 * 1024 + 1];
    memset(large, 'x', sizeof large - 1);
    struct program p, small;
    START(&p, {.head = "HTTP/1.1 503 Busy\n\n", .body = large, .piece = 8192}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_str_eq(p.seen, "H200[HTTP/1.1 200 OK]H200[X: 1]H200[]B200[fine]");
    START(&small, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&small), CURLE_OK);
    cr_assert_leq(small.shadow->transfer_memory->gate.hold.capacity, 2048);
}

/* libcurl sends the request again without Expect; the response to that is final. */
Test(easy, status_417_is_not_the_final_response)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 417 No\n\nHTTP/1.1 503 Busy\n\n", .body = "busy"}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_str_eq(p.seen, "H200[HTTP/1.1 200 OK]H200[X: 1]H200[]B200[fine]");
}

Test(easy, a_pause_in_the_middle_of_a_delivery_loses_nothing)
{
    for (int at = 1; at <= 4; at++) {
        struct program p;
        START(&p, BUSY_503, OK_200);
        p.pause_at = at;
        cr_assert_eq(program_perform(&p), CURLE_OK);
        char *pause = strchr(p.seen, 'P');
        cr_assert_not_null(pause);
        /* "HTTP" contains a P too; the first one that is not followed by ']' marks the pause. */
        while (pause && pause[1] == ']')
            pause = strchr(pause + 1, 'P');
        cr_assert_eq(performs(&p), 2);
        cr_assert_not_null(strstr(p.seen, "B200[fine]"));
        cr_assert_null(strstr(strstr(p.seen, "B200[fine]") + 1, "B200[fine]"));
    }
}

static struct program *paused_program;

static int unpause(void *unused, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)unused, (void)a, (void)b, (void)c, (void)d;
    easy_pause(paused_program->shadow, CURLPAUSE_CONT);
    return 0;
}

Test(easy, a_pause_after_the_perform_waits_for_the_program_to_unpause)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 401 Who\nX: 1\n\n"});
    p.pause_at = 2;
    paused_program = &p;
    set_number(&p, CURLOPT_NOPROGRESS, 0);
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))unpause);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H401[HTTP/1.1 401 Who]PH401[X: 1]H401[]");
}

Test(easy, a_callback_error_ends_the_transfer_with_a_write_error)
{
    for (int at = 1; at <= 4; at++) {
        struct program p;
        START(&p, BUSY_503, OK_200);
        p.refuse_at = at;
        cr_assert_eq(program_perform(&p), CURLE_WRITE_ERROR, "callback %d", at);
        cr_assert_eq(performs(&p), 2);
    }
}

Test(easy, a_callback_error_after_the_perform_is_a_write_error_too)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 401 Who\nX: 1\n\n"});
    p.refuse_at = 2;
    cr_assert_eq(program_perform(&p), CURLE_WRITE_ERROR);
    cr_assert_str_eq(p.error, "Failed writing header");
}

/* libcurl gets the error in a later callback of another kind, and uses the text for that one. */
Test(easy, a_callback_error_on_held_data_has_libcurls_error_text)
{
    static const struct fake_attempt answers[] = {
        {.head = "HTTP/1.1 200 OK\nX: 1\n\n", .body = "fine"}, /* fails in flight */
        {.head = "HTTP/1.1 401 Who\nX: 1\n\n", .body = ""},    /* fails after the perform */
    };
    static const struct {
        unsigned version;
        int answer, refuse_at;
        size_t taken; /* fails in the third callback: a header line as a part of the body */
        const char *text;
    } rows[] = {
        {0x074700, 0, 2, 0, "Failed writing header"},
        {0x074700, 0, 3, 2, "Failed writing body (2 != 6)"},
        {0x074800, 1, 3, 0, "Failure writing output to destination"},
        {0x080600, 0, 1, 0, "Failed writing header"},
        {0x080600, 1, 2, 0, "Failed writing header"},
        {0x080700, 0, 2, 0, "Failure writing output to destination, passed 6 returned 0"},
        {0x080700, 1, 2, 3, "Failure writing output to destination, passed 6 returned 3"},
        {0x080700, 0, 3, 0, "Failure writing output to destination, passed 6 returned 0"},
        {0x080700, 0, 2, SIZE_MAX, "Failure writing output to destination, passed 6 returned -1"},
        {0x080800, 0, 2, CURL_WRITEFUNC_ERROR, "client returned ERROR on write of 6 bytes"},
        {0x081400, 1, 2, 0, "Failure writing output to destination, passed 6 returned 0"},
        {0x081400, 1, 2, CURL_WRITEFUNC_ERROR, "client returned ERROR on write of 6 bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program p;
        struct curl_api api = fake_curl;
        api.version_num = rows[i].version;
        program_start(&p, &answers[rows[i].answer], 1);
        p.shadow->api = &api;
        if (rows[i].refuse_at == 3)
            set_number(&p, CURLOPT_HEADER, 1);
        p.refuse_at = rows[i].refuse_at;
        p.refuse_with = rows[i].taken;
        cr_assert_eq(program_perform(&p), CURLE_WRITE_ERROR);
        cr_assert_str_eq(p.error, rows[i].text, "row %zu: %s", i, p.error);
    }
}

static int stop_at_once(void *unused, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)unused, (void)a, (void)b, (void)c, (void)d;
    return 1;
}

Test(easy, the_progress_callback_may_abort_the_wait_for_a_retry)
{
    struct program p;
    setenv("HARDEN_JITTER", "none", 1);
    setenv("HARDEN_BASE_DELAY", "300ms", 1);
    setenv("HARDEN_MAX_DELAY", "300ms", 1);
    START(&p, BUSY_503, OK_200);
    set_number(&p, CURLOPT_NOPROGRESS, 0);
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))stop_at_once);
    cr_assert_eq(program_perform(&p), CURLE_ABORTED_BY_CALLBACK);
    cr_assert_str_eq(p.error, "Callback aborted");
    cr_assert_str_eq(p.seen, "");
    cr_assert_eq(performs(&p), 1);
}

Test(easy, status_500_of_one_page_does_not_block_the_others)
{
    struct program p;
    setenv("HARDEN_RETRY", "off", 1);
    START(&p, BUSY_503, BUSY_503, BUSY_503, BUSY_503, BUSY_503, OK_200);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(program_perform(&p), CURLE_COULDNT_CONNECT);
    set_pointer(&p, CURLOPT_URL, "http://api.example.com/another/page");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 6);
}

Test(easy, a_refusal_clears_the_result_of_an_earlier_transfer)
{
    struct program p;
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    START(&p, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
    cr_assert_eq(performs(&p), 1);
    cr_assert_eq(fake_of(p.handle)->empty_performs, 1);
    cr_assert_eq(fake_of(p.handle)->response_code, 0);
    cr_assert_str_eq(fake_of(p.handle)->url, "http://api.example.com/x");
    cr_assert_eq(strncmp(p.error, "harden: rate limit of api.example.com", 37), 0, "%s", p.error);
}

Test(easy, an_open_circuit_returns_could_not_connect)
{
    struct program p;
    setenv("HARDEN_RETRY", "off", 1);
    START(&p, REFUSED);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(program_perform(&p), CURLE_COULDNT_CONNECT);
    cr_assert_eq(performs(&p), 5);
    cr_assert_eq(program_perform(&p), CURLE_COULDNT_CONNECT);
    cr_assert_eq(performs(&p), 5);
    cr_assert_eq(strncmp(p.error, "harden: circuit open for api.example.com", 40), 0);
}

Test(easy, options_are_restored_afterwards)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_number(&p, CURLOPT_TIMEOUT_MS, 20000);
    program_perform(&p);
    struct fake_handle *f = fake_of(p.handle);
    cr_assert_eq(f->write_fn, see_body);
    cr_assert_eq(f->write_data, &p);
    cr_assert_eq(f->header_fn, see_header);
    cr_assert_eq(f->header_data, &p);
    cr_assert_eq(f->error_buffer, p.error);
    cr_assert_eq(f->timeout_ms, 20000);
    cr_assert_null(p.shadow->transfer);
}

static size_t read_nothing(char *d, size_t size, size_t n, void *data)
{
    (void)d, (void)size, (void)n, (void)data;
    return 0;
}

static int seek_anywhere(void *data, curl_off_t offset, int origin)
{
    (void)data, (void)offset, (void)origin;
    return CURL_SEEKFUNC_OK;
}

static curlioerr restart(CURL *h, int command, void *data)
{
    (void)h, (void)command, (void)data;
    return CURLIOE_OK;
}

Test(easy, options_of_the_request_body_are_restored_afterwards)
{
    struct program p;
    char places[3];
    for (int seeks = 0; seeks < 2; seeks++) {
        START(&p, BUSY_503, OK_200);
        set_number(&p, CURLOPT_UPLOAD, 1);
        set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))read_nothing);
        set_pointer(&p, CURLOPT_READDATA, &places[0]);
        if (seeks)
            set_function(&p, CURLOPT_SEEKFUNCTION, (void (*)(void))seek_anywhere);
        set_pointer(&p, CURLOPT_SEEKDATA, &places[1]);
        set_function(&p, CURLOPT_IOCTLFUNCTION, (void (*)(void))restart);
        set_pointer(&p, CURLOPT_IOCTLDATA, &places[2]);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        const struct fake_handle *f = fake_of(p.handle);
        cr_assert(f->read_fn == read_nothing && f->read_data == &places[0]);
        cr_assert(f->seek_fn == (seeks ? seek_anywhere : NULL) && f->seek_data == &places[1]);
        cr_assert(f->ioctl_fn == restart && f->ioctl_data == &places[2]);
    }
}

Test(easy, a_program_without_an_error_buffer_has_none_afterwards)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_pointer(&p, CURLOPT_ERRORBUFFER, NULL);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_null(fake_of(p.handle)->error_buffer);
}

Test(easy, a_refusal_does_not_change_the_url)
{
    struct program p;
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    START(&p, OK_200);
    CURLU *u = curl_url();
    curl_url_set(u, CURLUPART_URL, "http://api.example.com/y", 0);
    set_pointer(&p, CURLOPT_CURLU, u);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
    cr_assert_eq(fake_of(p.handle)->empty_performs, 1);
    cr_assert_eq(fake_of(p.handle)->curlu, u);
    curl_url_cleanup(u);
}

Test(easy, a_request_that_failed_while_sending_may_have_been_sent)
{
    static const CURLcode codes[] = {CURLE_SEND_ERROR, CURLE_HTTP2, CURLE_HTTP3};
    static const struct fake_attempt scripts[][2] = {
        {{.result = CURLE_SEND_ERROR, .unsent = true}, OK_200},
        {{.result = CURLE_HTTP2, .unsent = true}, OK_200},
        {{.result = CURLE_HTTP3, .unsent = true}, OK_200},
    };
    setenv("HARDEN_BREAKER", "off", 1);
    for (int i = 0; i < 3; i++) {
        struct program p;
        program_start(&p, scripts[i], 2);
        set_pointer(&p, CURLOPT_POSTFIELDS, "a=1");
        cr_assert_eq(program_perform(&p), codes[i]);
        cr_assert_eq(performs(&p), 1);

        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        FILE *once = fdopen(ends[0], "r");
        program_start(&p, scripts[i], 2);
        set_number(&p, CURLOPT_UPLOAD, 1);
        set_pointer(&p, CURLOPT_READDATA, once);
        cr_assert_eq(program_perform(&p), codes[i]);
        cr_assert_eq(performs(&p), 1, "data from a pipe cannot be read again");
        fclose(once);
        close(ends[1]);
    }
}

Test(easy, a_retry_has_only_the_rest_of_the_programs_timeout)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_number(&p, CURLOPT_TIMEOUT_MS, 20000);
    program_perform(&p);
    cr_assert_eq(fake_of(p.handle)->timeouts_seen[0], 20000);
    cr_assert_leq(fake_of(p.handle)->timeouts_seen[1], 20000);
    cr_assert_gt(fake_of(p.handle)->timeouts_seen[1], 0);
}

static size_t swap_sink(char *d, size_t size, size_t n, void *program)
{
    struct program *p = program;
    set_function(p, CURLOPT_WRITEFUNCTION, (void (*)(void))see_body);
    return note(program, 'S', d, size * n);
}

Test(easy, a_write_callback_changed_in_flight_gets_the_next_data)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 200 OK\n\n", .body = "abcd", .piece = 2});
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))swap_sink);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H200[HTTP/1.1 200 OK]H200[]S200[ab]B200[cd]");
    cr_assert_eq(fake_of(p.handle)->write_fn, see_body);
}

Test(easy, observe_mode_changes_nothing)
{
    struct program p;
    setenv("HARDEN_MODE", "observe", 1);
    START(&p, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, retry_off_makes_one_attempt)
{
    struct program p;
    setenv("HARDEN_RETRY", "off", 1);
    START(&p, BUSY_503, OK_200);
    program_perform(&p);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_hint_beyond_the_deadline_delivers_the_response_at_once)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 429 Slow\nRetry-After: 80000\n\n", .body = "slow"}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H429[HTTP/1.1 429 Slow]H429[Retry-After: 80000]H429[]B429[slow]");
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_program_without_header_callback_gets_the_body_alone)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    set_function(&p, CURLOPT_HEADERFUNCTION, NULL);
    set_pointer(&p, CURLOPT_HEADERDATA, NULL);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "B200[fine]");
    cr_assert_null(fake_of(p.handle)->header_fn);
}

Test(easy, an_endless_stream_of_interim_responses_is_not_held_for_ever)
{
    struct program p;
    static char head[400000];
    size_t n = 0;
    while (n < 200000)
        n += (size_t)snprintf(head + n, sizeof head - n, "HTTP/1.1 103 Hints\nLink: x\n\n");
    snprintf(head + n, sizeof head - n, "HTTP/1.1 200 OK\n\n");
    START(&p, {.head = head, .body = "fine"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_leq(p.shadow->transfer_memory->gate.hold.capacity, 16 * 1024);
}

Test(easy, observe_mode_logs_the_retry_without_touching_the_body)
{
    struct program p;
    char path[] = "/tmp/harden-events-XXXXXX", line[512] = "";
    int fd = mkstemp(path);
    setenv("HARDEN_MODE", "observe", 1);
    setenv("HARDEN_EVENTS", path, 1);
    START(&p, BUSY_503);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_gt(read(fd, line, sizeof line - 1), 0);
    cr_assert_not_null(strstr(line, "\"event\":\"retry\""), "%s", line);
    cr_assert_eq(performs(&p), 1);
    close(fd);
    unlink(path);
}

Test(easy, a_pause_after_the_perform_ends_with_the_programs_own_timeout, .timeout = 20)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 401 Who\nX: 1\n\n"});
    p.pause_at = 2;
    set_number(&p, CURLOPT_TIMEOUT_MS, 50);
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
}

static CURLcode inner_result;

static size_t perform_again(char *d, size_t size, size_t n, void *program)
{
    struct program *p = program;
    inner_result = easy_perform(p->shadow);
    return note(program, 'B', d, size * n);
}

Test(easy, a_perform_of_the_same_handle_during_a_delivery_is_refused)
{
    struct program p;
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_MAX_WAIT", "10ms", 1);
    START(&p, BUSY_503, OK_200);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))perform_again);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(inner_result, CURLE_FAILED_INIT);
    cr_assert_eq(performs(&p), 1);
}

static bool guarded;

static size_t perform_guarded(char *d, size_t size, size_t n, void *program)
{
    struct program *p = program;
    guarded = easy_is_guarded(p->shadow);
    return perform_again(d, size, n, program);
}

static void guards(unsigned version, bool expected)
{
    struct program p;
    static struct curl_api api;
    api = fake_curl;
    api.version_num = version;
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_MAX_WAIT", "10ms", 1);
    START(&p, BUSY_503, OK_200);
    p.shadow->api = &api;
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))perform_guarded);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(guarded, expected);
    cr_assert_eq(inner_result, expected ? CURLE_RECURSIVE_API_CALL : CURLE_FAILED_INIT);
    cr_assert_str_eq(p.error, expected ? "" : "easy handle already used in multi handle");
    cr_assert_not(easy_is_guarded(p.shadow), "after the transfer");
}

Test(easy, from_8_22_on_a_handle_cannot_be_performed_in_its_callbacks)
{
    guards(0x081600, true);
}

Test(easy, before_8_22_a_handle_can_be_performed_in_its_callbacks)
{
    guards(0x081500, false);
}

static int reset_now(void *program, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct program *p = program;
    (void)a, (void)b, (void)c, (void)d;
    p->shadow->transfer->reset = true;
    shadow_reset(p->shadow);
    return 0;
}

Test(easy, a_reset_of_the_handle_during_the_wait_ends_the_request)
{
    struct program p;
    setenv("HARDEN_JITTER", "none", 1);
    setenv("HARDEN_BASE_DELAY", "300ms", 1);
    setenv("HARDEN_MAX_DELAY", "300ms", 1);
    START(&p, RESET, OK_200);
    set_number(&p, CURLOPT_NOPROGRESS, 0);
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))reset_now);
    set_pointer(&p, CURLOPT_XFERINFODATA, &p);
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, options_set_after_a_reset_in_flight_go_to_libcurl)
{
    struct program p;
    START(&p, OK_200);
    struct transfer t = {.wrapped = true};
    p.shadow->transfer = &t;
    cr_assert(transfer_replaces(p.shadow, CURLOPT_WRITEFUNCTION));
    t.reset = true;
    cr_assert_not(transfer_replaces(p.shadow, CURLOPT_WRITEFUNCTION));
    p.shadow->transfer = NULL;
}

Test(easy, a_switch_to_http2_is_not_the_final_response)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 101 Switch\nUpgrade: h2c\n\nHTTP/2 503 \n\n", .body = "busy"},
          {.head = "HTTP/1.1 101 Switch\nUpgrade: h2c\n\nHTTP/2 200 \n\n", .body = "fine"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_not_null(strstr(p.seen, "B200[fine]"));
}

Test(easy, a_switch_to_another_protocol_is_the_final_response)
{
    struct program p;
    setenv("HARDEN_COMMIT", "late", 1);
    START(&p, {.head = "HTTP/1.1 101 Switch\nUpgrade: websocket\n\n"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H101[HTTP/1.1 101 Switch]H101[Upgrade: websocket]H101[]");
}

Test(easy, a_good_response_with_a_header_too_large_to_hold_is_delivered)
{
    struct program p;
    static char head[200000];
    size_t n = (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\n");
    while (n < 180000)
        n += (size_t)snprintf(head + n, sizeof head - n, "X: %01000d\n", 1);
    snprintf(head + n, sizeof head - n, "\n");
    START(&p, {.head = head}, OK_200);
    set_function(&p, CURLOPT_HEADERFUNCTION, NULL);
    set_pointer(&p, CURLOPT_HEADERDATA, NULL);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_mail_on_a_reused_connection_is_not_sent_again)
{
    struct program p;
    START(&p, {.result = CURLE_RECV_ERROR, .reused = true}, OK_200);
    set_pointer(&p, CURLOPT_URL, "smtp://mail.example.com/");
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_pointer(&p, CURLOPT_READDATA, tmpfile());
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_mail_server_that_refuses_the_connection_is_tried_again)
{
    struct program p;
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_URL, "smtp://mail.example.com/");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
}

Test(easy, ftp_commands_are_sent_once)
{
    struct program p;
    START(&p, {.result = CURLE_FTP_ACCEPT_TIMEOUT}, OK_200);
    set_pointer(&p, CURLOPT_URL, "ftp://ftp.example.com/x");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2, "a plain download is repeated");

    START(&p, {.result = CURLE_FTP_ACCEPT_TIMEOUT}, OK_200);
    set_pointer(&p, CURLOPT_URL, "ftp://ftp.example.com/x");
    set_pointer(&p, CURLOPT_QUOTE, &p);
    cr_assert_eq(program_perform(&p), CURLE_FTP_ACCEPT_TIMEOUT);
    cr_assert_eq(performs(&p), 1);
}

Test(easy, a_download_without_status_is_not_cut_off_by_the_librarys_deadline)
{
    struct program p;
    setenv("HARDEN_MAX_ELAPSED", "2s", 1);
    START(&p, {.result = CURLE_FTP_ACCEPT_TIMEOUT}, OK_200);
    set_pointer(&p, CURLOPT_URL, "ftp://ftp.example.com/x");
    program_perform(&p);
    cr_assert_eq(performs(&p), 2);
    cr_assert_eq(fake_of(p.handle)->timeouts_seen[1], 0);
}

Test(easy, curl_easy_pause_between_attempts_is_accepted)
{
    struct program p;
    START(&p, OK_200);
    struct transfer t = {0};
    p.shadow->transfer = &t;
    cr_assert(easy_pause(p.shadow, CURLPAUSE_CONT));
    t.performing = true;
    cr_assert_not(easy_pause(p.shadow, CURLPAUSE_CONT));
    p.shadow->transfer = NULL;
}

/* A libcurl that clears OS_ERRNO when a transfer begins. */
static long errno_after(struct program *p)
{
    static struct curl_api newer;
    newer = fake_curl;
    newer.version_num = 0x080800;
    p->shadow->api = &newer;
    cr_assert_eq(program_perform(p), CURLE_OK);
    long e = fake_of(p->handle)->os_errno;
    easy_getinfo(p->shadow, CURLINFO_OS_ERRNO, &e);
    return e;
}

#define REFUSED_FIRST(x) {.os_errno = 111, .head = "HTTP/1.1 " x "\n\n"}
#define REUSED(x)        {.reused = true, .head = "HTTP/1.1 " x "\n\n"}

Test(easy, the_errno_of_a_refused_address_is_reported_if_the_connection_is_from_an_earlier_attempt)
{
    struct program p;
    START(&p, REFUSED_FIRST("503 Busy"), REUSED("503 Busy"), REUSED("200 OK"), REUSED("200 OK"));
    cr_assert_eq(errno_after(&p), 111);
    cr_assert_eq(errno_after(&p), 0, "the next transfer does not have it");
}

Test(easy, the_errno_of_an_address_that_refused_twice_is_reported_after_a_reset)
{
    struct program p;
    START(&p, RESET, REFUSED_FIRST("200 OK"));
    fake_of(p.handle)->os_errno = 0;
    cr_assert_eq(errno_after(&p), 111);
}

Test(easy, a_failure_with_the_errno_of_a_refused_address_is_not_hidden)
{
    struct program p;
    START(&p, {.result = CURLE_COULDNT_CONNECT, .unsent = true, .os_errno = 104},
          {.os_errno = 104, .head = "HTTP/1.1 200 OK\n\n"});
    cr_assert_eq(errno_after(&p), 104);
}

static CURLcode busy(CURL *h)
{
    fake_of(h)->os_errno = 0;
    return CURLE_FAILED_INIT;
}

Test(easy, a_nested_perform_forgets_the_refused_address)
{
    struct program p;
    START(&p, REFUSED_FIRST("503 Busy"), REUSED("200 OK"));
    cr_assert_eq(errno_after(&p), 111);
    struct curl_api api = *p.shadow->api;
    api.easy_perform = busy;
    p.shadow->api = &api;
    p.shadow->transfer = p.shadow->transfer_memory;
    p.shadow->transfer->performing = true;
    cr_assert_eq(easy_perform(p.shadow), CURLE_FAILED_INIT);
    p.shadow->transfer = NULL;
    long e = 0;
    easy_getinfo(p.shadow, CURLINFO_OS_ERRNO, &e);
    cr_assert_eq(e, 0);
    p.shadow->api = &fake_curl;
}

Test(easy, a_transfer_that_is_not_covered_does_not_depend_on_the_one_before)
{
    struct program p;
    START(&p, REFUSED_FIRST("503 Busy"), REUSED("200 OK"), {.reused = true, .body = "file"});
    cr_assert_eq(errno_after(&p), 111);
    set_pointer(&p, CURLOPT_URL, "file:///etc/motd");
    cr_assert_eq(errno_after(&p), 0);
}

Test(easy, a_new_connection_does_not_depend_on_the_one_of_an_earlier_attempt)
{
    struct program p;
    START(&p, REFUSED_FIRST("503 Busy"), OK_200);
    cr_assert_eq(errno_after(&p), 0);
}

Test(easy, the_errno_of_a_hidden_failure_stays_hidden_until_another_failure)
{
    struct program p;
    long e = -1;
    START(&p, RESET, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    fake_of(p.handle)->os_errno = 104; /* libcurl keeps the errno */
    cr_assert(easy_getinfo(p.shadow, CURLINFO_OS_ERRNO, &e));
    cr_assert_eq(e, 0);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    fake_of(p.handle)->os_errno = 104;
    cr_assert(easy_getinfo(p.shadow, CURLINFO_OS_ERRNO, &e));
    cr_assert_eq(e, 0);
    fake_of(p.handle)->os_errno = 111;
    cr_assert(easy_getinfo(p.shadow, CURLINFO_OS_ERRNO, &e));
    cr_assert_eq(e, 111);
}
