/* SPDX-License-Identifier: MIT
 *
 * The board as a table, at this moment: it needs no running program, and no file but the board. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/gcra.h"
#include "engine/health.h"
#include "engine/snapshot.h"
#include "engine/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_WIDTH 44
#define REDRAW_NS  NS_PER_S

struct row {
    char name[VIEW_NAME_SIZE];
    enum health_status status;
    enum breaker_state breaker;
    uint64_t requests, successes, failures, retries, attempts;
    int64_t waited_ns, p50_ns, p99_ns;
    bool limited;
    double available;
    uint32_t burst;
};

static int64_t at_most(int64_t a, int64_t b)
{
    return b > 0 && a > b ? b : a;
}

static void fill(struct row *r, const struct board *b, const struct slot *s, int64_t now_ns)
{
    uint64_t counts[LATENCY_BUCKETS];
    struct rate rate;
    int64_t tat_ns, max_ns = atomic_load(&s->max_ns);
    r->status = health_status(s);
    r->breaker = breaker_state_at(&s->breaker, now_ns);
    r->requests = slot_counter(s, COUNT_REQUESTS);
    r->successes = slot_counter(s, COUNT_SUCCESSES);
    r->failures = slot_counter(s, COUNT_FAILURES);
    r->retries = slot_counter(s, COUNT_RETRIES);
    r->waited_ns = (int64_t)slot_counter(s, COUNT_WAITED_NS);
    r->attempts = view_latency(s, counts);
    r->p50_ns = r->attempts ? at_most(latency_quantile_ns(counts, r->attempts, .50), max_ns) : 0;
    r->p99_ns = r->attempts ? at_most(latency_quantile_ns(counts, r->attempts, .99), max_ns) : 0;
    r->limited = view_rate(b, s, &rate, &tat_ns);
    r->available = r->limited ? gcra_available(tat_ns, now_ns, &rate) : 0;
    r->burst = r->limited ? rate.burst : 0;
}

/* The sick first, then the busy. */
static int by_urgency(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->status != y->status)
        return (x->status < y->status) - (x->status > y->status);
    if (x->requests != y->requests)
        return (x->requests < y->requests) - (x->requests > y->requests);
    return strcmp(x->name, y->name);
}

static struct row *rows_of(const struct board *b, uint32_t *n)
{
    uint32_t room = view_count(b) + 1;
    struct row *rows = calloc(room, sizeof *rows);
    int64_t now_ns = clock_now_ns();
    *n = 0;
    for (uint32_t i = 0; rows && i < board_size(b) && *n < room; i++) {
        const struct slot *s = view_host(b, i, rows[*n].name);
        if (s)
            fill(&rows[(*n)++], b, s, now_ns);
    }
    if (rows)
        qsort(rows, *n, sizeof *rows, by_urgency);
    return rows;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const char *time_text(int64_t ns, char out[16])
{
    double ms = (double)ns / (double)NS_PER_MS;
    if (ns <= 0)
        return "-";
    if (ms < 10)
        snprintf(out, 16, "%.1f ms", ms);
    else if (ms < 10000)
        snprintf(out, 16, "%.0f ms", ms);
    else
        snprintf(out, 16, "%.1f s", ms / 1000);
    return out;
}

/* Of the requests that are settled, the share that went well. */
static const char *success_text(const struct row *r, char out[16])
{
    uint64_t settled = r->successes + r->failures;
    if (!settled)
        return "-";
    double percent = 100.0 * (double)r->successes / (double)settled;
    snprintf(out, 16, "%.1f %%", r->failures && percent > 99.9 ? 99.9 : percent);
    return out;
}

static const char *tokens_text(const struct row *r, char out[32])
{
    if (!r->limited)
        return "-";
    snprintf(out, 32, "%.1f/%u", r->available, r->burst);
    return out;
}

static const char *colour_of(enum health_status s)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    return colours[s];
}

static void print_row(const struct row *r, int width, bool colours)
{
    char success[16], waited[16], p50[16], p99[16], tokens[32];
    printf("%-*s %s%-9s%s %10llu %8s %8llu %9s %9s %9s %-9s %s\n", width, r->name,
           colours ? colour_of(r->status) : "", health_status_name(r->status),
           colours ? "\033[0m" : "", (unsigned long long)r->requests, success_text(r, success),
           (unsigned long long)r->retries, time_text(r->waited_ns, waited),
           time_text(r->p50_ns, p50), time_text(r->p99_ns, p99), breaker_state_name(r->breaker),
           tokens_text(r, tokens));
}

