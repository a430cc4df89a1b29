/* SPDX-License-Identifier: MIT */
#include "engine/config/values.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/words.h"
#include "engine/config/options.h"
#include "engine/policy/policy.h"

#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {{"ms", NS_PER_MS},
                                        {"s", NS_PER_S},
                                        {"m", 60 * NS_PER_S},
                                        {"h", 3600 * NS_PER_S},
                                        {"d", 24 * 3600 * NS_PER_S}};
static const struct unit sizes[] = {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

/* Position of a word in a list of words; -1: not in it. */
static int word_index(const char *words, const char *s, size_t length)
{
    size_t n;
    const char *w;
    for (int i = 0; words && (w = word_next(&words, &n)); i++)
        if (n == length && ascii_same_n(w, s, n))
            return i;
    return -1;
}

enum amount { AMOUNT_OK, AMOUNT_NONSENSE, AMOUNT_NO_UNIT };

/* "1.5s" in the smallest of the units; 0 needs no unit. strtod() depends on the locale, and accepts
 * "inf", "0x1p3" and signs. */
static enum amount parse_amount(const char *s, size_t n, const struct unit *units, size_t count,
                                int64_t *out)
{
    size_t whole = 0, end;
    while (whole < n && ascii_is_digit(s[whole]))
        whole++;
    long number = whole_number(s, whole);
    double fraction = 0, weight = 1;
    end = whole;
    if (end < n && s[end] == '.')
        for (end++; end < n && ascii_is_digit(s[end]); end++)
            fraction += (s[end] - '0') * (weight /= 10);
    if (number < 0 || (end > whole && end == whole + 1))
        return AMOUNT_NONSENSE;
    *out = 0;
    if (end == n)
        return number == 0 && fraction == 0 ? AMOUNT_OK : AMOUNT_NO_UNIT;
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) != n - end || strncmp(units[i].name, s + end, n - end) != 0)
            continue;
        int64_t v;
        if (__builtin_mul_overflow(number, units[i].factor, &v))
            v = INT64_MAX / 2;
        *out = v + (int64_t)(fraction * (double)units[i].factor + 0.5);
        return AMOUNT_OK;
    }
    return AMOUNT_NONSENSE;
}

static enum amount parse_duration(const char *s, size_t n, int64_t *out)
{
    return parse_amount(s, n, durations, array_size(durations), out);
}

/* A limit as it would be written in a file, in the largest unit that divides it. */
static const char *limit_text(enum option_type type, double value, char *out, size_t size)
{
    const struct unit *u = type == TYPE_SIZE ? sizes : durations;
    size_t i = type == TYPE_SIZE ? array_size(sizes) : array_size(durations);
    int64_t v = (int64_t)value;
    if (type == TYPE_COUNT || type == TYPE_PERCENT || v == 0) {
        snprintf(out, size, "%lld%s", (long long)v, type == TYPE_PERCENT ? "%" : "");
        return out;
    }
    while (--i > 0 && v % u[i].factor)
        ;
    snprintf(out, size, "%lld%s", (long long)(v / u[i].factor), u[i].name);
    return out;
}

static bool in_range(const struct option *o, double v, char *why, size_t size)
{
    char low[32], high[32];
    if (v >= o->min && v <= o->max)
        return true;
    return wrong(why, size, "out of range; write %s to %s%s%s",
                 limit_text(o->type, o->min, low, sizeof(low)),
                 limit_text(o->type, o->max, high, sizeof(high)), *o->choices ? ", or " : "",
                 o->choices);
}

bool value_parse_number(const struct option *o, const char *s, int64_t *out, char *why, size_t size)
{
    static const char *const form[] = {[TYPE_DURATION] = "a duration; write for example 250ms, "
                                                         "1.5s, 2m, 1h, 1d",
                                       [TYPE_SIZE] = "a size; write for example 512B, 64KiB, 1MiB",
                                       [TYPE_PERCENT] = "a percentage; write for example 20%",
                                       [TYPE_COUNT] = "a whole number; write for example 5"};
    const char *or = *o->choices ? ", or " : "", *words = o->choices;
    size_t n = strlen(s);
    enum amount a = AMOUNT_OK;
    if (word_index(o->choices, s, n) >= 0) {
        *out = 0;
        return true;
    }
    if (o->type == TYPE_DURATION)
        a = parse_duration(s, n, out);
    else if (o->type == TYPE_SIZE)
        a = parse_amount(s, n, sizes, array_size(sizes), out);
    else if (o->type == TYPE_PERCENT && (n == 0 || s[n - 1] != '%'))
        a = (*out = whole_number(s, n)) >= 0 ? AMOUNT_NO_UNIT : AMOUNT_NONSENSE;
    else if ((*out = whole_number(s, o->type == TYPE_PERCENT ? n - 1 : n)) < 0)
        a = AMOUNT_NONSENSE;
    if (a == AMOUNT_NO_UNIT && o->type == TYPE_PERCENT && !in_range(o, (double)*out, why, size))
        return false; /* with a unit it would still be out of range */
    if (a == AMOUNT_NO_UNIT)
        return wrong(why, size, "a number without a unit; write for example %s%s%s%s", s,
                     o->type == TYPE_DURATION  ? "s"
                     : o->type == TYPE_PERCENT ? "%"
                                               : "KiB",
                     or, words);
    if (a == AMOUNT_NONSENSE)
        return wrong(why, size, "not %s%s%s", form[o->type], or, words);
    return in_range(o, (double)*out, why, size);
}

#define PPM_OF_PERCENT 10000

