/* SPDX-License-Identifier: MIT */
#include "engine/policy/hint_fields.h"

#include "base/compiler.h"
#include "base/words.h"

#include <string.h>

enum family {
    NO_FAMILY,
    RATELIMIT,       /* RateLimit-Remaining */
    RATE_LIMIT,      /* Rate-Limit-Remaining */
    X_RATELIMIT,     /* X-RateLimit-Remaining */
    X_RATE_LIMIT,    /* X-Rate-Limit-Remaining */
    X_RATELIMIT_OF,  /* X-RateLimit-Remaining-Requests */
    X_RATELIMIT_FOR, /* X-RateLimit-Requests-Remaining */
    X_RATE_LIMIT_OF, /* X-Rate-Limit-Remaining-Requests */
    X_APP_LIMIT,     /* X-App-Limit-24hour-Remaining */
    X_USER_LIMIT,    /* X-User-Limit-24hour-Remaining */
    ANTHROPIC,
    AZURE_USER,
    BIGCOMMERCE,
    BREVO,
    BYBIT,
    BY_SIZE,
    CONTENTFUL,
    ESI,
    FASTLY,
    FITBIT,
    HTX,
    IMGUR_USER,
    IMGUR_CLIENT,
    KUCOIN,
    SENTRY,
    SHOPIFY,
};

