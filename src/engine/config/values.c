/* SPDX-License-Identifier: MIT */
#include "engine/config/values.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/config/options.h"
#include "engine/config/pattern.h"

#include <stdarg.h>
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

bool wrong(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

const char *word_next(const char **at, size_t *n)
{
    const char *s = *at + strspn(*at, " \t,");
    *n = strcspn(s, " \t,");
    *at = s + *n;
    return *n ? s : NULL;
}

static bool same_word(const char *a, const char *b, size_t n)
{
    while (n && ascii_lower(*a) == ascii_lower(*b)) {
        a++;
        b++;
        n--;
    }
    return n == 0;
}

bool word_is(const char *s, size_t n, const char *word)
{
    return strlen(word) == n && same_word(s, word, n);
}

/* Position of a word in a list of words, -1: not there. */
static int word_index(const char *words, const char *s, size_t length)
{
    size_t n;
    const char *w;
    for (int i = 0; words && (w = word_next(&words, &n)); i++)
        if (n == length && same_word(w, s, n))
            return i;
    return -1;
}

long whole_number(const char *s, size_t n)
{
    long v = 0;
    if (!n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s[i]))
            return -1;
        v = v * 10 + (s[i] - '0');
        if (v > 1000000000)
            return -1;
    }
    return v;
}

enum amount { AMOUNT_OK, AMOUNT_NONSENSE, AMOUNT_NO_UNIT };

/* "1.5s" in the base of its units; a bare 0 needs none. strtod would obey the locale, and take
 * "inf", "0x1p3" and signs. */
static enum amount amount_parse(const char *s, size_t n, const struct unit *units, size_t count,
                                int64_t *out)
{
    size_t whole = 0, end;
    while (whole < n && is_digit(s[whole]))
        whole++;
    long number = whole_number(s, whole);
    double fraction = 0, weight = 1;
    end = whole;
    if (end < n && s[end] == '.')
        for (end++; end < n && is_digit(s[end]); end++)
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

static enum amount duration_parse(const char *s, size_t n, int64_t *out)
{
    return amount_parse(s, n, durations, array_size(durations), out);
}

/* A bound as it would be written: the largest unit that divides it. */
static const char *bound_text(enum option_type type, double value, char *out, size_t size)
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
                 bound_text(o->type, o->min, low, sizeof(low)),
                 bound_text(o->type, o->max, high, sizeof(high)), *o->choices ? ", or " : "",
                 o->choices);
}

static bool number_parse(const struct option *o, const char *s, int64_t *out, char *why,
                         size_t size)
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
        a = duration_parse(s, n, out);
    else if (o->type == TYPE_SIZE)
        a = amount_parse(s, n, sizes, array_size(sizes), out);
    else if (o->type == TYPE_PERCENT && (n == 0 || s[n - 1] != '%'))
        a = (*out = whole_number(s, n)) >= 0 ? AMOUNT_NO_UNIT : AMOUNT_NONSENSE;
    else if ((*out = whole_number(s, o->type == TYPE_PERCENT ? n - 1 : n)) < 0)
        a = AMOUNT_NONSENSE;
    if (a == AMOUNT_NO_UNIT && o->type == TYPE_PERCENT && !in_range(o, (double)*out, why, size))
        return false; /* a unit alone would not help */
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

static const char *bool_word(const char *s)
{
    int on = ascii_switch(s);
    return on > 0 ? "on" : on == 0 ? "off" : "";
}

static bool choice_parse(const struct option *o, const char *s, int64_t *out, char *why,
                         size_t size)
{
    *out = word_index(o->choices, s, strlen(s));
    if (*out < 0) {
        const char *b = bool_word(s);
        *out = word_index(o->choices, b, strlen(b));
    }
    return *out >= 0 || wrong(why, size, "not known; write one of: %s", o->choices);
}

static bool bool_parse(const char *s, int64_t *out, char *why, size_t size)
{
    const char *b = bool_word(s);
    *out = strcmp(b, "on") == 0;
    return *b || wrong(why, size, "neither on nor off; write on or off");
}

