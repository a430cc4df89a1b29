/* SPDX-License-Identifier: MIT */
#include "cli/config_notes.h"

#include "base/compiler.h"
#include "base/text.h"
#include "base/words.h"
#include "cli/cli.h"
#include "cli/config_context.h"
#include "cli/config_same.h"
#include "engine/board/slo.h"

#include <stdarg.h>
#include <string.h>

struct notes {
    config_report *note;
    void *ctx;
    int count;
    const struct section
        *last; /* of the last note, and its key: patterns of a section agree mostly */
    int last_option;
};

__attribute__((format(printf, 4, 5))) static void say(struct notes *n, const struct section *s,
                                                      int option, const char *fmt, ...)
{
    char line[1024];
    struct text t = TEXT_OVER(line);
    const struct origin *from = &s->from[option];
    va_list ap;
    if (n->last == s && n->last_option == option)
        return;
    n->last = s;
    n->last_option = option;
    text_put(&t, from->file);
    if (from->line)
        text_fmt(&t, ":%d", from->line);
    text_fmt(&t, ": [%s %.200s] %s = %.200s: ",
             options[option].section == SECTION_CHECK ? "check"
             : s->overrides                           ? "override"
                                                      : "host",
             s->name, options[option].name, s->value[option]);
    va_start(ap, fmt);
    text_vfmt(&t, fmt, ap);
    va_end(ap);
    n->note(n->ctx, line);
    n->count++;
}

static int row(const char *key)
{
    return option_find(SECTION_HOST, key);
}

/* The value in force, as it was written. */
static const char *shown(const struct context *x, const char *key)
{
    const struct section *by;
    return context_value(x, row(key), &by);
}

/* ---- retries ------------------------------------------------------------------------------- */

static void note_no_retries(struct notes *n, const struct context *x)
{
    static const char keys[][16] = {"base_delay",    "max_delay",    "jitter",     "max_elapsed",
                                    "retry_on",      "never_on",     "hold_limit", "retry_budget",
                                    "retry_reserve", "retry_methods"};
    const struct section *by;
    context_value(x, row("max_attempts"), &by);
    const char *why = by && !by->value[row("max_attempts")] ? "retry = off" : "max_attempts = 1";
    for (size_t i = 0; i < array_size(keys); i++)
        if (context_is_own(x, row(keys[i]))) {
            say(n, x->own, row(keys[i]), "nothing is repeated, because of %s", why);
            return;
        }
}

static void note_retries(struct notes *n, const struct context *x)
{
    const struct section *s = x->own;
    const char *retry = s->value[row("retry")];
    int base = row("base_delay"), wait = row("max_wait"), elapsed = row("max_elapsed");
    if (context_number(x, row("max_attempts")) == 1) {
        note_no_retries(n, x);
        return;
    }
    if (retry && word_is(retry, strlen(retry), "off") && context_is_own(x, row("max_attempts")))
        say(n, s, row("max_attempts"), "requests are repeated, although retry = off");
    if (context_is_own(x, base) && context_number(x, base) > context_number(x, row("max_delay")))
        say(n, s, base, "every delay is at most max_delay = %s", shown(x, "max_delay"));
    if (context_is_own(x, row("retry_reserve")) && !context_number(x, row("retry_budget")) &&
        context_number(x, row("retry_reserve")))
        say(n, s, row("retry_reserve"), "no effect, because retry_budget = off sets no limit");
    if (context_is_own(x, wait) &&
        strcmp(shown(x, "max_elapsed"), options[elapsed].fallback) != 0 &&
        context_number(x, row("on_limit")) == ON_LIMIT_WAIT &&
        context_number(x, wait) > context_number(x, elapsed))
        say(n, s, wait,
            "a request that has waited longer than max_elapsed = %s is not repeated any more",
            shown(x, "max_elapsed"));
}

