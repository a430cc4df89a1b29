/* SPDX-License-Identifier: MIT
 *
 * The replay rule: a request body is sent again only when it is certain to be the same bytes.
 *
 *   none, POSTFIELDS, COPYPOSTFIELDS    always
 *   READFUNCTION                        if nothing of it was read, or SEEKFUNCTION (IOCTLFUNCTION) goes
 *                                       back to the start; libcurl does not do that between two
 *                                       performs, so we do
 *   fread from a FILE, the default      if its position is as it was, or can be set back
 *   MIME                                data and regular files always; with a part by callback, or a
 *                                       file that is a pipe, only if nothing was sent
 *   HTTPPOST                            only if nothing was sent
 *
 * Seeking "to the start" may still bring other bytes (standard input that the shell opened in the
 * middle of a file). So what READFUNCTION gives is fingerprinted: after the seek its beginning is
 * read again and compared, while the first answer can still be delivered; and a second attempt that
 * deviates later on is aborted before the request is complete.
 *
 *     request_body_begin(&b, shadow);              once a transfer; the options of that moment count
 *     request_body_begin_attempt(&b);                    before each attempt
 *     request_body_read as READFUNCTION if request_body_is_wrapped(&b), with request_body_seek and request_body_ioctl
 *     if (request_body_may_rewind(&b, nothing_sent)) ... request_body_rewind(&b, nothing_sent)
 */
#ifndef CURL_REQUEST_BODY_H
#define CURL_REQUEST_BODY_H

#include "base/hash.h"
#include "base/sizes.h"
#include "curl/shadow.h"

#include <stdbool.h>
#include <stdio.h>

enum body_kind { BODY_NONE, BODY_READ, BODY_FILE, BODY_MIME, BODY_FORM };

struct request_body {
    enum body_kind kind;
    CURL *handle;
    curl_read_callback read_fn; /* as at the start: libcurl does not look again in flight */
    void *read_data;
    curl_seek_callback seek_fn;
    void *seek_data;
    curl_ioctl_callback ioctl_fn;
    void *ioctl_data;

    bool consumed;       /* something was read in this attempt */
    bool changed;        /* the second reading brought other bytes */
    bool ended;          /* the end of the body was reached */
    curl_off_t start;    /* where libcurl has set the program's stream: a resumed upload */
    long file_position;  /* BODY_FILE: before the first attempt; -1: unknown */
    uint64_t read;       /* bytes in this attempt */
    uint64_t first_read; /* bytes and fingerprint of the longest attempt so far */
    uint64_t first_hash;
    uint64_t prefix_hash; /* of the first BODY_PREFIX bytes, when there are more */
    bool compare;         /* there is a first reading to compare with */
    struct hash_stream hash;
};

void request_body_begin(struct request_body *b, const struct shadow *s);
void request_body_begin_attempt(struct request_body *b);
bool request_body_is_wrapped(const struct request_body *b);
size_t request_body_read(char *p, size_t size, size_t n, void *body);
/* As SEEKFUNCTION and IOCTLFUNCTION where the program has them: libcurl goes back by itself when it
 * has to authenticate, and the reading begins anew. */
int request_body_seek(void *body, curl_off_t offset, int origin);
curlioerr request_body_ioctl(CURL *handle, int command, void *body);
/* As far as can be told without touching anything. */
bool request_body_may_rewind(const struct request_body *b, bool nothing_sent);
/* Goes back to the start; false: the body cannot be sent again. */
bool request_body_rewind(struct request_body *b, bool nothing_sent);

/* A multipart part that can be read only once, or of which that cannot be told, was made. libcurl
 * does not say which request it belongs to, so from then on no multipart body is sent twice. */
void request_body_note_callback_part(void);
void request_body_note_file_part(const char *path);

#endif
