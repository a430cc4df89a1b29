/* SPDX-License-Identifier: MIT
 *
 * The options that a shadow records, and how they change each other. The rules are libcurl's, as
 * documented and as observed: there is one kind of request, and the last option that sets it
 * wins. */
#include "curl/shadow.h"
#include "engine/config/pattern.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Truncates a longer word, which is then not equal to any method or scheme that we know. */
static void copy_word(char *to, size_t size, const char *from)
{
    size_t n = from ? strnlen(from, size - 1) : 0;
    memcpy(to, from ? from : "", n);
    to[n] = '\0';
}

/* Older versions of libcurl accept more seconds than a long holds milliseconds. */
static long ms_of_seconds(long s)
{
    return s > LONG_MAX / 1000 ? LONG_MAX : s < 0 ? -1 : s * 1000;
}

static void set_text(char **owned, const char *text)
{
    free(*owned);
    *owned = text ? strdup(text) : NULL;
}

/* With the prefix that rules and the board use. The two options replace each other. */
static void set_unix_socket(struct shadow *s, const char *path, const char *prefix)
{
    size_t n = path ? strlen(prefix) + strlen(path) + 1 : 0;
    free(s->unix_socket);
    s->unix_socket = n ? malloc(n) : NULL;
    if (s->unix_socket)
        snprintf(s->unix_socket, n, "%s%s", prefix, path);
}

/* libcurl drops its copy of the fields when a larger size is set after COPYPOSTFIELDS. */
static void set_fields_size(struct shadow *s, curl_off_t size)
{
    if (s->fields_copied && s->fields_size < size)
        s->fields = s->fields_copied = false;
    s->fields_size = size;
}

static void set_url(struct shadow *s, const char *url)
{
    if (s->url && url && !strcmp(s->url, url))
        return; /* usual for a handle in a loop: the target stays the same */
    s->target_known = false;
    set_text(&s->url, url);
}

static void set_nobody(struct shadow *s, bool on)
{
    if (on)
        s->request = REQUEST_HEAD;
    else if (s->request == REQUEST_HEAD)
        s->request = REQUEST_GET;
}

static void set_fields(struct shadow *s, bool fields, bool copied)
{
    s->request = REQUEST_POST;
    s->fields = fields;
    s->fields_copied = fields && copied;
}

/* ---- options by the type of their argument -------------------------------------------------- */

static void set_time_limit(struct shadow *s, CURLoption option, long v)
{
    switch (option) {
    case CURLOPT_TIMEOUT:
        s->timeout_ms = ms_of_seconds(v);
        break;
    case CURLOPT_TIMEOUT_MS:
        s->timeout_ms = v;
        break;
    case CURLOPT_CONNECTTIMEOUT:
        s->connect_timeout_ms = ms_of_seconds(v);
        break;
    case CURLOPT_CONNECTTIMEOUT_MS:
        s->connect_timeout_ms = v;
        break;
    case CURLOPT_LOW_SPEED_LIMIT:
        s->low_speed_limit = v;
        break;
    case CURLOPT_LOW_SPEED_TIME:
        s->low_speed_time_s = v;
        break;
    case CURLOPT_DNS_CACHE_TIMEOUT:
        s->dns_cache_s = v;
        break;
    default:
        break;
    }
}

static void set_number(struct shadow *s, CURLoption option, long v)
{
    switch (option) {
    case CURLOPT_HEADER:
        s->include_header = v != 0;
        break;
    case CURLOPT_FOLLOWLOCATION:
        s->follow = v != 0;
        break;
    case CURLOPT_NOPROGRESS:
        s->noprogress = v != 0;
        break;
    case CURLOPT_HTTP_VERSION:
        s->http_version = v;
        break;
    case CURLOPT_FRESH_CONNECT:
        s->fresh_connect = v != 0;
        break;
    case CURLOPT_CONNECT_ONLY:
        s->connect_only = v != 0;
        break;
    case CURLOPT_HTTPGET:
        if (v)
            s->request = REQUEST_GET;
        break;
    case CURLOPT_POST:
        s->request = v ? REQUEST_POST : REQUEST_GET;
        break;
    case CURLOPT_NOBODY:
        set_nobody(s, v);
        break;
    case CURLOPT_UPLOAD:
    case CURLOPT_PUT:
        s->request = v ? REQUEST_PUT : REQUEST_GET;
        break;
    case CURLOPT_POSTFIELDSIZE:
        set_fields_size(s, v);
        break;
    case CURLOPT_INFILESIZE:
        s->upload_size = v;
        break;
    case CURLOPT_PORT:
        s->port = v;
        s->target_known = false;
        break;
    case CURLOPT_PROXYPORT:
        s->proxy_port = v;
        s->target_known = false;
        break;
    case CURLOPT_PROXYTYPE:
        s->proxy_type = v;
        s->target_known = false;
        break;
    default:
        set_time_limit(s, option, v);
        break;
    }
}

