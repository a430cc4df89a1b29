/* SPDX-License-Identifier: MIT */
#include "cli/pause_text.h"

#include "base/text.h"

/* Rounded up: a program that comes back after this time is not too early. "9 min 58 s" */
static void put_time_left(struct text *t, int64_t ns)
{
    static const struct {
        long long s;
        const char *name;
    } units[] = {{3600, "h"}, {60, "min"}, {1, "s"}};
    long long s = (ns + NS_PER_S - 1) / NS_PER_S;
    for (int i = 0; i < 3; i++) {
        if (s < units[i].s)
            continue;
        text_fmt(t, "%lld %s", s / units[i].s, units[i].name);
        if (i < 2 && s % units[i].s >= units[i + 1].s)
            text_fmt(t, " %lld %s", s % units[i].s / units[i + 1].s, units[i + 1].name);
        return;
    }
}

const char *pause_text(const struct pause_shown *p, int64_t now_ns, char out[PAUSE_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = PAUSE_TEXT_SIZE};
    text_put(&t, "for ");
    put_time_left(&t, p->until_ns - now_ns);
    text_put(&t, ", asked by the server");
    if (p->line[0])
        text_fmt(&t, ": %s", p->line);
    if (p->status)
        text_fmt(&t, " (%d)", p->status);
    return out;
}
