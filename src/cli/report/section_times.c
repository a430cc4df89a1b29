/* SPDX-License-Identifier: MIT
 *
 * The section "Over time": plots and tables of the last hour and the last two days, computed from
 * the samples in the history of the board (range.c, series.c). */
#include "cli/report/report.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "cli/cli.h"
#include "cli/report/page.h"
#include "cli/report/plot.h"
#include "cli/report/range.h"

#include <stdlib.h>

/* ---- plots --------------------------------------------------------------------------------- */

struct chart {
    const char *id, *heading, *unit;
    bool whole;
    struct {
        const char *name, *css_class;
        enum curve curve;
    } curves[2];
};

static const struct chart charts[] = {
    {"requests", "Requests per second", "/s", false, {{"requests", "first", CURVE_REQUESTS}}},
    {"retries",
     "Retries and rejections per second",
     "/s",
     false,
     {{"retries", "second", CURVE_RETRIES}, {"rejected", "third", CURVE_REJECTED}}},
    {"waited",
     "Seconds waited per second, sum of all programs",
     " s/s",
     false,
     {{"waited for a token, or as the server asked", "second", CURVE_WAITED}}},
    {"sick",
     "Unhealthy hosts and circuits not closed",
     "",
     true,
     {{"unhealthy hosts", "first", CURVE_UNHEALTHY}, {"circuits not closed", "third", CURVE_OPEN}}},
};

static double x_of_time(const struct report *r, const struct range *g, int64_t at_ns)
{
    return (double)(at_ns - g->from_ns) / (double)(r->now_ns - g->from_ns);
}

static bool draw_curve(struct plot *p, const struct report *r, const struct range *g,
                       const char *css_class, enum curve c, double top, bool area)
{
    struct step *steps = calloc(g->count + 1, sizeof *steps);
    size_t n = 0;
    for (size_t i = 0; steps && i < g->count; i++) {
        const struct interval *v = &g->intervals[i];
        if (!interval_is_gap(v))
            steps[n++] = (struct step){.x0 = x_of_time(r, g, v->from_ns),
                                       .x1 = x_of_time(r, g, v->to_ns),
                                       .y = range_value(v, c) / top,
                                       .rough = v->kind == INTERVAL_ROUGH};
    }
    if (n)
        plot_steps(p, css_class, steps, n, area);
    free(steps);
    return steps != NULL;
}

/* The description of a plot in words, for screen readers. */
static void write_summary(FILE *f, const struct report *r, const struct range *g,
                          const struct chart *c)
{
    char number[32], when[32];
    for (int k = 0; k < 2 && c->curves[k].name; k++) {
        int64_t at_ns = 0;
        double max = range_highest(g, c->curves[k].curve, &at_ns);
        fprintf(f, "%s%s: ", k ? "; " : "", c->curves[k].name);
        if (max > 0)
            fprintf(
                f, "at most %s%s, at %s", page_number(max, number), c->unit,
                page_time_text(report_wall_ns(r, at_ns), g->fine ? TIME_CLOCK : TIME_DAY, when));
        else
            fputs("none", f);
    }
}

static void write_caption(const struct report *r, const struct range *g, const struct chart *c)
{
    char number[32];
    fprintf(r->f, "<figure><figcaption><b>%s</b>", c->heading);
    for (int k = 0; k < 2 && c->curves[k].name; k++) {
        int64_t at_ns = 0;
        double max = range_highest(g, c->curves[k].curve, &at_ns);
        fprintf(
            r->f,
            "<span class=\"key\"><svg class=\"%s\" aria-hidden=\"true\"><line class=\"line %s\" "
            "x1=\"0\" x2=\"22\" y1=\"6\" y2=\"6\"/></svg>%s, at most %s%s</span> ",
            c->curves[k].css_class, c->curves[k].css_class, c->curves[k].name,
            page_number(max, number), c->unit);
    }
    fputs("</figcaption>\n", r->f);
}

static bool draw_chart(const struct report *r, const struct range *g, const struct chart *c)
{
    struct plot p;
    char id[64], data_id[64], title[128], *text = NULL;
    size_t length;
    double max = 0;
    FILE *words = open_memstream(&text, &length);
    bool good = words != NULL;
    for (int k = 0; k < 2 && c->curves[k].name; k++) {
        int64_t at_ns;
        double own = range_highest(g, c->curves[k].curve, &at_ns);
        max = own > max ? own : max;
    }
    if (words) {
        write_summary(words, r, g, c);
        good &= fclose(words) == 0;
    }
    struct scale s = scale_value(max, 4, c->whole);
    snprintf(id, sizeof id, "%s-%s", g->id, c->id);
    snprintf(data_id, sizeof data_id, "%s-data", g->id);
    snprintf(title, sizeof title, "%s, %s", c->heading, g->heading);
    write_caption(r, g, c);
    plot_begin(&p, r->f, "axis", id, title, text ? text : "", data_id, 190);
    plot_values(&p, s);
    for (int k = 0; k < 2 && c->curves[k].name; k++)
        good &= draw_curve(&p, r, g, c->curves[k].css_class, c->curves[k].curve, s.top, k == 0);
    plot_times(&p, report_wall_ns(r, g->from_ns), r->wall_ns);
    plot_end(&p);
    fputs("</figure>\n", r->f);
    free(text);
    return good;
}

