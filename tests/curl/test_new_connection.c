/* SPDX-License-Identifier: MIT
 *
 * After some attempts the next one must not reuse their connection: it makes a new one. */
#include "multi_loop.h"

#include "curl/transfer.h"
#include "engine/engine.h"

#include <criterion/criterion.h>

#define BROKEN {.result = CURLE_HTTP2, .error = "Error in the HTTP2 framing layer"}

static void settings(void)
{
    setenv("HARDEN_MAX_ATTEMPTS", "4", 1);
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
    setenv("HARDEN_BREAKER", "off", 1);
}

TestSuite(new_connection, .init = settings, .fini = loops_end);

static struct curl_api api;

static void use_version(struct program *p, unsigned version)
{
    api = fake_curl;
    api.version_num = version;
    p->shadow->api = &api;
}

/* CURLOPT_FRESH_CONNECT at each attempt, such as "01". */
static const char *freshness(const struct program *p)
{
    static char text[9];
    int n = performs(p) < 8 ? performs(p) : 8;
    for (int i = 0; i < n; i++)
        text[i] = fake_of(p->handle)->fresh_connect_seen[i] ? '1' : '0';
    text[n] = '\0';
    return text;
}

/* ---- which retries --------------------------------------------------------------------------- */

Test(new_connection, a_retry_after_an_error_of_the_http2_layer_has_a_connection_of_its_own)
{
    static const unsigned versions[] = {0x074a00, 0x075801, 0x080000, 0x080e01, 0x081600};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct program p;
        START(&p, BROKEN, OK_200);
        use_version(&p, versions[i]);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_str_eq(p.seen, seen_200);
        cr_assert_str_eq(freshness(&p), "01", "version %x", versions[i]);
    }
}

Test(new_connection, other_retries_may_reuse_a_connection)
{
    struct program p;
    START(&p, RESET, BUSY_503, {.result = CURLE_HTTP2_STREAM}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(freshness(&p), "0000");
}

Test(new_connection, only_the_attempt_after_the_error_has_a_connection_of_its_own)
{
    struct program p;
    START(&p, BROKEN, BUSY_503, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(freshness(&p), "0100");

    START(&p, BROKEN, BROKEN, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(freshness(&p), "0110");
}

static const char *freshness_of_prior_knowledge(unsigned version, long http_version)
{
    struct program p;
    START(&p, BUSY_503, RESET, BUSY_503, OK_200);
    use_version(&p, version);
    set_number(&p, CURLOPT_HTTP_VERSION, http_version);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 0, "restored");
    return freshness(&p);
}

Test(new_connection, with_prior_knowledge_no_retry_of_7_88_reuses_a_connection)
{
    const long prior = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    cr_assert_str_eq(freshness_of_prior_knowledge(0x075700, prior), "0000");
    cr_assert_str_eq(freshness_of_prior_knowledge(0x075800, prior), "0111");
    cr_assert_str_eq(freshness_of_prior_knowledge(0x075801, prior), "0111");
    cr_assert_str_eq(freshness_of_prior_knowledge(0x080000, prior), "0000");
}

Test(new_connection, without_prior_knowledge_retries_of_7_88_may_reuse_a_connection)
{
    cr_assert_str_eq(freshness_of_prior_knowledge(0x075801, CURL_HTTP_VERSION_2_0), "0000");
    cr_assert_str_eq(freshness_of_prior_knowledge(0x075801, CURL_HTTP_VERSION_2TLS), "0000");
}

Test(new_connection, prior_knowledge_matters_for_http_only)
{
    struct program p;
    START(&p, {.result = CURLE_OPERATION_TIMEDOUT, .unsent = true}, {.head = "!226 Done\n"});
    set_pointer(&p, CURLOPT_URL, "ftp://files.example.com/x");
    set_number(&p, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(freshness(&p), "00");
}

Test(new_connection, a_reset_of_the_options_ends_prior_knowledge)
{
    struct program p;
    START(&p, OK_200);
    set_number(&p, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    set_number(&p, CURLOPT_FRESH_CONNECT, 1);
    shadow_reset(p.shadow);
    cr_assert_eq(p.shadow->http_version, CURL_HTTP_VERSION_NONE);
    cr_assert_not(p.shadow->fresh_connect);
}

Test(new_connection, observe_mode_changes_no_option)
{
    struct program p;
    setenv("HARDEN_MODE", "observe", 1);
    START(&p, BROKEN);
    cr_assert_eq(program_perform(&p), CURLE_HTTP2);
    cr_assert_str_eq(freshness(&p), "0");
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 0);
}

/* ---- the program's own value ----------------------------------------------------------------- */

Test(new_connection, the_programs_own_value_applies_again_after_the_transfer)
{
    for (long own = 0; own <= 1; own++) {
        struct program p;
        START(&p, BROKEN, OK_200, OK_200);
        set_number(&p, CURLOPT_FRESH_CONNECT, own);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_eq(fake_of(p.handle)->fresh_connect, own);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_str_eq(freshness(&p), own ? "111" : "010");
    }
}

Test(new_connection, the_programs_own_value_applies_again_in_a_later_attempt)
{
    struct program p;
    START(&p, BROKEN, BUSY_503, OK_200);
    set_number(&p, CURLOPT_FRESH_CONNECT, 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(freshness(&p), "111");
}

static struct program *changing;
static long changed_to;

static size_t change_option(char *bytes, size_t size, size_t n, void *data)
{
    (void)bytes, (void)data;
    set_number(changing, CURLOPT_FRESH_CONNECT, changed_to);
    return size * n;
}

Test(new_connection, a_value_that_a_callback_sets_applies_after_the_transfer)
{
    for (changed_to = 0; changed_to <= 1; changed_to++) {
        struct program p;
        START(&p, BROKEN, OK_200);
        changing = &p;
        set_number(&p, CURLOPT_FRESH_CONNECT, !changed_to);
        set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))change_option);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_str_eq(freshness(&p), changed_to ? "01" : "11");
        cr_assert_eq(fake_of(p.handle)->fresh_connect, changed_to);
    }
}

static int change_and_rewind(void *data, curl_off_t offset, int origin)
{
    (void)data, (void)offset, (void)origin;
    set_number(changing, CURLOPT_FRESH_CONNECT, changed_to);
    return CURL_SEEKFUNC_OK;
}

static size_t read_some(char *to, size_t size, size_t n, void *data)
{
    (void)size, (void)n, (void)data;
    *to = 'x';
    return 1;
}

/* A value set before the option is ours goes to libcurl, and later attempts have it. */
Test(new_connection, a_value_set_while_the_body_is_rewound_applies_to_later_attempts)
{
    struct program p;
    START(&p, {.result = CURLE_HTTP2, .take = 4}, {.head = "HTTP/1.1 503 Busy\n\n", .take = 4},
          {.head = "HTTP/1.1 200 OK\n\n", .take = 4});
    changing = &p;
    changed_to = 1;
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))read_some);
    set_function(&p, CURLOPT_SEEKFUNCTION, (void (*)(void))change_and_rewind);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(freshness(&p), "011");
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 1);
}

