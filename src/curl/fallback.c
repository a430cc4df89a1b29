/* SPDX-License-Identifier: MIT */
#include "curl/fallback.h"

#include "curl/gate/saved_info.h"
#include "curl/transfer.h"

#include <string.h>

static void copy_error(char *to, const char *from)
{
    size_t n = strnlen(from, CURL_ERROR_SIZE - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

void fallback_clear(struct fallback *e)
{
    saved_info_free(e->info);
    e->info = NULL;
    e->kept = false;
}

void fallback_keep(struct transfer *t, CURLcode r)
{
    struct fallback *e = &t->fallback;
    fallback_clear(e);
    e->kept = true;
    e->result = r;
    e->info = saved_info_take(t->shadow->api, t->shadow->handle, NULL);
    if (e->info)
        saved_info_take_headers(e->info, t->shadow->handle);
    copy_error(e->error, r ? transfer_error(t) : "");
}

CURLcode fallback_restore(struct transfer *t)
{
    gate_restore_attempt(&t->gate, t->fallback.info);
    copy_error(transfer_error(t), t->fallback.error);
    t->shadow->last_info = t->fallback.info;
    return t->fallback.result;
}

bool fallback_getinfo(const struct shadow *s, CURLINFO info, void *out)
{
    if (info == CURLINFO_COOKIELIST) /* shared by all attempts, and the program may change it */
        return false;
    return saved_info_get(s->last_info, info, out);
}

struct headers *fallback_headers(const struct shadow *s)
{
    return s->last_info ? s->last_info->headers : NULL;
}
