/* SPDX-License-Identifier: MIT */
#include "engine/policy/hint_value.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/words.h"
#include "engine/policy/hint_date.h"

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)
#define DAY_NS    (24 * HOUR_NS)
/* A number of at least this is a time since 1970: in s, and from each further limit on in ms, us, ns. */
#define EPOCH_FROM_S  1000000000LL
#define EPOCH_FROM_MS (1000 * EPOCH_FROM_S)
#define EPOCH_FROM_US (1000 * EPOCH_FROM_MS)
#define EPOCH_FROM_NS (1000 * EPOCH_FROM_US)

static void skip_blanks(struct hint_text *t)
{
    while (t->p < t->end && hint_is_blank(*t->p))
        t->p++;
}

static bool at_digit(const struct hint_text *t)
{
    return t->p < t->end && ascii_is_digit(*t->p);
}

/* ---- numbers ---------------------------------------------------------------------------------- */

struct number {
    int64_t whole;     /* saturates */
    int64_t billionth; /* of the fraction, rounded up: 0 to 10^9 */
    bool has_fraction;
};

static int64_t read_digits(struct hint_text *t)
{
    int64_t n = 0;
    for (; at_digit(t); t->p++)
        n = n > INT64_MAX / 10 - 1 ? INT64_MAX : n * 10 + (*t->p - '0');
    return n;
}

static bool read_number(struct hint_text *t, struct number *n)
{
    *n = (struct number){0};
    if (!at_digit(t))
        return false;
    n->whole = read_digits(t);
    if (!hint_take(t, '.'))
        return true;
    if (!at_digit(t))
        return false;
    n->has_fraction = true;
    bool more = false;
    for (int64_t scale = NS_PER_S / 10; at_digit(t); t->p++, scale /= 10) {
        n->billionth += scale * (*t->p - '0');
        more |= !scale && *t->p != '0';
    }
    n->billionth += more;
    return true;
}

