/* SPDX-License-Identifier: MIT
 *
 * The replay rule: a request body is sent again only when it is certain to be the same bytes.
 *
 *   none, POSTFIELDS, COPYPOSTFIELDS      always
 *   READFUNCTION                          nothing of it was read, or SEEKFUNCTION (IOCTLFUNCTION)
 * goes back to the start; libcurl does not do that between two performs, so we do the default fread
 * from a FILE         if the position can be read before and set back MIME data and regular files
 * always; parts by callback if each that was read has a seek function and it succeeds HTTPPOST only
 * if nothing was sent
 *
 * Seeking "to the start" may still bring other bytes (standard input that the shell opened in the
 * middle of a file). So what READFUNCTION gives is fingerprinted, and a second attempt that
 * deviates is aborted before the request is complete.
 *
 *     body_begin(&b, shadow);              once a transfer
 *     body_attempt(&b);                    before each attempt
 *     body_read as READFUNCTION if body_is_wrapped(&b), with body_seek and body_ioctl
 *     if (body_may_rewind(&b, nothing_sent)) ... body_rewind(&b)
 */
#ifndef CURL_BODY_H
#define CURL_BODY_H

#include "base/hash.h"
#include "curl/shadow.h"

#include <stdbool.h>
#include <stdio.h>

#define BODY_PREFIX (64 * 1024)

enum body_kind { BODY_NONE, BODY_READ, BODY_FILE, BODY_MIME, BODY_FORM };

/* A part of a multipart body that the program feeds by callback; lives as long as the part. */
struct mime_source {
    curl_read_callback read_fn;
    curl_seek_callback seek_fn;
    curl_free_callback free_fn;
    void *arg;
    struct body *reader;           /* the attempt that has read from it */
    struct mime_source *next_read; /* further ones of that attempt */
};

struct body {
    struct shadow *shadow;
    enum body_kind kind;
    bool consumed;       /* something was read in this attempt */
    bool changed;        /* the second reading brought other bytes */
    bool ended;          /* the end of the body was read in the first attempt */
    curl_off_t start;    /* where libcurl has set the program's stream: a resumed upload */
    long file_position;  /* BODY_FILE: before the first attempt; -1: unknown */
    uint64_t read;       /* bytes in this attempt */
    uint64_t first_read; /* bytes and fingerprint of the longest attempt so far */
    uint64_t first_hash;
    uint64_t prefix_hash; /* of the first BODY_PREFIX bytes, when there are more */
    bool compare;         /* there is a first reading to compare with */
    struct hash_stream hash;
    struct mime_source *sources; /* that were read in this attempt */
};

void body_begin(struct body *b, struct shadow *s);
void body_attempt(struct body *b);
bool body_is_wrapped(const struct body *b);
size_t body_read(char *p, size_t size, size_t n, void *body);
/* As SEEKFUNCTION and IOCTLFUNCTION where the program has them: libcurl goes back by itself when it
 * has to authenticate, and the reading begins anew. */
int body_seek(void *body, curl_off_t offset, int origin);
curlioerr body_ioctl(CURL *handle, int command, void *body);
/* As far as can be told without touching anything. */
bool body_may_rewind(const struct body *b, bool nothing_sent);
/* Goes back to the start; false: the body cannot be sent again. */
bool body_rewind(struct body *b, bool nothing_sent);
/* Forgets parts of multipart bodies that point to it. */
void body_end(struct body *b);

/* What curl_mime_data_cb is given in place of the program's functions; NULL for lack of memory. */
struct mime_source *mime_source_new(curl_read_callback read_fn, curl_seek_callback seek_fn,
                                    curl_free_callback free_fn, void *arg);
size_t mime_source_read(char *p, size_t size, size_t n, void *source);
int mime_source_seek(void *source, curl_off_t offset, int origin);
void mime_source_free(void *source);
/* curl_mime_filedata of something that is no regular file: it can be read only once. libcurl does
 * not tell which request it belongs to, so from then on no multipart body is sent twice. */
void mime_file_added(const char *path);

#endif
