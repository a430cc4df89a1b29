/* SPDX-License-Identifier: MIT */
#include "fake_curl.h"

#include "base/clock.h"
#include "base/lookup_failures.h"
#include "fake_multi.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_handle *fake_of(CURL *h)
{
    return (struct fake_handle *)h;
}

CURL *fake_new(const struct fake_attempt *script, int length)
{
    struct fake_handle *f = calloc(1, sizeof *f);
    f->script = script;
    f->script_length = length;
    f->write_data = stdout;
    f->read_data = stdin;
    return (CURL *)f;
}

static CURL *fake_init(void)
{
    return fake_new(NULL, 0);
}

static void fake_cleanup(CURL *h)
{
    free(h);
}

static void fake_reset(CURL *h)
{
    struct fake_handle *f = fake_of(h), fresh = {.script = f->script};
    fresh.script_length = f->script_length;
    fresh.performs = f->performs;
    fresh.write_data = stdout;
    fresh.read_data = stdin;
    *f = fresh;
}

static CURL *fake_duphandle(CURL *h)
{
    struct fake_handle *f = malloc(sizeof *f);
    memcpy(f, h, sizeof *f);
    f->performs = 0;
    return (CURL *)f;
}

/* As in 7.88: values that it rejects, and times that it keeps in an unsigned int. */
static bool is_refused(CURLoption option, long number, curl_off_t offset)
{
    switch (option) {
    case CURLOPT_TIMEOUT:
    case CURLOPT_CONNECTTIMEOUT:
        return number < 0 || number > INT_MAX / 1000;
    case CURLOPT_LOW_SPEED_LIMIT:
    case CURLOPT_LOW_SPEED_TIME:
        return number < 0;
    case CURLOPT_PORT:
    case CURLOPT_PROXYPORT:
        return number < 0 || number > 65535;
    case CURLOPT_POSTFIELDSIZE:
    case CURLOPT_INFILESIZE:
        return number < -1;
    case CURLOPT_POSTFIELDSIZE_LARGE:
    case CURLOPT_INFILESIZE_LARGE:
        return offset < -1;
    default:
        return false;
    }
}

static long counted_ms(long ms)
{
    return (unsigned long)ms > UINT_MAX ? (long)UINT_MAX : ms;
}

static CURLcode fake_setopt(CURL *h, CURLoption option, ...)
{
    struct fake_handle *f = fake_of(h);
    va_list ap;
    va_start(ap, option);
    long number = option < CURLOPTTYPE_OBJECTPOINT ? va_arg(ap, long) : 0;
    bool large = option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB;
    curl_off_t offset = large ? va_arg(ap, curl_off_t) : 0;
    void *pointer = option >= CURLOPTTYPE_OBJECTPOINT && !large ? va_arg(ap, void *) : NULL;
    va_end(ap);
    if (is_refused(option, number, offset))
        return CURLE_BAD_FUNCTION_ARGUMENT;
    switch (option) {
    case CURLOPT_WRITEFUNCTION:
        f->write_fn = (curl_write_callback)pointer;
        break;
    case CURLOPT_WRITEDATA:
        f->write_data = pointer;
        break;
    case CURLOPT_HEADERFUNCTION:
        f->header_fn = (curl_write_callback)pointer;
        break;
    case CURLOPT_HEADERDATA:
        f->header_data = pointer;
        break;
    case CURLOPT_READFUNCTION:
        f->read_fn = (curl_read_callback)pointer;
        break;
    case CURLOPT_READDATA:
        f->read_data = pointer;
        break;
    case CURLOPT_SEEKFUNCTION:
        f->seek_fn = (curl_seek_callback)pointer;
        break;
    case CURLOPT_SEEKDATA:
        f->seek_data = pointer;
        break;
    case CURLOPT_IOCTLFUNCTION:
        f->ioctl_fn = (curl_ioctl_callback)pointer;
        break;
    case CURLOPT_IOCTLDATA:
        f->ioctl_data = pointer;
        break;
    case CURLOPT_CURLU:
        f->curlu = pointer;
        break;
    case CURLOPT_CONNECT_TO:
        f->connect_to = pointer;
        break;
    case CURLOPT_ERRORBUFFER:
        f->error_buffer = pointer;
        break;
    case CURLOPT_HEADER:
        f->header = number;
        break;
    case CURLOPT_FOLLOWLOCATION:
        f->follow = number;
        break;
    case CURLOPT_TIMEOUT_MS:
        f->timeout_ms = counted_ms(number);
        break;
    case CURLOPT_TIMEOUT:
        f->timeout_ms = number * 1000;
        break;
    case CURLOPT_CONNECTTIMEOUT_MS:
        f->connect_timeout_ms = counted_ms(number);
        break;
    case CURLOPT_CONNECTTIMEOUT:
        f->connect_timeout_ms = number * 1000;
        break;
    case CURLOPT_LOW_SPEED_LIMIT:
        f->low_speed_limit = number;
        break;
    case CURLOPT_LOW_SPEED_TIME:
        f->low_speed_time = number;
        break;
    case CURLOPT_DNS_CACHE_TIMEOUT:
        f->dns_cache_s = number;
        break;
    case CURLOPT_FRESH_CONNECT:
        f->fresh_connect = number;
        break;
    case CURLOPT_PORT:
        f->port = number;
        break;
    case CURLOPT_URL:
        snprintf(f->url, sizeof f->url, "%s", pointer ? (char *)pointer : "");
        break;
    default:
        break;
    }
    return CURLE_OK;
}

