/* SPDX-License-Identifier: MIT */
#include "engine/config/lists.h"

#include "base/compiler.h"
#include "base/words.h"
#include "engine/policy/curl_codes.h"
#include "engine/policy/hint_value.h"

#include <string.h>

/* Without CURLE_. */
static const char curl_names[][32] = {
#define NAME(number, name) [number] = #name,
    CURL_CODES(NAME)
#undef NAME
};

static const struct {
    char name[12];
    enum outcome_group group;
} groups[] = {
    {"dns", OUTCOME_DNS},
    {"connect", OUTCOME_CONNECT},
    {"tls", OUTCOME_TLS},
    {"timeout", OUTCOME_TIMEOUT},
    {"reset", OUTCOME_RESET},
    {"partial", OUTCOME_PARTIAL},
    {"throttled", OUTCOME_THROTTLED},
};

static void bit_set(uint64_t *words, long bit)
{
    words[bit / 64] |= 1ull << (bit % 64);
}

static bool add_number(long v, struct outcome_set *out)
{
    if (v >= 1 && v <= 99)
        bit_set(out->curl, v);
    else if (v >= 100 && v <= 599)
        bit_set(out->http, v - 100);
    return v >= 1 && v <= 599;
}

static bool add_name(const char *s, size_t n, struct outcome_set *out)
{
    for (size_t i = 0; i < array_size(groups); i++)
        if (word_is(s, n, groups[i].name)) {
            out->groups |= groups[i].group;
            return true;
        }
    if (n == 3 && s[0] >= '1' && s[0] <= '5' && word_is(s + 1, 2, "xx")) {
        for (int i = 0; i < 100; i++)
            bit_set(out->http, (s[0] - '1') * 100 + i);
        return true;
    }
    if (n > 6 && word_is(s, 6, "CURLE_")) {
        s += 6;
        n -= 6;
    }
    for (size_t i = 0; i < array_size(curl_names); i++)
        if (curl_names[i][0] && word_is(s, n, curl_names[i])) {
            bit_set(out->curl, (long)i);
            return true;
        }
    return false;
}

bool list_parse_outcomes(const char *value, struct outcome_set *out, char *why, size_t size)
{
    const char *at = value, *w;
    size_t n;
    memset(out, 0, sizeof(*out));
    if (word_is(value, strlen(value), "default"))
        return true;
    out->given = true;
    if (word_is(value, strlen(value), "none"))
        return true;
    while ((w = word_next(&at, &n)))
        if (!add_number(whole_number(w, n), out) && !add_name(w, n, out))
            return wrong(
                why, size,
                "%.*s is not an outcome; write dns, connect, tls, timeout, reset, partial, "
                "throttled, a CURLcode (28 or OPERATION_TIMEDOUT), an HTTP status (503) "
                "or 5xx",
                (int)(n < 60 ? n : 60), w);
    return true;
}

/* "204", "200-399" or "2xx". */
static bool add_statuses(const char *s, size_t n, struct status_set *out)
{
    const char *dash = memchr(s, '-', n);
    size_t first = dash ? (size_t)(dash - s) : n;
    long low = whole_number(s, first), high = dash ? whole_number(dash + 1, n - first - 1) : low;
    if (n == 3 && *s >= '1' && *s <= '5' && word_is(s + 1, 2, "xx")) {
        low = (*s - '0') * 100;
        high = low + 99;
    }
    if (low < 100 || high > 599 || low > high)
        return false;
    for (long status = low; status <= high; status++)
        bit_set(out->bits, status - 100);
    return true;
}

bool list_parse_statuses(const char *value, struct status_set *out, char *why, size_t size)
{
    const char *at = value, *w;
    size_t n, count = 0;
    *out = (struct status_set){.bits = {0}};
    for (; (w = word_next(&at, &n)); count++)
        if (!add_statuses(w, n, out))
            return wrong(why, size,
                         "%.*s is not an HTTP status; write for example 200-399, 2xx or 200 404",
                         (int)(n < 60 ? n : 60), w);
    return count || wrong(why, size, "no HTTP status; write for example 200-399, 2xx or 200 404");
}

