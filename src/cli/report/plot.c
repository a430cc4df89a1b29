/* SPDX-License-Identifier: MIT */
#include "cli/report/plot.h"

#include "base/clock.h"
#include "cli/report/page.h"

#include <string.h>

#define WIDTH      1000.0 /* of the stretched coordinate system */
#define ABOVE_PX   18     /* room for the topmost label; BELOW_PX: for those of the x axis */
#define BELOW_PX   24
#define TIMES_MOST 5
#define DAY_NS     (86400 * NS_PER_S)

void plot_begin(struct plot *p, FILE *f, const char *css_class, const char *id, const char *title,
                const char *description, const char *data_id, int height_px)
{
    *p = (struct plot){.f = f, .top_px = ABOVE_PX, .height_px = height_px - ABOVE_PX - BELOW_PX};
    fprintf(f,
            "<svg class=\"plot %s\" role=\"img\" width=\"100%%\" height=\"%d\" "
            "aria-labelledby=\"%s-title\" aria-describedby=\"%s-text\" aria-details=\"%s\">\n"
            "<title id=\"%s-title\">",
            css_class, height_px, id, id, data_id, id);
    page_text(f, title);
    fprintf(f, "</title>\n<desc id=\"%s-text\">", id);
    page_text(f, description);
    fputs("</desc>\n", f);
}

void plot_end(struct plot *p)
{
    fputs("</svg>\n", p->f);
}

/* ---- data: drawn in a stretched coordinate system ------------------------------------------ */

static void begin_stretched(struct plot *p)
{
    fprintf(p->f,
            "<svg y=\"%d\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 1000 %d\" "
            "preserveAspectRatio=\"none\" overflow=\"visible\">",
            p->top_px, p->height_px, p->height_px);
}

static double y_of(const struct plot *p, double share)
{
    return p->height_px * (1 - share);
}

static size_t steps_without_gap(const struct step *s, size_t n)
{
    size_t k = 1;
    while (k < n && s[k].x0 == s[k - 1].x1 && s[k].rough == s[0].rough)
        k++;
    return k;
}

static void write_path_data(struct plot *p, const struct step *s, size_t n, bool area)
{
    if (area)
        fprintf(p->f, "M%.2f %dV%.2f", s[0].x0 * WIDTH, p->height_px, y_of(p, s[0].y));
    else
        fprintf(p->f, "M%.2f %.2f", s[0].x0 * WIDTH, y_of(p, s[0].y));
    for (size_t i = 0; i < n; i++) {
        if (i && s[i].y != s[i - 1].y)
            fprintf(p->f, "V%.2f", y_of(p, s[i].y));
        if (i + 1 == n || s[i + 1].y != s[i].y)
            fprintf(p->f, "H%.2f", s[i].x1 * WIDTH);
    }
    if (area)
        fprintf(p->f, "V%dZ", p->height_px);
}

static void write_path(struct plot *p, const char *css_class, const char *part,
                       const struct step *steps, size_t n, bool rough)
{
    bool area = strcmp(part, "area") == 0, any = false;
    for (size_t i = 0, k; i < n; i += k) {
        k = steps_without_gap(steps + i, n - i);
        if (steps[i].rough != rough)
            continue;
        if (!any)
            fprintf(p->f, "<path class=\"%s %s%s\" d=\"", part, css_class, rough ? " rough" : "");
        any = true;
        write_path_data(p, steps + i, k, area);
    }
    if (any)
        fputs("\"/>", p->f);
}

void plot_steps(struct plot *p, const char *css_class, const struct step *steps, size_t n,
                bool area)
{
    begin_stretched(p);
    for (int rough = 0; rough < 2; rough++) {
        if (area)
            write_path(p, css_class, "area", steps, n, rough);
        write_path(p, css_class, "line", steps, n, rough);
    }
    fputs("</svg>\n", p->f);
}

