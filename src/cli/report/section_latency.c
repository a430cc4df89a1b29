/* SPDX-License-Identifier: MIT
 *
 * The section "Latency": the distribution of attempt durations, a plot for each of the busiest
 * hosts. All plots share one axis, so that they can be compared. */
#include "cli/report/report.h"

#include "base/clock.h"
#include "cli/report/page.h"
#include "cli/report/plot.h"

#include <stdlib.h>
#include <string.h>

#define HOSTS_SHOWN 12
/* On the logarithmic axis, the first bucket, which begins at 0, is drawn from FIRST_MS, and the
 * last, which has no end, to LAST_MS. */
#define FIRST_MS .075
#define LAST_MS  1333.0e3

struct axis {
    double low_ms, high_ms;
};

/* The upper limit of bucket i; i < 0: the lower limit of the first one. */
static double bucket_max_ms(int i)
{
    return i < 0                      ? FIRST_MS
           : i >= LATENCY_BUCKETS - 1 ? LAST_MS
                                      : (double)latency_max_ns(i) / (double)NS_PER_MS;
}

static struct axis axis_of(const struct host *const *hosts, size_t n)
{
    int low = LATENCY_BUCKETS, high = -1;
    for (size_t h = 0; h < n; h++)
        for (int i = 0; i < LATENCY_BUCKETS; i++)
            if (hosts[h]->latency[i]) {
                low = i < low ? i : low;
                high = i > high ? i : high;
            }
    struct axis a = {scale_decade_below(bucket_max_ms(low - 1)),
                     scale_decade_above(bucket_max_ms(high))};
    if (a.high_ms < a.low_ms * 99)
        a.high_ms = a.low_ms * 100; /* at least two decades */
    return a;
}

static double x_of_ms(struct axis a, double ms)
{
    return scale_log(ms, a.low_ms, a.high_ms);
}

/* Buckets differ in width, so the area of a bar is proportional to its count. */
static void draw_bars(struct plot *p, const struct host *h, struct axis a)
{
    struct step bars[LATENCY_BUCKETS];
    size_t n = 0;
    double top = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        if (!h->latency[i])
            continue;
        struct step b = {.x0 = x_of_ms(a, bucket_max_ms(i - 1)),
                         .x1 = x_of_ms(a, bucket_max_ms(i))};
        b.y = b.x1 > b.x0 ? (double)h->latency[i] / (b.x1 - b.x0) : 0;
        top = b.y > top ? b.y : top;
        bars[n++] = b;
    }
    for (size_t i = 0; i < n; i++)
        bars[i].y /= top;
    plot_bars(p, "first", bars, n);
}

static void write_buckets_table(FILE *f, const struct host *h, const char *id)
{
    static const char *const columns[] = {"Up to", "Attempts", "Share", NULL};
    page_folded_table(f, id, "As a table", columns);
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        if (!h->latency[i])
            continue;
        if (i == LATENCY_BUCKETS - 1)
            fputs("<tr><th scope=\"row\">longer</th><td>", f);
        else
            fprintf(f, "<tr><th scope=\"row\">%g ms</th><td>", bucket_max_ms(i));
        page_count(f, h->latency[i]);
        fprintf(f, "</td><td>%.1f %%</td></tr>\n",
                100.0 * (double)h->latency[i] / (double)h->count[COUNT_ATTEMPTS]);
    }
    page_folded_table_end(f);
}

static void write_figure(const struct report *r, const struct host *h, struct axis a, size_t nth)
{
    struct plot p;
    char id[32], data_id[32], text[160], title[VIEW_NAME_SIZE + 16], p50[16], p95[16], p99[16];
    snprintf(id, sizeof id, "latency-%zu", nth);
    snprintf(data_id, sizeof data_id, "latency-%zu-data", nth);
    snprintf(title, sizeof title, "Latency of %s", h->name);
    snprintf(text, sizeof text, "%llu attempts: half within %s, 95 %% within %s, 99 %% within %s",
             (unsigned long long)h->count[COUNT_ATTEMPTS], host_time(h->p50_ns, p50),
             host_time(h->p95_ns, p95), host_time(h->p99_ns, p99));
    fputs("<figure><figcaption><h3>", r->f);
    page_host(r->f, h->name);
    fputs("</h3>", r->f);
    page_count(r->f, h->count[COUNT_ATTEMPTS]);
    fprintf(r->f, " attempt%s<span class=\"quantiles\"><span>p50 ",
            h->count[COUNT_ATTEMPTS] == 1 ? "" : "s");
    page_duration(r->f, h->p50_ns);
    fputs("</span> <span>p95 ", r->f);
    page_duration(r->f, h->p95_ns);
    fputs("</span> <span>p99 ", r->f);
    page_duration(r->f, h->p99_ns);
    fputs("</span></span></figcaption>\n", r->f);
    plot_begin(&p, r->f, "", id, title, text, data_id, 160);
    p.height_px -= 26; /* room for two more rows of labels */
    p.top_px += 26;
    draw_bars(&p, h, a);
    plot_mark(&p, x_of_ms(a, (double)h->p99_ns / (double)NS_PER_MS), 0, "p99");
    plot_mark(&p, x_of_ms(a, (double)h->p95_ns / (double)NS_PER_MS), 1, "p95");
    plot_mark(&p, x_of_ms(a, (double)h->p50_ns / (double)NS_PER_MS), 2, "p50");
    plot_decades(&p, a.low_ms, a.high_ms);
    plot_end(&p);
    write_buckets_table(r->f, h, data_id);
    fputs("</figure>\n", r->f);
}

static int by_attempts(const void *a, const void *b)
{
    const struct host *x = *(const struct host *const *)a, *y = *(const struct host *const *)b;
    uint64_t of_x = x->count[COUNT_ATTEMPTS], of_y = y->count[COUNT_ATTEMPTS];
    if (of_x != of_y)
        return (of_x < of_y) - (of_x > of_y);
    return strcmp(x->name, y->name);
}

bool report_latency(const struct report *r)
{
    const struct host **busy = calloc(r->host_count + 1, sizeof(void *));
    size_t n = 0;
    for (uint32_t i = 0; busy && i < r->host_count; i++)
        if (r->hosts[i].count[COUNT_ATTEMPTS])
            busy[n++] = &r->hosts[i];
    if (n)
        qsort(busy, n, sizeof(void *), by_attempts);
    page_section(r->f, "latency", "Latency");
    if (!n)
        fputs("<p>There is nothing to draw yet, because no attempt has been made.</p>\n", r->f);
    size_t shown = n < HOSTS_SHOWN ? n : HOSTS_SHOWN;
    if (shown) {
        struct axis a = axis_of(busy, shown);
        fputs("<p class=\"soft\">Durations of single attempts. All plots share the same "
              "logarithmic axis; the area of a bar is its share of the attempts",
              r->f);
        if (n > shown)
            fprintf(r->f, ". Only the %zu busiest hosts are shown; the table above lists all %zu",
                    shown, n);
        fputs(".</p>\n<div class=\"plots small\">\n", r->f);
        for (size_t i = 0; i < shown; i++)
            write_figure(r, busy[i], a, i + 1);
        fputs("</div>\n", r->f);
    }
    fputs("</section>\n", r->f);
    free(busy);
    return busy != NULL;
}
