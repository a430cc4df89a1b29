/* SPDX-License-Identifier: MIT
 *
 * A scripted libcurl: a struct curl_api whose handles play attempts from a list and record what
 * the program's callbacks would see. It has the measured behaviour of libcurl: with
 * CURLOPT_HEADER, headers go to the write callback first; RESPONSE_CODE changes at the status
 * line, but not for a response to CONNECT; a paused callback is called again with the same
 * bytes; the error buffer is cleared when a perform begins; HEADER_SIZE includes a line when it
 * has been delivered; with FTP, RESPONSE_CODE is that of the previous line. */
#ifndef FAKE_CURL_H
#define FAKE_CURL_H

#include "curl/api.h"

#include <stdbool.h>

struct fake_attempt {
    /* Lines, each ended by '\n'; an empty one ends a block; "~" before a status line: a response to
     * CONNECT; "!": a line of FTP. */
    const char *head;
    const char *body;        /* NULL: none */
    const char *body_scheme; /* NULL: that of the last line */
    int piece;               /* body bytes per callback; 0: all */
    CURLcode result;
    bool unsent; /* failed before any byte of the request was sent */
    bool reused; /* on a connection of an earlier transfer */
    int further; /* further connections that libcurl itself made */
    long redirects;
    const char *led_to; /* the URL of the last redirect */
    const char *error;  /* text for the error buffer */
    long lasts_ms;      /* time until it ends; a time limit may end it earlier */
    long take;          /* bytes of the request body to read; -1: all */
    /* Of a failure, or of an address that refused before another one connected; 0: ECONNRESET for a
     * failure; -1: none. */
    long os_errno;
    int proxy_error;
    const char *asked; /* a name that getaddrinfo() looks up during the attempt and does not find */
    int answer;        /* the result of getaddrinfo() */
};

struct fake_handle {
    const struct fake_attempt *script;
    int script_length;
    int performs;       /* with a URL */
    int empty_performs; /* with an empty URL */
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
    const char *led_to;
    long timeouts_seen[8]; /* TIMEOUT_MS at each perform */
    long dns_cache_s;      /* 0: never set */
    long dns_cache_seen[8];
    long fresh_connect;
    long fresh_connect_seen[8];
    struct curl_slist *connect_to;
    char connect_to_seen[8][256]; /* its entries at each perform, each ended by a blank */
    char sent[8][256];            /* request body of each attempt */

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
