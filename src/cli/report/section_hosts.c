/* SPDX-License-Identifier: MIT
 *
 * The section "Hosts": totals, and a table with a row for each host. */
#include "cli/report/report.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/adaptive_text.h"
#include "cli/cli.h"
#include "cli/error_text.h"
#include "cli/observed_text.h"
#include "cli/report/page.h"
#include "cli/report/shape.h"
#include "cli/slo_text.h"
#include "engine/board/status.h"

#define DAY_NS (86400 * NS_PER_S)

/* ---- totals -------------------------------------------------------------------------------- */

static void write_sum(FILE *f, const char *name, uint64_t n)
{
    fprintf(f, "<div><dt>%s</dt><dd>", name);
    page_count(f, n);
    fputs("</dd></div>\n", f);
}

static void write_sums(const struct report *r)
{
    struct host all = {.proxy = false};
    int64_t waited_ns = 0;
    char success[16];
    for (uint32_t i = 0; i < r->host_count; i++) {
        const struct host *h = &r->hosts[i];
        if (host_is_counted_twice(h))
            continue;
        for (int c = 0; c < COUNTERS_READ; c++)
            all.count[c] += h->count[c];
        if (__builtin_add_overflow(waited_ns, host_waited_ns(h), &waited_ns))
            waited_ns = INT64_MAX; /* implausible values on a damaged board */
    }
    fputs("<dl class=\"sums\" id=\"sums\">\n", r->f);
    write_sum(r->f, "Requests", all.count[COUNT_REQUESTS]);
    fprintf(r->f, "<div><dt>Success</dt><dd>%s</dd></div>\n", host_success(&all, success));
    write_sum(r->f, "Retries", all.count[COUNT_RETRIES]);
    write_sum(r->f, "Recovered", all.count[COUNT_RECOVERED]);
    fputs("<div><dt>Waited</dt><dd>", r->f);
    page_duration(r->f, waited_ns);
    fputs("</dd></div>\n", r->f);
    write_sum(r->f, "Rejected", host_rejected(&all));
    fputs("</dl>\n", r->f);
}

/* ---- the table ----------------------------------------------------------------------------- */

static void count_cell(FILE *f, uint64_t n)
{
    fputs("<td>", f);
    page_count(f, n);
    fputs("</td>", f);
}

static void duration_cell(FILE *f, int64_t ns)
{
    fputs("<td>", f);
    page_duration(f, ns);
    fputs("</td>", f);
}

static void write_pause(const struct report *r, const char *what, const struct pause_shown *p)
{
    if (!p->until_ns)
        return;
    fprintf(r->f, "<small>%s until ", what);
    page_time(r->f, report_wall_ns(r, p->until_ns),
              p->until_ns - r->now_ns < DAY_NS / 2 ? TIME_CLOCK : TIME_SECONDS);
    fputs(", asked by the server", r->f);
    if (p->line[0]) {
        fputs(": ", r->f);
        page_text(r->f, p->line);
    }
    if (p->status)
        fprintf(r->f, " (%d)", p->status);
    fputs("</small>", r->f);
}

static void write_error(const struct report *r, const struct host *h)
{
    char words[ERROR_TEXT_SIZE];
    if (!error_text(&h->error, words))
        return;
    fputs("<small>last error", r->f);
    if (h->error_ms > 0 && h->error_ms <= r->wall_ns / NS_PER_MS) { /* otherwise damaged */
        int64_t at_ns = h->error_ms * NS_PER_MS;
        fputs(" at ", r->f);
        page_time(r->f, at_ns, r->wall_ns - at_ns < DAY_NS / 2 ? TIME_CLOCK : TIME_SECONDS);
    }
    fprintf(r->f, ": %s</small>", words);
}

static void write_concurrency(const struct report *r, const struct host *h)
{
    const struct concurrency_view *v = &h->concurrency;
    uint64_t waited = h->count[COUNT_CONCURRENCY_WAITED];
    uint64_t refused = h->count[COUNT_CONCURRENCY_REJECTED];
    if (!v->limit && !waited && !refused)
        return;
    fputs("<small>concurrency: ", r->f);
    if (v->limit)
        fprintf(r->f, "%u of %u in flight, %u waiting; ", v->in_flight, v->limit, v->waiting);
    fprintf(r->f, "%llu waited and %llu were refused</small>", (unsigned long long)waited,
            (unsigned long long)refused);
}

