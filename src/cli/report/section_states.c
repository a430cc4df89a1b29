/* SPDX-License-Identifier: MIT
 *
 * The section "Circuits and health": a row for each host, with the times in which its circuit was
 * not closed, its status not healthy, or its error budget burning. spans.c computes them. */
#include "cli/report/report.h"

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/report/page.h"
#include "cli/report/plot.h"
#include "cli/report/spans.h"
#include "engine/board/status.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_NS  (2 * 86400 * NS_PER_S)
#define SHORTEST_NS (120 * NS_PER_S)
#define ROWS_SHOWN  30
#define ROW_PX      84
#define AXIS_PX     20

/* Also a class of the style sheet. */
static const char *state_name(const struct span *s)
{
    return s->kind == CHANGE_BREAKER  ? breaker_state_name((enum breaker_state)s->state)
           : s->kind == CHANGE_STATUS ? status_name((enum health_status)s->state)
                                      : "burning";
}

/* Where it is in a row. */
static const struct {
    const char *what;
    int y_px, height_px;
} places[] = {[CHANGE_BREAKER] = {"circuit", 22, 13},
              [CHANGE_STATUS] = {"health", 37, 5},
              [CHANGE_SLO] = {"error budget", 44, 4}};

static size_t of_one_host(const struct span *s, size_t n)
{
    size_t k = 1;
    while (k < n && s[k].host == s[0].host)
        k++;
    return k;
}

/* "open 10:00:05 to 10:00:35 (30 s)" */
static void describe(const struct report *r, const struct span *s, char out[128])
{
    char from[32], to[32], age[24];
    bool today = r->now_ns - s->from_ns < 86400 * NS_PER_S;
    enum page_time form = today ? TIME_CLOCK : TIME_SECONDS;
    const char *begun = page_time_text(report_wall_ns(r, s->from_ns), form, from);
    const char *over = page_time_text(report_wall_ns(r, s->to_ns), form, to);
    cli_age(s->to_ns - s->from_ns, age);
    if (s->end == SPAN_ENDED)
        snprintf(out, 128, "%s %s to %s (%s)", state_name(s), begun, over, age);
    else if (s->end == SPAN_CONTINUES)
        snprintf(out, 128, "%s since %s (%s)", state_name(s), begun, age);
    else
        snprintf(out, 128, "%s from %s, end unknown", state_name(s), begun);
}

/* The text below the row: the latest span, and the number of earlier ones. */
static void row_text(const struct report *r, const struct span *s, size_t n, char out[192])
{
    const struct span *latest = s;
    char words[128];
    for (size_t i = 1; i < n; i++)
        if (s[i].from_ns >= latest->from_ns)
            latest = &s[i];
    describe(r, latest, words);
    if (n > 1)
        snprintf(out, 192, "%s, and %zu earlier", words, n - 1);
    else
        snprintf(out, 192, "%s", words);
}

static void draw_row(struct plot *p, const struct report *r, const struct span *s, size_t n,
                     int64_t from_ns, int y)
{
    char words[192];
    double whole = (double)(r->now_ns - from_ns);
    plot_label(p, "row", y + 13, r->hosts[s->host].name, 44);
    plot_bar(p, "track", 0, 1, y + 21, 28, r->hosts[s->host].name);
    for (size_t i = 0; i < n; i++) {
        double x0 = (double)(s[i].from_ns - from_ns) / whole;
        double x1 = (double)(s[i].to_ns - from_ns) / whole;
        if (x1 < 0)
            continue;
        describe(r, &s[i], words);
        plot_bar(p, state_name(&s[i]), x0 < 0 ? 0 : x0, x1, y + places[s[i].kind].y_px,
                 places[s[i].kind].height_px, words);
    }
    row_text(r, s, n, words);
    plot_label(p, "tick", y + 63, words, 64);
}

