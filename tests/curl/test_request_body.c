/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include "curl/request_body.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#define BODY "0123456789abcdefghij"

/* A program that reads a request body from memory. */
struct source {
    const char *bytes;
    size_t at;
    int seeks;
    int seek_result;
    size_t after_seek; /* the position of "the start", if not 0 */
};

static size_t feed(char *p, size_t size, size_t n, void *source)
{
    struct source *s = source;
    size_t left = strlen(s->bytes + s->at);
    n *= size;
    n = n < left ? n : left;
    n = n < 7 ? n : 7;
    memcpy(p, s->bytes + s->at, n);
    s->at += n;
    return n;
}

static int seek(void *source, curl_off_t offset, int origin)
{
    struct source *s = source;
    cr_assert_eq(origin, SEEK_SET);
    s->seeks++;
    if (s->seek_result == CURL_SEEKFUNC_OK)
        s->at = s->after_seek + (size_t)offset;
    return s->seek_result;
}

static void put(struct program *p, struct source *s, bool seekable)
{
    set_number(p, CURLOPT_UPLOAD, 1);
    set_function(p, CURLOPT_READFUNCTION, (void (*)(void))feed);
    set_pointer(p, CURLOPT_READDATA, s);
    if (seekable) {
        set_function(p, CURLOPT_SEEKFUNCTION, (void (*)(void))seek);
        set_pointer(p, CURLOPT_SEEKDATA, s);
    }
}

static const struct fake_attempt busy_then_ok[] = {
    {.head = "HTTP/1.1 503 Busy\n\n", .body = "busy", .take = 10},
    {.head = "HTTP/1.1 200 OK\n\n", .body = "fine", .take = -1},
};

static const struct fake_attempt busy_all_read[] = {
    {.head = "HTTP/1.1 503 Busy\n\n", .body = "busy", .take = -1},
    {.head = "HTTP/1.1 200 OK\n\n", .body = "fine", .take = -1},
};

TestSuite(request_body, .fini = programs_end);

Test(request_body, a_seekable_upload_is_sent_again_from_its_start)
{
    struct program p;
    struct source s = {.bytes = BODY};
    program_start(&p, busy_then_ok, 2);
    put(&p, &s, true);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_geq(s.seeks, 1);
    cr_assert_str_eq(fake_of(p.handle)->sent[1], BODY);
}

Test(request_body, an_upload_without_seek_is_sent_once_and_its_response_is_delivered)
{
    struct program p;
    struct source s = {.bytes = BODY};
    program_start(&p, busy_then_ok, 2);
    put(&p, &s, false);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 1);
    cr_assert_str_eq(p.seen, "H503[HTTP/1.1 503 Busy]H503[]B503[busy]");
}

Test(request_body, when_seeking_fails_the_held_response_is_delivered)
{
    struct program p;
    struct source s = {.bytes = BODY, .seek_result = CURL_SEEKFUNC_CANTSEEK};
    program_start(&p, busy_then_ok, 2);
    put(&p, &s, true);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 1);
    cr_assert_str_eq(p.seen, "H503[HTTP/1.1 503 Busy]H503[]B503[busy]");
}

Test(request_body, an_upload_of_which_nothing_was_read_needs_no_seek)
{
    static const struct fake_attempt script[] = {
        {.result = CURLE_COULDNT_CONNECT, .unsent = true},
        {.head = "HTTP/1.1 200 OK\n\n", .body = "fine", .take = -1},
    };
    struct program p;
    struct source s = {.bytes = BODY};
    program_start(&p, script, 2);
    put(&p, &s, false);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_str_eq(fake_of(p.handle)->sent[1], BODY);
}

Test(request_body, a_seek_to_another_place_is_noticed_and_the_held_response_is_delivered)
{
    const size_t elsewhere[] = {1, 7, 9, 13};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        struct program p;
        struct source s = {.bytes = BODY, .after_seek = elsewhere[i]};
        program_start(&p, busy_then_ok, 2);
        put(&p, &s, true);
        cr_assert_eq(program_perform(&p), CURLE_OK, "offset %zu", elsewhere[i]);
        cr_assert_eq(performs(&p), 1);
        cr_assert_str_eq(p.seen, "H503[HTTP/1.1 503 Busy]H503[]B503[busy]");
    }
}

Test(request_body, a_body_that_begins_earlier_the_second_time_is_noticed_at_its_end)
{
    /* The program began in the middle of its data; only the length shows the difference. */
    struct program p;
    struct source s = {.bytes = "aaaaaaaaaaaaaaaaaaaa", .at = 10};
    program_start(&p, busy_all_read, 2);
    put(&p, &s, true);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 1);
    cr_assert_str_eq(fake_of(p.handle)->sent[0], "aaaaaaaaaa");
    cr_assert_str_eq(p.seen, "H503[HTTP/1.1 503 Busy]H503[]B503[busy]");
}

/* So large that only its beginning is compared before the second request. */
static char large[3 * BODY_PREFIX];