static CURLcode fake_getinfo(CURL *h, CURLINFO info, ...)
{
    struct fake_handle *f = fake_of(h);
    va_list ap;
    va_start(ap, info);
    void *out = va_arg(ap, void *);
    va_end(ap);
    switch (info) {
    case CURLINFO_RESPONSE_CODE:
        *(long *)out = f->response_code;
        return CURLE_OK;
    case CURLINFO_HTTP_CONNECTCODE:
        *(long *)out = f->connect_code;
        return CURLE_OK;
    case CURLINFO_REDIRECT_COUNT:
        *(long *)out = f->redirect_count;
        return CURLE_OK;
    case CURLINFO_REQUEST_SIZE:
        *(long *)out = f->request_size;
        return CURLE_OK;
    case CURLINFO_OS_ERRNO:
        *(long *)out = f->os_errno;
        return CURLE_OK;
    case CURLINFO_NUM_CONNECTS:
        *(long *)out = f->num_connects;
        return CURLE_OK;
    case CURLINFO_PROXY_ERROR:
        *(long *)out = f->proxy_error;
        return CURLE_OK;
    case CURLINFO_EFFECTIVE_URL:
        *(const char **)out = f->led_to ? f->led_to : f->url;
        return CURLE_OK;
    case CURLINFO_CONNECT_TIME_T:
        *(curl_off_t *)out = f->connect_time;
        return CURLE_OK;
    case CURLINFO_PRETRANSFER_TIME_T:
        *(curl_off_t *)out = f->pretransfer;
        return CURLE_OK;
    case CURLINFO_SIZE_DOWNLOAD_T:
        *(curl_off_t *)out = f->downloaded;
        return CURLE_OK;
    case CURLINFO_HEADER_SIZE:
        *(long *)out = f->header_size;
        return CURLE_OK;
    case CURLINFO_CONTENT_TYPE:
        *(char **)out = f->content_type[0] ? f->content_type : NULL;
        return CURLE_OK;
    case CURLINFO_SCHEME:
        *(const char **)out = f->scheme;
        return CURLE_OK;
    default:
        return CURLE_UNKNOWN_OPTION;
    }
}

/* Calls a callback, again after each pause; false if it consumed less. */
static bool call(CURL *h, curl_write_callback fn, char *p, size_t n, void *data)
{
    struct fake_handle *f = fake_of(h);
    for (int tries = 0; tries < 10; tries++) {
        size_t took = fn ? fn(p, 1, n, data) : fwrite(p, 1, n, data);
        if (took != CURL_WRITEFUNC_PAUSE)
            return took == n;
        if (f->on_pause)
            f->on_pause(h);
    }
    return false;
}

