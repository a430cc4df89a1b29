/* SPDX-License-Identifier: MIT */
#include "cli/slo_text.h"

#include "cli/host_list.h"

#include <math.h>

void slo_put_objective(struct text *t, const struct slo_view *v)
{
    char time[16];
    text_fixed(t, v->ppm, 4);
    text_put(t, " %");
    if (v->latency_ns)
        text_fmt(t, " within %s", host_time(v->latency_ns, time));
}

void slo_put_budget(struct text *t, double left)
{
    text_fixed(t, (int64_t)floor(left * 1000 + 1e-6), 1);
    text_put(t, " %");
}

static void put_budgets(struct text *t, const struct slo_view *v)
{
    for (int i = 0; i < SLO_BUDGET_WINDOWS; i++) {
        text_put(t, i ? ", " : " ");
        slo_put_budget(t, v->budget_left[slo_budget_windows[i]]);
        text_fmt(t, " (%s)", slo_window_name(slo_budget_windows[i]));
    }
}

static void put_rate(struct text *t, const struct slo_view *v, enum slo_window w)
{
    text_fmt(t, "%.4g (%s)", v->burn_rate[w], slo_window_name(w));
}

static void put_burning(struct text *t, const struct slo_view *v, bool burns)
{
    if (burns)
        text_put(t, "; burns fast");
    else if (v->slow_burns)
        text_put(t, "; burns slowly");
}

const char *slo_text(const struct slo_view *v, bool burns, char out[SLO_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = SLO_TEXT_SIZE};
    slo_put_objective(&t, v);
    text_put(&t, ": error budget left");
    put_budgets(&t, v);
    text_put(&t, "; burn rate ");
    for (int i = 0; i < SLO_RATE_WINDOWS; i++) {
        text_put(&t, i ? ", " : "");
        put_rate(&t, v, slo_rate_windows[i]);
    }
    put_burning(&t, v, burns);
    return out;
}

const char *slo_text_short(const struct slo_view *v, bool burns, char out[SLO_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = SLO_TEXT_SIZE};
    text_fixed(&t, v->ppm, 4);
    text_put(&t, " %: left");
    put_budgets(&t, v);
    put_burning(&t, v, burns);
    return out;
}

const char *slo_text_burning(const struct slo_view *v, char out[SLO_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = SLO_TEXT_SIZE};
    text_put(&t, "error budget burns fast: ");
    put_rate(&t, v, SLO_5MIN);
    text_put(&t, ", ");
    put_rate(&t, v, SLO_1H);
    return out;
}