static size_t feed_large(char *p, size_t size, size_t n, void *source)
{
    struct source *s = source;
    size_t left = sizeof large - s->at;
    n *= size;
    n = n < left ? n : left;
    n = n < 5000 ? n : 5000;
    memcpy(p, large + s->at, n);
    s->at += n;
    return n;
}

static int seek_and_spoil(void *source, curl_off_t offset, int origin)
{
    large[sizeof large - 10] = 'X';
    return seek(source, offset, origin);
}

/* Returns the result of the second request; the body of the first was read completely. */
static CURLcode read_all_twice(struct source *s, curl_seek_callback seek_fn, struct request_body *b)
{
    struct program p;
    static char out[sizeof large];
    program_start(&p, busy_then_ok, 2);
    put(&p, s, true);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))feed_large);
    set_function(&p, CURLOPT_SEEKFUNCTION, (void (*)(void))seek_fn);
    request_body_begin(b, p.shadow);
    request_body_begin_attempt(b);
    while (request_body_read(out, 1, 8192, b))
        ;
    cr_assert(request_body_rewind(b, false));
    request_body_begin_attempt(b);
    size_t got;
    while ((got = request_body_read(out, 1, 8192, b)) && got <= 8192)
        ;
    return got ? CURLE_ABORTED_BY_CALLBACK : CURLE_OK;
}

Test(request_body, a_large_unchanged_body_is_sent_twice)
{
    struct request_body b;
    struct source s = {.bytes = ""};
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 7 >> 3);
    cr_assert_eq(read_all_twice(&s, seek, &b), CURLE_OK);
    cr_assert_not(b.changed);
}

Test(request_body, a_large_body_that_changes_late_is_aborted_before_it_is_complete)
{
    struct request_body b;
    struct source s = {.bytes = ""};
    cr_assert_eq(read_all_twice(&s, seek_and_spoil, &b), CURLE_ABORTED_BY_CALLBACK);
    cr_assert(b.changed);
}

static curlioerr restart(CURL *h, int command, void *source)
{
    (void)h;
    cr_assert_eq(command, CURLIOCMD_RESTARTREAD);
    ((struct source *)source)->at = 0;
    ((struct source *)source)->seeks++;
    return CURLIOE_OK;
}

Test(request_body, the_older_ioctl_callback_rewinds_as_well)
{
    struct program p;
    struct source s = {.bytes = BODY};
    program_start(&p, busy_then_ok, 2);
    put(&p, &s, false);
    set_function(&p, CURLOPT_IOCTLFUNCTION, (void (*)(void))restart);
    set_pointer(&p, CURLOPT_IOCTLDATA, &s);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(fake_of(p.handle)->sent[1], BODY);
    cr_assert_geq(s.seeks, 1);
}

static struct request_body fresh(struct shadow *s)
{
    struct request_body b;
    memset(&b, 0, sizeof b);
    request_body_begin(&b, s);
    request_body_begin_attempt(&b);
    return b;
}

Test(request_body, a_file_that_libcurl_reads_itself_is_rewound_to_its_former_position)
{
    struct program p;
    FILE *f = tmpfile();
    fputs(BODY, f);
    fseek(f, 5, SEEK_SET);
    program_start(&p, busy_then_ok, 2);
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_pointer(&p, CURLOPT_READDATA, f);
    struct request_body b = fresh(p.shadow);
    cr_assert_eq(b.kind, BODY_FILE);
    cr_assert_eq(fgetc(f), '5');
    cr_assert(request_body_rewind(&b, false));
    cr_assert_eq(ftell(f), 5);
    fclose(f);
}

Test(request_body, a_pipe_that_libcurl_reads_itself_is_not_repeatable)
{
    struct program p;
    FILE *f = popen("echo x", "r");
    program_start(&p, busy_then_ok, 2);
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_pointer(&p, CURLOPT_READDATA, f);
    struct request_body b = fresh(p.shadow);
    cr_assert_not(request_body_may_rewind(&b, false));
    cr_assert(request_body_may_rewind(&b, true));
    pclose(f);
}

Test(request_body, fields_in_memory_are_repeatable)
{
    struct program p;
    program_start(&p, busy_then_ok, 2);
    set_pointer(&p, CURLOPT_POSTFIELDS, "a=1");
    struct request_body b = fresh(p.shadow);
    cr_assert_eq(b.kind, BODY_NONE);
    cr_assert(request_body_rewind(&b, false));
}

Test(request_body, a_multipart_body_with_a_part_by_callback_is_sent_once)
{
    struct program p;
    program_start(&p, busy_then_ok, 2);
    set_pointer(&p, CURLOPT_MIMEPOST, &p);
    struct request_body b = fresh(p.shadow);
    cr_assert(request_body_may_rewind(&b, false));
    request_body_note_callback_part();
    cr_assert_not(request_body_may_rewind(&b, false));
    cr_assert(request_body_may_rewind(&b, true), "nothing was sent");
}

