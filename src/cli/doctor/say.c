/* SPDX-License-Identifier: MIT */
#include "cli/doctor/say.h"

#include <stdarg.h>
#include <stdio.h>

void doctor_say(struct diagnosis *d, enum level level, const char *fmt, ...)
{
    static const char *const names[] = {"ok", "note", "partly", "no"};
    char line[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    for (char *c = line; *c; c++) /* it may contain text from files */
        if ((unsigned char)*c < ' ' || *c == '\177')
            *c = '?';
    printf("%s: %s\n", names[level], line);
    if (level > d->worst)
        d->worst = level;
}

int doctor_verdict(const struct diagnosis *d)
{
    const char *kind = d->pid ? "process " : "";
    if (d->not_inspectable)
        printf("verdict: %s%s cannot be checked\n", kind, d->subject);
    else if (d->worst == LEVEL_NO)
        printf("verdict: %s%s is not covered\n", kind, d->subject);
    else if (d->worst == LEVEL_PARTLY)
        printf("verdict: %s%s is partly covered\n", kind, d->subject);
    else if (d->connects_nowhere)
        printf("verdict: %s%s is covered, but makes no connections itself\n", kind, d->subject);
    else
        printf("verdict: %s%s is covered\n", kind, d->subject);
    return d->worst == LEVEL_NO ? 2 : d->worst == LEVEL_PARTLY ? 1 : 0;
}
