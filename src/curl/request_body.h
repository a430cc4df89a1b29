/* SPDX-License-Identifier: MIT
 *
 * The replay rule: a request body is sent again only if it is certain to be the same bytes.
 *
 *   none, POSTFIELDS, COPYPOSTFIELDS    always
 *   READFUNCTION                        if nothing of it was read, or SEEKFUNCTION (IOCTLFUNCTION)
 *                                       goes back to the start; libcurl does not rewind between two
 *                                       performs, so we do
 *   fread from a FILE, the default      if its position is unchanged, or can be set back
 *   MIME                                data and regular files always; with a part from a callback
 *                                       or from a pipe, only if nothing was sent
 *   HTTPPOST                            only if nothing was sent
 *
 * After seeking to the start, other bytes may come (standard input that the shell opened in the
 * middle of a file). So the bytes from READFUNCTION are hashed. After the seek the beginning is
 * read again and compared, while the first response can still be delivered. A second attempt whose
 * body differs further on is aborted before the request is complete.
 *
 *     request_body_begin(&b, shadow);      once per transfer, with the current options
 *     request_body_begin_attempt(&b);      before each attempt
 *     request_body_read as READFUNCTION if request_body_is_wrapped(&b), with _seek and _ioctl
 *     if (request_body_may_rewind(&b, nothing_sent)) ... request_body_rewind(&b, nothing_sent) */
#ifndef CURL_REQUEST_BODY_H
#define CURL_REQUEST_BODY_H

#include "base/hash.h"
#include "curl/shadow.h"

#include <stdbool.h>

enum body_kind { BODY_NONE, BODY_READ, BODY_FILE, BODY_MIME, BODY_FORM };

struct request_body {
    enum body_kind kind;
    CURL *handle;
    /* As set when the transfer began: libcurl does not read these options again during it. */
    curl_read_callback read_fn;
    void *read_data;
    curl_seek_callback seek_fn;
    void *seek_data;
    curl_ioctl_callback ioctl_fn;
    void *ioctl_data;

    bool consumed;       /* something was read in this attempt */
    bool changed;        /* a further attempt read other bytes */
    bool ended;          /* the end of the body was reached */
    curl_off_t start;    /* offset to which libcurl has seeked: a resumed upload */
    long file_position;  /* BODY_FILE: before the first attempt; -1: unknown */
    uint64_t read;       /* bytes in this attempt */
    uint64_t first_read; /* bytes and hash of the longest attempt so far */
    uint64_t first_hash;
    uint64_t prefix_hash; /* hash of the first BODY_PREFIX bytes, if there are more */
    bool compare;         /* first_read and first_hash are set */
    struct hash_stream hash;
};

void request_body_begin(struct request_body *b, const struct shadow *s);
void request_body_begin_attempt(struct request_body *b);
bool request_body_is_wrapped(const struct request_body *b);
size_t request_body_read(char *p, size_t size, size_t n, void *body);
/* SEEKFUNCTION and IOCTLFUNCTION, if the program has set them: for an authentication libcurl
 * rewinds the body itself, and reading begins again. */
int request_body_seek(void *body, curl_off_t offset, int origin);
curlioerr request_body_ioctl(CURL *handle, int command, void *body);
/* Whether it can probably be rewound. No side effects. */
bool request_body_may_rewind(const struct request_body *b, bool nothing_sent);
/* Goes back to the start. False: the body cannot be sent again. */
bool request_body_rewind(struct request_body *b, bool nothing_sent);

/* The program has created a MIME part that can perhaps be read only once. libcurl does not say
 * which request it belongs to, so from then on no MIME body is sent twice. */
void request_body_note_callback_part(void);
void request_body_note_file_part(const char *path);

#endif
