/* SPDX-License-Identifier: MIT */
#include "curl/body.h"

#include "curl/transfer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

static atomic_bool unrewindable_file;

static enum body_kind kind_of(const struct shadow *s)
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
        break;
    case REQUEST_MIME:
        return BODY_MIME;
    case REQUEST_FORM:
        return BODY_FORM;
    }
    return s->read_fn ? BODY_READ : BODY_FILE;
}

void body_begin(struct body *b, struct shadow *s)
{
    b->shadow = s;
    b->kind = kind_of(s);
    b->compare = b->changed = b->ended = false;
    b->first_read = b->first_hash = 0;
    b->file_position = -1;
    b->sources = NULL;
    if (b->kind == BODY_FILE && s->read_data) {
        int saved = errno;
        b->file_position = ftell(s->read_data);
        errno = saved;
    }
}

static void read_from_start(struct body *b, curl_off_t start)
{
    b->start = start;
    b->read = 0;
    hash_stream_begin(&b->hash);
}

void body_attempt(struct body *b)
{
    b->consumed = false;
    if (b->kind == BODY_READ)
        read_from_start(b, 0);
}

bool body_is_wrapped(const struct body *b)
{
    return b->kind == BODY_READ;
}

/* Feeds the fingerprint, which is noted at the prefix's end. */
static void fingerprint(struct body *b, uint64_t begin, const char *p, size_t n)
{
    size_t head = begin < BODY_PREFIX && begin + n >= BODY_PREFIX ? BODY_PREFIX - begin : 0;
    if (head) {
        hash_stream_add(&b->hash, p, head);
        b->prefix_hash = hash_stream_value(&b->hash);
    }
    hash_stream_add(&b->hash, p + head, n - head);
}

/* Feeds the fingerprint; false when what was read first is not what is read now. */
static bool same_as_before(struct body *b, const char *p, size_t n)
{
    uint64_t begin = b->read;
    b->read += n;
    if (!b->compare || begin > b->first_read || (begin == b->first_read && n && !b->ended)) {
        fingerprint(b, begin, p, n);
        return true;
    }
    if (b->read < b->first_read) {
        fingerprint(b, begin, p, n);
        return n > 0; /* the end comes earlier than it did */
    }
    size_t head = b->first_read - begin;
    fingerprint(b, begin, p, head);
    bool same = hash_stream_value(&b->hash) == b->first_hash;
    fingerprint(b, b->first_read, p + head, n - head);
    return same && (!b->ended || b->read == b->first_read);
}

size_t body_read(char *p, size_t size, size_t n, void *body)
{
    struct body *b = body;
    struct shadow *s = b->shadow;
    b->consumed = true;
    size_t got = s->read_fn(p, size, n, s->read_data);
    if (got > size * n)
        return got; /* abort, pause: libcurl's business */
    if (!same_as_before(b, p, got)) {
        b->changed = true;
        return CURL_READFUNC_ABORT;
    }
    b->ended = b->ended || got == 0;
    return got;
}

int body_seek(void *body, curl_off_t offset, int origin)
{
    struct body *b = body;
    int result = b->shadow->seek_fn(b->shadow->seek_data, offset, origin);
    if (result == CURL_SEEKFUNC_OK)
        read_from_start(b, offset);
    return result;
}

curlioerr body_ioctl(CURL *handle, int command, void *body)
{
    struct body *b = body;
    curlioerr result = b->shadow->ioctl_fn(handle, command, b->shadow->ioctl_data);
    if (result == CURLIOE_OK && command == CURLIOCMD_RESTARTREAD)
        read_from_start(b, 0);
    return result;
}

static bool sources_can_seek(const struct body *b)
{
    for (const struct mime_source *m = b->sources; m; m = m->next_read)
        if (!m->seek_fn)
            return false;
    return true;
}

bool body_may_rewind(const struct body *b, bool nothing_sent)
{
    const struct shadow *s = b->shadow;
    if (b->kind == BODY_NONE)
        return true;
    if (b->changed)
        return false;
    switch (b->kind) {
    case BODY_READ:
        return !b->consumed || s->seek_fn || s->ioctl_fn;
    case BODY_FILE:
        return nothing_sent || b->file_position >= 0;
    case BODY_MIME:
        return nothing_sent || (!atomic_load(&unrewindable_file) && sources_can_seek(b));
    default:
        return nothing_sent;
    }
}

