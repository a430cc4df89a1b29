/* SPDX-License-Identifier: MIT
 *
 * A text that is built piece by piece in a buffer of the caller: log lines, events, snapshots.
 *
 *     char buf[256];
 *     struct text t = TEXT_OVER(buf);
 *     text_put(&t, host);
 *     text_fmt(&t, ": waits %lld ms", ms);
 *
 * The text is always NUL-terminated. Nothing is allocated, nothing overflows: what does not fit is
 * left out, and `full` is set. One thread at a time; errno is preserved. */
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
    /* Called when the buffer is full: writes bytes from the front to their destination and lowers
     * n. It keeps the last byte, so that a comma can be removed. NULL: what does not fit is lost.
     */
    void (*drain)(struct text *t);
};

#define TEXT_OVER(array) ((struct text){.p = (array), .cap = sizeof(array)})

void text_overflow(struct text *t, const char *s, size_t n);

/* Inline, so that a literal becomes a few moves: a snapshot consists of thousands. */
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
/* v / 10^decimals without trailing zeros: text_fixed(t, 81250, 3) is "81.25". printf() would write
 * a decimal comma in some locales. */
void text_fixed(struct text *t, int64_t v, int decimals);
__attribute__((format(printf, 2, 3))) void text_fmt(struct text *t, const char *fmt, ...);
__attribute__((format(printf, 2, 0))) void text_vfmt(struct text *t, const char *fmt, va_list args);
/* Length of the valid UTF-8 sequence at s, 1 at the terminating NUL; 0: not valid (also overlong
 * forms, surrogates, and anything above U+10FFFF). */
size_t text_utf8_length(const char *s);
/* "2026-01-25T10:00:00.123Z" */
void text_time(struct text *t, int64_t wall_ns);

#endif
