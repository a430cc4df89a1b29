/* SPDX-License-Identifier: MIT
 *
 * Prints the trace: a row with a bar for each request, below it what delayed, repeated or ended it. */
#include "cli/trace/trace.h"

#include "base/clock.h"
#include "cli/trace/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BAR_LONGEST 40
#define LEFT        12 /* columns of the time in front of a text */

struct frame {
    const struct trace *trace;
    FILE *out;
    int columns, bar;
    int64_t from_ns, to_ns;
};

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void put_time(const struct frame *f, int64_t at_ns)
{
    fprintf(f->out, "%9.3f s ", seconds(at_ns - f->from_ns));
}

/* ---- bars ------------------------------------------------------------------------------------ */

static int cell_of(const struct frame *f, int64_t at_ns)
{
    int64_t span_ns = f->to_ns > f->from_ns ? f->to_ns - f->from_ns : 1;
    int cell = (int)((double)(at_ns - f->from_ns) / (double)span_ns * f->bar);
    return cell < 0 ? 0 : cell >= f->bar ? f->bar - 1 : cell;
}

static void fill(const struct frame *f, char *bar, int64_t from_ns, int64_t to_ns, char c)
{
    for (int i = cell_of(f, from_ns); i <= cell_of(f, to_ns); i++)
        bar[i] = c;
}

/* An attempt failed if another one follows, or if the result of the request is a failure. */
static bool has_failed(const struct trace_request *r, const struct trace_event *attempt)
{
    return r->end && (attempt->attempt < r->end->attempts || *r->end->not_retried);
}

/* A transfer that is left to libcurl, of whose attempt there is no event. */
static bool is_uncovered(const struct trace_event *e)
{
    return !strcmp(e->not_retried, "uncovered");
}

static void draw_request(const struct frame *f, const struct trace_request *r, char *bar)
{
    bool uncovered = r->end && is_uncovered(r->end);
    fill(f, bar, r->begun_ns, r->ended_ns, !uncovered ? '.' : r->end->curl ? '!' : '=');
    for (size_t i = 0; i < r->count; i++) {
        const struct trace_event *e = &f->trace->event[r->event[i]];
        if (!strcmp(e->kind, "attempt"))
            fill(f, bar, e->time_ns - e->duration_ns, e->time_ns, has_failed(r, e) ? '!' : '=');
    }
}