static bool to_start(const struct shadow *s, curl_off_t start)
{
    if (s->seek_fn)
        return s->seek_fn(s->seek_data, start, SEEK_SET) == CURL_SEEKFUNC_OK;
    return s->ioctl_fn(s->handle, CURLIOCMD_RESTARTREAD, s->ioctl_data) == CURLIOE_OK;
}

/* Reads what was read before, as far as the prefix goes, and whether it ends where it ended. */
static bool begins_the_same(const struct body *b)
{
    const struct shadow *s = b->shadow;
    bool whole = b->first_read <= BODY_PREFIX;
    size_t left = whole ? b->first_read : BODY_PREFIX;
    struct hash_stream hash;
    char buffer[4096];
    hash_stream_begin(&hash);
    while (left) {
        size_t ask = left < sizeof buffer ? left : sizeof buffer;
        size_t got = s->read_fn(buffer, 1, ask, s->read_data);
        if (!got || got > ask)
            return false;
        hash_stream_add(&hash, buffer, got);
        left -= got;
    }
    if (hash_stream_value(&hash) != (whole ? b->first_hash : b->prefix_hash))
        return false;
    return !whole || !b->ended || s->read_fn(buffer, 1, sizeof buffer, s->read_data) == 0;
}

static bool rewind_read(struct body *b)
{
    struct shadow *s = b->shadow;
    if (!b->consumed)
        return true;
    if (!b->compare || b->read > b->first_read) {
        b->first_read = b->read;
        b->first_hash = hash_stream_value(&b->hash);
        b->compare = true;
    }
    return to_start(s, b->start) && begins_the_same(b) && to_start(s, 0);
}

static bool rewind_file(struct body *b)
{
    int saved = errno;
    FILE *f = b->shadow->read_data;
    bool ok = b->file_position >= 0 && !fseek(f, b->file_position, SEEK_SET);
    if (ok)
        clearerr(f);
    errno = saved;
    return ok;
}

/* libcurl rewinds the parts itself at the next perform, but when that fails the answer that we had
 * is gone. So each is tried first. */
static bool rewind_sources(struct body *b)
{
    for (struct mime_source *m = b->sources; m; m = m->next_read)
        if (m->seek_fn(m->arg, 0, SEEK_SET) != CURL_SEEKFUNC_OK)
            return false;
    return true;
}

bool body_rewind(struct body *b, bool nothing_sent)
{
    bool ok = body_may_rewind(b, nothing_sent);
    if (ok && b->kind == BODY_READ)
        ok = rewind_read(b);
    else if (ok && b->kind == BODY_FILE && !nothing_sent)
        ok = rewind_file(b);
    else if (ok && b->kind == BODY_MIME)
        ok = sources_can_seek(b) && rewind_sources(b);
    body_end(b);
    return ok;
}

void body_end(struct body *b)
{
    for (struct mime_source *m = b->sources; m; m = m->next_read)
        m->reader = NULL;
    b->sources = NULL;
}

struct mime_source *mime_source_new(curl_read_callback read_fn, curl_seek_callback seek_fn,
                                    curl_free_callback free_fn, void *arg)
{
    struct mime_source *m = calloc(1, sizeof *m);
    if (m) {
        m->read_fn = read_fn;
        m->seek_fn = seek_fn;
        m->free_fn = free_fn;
        m->arg = arg;
    }
    return m;
}

size_t mime_source_read(char *p, size_t size, size_t n, void *source)
{
    struct mime_source *m = source;
    struct transfer *t = transfer_now;
    if (t && m->reader != &t->body) {
        m->reader = &t->body;
        m->next_read = t->body.sources;
        t->body.sources = m;
    }
    return m->read_fn(p, size, n, m->arg);
}

int mime_source_seek(void *source, curl_off_t offset, int origin)
{
    struct mime_source *m = source;
    return m->seek_fn(m->arg, offset, origin);
}

void mime_source_free(void *source)
{
    struct mime_source *m = source;
    if (m->free_fn)
        m->free_fn(m->arg);
    free(m);
}

void mime_file_added(const char *path)
{
    int saved = errno;
    struct stat st;
    if (path && !stat(path, &st) && !S_ISREG(st.st_mode))
        atomic_store(&unrewindable_file, true);
    errno = saved;
}
