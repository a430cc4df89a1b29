/* SPDX-License-Identifier: MIT
 *
 * The data that a program received, as one text: H[line] for a header callback, B[bytes] for a
 * body callback, with the status that getinfo returns at that moment. */
#ifndef TEST_RECORDER_H
#define TEST_RECORDER_H

#include "curl/easy.h"
#include "curl/transfer.h"
#include "fake_curl.h"

#include <stdlib.h>
#include <string.h>

/* Responses, and the recorded text of two of them. */
#define START(p, ...)                                                                              \
    do {                                                                                           \
        static const struct fake_attempt script[] = {__VA_ARGS__};                                 \
        program_start(p, script, sizeof script / sizeof script[0]);                                \
    } while (0)

#define OK_200   {.head = "HTTP/1.1 200 OK\nX: 1\n\n", .body = "fine"}
#define BUSY_503 {.head = "HTTP/1.1 503 Busy\nX: 0\n\n", .body = "busy"}
#define RESET    {.result = CURLE_RECV_ERROR, .error = "reset"}

static const char seen_200[] __attribute__((unused)) =
    "H200[HTTP/1.1 200 OK]H200[X: 1]H200[]B200[fine]";
static const char seen_503[] __attribute__((unused)) =
    "H503[HTTP/1.1 503 Busy]H503[X: 0]H503[]B503[busy]";

struct program {
    struct shadow *shadow;
    CURL *handle;
    char seen[4096];
    int pause_at;  /* the n-th callback pauses once; 0: none */
    int refuse_at; /* the n-th callback returns refuse_with */
    size_t refuse_with;
    int calls;
    char error[CURL_ERROR_SIZE];
};

static size_t note(struct program *p, char kind, const char *data, size_t n)
{
    if (++p->calls == p->pause_at) {
        strncat(p->seen, "P", sizeof p->seen - strlen(p->seen) - 1);
        return CURL_WRITEFUNC_PAUSE;
    }
    if (p->calls == p->refuse_at)
        return p->refuse_with;
    long status = 0;
    if (!easy_getinfo(p->shadow, CURLINFO_RESPONSE_CODE, &status))
        fake_curl.easy_getinfo(p->handle, CURLINFO_RESPONSE_CODE, &status);
    size_t at = strlen(p->seen);
    if (at + 32 > sizeof p->seen)
        return n;
    at += (size_t)snprintf(p->seen + at, sizeof p->seen - at, "%c%ld[", kind, status);
    for (size_t i = 0; i < n && at + 2 < sizeof p->seen; i++)
        if (data[i] != '\r' && data[i] != '\n')
            p->seen[at++] = data[i];
    p->seen[at++] = ']';
    p->seen[at] = '\0';
    return n;
}

static size_t see_header(char *p, size_t size, size_t n, void *program)
{
    return note(program, 'H', p, size * n);
}

static size_t see_body(char *p, size_t size, size_t n, void *program)
{
    return note(program, 'B', p, size * n);
}

/* Like the hooks: libcurl first, then the shadow. */
static inline CURLcode set(struct program *p, CURLoption option, union option_argument v)
{
    CURLcode r = CURLE_OK;
    if (transfer_replaces(p->shadow, option))
        ; /* the option is only stored */
    else if (option < CURLOPTTYPE_OBJECTPOINT)
        r = fake_curl.easy_setopt(p->handle, option, v.number);
    else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        r = fake_curl.easy_setopt(p->handle, option, v.offset);
    else
        r = fake_curl.easy_setopt(p->handle, option, v.pointer);
    if (!r)
        shadow_setopt(p->shadow, option, v);
    return r;
}

static inline void set_number(struct program *p, CURLoption option, long v)
{
    set(p, option, (union option_argument){.number = v});
}

static inline void set_pointer(struct program *p, CURLoption option, const void *v)
{
    set(p, option, (union option_argument){.pointer = (void *)v});
}

static inline void set_function(struct program *p, CURLoption option, void (*v)(void))
{
    set(p, option, (union option_argument){.function = v});
}

static CURL *started[16];
static int started_count;

/* At the end of each test: no data of the library may be left. */
static inline void programs_end(void)
{
    while (started_count) {
        CURL *h = started[--started_count];
        shadow_remove(h);
        fake_curl.easy_cleanup(h);
    }
}

/* A program with a scripted libcurl and the real engine, with a private board and short delays. */
static inline void program_start(struct program *p, const struct fake_attempt *script, int n)
{
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", "private", 1);
    setenv("HARDEN_THREAD", "off", 1);
    setenv("HARDEN_SNAPSHOT", "none", 1);
    setenv("HARDEN_METRICS", "none", 1);
    setenv("HARDEN_BASE_DELAY", "1ms", 0);
    setenv("HARDEN_MAX_DELAY", "1ms", 0);
    memset(p, 0, sizeof *p);
    p->handle = fake_new(script, n);
    p->shadow = shadow_add(p->handle, &fake_curl);
    started[started_count++] = p->handle;
    set_pointer(p, CURLOPT_URL, "http://api.example.com/x");
    set_function(p, CURLOPT_WRITEFUNCTION, (void (*)(void))see_body);
    set_pointer(p, CURLOPT_WRITEDATA, p);
    set_function(p, CURLOPT_HEADERFUNCTION, (void (*)(void))see_header);
    set_pointer(p, CURLOPT_HEADERDATA, p);
    set_pointer(p, CURLOPT_ERRORBUFFER, p->error);
}

static inline CURLcode program_perform(struct program *p)
{
    p->seen[0] = '\0';
    p->calls = 0;
    return easy_perform(p->shadow);
}

static inline int performs(const struct program *p)
{
    return fake_of(p->handle)->performs;
}

#endif
