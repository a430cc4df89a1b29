/* SPDX-License-Identifier: MIT */
#include "curl/fallback.h"

#include "curl/gate/saved_info.h"
#include "curl/transfer.h"

#include <string.h>

static void copy_text(char *to, const char *from)
{
    size_t n = strnlen(from, CURL_ERROR_SIZE - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

void earlier_forget(struct earlier *e)
{
    moment_free(e->moment);
    e->moment = NULL;
    e->kept = false;
}

void earlier_keep(struct transfer *t, CURLcode r)
{
    struct earlier *e = &t->earlier;
    earlier_forget(e);
    e->kept = true;
    e->result = r;
    e->moment = moment_take(t->shadow->api, t->shadow->handle, NULL);
    if (e->moment)
        moment_take_headers(e->moment, t->shadow->handle);
    copy_text(e->error, r ? transfer_error(t) : "");
}

CURLcode earlier_bring_back(struct transfer *t)
{
    gate_bring_back(&t->gate, t->earlier.moment);
    copy_text(transfer_error(t), t->earlier.error);
    t->shadow->answered = t->earlier.moment;
    return t->earlier.result;
}

bool earlier_getinfo(const struct shadow *s, CURLINFO info, void *out)
{
    if (info == CURLINFO_COOKIELIST) /* all attempts share them, and the program may change them */
        return false;
    return moment_get(s->answered, info, out);
}

struct headers *earlier_headers(const struct shadow *s)
{
    return s->answered ? s->answered->headers : NULL;
}
