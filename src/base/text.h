/* SPDX-License-Identifier: MIT
 *
 * A text that is put together piece by piece in memory of the caller: log lines, events, snapshots.
 * Nothing is allocated and nothing overflows: what does not fit is left out and `full` says so.
 *
 *     char buf[256];
 *     struct text t = TEXT_OVER(buf);
 *     text_put(&t, host);
 *     text_fmt(&t, ": waits %lld ms", ms);
 *
 * The bytes are always NUL-terminated. Not shared between threads. Preserves errno. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    char *p;
    size_t n;   /* bytes so far, without the NUL */
    size_t cap; /* bytes of p, with the NUL */
    bool full;  /* something was left out */
    /* Called when there is no more room; takes bytes from the front to where they go and lowers n.
     * It leaves the last one, so that a comma can be taken back. NULL: what does not fit is lost.
     */
    void (*drain)(struct text *t);
};

#define TEXT_OVER(array) ((struct text){.p = (array), .cap = sizeof(array)})

void text_overflow(struct text *t, const char *s, size_t n);

/* Inline, so that a literal becomes a few moves: a snapshot is made of thousands of them. */
static inline void text_putn(struct text *t, const char *s, size_t n)
{
    if (__builtin_expect(t->n + n >= t->cap, 0)) {
        text_overflow(t, s, n);
        return;
    }
    memcpy(t->p + t->n, s, n);
    t->n += n;
    t->p[t->n] = '\0';
}

static inline void text_put(struct text *t, const char *s)
{
    text_putn(t, s, strlen(s));
}

void text_u64(struct text *t, uint64_t v);
/* v / 10^decimals without trailing zeros: text_fixed(t, 81250, 3) is "81.25". printf's own decimals
 * follow the program's locale, so a comma would get into the numbers. */
void text_fixed(struct text *t, int64_t v, int decimals);
__attribute__((format(printf, 2, 3))) void text_fmt(struct text *t, const char *fmt, ...);
__attribute__((format(printf, 2, 0))) void text_vfmt(struct text *t, const char *fmt, va_list args);
/* Length of the well-formed UTF-8 sequence at s (1 at the end), 0 when there is none: no overlong
 * forms, no surrogates, nothing above U+10FFFF. */
size_t text_utf8_length(const char *s);
/* "2026-01-25T10:00:00.123Z" */
void text_time(struct text *t, int64_t wall_ns);

#endif
