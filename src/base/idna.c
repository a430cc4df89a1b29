/* SPDX-License-Identifier: MIT */
#include "base/idna.h"

#include "base/compiler.h"
#include "base/text.h"
#include "base/words.h"

#include <stdint.h>

#define LABEL_MAX 63
#define ALTERNATE INT16_MAX /* upper and lower case alternate, beginning with upper case */

/* Known letters; `add` makes them lower case. */
static const struct letters {
    uint16_t from, to;
    int16_t add;
} known[] = {
    /* Latin */
    {0x00c0, 0x00d6, 32},
    {0x00d8, 0x00de, 32},
    {0x00df, 0x00f6, 0},
    {0x00f8, 0x00ff, 0},
    {0x0100, 0x012f, ALTERNATE},
    {0x0131, 0x0131, 0},
    {0x0134, 0x0137, ALTERNATE},
    {0x0138, 0x0138, 0},
    {0x0139, 0x013e, ALTERNATE},
    {0x0141, 0x0148, ALTERNATE},
    {0x014a, 0x0177, ALTERNATE},
    {0x0178, 0x0178, -121},
    {0x0179, 0x017e, ALTERNATE},
    {0x018f, 0x018f, 202},
    {0x01a0, 0x01a1, ALTERNATE},
    {0x01af, 0x01b0, ALTERNATE},
    {0x01cd, 0x01dc, ALTERNATE},
    {0x01f8, 0x021f, ALTERNATE},
    {0x0250, 0x02af, 0},
    {0x1e00, 0x1e95, ALTERNATE},
    {0x1ea0, 0x1eff, ALTERNATE},
    /* Greek, Cyrillic, Armenian */
    {0x0386, 0x0386, 38},
    {0x0388, 0x038a, 37},
    {0x038c, 0x038c, 64},
    {0x038e, 0x038f, 63},
    {0x0390, 0x0390, 0},
    {0x0391, 0x03a1, 32},
    {0x03a3, 0x03ab, 32},
    {0x03ac, 0x03ce, 0},
    {0x0400, 0x040f, 80},
    {0x0410, 0x042f, 32},
    {0x0430, 0x045f, 0},
    {0x0460, 0x0481, ALTERNATE},
    {0x048a, 0x04bf, ALTERNATE},
    {0x04c1, 0x04ce, ALTERNATE},
    {0x04cf, 0x04cf, 0},
    {0x04d0, 0x052f, ALTERNATE},
    {0x0531, 0x0556, 48},
    {0x0561, 0x0586, 0},
    /* Hebrew, Arabic, Georgian, kana, Han, Hangul */
    {0x05d0, 0x05ea, 0},
    {0x0620, 0x063f, 0},
    {0x0641, 0x064a, 0},
    {0x0671, 0x0674, 0},
    {0x0679, 0x06d3, 0},
    {0x10d0, 0x10fa, 0},
    {0x3005, 0x3007, 0},
    {0x3041, 0x3096, 0},
    {0x30a1, 0x30fa, 0},
    {0x30fc, 0x30fe, 0},
    {0x3400, 0x4db5, 0},
    {0x4e00, 0x9fef, 0},
    {0xac00, 0xd7a3, 0},
};

/* 0: not known. */
static uint32_t lower_case(uint32_t c)
{
    if (c < 0x80)
        return (unsigned char)ascii_lower((char)c);
    for (size_t i = 0; i < array_size(known); i++)
        if (c >= known[i].from && c <= known[i].to)
            return known[i].add != ALTERNATE ? c + (uint32_t)known[i].add
                                             : c + !((c - known[i].from) & 1);
    return 0;
}

/* The character at s, of n bytes, 1 to 4. */
static uint32_t decode(const unsigned char *s, size_t n)
{
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3f);
    return c;
}

/* ---- RFC 3492 ---- */

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;
    delta = first ? delta / 700 : delta / 2;
    delta += delta / points;
    for (; delta > 35 * 26 / 2; k += 36)
        delta /= 35;
    return k + 36 * delta / (delta + 38);
}

static void put_digit(struct text *out, uint32_t digit)
{
    char c = (char)(digit < 26 ? 'a' + digit : '0' + digit - 26);
    text_putn(out, &c, 1);
}

static void put_delta(struct text *out, uint32_t q, uint32_t bias)
{
    for (uint32_t k = 36;; k += 36) {
        uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (q < t)
            break;
        put_digit(out, t + (q - t) % (36 - t));
        q = (q - t) / (36 - t);
    }
    put_digit(out, q);
}

static void put_punycode(struct text *out, const uint32_t *c, uint32_t count)
{
    uint32_t n = 128, delta = 0, bias = 72, done = 0, basic;
    text_put(out, "xn--");
    for (uint32_t i = 0; i < count; i++)
        if (c[i] < 128) {
            text_putn(out, &(char){(char)c[i]}, 1);
            done++;
        }
    if ((basic = done))
        text_putn(out, "-", 1);
    while (done < count) {
        uint32_t next = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++)
            if (c[i] >= n && c[i] < next)
                next = c[i];
        delta += (next - n) * (done + 1);
        n = next;
        for (uint32_t i = 0; i < count; i++) {
            delta += c[i] < n;
            if (c[i] != n)
                continue;
            put_delta(out, delta, bias);
            bias = adapt(delta, done + 1, done == basic);
            done++;
            delta = 0;
        }
        delta++;
        n++;
    }
}

/* ---- names ---- */

static bool encode_label(struct text *out, const char *host, size_t n)
{
    char s[4 * LABEL_MAX + 1] = ""; /* a NUL-terminated copy of the label */
    uint32_t c[LABEL_MAX] = {0}, count = 0;
    if (n >= sizeof s)
        return false;
    memcpy(s, host, n);
    for (size_t at = 0, length; at < n; at += length) {
        length = text_utf8_length(s + at);
        if (!length || count == LABEL_MAX || s[at] == '*' ||
            !(c[count++] = lower_case(decode((const unsigned char *)s + at, length))))
            return false;
    }
    put_punycode(out, c, count);
    return true;
}

bool idna_needed(const char *host, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (host[i] & 0x80)
            return true;
    return false;
}

static size_t label_length(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i] != '.' && s[i] != ':' && s[i] != '/')
        i++;
    return i;
}

bool idna_encode(char *out, size_t size, const char *host, size_t n)
{
    struct text t = {.p = out, .cap = size};
    text_put(&t, "");
    for (size_t at = 0, length; at < n; at += length) {
        length = label_length(host + at, n - at);
        if (!length) /* a separator */
            text_putn(&t, host + at, length = 1);
        else if (!idna_needed(host + at, length))
            for (size_t i = 0; i < length; i++)
                text_putn(&t, &(char){ascii_lower(host[at + i])}, 1);
        else if (!encode_label(&t, host + at, length))
            return false;
    }
    return !t.full;
}