static bool deliver_both(CURL *h, char *line, size_t n)
{
    struct fake_handle *f = fake_of(h);
    if (f->header && !call(h, f->write_fn, line, n, f->write_data))
        return false;
    if (!f->header_fn && !f->header_data)
        return true;
    return call(h, f->header_fn ? f->header_fn : f->write_fn, line, n, f->header_data);
}

static bool deliver_line(CURL *h, const char *text, size_t n)
{
    struct fake_handle *f = fake_of(h);
    char line[4096];
    bool connect = text[0] == '~', ftp = text[0] == '!';
    text += connect || ftp;
    n -= connect || ftp;
    memcpy(line, text, n);
    memcpy(line + n, "\r\n", 3);
    f->scheme = ftp ? "FTP" : "HTTP";
    if (!strncmp(line, "HTTP/", 5)) {
        long status = strtol(strchr(line, ' '), NULL, 10);
        *(connect ? &f->connect_code : &f->response_code) = status;
    }
    if (!strncmp(line, "Content-Type: ", 14))
        snprintf(f->content_type, sizeof f->content_type, "%.*s", (int)n - 14, line + 14);
    if (!deliver_both(h, line, n + 2))
        return false;
    f->header_size += (long)n + 2;
    if (ftp)
        f->response_code = strtol(line, NULL, 10);
    return true;
}

static bool deliver_head(CURL *h, const char *head)
{
    while (head && *head) {
        size_t n = strcspn(head, "\n");
        if (!deliver_line(h, head, n))
            return false;
        head += n + (head[n] == '\n');
    }
    return true;
}

static bool deliver_body(CURL *h, const struct fake_attempt *a)
{
    struct fake_handle *f = fake_of(h);
    size_t left = a->body ? strlen(a->body) : 0, piece = a->piece ? (size_t)a->piece : left;
    const char *p = a->body;
    char copy[8192];
    if (a->body_scheme)
        f->scheme = a->body_scheme;
    while (left) {
        size_t n = left < piece ? left : piece;
        memcpy(copy, p, n);
        f->downloaded += (curl_off_t)n;
        if (!call(h, f->write_fn, copy, n, f->write_data))
            return false;
        p += n;
        left -= n;
    }
    return true;
}

/* Reads the request body that the server gets; false if the read callback failed. */
static bool send_body(CURL *h, const struct fake_attempt *a)
{
    struct fake_handle *f = fake_of(h);
    char *to = f->sent[f->performs % 8];
    size_t n = 0, room = sizeof f->sent[0] - 1;
    if (a->unsent || !f->read_fn)
        return true;
    size_t max = a->take < 0 ? room : (size_t)a->take;
    while (n < max) {
        size_t got = f->read_fn(to + n, 1, max - n, f->read_data);
        if (got > max - n)
            return false;
        if (!got)
            break;
        n += got;
    }
    to[n] = '\0';
    return true;
}

static void note_connect_to(struct fake_handle *f)
{
    char *seen = f->connect_to_seen[f->performs % 8];
    size_t n = 0, size = sizeof f->connect_to_seen[0];
    seen[0] = '\0';
    for (const struct curl_slist *l = f->connect_to; l && n < size; l = l->next)
        n += (size_t)snprintf(seen + n, size - n, "%s ", l->data);
}