static void print_life(const struct board *b)
{
    char age[24];
    int64_t alive_ns = atomic_load(&b->header->alive_ns), age_ns = clock_now_ns() - alive_ns;
    int64_t interval_ns = atomic_load(&b->header->alive_interval_ns);
    if (alive_ns <= 0 || age_ns < -NS_PER_S)
        printf("no program has looked after it yet\n");
    else
        printf("last sign of life of a program %s ago%s\n", cli_age(age_ns, age),
               age_ns > 3 * interval_ns ? ": none runs now" : "");
}

static int print_table(const struct board *b, const char *state, bool colours)
{
    uint32_t n;
    int width = 4;
    struct row *rows = rows_of(b, &n);
    if (!rows) {
        cli_say(&cmd_status, "out of memory");
        return 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        int length = (int)strlen(rows[i].name);
        if (length > width)
            width = length < HOST_WIDTH ? length : HOST_WIDTH;
    }
    printf("%s: %u host%s; ", state, n, n == 1 ? "" : "s");
    print_life(b);
    if (n)
        printf("\n%-*s %-9s %10s %8s %8s %9s %9s %9s %-9s %s\n", width, "HOST", "STATUS",
               "REQUESTS", "SUCCESS", "RETRIES", "WAITED", "P50", "P99", "BREAKER", "TOKENS");
    for (uint32_t i = 0; i < n; i++)
        print_row(&rows[i], width, colours);
    free(rows);
    return 0;
}

/* ---- the other two forms -------------------------------------------------------------------- */

/* The document of health.json, of this moment. Hooks and libcurls are known to programs alone. */
static int print_json(const struct board *b, const struct config *c)
{
    size_t size = snapshot_size(b);
    char *room = malloc(size);
    struct text t = {.p = room, .cap = size};
    struct snapshot_context x = {
        .board = b,
        .service = c->service,
        .pid = getpid(),
        .seq = atomic_load(&b->header->snapshot_seq),
        .now_ns = clock_now_ns(),
        .wall_ns = clock_wall_ns(),
        .interval_ns = c->snapshot_interval_ns,
    };
    if (room)
        snapshot_render(&t, &x);
    if (!room || t.full) {
        cli_say(&cmd_status, "out of memory");
        free(room);
        return 1;
    }
    fwrite(t.p, 1, t.n, stdout);
    free(room);
    return 0;
}

static int watch(const struct board *b, const char *state)
{
    bool terminal = isatty(STDOUT_FILENO), colours = cli_colours(stdout);
    int64_t at_ns = clock_now_ns();
    for (;;) {
        if (terminal)
            printf("\033[H\033[J");
        if (print_table(b, state, colours))
            return 1;
        if (!terminal)
            putchar('\n');
        if (fflush(stdout))
            return 0; /* nobody reads any more */
        at_ns += REDRAW_NS;
        clock_sleep_until(at_ns);
    }
}

static int run(int argc, char **argv)
{
    bool json = false, watching = false, none;
    const struct flag flags[] = {{.name = "json", .given = &json},
                                 {.name = "watch", .letter = 'w', .given = &watching},
                                 {0}};
    int first = cli_flags(&cmd_status, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (first < argc)
        return cli_misused(&cmd_status, "%s is too much", argv[first]);
    if (json && watching)
        return cli_misused(&cmd_status, "either --json or --watch");
    const struct config *c = cli_config(&cmd_status);
    struct board *b = c ? cli_board(&cmd_status, c, false, &none) : NULL;
    if (!b && c && none)
        cli_say(&cmd_status, "%s: no program has used the library yet", c->state);
    if (!b)
        return 1;
    return json       ? print_json(b, c)
           : watching ? watch(b, c->state)
                      : print_table(b, c->state, cli_colours(stdout));
}

const struct command cmd_status = {
    "status", "[--json | --watch]",
    "Shows every host: how it is, what was asked of it, what we did.", run,
    "  --json       the same as the document that health.json is (libharden(7))\n"
    "  -w, --watch  again every second, until it is interrupted\n"
    "\n"
    "SUCCESS is the share of the settled requests, WAITED the time spent waiting for a token or a\n"
    "server's hint, P50 and P99 are of attempts, TOKENS what is left of the limit in force.\n"
    "\n"
    "exit status: 0, or 1 where there is no board\n"};
