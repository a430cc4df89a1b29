/* SPDX-License-Identifier: MIT */
#include "recorder_state.h"

#include <stdio.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

void flush_run(void)
{
    if (rec.body_run.bytes)
        printf("%s %zu bytes %016llx code=%ld\n", rec.body_run.tag, rec.body_run.bytes,
               (unsigned long long)rec.body_run.hash, rec.body_run.code);
    rec.body_run = (struct run){0};
}

static void add_to_run(const char *tag, const char *p, size_t n, long code)
{
    if (rec.body_run.tag && (strcmp(rec.body_run.tag, tag) != 0 || rec.body_run.code != code))
        flush_run();
    if (!rec.body_run.tag)
        rec.body_run = (struct run){14695981039346656037u, 0, tag, code};
    for (size_t i = 0; i < n; i++)
        rec.body_run.hash = (rec.body_run.hash ^ (unsigned char)p[i]) * 1099511628211u;
    rec.body_run.bytes += n;
}

static void print_escaped(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 32 && p[i] < 127 && p[i] != '\\')
            putchar(p[i]);
        else
            printf("\\%02x", (unsigned char)p[i]);
}

static void say(const char *what, const char *value)
{
    flush_run();
    printf("%s %s\n", what, value ? value : "(null)");
}

static long code_now(void)
{
    long code = -1;
    curl_easy_getinfo(rec.handle, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

static size_t acted(struct trigger *t, const char *name, size_t n)
{
    if (t->action == ACT_NONE || ++t->calls != t->at)
        return n;
    flush_run();
    printf("%s answers %s\n", name,
           t->action == ACT_PAUSE   ? "pause"
           : t->action == ACT_SHORT ? "short"
                                    : "error");
    if (t->action == ACT_PAUSE) {
        rec.paused = 2;
        return CURL_WRITEFUNC_PAUSE;
    }
    return t->action == ACT_SHORT ? n - 1 : CURL_WRITEFUNC_ERROR;
}

static size_t quiet(char *p, size_t size, size_t n, void *data)
{
    (void)p;
    *(size_t *)data += size * n;
    return size * n;
}

static size_t other_sink(char *p, size_t size, size_t n, void *data)
{
    (void)data;
    add_to_run("body(other)", p, size * n, code_now());
    return size * n;
}

static void do_in_flight(void)
{
    flush_run();
    if (strcmp(rec.inflight, "nested") == 0) {
        size_t got = 0;
        CURL *h = curl_easy_init();
        curl_easy_setopt(h, CURLOPT_URL, rec.nested_url);
        curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, quiet);
        curl_easy_setopt(h, CURLOPT_WRITEDATA, &got);
        int rc = curl_easy_perform(h);
        long code = 0;
        curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &code);
        printf("nested perform %d code=%ld bytes=%zu\n", rc, code, got);
        curl_easy_cleanup(h);
        printf("perform of itself %d\n", curl_easy_perform(rec.handle));
    } else if (strcmp(rec.inflight, "setopt") == 0) {
        printf("setopt %d\n", curl_easy_setopt(rec.handle, CURLOPT_WRITEFUNCTION, other_sink));
    } else if (strcmp(rec.inflight, "dup") == 0) {
        size_t got = 0;
        CURL *h = curl_easy_duphandle(rec.handle);
        curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, NULL);
        curl_easy_setopt(h, CURLOPT_HEADERDATA, NULL);
        curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, quiet);
        curl_easy_setopt(h, CURLOPT_WRITEDATA, &got);
        curl_easy_setopt(h, CURLOPT_URL, rec.nested_url);
        printf("copy performs %d", curl_easy_perform(h));
        printf(" bytes=%zu\n", got);
        curl_easy_cleanup(h);
    } else if (strcmp(rec.inflight, "getinfo") == 0) {
        char *url = NULL, *method = NULL;
        long redirects = -1, connect = -1;
        curl_easy_getinfo(rec.handle, CURLINFO_EFFECTIVE_URL, &url);
        curl_easy_getinfo(rec.handle, CURLINFO_EFFECTIVE_METHOD, &method);
        curl_easy_getinfo(rec.handle, CURLINFO_REDIRECT_COUNT, &redirects);
        curl_easy_getinfo(rec.handle, CURLINFO_HTTP_CONNECTCODE, &connect);
        printf("in flight: %s %s redirects=%ld connect=%ld\n", method, url, redirects, connect);
        rec.inflight_done = 0; /* at each line */
    } else if (strcmp(rec.inflight, "infos") == 0) {
        ask_everything();
        rec.inflight_done = 0;
    } else if (strcmp(rec.inflight, "multi") == 0)
        loop_in_flight();
}

