/* SPDX-License-Identifier: MIT
 *
 * Dates in header fields. The words of an HTTP date are told apart by what they are and not by where they
 * stand, because servers vary them: one form covers RFC 1123, RFC 850, asctime() and what date(1) and
 * JavaScript print. The time zone must be named, except after asctime() and ISO 8601, which mean UTC. */
#include "engine/policy/hint_date.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/words.h"

#include <string.h>

struct moment {
    int year, month, day; /* 0: not seen */
    int hour, minute, second;
    int64_t fraction_ns;
    int zone_min; /* east of Greenwich */
    bool has_time, has_zone, month_first;
};

/* How many digits are at *t, and with at most 4 of them their number. */
static int peek_digits(const struct hint_text *t, int *n)
{
    int count = 0;
    for (*n = 0; t->p + count < t->end && ascii_is_digit(t->p[count]); count++)
        if (count < 4)
            *n = *n * 10 + (t->p[count] - '0');
    return count;
}

static bool read_exactly(struct hint_text *t, int digits, int *n)
{
    if (peek_digits(t, n) != digits)
        return false;
    t->p += digits;
    return true;
}

/* hh:mm, hh:mm:ss or hh:mm:ss.fff */
static bool read_time(struct hint_text *t, struct moment *m)
{
    int fraction;
    if (m->has_time || !read_exactly(t, 2, &m->hour) || !hint_take(t, ':') ||
        !read_exactly(t, 2, &m->minute))
        return false;
    m->has_time = true;
    if (!hint_take(t, ':'))
        return true;
    if (!read_exactly(t, 2, &m->second))
        return false;
    if (t->p == t->end || *t->p != '.')
        return true;
    t->p++;
    int digits = peek_digits(t, &fraction);
    int64_t scale = NS_PER_S / 10;
    for (int i = 0; i < digits; i++, scale /= 10)
        m->fraction_ns += scale * (*t->p++ - '0');
    return digits > 0;
}

/* +0100, +01:00 or +01 */
static bool read_offset(struct hint_text *t, struct moment *m)
{
    int sign = *t->p++ == '-' ? -1 : 1, n, hours, minutes = 0;
    switch (peek_digits(t, &n)) {
    case 4:
        hours = n / 100;
        minutes = n % 100;
        t->p += 4;
        break;
    case 2:
        hours = n;
        t->p += 2;
        if (hint_take(t, ':') && !read_exactly(t, 2, &minutes))
            return false;
        break;
    default:
        return false;
    }
    m->zone_min = sign * (hours * 60 + minutes);
    m->has_zone = true;
    return hours <= 14 && minutes <= 59;
}

/* Tables of names have no pointers, because each would be a relocation at load. */
#define NAME_SIZE 10

static int index_of(const char (*names)[NAME_SIZE], int count, const char *word, size_t n)
{
    for (int i = 0; i < count; i++)
        if ((n == 3 || n == strlen(names[i])) && ascii_same_n(names[i], word, n))
            return i;
    return -1;
}

static bool read_name(struct hint_text *t, struct moment *m)
{
    static const char months[][NAME_SIZE] = {"January",   "February", "March",    "April",
                                             "May",       "June",     "July",     "August",
                                             "September", "October",  "November", "December"};
    static const char weekdays[][NAME_SIZE] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                               "Friday", "Saturday", "Sunday"};
    static const char zones[][NAME_SIZE] = {"GMT", "UTC", "UT", "Z"};
    const char *word = t->p;
    while (t->p < t->end && ascii_is_letter(*t->p))
        t->p++;
    size_t n = (size_t)(t->p - word);
    int month = index_of(months, array_size(months), word, n);
    if (month >= 0 && !m->month) {
        m->month = month + 1;
        m->month_first = !m->day;
        return true;
    }
    if (index_of(weekdays, array_size(weekdays), word, n) >= 0 && !m->day && !m->month) {
        hint_take(t, ',');
        return true;
    }
    m->has_zone = index_of(zones, array_size(zones), word, n) >= 0;
    return m->has_zone && m->has_time;
}