static bool is_within(const struct outcome_set *a, const struct outcome_set *b)
{
    bool within = (a->groups & ~b->groups) == 0;
    for (size_t i = 0; i < array_size(a->curl); i++)
        within &= (a->curl[i] & ~b->curl[i]) == 0;
    for (size_t i = 0; i < array_size(a->http); i++)
        within &= (a->http[i] & ~b->http[i]) == 0;
    return within;
}

/* retry_on = 5xx, never_on = 501 makes sense. A word of which nothing is left does not. */
static void note_outcomes(struct notes *n, const struct context *x)
{
    int on = row("retry_on");
    struct outcome_set never = context_parsed(x, row("never_on")).outcomes;
    const char *at = x->own->value[on], *w;
    size_t length;
    while (context_is_own(x, on) && never.given && (w = word_next(&at, &length))) {
        union option_value one;
        char word[64], why[400];
        snprintf(word, sizeof word, "%.*s", (int)length, w);
        if (option_parse(&options[on], word, &one, why, sizeof why) && one.outcomes.given &&
            !word_is(w, length, "none") && is_within(&one.outcomes, &never)) {
            say(n, x->own, on, "%s is never repeated, because never_on = %s", word,
                shown(x, "never_on"));
            return;
        }
    }
}

/* ---- limits -------------------------------------------------------------------------------- */

/* Whether what conforms to `stricter` always conforms to r. */
static bool allows_more(const struct rate *r, const struct rate *stricter)
{
    return r->interval_ns <= stricter->interval_ns && r->burst >= stricter->burst;
}

static bool same_bucket(const struct per *a, const struct per *b)
{
    return a->parts == b->parts && !strcmp(a->header, b->header) && !strcmp(a->env, b->env);
}

static void note_rate(struct notes *n, const struct context *x, const struct limit *l)
{
    char window[24], other[24];
    for (int i = 0; i < l->rate_count; i++)
        for (int k = 0; k < l->rate_count; k++) {
            const struct rate *r = &l->rates[i], *by = &l->rates[k];
            if (i == k || !allows_more(r, by) || (i < k && allows_more(by, r)))
                continue;
            say(n, x->own, row("rate"), "%u/%s has no effect, because %u/%s, burst %u, allows less",
                r->tokens, cli_duration(r->window_ns, window), by->tokens,
                cli_duration(by->window_ns, other), by->burst);
            return;
        }
}

static void note_operation(struct notes *n, const struct context *x, const struct limit *l,
                           const struct limit *host)
{
    char window[24];
    const struct rate *least = NULL;
    for (int i = 0; i < l->rate_count; i++) {
        const struct rate *stricter = NULL;
        for (int k = 0; k < host->rate_count; k++)
            if (allows_more(&l->rates[i], &host->rates[k]))
                stricter = &host->rates[k];
        if (!stricter)
            return;
        least = stricter;
    }
    if (least && same_bucket(&l->per, &host->per))
        say(n, x->own, row("rate"),
            "no effect, because all requests of the host may be %u/%s, burst %u, at most",
            least->tokens, cli_duration(least->window_ns, window), least->burst);
}

/* A burst of 1 means "no burst", whatever a request costs. The rate of an operation says nothing about the
 * limit of its host. */
static void note_cost(struct notes *n, const struct context *x, const struct policy *p,
                      const struct limit *l, bool own)
{
    static const char keys[][8] = {"cost", "burst", "rate"};
    for (int i = 0; i < l->rate_count; i++) {
        uint32_t burst = l->rates[i].burst;
        if (burst >= p->cost || burst == 1)
            continue;
        for (size_t k = 0; k < array_size(keys); k++)
            if (context_is_own(x, row(keys[k])) && (own || strcmp(keys[k], "rate") != 0)) {
                say(n, x->own, row(keys[k]),
                    "a burst of %u is less than cost = %u, and counts as %u", burst, p->cost,
                    p->cost);
                return;
            }
    }
}

