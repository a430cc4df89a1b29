/* SPDX-License-Identifier: MIT */
#include "cli/status_view.h"

#include "base/clock.h"
#include "cli/check_list.h"
#include "cli/liveness.h"
#include "cli/status_layout.h"
#include "cli/status_lines.h"
#include "cli/status_rows.h"
#include "engine/board/status.h"

#include <stdlib.h>
#include <string.h>

struct content {
    struct host *hosts; /* those that are selected */
    struct check *checks;
    uint32_t hosts_n, checks_n, all_hosts;
    char *lines;
    size_t lines_size;
    uint32_t lines_n;
    double per_s; /* requests of all hosts together */
    int64_t over_ns;
};

static void select_rows(struct content *c, const struct host_filter *filter)
{
    uint32_t hosts = 0, checks = 0;
    for (uint32_t i = 0; i < c->hosts_n; i++)
        if (host_filter_selects(filter, c->hosts[i].name) && hosts++ < i)
            c->hosts[hosts - 1] = c->hosts[i];
    for (uint32_t i = 0; i < c->checks_n; i++)
        if (host_filter_selects(filter, c->checks[i].view.name) && checks++ < i)
            c->checks[checks - 1] = c->checks[i];
    c->hosts_n = hosts;
    c->checks_n = checks;
}

static bool write_lines(struct content *c, const struct status_lines *l)
{
    FILE *f = open_memstream(&c->lines, &c->lines_size);
    if (!f)
        return false;
    status_lines_print(f, l);
    if (fclose(f))
        return false;
    for (const char *at = c->lines; (at = strchr(at, '\n')); at++)
        c->lines_n++;
    return true;
}

static bool read_content(struct content *c, const struct status_view *v)
{
    const struct board *b = v->found->board;
    struct status_lines l = {.view = v, .now_ns = clock_now_ns(), .wall_ns = clock_wall_ns()};
    c->hosts = host_list_read(b, l.now_ns, &c->hosts_n);
    c->checks = check_list_read(b, l.now_ns, &c->checks_n);
    if (!c->hosts || !c->checks)
        return false;
    c->all_hosts = c->hosts_n;
    if (v->rates) {
        request_rates_read(v->rates, b, c->hosts, c->hosts_n, l.now_ns);
        c->per_s = v->rates->per_s;
        c->over_ns = v->rates->over_ns;
    }
    if (!v->rates || c->per_s < 0)
        c->per_s = request_rate_of_history(b, c->hosts, c->hosts_n, l.now_ns, &c->over_ns);
    select_rows(c, v->filter);
    l.hosts = c->hosts;
    l.n = c->hosts_n;
    l.checks = c->checks;
    l.checks_n = c->checks_n;
    return write_lines(c, &l);
}

static void print_clipped(FILE *f, const char *text, size_t n, int columns)
{
    if (!columns || n <= (size_t)columns)
        fprintf(f, "%.*s\n", (int)n, text);
    else
        fprintf(f, "%.*s%s\n", columns > 6 ? columns - 3 : columns, text, columns > 6 ? "..." : "");
}

static void print_lines(FILE *f, const struct content *c, uint32_t n, int columns)
{
    const char *at = c->lines;
    for (uint32_t i = 0; i < n && *at; i++) {
        size_t length = strcspn(at, "\n");
        print_clipped(f, at, length, columns);
        at += length + 1;
    }
}

static void put_life(FILE *f, struct liveness life)
{
    char age[24];
    if (life.running)
        fprintf(f, "%u program%s attached", life.running, life.running == 1 ? " is" : "s are");
    else if (life.never)
        fputs("no program has updated it yet", f);
    else
        fprintf(f, "last updated by a program %s ago%s", cli_age(life.age_ns, age),
                liveness_is_stale(life) ? ": stale, no program is running" : "");
}

/* For a window. */
static void put_life_short(FILE *f, struct liveness life)
{
    char age[24];
    if (life.running || life.never)
        put_life(f, life);
    else
        fprintf(f, "%supdated %s ago", liveness_is_stale(life) ? "stale: " : "",
                cli_age(life.age_ns, age));
}

/* "/run/user/1000/harden: 12 hosts, 13.5 requests/s in 61 s; 2 programs are attached", and whose board it
 * is if it is not this user's. */