static bool is_token(char c)
{
    return ascii_is_digit(c) || ascii_is_letter(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool copy_name(const char *s, size_t n, char out[64], char *why, size_t size)
{
    bool good = n > 0 && n < 64 && !*out;
    for (size_t i = 0; i < n && good; i++)
        good = is_token(s[i]);
    if (!good)
        return wrong(why, size,
                     "one name of at most 63 letters, digits or dashes goes after header: or env:; "
                     "write for example header:X-Org-Id");
    memcpy(out, s, n);
    out[n] = '\0';
    return true;
}

bool list_parse_per(const char *value, struct per *out, char *why, size_t size)
{
    static const char *const plain[] = {"host", "origin", "rule", "uid"};
    memset(out, 0, sizeof(*out));
    for (const char *s = value;; s++) {
        size_t n = strcspn(s, "+"), i = 0;
        while (i < array_size(plain) && !word_is(s, n, plain[i]))
            i++;
        if (i < array_size(plain)) {
            out->parts |= 1u << i;
        } else if (n > 7 && word_is(s, 7, "header:")) {
            out->parts |= PER_HEADER;
            if (!copy_name(s + 7, n - 7, out->header, why, size))
                return false;
        } else if (n > 4 && word_is(s, 4, "env:")) {
            out->parts |= PER_ENV;
            if (!copy_name(s + 4, n - 4, out->env, why, size))
                return false;
        } else {
            return wrong(why, size,
                         "%.*s is not a part of a key; write host, origin, rule, uid, "
                         "header:NAME or "
                         "env:NAME, joined by +",
                         (int)(n < 60 ? n : 60), s);
        }
        s += n;
        if (!*s)
            return true;
    }
}

/* "X-Retry-In ms, X-Next epoch" */
bool list_parse_hints(const char *value, struct custom_hints *out, char *why, size_t size)
{
    static const char *const units[] = {
        [HINT_S] = "s", [HINT_MS] = "ms", [HINT_DATE] = "date", [HINT_EPOCH] = "epoch"};
    const char *at = value, *w;
    size_t n;
    memset(out, 0, sizeof(*out));
    if (word_is(value, strlen(value), "none"))
        return true;
    while ((w = word_next(&at, &n))) {
        struct custom_hint *h = &out->at[out->count];
        int shown = (int)(n < 70 ? n : 70);
        bool good = n < sizeof(h->name);
        for (size_t i = 0; i < n && good; i++)
            good = is_token(w[i]);
        if (!good)
            return wrong(why, size,
                         "%.*s is not the name of a header field of at most %d characters; write "
                         "for example X-Retry-In ms",
                         shown, w, (int)sizeof(h->name) - 1);
        if (out->count == HINTS_MAX)
            return wrong(why, size, "too many fields; write at most %d", HINTS_MAX);
        memcpy(h->name, w, n);
        const char *unit = word_next(&at, &n);
        while (unit && h->unit < array_size(units) && !word_is(unit, n, units[h->unit]))
            h->unit++;
        if (!unit || h->unit == array_size(units))
            return wrong(why, size, "%s needs a unit; write s, ms, date or epoch after the name",
                         h->name);
        out->count++;
    }
    return true;
}

bool list_parse_methods(const char *value, char out[METHODS_MAX][16], char *why, size_t size)
{
    const char *at = value, *w;
    size_t n;
    memset(out, 0, METHODS_MAX * sizeof(out[0]));
    if (word_is(value, strlen(value), "none"))
        return true;
    for (int count = 0; (w = word_next(&at, &n)); count++) {
        bool good = n < sizeof(out[0]);
        for (size_t i = 0; i < n && good; i++)
            good = is_token(w[i]);
        if (!good)
            return wrong(why, size, "%.*s is not a method; write for example GET HEAD PUT",
                         (int)(n < 60 ? n : 60), w);
        if (count == METHODS_MAX - 1) /* the last entry stays empty and ends the list */
            return wrong(why, size, "too many methods; write at most %d", METHODS_MAX - 1);
        for (size_t i = 0; i < n; i++)
            out[count][i] = ascii_upper(w[i]);
    }
    return true;
}

/* "backup.example.com 192.0.2.7:8443" */
bool list_parse_places(const char *value, struct fallback *out, char *why, size_t size)
{
    const char *at = value, *w;
    struct check_target place;
    size_t n;
    memset(out, 0, sizeof(*out));
    if (word_is(value, strlen(value), "none"))
        return true;
    while ((w = word_next(&at, &n))) {
        if (!host_port_parse(w, n, &place))
            return wrong(why, size,
                         "%.*s is not HOST or HOST:PORT; write for example backup.example.com, "
                         "192.0.2.7:8443 or [2001:db8::7]:443",
                         (int)(n < 60 ? n : 60), w);
        if (out->count == FALLBACK_MAX)
            return wrong(why, size, "too many places; write at most %d", FALLBACK_MAX);
        struct place_name *p = &out->at[out->count++];
        memcpy(p->host, place.host, sizeof(p->host));
        p->port = (uint16_t)ascii_number(place.port);
    }
    return out->count ||
           wrong(why, size, "no place; write for example backup.example.com, or none");
}
