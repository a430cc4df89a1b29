/* SPDX-License-Identifier: MIT */
#include "engine/board/slot.h"

#include "base/precondition.h"

#include <string.h>

/* The drawing in slot.h. */
#define AT(member, offset) _Static_assert(offsetof(struct slot, member) == (offset), #member)
AT(key, 0);
AT(pause_until_ns, 8);
AT(breaker, 16);
AT(budget, 32);
AT(results_in_row, 40);
AT(last_used_ns, 48);
AT(max_ns, 56);
AT(tat_ns, 64);
AT(limit_count, 96);
AT(stripe, 128);
AT(latency_high, 512);
AT(failures_by, 800);
AT(own, 128);
AT(status_since_ms, 864);
AT(window_ms, 904);
AT(shown_rate, 920);
AT(published, 943);
AT(name, 944);
AT(refuse_until_ns, 1024);
AT(part_until_ns, 1088);
AT(adaptive, 1152);
AT(policy_count, 1176);
AT(shown_concurrency, 1216);
_Static_assert(sizeof(struct slot) == 1280, "20 lines");
_Static_assert(sizeof(struct stripe) % CACHE_LINE == 0, "stripes share no line");
_Static_assert(SELDOM_COUNTERS % STRIPES == 0, "counters are dealt out evenly");

/* Word by word, with atomics: others may read or write the same words meanwhile. */
typedef _Atomic uint64_t __attribute__((may_alias)) word;
_Static_assert(offsetof(struct slot, name) % sizeof(word) == 0 &&
                   SLOT_NAME_SIZE % sizeof(word) == 0,
               "a name is whole words");

static void clear_words(struct slot *s, size_t from, size_t to)
{
    word *w = (word *)(void *)s;
    for (size_t i = from / sizeof *w; i < to / sizeof *w; i++)
        atomic_store_explicit(&w[i], 0, memory_order_relaxed);
}

void slot_publish(struct slot *s, const char *name, enum slot_kind kind)
{
    uint64_t words[SLOT_NAME_SIZE / sizeof(word)] = {0};
    memcpy(words, name, strnlen(name, SLOT_NAME_SIZE - 1));
    for (size_t i = 0; i < array_size(words); i++)
        atomic_store_explicit(&((word *)(void *)s->name)[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&s->kind, (uint8_t)kind, memory_order_relaxed);
    atomic_store_explicit(&s->published, 1, memory_order_release);
}

void slot_rename(struct slot *s, const char *name)
{
    precondition(atomic_load_explicit(&s->published, memory_order_relaxed));
    slot_publish(s, name, (enum slot_kind)atomic_load_explicit(&s->kind, memory_order_relaxed));
}

void slot_read_name(const struct slot *s, char name[SLOT_NAME_SIZE])
{
    uint64_t words[SLOT_NAME_SIZE / sizeof(word)];
    for (size_t i = 0; i < array_size(words); i++)
        words[i] = atomic_load_explicit(&((word *)(void *)s->name)[i], memory_order_relaxed);
    memcpy(name, words, sizeof words);
}

void slot_clear(struct slot *s)
{
    clear_words(s, sizeof s->key, sizeof *s);
}

void slot_reset(struct slot *s)
{
    if (atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_BULKHEAD)
        return; /* these requests are in flight */
    size_t used = offsetof(struct slot, last_used_ns);
    clear_words(s, sizeof s->key, used);
    clear_words(s, used + sizeof s->last_used_ns, offsetof(struct slot, window_ms));
    clear_words(s, offsetof(struct slot, refuse_until_ns),
                offsetof(struct slot, shown_concurrency));
}

/* Windows are whole milliseconds; the configuration accepts no others. */
static uint32_t window_ms(int64_t window_ns)
{
    return (uint32_t)(window_ns / NS_PER_MS);
}

int slot_window(const struct slot *s, int64_t window_ns)
{
    for (int i = 0; i < RATES_MAX; i++)
        if (atomic_load_explicit(&s->window_ms[i], memory_order_relaxed) == window_ms(window_ns))
            return i;
    return -1;
}

/* They are taken in order and kept, so that no window gets two. */
int slot_claim_window(struct slot *s, int64_t window_ns)
{
    precondition(window_ns >= NS_PER_MS);
    for (int i = 0; i < RATES_MAX; i++) {
        uint32_t seen = 0, own = window_ms(window_ns);
        if (atomic_compare_exchange_strong_explicit(&s->window_ms[i], &seen, own,
                                                    memory_order_relaxed, memory_order_relaxed) ||
            seen == own)
            return i;
    }
    return -1;
}

uint64_t slot_counter(const struct slot *s, enum counter c)
{
    uint64_t n = 0;
    if (c == COUNT_ATTEMPTS)
        for (int i = 0; i < LATENCY_BUCKETS; i++)
            n += slot_latency(s, i);
    else if (c == COUNT_FAILED_ATTEMPTS)
        n = atomic_load_explicit(&s->failed_attempts, memory_order_relaxed);
    else if (c >= FIRST_STRIPED && c < FIRST_SELDOM)
        for (int k = 0; k < STRIPES; k++)
            n += atomic_load_explicit(&s->stripe[k].count[c - FIRST_STRIPED], memory_order_relaxed);
    else
        n = atomic_load_explicit(slot_counter_at((struct slot *)s, c), memory_order_relaxed);
    return n;
}

void slot_add_sums(const struct slot *s, uint64_t sum[HISTORY_COUNTED])
{
    if (atomic_load_explicit(&s->kind, memory_order_relaxed) != SLOT_HOST)
        return;
    sum[SUM_REQUESTS] += slot_counter(s, COUNT_REQUESTS);
    sum[SUM_ATTEMPTS] += slot_counter(s, COUNT_ATTEMPTS);
    sum[SUM_RETRIES] += slot_counter(s, COUNT_RETRIES);
    sum[SUM_SUCCESSES] += slot_counter(s, COUNT_SUCCESSES);
    sum[SUM_FAILURES] += slot_counter(s, COUNT_FAILURES);
    sum[SUM_REJECTED] += slot_counter(s, COUNT_RATE_REJECTED) +
                         slot_counter(s, COUNT_BREAKER_REJECTED) +
                         slot_counter(s, COUNT_CONCURRENCY_REJECTED);
    sum[SUM_WAITED_MS] +=
        (slot_counter(s, COUNT_WAITED_NS) + slot_counter(s, COUNT_CONCURRENCY_WAITED_NS)) /
        NS_PER_MS;
}
