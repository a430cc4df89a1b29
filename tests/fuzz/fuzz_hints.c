/* SPDX-License-Identifier: MIT
 *
 * The header lines of a hostile server. The first three bytes of an input select the status, our clock and
 * the fields of `hint =`; the rest are the lines.
 *
 * For any input: a wait is between 0 and a day; the line that decided is one of those that were kept; only
 * a status that may pauses anybody else; and neither the end of a line, nor a fold, nor what an earlier
 * response left in memory makes a difference. */
#include "fuzz.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/policy/hint_fields.h"
#include "engine/policy/hints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "bcd...": 429, 2026, no fields of its own. */
const char *const fuzz_seeds[] = {
    "bca",
    "bca3, 17ms, 6m0s;a=b, 1996-12-19T16:39:57-08:00",
    "bcaSun, 06 Nov 1994 08:49:37 GMT, PT1M30S, 00:01:30, 1796000003.25",
    "bcaRetry-After: 3\r\n",
    "bcaRetry-After: 3.052000000\r\nretry-after-ms: 17.5\r\nRetry-After: 1.0000000001\r\n",
    "bcaRetry-After: 6m0s, 17ms\r\nRetry-After: 1h2m\r\nRetry-After: 1 Minute 30 Seconds\r\n",
    "bcaRetry-After: 17\xc2\xb5s\r\nRetry-After: 17\xce\xbcs\r\nRetry-After: 565.087221ms\r\n",
    "bcaRetry-After: PT1M30S\r\nRetry-After: PT0.5S\r\nRetry-After: P1DT2H\r\n",
    "bcaRetry-After: 00:01:30\r\nRetry-After: \"3\"\r\nRetry-After: 3;comment\r\n",
    "bcaRetry-After: 1796000003\r\nRetry-After: 1796000003.25\r\n",
    "bcaRetry-After: 1796000003250\r\nX-RateLimit-Remaining: 0\r\n"
    "X-RateLimit-Reset: 1796000003000000000\r\n",
    "bcaRetry-After: 99999999999999999999999999\r\nRetry-After: 9223372036854775807.999\r\n",
    "bbaDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sunday, 06-Nov-94 08:49:40 GMT\r\n",
    "bbaDate: Sun Nov  6 08:49:37 1994\r\nRetry-After: Fri, 31 Dec 9999 23:59:60 GMT\r\n",
    "bbaRetry-After: Sun, 06 Nov 1994 03:49:40 -0500\r\nRetry-After: 6 Nov 1994 08:49:40 UTC\r\n",
    "bbaRetry-After: Sun Nov 06 1994 09:49:40 GMT+0100 (Central European Standard Time)\r\n",
    "bbaRetry-After: 1994-11-06T09:49:40.250+01:00\r\nRetry-After: 1994-11-06 08:49:40 +0000\r\n",
    "bbaRetry-After: 1994-11-07\r\nRetry-After: 1994-11-06T08:50Z, 2\r\n",
    "bdaDate: Sun, 29 Nov 2026 21:33:20 GMT\r\nRetry-After: 1795988003900\r\n",
    "bcaRetry-After:\r\n 3\r\nRateLimit: \"a\";r=0\r\n\t;t=5\r\nVia: a\r\n b\r\n",
    "bcaRetry-After: 3000\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 3\r\n",
    "bcaRetry-After: 0\r\nX-RateLimit-Remaining: 0.0, 990;w=60\r\nX-RateLimit-Reset: 3, 3600\r\n",
    "bcaRateLimit: \"a\";r=0;t=30, \"b\\\"\";r=7;t=5\r\nRateLimit-Policy: \"a\";q=100;w=60\r\n",
    "bcaRateLimit: limit=5, remaining=0, reset=3\r\nbeta-ratelimit: p; t=30 ; r=0\r\n",
    "bcaRateLimit-Limit: 5\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 99999999999999999999\r\n",
    "bcax-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 3s\r\n"
    "x-ratelimit-remaining-tokens: 100\r\nx-ratelimit-reset-tokens: 6m0s\r\n",
    "bcaanthropic-ratelimit-input-tokens-remaining: 0\r\n"
    "anthropic-ratelimit-input-tokens-reset: 2026-11-30T00:00:03Z\r\nx-should-retry: true\r\n",
    "acaanthropic-ratelimit-unified-status: rejected\r\n"
    "anthropic-ratelimit-unified-reset: 1796000003\r\n",
    "bcaX-RateLimit-Endpoint-Requests-Limit: 10\r\nX-RateLimit-Endpoint-Requests-Remaining: 0\r\n"
    "X-RateLimit-Endpoint-Requests-Reset: 1796000003000\r\n",
    "bcaX-RateLimit-Usage: 601,1234\r\nX-RateLimit-Limit: 600,30000\r\nX-RateLimit-Reset: "
    "3,4000\r\n",
    "acaX-Shopify-Shop-Api-Call-Limit: 40/40\r\nX-RateLimit-Reset-After: 3\r\n",
    "acaX-RateLimit-Limit: 0\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 50\r\n",
    "acaX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 50\r\nX-RateLimit-Resource: search\r\n",
    "bcaX-Sentry-Rate-Limits: 60:error:organization, 2700::project\r\n",
    "ccagrpc-retry-pushback-ms: -1\r\nstripe-should-retry: False\r\nx-amz-retry-after: 3000\r\n",
    "gcax-amzn-ErrorType: ThrottlingException:http://a/\r\nx-amzn-errortype: SlowDown\r\n",
    "bcabX-Slow: 3\r\nX-Slow-Ms: 3000\r\nWhen: 3\r\nQ: 1796000003\r\n",
    "bcax-ms-user-quota-remaining: 0\r\nx-ms-user-quota-resets-after: 00:00:03\r\n",
    "bcaX-App-Limit-24hour-Remaining: 0\r\nX-App-Limit-24hour-Reset: 1796000003\r\n",
    "bcaRateLimit-Reset: 3\r\nRateLimit-ResetTime: Mon, 30 Nov 2026 00:00:03 GMT\r\n",
    NULL,
};

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const int statuses[] = {200, 429, 503, 403, 413, 404, 400, 302, 202, 401, 409,
                               418, 420, 423, 425, 430, 498, 500, 502, 504, 509, 520,
                               529, 599, 299, 300, 999, 407, 304, 204, 100, 0,   -1};