static void note_limits(struct notes *n, const struct context *x)
{
    const struct policy *p = rules_find(x->config, &x->target);
    int wait = row("max_wait");
    if (context_is_own(x, wait) && context_number(x, row("on_limit")) == ON_LIMIT_FAIL &&
        context_number(x, wait))
        say(n, x->own, wait, "no effect, because with on_limit = fail no request waits");
    if (!p || x->pattern.kind == PATTERN_PREFIX)
        return;
    for (int i = 0; i < p->limit_count; i++) {
        const struct limit *l = &p->limits[i];
        /* [host *] and [override *] may have the same name, at one address. */
        bool own = l->rule == x->own->name && x->own->value[row("rate")] &&
                   (l->operation || context_is_own(x, row("rate")));
        note_cost(n, x, p, l, own);
        if (!own)
            continue;
        note_rate(n, x, l);
        if (l->operation && !p->limits[0].operation)
            note_operation(n, x, l, &p->limits[0]);
    }
}

/* ---- the others ---------------------------------------------------------------------------- */

static void note_times(struct notes *n, const struct context *x)
{
    int connect = row("connect_timeout"), stall = row("stall_timeout"), open = row("breaker_open");
    int64_t attempt_ns = context_number(x, row("attempt_timeout"));
    if (attempt_ns && context_is_own(x, connect) && context_number(x, connect) > attempt_ns)
        say(n, x->own, connect,
            "never expires, because attempt_timeout = %s does before, and that is no failure of "
            "the "
            "host",
            shown(x, "attempt_timeout"));
    if (attempt_ns && context_is_own(x, stall) && context_number(x, stall) >= attempt_ns)
        say(n, x->own, stall, "never expires, because attempt_timeout = %s does before",
            shown(x, "attempt_timeout"));
    if (context_is_own(x, open) && context_number(x, row("breaker")) != BREAKER_OFF &&
        context_number(x, open) > context_number(x, row("breaker_max_open")))
        say(n, x->own, open, "the circuit is open for breaker_max_open = %s at most",
            shown(x, "breaker_max_open"));
    if (context_is_own(x, row("hint")) && context_parsed(x, row("hint")).hints.count &&
        !context_number(x, row("retry_after")))
        say(n, x->own, row("hint"),
            "with retry_after = off no wait that a server asks for is made");
}

static void note_places(struct notes *n, const struct context *x)
{
    int fallback = row("fallback");
    int places = context_parsed(x, fallback).fallback.count;
    int64_t attempts = context_number(x, row("max_attempts"));
    bool skips = context_number(x, row("breaker")) == BREAKER_ON;
    if (!places || !context_is_own(x, fallback))
        return;
    if (attempts == 1)
        say(n, x->own, fallback,
            skips ? "nothing is repeated, so requests go there only while a circuit is open"
                  : "no effect, because nothing is repeated and no circuit opens");
    else if (attempts <= places)
        say(n, x->own, fallback, "with max_attempts = %s a request tries only %d of these places",
            shown(x, "max_attempts"), (int)attempts - 1);
    else if (!context_number(x, row("attempt_timeout")) &&
             !context_number(x, row("connect_timeout")))
        say(n, x->own, fallback,
            "without attempt_timeout or connect_timeout, a place that does not answer uses up all "
            "the time of a request");
}

/* A section that is more specific than that of slo_latency may have the objective. */
static bool has_objective(const struct config *c)
{
    for (int i = 0; i < c->section_count; i++)
        if (c->sections[i].value[row("slo")])
            return true;
    return false;
}