void plot_bars(struct plot *p, const char *css_class, const struct step *bars, size_t n)
{
    begin_stretched(p);
    fprintf(p->f, "<path class=\"bars %s\" d=\"", css_class);
    for (size_t i = 0; i < n; i++)
        fprintf(p->f, "M%.2f %dV%.2fH%.2fV%dZ", bars[i].x0 * WIDTH, p->height_px,
                y_of(p, bars[i].y), bars[i].x1 * WIDTH, p->height_px);
    fputs("\"/></svg>\n", p->f);
}

/* ---- not stretched ------------------------------------------------------------------------- */

/* Near an end of the axis, a centred label would be cut off. */
static const char *anchor_at(double x)
{
    return x < .03 ? "start" : x > .96 ? "end" : "middle";
}

void plot_mark(struct plot *p, double x, int row, const char *label)
{
    int y = 11 + 13 * row;
    fprintf(p->f,
            "<line class=\"mark\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>"
            "<text class=\"tick\" x=\"%.2f%%\" dx=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
            x * 100, x * 100, y - 9, p->top_px + p->height_px, x * 100, x > .75 ? -5 : 5, y,
            x > .75 ? "end" : "start", label);
}

void plot_bar(struct plot *p, const char *css_class, double x0, double x1, int y_px, int height_px,
              const char *tooltip)
{
    fprintf(p->f, "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%d\" height=\"%d\"><title>",
            css_class, x0 * 100, (x1 - x0) * 100, y_px, height_px);
    page_text(p->f, tooltip);
    fputs("</title></rect>\n", p->f);
}

void plot_label(struct plot *p, const char *css_class, int y_px, const char *text, size_t max_bytes)
{
    char cut[256];
    snprintf(cut, sizeof cut, "%.*s%s", (int)max_bytes, text, strlen(text) > max_bytes ? "…" : "");
    fprintf(p->f, "<text class=\"%s\" x=\"0\" y=\"%d\">", css_class, y_px);
    page_text(p->f, cut);
    fputs("</text>\n", p->f);
}

/* ---- axes ---------------------------------------------------------------------------------- */

void plot_values(struct plot *p, struct scale s)
{
    char number[32];
    for (int i = 0; i * s.step <= s.top * (1 + 1e-9); i++) {
        double y = p->top_px + y_of(p, i * s.step / s.top);
        fprintf(p->f, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                i ? "grid" : "base", y, y);
        if (i)
            fprintf(p->f,
                    "<text class=\"tick\" x=\"-8\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                    y + 4, page_number(i * s.step, number));
    }
}

static void draw_tick(struct plot *p, double x, const char *anchor, const char *label)
{
    fprintf(p->f,
            "<line class=\"base\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>"
            "<text class=\"tick\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
            x * 100, x * 100, p->top_px + p->height_px, p->top_px + p->height_px + 4, x * 100,
            p->top_px + p->height_px + 18, anchor, label);
}

void plot_times(struct plot *p, int64_t from_ns, int64_t to_ns)
{
    int64_t step_ns = scale_time_step(to_ns - from_ns, TIMES_MOST);
    char label[32];
    fprintf(p->f, "<line class=\"base\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>",
            p->top_px + p->height_px, p->top_px + p->height_px);
    for (int64_t t = (from_ns + step_ns - 1) / step_ns * step_ns; t <= to_ns; t += step_ns) {
        double x = (double)(t - from_ns) / (double)(to_ns - from_ns);
        draw_tick(p, x, anchor_at(x),
                  page_time_text(t,
                                 t % DAY_NS == 0           ? TIME_DATE
                                 : step_ns < 60 * NS_PER_S ? TIME_CLOCK
                                                           : TIME_SHORT,
                                 label));
    }
}

void plot_decades(struct plot *p, double low_ms, double high_ms)
{
    char label[32];
    for (double v = low_ms; v <= high_ms * 1.001; v *= 10) {
        if (v < 999)
            snprintf(label, sizeof label, "%g ms", v);
        else
            snprintf(label, sizeof label, "%g s", v / 1000);
        draw_tick(p, scale_log(v, low_ms, high_ms), "middle", label);
    }
    fprintf(p->f, "<line class=\"base\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>\n",
            p->top_px + p->height_px, p->top_px + p->height_px);
}
