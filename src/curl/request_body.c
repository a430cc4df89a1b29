/* SPDX-License-Identifier: MIT */
#include "curl/request_body.h"

#include "base/compiler.h"
#include "base/precondition.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

static atomic_bool unrewindable_part;

/* The default, also if the program sets it explicitly: libcurl knows that it may seek then. */
static bool reads_a_file(const struct shadow *s)
{
    return !s->read_fn || s->read_fn == (curl_read_callback)fread;
}

static enum body_kind kind_of_body(const struct shadow *s)
{
    switch (s->request) {
    case REQUEST_GET:
    case REQUEST_HEAD:
        return BODY_NONE;
    case REQUEST_POST:
        if (s->fields || s->fields_size == 0)
            return BODY_NONE;
        break;
    case REQUEST_PUT:
        if (s->upload_size == 0)
            return BODY_NONE;
        break;
    case REQUEST_MIME:
        return BODY_MIME;
    case REQUEST_FORM:
        return BODY_FORM;
    }
    return reads_a_file(s) ? BODY_FILE : BODY_READ;
}

/* -1: unknown, because the file cannot seek or another thread is reading from it. */
static long position_of(FILE *f)
{
    int saved = errno;
    long position = -1;
    if (f && !ftrylockfile(f)) {
        position = ftell(f);
        funlockfile(f);
    }
    errno = saved;
    return position;
}

void request_body_begin(struct request_body *b, const struct shadow *s)
{
    b->kind = kind_of_body(s);
    b->consumed = b->changed = false;
    if (likely(b->kind == BODY_NONE)) /* no other member is used */
        return;
    *b = (struct request_body){
        .kind = b->kind,
        .handle = s->handle,
        .read_fn = s->read_fn,
        .read_data = s->read_data,
        .seek_fn = s->seek_fn,
        .seek_data = s->seek_data,
        .ioctl_fn = s->ioctl_fn,
        .ioctl_data = s->ioctl_data,
        .file_position = -1,
    };
    /* With other protocols only an upload reads it; else it need not be a FILE. */
    if (b->kind == BODY_FILE && (s->protocol == PROTOCOL_HTTP || s->request == REQUEST_PUT))
        b->file_position = position_of(b->read_data);
}

static void restart_hash(struct request_body *b, curl_off_t start)
{
    b->start = start;
    b->read = 0;
    hash_stream_begin(&b->hash);
}

void request_body_begin_attempt(struct request_body *b)
{
    b->consumed = false;
    if (b->kind == BODY_READ)
        restart_hash(b, 0);
}

bool request_body_is_wrapped(const struct request_body *b)
{
    return b->kind == BODY_READ;
}

/* Adds to the hash, and notes its value at the end of the prefix. */
static void add_to_hash(struct request_body *b, uint64_t begin, const char *p, size_t n)
{
    size_t head = begin < BODY_PREFIX && begin + n >= BODY_PREFIX ? BODY_PREFIX - begin : 0;
    if (head) {
        hash_stream_add(&b->hash, p, head);
        b->prefix_hash = hash_stream_value(&b->hash);
    }
    hash_stream_add(&b->hash, p + head, n - head);
}

/* Adds to the hash. False: these are not the bytes that were read first. */
static bool add_and_compare(struct request_body *b, const char *p, size_t n)
{
    uint64_t begin = b->read;
    b->read += n;
    if (!b->compare || begin > b->first_read || (begin == b->first_read && n && !b->ended)) {
        add_to_hash(b, begin, p, n);
        return true;
    }
    if (b->read < b->first_read) {
        add_to_hash(b, begin, p, n);
        return n > 0; /* 0: the body ends earlier */
    }
    size_t head = b->first_read - begin;
    add_to_hash(b, begin, p, head);
    bool same = hash_stream_value(&b->hash) == b->first_hash;
    add_to_hash(b, b->first_read, p + head, n - head);
    return same && (!b->ended || b->read == b->first_read);
}

size_t request_body_read(char *p, size_t size, size_t n, void *body)
{
    precondition(((const struct request_body *)body)->kind == BODY_READ);
    struct request_body *b = body;
    b->consumed = true;
    size_t got = b->read_fn(p, size, n, b->read_data);
    if (got > size * n)
        return got; /* abort or pause, for libcurl */
    if (!add_and_compare(b, p, got)) {
        b->changed = true;
        return CURL_READFUNC_ABORT;
    }
    b->ended = b->ended || got == 0;
    return got;
}

