/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static size_t free_bytes(const struct text *t)
{
    return t->cap > t->n ? t->cap - t->n - 1 : 0;
}

void text_overflow(struct text *t, const char *s, size_t n)
{
    while (n) {
        if (t->drain)
            t->drain(t);
        size_t part = n < free_bytes(t) ? n : free_bytes(t);
        if (part) {
            memcpy(t->p + t->n, s, part);
            t->n += part;
            t->p[t->n] = '\0';
        }
        s += part;
        n -= part;
        if (n && (!part || !t->drain)) {
            t->full = true;
            return;
        }
    }
}

void text_u64(struct text *t, uint64_t v)
{
    char digits[20];
    size_t i = sizeof digits;
    if (v < 10) { /* most numbers are 0 */
        digits[0] = (char)('0' + v);
        text_putn(t, digits, 1);
        return;
    }
    for (; v >= 10; v /= 10)
        digits[--i] = (char)('0' + v % 10);
    digits[--i] = (char)('0' + v);
    text_putn(t, digits + i, sizeof digits - i);
}

/* Exactly `width` digits. */
static void put_padded(struct text *t, uint64_t v, int width)
{
    char digits[20];
    for (int i = width; i-- > 0; v /= 10)
        digits[i] = (char)('0' + v % 10);
    // cppcheck-suppress uninitvar ; all that are read are written
    text_putn(t, digits, (size_t)width);
}

void text_fixed(struct text *t, int64_t v, int decimals)
{
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
    uint64_t unit = 1;
    for (int i = 0; i < decimals; i++)
        unit *= 10;
    if (v < 0)
        text_putn(t, "-", 1);
    text_u64(t, u / unit);
    uint64_t fraction = u % unit;
    if (!fraction)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        decimals--;
    text_putn(t, ".", 1);
    put_padded(t, fraction, decimals);
}

void text_vfmt(struct text *t, const char *fmt, va_list args)
{
    int saved = errno;
    va_list again;
    va_copy(again, args);
    size_t room = t->cap - t->n;
    int n = t->cap ? vsnprintf(t->p + t->n, room, fmt, args) : -1;
    if (n >= 0 && (size_t)n >= room && t->drain) {
        t->p[t->n] = '\0';
        t->drain(t);
        room = t->cap - t->n;
        n = vsnprintf(t->p + t->n, room, fmt, again);
    }
    va_end(again);
    t->full |= n < 0 || (size_t)n >= room;
    if (n > 0)
        t->n += (size_t)n < room ? (size_t)n : room - 1;
    if (t->cap)
        t->p[t->n] = '\0';
    errno = saved;
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    text_vfmt(t, fmt, args);
    va_end(args);
}

/* RFC 3629. A NUL fails the comparison that reaches it, so nothing behind it is read. */
size_t text_utf8_length(const char *p)
{
    const unsigned char *s = (const unsigned char *)p;
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        n = 2;
    else if ((s[0] & 0xf0) == 0xe0)
        n = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    if (s[0] == 0xed)
        high = 0x9f;
    if (s[0] == 0xf0)
        low = 0x90;
    if (s[0] == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* gmtime_r() takes the time zone lock, which may be locked for ever in the child of a fork. Days
 * since 1970 to year, month, day: years begin in March here, so that the leap day is the last day.
 */
void text_time(struct text *t, int64_t wall_ns)
{
    int64_t ms = wall_ns > 0 ? wall_ns / NS_PER_MS : 0;
    int64_t s = ms / 1000;
    int64_t days = s / 86400 + 719468; /* since 0000-03-01 */
    int64_t era = days / 146097;
    int64_t day_of_era = days % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day + 2) / 153;
    int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    int64_t year = era * 400 + year_of_era + (month <= 2);

    put_padded(t, (uint64_t)year, 4);
    text_putn(t, "-", 1);
    put_padded(t, (uint64_t)month, 2);
    text_putn(t, "-", 1);
    put_padded(t, (uint64_t)(day - (153 * march_month + 2) / 5 + 1), 2);
    text_putn(t, "T", 1);
    put_padded(t, (uint64_t)(s % 86400 / 3600), 2);
    text_putn(t, ":", 1);
    put_padded(t, (uint64_t)(s % 3600 / 60), 2);
    text_putn(t, ":", 1);
    put_padded(t, (uint64_t)(s % 60), 2);
    text_putn(t, ".", 1);
    put_padded(t, (uint64_t)(ms % 1000), 3);
    text_putn(t, "Z", 1);
}