/* The dates of the seeds, one with a fraction, and the ends. */
static const int64_t walls[] = {
    0, 784111777LL * NS_PER_S, 1795996800LL * NS_PER_S, 1795988000900LL * NS_PER_MS, -1, INT64_MAX};

static size_t pick(uint8_t byte, size_t count)
{
    return (uint8_t)(byte - 'a') % count;
}

static void configure(struct policy *p, uint8_t byte)
{
    static const struct custom_hints some = {
        4, {{"X-Slow", HINT_S}, {"X-Slow-Ms", HINT_MS}, {"When", HINT_DATE}, {"Q", HINT_EPOCH}}};
    static const struct custom_hints odd = {
        3, {{"Date", HINT_EPOCH}, {"Retry-After", HINT_MS}, {"!", HINT_S}}};
    size_t i = pick(byte, 3);
    p->hints = i == 1 ? some : i == 2 ? odd : (struct custom_hints){0};
    p->hint_letters = hint_letters_of(&p->hints);
}

/* A line of exactly this size, so that a read past its end is detected. */
static void add_line(struct hint_lines *kept, const struct policy *p, const char *line, size_t n)
{
    char *copy = malloc(n ? n : 1);
    memcpy(copy, line, n);
    hints_line(kept, p, copy, n);
    free(copy);
}

/* As a gate does. */
static void filter_line(struct hint_lines *kept, const struct policy *p, const char *line, size_t n)
{
    if (n > 2 && !(p->hint_letters >> (line[0] & 63) & 1))
        hints_other_line(kept);
    else
        add_line(kept, p, line, n);
}

/* In several lines, cut at the blanks of its value. */
static void fold_line(struct hint_lines *kept, const struct policy *p, const char *line, size_t n)
{
    const char *from = line, *end = line + n, *colon = memchr(line, ':', n);
    size_t name_length;
    const struct hint_field *f = hint_field_find(p, line, n, &name_length);
    const char *cr = memchr(line, '\r', n);
    bool alone = cr && cr + 1 < end && cr[1] != '\n';    /* it is no blank within a date */
    bool folds = f && f->kind != HINT_IS_DATE && !alone; /* Date is not unfolded */
    for (const char *c = colon; folds && c && c < end; c++)
        if ((*c == ' ' || *c == '\t') && c > from) {
            filter_line(kept, p, from, (size_t)(c - from));
            from = c;
        }
    filter_line(kept, p, from, (size_t)(end - from));
}

typedef void adder(struct hint_lines *, const struct policy *, const char *, size_t);

