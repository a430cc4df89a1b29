/* SPDX-License-Identifier: MIT
 *
 * The section "Error budgets": for each host with an objective, what was left of the budget of the last 24 hours
 * from hour to hour. It is not there if no host has an objective. */
#include "cli/report/report.h"

#include "cli/report/page.h"
#include "cli/report/plot.h"
#include "cli/slo_text.h"

#define HOURS       25 /* 24 and the one that has begun */
#define HOSTS_SHOWN 12

struct hour {
    int64_t from_ns, to_ns;
    struct slo_sum sum;
    double left; /* of the budget, at its end; less than 0 if it is overspent */
};

bool report_has_slo(const struct report *r)
{
    for (uint32_t i = 0; i < r->host_count; i++)
        if (r->hosts[i].slo.ppm)
            return true;
    return false;
}

/* The budget is that of all requests of the 24 hours: it only falls. */
static void read_hours(const struct report *r, const struct slo_view *v, struct hour out[HOURS])
{
    struct slo_sum all = {0};
    uint64_t bad = 0;
    int64_t begun_ns = r->now_ns / SLO_HOUR_NS * SLO_HOUR_NS;
    for (int i = 0; i < HOURS; i++) {
        int ago = HOURS - 1 - i;
        out[i].sum = slo_sum_of_hour(v->cells, ago, r->now_ns);
        out[i].from_ns = begun_ns - ago * SLO_HOUR_NS;
        out[i].to_ns = ago ? out[i].from_ns + SLO_HOUR_NS : r->now_ns;
        all.total += out[i].sum.total;
    }
    for (int i = 0; i < HOURS; i++) {
        bad += out[i].sum.bad;
        all.bad = bad;
        out[i].left = slo_budget_left(all, v->ppm);
    }
}

static void draw(const struct report *r, const struct host *h, const struct hour hours[HOURS],
                 const char *words, size_t nth)
{
    struct plot p;
    struct step steps[HOURS];
    char id[32], data_id[32], title[VIEW_NAME_SIZE + 32];
    int64_t from_ns = hours[0].from_ns;
    double whole = (double)(r->now_ns - from_ns);
    for (int i = 0; i < HOURS; i++)
        steps[i] = (struct step){.x0 = (double)(hours[i].from_ns - from_ns) / whole,
                                 .x1 = (double)(hours[i].to_ns - from_ns) / whole,
                                 .y = hours[i].left > 0 ? hours[i].left : 0};
    for (int i = 1; i < HOURS; i++)
        steps[i].x0 = steps[i - 1].x1; /* no gap by rounding */
    snprintf(id, sizeof id, "slo-%zu", nth);
    snprintf(data_id, sizeof data_id, "slo-%zu-data", nth);
    snprintf(title, sizeof title, "Error budget of %s", h->name);
    plot_begin(&p, r->f, "axis", id, title, words, data_id, 170);
    plot_values(&p, (struct scale){.top = 100, .step = 25});
    plot_steps(&p, h->slo_burns ? "third" : "first", steps, HOURS, true);
    plot_times(&p, report_wall_ns(r, from_ns), r->wall_ns);
    plot_end(&p);
}

static void write_table(const struct report *r, const struct hour hours[HOURS], size_t nth)
{
    static const char *const columns[] = {"From (UTC)", "To (UTC)",    "Requests",
                                          "Bad",        "Budget left", NULL};
    char id[32], words[32];
    snprintf(id, sizeof id, "slo-%zu-data", nth);
    page_folded_table(r->f, id, "As a table", columns);
    for (int i = HOURS - 1; i >= 0; i--) {
        struct text t = TEXT_OVER(words);
        slo_put_budget(&t, hours[i].left);
        fputs("<tr><th scope=\"row\">", r->f);
        page_time(r->f, report_wall_ns(r, hours[i].from_ns), TIME_SECONDS);
        fputs("</th><td>", r->f);
        page_time(r->f, report_wall_ns(r, hours[i].to_ns), TIME_SECONDS);
        fputs("</td><td>", r->f);
        page_count(r->f, hours[i].sum.total);
        fputs("</td><td>", r->f);
        page_count(r->f, hours[i].sum.bad);
        fprintf(r->f, "</td><td>%s</td></tr>\n", t.p);
    }
    page_folded_table_end(r->f);
}

static void write_figure(const struct report *r, const struct host *h, size_t nth)
{
    struct hour hours[HOURS];
    char words[SLO_TEXT_SIZE];
    read_hours(r, &h->slo, hours);
    slo_text(&h->slo, h->slo_burns, words);
    fputs("<figure><figcaption><h3>", r->f);
    page_host(r->f, h->name);
    fputs("</h3>", r->f);
    page_text(r->f, words);
    fputs("</figcaption>\n", r->f);
    draw(r, h, hours, words, nth);
    write_table(r, hours, nth);
    fputs("</figure>\n", r->f);
}

void report_slo(const struct report *r)
{
    size_t n = 0;
    if (!report_has_slo(r))
        return;
    page_section(r->f, "slo", "Error budgets");
    fputs(
        "<p class=\"soft\">What is left of the error budget that the requests of the last 24 hours "
        "allow, in percent; 0 also where it is overspent, which the table shows. Failed, late and "
        "refused requests are bad.</p>\n<div class=\"plots\">\n",
        r->f);
    for (uint32_t i = 0; i < r->host_count; i++)
        if (r->hosts[i].slo.ppm && n++ < HOSTS_SHOWN)
            write_figure(r, &r->hosts[i], n);
    fputs("</div>\n", r->f);
    if (n > HOSTS_SHOWN)
        fprintf(r->f, "<p class=\"soft\">And %zu more, in the table of the hosts.</p>\n",
                n - HOSTS_SHOWN);
    fputs("</section>\n", r->f);
}