/* Rates burn at most as fast as all requests fail: 1 / (1 - slo). */
static void note_objective(struct notes *n, const struct context *x)
{
    int slo = row("slo"), latency = row("slo_latency");
    int64_t ppm = context_number(x, slo);
    if (context_is_own(x, latency) && context_number(x, latency) && !has_objective(x->config))
        say(n, x->own, latency, "no effect without slo");
    if (ppm && context_is_own(x, slo) &&
        slo_threshold(SLO_FAST) * (double)(SLO_WHOLE_PPM - ppm) >= SLO_WHOLE_PPM)
        say(n, x->own, slo,
            "only more than 93.05%% can burn fast, so it never changes the status of a host");
}

static bool has_check(const struct config *c)
{
    for (int i = 0; i < c->check_count; i++)
        if (c->checks[i].kind != CHECK_DNS)
            return true;
    return false;
}

static void note_breaker(struct notes *n, const struct context *x)
{
    int slow = row("slow_after"), opens = row("check_opens"), timeout = row("attempt_timeout");
    bool is_off = context_number(x, row("breaker")) == BREAKER_OFF;
    int64_t slow_ns = context_is_own(x, slow) ? context_number(x, slow) : 0;
    if (slow_ns && is_off)
        say(n, x->own, slow, "slow attempts are only counted, because breaker = off");
    else if (slow_ns && context_number(x, timeout) && slow_ns >= context_number(x, timeout))
        say(n, x->own, slow, "nothing is slow, because attempt_timeout = %s ends it before",
            shown(x, "attempt_timeout"));
    if (context_is_own(x, opens) && context_number(x, opens) && (is_off || !has_check(x->config)))
        say(n, x->own, opens, "no effect without %s", is_off ? "a breaker" : "a tcp or http check");
}

static void note_host(struct notes *n, const struct config *c, const struct section *s)
{
    static struct context x;
    for (const char **pattern = s->patterns; *pattern; pattern++) {
        if (!context_of(&x, c, s, *pattern))
            continue;
        note_retries(n, &x);
        note_outcomes(n, &x);
        note_limits(n, &x);
        note_times(n, &x);
        note_breaker(n, &x);
        note_places(n, &x);
        note_objective(n, &x);
    }
}

static void note_check(struct notes *n, const struct config *c, const struct section *s)
{
    int interval = option_find(SECTION_CHECK, "interval");
    int timeout = option_find(SECTION_CHECK, "timeout");
    for (int i = 0; i < c->check_count; i++) {
        const struct check_config *k = &c->checks[i];
        if (!strcmp(k->name, s->name) && s->value[interval] && s->value[timeout] &&
            strcmp(s->value[timeout], options[timeout].fallback) != 0 &&
            k->interval_ns < k->timeout_ns)
            say(n, s, interval, "a run may take timeout = %s, and the next one begins after it",
                s->value[timeout]);
    }
}

static void note_thread(struct notes *n, const struct config *c)
{
    char line[640];
    int thread = option_find(SECTION_HARDEN, "thread"), length = 0;
    if (c->thread || !c->check_count || !c->value[thread])
        return;
    const struct origin *from = &c->from[thread];
    length = snprintf(line, sizeof line, "%.500s", from->file);
    if (from->line)
        length += snprintf(line + length, sizeof line - (size_t)length, ":%d", from->line);
    snprintf(line + length, sizeof line - (size_t)length,
             ": [harden] thread = %.20s: the checks are not run", c->value[thread]);
    n->note(n->ctx, line);
    n->count++;
}

static void note_same(void *ctx, const struct section *s, int option, const struct section *later)
{
    say(ctx, s, option, "never used, because [%s %s] at line %d has the same pattern",
        later->overrides ? "override" : "host", later->name, later->from[option].line);
}

int config_notes(const struct config *c, config_report *note, void *ctx)
{
    struct notes n = {.note = note, .ctx = ctx};
    note_thread(&n, c);
    for (int i = 0; i < c->section_count; i++)
        note_host(&n, c, &c->sections[i]);
    config_same(c, note_same, &n);
    for (int i = 0; i < c->check_section_count; i++)
        note_check(&n, c, &c->check_sections[i]);
    return n.count;
}