static void name_cell(const struct report *r, const struct host *h)
{
    char age[24], words[OBSERVED_TEXT_SIZE], objective[SLO_TEXT_SIZE];
    char rate[ADAPTIVE_TEXT_SIZE];
    int64_t ns = report_status_age_ns(r, h);
    fputs("<tr><th scope=\"row\"><span>", r->f);
    page_host(r->f, h->name);
    fputs("</span>", r->f);
    if (h->proxy)
        fputs("<small>proxy, not in totals</small>", r->f);
    if (h->place)
        fputs("<small>place, not in totals</small>", r->f);
    if (h->count[COUNT_FALLBACK_USED])
        fprintf(r->f, "<small>%llu served by another place</small>",
                (unsigned long long)h->count[COUNT_FALLBACK_USED]);
    if (h->status != STATUS_HEALTHY && ns >= 0) {
        fprintf(r->f, "<small>for %s, since ", cli_age(ns, age));
        page_time(r->f, r->wall_ns - ns, ns < DAY_NS ? TIME_CLOCK : TIME_DAY);
        fputs("</small>", r->f);
    }
    write_pause(r, "paused", &h->paused);
    write_pause(r, "a part is paused", &h->part_paused);
    write_concurrency(r, h);
    if (h->adaptive.rate_milli)
        fprintf(r->f, "<small>adaptive rate %s</small>",
                adaptive_text(&h->adaptive, r->now_ns, rate));
    if (h->would_adapt.rate_milli)
        fprintf(r->f, "<small>observe: adaptive rate %s</small>",
                adaptive_text(&h->would_adapt, r->now_ns, rate));
    if (h->slo.ppm)
        fprintf(r->f, "<small>objective %s</small>",
                slo_text_short(&h->slo, h->slo_burns, objective));
    if (h->is_observed)
        fprintf(r->f, "<small>observe: %s</small>", observed_text(&h->observed, words));
    if (h->count[COUNT_SLOW])
        fprintf(r->f, "<small>%llu later than slow_after</small>",
                (unsigned long long)h->count[COUNT_SLOW]);
    if (h->failures_in_row > 1)
        fprintf(r->f, "<small>%u failures in a row</small>", h->failures_in_row);
    write_error(r, h);
    fputs("</th>", r->f);
}

/* Rounded down, so that only a full bucket is shown as full. */
static void tokens_cell(FILE *f, const struct host *h)
{
    char value[32] = "";
    struct text t = TEXT_OVER(value);
    text_fixed(&t, (int64_t)(h->available * 10), 1);
    if (h->limited)
        fprintf(f, "<td><data value=\"%s\">%s</data> of %u</td>", value, value, h->burst);
    else
        fputs("<td>–</td>", f);
}

static void write_host_row(const struct report *r, const struct host *h)
{
    FILE *f = r->f;
    char success[16];
    const char *status = status_name(h->status), *breaker = breaker_state_name(h->breaker);
    name_cell(r, h);
    fprintf(f, "<td class=\"word %s\">", status);
    report_shape(f, h->status);
    fprintf(f, "%s</td>", status);
    count_cell(f, h->count[COUNT_REQUESTS]);
    const char *share = host_success(h, success);
    fprintf(f, "<td>%s</td>", share == success ? share : "–");
    count_cell(f, h->count[COUNT_RETRIES]);
    count_cell(f, h->count[COUNT_RECOVERED]);
    duration_cell(f, host_waited_ns(h));
    count_cell(f, host_rejected(h));
    duration_cell(f, h->p50_ns);
    duration_cell(f, h->p95_ns);
    duration_cell(f, h->p99_ns);
    fprintf(f, "<td class=\"word %s\">%s</td>", breaker, breaker);
    tokens_cell(f, h);
    fputs("</tr>\n", f);
}

static void write_hosts(const struct report *r)
{
    static const char *const columns[] = {"Host",      "<Status",  "Requests", "Success", "Retries",
                                          "Recovered", "Waited",   "Rejected", "p50",     "p95",
                                          "p99",       "<Breaker", "Tokens",   NULL};
    fputs("<p class=\"soft\">Counted since the first request to each host, or since it was reset. "
          "Success is the share of requests that succeeded, of all that ended or were rejected; "
          "recovered requests succeeded "
          "after a retry; p50, p95 and p99 are durations of single attempts.</p>\n",
          r->f);
    write_sums(r);
    fputs("<div class=\"hosts\">\n", r->f);
    page_table(r->f, "Hosts, worst status first", true, columns);
    for (uint32_t i = 0; i < r->host_count; i++)
        write_host_row(r, &r->hosts[i]);
    page_table_end(r->f);
    fputs("</div>\n", r->f);
}

void report_hosts(const struct report *r)
{
    page_section(r->f, "hosts", "Hosts");
    if (r->host_count)
        write_hosts(r);
    else
        fputs("<p>None yet. A host appears here after the first request that a program with the "
              "library makes to it.</p>\n",
              r->f);
    report_checks(r);
    fputs("</section>\n", r->f);
}
