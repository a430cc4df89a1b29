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
    X_LIMIT_24HOUR,  /* X-App-Limit-24hour-Remaining */
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

/* By first letter. Of several rows that fit a name, the first one counts. */
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
static const struct hint_field x_fields[] = {
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
    FIELD("x-should-retry", RETRY, S, NO_FAMILY)
    FIELD("x-throttle-wait-seconds", WAIT, S, NO_FAMILY)
    FIELD("x-ms-retry-after-ms", WAIT, MS, NO_FAMILY)
    FIELD("x-ms-user-quota-remaining", REMAINING, S, AZURE_USER)
    FIELD("x-ms-user-quota-resets-after", RESET_AFTER, S, AZURE_USER)
    FIELD("x-amz-retry-after", WAIT, MS, NO_FAMILY)
    FIELD("x-amzn-errortype", ERROR, S, NO_FAMILY)
    FIELD("x-bapi-limit-status", REMAINING, S, BYBIT)
    FIELD("x-bapi-limit-reset-timestamp", RESET, EPOCH, BYBIT)
    FIELD("x-contentful-ratelimit-second-remaining", REMAINING, S, CONTENTFUL)
    FIELD("x-contentful-ratelimit-reset", RESET, S, CONTENTFUL)
    FIELD("x-esi-error-limit-remain", REMAINING, S, ESI)
    FIELD("x-esi-error-limit-reset", RESET, S, ESI)
    FIELD("x-hb-ratelimit-requests-remain", REMAINING, S, HTX)
    FIELD("x-hb-ratelimit-requests-expire", RESET, MS, HTX)
    FIELD("x-sentry-rate-limit-remaining", REMAINING, S, SENTRY)
    FIELD("x-sentry-rate-limit-reset", RESET, S, SENTRY)
    FIELD("x-sentry-rate-limits", CATEGORY, S, NO_FAMILY)
    FIELD("x-shopify-shop-api-call-limit", USED_OF, S, SHOPIFY)
    FIELD("x-sib-ratelimit-remaining", REMAINING, S, BREVO)
    FIELD("x-sib-ratelimit-reset", RESET, S, BREVO)
    STARRED("x-", "-limit-24hour-limit", LIMIT, S, X_LIMIT_24HOUR)
    STARRED("x-", "-limit-24hour-remaining", REMAINING, S, X_LIMIT_24HOUR)
    STARRED("x-", "-limit-24hour-reset", RESET, S, X_LIMIT_24HOUR)
};

static const struct group {
    const struct hint_field *fields;
    size_t count;
} groups[32] = {
    ['a' & 31] = {a_fields, array_size(a_fields)}, ['b' & 31] = {b_fields, array_size(b_fields)},
    ['d' & 31] = {d_fields, array_size(d_fields)}, ['f' & 31] = {f_fields, array_size(f_fields)},
    ['g' & 31] = {g_fields, array_size(g_fields)}, ['r' & 31] = {r_fields, array_size(r_fields)},
    ['s' & 31] = {s_fields, array_size(s_fields)}, ['x' & 31] = {x_fields, array_size(x_fields)},
};
/* clang-format on */

const uint64_t hint_field_letters =
    HINT_LETTER('a') | HINT_LETTER('b') | HINT_LETTER('d') | HINT_LETTER('f') | HINT_LETTER('g') |
    HINT_LETTER('r') | HINT_LETTER('s') | HINT_LETTER('x') | 1ULL << ' ' | 1ULL << '\t';

/* The third letter rules out most names: X-Cache, X-Frame-Options, Server, Set-Cookie. */
static bool fits(const struct hint_field *f, const char *name, size_t n)
{
    if (f->name[2] != '*' && f->name[2] != ascii_lower(name[2]))
        return false;
    if (f->star == f->length)
        return f->length == n && ascii_same_n(f->name, name, n);
    size_t tail = f->length - f->star - 1u;
    return n >= f->length && ascii_same_n(f->name, name, f->star) &&
           ascii_same_n(f->name + f->star + 1, name + n - tail, tail);
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
    const struct group *g = &groups[line[0] & 31];
    const char *colon =
        g->count ? memchr(line, ':', n > HINT_NAME_MAX + 1 ? HINT_NAME_MAX + 1 : n) : NULL;
    if (!colon || colon - line < 3)
        return NULL;
    *name_length = (size_t)(colon - line);
    for (const struct hint_field *f = g->fields; f < g->fields + g->count; f++)
        if (fits(f, line, *name_length))
            return f;
    return NULL;
}

const struct hint_field *hint_field_find(const struct policy *p, const char *line, size_t n,
                                         size_t *name_length)
{
    static const struct hint_field custom[] = {
        {.kind = HINT_IS_WAIT, .unit = HINT_S},
        {.kind = HINT_IS_WAIT, .unit = HINT_MS},
        {.kind = HINT_IS_WAIT, .unit = HINT_DATE},
        {.kind = HINT_IS_WAIT, .unit = HINT_EPOCH},
    };
    for (const struct custom_hint *h = p->hints.at; h < p->hints.at + p->hints.count; h++) {
        size_t length = strlen(h->name);
        if (n > length && line[length] == ':' && ascii_same_n(h->name, line, length)) {
            *name_length = length;
            return &custom[h->unit];
        }
    }
    return find_known(line, n, name_length);
}

struct hint_text hint_field_quota(const struct hint_field *f, const char *name, size_t n)
{
    if (f->star == f->length)
        return (struct hint_text){name, name};
    return (struct hint_text){name + f->star, name + n - (f->length - f->star - 1u)};
}
