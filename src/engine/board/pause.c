/* SPDX-License-Identifier: MIT */
#include "engine/board/pause.h"

#include "base/minmax.h"

#include <string.h>

typedef _Atomic uint64_t __attribute__((may_alias)) word;
#define LINE_WORDS (PAUSE_LINE_SIZE / sizeof(word))
_Static_assert(offsetof(struct pause_cause, line) % sizeof(word) == 0, "a line is whole words");

static bool is_ahead(int64_t until_ns, int64_t now_ns)
{
    return until_ns > now_ns && until_ns - now_ns <= PAUSE_MAX_NS;
}

/* An odd moment is one whose end is announced. */
static int64_t end_of(int64_t length_ns, int64_t now_ns)
{
    int64_t until_ns = now_ns + smaller(length_ns, PAUSE_MAX_NS - 1);
    return until_ns + (until_ns & 1);
}

/* Raises the word. Returns what it was, or now_ns if that was over or damaged. */
static int64_t raise_until(_Atomic int64_t *until, int64_t until_ns, int64_t now_ns)
{
    int64_t seen = atomic_load_explicit(until, memory_order_relaxed);
    while ((seen < until_ns || !is_ahead(seen, now_ns)) &&
           !atomic_compare_exchange_weak_explicit(until, &seen, until_ns, memory_order_release,
                                                  memory_order_relaxed))
        ;
    return is_ahead(seen, now_ns) ? seen : now_ns;
}

static void write_cause(struct pause_cause *c, int64_t length_ns, int status, const char *line)
{
    uint64_t words[LINE_WORDS] = {0};
    size_t n = strnlen(line, PAUSE_LINE_SIZE);
    memcpy(words, line, smaller((int64_t)n, PAUSE_LINE_SIZE - 1));
    if (n == PAUSE_LINE_SIZE)
        memcpy((char *)words + PAUSE_LINE_SIZE - 4, "...", 3);
    for (size_t i = 0; i < LINE_WORDS; i++)
        atomic_store_explicit(&((word *)(void *)c->line)[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&c->status, (uint16_t)status, memory_order_relaxed);
    atomic_store_explicit(&c->length_ms, (uint32_t)(length_ns / NS_PER_MS), memory_order_relaxed);
}

static bool would_raise(const _Atomic int64_t *until, int64_t until_ns, int64_t now_ns)
{
    int64_t seen = atomic_load_explicit(until, memory_order_relaxed);
    return until_ns > seen || !is_ahead(seen, now_ns);
}

bool pause_raise(struct slot *s, int64_t length_ns, bool refuse, int status, const char *line,
                 int64_t now_ns)
{
    int64_t until_ns = end_of(length_ns, now_ns);
    if (would_raise(&s->pause_until_ns, until_ns, now_ns))
        write_cause(&s->pause, until_ns - now_ns, status, line);
    /* Before the other word, which leads readers here. */
    if (refuse)
        raise_until(&s->refuse_until_ns, until_ns, now_ns);
    return raise_until(&s->pause_until_ns, until_ns, now_ns) - now_ns <= (until_ns - now_ns) / 2;
}

void pause_raise_part(struct slot *host, int64_t length_ns, int status, const char *line,
                      int64_t now_ns)
{
    int64_t until_ns = end_of(length_ns, now_ns);
    if (would_raise(&host->part_until_ns, until_ns, now_ns))
        write_cause(&host->part_pause, until_ns - now_ns, status, line);
    raise_until(&host->part_until_ns, until_ns, now_ns);
}

bool pause_read(const struct slot *s, int64_t now_ns, struct pause_view *v)
{
    v->until_ns = atomic_load_explicit(&s->pause_until_ns, memory_order_acquire);
    if (!is_ahead(v->until_ns, now_ns))
        return false;
    int64_t refuse_ns = atomic_load_explicit(&s->refuse_until_ns, memory_order_relaxed);
    v->refuse_until_ns = is_ahead(refuse_ns, now_ns) ? smaller(refuse_ns, v->until_ns) : 0;
    v->length_ns = atomic_load_explicit(&s->pause.length_ms, memory_order_relaxed) * NS_PER_MS;
    return true;
}

static const _Atomic int64_t *until_word(const struct slot *s, enum pause_extent extent)
{
    return extent == PAUSE_OF_PART ? &s->part_until_ns : &s->pause_until_ns;
}

static void show_line(const struct pause_cause *c, char line[PAUSE_LINE_SIZE])
{
    uint64_t words[LINE_WORDS];
    for (size_t i = 0; i < LINE_WORDS; i++)
        words[i] = atomic_load_explicit(&((word *)(void *)c->line)[i], memory_order_relaxed);
    memcpy(line, words, sizeof words);
    line[PAUSE_LINE_SIZE - 1] = '\0';
    for (char *p = line; *p; p++)
        if (*p < ' ' || *p > '~' || *p == '\\')
            *p = '?';
}

bool pause_show(const struct slot *s, enum pause_extent extent, int64_t now_ns,
                struct pause_shown *p)
{
    const struct pause_cause *c = extent == PAUSE_OF_PART ? &s->part_pause : &s->pause;
    int64_t until_ns = atomic_load_explicit(until_word(s, extent), memory_order_acquire);
    *p = (struct pause_shown){.until_ns = 0};
    if (!is_ahead(until_ns, now_ns))
        return false;
    p->until_ns = until_ns;
    p->status = atomic_load_explicit(&c->status, memory_order_relaxed);
    show_line(c, p->line);
    return true;
}

static bool is_over(int64_t until_ns, int64_t now_ns)
{
    return until_ns > 0 && until_ns <= now_ns;
}

int64_t pause_ended_ns(const struct slot *s, enum pause_extent extent, int64_t now_ns)
{
    int64_t until_ns = atomic_load_explicit(until_word(s, extent), memory_order_relaxed);
    return is_over(until_ns, now_ns) ? until_ns : 0;
}

int64_t pause_take_end(struct slot *s, enum pause_extent extent, int64_t now_ns)
{
    _Atomic int64_t *until = (_Atomic int64_t *)until_word(s, extent);
    int64_t seen = atomic_load_explicit(until, memory_order_relaxed);
    if (!is_over(seen, now_ns) || (seen & 1) ||
        !atomic_compare_exchange_strong(until, &seen, seen | 1))
        return 0;
    return seen;
}
