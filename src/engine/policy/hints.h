/* SPDX-License-Identifier: MIT
 *
 * What a response says about when to come back. The lines that may say it are kept as they arrive, and
 * read when the status is known:
 *
 *     struct hint_lines lines;
 *     hints_reset(&lines);                       at each status line: only the last response counts
 *     hints_line(&lines, policy, line, length);  each header line, CRLF included or not
 *     struct hint h;
 *     hints_read(&lines, policy, 429, wall_ns, &h);
 *
 * Which fields there are: policy/hint_fields.c. Together they mean:
 *
 * - Of several waits the longest counts.
 * - A quota is a remainder, a reset and a size, each a list; what is at the same position belongs together.
 *   A reset counts where nothing remains, and after a status that means "throttled" also without a
 *   remainder. No quota takes the reset of another one.
 * - A wait takes precedence over the reset of a quota, except when it is 0, or about 1000 times as long:
 *   some servers send ms where seconds are meant.
 * - More than a day is a misread time, and no hint.
 *
 * Moments are compared with the response's own Date, so that a wrong clock does not matter. Date has no
 * fraction of a second: where a moment has one, our clock counts if it agrees with Date.
 *
 * Malformed fields are ignored. Lines need no NUL. No allocation; never fails. One thread at a time. */
#ifndef ENGINE_POLICY_HINTS_H
#define ENGINE_POLICY_HINTS_H

#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A result above this is not believed. */
#define HINT_MAX_NS (86400LL * 1000000000)

struct hint_lines {
    char date[40];  /* value of the header Date; "": none */
    uint16_t used;  /* bytes of text */
    bool open;      /* the last line was kept: one that begins with a blank continues it */
    bool may_empty; /* some quota may have nothing left */
    char text[980]; /* "Retry-After: 3" NUL ...; more lines than fit are ignored */
};

/* Zero-initialised: the response says nothing. */
struct hint {
    int64_t wait_ns;  /* how long the server asks to wait; 0: it does not, or not at all */
    bool asked;       /* by a field that says so (Retry-After), not only by an empty quota */
    bool exhausted;   /* nothing is left of a quota */
    bool of_resource; /* of quotas of one resource: they say nothing about the host */
    bool never;       /* do not retry */
    bool throttled;   /* by an error's name, whatever the status is */
    bool misread;     /* it asked for more than HINT_MAX_NS */
    const char *line; /* that decided: "Retry-After: 3", within hint_lines; NULL: none */
};

void hints_reset(struct hint_lines *lines);
void hints_line(struct hint_lines *lines, const struct policy *p, const char *line, size_t n);
/* A line was passed by that is no hint. */
static inline void hints_other_line(struct hint_lines *lines)
{
    lines->open = false;
}
void hints_read(const struct hint_lines *lines, const struct policy *p, int status, int64_t wall_ns,
                struct hint *h);

/* Whom the hint concerns besides the request that got it. */
enum hint_scope {
    HINT_OF_REQUEST, /* nobody */
    HINT_OF_QUOTA, /* requests after it would be throttled: they wait, but are not refused for it */
    HINT_OF_HOST,  /* the server refuses now */
};
enum hint_scope hint_scope(const struct hint *h, int status);

#endif
