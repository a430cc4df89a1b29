/* SPDX-License-Identifier: MIT
 *
 * The frame around the sections: the verdict in one sentence, the header and the footer. */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/liveness.h"
#include "cli/report/page.h"
#include "cli/report/report.h"
#include "cli/report/shape.h"
#include "engine/board/status.h"

#define NAMES_SHOWN 3

/* ---- the verdict --------------------------------------------------------------------------- */

static void say_checks(const struct report *r, struct text *t)
{
    uint32_t failing = 0, n = r->check_count;
    while (failing < n && check_fails(&r->checks[failing]))
        failing++;
    if (n == 1 && failing)
        text_fmt(t, "; the check %s fails", r->checks[0].view.name);
    else if (failing)
        text_fmt(t, "; %u of %u checks %s: %s%s", failing, n, failing == 1 ? "fails" : "fail",
                 r->checks[0].view.name, failing > 1 ? " and others" : "");
}

void report_verdict(const struct report *r, char *out, size_t size)
{
    struct text t = {.p = out, .cap = size};
    uint32_t sick = 0, n = r->host_count;
    char age[24];
    while (sick < n && r->hosts[sick].status != STATUS_HEALTHY)
        sick++;
    if (!n)
        text_put(&t, "No request has been made yet");
    else if (!sick)
        text_fmt(&t, n == 1 ? "The only host is healthy" : "All %u hosts are healthy", n);
    else
        text_fmt(&t, "%u of %u host%s not healthy", sick, n, n == 1 ? "" : "s");
    for (uint32_t i = 0; i < sick && i < NAMES_SHOWN; i++) {
        int64_t ns = report_status_age_ns(r, &r->hosts[i]);
        text_fmt(&t, "%s%s", i ? "; " : ": ", r->hosts[i].name);
        if (ns >= 0)
            text_fmt(&t, ", for %s", cli_age(ns, age));
    }
    if (sick > NAMES_SHOWN)
        text_fmt(&t, "; and %u more", sick - NAMES_SHOWN);
    say_checks(r, &t);
}

/* ---- the header and the footer ------------------------------------------------------------- */

static void say_liveness(const struct report *r)
{
    struct liveness life = liveness_of(r->board, r->now_ns);
    char age[24];
    if (life.running) {
        fprintf(r->f, "<p class=\"life\">%u program%s attached to the board.</p>\n", life.running,
                life.running == 1 ? " is" : "s are");
        return;
    }
    if (life.never) {
        fputs("<p class=\"stale\"><b>Stale:</b> no program has updated the board yet.</p>\n", r->f);
        return;
    }
    bool stale = liveness_is_stale(life);
    fprintf(r->f, "<p class=\"%s\">%s %s ago, at ", stale ? "stale" : "life",
            stale ? "<b>Stale:</b> no program is running. The board was last updated"
                  : "Last updated by a program",
            cli_age(life.age_ns, age));
    page_time(r->f, report_wall_ns(r, r->now_ns - life.age_ns), TIME_WHOLE);
    fputs(".</p>\n", r->f);
}

void report_head(const struct report *r, const char *verdict)
{
    enum health_status worst = r->host_count ? r->hosts[0].status : STATUS_HEALTHY;
    if (r->check_count && check_fails(&r->checks[0]) && r->checks[0].view.status > worst)
        worst = r->checks[0].view.status;
    fputs("<a class=\"skip\" href=\"#main\">Skip to the report</a>\n<header>\n"
          "<p class=\"name\">harden report</p>\n",
          r->f);
    fputs("<h1>", r->f);
    if (r->host_count || r->check_count) {
        fprintf(r->f, "<span class=\"%s\">", status_name(worst));
        report_shape(r->f, worst);
        fputs("</span>", r->f);
    }
    page_text(r->f, verdict);
    fputs("</h1>\n", r->f);
    say_liveness(r);
    if (board_place_is_foreign(r->place))
        fprintf(r->f, "<p class=\"life\">The board of user %u.</p>\n", (unsigned)r->place->user);
    else if (r->config->mode != MODE_ENFORCE)
        fprintf(r->f, "<p class=\"life\">mode = %s: %s.</p>\n", mode_name(r->config->mode),
                cli_mode_meaning(r->config->mode));
    fputs("</header>\n<nav aria-label=\"Sections\"><ul>"
          "<li><a href=\"#hosts\">Hosts</a></li>",
          r->f);
    if (report_has_slo(r))
        fputs("<li><a href=\"#slo\">Error budgets</a></li>", r->f);
    fputs("<li><a href=\"#times\">Over time</a></li>"
          "<li><a href=\"#spans\">Circuits and health</a></li>"
          "<li><a href=\"#latency\">Latency</a></li>"
          "<li><a href=\"#config\">Configuration</a></li></ul></nav>\n"
          "<main id=\"main\" tabindex=\"-1\">\n",
          r->f);
}

void report_foot(const struct report *r)
{
    fputs("</main>\n<footer>\nMade by harden " HARDEN_VERSION " at ", r->f);
    page_time(r->f, r->wall_ns, TIME_WHOLE);
    fputs(" from ", r->f);
    page_text(r->f, r->place->dir);
    fputs(". All times are UTC.\n</footer>\n", r->f);
}
