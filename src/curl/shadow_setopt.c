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

static bool set_request(struct shadow *s, CURLoption option, union option_argument v)
{
    switch (option) {
    case CURLOPT_HTTPGET:
        if (v.number)
            s->request = REQUEST_GET;
        return true;
    case CURLOPT_POST:
        s->request = v.number ? REQUEST_POST : REQUEST_GET;
        return true;
    case CURLOPT_NOBODY:
        set_nobody(s, v.number);
        return true;
    case CURLOPT_UPLOAD:
    case CURLOPT_PUT:
        s->request = v.number ? REQUEST_PUT : REQUEST_GET;
        return true;
    case CURLOPT_MIMEPOST:
        s->request = REQUEST_MIME;
        return true;
    case CURLOPT_HTTPPOST:
        s->request = REQUEST_FORM;
        return true;
    case CURLOPT_POSTFIELDS:
    case CURLOPT_COPYPOSTFIELDS:
        s->request = REQUEST_POST;
        s->fields = v.pointer != NULL;
        s->fields_copied = s->fields && option == CURLOPT_COPYPOSTFIELDS;
        return true;
    default:
        return false;
    }
}

static bool set_timeout(struct shadow *s, CURLoption option, union option_argument v)
{
    switch (option) {
    case CURLOPT_TIMEOUT:
        s->timeout_ms = ms_of_seconds(v.number);
        return true;
    case CURLOPT_TIMEOUT_MS:
        s->timeout_ms = v.number;
        return true;
    case CURLOPT_CONNECTTIMEOUT:
        s->connect_timeout_ms = ms_of_seconds(v.number);
        return true;
    case CURLOPT_CONNECTTIMEOUT_MS:
        s->connect_timeout_ms = v.number;
        return true;
    case CURLOPT_LOW_SPEED_LIMIT:
        s->low_speed_limit = v.number;
        return true;
    case CURLOPT_LOW_SPEED_TIME:
        s->low_speed_time_s = v.number;
        return true;
    default:
        return false;
    }
}

/* Functions are passed as void(*)(void) and get their type back here. */
#define FUNCTION(type) ((type)v.function)

static bool set_callback(struct shadow *s, CURLoption option, union option_argument v)
{
    switch (option) {
    case CURLOPT_WRITEFUNCTION:
        s->write_fn = FUNCTION(curl_write_callback);
        return true;
    case CURLOPT_WRITEDATA:
        s->write_data = v.pointer;
        return true;
    case CURLOPT_HEADERFUNCTION:
        s->header_fn = FUNCTION(curl_write_callback);
        return true;
    case CURLOPT_HEADERDATA:
        s->header_data = v.pointer;
        return true;
    case CURLOPT_READFUNCTION:
        s->read_fn = FUNCTION(curl_read_callback);
        return true;
    case CURLOPT_READDATA:
        s->read_data = v.pointer;
        return true;
    case CURLOPT_SEEKFUNCTION:
        s->seek_fn = FUNCTION(curl_seek_callback);
        return true;
    case CURLOPT_SEEKDATA:
        s->seek_data = v.pointer;
        return true;
    case CURLOPT_IOCTLFUNCTION:
        s->ioctl_fn = FUNCTION(curl_ioctl_callback);
        return true;
    case CURLOPT_IOCTLDATA:
        s->ioctl_data = v.pointer;
        return true;
    case CURLOPT_XFERINFOFUNCTION:
        s->xferinfo_fn = FUNCTION(curl_xferinfo_callback);
        return true;
    case CURLOPT_PROGRESSFUNCTION:
        s->progress_fn = FUNCTION(curl_progress_callback);
        return true;
    case CURLOPT_PROGRESSDATA: /* and XFERINFODATA */
        s->progress_data = v.pointer;
        return true;
    default:
        return false;
    }
}

static bool set_target(struct shadow *s, CURLoption option, union option_argument v)
{
    switch (option) {
    case CURLOPT_URL:
        set_url(s, v.pointer);
        return true;
    case CURLOPT_CURLU:
        s->curlu = v.pointer;
        break;
    case CURLOPT_PORT:
        s->port = v.number;
        break;
    case CURLOPT_DEFAULT_PROTOCOL:
        copy_word(s->default_protocol, sizeof s->default_protocol, v.pointer);
        break;
    case CURLOPT_UNIX_SOCKET_PATH:
        set_unix_socket(s, v.pointer, PATTERN_LOCAL);
        break;
    case CURLOPT_ABSTRACT_UNIX_SOCKET:
        set_unix_socket(s, v.pointer, PATTERN_LOCAL "@");
        break;
    case CURLOPT_PROXY:
        set_text(&s->proxy, v.pointer);
        break;
    case CURLOPT_PRE_PROXY:
        set_text(&s->pre_proxy, v.pointer);
        break;
    case CURLOPT_NOPROXY:
        set_text(&s->no_proxy, v.pointer);
        break;
    case CURLOPT_PROXYPORT:
        s->proxy_port = v.number;
        break;
    case CURLOPT_PROXYTYPE:
        s->proxy_type = v.number;
        break;
    default:
        return false;
    }
    s->target_known = false;
    return true;
}

static void set_other(struct shadow *s, CURLoption option, union option_argument v)
{
    switch (option) {
    case CURLOPT_HEADER:
        s->include_header = v.number != 0;
        break;
    case CURLOPT_FOLLOWLOCATION:
        s->follow = v.number != 0;
        break;
    case CURLOPT_NOPROGRESS:
        s->noprogress = v.number != 0;
        break;
    case CURLOPT_ERRORBUFFER:
        s->error_buffer = v.pointer;
        break;
    case CURLOPT_CUSTOMREQUEST:
        copy_word(s->method, sizeof s->method, v.pointer);
        break;
    case CURLOPT_POSTFIELDSIZE:
        set_fields_size(s, v.number);
        break;
    case CURLOPT_POSTFIELDSIZE_LARGE:
        set_fields_size(s, v.offset);
        break;
    case CURLOPT_INFILESIZE:
        s->upload_size = v.number;
        break;
    case CURLOPT_INFILESIZE_LARGE:
        s->upload_size = v.offset;
        break;
    case CURLOPT_QUOTE:
    case CURLOPT_PREQUOTE:
    case CURLOPT_POSTQUOTE:
        s->quote |= v.pointer != NULL;
        break;
    case CURLOPT_CONNECT_ONLY:
        s->connect_only = v.number != 0;
        break;
    case CURLOPT_HTTPHEADER:
        s->headers = v.pointer;
        break;
    case CURLOPT_DNS_CACHE_TIMEOUT:
        s->dns_cache_s = v.number;
        break;
    case CURLOPT_OPENSOCKETFUNCTION:
        s->own_sockets = v.function != NULL;
        break;
    case CURLOPT_RESOLVER_START_FUNCTION:
        s->own_resolver = v.function != NULL;
        break;
    default:
        break;
    }
}

void shadow_setopt(struct shadow *s, CURLoption option, union option_argument value)
{
    if (!set_callback(s, option, value) && !set_target(s, option, value) &&
        !set_request(s, option, value) && !set_timeout(s, option, value))
        set_other(s, option, value);
}
