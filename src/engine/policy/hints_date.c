/* SPDX-License-Identifier: MIT
 *
 * The HTTP dates of Retry-After, in the three formats of RFC 9110. */
#include "engine/policy/hints.h"

#include "base/compiler.h"
#include "base/words.h"

#include <string.h>

struct reader {
    const char *p, *end;
    bool bad;
};

static void expect(struct reader *r, const char *text)
{
    size_t n = strlen(text);
    if (r->bad || (size_t)(r->end - r->p) < n || memcmp(r->p, text, n))
        r->bad = true;
    else
        r->p += n;
}

static int digits(struct reader *r, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (r->bad || r->p == r->end || !ascii_is_digit(*r->p)) {
            r->bad = true;
            return 0;
        }
        v = v * 10 + (*r->p++ - '0');
    }
    return v;
}

static int month(struct reader *r)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (r->bad || r->end - r->p < 3) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < 12; i++) {
        if (!memcmp(names + 3 * i, r->p, 3)) {
            r->p += 3;
            return i + 1;
        }
    }
    r->bad = true;
    return 0;
}

static void weekday(struct reader *r, bool whole)
{
    static const char *const names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};
    for (int i = 0; i < 7; i++) {
        size_t n = whole ? strlen(names[i]) : 3;
        if ((size_t)(r->end - r->p) >= n && !memcmp(names[i], r->p, n)) {
            r->p += n;
            return;
        }
    }
    r->bad = true;
}

struct moment {
    int year, month, day, hour, minute, second;
};

static void clock_time(struct reader *r, struct moment *m)
{
    m->hour = digits(r, 2);
    expect(r, ":");
    m->minute = digits(r, 2);
    expect(r, ":");
    m->second = digits(r, 2);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static void read_fixdate(struct reader *r, struct moment *m)
{
    weekday(r, false);
    expect(r, ", ");
    m->day = digits(r, 2);
    expect(r, " ");
    m->month = month(r);
    expect(r, " ");
    m->year = digits(r, 4);
    expect(r, " ");
    clock_time(r, m);
    expect(r, " GMT");
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static void read_rfc850(struct reader *r, struct moment *m)
{
    weekday(r, true);
    expect(r, ", ");
    m->day = digits(r, 2);
    expect(r, "-");
    m->month = month(r);
    expect(r, "-");
    m->year = digits(r, 2);
    m->year += m->year < 70 ? 2000 : 1900;
    expect(r, " ");
    clock_time(r, m);
    expect(r, " GMT");
}

/* Sun Nov  6 08:49:37 1994 */
static void read_asctime(struct reader *r, struct moment *m)
{
    weekday(r, false);
    expect(r, " ");
    m->month = month(r);
    expect(r, " ");
    if (r->p < r->end && *r->p == ' ') {
        r->p++;
        m->day = digits(r, 1);
    } else {
        m->day = digits(r, 2);
    }
    expect(r, " ");
    clock_time(r, m);
    expect(r, " ");
    m->year = digits(r, 4);
}

static bool leap(int y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static bool valid(const struct moment *m)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (m->year < 1970 || m->month < 1 || m->month > 12)
        return false;
    int last = length[m->month - 1] + (m->month == 2 && leap(m->year));
    /* 60: a leap second. */
    return m->day >= 1 && m->day <= last && m->hour < 24 && m->minute < 60 && m->second <= 60;
}

static int64_t leap_days_before(int64_t y)
{
    return (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400;
}

static int64_t since_1970_s(const struct moment *m)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t days = (m->year - 1970) * 365LL + leap_days_before(m->year) - leap_days_before(1970) +
                   before[m->month - 1] + (m->month > 2 && leap(m->year)) + m->day - 1;
    return ((days * 24 + m->hour) * 60 + m->minute) * 60 + m->second;
}

int64_t hints_date_s(const char *s, size_t n)
{
    static void (*const forms[])(struct reader *, struct moment *) = {read_fixdate, read_rfc850,
                                                                      read_asctime};
    for (size_t i = 0; i < array_size(forms); i++) {
        struct reader r = {s, s + n, false};
        struct moment m = {0};
        forms[i](&r, &m);
        if (!r.bad && r.p == r.end && valid(&m))
            return since_1970_s(&m);
    }
    return -1;
}