/* clang-format off */
#define FIELD(name, kind, unit, family) \
    {name, sizeof(name) - 1, sizeof(name) - 1, HINT_IS_##kind, HINT_##unit, family},
/* "head*tail" */
#define STARRED(head, tail, kind, unit, family) \
    {head "*" tail, sizeof(head) - 1, sizeof(head tail), HINT_IS_##kind, HINT_##unit, family},

/* By first letter; those with "x-" by the fifth one. The third or the fifth letter rules out most other
 * names: Server, Set-Cookie, X-Cache, X-Request-Id. Of several rows that fit a name, the first counts. */
static const struct hint_field a_fields[] = {
    STARRED("anthropic-ratelimit-", "-remaining", REMAINING, S, ANTHROPIC)
    STARRED("anthropic-ratelimit-", "-reset", RESET, S, ANTHROPIC)
    STARRED("anthropic-ratelimit-", "-status", VERDICT, S, ANTHROPIC)
    STARRED("anthropic-priority-", "-remaining", REMAINING, S, ANTHROPIC)
    STARRED("anthropic-priority-", "-reset", RESET, S, ANTHROPIC)
};
static const struct hint_field b_fields[] = {
    FIELD("beta-ratelimit", RATELIMIT, S, NO_FAMILY)
};
static const struct hint_field d_fields[] = {
    FIELD("date", DATE, DATE, NO_FAMILY)
};
static const struct hint_field f_fields[] = {
    FIELD("fastly-ratelimit-remaining", REMAINING, S, FASTLY)
    FIELD("fastly-ratelimit-reset", RESET, S, FASTLY)
    FIELD("fitbit-rate-limit-remaining", REMAINING, S, FITBIT)
    FIELD("fitbit-rate-limit-reset", RESET, S, FITBIT)
};
static const struct hint_field g_fields[] = {
    FIELD("grpc-retry-pushback-ms", PUSHBACK, MS, NO_FAMILY)
    FIELD("gw-ratelimit-remaining", REMAINING, S, KUCOIN)
    FIELD("gw-ratelimit-reset", RESET, MS, KUCOIN)
};
static const struct hint_field r_fields[] = {
    FIELD("retry-after", WAIT, S, NO_FAMILY)
    FIELD("retry-after-ms", WAIT, MS, NO_FAMILY)
    STARRED("retry-after-", "", WAIT, S, NO_FAMILY)
    FIELD("retryafter", WAIT, S, NO_FAMILY)
    FIELD("ratelimit", RATELIMIT, S, NO_FAMILY)
    FIELD("ratelimit-limit", LIMIT, S, RATELIMIT)
    FIELD("ratelimit-remaining", REMAINING, S, RATELIMIT)
    FIELD("ratelimit-reset", RESET, S, RATELIMIT)
    FIELD("ratelimit-resettime", RESET_TOO, DATE, RATELIMIT)
    FIELD("ratelimit-reset-date", RESET_TOO, DATE, RATELIMIT)
    FIELD("ratelimit-retry-after", WAIT, S, NO_FAMILY)
    FIELD("ratelimitbysize-remaining", REMAINING, S, BY_SIZE)
    FIELD("ratelimitbysize-reset", RESET, S, BY_SIZE)
    FIELD("rate-limit-limit", LIMIT, S, RATE_LIMIT)
    FIELD("rate-limit-total", LIMIT, S, RATE_LIMIT)
    FIELD("rate-limit-remaining", REMAINING, S, RATE_LIMIT)
    FIELD("rate-limit-reset", RESET, S, RATE_LIMIT)
};
static const struct hint_field s_fields[] = {
    FIELD("stripe-should-retry", RETRY, S, NO_FAMILY)
};
static const struct hint_field x_t[] = {
    FIELD("x-ratelimit-limit", LIMIT, S, X_RATELIMIT)
    FIELD("x-ratelimit-remaining", REMAINING, S, X_RATELIMIT)
    FIELD("x-ratelimit-remain", REMAINING, S, X_RATELIMIT)
    FIELD("x-ratelimit-reset", RESET, S, X_RATELIMIT)
    FIELD("x-ratelimit-reset-after", RESET_AFTER, S, X_RATELIMIT)
    FIELD("x-ratelimit-after", WAIT, S, NO_FAMILY)
    FIELD("x-ratelimit-next", RESET_TOO, DATE, X_RATELIMIT)
    FIELD("x-ratelimit-usage", USED, S, X_RATELIMIT)
    FIELD("x-ratelimit-resource", SCOPE, S, NO_FAMILY)
    FIELD("x-ratelimit-bucket", SCOPE, S, NO_FAMILY)
    FIELD("x-ratelimit-scope", SCOPE, S, NO_FAMILY)
    FIELD("x-ratelimit-endpoint-name", SCOPE, S, NO_FAMILY)
    FIELD("x-ratelimit-retry-after", WAIT, S, NO_FAMILY)
    FIELD("x-ratelimit-retryafter", WAIT, S, NO_FAMILY)
    FIELD("x-ratelimit-userremaining", REMAINING, S, IMGUR_USER)
    FIELD("x-ratelimit-userreset", RESET, S, IMGUR_USER)
    FIELD("x-ratelimit-clientremaining", REMAINING, S, IMGUR_CLIENT)
    FIELD("x-ratelimit-clientreset", RESET, S, IMGUR_CLIENT)
    FIELD("x-rate-limit-limit", LIMIT, S, X_RATE_LIMIT)
    FIELD("x-rate-limit-remaining", REMAINING, S, X_RATE_LIMIT)
    FIELD("x-rate-limit-reset", RESET, S, X_RATE_LIMIT)
    FIELD("x-rate-limit-reset-after", RESET_AFTER, S, X_RATE_LIMIT)
    FIELD("x-rate-limit-retry-after-seconds", WAIT, S, NO_FAMILY)
    FIELD("x-rate-limit-requests-left", REMAINING, S, BIGCOMMERCE)
    FIELD("x-rate-limit-time-reset-ms", RESET, MS, BIGCOMMERCE)
    STARRED("x-ratelimit-limit-", "", LIMIT, S, X_RATELIMIT_OF)
    STARRED("x-ratelimit-remaining-", "", REMAINING, S, X_RATELIMIT_OF)
    STARRED("x-ratelimit-reset-", "", RESET, S, X_RATELIMIT_OF)
    STARRED("x-ratelimit-", "-limit", LIMIT, S, X_RATELIMIT_FOR)
    STARRED("x-ratelimit-", "-remaining", REMAINING, S, X_RATELIMIT_FOR)
    STARRED("x-ratelimit-", "-reset", RESET, S, X_RATELIMIT_FOR)
    STARRED("x-rate-limit-remaining-", "", REMAINING, S, X_RATE_LIMIT_OF)
    STARRED("x-rate-limit-reset-", "", RESET, S, X_RATE_LIMIT_OF)
    FIELD("x-retry-after", WAIT, S, NO_FAMILY)
    FIELD("x-retry-in", WAIT, S, NO_FAMILY)
};
static const struct hint_field x_dash[] = {
    FIELD("x-ms-retry-after-ms", WAIT, MS, NO_FAMILY)
    FIELD("x-ms-user-quota-remaining", REMAINING, S, AZURE_USER)
    FIELD("x-ms-user-quota-resets-after", RESET_AFTER, S, AZURE_USER)
    FIELD("x-hb-ratelimit-requests-remain", REMAINING, S, HTX)
    FIELD("x-hb-ratelimit-requests-expire", RESET, MS, HTX)
};
static const struct hint_field x_b[] = {
    FIELD("x-sib-ratelimit-remaining", REMAINING, S, BREVO)
    FIELD("x-sib-ratelimit-reset", RESET, S, BREVO)
};
static const struct hint_field x_e[] = {
    FIELD("x-user-limit-24hour-limit", LIMIT, S, X_USER_LIMIT)
    FIELD("x-user-limit-24hour-remaining", REMAINING, S, X_USER_LIMIT)
    FIELD("x-user-limit-24hour-reset", RESET, S, X_USER_LIMIT)
};
static const struct hint_field x_i[] = {
    FIELD("x-esi-error-limit-remain", REMAINING, S, ESI)
    FIELD("x-esi-error-limit-reset", RESET, S, ESI)
};
static const struct hint_field x_n[] = {
    FIELD("x-contentful-ratelimit-second-remaining", REMAINING, S, CONTENTFUL)
    FIELD("x-contentful-ratelimit-reset", RESET, S, CONTENTFUL)
    FIELD("x-sentry-rate-limit-remaining", REMAINING, S, SENTRY)
    FIELD("x-sentry-rate-limit-reset", RESET, S, SENTRY)
    FIELD("x-sentry-rate-limits", CATEGORY, S, NO_FAMILY)
};
static const struct hint_field x_o[] = {
    FIELD("x-should-retry", RETRY, S, NO_FAMILY)
    FIELD("x-shopify-shop-api-call-limit", USED_OF, S, SHOPIFY)
};
static const struct hint_field x_p[] = {
    FIELD("x-bapi-limit-status", REMAINING, S, BYBIT)
    FIELD("x-bapi-limit-reset-timestamp", RESET, EPOCH, BYBIT)
    FIELD("x-app-limit-24hour-limit", LIMIT, S, X_APP_LIMIT)
    FIELD("x-app-limit-24hour-remaining", REMAINING, S, X_APP_LIMIT)
    FIELD("x-app-limit-24hour-reset", RESET, S, X_APP_LIMIT)
};
static const struct hint_field x_r[] = {
    FIELD("x-throttle-wait-seconds", WAIT, S, NO_FAMILY)
};
static const struct hint_field x_z[] = {
    FIELD("x-amz-retry-after", WAIT, MS, NO_FAMILY)
    FIELD("x-amzn-errortype", ERROR, S, NO_FAMILY)
};

#define LETTER(c) (1u << ((c) & 31))
#define GROUP(letter, rows, letters) [(letter) & 31] = {rows, array_size(rows), letters}
static const struct group {
    const struct hint_field *fields;
    uint32_t count;
    uint32_t letters; /* fifth of all its names; behind "x-" the third */
} groups[2][32] = {{ /* by first letter */
    GROUP('a', a_fields, LETTER('r')),
    GROUP('b', b_fields, LETTER('-')),
    GROUP('d', d_fields, LETTER(':')),
    GROUP('f', f_fields, LETTER('i') | LETTER('l')),
    GROUP('g', g_fields, LETTER('-') | LETTER('a')),
    GROUP('r', r_fields, LETTER('-') | LETTER('l') | LETTER('y')),
    GROUP('s', s_fields, LETTER('p')),
}, { /* "x-": by fifth letter */
    GROUP('t', x_t, LETTER('r')),
    GROUP('-', x_dash, LETTER('h') | LETTER('m')),
    GROUP('b', x_b, LETTER('s')),
    GROUP('e', x_e, LETTER('u')),
    GROUP('i', x_i, LETTER('e')),
    GROUP('n', x_n, LETTER('c') | LETTER('s')),
    GROUP('o', x_o, LETTER('s')),
    GROUP('p', x_p, LETTER('a') | LETTER('b')),
    GROUP('r', x_r, LETTER('t')),
    GROUP('z', x_z, LETTER('a')),
}};
/* clang-format on */

const uint64_t hint_field_letters =
    HINT_LETTER('a') | HINT_LETTER('b') | HINT_LETTER('d') | HINT_LETTER('f') | HINT_LETTER('g') |
    HINT_LETTER('r') | HINT_LETTER('s') | HINT_LETTER('x') | 1ULL << ' ' | 1ULL << '\t';

/* From the end, where the names of one family differ. The bit is what small letters have and capitals
 * have not; `-` and digits have it. */
static inline bool same_lower(const char *lower, const char *s, size_t n)
{
    const uint64_t bits = 0x2020202020202020;
    for (uint64_t a, b; n >= sizeof a; n -= sizeof a) {
        memcpy(&a, lower + n - sizeof a, sizeof a);
        memcpy(&b, s + n - sizeof b, sizeof b);
        if (a != (b | bits))
            return false;
    }
    while (n && lower[n - 1] == (s[n - 1] | 0x20))
        n--;
    return !n;
}

static inline bool fits(const struct hint_field *f, const char *name, size_t n)
{
    if (n < f->length)
        return false;
    if (f->star == f->length)
        return n == f->length && same_lower(f->name, name, n);
    size_t tail = f->length - f->star - 1u;
    return same_lower(f->name + f->star + 1, name + n - tail, tail) &&
           same_lower(f->name, name, f->star);
}

uint64_t hint_letters_of(const struct custom_hints *own)
{
    uint64_t letters = hint_field_letters;
    for (int i = 0; i < own->count; i++)
        letters |= HINT_LETTER(own->at[i].name[0]);
    return letters;
}

static const struct hint_field *find_known(const char *line, size_t n, size_t *name_length)
{
    if (n < sizeof "date:" - 1 || !ascii_is_letter(line[0]))
        return NULL;
    bool x = ascii_lower(line[0]) == 'x' && line[1] == '-';
    const struct group *g = &groups[x][line[x ? 4 : 0] & 31];
    if (likely(!(g->letters & LETTER(line[x ? 2 : 4]))))
        return NULL;
    const char *colon = memchr(line, ':', n > HINT_NAME_MAX + 1 ? HINT_NAME_MAX + 1 : n);
    if (!colon)
        return NULL;
    *name_length = (size_t)(colon - line);
    for (const struct hint_field *f = g->fields; f < g->fields + g->count; f++)
        if (fits(f, line, *name_length))
            return f;
    return NULL;
}

static const struct hint_field *find_own(const struct custom_hints *own, const char *line, size_t n,
                                         size_t *name_length)
{
    static const struct hint_field fields[] = {
        {.kind = HINT_IS_WAIT, .unit = HINT_S},
        {.kind = HINT_IS_WAIT, .unit = HINT_MS},
        {.kind = HINT_IS_WAIT, .unit = HINT_DATE},
        {.kind = HINT_IS_WAIT, .unit = HINT_EPOCH},
    };
    for (const struct custom_hint *h = own->at; h < own->at + own->count; h++) {
        size_t length = strlen(h->name);
        if (n > length && line[length] == ':' && ascii_same_n(h->name, line, length)) {
            *name_length = length;
            return &fields[h->unit];
        }
    }
    return NULL;
}

HOT const struct hint_field *hint_field_find(const struct policy *p, const char *line, size_t n,
                                             size_t *name_length)
{
    const struct hint_field *own = NULL;
    if (unlikely(p->hints.count))
        own = find_own(&p->hints, line, n, name_length);
    return own ? own : find_known(line, n, name_length);
}

struct hint_text hint_field_quota(const struct hint_field *f, const char *name, size_t n)
{
    if (f->star == f->length)
        return (struct hint_text){name, name};
    return (struct hint_text){name + f->star, name + n - (f->length - f->star - 1u)};
}