static CURL *copy;

static size_t copy_handle(char *bytes, size_t size, size_t n, void *program)
{
    struct program *p = program;
    (void)bytes;
    copy = fake_curl.easy_duphandle(p->handle);
    transfer_unwrap_copy(p->shadow->transfer, copy);
    return size * n;
}

Test(new_connection, a_copy_of_the_handle_has_the_programs_own_value)
{
    for (long own = 0; own <= 1; own++) {
        struct program p;
        START(&p, BROKEN, OK_200);
        set_number(&p, CURLOPT_FRESH_CONNECT, own);
        set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))copy_handle);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_eq(fake_of(copy)->fresh_connect, own);
        fake_curl.easy_cleanup(copy);
    }
}

/* ---- event loops ----------------------------------------------------------------------------- */

Test(new_connection, in_an_event_loop_the_retry_has_a_connection_of_its_own_too)
{
    struct loop l;
    struct program p, q;
    loop_start(&l);
    START(&p, BROKEN, BUSY_503, OK_200);
    START(&q, BUSY_503, OK_200);
    set_number(&q, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    set_number(&q, CURLOPT_FRESH_CONNECT, 0);
    add(&l, &p);
    add(&l, &q);
    run(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_str_eq(q.seen, seen_200);
    cr_assert_str_eq(freshness(&p), "010");
    cr_assert_str_eq(freshness(&q), "01");
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 0);
    cr_assert_eq(fake_of(q.handle)->fresh_connect, 0);
}

Test(new_connection, a_value_set_while_the_transfer_is_parked_applies_after_it)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    START(&p, BROKEN, OK_200);
    add(&l, &p);
    turn(&l);
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 1);
    set_number(&p, CURLOPT_FRESH_CONNECT, 0);
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 1, "the next attempt still needs it");
    remove_from(&l, &p);
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 0);
    set_number(&p, CURLOPT_FRESH_CONNECT, 1);
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 1);
}

Test(new_connection, a_reset_while_the_transfer_is_parked_leaves_the_default)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, BROKEN, OK_200);
    set_number(&p, CURLOPT_FRESH_CONNECT, 1);
    add(&l, &p);
    turn(&l);
    p.shadow->transfer->reset = true;
    shadow_reset(p.shadow);
    run(&l);
    cr_assert_eq(performs(&p), 1);
    cr_assert_eq(fake_of(p.handle)->fresh_connect, 0);
}
