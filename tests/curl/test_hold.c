/* SPDX-License-Identifier: MIT
 *
 * Holding a response is invisible to the program: its callbacks get the same data as from
 * libcurl, at addresses like libcurl's, and its questions get the same answers. */
#include "recorder.h"

#include "curl/transfer.h"

#include <criterion/criterion.h>

TestSuite(hold, .fini = programs_end);

#define FOUND "HTTP/1.1 302 Found\nLocation: /y\n\n"

/* ---- the bytes ------------------------------------------------------------------------------- */

struct bytes {
    int lines, pieces, wrong;
    const char *header, *body; /* the addresses of the last data */
    bool same_twice;           /* the body callback got each header line at the same address */
    bool scribble;
    char seen[256]; /* data of the header callback */
};

static void check(struct bytes *b, char *p, size_t n)
{
    b->wrong += p[n] != '\0' || strlen(p) != n || (uintptr_t)p % 16 != 0;
}

static size_t bytes_header(char *p, size_t size, size_t n, void *data)
{
    struct bytes *b = data;
    b->lines++;
    check(b, p, size * n);
    b->same_twice &= p == b->body;
    b->header = p;
    strncat(b->seen, p, 3);
    return size * n;
}

static size_t bytes_body(char *p, size_t size, size_t n, void *data)
{
    struct bytes *b = data;
    b->pieces++;
    check(b, p, size * n);
    b->body = p;
    if (b->scribble)
        memset(p, 'z', size * n);
    return size * n;
}

static void watch_bytes(struct program *p, struct bytes *b)
{
    set_function(p, CURLOPT_HEADERFUNCTION, (void (*)(void))bytes_header);
    set_function(p, CURLOPT_WRITEFUNCTION, (void (*)(void))bytes_body);
    set_pointer(p, CURLOPT_HEADERDATA, b);
    set_pointer(p, CURLOPT_WRITEDATA, b);
    b->same_twice = true;
}

Test(hold, held_data_is_terminated_and_aligned_as_libcurls_is)
{
    struct program p;
    struct bytes b = {0};
    setenv("HARDEN_HOLD_LIMIT", "10B", 1); /* the third call with body data ends the holding */
    START(&p, {.head = FOUND "HTTP/1.1 503 Busy\nX-Longer: 12\nX: 1\n\n",
               .body = "busybusybusy",
               .piece = 4});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    watch_bytes(&p, &b);
    b.lines = 0;
    program_perform(&p);
    cr_assert_eq(b.lines, 7);
    cr_assert_eq(b.pieces, 3);
    /* the fake itself delivers the last data */
    cr_assert_leq(b.wrong, 1);
}

Test(hold, both_callbacks_get_a_header_line_at_the_same_address)
{
    struct program p;
    struct bytes b = {0};
    START(&p, {.head = FOUND "HTTP/1.1 200 OK\nX: 1\n\n"});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_number(&p, CURLOPT_HEADER, 1);
    watch_bytes(&p, &b);
    program_perform(&p);
    cr_assert_eq(b.lines, 6);
    cr_assert_eq(b.pieces, 6);
    cr_assert(b.same_twice);
}

Test(hold, a_program_may_write_into_the_data_it_gets)
{
    struct program p;
    struct bytes b = {.scribble = true};
    START(&p, {.head = "HTTP/1.1 404 No\nX-Long: 1\n\n"});
    set_number(&p, CURLOPT_HEADER, 1);
    watch_bytes(&p, &b);
    program_perform(&p);
    cr_assert_eq(b.wrong, 0);
    cr_assert_str_eq(b.seen, "zzzzzzzz"); /* the second callback sees the change, as with libcurl */
}

/* ---- limits ---------------------------------------------------------------------------------- */

static char *long_head(const char *begin, const char *line, int lines)
{
    static char head[1 << 20];
    size_t n = strlen(line), at = (size_t)sprintf(head, "%s", begin);
    for (int i = 0; i < lines; i++, at += n)
        memcpy(head + at, line, n);
    strcpy(head + at, "\n");
    return head;
}

/* Returns the number of attempts for a 503 with this many KiB of header. */
static int performs_of_header(int kilobytes, bool with_callback)
{
    static struct fake_attempt script[1];
    static char line[1025];
    struct program p;
    memset(line, 'x', 1023);
    memcpy(line, "X: ", 3);
    line[1022] = '\n';
    line[1023] = '\0';
    script[0] = (struct fake_attempt){.head = long_head("HTTP/1.1 503 Busy\n", line, kilobytes),
                                      .body = "busy"};
    program_start(&p, script, 1);
    if (!with_callback) {
        set_function(&p, CURLOPT_HEADERFUNCTION, NULL);
        set_pointer(&p, CURLOPT_HEADERDATA, NULL);
    }
    program_perform(&p);
    cr_assert(with_callback ? p.calls == kilobytes + 3 : p.calls == 1, "%d", p.calls);
    return performs(&p);
}