static int64_t times(const struct number *n, int64_t unit_ns)
{
    __int128 part = ((__int128)n->billionth * unit_ns + NS_PER_S - 1) / NS_PER_S;
    __int128 ns = (__int128)n->whole * unit_ns + part;
    return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static int64_t plus(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* ---- waits ------------------------------------------------------------------------------------ */

/* The unit at *t; 0: there is none that is known. */
static int64_t read_unit(struct hint_text *t)
{
    static const struct {
        char name[14];
        int64_t ns;
    } units[] = {
        {"s", NS_PER_S},
        {"ms", NS_PER_MS},
        {"m", MINUTE_NS},
        {"h", HOUR_NS},
        {"d", DAY_NS},
        {"us", NS_PER_US},
        {"\xc2\xb5s", NS_PER_US},
        {"\xce\xbcs", NS_PER_US}, /* two characters for micro */
        {"ns", 1},
        {"sec", NS_PER_S},
        {"secs", NS_PER_S},
        {"second", NS_PER_S},
        {"seconds", NS_PER_S},
        {"msec", NS_PER_MS},
        {"msecs", NS_PER_MS},
        {"millisecond", NS_PER_MS},
        {"milliseconds", NS_PER_MS},
        {"min", MINUTE_NS},
        {"mins", MINUTE_NS},
        {"minute", MINUTE_NS},
        {"minutes", MINUTE_NS},
        {"hr", HOUR_NS},
        {"hrs", HOUR_NS},
        {"hour", HOUR_NS},
        {"hours", HOUR_NS},
        {"day", DAY_NS},
        {"days", DAY_NS},
    };
    const char *from = t->p;
    while (t->p < t->end && (ascii_is_letter(*t->p) || (*t->p & 0x80)))
        t->p++;
    for (size_t i = 0; i < array_size(units); i++)
        if (word_is(from, (size_t)(t->p - from), units[i].name))
            return units[i].ns;
    return 0;
}

static bool at_unit(const struct hint_text *t)
{
    return t->p < t->end && (ascii_is_letter(*t->p) || (*t->p & 0x80));
}

/* "6m0s": the rest after the first number. */
static bool read_units(struct hint_text *t, struct number n, struct hint_value *v)
{
    for (v->ns = 0;;) {
        int64_t unit_ns = read_unit(t);
        if (!unit_ns)
            return false;
        v->ns = plus(v->ns, times(&n, unit_ns));
        skip_blanks(t);
        if (!at_digit(t))
            return true;
        if (!read_number(t, &n))
            return false;
        skip_blanks(t);
    }
}

/* "00:01:30": the rest after the first number. */
static bool read_clock(struct hint_text *t, struct number n, struct hint_value *v)
{
    int64_t minutes;
    v->ns = times(&n, HOUR_NS);
    if (n.has_fraction || !hint_take(t, ':') || !at_digit(t) || (minutes = read_digits(t)) > 59 ||
        !hint_take(t, ':') || !read_number(t, &n) || n.whole > 59)
        return false;
    v->ns = plus(v->ns, minutes * MINUTE_NS + times(&n, NS_PER_S));
    return true;
}

/* "PT1M30S" */
static bool read_iso_duration(struct hint_text *t, struct hint_value *v)
{
    bool time = false, any = false;
    v->ns = 0;
    for (t->p++; t->p < t->end; any = true) {
        struct number n;
        time |= hint_take(t, 'T');
        if (!read_number(t, &n))
            break;
        int64_t unit_ns = !time && hint_take(t, 'D')  ? DAY_NS
                          : time && hint_take(t, 'H') ? HOUR_NS
                          : time && hint_take(t, 'M') ? MINUTE_NS
                          : time && hint_take(t, 'S') ? NS_PER_S
                                                      : 0;
        if (!unit_ns)
            return false;
        v->ns = plus(v->ns, times(&n, unit_ns));
    }
    return any;
}

static bool read_bare(const struct number *n, enum hint_unit unit, struct hint_value *v)
{
    v->is_moment = n->whole >= EPOCH_FROM_S;
    if (v->is_moment)
        v->ns = times(n, n->whole >= EPOCH_FROM_NS   ? 1
                         : n->whole >= EPOCH_FROM_US ? NS_PER_US
                         : n->whole >= EPOCH_FROM_MS ? NS_PER_MS
                                                     : NS_PER_S);
    else
        v->ns = times(n, unit == HINT_MS ? NS_PER_MS : NS_PER_S);
    return v->is_moment || unit == HINT_S || unit == HINT_MS;
}

static bool read_wait(struct hint_text *t, enum hint_unit unit, struct hint_value *v)
{
    struct number n;
    if (!read_number(t, &n))
        return false;
    if (t->p < t->end && *t->p == ':')
        return read_clock(t, n, v);
    struct hint_text after = *t;
    skip_blanks(&after);
    if (!at_unit(&after))
        return (t->p == t->end || *t->p != '-') && read_bare(&n, unit, v); /* "2026-11-30" */
    *t = after;
    return read_units(t, n, v);
}

static bool read_value(struct hint_text *t, enum hint_unit unit, struct hint_value *v)
{
    *v = (struct hint_value){0};
    if (t->end - t->p > 2 && t->p[0] == 'P' && (t->p[1] == 'T' || ascii_is_digit(t->p[1])))
        return read_iso_duration(t, v);
    const struct hint_text from = *t;
    if (read_wait(t, unit, v))
        return true;
    *t = from;
    v->is_moment = true;
    return hint_date_read(t, &v->ns);
}

/* ---- lists ------------------------------------------------------------------------------------ */

/* Moves the list to its next item. */
static bool begin_item(struct hint_text *list)
{
    while (list->p < list->end && (hint_is_blank(*list->p) || *list->p == ','))
        list->p++;
    hint_take(list, '"');
    return list->p < list->end;
}

/* Behind an item only parameters may follow. */
static bool end_item(struct hint_text *list)
{
    hint_take(list, '"');
    skip_blanks(list);
    if (list->p < list->end && *list->p != ',' && *list->p != ';')
        return false;
    hint_piece(list, ',');
    return true;
}

bool hint_value_next(struct hint_text *list, enum hint_unit unit, struct hint_value *v)
{
    if (begin_item(list) && read_value(list, unit, v) && end_item(list))
        return true;
    list->p = list->end;
    return false;
}

bool hint_count_next(struct hint_text *list, int64_t *millionths)
{
    struct number n;
    if (begin_item(list) && read_number(list, &n) && end_item(list)) {
        *millionths = times(&n, 1000000);
        return true;
    }
    list->p = list->end;
    return false;
}
