/* SPDX-License-Identifier: MIT */
#include "curl/previous_result.h"

#include "curl/gate/saved_info.h"
#include "curl/transfer.h"

#include <string.h>

static void copy_error(char *to, const char *from)
{
    size_t n = strnlen(from, CURL_ERROR_SIZE - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

void previous_result_clear(struct previous_result *f)
{
    saved_info_free(f->info);
    f->info = NULL;
    f->kept = false;
}

void previous_result_keep(struct transfer *t, CURLcode r)
{
    struct previous_result *f = &t->previous;
    previous_result_clear(f);
    f->kept = true;
    f->result = r;
    f->info = saved_info_take(t->shadow->api, t->shadow->handle, NULL);
    if (f->info)
        saved_info_take_headers(f->info, t->shadow->handle);
    copy_error(f->error, r ? transfer_error(t) : "");
}

CURLcode previous_result_restore(struct transfer *t)
{
    gate_restore_attempt(&t->gate, t->previous.info);
    copy_error(transfer_error(t), t->previous.error);
    t->shadow->last_info = t->previous.info;
    return t->previous.result;
}

bool previous_result_getinfo(const struct shadow *s, CURLINFO info, void *out)
{
    if (info == CURLINFO_COOKIELIST) /* shared by all attempts, and the program may change it */
        return false;
    return saved_info_get(s->last_info, info, out);
}

struct headers *previous_result_headers(const struct shadow *s)
{
    return s->last_info ? s->last_info->headers : NULL;
}