Test(hold, a_header_of_up_to_160_KiB_is_held)
{
    cr_assert_eq(performs_of_header(150, true), 3);
}

Test(hold, a_header_of_up_to_160_KiB_is_held_without_header_callback_too)
{
    cr_assert_eq(performs_of_header(150, false), 3);
}

Test(hold, a_longer_header_is_delivered_at_once_and_requested_once)
{
    cr_assert_eq(performs_of_header(170, true), 1);
}

Test(hold, a_response_with_a_longer_header_is_delivered_without_header_callback_too)
{
    cr_assert_eq(performs_of_header(170, false), 1);
}

static int performs_of_hints(int blocks, struct program *p)
{
    static struct fake_attempt script[1];
    char *head = long_head("", "HTTP/1.1 103 Hints\n\n", blocks);
    strcpy(head + strlen(head) - 1, "HTTP/1.1 503 Busy\n\n");
    script[0] = (struct fake_attempt){.head = head, .body = "busy"};
    program_start(p, script, 1);
    program_perform(p);
    return performs(p);
}

Test(hold, sixty_header_blocks_before_a_response_are_held)
{
    struct program p;
    cr_assert_eq(performs_of_hints(60, &p), 3);
}

Test(hold, more_header_blocks_are_delivered_each_with_its_own_status)
{
    struct program p;
    cr_assert_eq(performs_of_hints(70, &p), 1);
    cr_assert_eq(p.calls, 70 * 2 + 2 + 1);
    const char *at = p.seen;
    for (int i = 0; i < 70; i++, at += strlen("H103[HTTP/1.1 103 Hints]H103[]"))
        cr_assert_eq(strncmp(at, "H103[HTTP/1.1 103 Hints]H103[]", 30), 0, "%d", i);
    cr_assert_str_eq(at, "H503[HTTP/1.1 503 Busy]H503[]B503[busy]");
}

/* ---- curl_easy_getinfo ----------------------------------------------------------------------- */

static char recorded[1024];

static void ask(const struct program *p, CURLINFO info, void *out)
{
    if (!easy_getinfo(p->shadow, info, out))
        fake_curl.easy_getinfo(p->handle, info, out);
}

static size_t record_values(struct program *p, char kind)
{
    long size = -1;
    curl_off_t downloaded = -1;
    const char *type = NULL, *scheme = NULL;
    size_t at = strlen(recorded);
    ask(p, CURLINFO_HEADER_SIZE, &size);
    ask(p, CURLINFO_CONTENT_TYPE, &type);
    ask(p, CURLINFO_SCHEME, &scheme);
    ask(p, CURLINFO_SIZE_DOWNLOAD_T, &downloaded);
    snprintf(recorded + at, sizeof recorded - at, "%c %s %ld %s %d\n", kind, scheme, size,
             type ? type : "-", (int)downloaded);
    return 0;
}

static size_t record_header(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    return record_values(program, 'H') + size * n;
}

static size_t record_body(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    return record_values(program, 'B') + size * n;
}

static void watch_values(struct program *p)
{
    recorded[0] = '\0';
    set_function(p, CURLOPT_HEADERFUNCTION, (void (*)(void))record_header);
    set_function(p, CURLOPT_WRITEFUNCTION, (void (*)(void))record_body);
    set_number(p, CURLOPT_FOLLOWLOCATION, 1);
}

Test(hold, each_held_line_is_delivered_with_the_info_values_of_its_arrival)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 302 Found\nContent-Type: a/b\n\n"
                       "HTTP/1.1 200 OK\nX: 1\nContent-Type: c/d\n\n",
               .body = "fine"});
    watch_values(&p);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(recorded,
                     "H HTTP 0 - 0\nH HTTP 20 a/b 0\nH HTTP 39 a/b 0\n"
                     "H HTTP 41 a/b 0\nH HTTP 58 a/b 0\nH HTTP 64 c/d 0\nH HTTP 83 c/d 0\n"
                     "B HTTP 85 c/d 4\n");
}