/* One "60/1m" or "5/s". */
static bool rate_parse(const struct option *o, const char *s, size_t n, struct rate *r, char *why,
                       size_t size)
{
    const char *slash = memchr(s, '/', n);
    long tokens = slash ? whole_number(s, (size_t)(slash - s)) : -1;
    int64_t window = 0;
    if (tokens < 1)
        return wrong(why, size, "not a rate; write N/WINDOW, for example 60/1m or 5/s, or none");
    const char *w = slash + 1;
    size_t length = n - (size_t)(w - s);
    char one[8] = "1";
    if (length && length < sizeof(one) - 1 && !is_digit(*w)) {
        memcpy(one + 1, w, length);
        w = one;
        length++;
    }
    if (duration_parse(w, length, &window) != AMOUNT_OK || window == 0)
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

static bool rates_parse(const struct option *o, const char *value, struct limit *out, char *why,
                        size_t size)
{
    const char *at = value, *w;
    size_t n;
    memset(out, 0, sizeof(*out));
    if (word_is(value, strlen(value), "none"))
        return true;
    while ((w = word_next(&at, &n))) {
        if (out->rate_count == RATES_MAX)
            return wrong(why, size, "more rates than one bucket can hold; write at most %d",
                         RATES_MAX);
        if (!rate_parse(o, w, n, &out->rates[out->rate_count], why, size))
            return false;
        out->rate_count++;
    }
    return out->rate_count ||
           wrong(why, size, "not a rate; write N/WINDOW, for example 60/1m or 5/s, or none");
}

static bool one_rate_parse(const struct option *o, const char *value, int64_t *out, char *why,
                           size_t size)
{
    struct rate r = {0};
    *out = 0;
    if (word_is(value, strlen(value), "none"))
        return true;
    if (!rate_parse(o, value, strlen(value), &r, why, size))
        return false;
    *out = r.interval_ns;
    return true;
}

static bool patterns_parse(const char *value, char *why, size_t size)
{
    const char *at = value, *w;
    struct pattern p;
    size_t n;
    while ((w = word_next(&at, &n)))
        if (!pattern_parse(w, n, &p, why, size))
            return false;
    return true;
}

static bool path_parse(const struct option *o, const char *value, char *why, size_t size)
{
    return word_index(o->choices, value, strlen(value)) >= 0 || strchr(value, '/') ||
           wrong(why, size, "neither known nor a path; write %s or a path with a slash, as ./%.60s",
                 o->choices, value);
}

bool option_parse(const struct option *o, const char *value, union option_value *out, char *why,
                  size_t size)
{
    if (!*value && !*o->fallback && o->type != TYPE_PATTERNS)
        return wrong(why, size, "no value; the key has no default, write %s%s",
                     *o->choices ? "one of: " : "one", o->choices);
    if (!*value && o->type != TYPE_PATTERNS)
        return wrong(why, size, "no value; leave the key out for its default, %s", o->fallback);
    switch (o->type) {
    case TYPE_DURATION:
    case TYPE_SIZE:
    case TYPE_PERCENT:
    case TYPE_COUNT:
        return number_parse(o, value, &out->number, why, size);
    case TYPE_BOOL:
        return bool_parse(value, &out->number, why, size);
    case TYPE_CHOICE:
        return choice_parse(o, value, &out->number, why, size);
    case TYPE_RATES:
        return rates_parse(o, value, &out->limit, why, size);
    case TYPE_RATE:
        return one_rate_parse(o, value, &out->number, why, size);
    case TYPE_PER:
        return per_parse(value, &out->per, why, size);
    case TYPE_OUTCOMES:
        return outcomes_parse(value, &out->outcomes, why, size);
    case TYPE_METHODS:
        return methods_parse(value, out->methods, why, size);
    case TYPE_STATUSES:
        return statuses_parse(value, &out->statuses, why, size);
    case TYPE_PATTERNS:
        out->text = value;
        return patterns_parse(value, why, size);
    case TYPE_PATH:
        out->text = value;
        return path_parse(o, value, why, size);
    case TYPE_TEXT:
        out->text = value;
        return true;
    }
    return false;
}