Test(request_body, a_multipart_body_with_a_pipe_is_sent_once)
{
    struct program p;
    program_start(&p, busy_then_ok, 2);
    set_pointer(&p, CURLOPT_MIMEPOST, &p);
    struct request_body b = fresh(p.shadow);
    request_body_note_file_part("/etc/passwd");
    cr_assert(request_body_may_rewind(&b, false));
    request_body_note_file_part("/dev/null");
    cr_assert_not(request_body_may_rewind(&b, false));
}

Test(request_body, fread_as_read_function_counts_as_the_default)
{
    struct program p;
    program_start(&p, busy_then_ok, 2);
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_function(&p, CURLOPT_READFUNCTION, (void (*)(void))fread);
    struct request_body b = fresh(p.shadow);
    cr_assert_eq(b.kind, BODY_FILE);
    cr_assert_not(request_body_is_wrapped(&b));
}

Test(request_body, an_empty_upload_does_not_touch_the_programs_stream)
{
    struct program p;
    program_start(&p, busy_then_ok, 2);
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_number(&p, CURLOPT_INFILESIZE, 0);
    set_pointer(&p, CURLOPT_READDATA, (void *)1); /* no FILE at all */
    struct request_body b = fresh(p.shadow);
    cr_assert_eq(b.kind, BODY_NONE);
}

static FILE *locked;
static sem_t has_lock, has_seen;

static void *hold_lock(void *unused)
{
    flockfile(locked);
    sem_post(&has_lock);
    sem_wait(&has_seen);
    funlockfile(locked); /* exit() may wait for the lock */
    return unused;
}

Test(request_body, a_stream_that_another_thread_reads_is_not_waited_for, .timeout = 10)
{
    struct program p;
    pthread_t thread;
    sem_init(&has_lock, 0, 0);
    sem_init(&has_seen, 0, 0);
    locked = tmpfile();
    pthread_create(&thread, NULL, hold_lock, NULL);
    sem_wait(&has_lock);
    program_start(&p, busy_then_ok, 2);
    set_number(&p, CURLOPT_UPLOAD, 1);
    set_pointer(&p, CURLOPT_READDATA, locked);
    struct request_body b = fresh(p.shadow);
    cr_assert_eq(b.file_position, -1);
    cr_assert_not(request_body_may_rewind(&b, false));
    sem_post(&has_seen);
    pthread_join(thread, NULL);
}

Test(request_body, options_set_in_flight_apply_to_the_next_request)
{
    struct program p;
    struct source s = {.bytes = BODY}, next = {.bytes = "next"};
    char out[64];
    program_start(&p, busy_then_ok, 2);
    put(&p, &s, true);
    struct request_body b = fresh(p.shadow);
    set_pointer(&p, CURLOPT_READDATA, &next);
    set_function(&p, CURLOPT_READFUNCTION, NULL);
    cr_assert_eq(request_body_read(out, 1, 7, &b), 7);
    cr_assert_eq(out[0], '0');
}

Test(request_body, a_rewind_during_an_attempt_restarts_the_comparison)
{
    /* libcurl itself rewinds between the rounds of an authentication. Another attempt may need
     * fewer rounds, but has the same body. */
    struct program p;
    struct request_body b;
    struct source s = {.bytes = BODY};
    char out[64];
    program_start(&p, busy_then_ok, 2);
    put(&p, &s, true);
    request_body_begin(&b, p.shadow);
    request_body_begin_attempt(&b);
    request_body_read(out, 1, 5, &b);
    cr_assert_eq(request_body_seek(&b, 0, SEEK_SET), CURL_SEEKFUNC_OK);
    request_body_read(out, 1, 7, &b);
    request_body_read(out, 1, 7, &b);
    cr_assert(request_body_rewind(&b, false));
    request_body_begin_attempt(&b);
    cr_assert_eq(request_body_read(out, 1, 7, &b), 7);
    cr_assert_eq(request_body_read(out, 1, 7, &b), 7);
    cr_assert_eq(request_body_read(out, 1, 7, &b), 6);
    cr_assert_eq(request_body_read(out, 1, 7, &b), 0);
    cr_assert_not(b.changed);
}

Test(request_body, a_resumed_upload_is_compared_from_its_starting_offset)
{
    struct program p;
    struct request_body b;
    struct source s = {.bytes = BODY};
    char out[64];
    program_start(&p, busy_then_ok, 2);
    put(&p, &s, true);
    request_body_begin(&b, p.shadow);
    request_body_begin_attempt(&b);
    request_body_seek(&b, 8, SEEK_SET);
    cr_assert_eq(request_body_read(out, 1, 7, &b), 7);
    cr_assert(request_body_rewind(&b, false));
    request_body_begin_attempt(&b);
    request_body_seek(&b, 8, SEEK_SET);
    cr_assert_eq(request_body_read(out, 1, 7, &b), 7);
    cr_assert_eq(out[0], '8');
    cr_assert_not(b.changed);
}