static size_t draw_spans(const struct report *r, const struct span *s, size_t n)
{
    struct plot p;
    char text[192];
    size_t rows = 0, drawn = 0;
    int64_t from_ns = r->now_ns - SHORTEST_NS;
    for (size_t i = 0; i < n; i += of_one_host(s + i, n - i))
        rows++;
    for (size_t i = 0; i < n; i++)
        from_ns = s[i].from_ns < from_ns ? s[i].from_ns : from_ns;
    if (from_ns < r->now_ns - LONGEST_NS)
        from_ns = r->now_ns - LONGEST_NS;
    from_ns -= (r->now_ns - from_ns) / 50; /* a margin before the first span */
    size_t shown = rows < ROWS_SHOWN ? rows : ROWS_SHOWN;
    snprintf(
        text, sizeof text,
        "%zu host%s, %zu time%s in which a circuit was not closed, a host was not healthy, or its "
        "error budget burned",
        rows, rows == 1 ? "" : "s", n, n == 1 ? "" : "s");
    plot_begin(&p, r->f, "", "spans-plot", "Circuits and health of each host", text, "spans-data",
               (int)shown * ROW_PX + AXIS_PX);
    for (size_t i = 0, k; i < n && drawn < shown; i += k, drawn++) {
        k = of_one_host(s + i, n - i);
        draw_row(&p, r, s + i, k, from_ns, (int)drawn * ROW_PX);
    }
    plot_times(&p, report_wall_ns(r, from_ns), r->wall_ns);
    plot_end(&p);
    return rows - shown;
}

static void write_spans_table(const struct report *r, const struct span *s, size_t n)
{
    static const char *const columns[] = {"Host",     "<What", "<State", "From (UTC)",
                                          "To (UTC)", "For",   NULL};
    char age[24];
    page_folded_table(r->f, "spans-data", "The same as a table", columns);
    for (size_t i = 0; i < n; i++) {
        fputs("<tr><th scope=\"row\">", r->f);
        page_text(r->f, r->hosts[s[i].host].name);
        fprintf(r->f, "</th><td class=\"word\">%s</td><td class=\"word %s\">%s</td><td>",
                places[s[i].kind].what, state_name(&s[i]), state_name(&s[i]));
        page_time(r->f, report_wall_ns(r, s[i].from_ns), TIME_SECONDS);
        fputs("</td><td>", r->f);
        if (s[i].end == SPAN_ENDED)
            page_time(r->f, report_wall_ns(r, s[i].to_ns), TIME_SECONDS);
        else
            fputs(s[i].end == SPAN_CONTINUES ? "continues" : "unknown", r->f);
        fprintf(r->f, "</td><td>%s</td></tr>\n",
                s[i].end == SPAN_UNKNOWN ? "–" : cli_age(s[i].to_ns - s[i].from_ns, age));
    }
    page_folded_table_end(r->f);
}

static void write_key(FILE *f, const char *css_class, int y_px, int height_px, const char *name)
{
    fprintf(f,
            "<span class=\"key\"><svg aria-hidden=\"true\"><rect class=\"%s\" x=\"1\" width=\"20\" "
            "y=\"%d\" height=\"%d\"/></svg>%s</span> ",
            css_class, y_px, height_px, name);
}

static void write_figure(const struct report *r, const struct span *s, size_t n)
{
    fputs("<figure class=\"wide\"><figcaption>", r->f);
    write_key(r->f, "open", 0, 11, "circuit open: requests are rejected");
    write_key(r->f, "half-open", 0, 11, "half-open: one trial request is sent");
    write_key(r->f, "unhealthy", 4, 5, "unhealthy");
    write_key(r->f, "degraded", 4, 5, "degraded: recovering");
    if (report_has_slo(r))
        write_key(r->f, "burning", 4, 4, "its error budget burns fast");
    fputs("</figcaption>\n", r->f);
    size_t more = draw_spans(r, s, n);
    if (more)
        fprintf(r->f, "<p class=\"soft\">And %zu more host%s, in the table.</p>\n", more,
                more == 1 ? "" : "s");
    write_spans_table(r, s, n);
    fputs("</figure>\n", r->f);
}

bool report_states(const struct report *r)
{
    struct history_change *changes = calloc(HISTORY_CHANGES, sizeof *changes);
    struct span *spans = calloc(HISTORY_CHANGES, sizeof *spans);
    size_t n = 0, gone = 0;
    bool good = changes && spans;
    page_section(r->f, "spans", "Circuits and health");
    if (good)
        n = spans_from_changes(changes, history_changes(r->board->history, changes), r->hosts,
                               r->host_count, r->now_ns, spans, &gone);
    if (n)
        write_figure(r, spans, n);
    else
        fputs("<p>No circuit opened and no host changed its health within the history of the "
              "board.</p>\n",
              r->f);
    if (gone)
        fprintf(r->f,
                "<p class=\"soft\">%zu change%s of hosts that are no longer on the board.</p>\n",
                gone, gone == 1 ? " is" : "s are");
    fputs("</section>\n", r->f);
    free(changes);
    free(spans);
    return good;
}
