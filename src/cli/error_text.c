/* SPDX-License-Identifier: MIT */
#include "cli/error_text.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"

#include <string.h>

#define DAY_NS (86400 * NS_PER_S)

const char *error_text(const struct last_error *e, char out[ERROR_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = ERROR_TEXT_SIZE};
    if (e->class == CLASS_SUCCESS)
        return NULL;
    text_put(&t, class_name(e->class));
    if (strcmp(class_name(e->class), reason_name(e->reason)) != 0)
        text_fmt(&t, ", %s", reason_name(e->reason));
    if (e->curl)
        text_fmt(&t, ", curl %d", e->curl);
    if (e->http)
        text_fmt(&t, ", http %d", e->http);
    if (e->os_errno)
        text_fmt(&t, ", errno %d %s", e->os_errno, strerror(e->os_errno));
    return out;
}

const char *error_aged(const struct host *h, int64_t wall_ns, char out[ERROR_AGED_SIZE])
{
    struct text t = {.p = out, .cap = ERROR_AGED_SIZE};
    char words[ERROR_TEXT_SIZE], age[24];
    bool timed = h->error_ms > 0 && h->error_ms <= wall_ns / NS_PER_MS; /* otherwise damaged */
    int64_t ns = timed ? wall_ns - h->error_ms * NS_PER_MS : 0;
    if (!error_text(&h->error, words) || (h->status == STATUS_HEALTHY && (!timed || ns > DAY_NS)))
        return NULL;
    if (timed)
        text_fmt(&t, "%s ago: ", cli_age(ns, age));
    text_put(&t, words);
    return out;
}