int request_body_seek(void *body, curl_off_t offset, int origin)
{
    struct request_body *b = body;
    int result = b->seek_fn(b->seek_data, offset, origin);
    if (result == CURL_SEEKFUNC_OK)
        restart_hash(b, offset);
    return result;
}

curlioerr request_body_ioctl(CURL *handle, int command, void *body)
{
    struct request_body *b = body;
    curlioerr result = b->ioctl_fn(handle, command, b->ioctl_data);
    if (result == CURLIOE_OK && command == CURLIOCMD_RESTARTREAD)
        restart_hash(b, 0);
    return result;
}

static bool file_is_where_it_was(const struct request_body *b)
{
    return b->file_position >= 0 && position_of(b->read_data) == b->file_position;
}

bool request_body_may_rewind(const struct request_body *b, bool nothing_sent)
{
    switch (b->kind) {
    case BODY_NONE:
        return true;
    case BODY_READ:
        return !b->changed && (!b->consumed || b->seek_fn || b->ioctl_fn);
    case BODY_FILE:
        return nothing_sent || b->file_position >= 0;
    case BODY_MIME:
        return nothing_sent || !atomic_load(&unrewindable_part);
    case BODY_FORM:
    default:
        return nothing_sent;
    }
}

static bool seek_to_start(const struct request_body *b, curl_off_t start)
{
    if (b->seek_fn)
        return b->seek_fn(b->seek_data, start, SEEK_SET) == CURL_SEEKFUNC_OK;
    return b->ioctl_fn(b->handle, CURLIOCMD_RESTARTREAD, b->ioctl_data) == CURLIOE_OK;
}

/* Reads up to BODY_PREFIX bytes again, and checks that a shorter body ends where it did. */
static bool has_same_prefix(const struct request_body *b)
{
    bool whole = b->first_read <= BODY_PREFIX;
    size_t left = whole ? b->first_read : BODY_PREFIX;
    struct hash_stream hash;
    char buffer[4096];
    hash_stream_begin(&hash);
    while (left) {
        size_t ask = left < sizeof buffer ? left : sizeof buffer;
        size_t got = b->read_fn(buffer, 1, ask, b->read_data);
        if (!got || got > ask)
            return false;
        hash_stream_add(&hash, buffer, got);
        left -= got;
    }
    if (hash_stream_value(&hash) != (whole ? b->first_hash : b->prefix_hash))
        return false;
    return !whole || !b->ended || b->read_fn(buffer, 1, sizeof buffer, b->read_data) == 0;
}

static bool rewind_read(struct request_body *b)
{
    if (!b->consumed)
        return true;
    if (!b->compare || b->read > b->first_read) {
        b->first_read = b->read;
        b->first_hash = hash_stream_value(&b->hash);
        b->compare = true;
    }
    return seek_to_start(b, b->start) && has_same_prefix(b) && seek_to_start(b, 0);
}

static bool rewind_file(const struct request_body *b)
{
    int saved = errno;
    FILE *f = b->read_data;
    if (b->file_position < 0)
        return true; /* a pipe from which nothing was sent */
    bool ok = file_is_where_it_was(b) || !fseek(f, b->file_position, SEEK_SET);
    if (ok)
        clearerr(f);
    errno = saved;
    return ok;
}

bool request_body_rewind(struct request_body *b, bool nothing_sent)
{
    precondition(b->handle || b->kind == BODY_NONE);
    if (!request_body_may_rewind(b, nothing_sent))
        return false;
    switch (b->kind) {
    case BODY_READ:
        return rewind_read(b);
    case BODY_FILE:
        return rewind_file(b);
    default:
        return true; /* libcurl rewinds it */
    }
}

void request_body_note_callback_part(void)
{
    atomic_store(&unrewindable_part, true);
}

void request_body_note_file_part(const char *path)
{
    int saved = errno;
    struct stat st;
    if (path && !stat(path, &st) && !S_ISREG(st.st_mode))
        atomic_store(&unrewindable_part, true);
    errno = saved;
}