static CURLcode fake_perform(CURL *h)
{
    struct fake_handle *f = fake_of(h);
    f->response_code = f->connect_code = f->redirect_count = f->request_size = f->os_errno = 0;
    f->num_connects = 0;
    f->header_size = 0;
    f->downloaded = 0;
    f->content_type[0] = '\0';
    f->scheme = strncmp(f->url, "tftp:", 5) ? "HTTP" : "TFTP";
    f->connect_time = 0;
    f->pretransfer = 0;
    if (f->error_buffer)
        f->error_buffer[0] = '\0';
    if (!f->url[0]) {
        f->empty_performs++;
        return CURLE_URL_MALFORMAT;
    }
    int i = f->performs < f->script_length ? f->performs : f->script_length - 1;
    const struct fake_attempt *a = &f->script[i];
    f->timeouts_seen[f->performs % 8] = f->timeout_ms;
    f->dns_cache_seen[f->performs % 8] = f->dns_cache_s;
    f->fresh_connect_seen[f->performs % 8] = f->fresh_connect;
    note_connect_to(f);
    bool sent = send_body(h, a);
    f->performs++;
    if (!sent)
        return CURLE_ABORTED_BY_CALLBACK;
    f->request_size = a->unsent ? 0 : 100;
    f->pretransfer = a->unsent ? 0 : 1000;
    f->num_connects = (a->reused ? 0 : 1) + a->further;
    f->connect_time = a->unsent || a->reused ? 0 : 500;
    f->os_errno = a->os_errno < 0 ? 0 : a->os_errno || !a->result ? a->os_errno : 104;
    f->proxy_error = a->proxy_error;
    if (a->asked)
        lookup_failure_note(a->asked, a->answer, clock_now_ns());
    f->redirect_count = a->redirects;
    f->led_to = a->led_to;
    if (!deliver_head(h, a->head) || !deliver_body(h, a))
        return CURLE_WRITE_ERROR;
    if (f->timeout_ms && f->timeout_ms < a->lasts_ms) {
        usleep((useconds_t)f->timeout_ms * 1000);
        if (f->error_buffer)
            snprintf(f->error_buffer, CURL_ERROR_SIZE, "Operation timed out");
        return CURLE_OPERATION_TIMEDOUT;
    }
    if (a->error && f->error_buffer)
        snprintf(f->error_buffer, CURL_ERROR_SIZE, "%s", a->error);
    return a->result;
}

static CURLcode fake_pause(CURL *h, int mask)
{
    (void)h;
    (void)mask;
    return CURLE_OK;
}

static curl_version_info_data *fake_version(CURLversion v)
{
    static curl_version_info_data data = {.version = "7.88.1", .version_num = 0x075801};
    (void)v;
    return &data;
}

/* URLs are parsed by the real libcurl, as in production. Which parameters are const differs
 * between versions. */
static CURLUcode fake_url_get(CURLU *u, CURLUPart part, char **out, unsigned flags)
{
    return curl_url_get(u, part, out, flags);
}

extern char *curl_maprintf(const char *format, ...);
const struct curl_api fake_curl = {
    .easy_init = fake_init,
    .easy_cleanup = fake_cleanup,
    .easy_reset = fake_reset,
    .easy_duphandle = fake_duphandle,
    .easy_setopt = fake_setopt,
    .easy_getinfo = fake_getinfo,
    .easy_perform = fake_perform,
    .easy_pause = fake_pause,
    .multi_init = fake_multi_init,
    .multi_cleanup = fake_multi_cleanup,
    .multi_add_handle = fake_multi_add,
    .multi_remove_handle = fake_multi_remove,
    .multi_perform = fake_multi_perform,
    .multi_socket_action = fake_multi_socket_action,
    .multi_socket_all = fake_multi_perform,
    .multi_fdset = fake_multi_fdset,
    .multi_timeout = fake_multi_timeout,
    .multi_info_read = fake_multi_info_read,
    .multi_setopt = fake_multi_setopt,
    .multi_wait = fake_multi_wait,
    .multi_poll = fake_multi_poll,
    .multi_get_handles = fake_multi_get_handles,
    .multi_get_offt = fake_multi_get_offt,
    .multi_notify_enable = fake_multi_notify,
    .multi_notify_disable = fake_multi_notify,
    .url = curl_url,
    .url_cleanup = curl_url_cleanup,
    .url_get = fake_url_get,
    .url_set = curl_url_set,
    .free = curl_free,
    .maprintf = curl_maprintf,
    .version_info = fake_version,
    .version_num = 0x075801,
    .version = "7.88.1",
    .path = "fake",
    .node = "",
};
