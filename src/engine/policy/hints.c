/* SPDX-License-Identifier: MIT */
#include "engine/policy/hints.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/minmax.h"
#include "base/words.h"

#include <string.h>

#define HINT_MAX_S (10LL * 365 * 86400)
/* A reset of at least this is a time since 1970: in seconds, or from the second limit on in ms. */
#define EPOCH_FROM_S  1000000000LL
#define EPOCH_FROM_MS 1000000000000LL

/* A piece of a header line: [p, end). */
struct span {
    const char *p, *end;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
    while (s.p < s.end && is_blank(*s.p))
        s.p++;
    while (s.p < s.end && is_blank(s.end[-1]))
        s.end--;
    return s;
}

/* All digits; saturates. -1 when it is anything else. */
static int64_t parse_number(struct span s)
{
    int64_t n = 0;
    if (s.p == s.end)
        return -1;
    for (; s.p < s.end; s.p++) {
        if (!ascii_is_digit(*s.p))
            return -1;
        n = n > INT64_MAX / 10 - 1 ? INT64_MAX : n * 10 + (*s.p - '0');
    }
    return n;
}

static int64_t capped(int64_t s)
{
    return smaller(s, HINT_MAX_S);
}

static void on_retry_after(struct hints *h, struct span v)
{
    int64_t n = parse_number(v);
    if (n >= 0)
        h->retry_after_s = capped(n);
    else if ((n = hints_date_s(v.p, (size_t)(v.end - v.p))) >= 0)
        h->retry_at_s = n;
}

static void on_date(struct hints *h, struct span v)
{
    /* Stored only, because every response has one: it is parsed if a hint is a date. */
    size_t n = (size_t)(v.end - v.p);
    if (n < sizeof h->date) {
        memcpy(h->date, v.p, n);
        h->date[n] = '\0';
    }
}

/* Of several quotas the one with the smallest remainder counts; if equal, the one with the latest reset. */
static void note_quota(struct hints *h, int64_t remaining, int64_t reset_s)
{
    if (remaining < 0 || (h->limit_remaining >= 0 && remaining > h->limit_remaining))
        return;
    if (remaining == h->limit_remaining && reset_s < h->limit_reset_s)
        return;
    h->limit_remaining = remaining;
    h->limit_reset_s = reset_s;
}

/* Splits off the text before the next separator that is not within quotes. */
static struct span next_piece(struct span *rest, char separator)
{
    struct span piece = {rest->p, rest->p};
    bool quoted = false;
    for (; piece.end < rest->end; piece.end++) {
        char c = *piece.end;
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\' && piece.end + 1 < rest->end)
            piece.end++;
        else if (!quoted && c == separator)
            break;
    }
    rest->p = piece.end < rest->end ? piece.end + 1 : rest->end;
    return trim(piece);
}

/* "policy";r=50;t=30, "other";r=0;t=5 */
static void on_ratelimit(struct hints *h, struct span v)
{
    while (v.p < v.end) {
        struct span item = next_piece(&v, ',');
        int64_t remaining = -1, reset_s = -1;
        next_piece(&item, ';'); /* the policy's name */
        while (item.p < item.end) {
            struct span parameter = next_piece(&item, ';');
            if (parameter.end - parameter.p < 3 || parameter.p[1] != '=')
                continue;
            int64_t n = parse_number((struct span){parameter.p + 2, parameter.end});
            if (parameter.p[0] == 'r')
                remaining = n;
            else if (parameter.p[0] == 't' && n >= 0)
                reset_s = capped(n);
        }
        note_quota(h, remaining, reset_s);
    }
}

static void on_remaining(struct hints *h, struct span v)
{
    int64_t n = parse_number(v);
    if (n >= 0)
        h->limit_remaining = n;
}

