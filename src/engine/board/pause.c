/* SPDX-License-Identifier: MIT */
#include "engine/board/pause.h"

#include "base/minmax.h"

#include <string.h>

typedef _Atomic uint64_t __attribute__((may_alias)) word;
#define LINE_WORDS (PAUSE_LINE_SIZE / sizeof(word))

static bool is_ahead(int64_t until_ns, int64_t now_ns)
{
    return until_ns > now_ns && until_ns - now_ns <= PAUSE_MAX_NS;
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

static void write_reason(struct slot *s, int64_t length_ns, int status, const char *line)
{
    uint64_t words[LINE_WORDS] = {0};
    memcpy(words, line, strnlen(line, PAUSE_LINE_SIZE - 1));
    for (size_t i = 0; i < LINE_WORDS; i++)
        atomic_store_explicit(&((word *)(void *)s->pause_line)[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&s->pause_status, (uint16_t)status, memory_order_relaxed);
    atomic_store_explicit(&s->pause_ms, (uint32_t)(length_ns / NS_PER_MS), memory_order_relaxed);
}

bool pause_raise(struct slot *s, int64_t length_ns, bool refuse, int status, const char *line,
                 int64_t now_ns)
{
    length_ns = smaller(length_ns, PAUSE_MAX_NS);
    int64_t until_ns = now_ns + length_ns;
    if (until_ns > atomic_load_explicit(&s->pause_until_ns, memory_order_relaxed) ||
        !is_ahead(atomic_load_explicit(&s->pause_until_ns, memory_order_relaxed), now_ns))
        write_reason(s, length_ns, status, line);
    /* Before the other word, which leads readers here. */
    if (refuse)
        raise_until(&s->refuse_until_ns, until_ns, now_ns);
    return raise_until(&s->pause_until_ns, until_ns, now_ns) - now_ns <= length_ns / 2;
}

bool pause_read(const struct slot *s, int64_t now_ns, struct pause_view *v)
{
    v->until_ns = atomic_load_explicit(&s->pause_until_ns, memory_order_acquire);
    if (!is_ahead(v->until_ns, now_ns))
        return false;
    int64_t refuse_ns = atomic_load_explicit(&s->refuse_until_ns, memory_order_relaxed);
    v->refuse_until_ns = is_ahead(refuse_ns, now_ns) ? smaller(refuse_ns, v->until_ns) : 0;
    v->length_ns = atomic_load_explicit(&s->pause_ms, memory_order_relaxed) * NS_PER_MS;
    return true;
}

void pause_read_reason(const struct slot *s, struct pause_reason *r)
{
    uint64_t words[LINE_WORDS];
    for (size_t i = 0; i < LINE_WORDS; i++)
        words[i] = atomic_load_explicit(&((word *)(void *)s->pause_line)[i], memory_order_relaxed);
    memcpy(r->line, words, sizeof words);
    r->line[PAUSE_LINE_SIZE - 1] = '\0';
    for (char *c = r->line; *c; c++)
        if (*c < ' ' || *c > '~' || *c == '\\')
            *c = '?';
    r->status = atomic_load_explicit(&s->pause_status, memory_order_relaxed);
}