static bool print_head(FILE *f, const struct status_view *v, const struct content *c)
{
    char *text = NULL, dir[TABLE_CELL];
    size_t n;
    FILE *line = open_memstream(&text, &n);
    if (!line)
        return false;
    const struct board_place *p = &v->found->place;
    fputs(v->columns ? table_shorten(p->dir, v->columns / 3, dir) : p->dir, line);
    if (board_place_is_foreign(p))
        fprintf(line, " (user %u)", (unsigned)p->user);
    fprintf(line, ": %u host%s", c->all_hosts, c->all_hosts == 1 ? "" : "s");
    if (v->filter->text)
        fprintf(line, ", %u selected", c->hosts_n);
    if (c->per_s >= 0)
        fprintf(line, ", %.1f %s in %.0f s", c->per_s, v->columns ? "req/s" : "requests/s",
                (double)c->over_ns / (double)NS_PER_S);
    fputs("; ", line);
    (v->columns ? put_life_short : put_life)(line, liveness_of(v->found->board, clock_now_ns()));
    bool good = fclose(line) == 0;
    if (good)
        print_clipped(f, text, n, v->columns);
    free(text);
    return good;
}

/* "42 hosts not shown (2 degraded, 40 healthy)" */
static void put_hidden_hosts(FILE *f, const struct content *c, uint32_t shown)
{
    uint32_t of[STATUS_UNHEALTHY + 1] = {0}, hidden = c->hosts_n - shown;
    const char *between = " (";
    for (uint32_t i = shown; i < c->hosts_n; i++)
        of[c->hosts[i].status]++;
    fprintf(f, "%u host%s not shown", hidden, hidden == 1 ? "" : "s");
    for (int s = STATUS_UNHEALTHY; s >= 0; s--)
        if (of[s]) {
            fprintf(f, "%s%u %s", between, of[s], status_name((enum health_status)s));
            between = ", ";
        }
    fputc(')', f);
}

static void put_others(FILE *f, const char *what, uint32_t n, bool first)
{
    if (n)
        fprintf(f, "%s%u %s%s not shown", first ? "" : "; ", n, what, n == 1 ? "" : "s");
}

static bool print_last(FILE *f, const struct status_view *v, const struct content *c,
                       const struct status_layout *l)
{
    char *text = NULL;
    size_t n;
    FILE *line = open_memstream(&text, &n);
    if (!line)
        return false;
    bool hosts = c->hosts_n > l->hosts, checks = c->checks_n > l->checks,
         lines = c->lines_n > l->lines;
    if (hosts)
        put_hidden_hosts(line, c, l->hosts);
    put_others(line, "check", c->checks_n - l->checks, !hosts);
    put_others(line, "note", c->lines_n - l->lines, !hosts && !checks);
    if (v->hint)
        fprintf(line, "%s%s", hosts || checks || lines ? "; " : "", v->hint);
    bool good = fclose(line) == 0;
    if (good)
        print_clipped(f, text, n, v->columns);
    free(text);
    return good;
}

static void print_rows(FILE *f, struct table *t, bool gap, int columns)
{
    if (!t->n)
        return;
    if (gap)
        fputc('\n', f);
    table_fit(t, columns);
    table_title(f, t);
    for (uint32_t i = 0; i < t->n; i++)
        table_row(f, t, i);
}

static void print_tables(FILE *f, const struct status_view *v, const struct content *c,
                         const struct status_layout *l)
{
    struct table hosts = status_rows_of_hosts(c->hosts, l->hosts, v->rates != NULL, v->colours);
    struct table checks = status_rows_of_checks(c->checks, l->checks, v->colours);
    print_rows(f, &hosts, l->gaps, v->columns);
    print_rows(f, &checks, l->gaps, v->columns);
}

int status_view_print(FILE *f, const struct status_view *v)
{
    struct content c = {0};
    int shown = -1;
    if (read_content(&c, v)) {
        struct status_layout l =
            status_layout_fit((uint32_t)v->rows, (struct status_layout){.lines = c.lines_n,
                                                                        .hosts = c.hosts_n,
                                                                        .checks = c.checks_n,
                                                                        .last = v->hint != NULL});
        bool good = print_head(f, v, &c);
        print_lines(f, &c, l.lines, v->columns);
        print_tables(f, v, &c, &l);
        if (good && (!l.last || print_last(f, v, &c, &l)))
            shown = (int)(c.hosts_n + c.checks_n);
    }
    free(c.hosts);
    free(c.checks);
    free(c.lines);
    return shown;
}
