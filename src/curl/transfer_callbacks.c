/* SPDX-License-Identifier: MIT
 *
 * Our callbacks on the handle, and the program's options back. */
#include "curl/transfer.h"

#include "base/compiler.h"

#include <stdlib.h>

char *transfer_error(struct transfer *t)
{
    return t->shadow->error_buffer ? t->shadow->error_buffer : t->error;
}

void transfer_wrap(struct transfer *t)
{
    const struct shadow *s = t->shadow;
    const struct curl_api *api = s->api;
    CURL *h = s->handle;
    api->easy_setopt(h, CURLOPT_WRITEFUNCTION, gate_body);
    api->easy_setopt(h, CURLOPT_WRITEDATA, &t->gate);
    api->easy_setopt(h, CURLOPT_HEADERFUNCTION, gate_header);
    api->easy_setopt(h, CURLOPT_HEADERDATA, &t->gate);
    if (!s->error_buffer)
        api->easy_setopt(h, CURLOPT_ERRORBUFFER, t->error);
    t->read_wrapped = request_body_is_wrapped(&t->body);
    if (t->read_wrapped) {
        api->easy_setopt(h, CURLOPT_READFUNCTION, request_body_read);
        api->easy_setopt(h, CURLOPT_READDATA, &t->body);
        if (t->body.seek_fn) {
            api->easy_setopt(h, CURLOPT_SEEKFUNCTION, request_body_seek);
            api->easy_setopt(h, CURLOPT_SEEKDATA, &t->body);
        } else if (t->body.ioctl_fn) {
            api->easy_setopt(h, CURLOPT_IOCTLFUNCTION, request_body_ioctl);
            api->easy_setopt(h, CURLOPT_IOCTLDATA, &t->body);
        }
    }
    t->wrapped = true;
}

static __attribute__((noinline)) void restore_after_retry(const struct transfer *t, CURL *h)
{
    const struct shadow *s = t->shadow;
    if (t->skips_dns_cache)
        s->api->easy_setopt(h, CURLOPT_DNS_CACHE_TIMEOUT, s->dns_cache_s);
    if (t->avoids_reuse)
        s->api->easy_setopt(h, CURLOPT_FRESH_CONNECT, (long)s->fresh_connect);
    if (t->connect_to)
        s->api->easy_setopt(h, CURLOPT_CONNECT_TO, s->connect_to);
}

static void unwrap_on(const struct transfer *t, CURL *h)
{
    const struct shadow *s = t->shadow;
    const struct curl_api *api = s->api;
    api->easy_setopt(h, CURLOPT_WRITEFUNCTION, s->write_fn);
    api->easy_setopt(h, CURLOPT_WRITEDATA, s->write_data);
    api->easy_setopt(h, CURLOPT_HEADERFUNCTION, s->header_fn);
    api->easy_setopt(h, CURLOPT_HEADERDATA, s->header_data);
    api->easy_setopt(h, CURLOPT_ERRORBUFFER, s->error_buffer);
    if (t->read_wrapped) {
        api->easy_setopt(h, CURLOPT_READFUNCTION, s->read_fn);
        api->easy_setopt(h, CURLOPT_READDATA, s->read_data);
        api->easy_setopt(h, CURLOPT_SEEKFUNCTION, s->seek_fn);
        api->easy_setopt(h, CURLOPT_SEEKDATA, s->seek_data);
        api->easy_setopt(h, CURLOPT_IOCTLFUNCTION, s->ioctl_fn);
        api->easy_setopt(h, CURLOPT_IOCTLDATA, s->ioctl_data);
    }
    if (t->timeouts_set) {
        api->easy_setopt(h, CURLOPT_TIMEOUT_MS, s->timeout_ms);
        api->easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, s->connect_timeout_ms);
        api->easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, s->low_speed_limit);
        api->easy_setopt(h, CURLOPT_LOW_SPEED_TIME, s->low_speed_time_s);
    }
    if (unlikely(t->set_for_retry))
        restore_after_retry(t, h);
}

void transfer_unwrap(struct transfer *t)
{
    if (!t->wrapped)
        return;
    unwrap_on(t, t->shadow->handle);
    if (unlikely(t->set_for_retry)) {
        free(t->connect_to);
        t->connect_to = NULL;
    }
    t->wrapped = t->read_wrapped = t->timeouts_set = t->set_for_retry = false;
    t->skips_dns_cache = t->avoids_reuse = false;
}

void transfer_unwrap_copy(const struct transfer *t, CURL *copy)
{
    if (t->wrapped)
        unwrap_on(t, copy);
}

bool transfer_replaces(const struct shadow *s, CURLoption option)
{
    const struct transfer *t = s->transfer;
    if (!t || !t->wrapped || t->reset)
        return false;
    switch (option) {
    case CURLOPT_WRITEFUNCTION:
    case CURLOPT_WRITEDATA:
    case CURLOPT_HEADERFUNCTION:
    case CURLOPT_HEADERDATA:
        return true;
    case CURLOPT_READFUNCTION:
    case CURLOPT_READDATA:
    case CURLOPT_SEEKFUNCTION:
    case CURLOPT_SEEKDATA:
    case CURLOPT_IOCTLFUNCTION:
    case CURLOPT_IOCTLDATA:
        return t->read_wrapped;
    case CURLOPT_DNS_CACHE_TIMEOUT:
        return t->skips_dns_cache;
    case CURLOPT_FRESH_CONNECT:
        return t->avoids_reuse;
    default:
        return false;
    }
}