Test(hold, an_error_response_that_is_delivered_has_the_info_values_of_its_arrival)
{
    struct program p;
    setenv("HARDEN_HOLD_LIMIT", "7B", 1);
    START(&p, {.head = "HTTP/1.1 503 Busy\nContent-Type: a/b\n\n", .body = "busybusy", .piece = 3});
    watch_values(&p);
    program_perform(&p);
    cr_assert_eq(performs(&p), 1);
    cr_assert_str_eq(recorded, "H HTTP 0 - 0\nH HTTP 19 a/b 0\nH HTTP 38 a/b 0\n"
                               "B HTTP 40 a/b 3\nB HTTP 40 a/b 6\nB HTTP 40 a/b 8\n");
}

Test(hold, a_header_line_in_the_body_callback_has_the_info_values_of_its_arrival)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 401 Who\nContent-Type: a/b\n\n", .body = "who?"});
    watch_values(&p);
    set_number(&p, CURLOPT_HEADER, 1);
    set_function(&p, CURLOPT_HEADERFUNCTION, NULL);
    set_pointer(&p, CURLOPT_HEADERDATA, NULL);
    program_perform(&p);
    cr_assert_str_eq(recorded, "B HTTP 0 - 0\nB HTTP 18 a/b 0\nB HTTP 37 a/b 0\nB HTTP 39 a/b 4\n");
}

static const char *kept;

static size_t keep_type(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    ask(program, CURLINFO_CONTENT_TYPE, &kept);
    return size * n;
}

Test(hold, a_string_from_getinfo_is_valid_until_the_next_perform)
{
    struct program p;
    setenv("HARDEN_HOLD_LIMIT", "3B", 1);
    START(&p, {.head = "HTTP/1.1 503 Busy\nContent-Type: a/b\n\n", .body = "busy"});
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))keep_type);
    program_perform(&p);
    cr_assert_str_eq(kept, "a/b"); /* AddressSanitizer detects a freed string */
}

/* ---- redirects to other protocols ------------------------------------------------------------ */

#define TO_FTP "HTTP/1.1 302 Found\nLocation: ftp://x/\n\n"
static const char seen_302[] = "H302[HTTP/1.1 302 Found]H302[Location: ftp://x/]H302[]";

Test(hold, after_a_redirect_to_ftp_each_line_is_delivered_with_its_own_status)
{
    struct program p;
    char expected[256];
    START(&p, {.head = TO_FTP "!220 hi\n!331 pw\n!226 done\n", .body = "file"});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    snprintf(expected, sizeof expected, "%sH302[220 hi]H220[331 pw]H331[226 done]B226[file]",
             seen_302);
    cr_assert_str_eq(p.seen, expected);
}

Test(hold, a_status_of_ftp_is_not_an_http_status_and_not_retried)
{
    struct program p;
    char expected[256];
    START(&p, {.head = TO_FTP "!220 hi\n!503 no\n", .result = CURLE_REMOTE_FILE_NOT_FOUND});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    cr_assert_eq(program_perform(&p), CURLE_REMOTE_FILE_NOT_FOUND);
    cr_assert_eq(performs(&p), 1);
    snprintf(expected, sizeof expected, "%sH302[220 hi]H220[503 no]", seen_302);
    cr_assert_str_eq(p.seen, expected);
}

Test(hold, a_status_of_ftp_does_not_count_against_the_host_that_redirected)
{
    struct program p;
    START(&p, {.head = TO_FTP "!502 no\n"});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 20);
}

Test(hold, a_protocol_without_header_lines_is_delivered_with_its_own_info_values)
{
    for (long header = 0; header < 2; header++) {
        struct program p;
        START(&p, {.head = "HTTP/1.1 302 Found\n\n", .body = "file", .body_scheme = "FILE"});
        watch_values(&p);
        set_number(&p, CURLOPT_HEADER, header);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_str_eq(recorded,
                         header ? "B HTTP 0 - 0\nH HTTP 0 - 0\nB HTTP 20 - 0\nH HTTP 20 - 0\n"
                                  "B FILE 22 - 4\n"
                                : "H HTTP 0 - 0\nH HTTP 20 - 0\nB FILE 22 - 4\n");
    }
}

Test(hold, a_redirect_that_libcurl_cannot_follow_is_delivered)
{
    struct program p;
    START(&p, {.head = TO_FTP, .result = CURLE_UNSUPPORTED_PROTOCOL, .redirects = 1});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    cr_assert_eq(program_perform(&p), CURLE_UNSUPPORTED_PROTOCOL);
    cr_assert_str_eq(p.seen, seen_302);
    START(&p, {.head = TO_FTP, .result = CURLE_TOO_MANY_REDIRECTS, .redirects = 1});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    cr_assert_eq(program_perform(&p), CURLE_TOO_MANY_REDIRECTS);
    cr_assert_str_eq(p.seen, seen_302);
}