static void set_target(struct shadow *s, CURLoption option, void *v)
{
    switch (option) {
    case CURLOPT_URL:
        set_url(s, v);
        return;
    case CURLOPT_CURLU:
        s->curlu = v;
        break;
    case CURLOPT_DEFAULT_PROTOCOL:
        copy_word(s->default_protocol, sizeof s->default_protocol, v);
        break;
    case CURLOPT_UNIX_SOCKET_PATH:
        set_unix_socket(s, v, PATTERN_LOCAL);
        break;
    case CURLOPT_ABSTRACT_UNIX_SOCKET:
        set_unix_socket(s, v, PATTERN_LOCAL "@");
        break;
    case CURLOPT_PROXY:
        set_text(&s->proxy, v);
        break;
    case CURLOPT_PRE_PROXY:
        set_text(&s->pre_proxy, v);
        break;
    case CURLOPT_NOPROXY:
        set_text(&s->no_proxy, v);
        break;
    default:
        return;
    }
    s->target_known = false;
}

static void set_pointer(struct shadow *s, CURLoption option, void *v)
{
    switch (option) {
    case CURLOPT_WRITEDATA:
        s->write_data = v;
        break;
    case CURLOPT_HEADERDATA:
        s->header_data = v;
        break;
    case CURLOPT_READDATA:
        s->read_data = v;
        break;
    case CURLOPT_SEEKDATA:
        s->seek_data = v;
        break;
    case CURLOPT_IOCTLDATA:
        s->ioctl_data = v;
        break;
    case CURLOPT_PROGRESSDATA: /* and XFERINFODATA */
        s->progress_data = v;
        break;
    case CURLOPT_ERRORBUFFER:
        s->error_buffer = v;
        break;
    case CURLOPT_HTTPHEADER:
        s->headers = v;
        break;
    case CURLOPT_CONNECT_TO:
        s->connect_to = v;
        break;
    case CURLOPT_RESOLVE:
        s->own_addresses |= v != NULL;
        break;
    case CURLOPT_CUSTOMREQUEST:
        copy_word(s->method, sizeof s->method, v);
        break;
    case CURLOPT_QUOTE:
    case CURLOPT_PREQUOTE:
    case CURLOPT_POSTQUOTE:
        s->quote |= v != NULL;
        break;
    case CURLOPT_MIMEPOST:
        s->request = REQUEST_MIME;
        break;
    case CURLOPT_HTTPPOST:
        s->request = REQUEST_FORM;
        break;
    case CURLOPT_POSTFIELDS:
    case CURLOPT_COPYPOSTFIELDS:
        set_fields(s, v != NULL, option == CURLOPT_COPYPOSTFIELDS);
        break;
    default:
        set_target(s, option, v);
        break;
    }
}

static void set_function(struct shadow *s, CURLoption option, void (*v)(void))
{
    switch (option) {
    case CURLOPT_WRITEFUNCTION:
        s->write_fn = (curl_write_callback)v;
        break;
    case CURLOPT_HEADERFUNCTION:
        s->header_fn = (curl_write_callback)v;
        break;
    case CURLOPT_READFUNCTION:
        s->read_fn = (curl_read_callback)v;
        break;
    case CURLOPT_SEEKFUNCTION:
        s->seek_fn = (curl_seek_callback)v;
        break;
    case CURLOPT_IOCTLFUNCTION:
        s->ioctl_fn = (curl_ioctl_callback)v;
        break;
    case CURLOPT_XFERINFOFUNCTION:
        s->xferinfo_fn = (curl_xferinfo_callback)v;
        break;
    case CURLOPT_PROGRESSFUNCTION:
        s->progress_fn = (curl_progress_callback)v;
        break;
    case CURLOPT_OPENSOCKETFUNCTION:
        s->own_sockets = v != NULL;
        break;
    case CURLOPT_RESOLVER_START_FUNCTION:
        s->own_resolver = v != NULL;
        break;
    default:
        break;
    }
}

static void set_offset(struct shadow *s, CURLoption option, curl_off_t v)
{
    if (option == CURLOPT_POSTFIELDSIZE_LARGE)
        set_fields_size(s, v);
    else if (option == CURLOPT_INFILESIZE_LARGE)
        s->upload_size = v;
}

void shadow_setopt(struct shadow *s, CURLoption option, union option_argument value)
{
    if (option < CURLOPTTYPE_OBJECTPOINT)
        set_number(s, option, value.number);
    else if (option < CURLOPTTYPE_FUNCTIONPOINT)
        set_pointer(s, option, value.pointer);
    else if (option < CURLOPTTYPE_OFF_T)
        set_function(s, option, value.function);
    else
        set_offset(s, option, value.offset);
}
