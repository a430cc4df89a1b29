/* SPDX-License-Identifier: MIT */
#include "cli/doctor/say.h"

#include "base/json.h"

#include <stdarg.h>

static FILE *stream_of(const struct diagnosis *d)
{
    return d->out ? d->out : stdout;
}

static const char *level_name(const struct diagnosis *d, enum level level)
{
    static const char *const names[] = {"ok", "note", "partly", "no"};
    return level == LEVEL_PARTLY && d->kind == KIND_MACHINE ? "problem" : names[level];
}

void doctor_begin(struct diagnosis *d)
{
    static const char *const kinds[] = {"program", "process", "machine"};
    char head[8 * PATH_MAX] = ""; /* a longer subject is cut */
    struct text t = TEXT_OVER(head);
    if (!d->json)
        return;
    json_open(&t, '{');
    json_string(&t, "schema", "harden.doctor/1");
    json_string(&t, "kind", kinds[d->kind]);
    if (d->subject)
        json_string(&t, "subject", d->subject);
    else
        json_null(&t, "subject");
    json_array(&t, "findings");
    fputs(head, stream_of(d));
}

static void print_finding(const struct diagnosis *d, enum level level, const char *line)
{
    char element[8 * 2048] = "";
    struct text t = TEXT_OVER(element);
    if (!d->json) {
        fprintf(stream_of(d), "%s: %s\n", level_name(d, level), line);
        return;
    }
    json_open(&t, '{');
    json_string(&t, "level", level_name(d, level));
    json_string(&t, "check", d->check);
    json_string(&t, "text", line);
    json_close(&t, '}');
    json_drop_comma(&t);
    fprintf(stream_of(d), "%s%s", d->findings ? ",\n" : "\n", element);
}

void doctor_say(struct diagnosis *d, enum level level, const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    for (char *c = line; *c; c++) /* it may contain text from files */
        if ((unsigned char)*c < ' ' || *c == '\177')
            *c = '?';
    print_finding(d, level, line);
    d->findings++;
    d->problems += level > LEVEL_NOTE;
    if (level > d->worst)
        d->worst = level;
}

static const char *verdict_name(const struct diagnosis *d)
{
    if (d->not_inspectable)
        return "unknown";
    if (d->worst > LEVEL_NOTE)
        return d->worst == LEVEL_NO ? "not_covered" : "partly";
    return d->connects_nowhere ? "nothing_to_cover" : "covered";
}

static void print_machine(const struct diagnosis *d)
{
    FILE *f = stream_of(d);
    if (d->worst == LEVEL_NO)
        fputs("verdict: programs of this user are not covered on this machine\n", f);
    else if (d->problems)
        fprintf(f,
                "verdict: programs of this user are covered on this machine, with %d problem%s\n",
                d->problems, d->problems == 1 ? "" : "s");
    else
        fputs("verdict: programs of this user are covered on this machine\n", f);
}

static void print_subject(const struct diagnosis *d)
{
    const char *what = d->not_inspectable         ? "cannot be checked"
                       : d->worst == LEVEL_NO     ? "is not covered"
                       : d->worst == LEVEL_PARTLY ? "is partly covered"
                       : d->connects_nowhere      ? "is covered, but makes no connections itself"
                                                  : "is covered";
    fprintf(stream_of(d), "verdict: %s%s %s\n", d->pid ? "process " : "", d->subject, what);
}

int doctor_verdict(const struct diagnosis *d)
{
    int status = d->worst == LEVEL_NO ? 2 : d->worst == LEVEL_PARTLY ? 1 : 0;
    if (d->json)
        fprintf(stream_of(d), "\n],\"verdict\":\"%s\",\"exit_status\":%d}\n", verdict_name(d),
                status);
    else if (d->kind == KIND_MACHINE)
        print_machine(d);
    else
        print_subject(d);
    return status;
}