/* ---- the table ----------------------------------------------------------------------------- */

static void number_cell(FILE *f, double v)
{
    char number[32];
    fprintf(f, "<td>%s</td>", page_number(v, number));
}

static void write_range_table(const struct report *r, const struct range *g)
{
    static const char *const columns[] = {"From (UTC)",
                                          "To (UTC)",
                                          "Requests",
                                          "Requests/s",
                                          "Retries",
                                          "Rejected",
                                          "Waited, s",
                                          "Unhealthy at the end",
                                          "Circuits not closed at the end",
                                          "<Note",
                                          NULL};
    static const char *const notes[] = {"", "average over a longer time",
                                        "no samples, nothing counted",
                                        "too long without samples to draw", "reset"};
    enum page_time form = g->fine ? TIME_CLOCK : TIME_SECONDS;
    char id[64];
    snprintf(id, sizeof id, "%s-data", g->id);
    page_folded_table(r->f, id, g->fine ? "The last hour as a table" : "The two days as a table",
                      columns);
    for (size_t i = g->count; i-- > 0;) {
        const struct interval *v = &g->intervals[i];
        fputs("<tr><th scope=\"row\">", r->f);
        page_time(r->f, report_wall_ns(r, v->from_ns), form);
        fputs("</th><td>", r->f);
        page_time(r->f, report_wall_ns(r, v->to_ns), form);
        fputs("</td>", r->f);
        if (v->kind == INTERVAL_RESET) {
            fputs("<td>–</td><td>–</td><td>–</td><td>–</td><td>–</td>", r->f);
        } else {
            fprintf(r->f, "<td>%llu</td>", (unsigned long long)v->counted[SUM_REQUESTS]);
            number_cell(r->f, range_value(v, CURVE_REQUESTS));
            fprintf(r->f, "<td>%llu</td><td>%llu</td><td>%.3f</td>",
                    (unsigned long long)v->counted[SUM_RETRIES],
                    (unsigned long long)v->counted[SUM_REJECTED],
                    (double)v->counted[SUM_WAITED_MS] / 1000);
        }
        fprintf(r->f, "<td>%llu</td><td>%llu</td><td class=\"word\">%s</td></tr>\n",
                (unsigned long long)v->unhealthy, (unsigned long long)v->open, notes[v->kind]);
    }
    page_folded_table_end(r->f);
}

static void say_gaps(const struct report *r, const struct range *g)
{
    uint64_t blank = 0;
    bool rough = false;
    for (size_t i = 0; i < g->count; i++) {
        blank += g->intervals[i].kind == INTERVAL_LONG ? g->intervals[i].counted[SUM_REQUESTS] : 0;
        rough |= g->intervals[i].kind == INTERVAL_ROUGH;
    }
    if (rough)
        fputs("<p class=\"soft\">Dotted and pale: only the average is known, because no program "
              "was running for a part of the time.</p>\n",
              r->f);
    if (blank) {
        fputs("<p class=\"soft\">", r->f);
        page_count(r->f, blank);
        fprintf(r->f,
                " request%s occurred in times without samples that are too long to plot; they are "
                "only in the table.</p>\n",
                blank == 1 ? "" : "s");
    }
}

static bool write_range(const struct report *r, const struct range *g)
{
    bool good = true;
    fprintf(r->f, "<h3>%s</h3>\n", g->heading);
    if (!g->count) {
        fprintf(r->f,
                "<p>Nothing to draw yet: this needs two samples, which running programs take at "
                "least %s apart.</p>\n",
                g->fine ? "ten seconds" : "five minutes");
        return true;
    }
    fputs("<p class=\"soft\">", r->f);
    page_time(r->f, report_wall_ns(r, g->from_ns), TIME_DAY);
    fputs(" to ", r->f);
    page_time(r->f, r->wall_ns, TIME_DAY);
    fputs(", UTC.</p>\n", r->f);
    say_gaps(r, g);
    fputs("<div class=\"plots\">\n", r->f);
    for (size_t i = 0; i < array_size(charts); i++)
        good &= draw_chart(r, g, &charts[i]);
    fputs("</div>\n", r->f);
    write_range_table(r, g);
    return good;
}

/* The clock of the board stops while the machine sleeps. */
static void say_sleep(const struct report *r)
{
    int64_t slept_ns = clock_read_ns(CLOCK_BOOTTIME) - clock_read_ns(CLOCK_MONOTONIC);
    char age[24];
    if (slept_ns > HISTORY_STEP_NS)
        fprintf(r->f,
                "<p class=\"soft\">This machine has slept for %s since it started: earlier events "
                "are shown up to that much too late, here and below.</p>\n",
                cli_age(slept_ns, age));
}

bool report_times(const struct report *r)
{
    struct range fine, coarse;
    bool good = range_read(r, true, &fine);
    good = range_read(r, false, &coarse) && good;
    page_section(r->f, "times", "Over time");
    fputs("<p class=\"soft\">Sum of all hosts. A gap means that no program was running.</p>\n",
          r->f);
    say_sleep(r);
    good = good && write_range(r, &fine) && write_range(r, &coarse);
    fputs("</section>\n", r->f);
    free(fine.intervals);
    free(coarse.intervals);
    return good;
}
