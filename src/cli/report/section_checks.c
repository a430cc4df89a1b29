/* SPDX-License-Identifier: MIT
 *
 * The table of active checks in the section "Hosts"; nothing if there are none. */
#include "cli/report/report.h"

#include "base/clock.h"
#include "cli/error_text.h"
#include "cli/report/page.h"
#include "cli/report/shape.h"
#include "engine/board/status.h"

static void write_check_row(const struct report *r, const struct check *c)
{
    FILE *f = r->f;
    char words[ERROR_TEXT_SIZE];
    const char *status = c->view.known ? status_name(c->view.status) : "unknown";
    fputs("<tr><th scope=\"row\"><span>", f);
    page_host(f, c->view.name);
    fputs("</span>", f);
    if (check_fails(c) && c->since_ms > 0 && c->since_ms <= r->wall_ns / NS_PER_MS) {
        fputs("<small>since ", f);
        page_time(f, c->since_ms * NS_PER_MS, TIME_SECONDS);
        fputs("</small>", f);
    }
    if (check_fails(c) && error_text(&c->error, words))
        fprintf(f, "<small>last error: %s</small>", words);
    fprintf(f, "</th><td class=\"word %s\">", status);
    if (c->view.known)
        report_shape(f, c->view.status);
    fprintf(f, "%s</td><td class=\"word\">", status);
    page_text(f, c->view.kind);
    fputs("</td><td class=\"word\">", f);
    page_text(f, c->view.target);
    for (int i = 0; i < 3; i++) {
        fputs("</td><td>", f);
        page_count(f, i == 0 ? c->runs : i == 1 ? c->successes : c->failures);
    }
    for (int i = 0; i < 3; i++) {
        fputs("</td><td>", f);
        page_duration(f, i == 0 ? c->last_ns : i == 1 ? c->p50_ns : c->p95_ns);
    }
    fputs("</td></tr>\n", f);
}

void report_checks(const struct report *r)
{
    static const char *const columns[] = {"Check",  "<Status", "<Kind", "<Target", "Runs", "Good",
                                          "Failed", "Last",    "p50",   "p95",     NULL};
    if (!r->check_count)
        return;
    fputs("<h3>Active checks</h3>\n<div class=\"hosts checks\">\n", r->f);
    page_table(r->f, "Active checks, failing ones first", true, columns);
    for (uint32_t i = 0; i < r->check_count; i++)
        write_check_row(r, &r->checks[i]);
    page_table_end(r->f);
    fputs("</div>\n", r->f);
}