/* "99.999%": no decimals of printf, which the locale changes. */
static const char *share_text(double percent, char out[16])
{
    long ppm = (long)(percent * PPM_OF_PERCENT + 0.5), fraction = ppm % PPM_OF_PERCENT;
    int digits = 4;
    for (; fraction && fraction % 10 == 0; digits--)
        fraction /= 10;
    snprintf(out, 16, fraction ? "%ld.%0*ld%%" : "%ld%%", ppm / PPM_OF_PERCENT, digits, fraction);
    return out;
}

bool value_parse_share(const struct option *o, const char *s, int64_t *out, char *why, size_t size)
{
    static const struct unit percent[] = {{"%", PPM_OF_PERCENT}};
    size_t n = strlen(s);
    *out = 0;
    if (word_index(o->choices, s, n) >= 0)
        return true;
    enum amount a = parse_amount(s, n, percent, 1, out);
    if (a != AMOUNT_OK)
        return wrong(why, size, "%s; write for example 99.5%% or 99%%, or %s",
                     a == AMOUNT_NO_UNIT ? "a number without a unit" : "not a percentage",
                     o->choices);
    double share = (double)*out / PPM_OF_PERCENT;
    char low[16], high[16];
    return (share >= o->min && share <= o->max) ||
           wrong(why, size, "out of range; write %s to %s, or %s", share_text(o->min, low),
                 share_text(o->max, high), o->choices);
}

static const char *bool_word(const char *s)
{
    int on = ascii_switch(s);
    return on > 0 ? "on" : on == 0 ? "off" : "";
}

bool value_parse_mode(const char *s, int64_t *out, char *why, size_t size)
{
    size_t n = strspn(s, "01234567");
    *out = 0;
    for (size_t i = 0; i < n && i < 6; i++)
        *out = *out * 8 + (s[i] - '0');
    if (s[n] || n < 3 || n > 4)
        return wrong(why, size, "not a mode; write three or four octal digits, for example 0644");
    if (*out & 0002)
        return wrong(why, size, "all users could write the file; write for example 0644 or 0640");
    if (*out & ~0666)
        return wrong(why, size,
                     "these files are not executed; write for example 0644, 0640 or 0600");
    return *out & 0400 ||
           wrong(why, size, "their owner could not read the files; write for example 0644");
}

bool value_parse_choice(const struct option *o, const char *s, int64_t *out, char *why, size_t size)
{
    *out = word_index(o->choices, s, strlen(s));
    if (*out < 0) {
        const char *b = bool_word(s);
        *out = word_index(o->choices, b, strlen(b));
    }
    return *out >= 0 || wrong(why, size, "not known; write one of: %s", o->choices);
}

bool value_parse_bool(const char *s, int64_t *out, char *why, size_t size)
{
    const char *b = bool_word(s);
    *out = strcmp(b, "on") == 0;
    return *b || wrong(why, size, "neither on nor off; write on or off");
}

/* One "60/1m" or "5/s". */
static bool parse_one_rate(const struct option *o, const char *s, size_t n, struct rate *r,
                           char *why, size_t size)
{
    const char *slash = memchr(s, '/', n);
    long tokens = slash ? whole_number(s, (size_t)(slash - s)) : -1;
    int64_t window = 0;
    if (tokens < 1)
        return wrong(why, size, "not a rate; write N/WINDOW, for example 60/1m or 5/s, or none");
    const char *w = slash + 1;
    size_t length = n - (size_t)(w - s);
    char one[8] = "1";
    if (length && length < sizeof(one) - 1 && !ascii_is_digit(*w)) {
        memcpy(one + 1, w, length);
        w = one;
        length++;
    }
    if (parse_duration(w, length, &window) != AMOUNT_OK || window == 0)
        return wrong(why, size,
                     "the window is not a duration; write for example 60/1m, 5/s or 1000/1h");
    if ((double)window < o->min || (double)window > o->max)
        return wrong(why, size, "the window is out of range; write 1ms to 31d");
    if (window % NS_PER_MS)
        return wrong(why, size, "the window is not whole milliseconds; write for example 1/2ms");
    if (tokens > 1000000)
        return wrong(why, size, "more than 1000000 requests in a window; use a shorter window");
    *r = (struct rate){.tokens = (uint32_t)tokens,
                       .burst = (uint32_t)tokens,
                       .window_ns = window,
                       .interval_ns = (window + tokens - 1) / tokens};
    return true;
}

bool value_parse_rates(const struct option *o, const char *value, struct limit *out, char *why,
                       size_t size)
{
    const char *at = value, *w;
    size_t n;
    memset(out, 0, sizeof(*out));
    if (word_is(value, strlen(value), "none"))
        return true;
    while ((w = word_next(&at, &n))) {
        if (out->rate_count == RATES_MAX)
            return wrong(why, size, "more rates than one bucket can have; write at most %d",
                         RATES_MAX);
        if (!parse_one_rate(o, w, n, &out->rates[out->rate_count], why, size))
            return false;
        out->rate_count++;
    }
    return out->rate_count ||
           wrong(why, size, "not a rate; write N/WINDOW, for example 60/1m or 5/s, or none");
}

bool value_parse_rate(const struct option *o, const char *value, int64_t *out, char *why,
                      size_t size)
{
    struct rate r = {0};
    *out = 0;
    if (word_is(value, strlen(value), "none"))
        return true;
    if (!parse_one_rate(o, value, strlen(value), &r, why, size))
        return false;
    *out = r.interval_ns;
    return true;
}

bool value_parse_path(const struct option *o, const char *value, char *why, size_t size)
{
    return word_index(o->choices, value, strlen(value)) >= 0 || strchr(value, '/') ||
           wrong(why, size, "neither known nor a path; write %s or a path with a slash, as ./%.60s",
                 o->choices, value);
}