/* A number that is no time: the day, or the year with four digits or two. */
static bool read_day_or_year(struct hint_text *t, struct moment *m, int digits, int n)
{
    t->p += digits;
    if (digits <= 2 && !m->day) {
        m->day = n;
        return true;
    }
    if (m->year || (digits != 4 && digits != 2))
        return false;
    m->year = digits == 4 ? n : n + (n < 70 ? 2000 : 1900);
    return true;
}

/* "06-Nov-94" */
static bool at_dash_within_date(const struct hint_text *t, const struct moment *m)
{
    return *t->p == '-' && !m->has_time && m->day;
}

static bool read_parts(struct hint_text *t, struct moment *m)
{
    while (t->p < t->end && *t->p != ',' && *t->p != ';' && *t->p != '"') {
        int n, digits = peek_digits(t, &n);
        char c = *t->p;
        if (c == ' ' || c == '\t' || at_dash_within_date(t, m)) {
            t->p++;
        } else if (c == '(' && m->has_zone) { /* "(Coordinated Universal Time)" */
            hint_piece(t, ')');
        } else if (ascii_is_letter(c)) {
            if (!read_name(t, m))
                return false;
        } else if (digits == 2 && t->end - t->p > 2 && t->p[2] == ':') {
            if (!read_time(t, m))
                return false;
        } else if (digits) {
            if (!read_day_or_year(t, m, digits, n))
                return false;
        } else if ((c != '+' && c != '-') || !m->has_time || !read_offset(t, m)) {
            return false;
        }
    }
    return m->has_time && (m->has_zone || m->month_first);
}

/* 2026-11-30T00:00:03.250+01:00; blanks in place of T; without a time: midnight. */
static bool read_iso(struct hint_text *t, struct moment *m)
{
    if (!read_exactly(t, 4, &m->year) || !hint_take(t, '-') || !read_exactly(t, 2, &m->month) ||
        !hint_take(t, '-') || !read_exactly(t, 2, &m->day))
        return false;
    struct hint_text after = *t;
    if (!hint_take(&after, 'T') && !hint_take(&after, 't'))
        while (hint_take(&after, ' ') || hint_take(&after, '\t'))
            ;
    if (after.p == t->p || after.p == after.end || !ascii_is_digit(*after.p))
        return true;
    *t = after;
    if (!read_time(t, m))
        return false;
    struct hint_text zone = hint_trim(*t);
    if (zone.p == zone.end || *zone.p == ',' || *zone.p == ';' || *zone.p == '"')
        return true;
    *t = (struct hint_text){zone.p, t->end};
    return ascii_is_letter(*t->p)         ? read_name(t, m) && m->has_zone
           : *t->p == '+' || *t->p == '-' ? read_offset(t, m)
                                          : false;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_valid(const struct moment *m)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (m->year < 1970 || m->month < 1 || m->month > 12)
        return false;
    int last = length[m->month - 1] + (m->month == 2 && is_leap(m->year));
    /* 60: a leap second. */
    return m->day >= 1 && m->day <= last && m->hour < 24 && m->minute < 60 && m->second <= 60;
}

static int64_t leap_days_before(int64_t year)
{
    return (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
}

static int64_t since_1970_s(const struct moment *m)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t days = (m->year - 1970) * 365LL + leap_days_before(m->year) - leap_days_before(1970) +
                   before[m->month - 1] + (m->month > 2 && is_leap(m->year)) + m->day - 1;
    return ((days * 24 + m->hour) * 60 + m->minute - m->zone_min) * 60 + m->second;
}

bool hint_date_read(struct hint_text *t, int64_t *ns)
{
    struct moment m = {0};
    bool iso = t->end - t->p > 4 && ascii_is_digit(t->p[0]) && t->p[4] == '-';
    if (!(iso ? read_iso(t, &m) : read_parts(t, &m)) || !is_valid(&m))
        return false;
    int64_t s = since_1970_s(&m);
    *ns = s >= INT64_MAX / NS_PER_S ? INT64_MAX : s < 0 ? 0 : s * NS_PER_S + m.fraction_ns;
    return true;
}
