/* SPDX-License-Identifier: MIT
 *
 * Shared by all host programs: a URL on the test server, a transfer, and one line of output about
 * it. The runner compares the lines of a bare run with those of a run under the shim, so a line
 * contains what the program saw: result, status, body, and which libcurl made the transfer. */
#ifndef TESTS_PRELOAD_HOST_H
#define TESTS_PRELOAD_HOST_H

#ifdef RAW
#include "raw.h"
#else
#include <curl/curl.h>
#endif
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    size_t used;
    char body[256];
    char library[64]; /* the library that called our socket callback: it made the transfer */
};

/* Prints the failed condition and ends the host; both runs must get past it. */
#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                                      \
            fflush(stdout);                                                                        \
            _Exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* The server; NULL: from the environment. */
static const char *base;
/* The stream for output lines; NULL: stdout. */
static FILE *lines;

static inline const char *url_of(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", base ? base : getenv("BASE"), path);
    return out;
}

static inline void library_of(const void *address, char *out, size_t size)
{
    Dl_info info;
    const char *name = dladdr(address, &info) ? info.dli_fname : "nowhere";
    const char *slash = strrchr(name, '/');
    snprintf(out, size, "%s", slash ? slash + 1 : name);
}

static inline size_t keep_body(char *p, size_t size, size_t count, void *user)
{
    struct answer *a = (struct answer *)user;
    size_t n = size * count, room = sizeof a->body - 1 - a->used;
    memcpy(a->body + a->used, p, n < room ? n : room);
    a->used += n < room ? n : room;
    a->body[a->used] = 0;
    return n;
}

static inline int note_library(void *user, curl_socket_t s, curlsocktype purpose)
{
    struct answer *a = (struct answer *)user;
    (void)s;
    (void)purpose;
    library_of(__builtin_return_address(0), a->library, sizeof a->library);
    return CURL_SOCKOPT_OK;
}

static inline void prepare(CURL *h, const char *path, struct answer *a)
{
    char url[512];
    memset(a, 0, sizeof *a);
    curl_easy_setopt(h, CURLOPT_URL, url_of(path, url, sizeof url));
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(h, CURLOPT_SOCKOPTFUNCTION, note_library);
    curl_easy_setopt(h, CURLOPT_SOCKOPTDATA, a);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
}

static inline void tell(CURL *h, const char *what, CURLcode rc, const struct answer *a)
{
    long status = -1;
    FILE *out = lines ? lines : stdout;
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    fprintf(out, "%s: %d %ld %s", what, (int)rc, status, a->body);
    if (a->library[0])
        fprintf(out, " by %s", a->library);
    fputc('\n', out);
    fflush(out);
}

#ifdef MULTI
/* Performs in the usual event loop, which ends when no transfer runs. */
static inline CURLcode perform_by_multi(CURL *h)
{
    CURLcode rc = CURLE_FAILED_INIT;
    int running = 1, left;
    CURLM *m = curl_multi_init();
    if (!m)
        return rc;
    curl_multi_add_handle(m, h);
    while (running && curl_multi_perform(m, &running) == CURLM_OK)
        if (running)
            curl_multi_poll(m, NULL, 0, 1000, NULL);
    for (CURLMsg *message; (message = curl_multi_info_read(m, &left));)
        rc = message->data.result;
    curl_multi_remove_handle(m, h);
    curl_multi_cleanup(m);
    return rc;
}
#define curl_easy_perform perform_by_multi
#endif

/* Init, setopt, perform, cleanup. */
static inline CURLcode fetch(const char *what, const char *path)
{
    struct answer a;
    CURL *h = curl_easy_init();
    if (!h) {
        printf("%s: no handle\n", what);
        return CURLE_FAILED_INIT;
    }
    prepare(h, path, &a);
    CURLcode rc = curl_easy_perform(h);
    tell(h, what, rc, &a);
    curl_easy_cleanup(h);
    return rc;
}

#endif
