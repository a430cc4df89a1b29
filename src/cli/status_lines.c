/* SPDX-License-Identifier: MIT */
#include "cli/status_lines.h"

#include "base/clock.h"
#include "cli/adaptive_text.h"
#include "cli/error_text.h"
#include "cli/observed_text.h"
#include "cli/other_boards.h"
#include "cli/pause_text.h"
#include "cli/slo_text.h"
#include "cli/table.h"

#define NAMES_SHOWN 3
#define LINES_SHOWN 5 /* of each kind, in a high window */

static int lines_shown(const struct status_lines *l)
{
    int rows = l->view->rows;
    return !rows || rows >= 50 ? LINES_SHOWN : rows >= 30 ? 3 : 1;
}

/* A name leaves room for the rest of its line. */
static const char *name_of(const struct status_lines *l, const char *name, char out[TABLE_CELL])
{
    int width = l->view->columns / 3;
    return l->view->columns ? table_shorten(name, width > 16 ? width : 16, out) : name;
}

/* "retries denied by the budget: 14 (api.example.com 12, b.example.com 2)" */
static void print_count(FILE *f, const struct status_lines *l, const char *what, enum counter c)
{
    char name[TABLE_CELL];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < l->n; i++)
        sum += l->hosts[i].count[c];
    if (!sum)
        return;
    fprintf(f, "%s: %llu (", what, (unsigned long long)sum);
    int listed = 0;
    for (uint32_t i = 0; i < l->n && listed <= NAMES_SHOWN; i++)
        if (l->hosts[i].count[c] && listed++ < NAMES_SHOWN)
            fprintf(f, "%s%s %llu", listed > 1 ? ", " : "", name_of(l, l->hosts[i].name, name),
                    (unsigned long long)l->hosts[i].count[c]);
    fputs(listed > NAMES_SHOWN ? ", and others)\n" : ")\n", f);
}

/* "paused: api.example.com for 9 min 58 s, asked by the server: Retry-After: 600 (429)" */
static void print_pauses(FILE *f, const struct status_lines *l)
{
    char name[TABLE_CELL], words[PAUSE_TEXT_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < 2 * l->n; i++) {
        const struct host *h = &l->hosts[i / 2];
        bool part = i % 2;
        const struct pause_shown *p = part ? &h->part_paused : &h->paused;
        if (p->until_ns && listed++ < lines_shown(l))
            fprintf(f, "paused: %s%s %s\n", part ? "a part of " : "", name_of(l, h->name, name),
                    pause_text(p, l->now_ns, words));
    }
    if (listed > lines_shown(l))
        fprintf(f, "paused: and %d more\n", listed - lines_shown(l));
}

/* "concurrency: api.example.com 8 of 8 in flight, 3 waiting" */
static void print_crowds(FILE *f, const struct status_lines *l)
{
    char name[TABLE_CELL];
    int listed = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct concurrency_view *v = &l->hosts[i].concurrency;
        if (v->limit && listed++ < lines_shown(l))
            fprintf(f, "concurrency: %s %u of %u in flight, %u waiting\n",
                    name_of(l, l->hosts[i].name, name), v->in_flight, v->limit, v->waiting);
    }
    if (listed > lines_shown(l))
        fprintf(f, "concurrency: and %d more\n", listed - lines_shown(l));
}

/* "slo: api.example.com 99.5 %: error budget left 62.3 % (1h), 91 % (24h); burn rate ..." */
static void print_objectives(FILE *f, const struct status_lines *l)
{
    char name[TABLE_CELL], words[SLO_TEXT_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct host *h = &l->hosts[i];
        if (h->slo.ppm && listed++ < lines_shown(l))
            fprintf(f, "slo: %s %s\n", name_of(l, h->name, name),
                    l->view->columns ? slo_text_short(&h->slo, h->slo_burns, words)
                                     : slo_text(&h->slo, h->slo_burns, words));
    }
    if (listed > lines_shown(l))
        fprintf(f, "slo: and %d more\n", listed - lines_shown(l));
}

/* "adaptive: api.example.com 9.7/s; 10.2/s were accepted before the last cut, to 9.6/s, 3 s ago; off in 4 min" */
static void print_adaptive(FILE *f, const struct status_lines *l)
{
    char name[TABLE_CELL], words[ADAPTIVE_TEXT_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < 2 * l->n; i++) {
        const struct host *h = &l->hosts[i / 2];
        bool observed = i % 2;
        const struct adaptive_view *v = observed ? &h->would_adapt : &h->adaptive;
        if (v->rate_milli && listed++ < lines_shown(l))
            fprintf(f, "adaptive: %s %s%s\n", name_of(l, h->name, name),
                    observed ? "would be limited to " : "",
                    l->view->columns ? adaptive_text_short(v, l->now_ns, words)
                                     : adaptive_text(v, l->now_ns, words));
    }
    if (listed > lines_shown(l))
        fprintf(f, "adaptive: and %d more\n", listed - lines_shown(l));
}

/* "last error: api.example.com, 12 s ago: transient, http_5xx, http 503" */
static void print_errors(FILE *f, const struct status_lines *l)
{
    char name[TABLE_CELL], words[ERROR_AGED_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < l->n; i++)
        if (error_aged(&l->hosts[i], l->wall_ns, words) && listed++ < lines_shown(l))
            fprintf(f, "last error: %s, %s\n", name_of(l, l->hosts[i].name, name), words);
    if (listed > lines_shown(l))
        fprintf(f, "last error: and of %d more\n", listed - lines_shown(l));
}

static void print_check_errors(FILE *f, const struct status_lines *l)
{
    char name[TABLE_CELL], words[ERROR_TEXT_SIZE];
    for (uint32_t i = 0; i < l->checks_n; i++)
        if (check_fails(&l->checks[i]) && error_text(&l->checks[i].error, words))
            fprintf(f, "last error: %s: %s\n", name_of(l, l->checks[i].view.name, name), words);
}

/* "observe: api.example.com would have waited 58.5 s in 297 requests, refused 0 and repeated 3" */
static void print_observed(FILE *f, const struct status_lines *l)
{
    char name[TABLE_CELL], words[OBSERVED_TEXT_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct host *h = &l->hosts[i];
        if (h->is_observed && listed++ < lines_shown(l))
            fprintf(f, "observe: %s %s\n", name_of(l, h->name, name),
                    l->view->columns ? observed_text_short(&h->observed, words)
                                     : observed_text(&h->observed, words));
    }
    if (listed > lines_shown(l))
        fprintf(f, "observe: and %d more\n", listed - lines_shown(l));
}

/* The mode is that of this user's configuration. */
void status_lines_print(FILE *f, const struct status_lines *l)
{
    const struct status_view *v = l->view;
    char others[OTHER_BOARDS_TEXT_SIZE];
    if (v->found->note[0])
        fprintf(f, "note: %s\n", v->found->note);
    if (*other_boards_text(v->found->place.dir, others))
        fprintf(f, "note: %s\n", others);
    if (v->config->mode != MODE_ENFORCE && !board_place_is_foreign(&v->found->place))
        fprintf(f, "mode = %s: %s\n", mode_name(v->config->mode),
                cli_mode_meaning(v->config->mode));
    print_pauses(f, l);
    print_crowds(f, l);
    print_adaptive(f, l);
    print_objectives(f, l);
    print_errors(f, l);
    print_check_errors(f, l);
    print_count(f, l, "retries denied by the budget", COUNT_BUDGET_DENIED);
    print_count(f, l, "later than slow_after", COUNT_SLOW);
    print_observed(f, l);
}
