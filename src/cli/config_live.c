/* SPDX-License-Identifier: MIT */
#include "cli/config_live.h"

#include "base/netns.h"
#include "cli/adaptive_text.h"
#include "cli/cli.h"
#include "cli/pause_text.h"
#include "cli/slo_text.h"
#include "engine/board/gcra.h"
#include "engine/board/pause.h"
#include "engine/board/view.h"
#include "engine/call/bind.h"
#include "engine/config/network_zone.h"

struct live {
    FILE *f;
    struct board *board;
    const struct config *config;
    const struct policy *policy;
    const struct target *target; /* as the board names it */
    int64_t now_ns;
};

/* What a program decides on, in the mode of this configuration. */
static struct slot *slot_of(const struct live *l, uint64_t key)
{
    return board_find(l->board, l->config->mode == MODE_OBSERVE ? board_observed_key(key) : key);
}

static void print_pause(const struct live *l, const struct slot *s, const char *what)
{
    struct pause_shown pause;
    char words[PAUSE_TEXT_SIZE];
    if (s && pause_show(s, PAUSE_OF_ALL, l->now_ns, &pause))
        fprintf(l->f, "  %spaused %s\n", what, pause_text(&pause, l->now_ns, words));
}

static void print_host(const struct live *l)
{
    uint64_t key = board_host_key(l->target->host, l->target->default_port ? 0 : l->target->port);
    const struct slot *facts = board_find(l->board, key), *s = slot_of(l, key);
    char words[SLO_TEXT_SIZE], rate[ADAPTIVE_TEXT_SIZE];
    struct slo_view slo;
    struct adaptive_view adaptive;
    if (!facts) {
        fputs("  no request to the host yet, or not for long\n", l->f);
        return;
    }
    fprintf(l->f, "  status %s\n", status_name(view_status(l->board, facts, l->now_ns)));
    print_pause(l, facts, "");
    if (slo_slot_view(l->board, facts, l->now_ns, &slo))
        fprintf(l->f, "  slo %s\n",
                slo_text(&slo, slo_slot_burns(l->board, facts, l->now_ns), words));
    if (!s)
        return;
    enum breaker_state state = breaker_state_at(&s->breaker, l->now_ns);
    fprintf(l->f, "  circuit %s\n", breaker_state_name(state));
    if (l->policy->adaptive)
        fprintf(l->f, "  adaptive rate %s\n",
                view_adaptive(l->board, facts, s != facts, l->now_ns, &adaptive)
                    ? adaptive_text(&adaptive, l->now_ns, rate)
                    : "off: the host has not throttled lately");
    if (l->policy->retry_budget_percent)
        fprintf(l->f, "  retry budget %.0f of %d\n", view_budget(s, l->now_ns), BUDGET_CAPACITY);
}

static void print_rate(const struct live *l, const struct slot *s, const struct rate *r)
{
    char window[24];
    int word = s ? slot_window(s, r->window_ns) : -1;
    int64_t tat_ns = word < 0 ? 0 : gcra_clamp(atomic_load(&s->tat_ns[word]), l->now_ns);
    fprintf(l->f, "  %u/%s: %.1f of %u tokens\n", r->tokens, cli_duration(r->window_ns, window),
            gcra_available(tat_ns, l->now_ns, r), r->burst);
}

static void print_crowd(const struct live *l, uint64_t key, uint32_t limit)
{
    struct concurrency_view v;
    if (l->config->mode == MODE_OBSERVE)
        key = board_observed_key(key);
    view_bulkhead(l->board, binding_bulkhead_key(key), limit, l->now_ns, &v);
    fprintf(l->f, "  concurrency: %u of %u in flight, %u waiting\n", v.in_flight, v.limit,
            v.waiting);
}

/* Which value a header has is known only with a request. */
static void print_limit(const struct live *l, const struct limit *limit)
{
    char window[24];
    bool by_header = limit->per.parts & PER_HEADER;
    uint64_t key = by_header ? 0 : binding_bucket_key(limit, l->target, NULL, l->board);
    const struct slot *s = by_header ? NULL : slot_of(l, key);
    for (int i = 0; i < limit->rate_count; i++) {
        const struct rate *r = &limit->rates[i];
        if (by_header)
            fprintf(l->f, "  %u/%s: one bucket for each value of %s\n", r->tokens,
                    cli_duration(r->window_ns, window), limit->per.header);
        else
            print_rate(l, s, r);
    }
    if (limit->concurrency && by_header)
        fprintf(l->f, "  concurrency %u: for each value of %s\n", limit->concurrency,
                limit->per.header);
    else if (limit->concurrency)
        print_crowd(l, key, limit->concurrency);
}

void config_live(FILE *f, const struct config *c, struct board *b, const struct destination *d,
                 const struct policy *p, int64_t now_ns)
{
    char zoned[ZONE_HOST_SIZE];
    struct target here = d->target;
    bool known = atomic_load(&b->header->network); /* otherwise zone_host() would set it */
    here.host =
        zone_host(zoned, b, here.host, known && zone_applies(here.host) ? netns_of_thread() : 0);
    const struct live l = {f, b, c, p, &here, now_ns};
    fprintf(f, "\nlive: %s\n", c->state);
    print_host(&l);
    for (int i = 0; i < p->limit_count; i++)
        print_limit(&l, &p->limits[i]);
    if (p->pause_is_narrow && !(p->pause_scope.per.parts & PER_HEADER))
        print_pause(&l, board_find(b, binding_scope_key(&p->pause_scope, &here, NULL, b)),
                    "this part of the host is ");
}
