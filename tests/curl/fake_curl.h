/* SPDX-License-Identifier: MIT
 *
 * A scripted libcurl: a struct curl_api whose handles play attempts from a list and record what the
 * program's callbacks would see. It follows the measured behaviour of the real one: headers go to
 * the write callback first under CURLOPT_HEADER, RESPONSE_CODE changes at the status line but not
 * for an answer to CONNECT, a paused callback is called again with the same bytes, the error buffer
 * is cleared when a perform begins, HEADER_SIZE counts a line when it has been delivered, FTP's
 * RESPONSE_CODE is that of the line before. */
#ifndef FAKE_CURL_H
#define FAKE_CURL_H

#include "curl/api.h"

#include <stdbool.h>

struct fake_attempt {
    const char *head; /* lines, each ended by '\n'; an empty one ends a block; "~" in front of a
                         status line: an answer to CONNECT; "!": a line of FTP */
    const char *body; /* NULL: none */
    const char *body_scheme; /* NULL: that of the last line */
    int piece;               /* body bytes a callback; 0: all */
    CURLcode result;
    bool unsent; /* failed before anything of the request went out */
    bool reused; /* on a connection of an earlier transfer */
    int further; /* connections after the first, that libcurl made by itself */
    long redirects;
    const char *error; /* into the error buffer */
    long lasts_ms;     /* until it ends, after all that comes; a time limit may end it before */
    long take;         /* bytes of the request body that are read; -1: all */
    long os_errno;     /* of a failure, or of an address that refused before one connected; 0: of a
                        * failure ECONNRESET; -1: none */
    int proxy_error;
    const char *asked; /* a name that getaddrinfo() is asked for meanwhile, and does not find */
    int answer;        /* what it says */
};

struct fake_handle {
    const struct fake_attempt *script;
    int script_length;
    int performs;       /* real ones: with a URL */
    int empty_performs; /* of an empty URL */
    void (*on_pause)(CURL *);

    curl_write_callback write_fn, header_fn;
    void *write_data, *header_data;
    curl_read_callback read_fn;
    void *read_data;
    curl_seek_callback seek_fn;
    void *seek_data;
    curl_ioctl_callback ioctl_fn;
    void *ioctl_data;
    CURLU *curlu;
    long header, follow, timeout_ms, connect_timeout_ms, low_speed_limit, low_speed_time, port;
    char *error_buffer;
    char url[256];
    long timeouts_seen[8]; /* TIMEOUT_MS at each perform */
    long dns_cache_s;      /* 0: never set */
    long dns_cache_seen[8];
    char sent[8][256]; /* request body of each attempt */

    const char *scheme;
    char content_type[64];
    long header_size;
    curl_off_t downloaded;
    long response_code, connect_code, redirect_count, request_size, os_errno, num_connects;
    long proxy_error;
    curl_off_t connect_time;
    curl_off_t pretransfer;
};

extern const struct curl_api fake_curl;

CURL *fake_new(const struct fake_attempt *script, int length);
struct fake_handle *fake_of(CURL *h);

#endif
