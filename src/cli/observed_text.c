/* SPDX-License-Identifier: MIT */
#include "cli/observed_text.h"

#include "base/text.h"
#include "cli/host_list.h"

#include <stdio.h>

/* For a narrow window. */
const char *observed_text_short(const struct observed_view *v, char out[OBSERVED_TEXT_SIZE])
{
    char waited[16];
    snprintf(out, OBSERVED_TEXT_SIZE, "would wait %s (%llu), refuse %llu, repeat %llu",
             v->waited_ns ? host_time(v->waited_ns, waited) : "0 s", (unsigned long long)v->waits,
             (unsigned long long)v->rejected, (unsigned long long)v->retries);
    return out;
}

const char *observed_text(const struct observed_view *v, char out[OBSERVED_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = OBSERVED_TEXT_SIZE};
    char waited[16];
    if (!v->waits && !v->rejected && !v->retries && !v->fallbacks)
        text_put(&t, "would not have been limited or repeated");
    else
        text_fmt(&t, "would have waited %s in %llu request%s, refused %llu and repeated %llu",
                 v->waited_ns ? host_time(v->waited_ns, waited) : "0 s",
                 (unsigned long long)v->waits, v->waits == 1 ? "" : "s",
                 (unsigned long long)v->rejected, (unsigned long long)v->retries);
    if (v->fallbacks)
        text_fmt(&t, ", %llu at another place", (unsigned long long)v->fallbacks);
    return out;
}