static size_t write_cb(char *p, size_t size, size_t n, void *data)
{
    if (data != &rec.body_run)
        say("WRONG", "write data");
    size_t answer = acted(&rec.on_write, "write", size * n);
    if (answer == size * n) {
        if (rec.inflight && strcmp(rec.inflight, "infos") == 0)
            do_in_flight();
        add_to_run("body", p, size * n, code_now());
        rec.seen_body += (long long)answer;
    }
    return answer;
}

static size_t header_cb(char *p, size_t size, size_t n, void *data)
{
    flush_run();
    if (data != &rec.on_header)
        say("WRONG", "header data");
    size_t answer = acted(&rec.on_header, "header", size * n);
    if (answer != size * n && rec.paused)
        return answer; /* the same line comes again after the pause */
    printf("header \"");
    print_escaped(p, size * n);
    printf("\" code=%ld\n", code_now());
    if (rec.inflight && !rec.inflight_done) {
        rec.inflight_done = 1;
        do_in_flight();
    }
    return answer;
}

void unpause(void)
{
    if (!rec.paused || --rec.paused)
        return;
    flush_run();
    CURLcode rc = curl_easy_pause(rec.handle, CURLPAUSE_CONT);
    printf("unpause %d\n", rc);
}

static int progress_cb(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)data, (void)a, (void)b, (void)c, (void)d;
    if (!rec.loop)
        unpause();
    return rec.abort_after >= 0 && rec.seen_body >= rec.abort_after;
}

size_t read_cb(char *p, size_t size, size_t n, void *data)
{
    size_t want = size * n, left = rec.read_size - rec.read_at;
    if (data != &rec.read_at)
        say("WRONG", "read data");
    if (rec.read_abort >= 0 && rec.read_at >= (size_t)rec.read_abort) {
        say("read", "answers abort");
        return CURL_READFUNC_ABORT;
    }
    if (want > left)
        want = left;
    for (size_t i = 0; i < want; i++)
        p[i] = (char)('a' + (rec.read_at + i) % 23);
    rec.read_at += want;
    return want;
}

int seek_cb(void *data, curl_off_t offset, int origin)
{
    (void)data;
    if (origin != SEEK_SET || offset > (curl_off_t)rec.read_size)
        return CURL_SEEKFUNC_FAIL;
    rec.read_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

curlioerr ioctl_cb(CURL *h, int command, void *data)
{
    (void)h, (void)data;
    if (command != CURLIOCMD_RESTARTREAD)
        return CURLIOE_UNKNOWNCMD;
    rec.read_at = 0;
    return CURLIOE_OK;
}

void callbacks(void)
{
    curl_easy_setopt(rec.handle, CURLOPT_ERRORBUFFER, rec.errors);
    curl_easy_setopt(rec.handle, CURLOPT_WRITEFUNCTION, write_cb);
    curl_easy_setopt(rec.handle, CURLOPT_WRITEDATA, &rec.body_run);
    curl_easy_setopt(rec.handle, CURLOPT_HEADERFUNCTION, header_cb);
    curl_easy_setopt(rec.handle, CURLOPT_HEADERDATA, &rec.on_header);
    curl_easy_setopt(rec.handle, CURLOPT_XFERINFOFUNCTION, progress_cb);
    curl_easy_setopt(rec.handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(rec.handle, CURLOPT_PRIVATE, "the program's own");
}