/* Some servers send seconds from now, some a time since 1970, and some of those with a fraction. */
static void on_reset(struct hints *h, struct span v)
{
    const char *dot = memchr(v.p, '.', (size_t)(v.end - v.p));
    bool more = dot && parse_number((struct span){dot + 1, v.end}) > 0;
    if (dot && !more && parse_number((struct span){dot + 1, v.end}) < 0)
        return;
    int64_t n = parse_number((struct span){v.p, dot ? dot : v.end});
    if (n < 0 || n == INT64_MAX)
        return;
    n += more;
    if (n >= EPOCH_FROM_MS)
        h->limit_reset_at_s = n / 1000 + (n % 1000 > 0);
    else if (n >= EPOCH_FROM_S)
        h->limit_reset_at_s = n;
    else
        h->limit_reset_s = capped(n);
}

#define FIELD(name, on) {name, sizeof(name) - 1, on}
static const struct {
    char name[22];
    uint8_t length;
    void (*on)(struct hints *h, struct span v);
} fields[] = {
    FIELD("date", on_date), /* first, because every response has one */
    FIELD("retry-after", on_retry_after),
    FIELD("ratelimit", on_ratelimit),
    FIELD("x-ratelimit-remaining", on_remaining),
    FIELD("x-ratelimit-reset", on_reset),
    FIELD("ratelimit-remaining", on_remaining),
    FIELD("ratelimit-reset", on_reset),
};
#define LONGEST_NAME 21

/* The first letter rules out most lines. */
static bool may_be_hint(char first)
{
    char c = first | 0x20;
    return c == 'd' || c == 'r' || c == 'x';
}

void hints_reset(struct hints *h)
{
    h->retry_after_s = h->retry_at_s = -1;
    h->limit_remaining = h->limit_reset_s = h->limit_reset_at_s = -1;
    h->date[0] = '\0';
}

void hints_line(struct hints *h, const char *line, size_t n)
{
    if (n < 5 || !may_be_hint(line[0]))
        return;
    const char *colon = memchr(line, ':', n > LONGEST_NAME + 1 ? LONGEST_NAME + 1 : n);
    if (!colon)
        return;
    size_t length = (size_t)(colon - line);
    for (size_t i = 0; i < array_size(fields); i++) {
        if (fields[i].length == length && ascii_same_n(fields[i].name, line, length)) {
            fields[i].on(h, trim((struct span){colon + 1, line + n}));
            return;
        }
    }
}

bool hints_has_retry_after(const struct hints *h)
{
    return h->retry_after_s >= 0 || h->retry_at_s >= 0;
}

HOT bool hints_exhausted(const struct hints *h)
{
    return h->limit_remaining == 0;
}

/* The time is compared with the server's Date if there is one, otherwise with our clock. */
static int64_t until_ns(const struct hints *h, int64_t at_s, int64_t wall_ns)
{
    int64_t date_s = hints_date_s(h->date, strlen(h->date));
    int64_t now_ns = date_s >= 0 && date_s <= INT64_MAX / NS_PER_S ? date_s * NS_PER_S : wall_ns;
    if (at_s > INT64_MAX / NS_PER_S || at_s * NS_PER_S - now_ns > HINT_MAX_S * NS_PER_S)
        return HINT_MAX_S * NS_PER_S;
    return at_s * NS_PER_S > now_ns ? at_s * NS_PER_S - now_ns : 0;
}

int64_t hints_wait_ns(const struct hints *h, int64_t wall_ns)
{
    if (wall_ns < 0)
        wall_ns = 0;
    if (h->retry_after_s >= 0)
        return capped(h->retry_after_s) * NS_PER_S;
    if (h->retry_at_s >= 0)
        return until_ns(h, h->retry_at_s, wall_ns);
    if (!hints_exhausted(h))
        return -1;
    if (h->limit_reset_s >= 0)
        return capped(h->limit_reset_s) * NS_PER_S;
    if (h->limit_reset_at_s >= 0)
        return until_ns(h, h->limit_reset_at_s, wall_ns);
    return -1;
}