/* earlier: a line of the response before; NULL: there was none. */
static void keep_lines(struct hint_lines *kept, const struct policy *p, adder *add,
                       const uint8_t *data, size_t size, bool crlf, const char *earlier)
{
    memset(kept, 0xa5, sizeof *kept);
    hints_reset(kept);
    if (earlier)
        hints_line(kept, p, earlier, strlen(earlier));
    hints_reset(kept);
    for (const char *c = (const char *)data, *end = c + size; c < end;) {
        const char *eol = memchr(c, '\n', (size_t)(end - c));
        size_t n = (size_t)((eol ? eol + 1 : end) - c), text = n;
        while (!crlf && text && (c[text - 1] == '\n' || c[text - 1] == '\r'))
            text--;
        add(kept, p, c, text);
        c += n;
    }
}

/* The input as the value of a field, without a NUL behind it. */
static void check_values(const uint8_t *data, size_t size)
{
    const char *from = (const char *)data, *end = from + size;
    int64_t n;
    struct hint_value v;
    for (enum hint_unit unit = HINT_S; unit <= HINT_EPOCH; unit++)
        for (struct hint_text t = {from, end}; hint_value_next(&t, unit, &v);)
            REQUIRE(v.ns >= 0 && t.p > from && t.p <= end);
    for (struct hint_text t = {from, end}; hint_count_next(&t, &n);)
        REQUIRE(n >= 0 && t.p > from && t.p <= end);
}

static void check_line(const struct hint_lines *kept, const char *line)
{
    REQUIRE(line >= kept->text && line < kept->text + kept->used);
    REQUIRE(line == kept->text || line[-1] == '\0');
    REQUIRE(memchr(line, '\0', (size_t)(kept->text + kept->used - line)));
}

static void check_scope(const struct hint *h, int status)
{
    enum hint_scope scope = hint_scope(h, status);
    if (scope != HINT_OF_REQUEST)
        REQUIRE(h->wait_ns > 0);
    if (scope == HINT_OF_QUOTA)
        REQUIRE(status >= 200 && status < 300 && h->exhausted && !h->of_resource);
    if (scope == HINT_OF_HOST && !h->throttled)
        REQUIRE(status == 403 || status == 413 || status == 420 || status == 429 ||
                (status >= 500 && status < 600));
    if (scope == HINT_OF_HOST)
        REQUIRE(status >= 400);
}

static void check_hint(const struct hint_lines *kept, const struct hint *h, int status)
{
    REQUIRE(h->wait_ns >= 0 && h->wait_ns <= HINT_MAX_NS);
    REQUIRE((h->wait_ns > 0 || h->misread) == (h->line != NULL));
    if (h->misread)
        REQUIRE(!h->wait_ns && !h->asked);
    if (h->line)
        check_line(kept, h->line);
    check_scope(h, status);
}

/* After a success only a wait for a used up quota matters: other fields may be read or not. */
static bool same(const struct hint *a, const struct hint *b, int status)
{
    bool success = status >= 200 && status < 300;
    return a->wait_ns == b->wait_ns && a->misread == b->misread && a->exhausted == b->exhausted &&
           hint_scope(a, status) == hint_scope(b, status) &&
           (success || (a->asked == b->asked && a->of_resource == b->of_resource &&
                        a->never == b->never && a->throttled == b->throttled));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy p;
    static struct hint_lines kept, other;
    if (size < 3)
        return 0;
    int status = statuses[pick(data[0], array_size(statuses))];
    int64_t wall_ns = walls[pick(data[1], array_size(walls))];
    configure(&p, data[2]);
    data += 3;
    size -= 3;

    check_values(data, size);
    struct hint h, again;
    keep_lines(&kept, &p, filter_line, data, size, true, NULL);
    REQUIRE(kept.used <= sizeof kept.text && (!kept.used || !kept.text[kept.used - 1]));
    hints_read(&kept, &p, status, wall_ns, &h);
    check_hint(&kept, &h, status);
    hints_read(&kept, &p, status, wall_ns, &again);
    REQUIRE(same(&h, &again, status) && h.line == again.line);

    keep_lines(&other, &p, add_line, data, size, false, "Date: Mon, 01 Jan 2001 00:00:00 GMT");
    hints_read(&other, &p, status, wall_ns, &again);
    REQUIRE(same(&h, &again, status) && !h.line == !again.line);

    if (size >= sizeof kept.text ||
        memchr(data, '\0', size)) /* what does not fit depends on folds */
        return 0;
    keep_lines(&other, &p, fold_line, data, size, true, "X-RateLimit-Remaining: 0");
    hints_read(&other, &p, status, wall_ns, &again);
    REQUIRE(same(&h, &again, status));
    return 0;
}