/* The bar ends the line, or has one of its own if the text is too long. */
static void put_bar(const struct frame *f, int printed, const char *bar)
{
    int column = f->columns - f->bar - 2;
    if (printed > column - 1) {
        fputc('\n', f->out);
        printed = 0;
    }
    fprintf(f->out, "%*s|%s|\n", column - printed, "", bar);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int put_target(const struct frame *f, const struct trace_event *e)
{
    return *e->method ? fprintf(f->out, "%s %s", e->method, e->host)
                      : fprintf(f->out, "%s", *e->host ? e->host : "a transfer");
}

static const struct trace_event *first_of(const struct frame *f, const struct trace_request *r)
{
    return &f->trace->event[r->event[0]];
}

static int put_result(const struct frame *f, const struct trace_request *r)
{
    char result[TRACE_RESULT_SIZE], took[TRACE_DURATION_SIZE];
    const struct trace_event *e = r->end;
    if (!e)
        return fprintf(f->out, ": not ended");
    int n = fprintf(f->out, ": %s",
                    e->attempts   ? trace_result(e, result)
                    : *e->refused ? "refused"
                                  : "not sent");
    if (e->attempts > 1)
        n += fprintf(f->out, " after %d attempts", e->attempts);
    return n + fprintf(f->out, ", %s", trace_duration(r->ended_ns - r->begun_ns, took));
}

/* Continues at the column where the text of rows begins. */
static void put_detail(const struct frame *f, const struct trace_event *e)
{
    char words[TRACE_WORDS_SIZE];
    if (!*trace_words(e, words))
        return;
    put_time(f, e->time_ns);
    fprintf(f->out, "  %s\n", words);
}

static void put_request(const struct frame *f, const struct trace_request *r)
{
    char bar[BAR_LONGEST + 1];
    snprintf(bar, sizeof bar, "%*s", f->bar, "");
    draw_request(f, r, bar);
    put_time(f, r->begun_ns);
    int n = LEFT + put_target(f, r->end ? r->end : first_of(f, r));
    n += put_result(f, r);
    put_bar(f, n, bar);
    for (size_t i = 0; !r->clean && i < r->count; i++)
        put_detail(f, &f->trace->event[r->event[i]]);
}

/* ---- several requests in one row ------------------------------------------------------------- */

static bool is_alike(const struct trace_request *a, const struct trace_request *b)
{
    const struct trace_event *e = a->end, *g = b->end;
    return a->clean && b->clean && e && g && !strcmp(e->host, g->host) &&
           !strcmp(e->method, g->method) && e->curl == g->curl && e->http == g->http &&
           e->os_errno == g->os_errno;
}

static void put_alike(const struct frame *f, const struct trace_request *r, size_t count)
{
    char bar[BAR_LONGEST + 1], result[TRACE_RESULT_SIZE];
    char least[TRACE_DURATION_SIZE], most[TRACE_DURATION_SIZE];
    int64_t least_ns = INT64_MAX, most_ns = 0;
    snprintf(bar, sizeof bar, "%*s", f->bar, "");
    for (size_t i = 0; i < count; i++) {
        int64_t took_ns = r[i].ended_ns - r[i].begun_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
        most_ns = took_ns > most_ns ? took_ns : most_ns;
        draw_request(f, &r[i], bar);
    }
    put_time(f, r->begun_ns);
    int n = LEFT + put_target(f, r->end);
    n += fprintf(f->out, ": %zu times %s, %s to %s", count, trace_result(r->end, result),
                 trace_duration(least_ns, least), trace_duration(most_ns, most));
    put_bar(f, n, bar);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The next event that belongs to no request: of a circuit, a pause, the health of a host. */
static size_t next_other(const struct trace *t, size_t i)
{
    while (i < t->count && (*t->event[i].id || !*t->event[i].host))
        i++;
    return i;
}

static size_t put_others(const struct frame *f, size_t other, int64_t until_ns)
{
    const struct trace *t = f->trace;
    for (; other < t->count && t->event[other].time_ns <= until_ns;
         other = next_other(t, other + 1))
        put_detail(f, &t->event[other]);
    return other;
}

/* How many requests from this one on can share its row. */
static size_t count_alike(const struct frame *f, size_t i, size_t other)
{
    const struct trace *t = f->trace;
    int64_t until_ns = other < t->count ? t->event[other].time_ns : INT64_MAX;
    size_t n = 1;
    while (i + n < t->requests && t->request[i + n].begun_ns < until_ns &&
           is_alike(&t->request[i], &t->request[i + n]))
        n++;
    return n;
}

static void put_timeline(const struct frame *f)
{
    const struct trace *t = f->trace;
    size_t other = next_other(t, 0);
    for (size_t i = 0, alike; i < t->requests; i += alike) {
        const struct trace_request *r = &t->request[i];
        other = put_others(f, other, r->begun_ns);
        alike = count_alike(f, i, other);
        if (alike > 1)
            put_alike(f, r, alike);
        else
            put_request(f, r);
    }
    put_others(f, other, INT64_MAX);
}

/* True: the library does nothing in one of them. */
static bool put_processes(const struct frame *f)
{
    bool off = false;
    const struct trace *t = f->trace;
    for (size_t i = 0; i < t->count; i++) {
        const struct trace_event *e = &t->event[i];
        if (!strcmp(e->kind, "start"))
            fprintf(f->out, "  %s, pid %" PRId64 ": mode %s, configuration %s, board %s\n",
                    e->service, e->pid, e->mode, *e->config ? e->config : "none",
                    *e->board ? e->board : "none");
        char words[TRACE_WORDS_SIZE];
        if (strcmp(e->kind, "off") != 0)
            continue;
        fprintf(f->out, "  %s, pid %" PRId64 ": %s\n", e->service, e->pid, trace_words(e, words));
        off = true;
    }
    return off;
}

static bool has_ended_badly(const struct trace_event *e)
{
    bool goes_well = e->os_errno == EINPROGRESS || (is_uncovered(e) && !e->curl);
    return *e->refused || (*e->not_retried && !goes_well);
}

static void put_summary(const struct trace *t, FILE *out, const char *program, int64_t took_ns)
{
    size_t repeated = 0, failed = 0;
    int64_t waited_ns = 0;
    char took[TRACE_DURATION_SIZE], waited[TRACE_DURATION_SIZE];
    for (size_t i = 0; i < t->requests; i++) {
        const struct trace_event *e = t->request[i].end;
        if (!e)
            continue;
        repeated += e->attempts > 1;
        failed += has_ended_badly(e);
        waited_ns += e->waited_ns > 0 ? e->waited_ns : 0;
    }
    fprintf(out, "trace of %s: %zu request%s in %s, %zu repeated, %zu failed, %s waited\n", program,
            t->requests, t->requests == 1 ? "" : "s", trace_duration(took_ns, took), repeated,
            failed, trace_duration(waited_ns, waited));
}

void trace_print(const struct trace *t, FILE *out, int columns, const char *program)
{
    int bar = columns / 3 < BAR_LONGEST ? columns / 3 : BAR_LONGEST;
    struct frame f = {.trace = t, .out = out, .columns = columns, .bar = bar < 8 ? 8 : bar};
    f.from_ns = INT64_MAX;
    for (size_t i = 0; i < t->requests; i++) {
        f.from_ns = t->request[i].begun_ns < f.from_ns ? t->request[i].begun_ns : f.from_ns;
        f.to_ns = t->request[i].ended_ns > f.to_ns ? t->request[i].ended_ns : f.to_ns;
    }
    if (!t->requests)
        f.from_ns = f.to_ns = t->count ? t->event[0].time_ns : 0;
    put_summary(t, out, program, f.to_ns - f.from_ns);
    bool is_off = put_processes(&f);
    put_timeline(&f);
    if (t->requests)
        fputs("= attempt, ! failed attempt, . waiting\n", out);
    else if (!is_off)
        fprintf(out, "The library saw no request. `harden doctor %s` says what it covers.\n",
                program);
    if (t->unreadable)
        fprintf(out, "%zu lines of the trace could not be read.\n", t->unreadable);
}
