/* SPDX-License-Identifier: MIT
 *
 * Response headers that say when to come back: Retry-After (RFC 9110, 10.2.3; a date is compared with
 * the response's own Date, so that a wrong clock does not matter), RateLimit
 * (draft-ietf-httpapi-ratelimit-headers) and the older X-RateLimit-Remaining/-Reset.
 *
 *     struct hints h;
 *     hints_reset(&h);                       at each status line: only the last response counts
 *     hints_line(&h, line, length);          each header line, CRLF included or not
 *     int64_t wait = hints_wait_ns(&h, wall_ns);
 *
 * Malformed fields are ignored. Lines need no NUL. No allocation; never fails. */
#ifndef ENGINE_POLICY_HINTS_H
#define ENGINE_POLICY_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hints {
    int64_t retry_after_s;    /* delay form; -1: none */
    int64_t retry_at_s;       /* date form, seconds since 1970; -1: none */
    char date[40];            /* the header Date; "": none */
    int64_t limit_remaining;  /* -1: none */
    int64_t limit_reset_s;    /* seconds from now; -1: none */
    int64_t limit_reset_at_s; /* seconds since 1970 (X-RateLimit-Reset as a time); -1: none */
};

void hints_reset(struct hints *h);
void hints_line(struct hints *h, const char *line, size_t n);
bool hints_has_retry_after(const struct hints *h);
/* The server said that no request is left in the current window. */
bool hints_exhausted(const struct hints *h);
/* How long the server asks to wait, >= 0 and <= 10 years; -1 if it does not. Retry-After takes precedence
 * over the rate limit fields, which count only if nothing remains. A date in the past is 0. */
int64_t hints_wait_ns(const struct hints *h, int64_t wall_ns);
/* An HTTP date in any of the three forms of RFC 9110, 5.6.7, as seconds since 1970; -1: none. */
int64_t hints_date_s(const char *s, size_t n);

#endif
