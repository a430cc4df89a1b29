/* SPDX-License-Identifier: MIT */
#include "cli/adaptive_text.h"

#include "base/text.h"
#include "cli/cli.h"

/* To three figures, and never rounded up: "0.123/s", "9.72/s", "136/s". */
static void put_rate(struct text *t, uint64_t milli)
{
    uint64_t unit = 1;
    while (milli / unit >= 1000)
        unit *= 10;
    text_fixed(t, (int64_t)(milli / unit * unit), 3);
    text_put(t, "/s");
}

static void put_end(struct text *t, const struct adaptive_view *v, int64_t now_ns)
{
    char age[24];
    text_fmt(t, "off in %s", cli_age(v->off_ns > now_ns ? v->off_ns - now_ns : 0, age));
}

const char *adaptive_text(const struct adaptive_view *v, int64_t now_ns,
                          char out[ADAPTIVE_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = ADAPTIVE_TEXT_SIZE};
    char age[24];
    put_rate(&t, v->rate_milli);
    text_put(&t, "; ");
    put_rate(&t, v->goodput_milli);
    text_put(&t, " were accepted before the last cut, to ");
    put_rate(&t, v->cut_milli);
    text_fmt(&t, ", %s ago; ", cli_age(now_ns > v->cut_ns ? now_ns - v->cut_ns : 0, age));
    put_end(&t, v, now_ns);
    return out;
}

const char *adaptive_text_short(const struct adaptive_view *v, int64_t now_ns,
                                char out[ADAPTIVE_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = ADAPTIVE_TEXT_SIZE};
    put_rate(&t, v->rate_milli);
    text_put(&t, ", ");
    put_end(&t, v, now_ns);
    return out;
}
