/* SPDX-License-Identifier: MIT */
#include "engine/board/adaptive.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/minmax.h"

#define CUT_APART_NS  NS_PER_S
#define CUT_PERCENT   95
#define STEP_MS       10000 /* the growth doubles each */
#define GROWTH_PERMIL 20    /* a second */
#define DOUBLINGS_MAX ((unsigned)(ADAPTIVE_OFF_NS / NS_PER_MS / STEP_MS))
#define CUT_SHIFT     24 /* units of 17 ms: 32 bits last for two years */

#define MEASURE_MS       250
#define FIRST_MEASURE_MS 1000
/* How much of the past counts: enough requests for one that is throttled to be no more than a few percent. */
#define MEMORY_MS     1000
#define MEMORY_COUNT  16
#define MEMORY_MAX_MS 10000
#define STALE_MS      3600000u
#define IDLE_MS       10000u
#define RARE_MILLI    (10 * ADAPTIVE_LEAST) /* says little about a burst */
#define ACCEPTED_MAX  0xffff
#define MILLI         1000ULL

_Static_assert(DOUBLINGS_MAX < 32, "growth fits 64 bits");

/* A rate in 16 bits, to a thousandth: exponent:5 mantissa:11. Rounded down. */
static uint64_t rate_pack(uint64_t milli)
{
    unsigned e = 0;
    milli = milli < ADAPTIVE_MAX_MILLI ? milli : ADAPTIVE_MAX_MILLI;
    while (milli >> e > 2047)
        e++;
    return (uint64_t)e << 11 | milli >> e;
}

static uint64_t rate_unpack(uint64_t packed)
{
    uint64_t milli = (packed & 2047) << (packed >> 11 & 31);
    return milli < ADAPTIVE_MAX_MILLI ? milli : ADAPTIVE_MAX_MILLI;
}

/* ---- goodput --------------------------------------------------------------------------------- */

struct window {
    uint32_t start_ms, accepted;
    uint64_t goodput_milli; /* before it; 0: not known */
};

static struct window window_unpack(uint64_t word)
{
    return (struct window){.start_ms = (uint32_t)(word >> 32),
                           .accepted = word >> 16 & 0xffff,
                           .goodput_milli = rate_unpack(word & 0xffff)};
}

static uint64_t window_pack(struct window w)
{
    return (uint64_t)w.start_ms << 32 | (uint64_t)w.accepted << 16 | rate_pack(w.goodput_milli);
}

static uint32_t ms_of(int64_t now_ns)
{
    return (uint32_t)(now_ns / NS_PER_MS);
}

/* How long it is open. Another thread may have read the clock later. */
static uint32_t open_ms(const struct window *w, int64_t now_ns)
{
    uint32_t ms = ms_of(now_ns) - w->start_ms;
    return ms > UINT32_MAX - STALE_MS ? 0 : ms;
}

/* How long the goodput before the window counts for; 0: there is none. */
static uint64_t memory_ms(const struct window *w)
{
    uint64_t before = w->goodput_milli;
    uint64_t ms = before ? MEMORY_COUNT * MILLI * MILLI / before : 0;
    return !before ? 0 : ms < MEMORY_MS ? MEMORY_MS : ms < MEMORY_MAX_MS ? ms : MEMORY_MAX_MS;
}

/* The goodput before the window counts like one more piece of time. */
static uint64_t measured_milli(const struct window *w, uint32_t ms)
{
    uint64_t before_ms = memory_ms(w), all_ms = before_ms + ms;
    return before_ms || ms >= MEASURE_MS
               ? (w->goodput_milli * before_ms + w->accepted * MILLI * MILLI) / all_ms
               : 0;
}

/* A window begins with an accepted request, which it does not count, and ends with one. So an even flow is
 * measured exactly, however slow it is. */
HOT void adaptive_accepted(struct adaptive *a, int64_t now_ns)
{
    uint64_t raw = atomic_load_explicit(&a->window, memory_order_relaxed), next;
    do {
        struct window w = window_unpack(raw);
        uint32_t ms = open_ms(&w, now_ns);
        if (unlikely(!raw || ms > STALE_MS)) {
            w = (struct window){.start_ms = ms_of(now_ns)};
        } else {
            w.accepted += w.accepted < ACCEPTED_MAX;
            if (ms >= (w.goodput_milli ? MEASURE_MS : FIRST_MEASURE_MS))
                w = (struct window){.start_ms = ms_of(now_ns),
                                    .goodput_milli = measured_milli(&w, ms)};
        }
        next = window_pack(w);
    } while (!atomic_compare_exchange_weak_explicit(&a->window, &raw, next, memory_order_relaxed,
                                                    memory_order_relaxed));
}

static struct window window_of(const struct adaptive *a)
{
    return window_unpack(atomic_load_explicit(&a->window, memory_order_relaxed));
}

uint64_t adaptive_goodput_milli(const struct adaptive *a, int64_t now_ns)
{
    struct window w = window_of(a);
    uint32_t ms = open_ms(&w, now_ns);
    return ms > STALE_MS ? 0 : measured_milli(&w, ms);
}

/* How long ago, on the average, that was. */
static int64_t goodput_age_ns(const struct adaptive *a, int64_t now_ns)
{
    struct window w = window_of(a);
    return (int64_t)(memory_ms(&w) + open_ms(&w, now_ns) / 2) * NS_PER_MS;
}

/* A burst after an idle time says more than that time does: if little was asked for before, only the burst
 * counts. Too much is corrected a second later, too little only by growth. Without a measurement, one begins:
 * false. */
static bool measure_first(struct adaptive *a, int64_t now_ns, uint64_t *goodput_milli)
{
    uint64_t raw = atomic_load_explicit(&a->window, memory_order_relaxed);
    struct window w = window_unpack(raw);
    uint32_t ms = open_ms(&w, now_ns);
    if (!raw || ms > STALE_MS || (ms > IDLE_MS && w.goodput_milli < RARE_MILLI)) {
        uint64_t first = window_pack((struct window){.start_ms = ms_of(now_ns)});
        atomic_compare_exchange_strong_explicit(&a->window, &raw, first, memory_order_relaxed,
                                                memory_order_relaxed);
        return false;
    }
    if (!w.goodput_milli && ms < FIRST_MEASURE_MS)
        return false;
    uint64_t of_late = w.accepted * MILLI * MILLI / (ms > MEASURE_MS ? ms : MEASURE_MS);
    *goodput_milli = of_late > w.goodput_milli ? of_late : w.goodput_milli;
    return true;
}

/* ---- cuts ------------------------------------------------------------------------------------ */

struct cut {
    int64_t at_ns;
    uint64_t rate_milli, goodput_milli;
};

static uint64_t at_least(uint64_t milli)
{
    return milli > ADAPTIVE_LEAST ? milli : ADAPTIVE_LEAST;
}

static struct cut cut_unpack(uint64_t word)
{
    return (struct cut){.at_ns = (int64_t)(word >> 32) << CUT_SHIFT,
                        .rate_milli = at_least(rate_unpack(word >> 16 & 0xffff)),
                        .goodput_milli = at_least(rate_unpack(word & 0xffff))};
}

static uint64_t cut_pack(struct cut c)
{
    uint64_t time = (uint64_t)(c.at_ns + (1LL << CUT_SHIFT) - 1) >> CUT_SHIFT & UINT32_MAX;
    return time << 32 | rate_pack(c.rate_milli) << 16 | rate_pack(c.goodput_milli);
}

/* A thread that was stopped after it had read the clock comes with a time before the last cut. */
static bool is_on(uint64_t word, const struct cut *c, int64_t now_ns)
{
    return word && c->at_ns <= now_ns + ADAPTIVE_OFF_NS && now_ns - c->at_ns < ADAPTIVE_OFF_NS;
}

static uint64_t rate_at(const struct cut *c, uint64_t ceiling_milli, int64_t now_ns)
{
    uint64_t age_ms = now_ns > c->at_ns ? (uint64_t)((now_ns - c->at_ns) / NS_PER_MS) : 0;
    uint64_t steps = age_ms / STEP_MS, per_step = GROWTH_PERMIL * STEP_MS / MILLI;
    uint64_t permil = per_step * ((1ULL << steps) - 1) +
                      ((uint64_t)GROWTH_PERMIL << steps) * (age_ms % STEP_MS) / MILLI;
    unsigned __int128 rate = c->rate_milli + (unsigned __int128)c->goodput_milli * permil / MILLI;
    uint64_t most =
        ceiling_milli && ceiling_milli < ADAPTIVE_MAX_MILLI ? ceiling_milli : ADAPTIVE_MAX_MILLI;
    return rate < most ? (uint64_t)rate : most;
}

static struct adaptive_view view_of(const struct cut *c, uint64_t ceiling_milli, int64_t now_ns)
{
    return (struct adaptive_view){.rate_milli = rate_at(c, ceiling_milli, now_ns),
                                  .cut_milli = c->rate_milli,
                                  .goodput_milli = c->goodput_milli,
                                  .cut_ns = c->at_ns,
                                  .off_ns = c->at_ns + ADAPTIVE_OFF_NS};
}

/* While the rate grew, the goodput followed it. What counts is which part of the requests was accepted. */
static uint64_t cut_again(const struct adaptive *a, const struct cut *before,
                          uint64_t goodput_milli, uint64_t ceiling_milli, int64_t now_ns)
{
    uint64_t rate = rate_at(before, ceiling_milli, now_ns);
    uint64_t then = rate_at(before, ceiling_milli, now_ns - goodput_age_ns(a, now_ns));
    uint64_t accepted = goodput_milli < then ? rate * goodput_milli / then : rate;
    uint64_t next = accepted * CUT_PERCENT / 100;
    return next > rate / 2 ? next : rate / 2;
}

bool adaptive_throttled(struct adaptive *a, uint64_t ceiling_milli, int64_t now_ns,
                        struct adaptive_view *v)
{
    uint64_t raw = atomic_load_explicit(&a->cut, memory_order_relaxed), next;
    struct cut c;
    bool first;
    do {
        struct cut before = cut_unpack(raw);
        c.at_ns = now_ns;
        first = !is_on(raw, &before, now_ns);
        if (!first) {
            if (now_ns - before.at_ns < CUT_APART_NS)
                return false;
            c.goodput_milli = adaptive_goodput_milli(a, now_ns);
            c.rate_milli = cut_again(a, &before, c.goodput_milli, ceiling_milli, now_ns);
        } else {
            if (!measure_first(a, now_ns, &c.goodput_milli))
                return false;
            c.rate_milli = c.goodput_milli * CUT_PERCENT / 100;
        }
        c.goodput_milli = at_least(c.goodput_milli);
        c.rate_milli = at_least(c.rate_milli);
        next = cut_pack(c);
    } while (!atomic_compare_exchange_weak_explicit(&a->cut, &raw, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    c = cut_unpack(next);
    *v = view_of(&c, ceiling_milli, now_ns);
    v->first = first;
    return true;
}

bool adaptive_read(const struct adaptive *a, uint64_t ceiling_milli, int64_t now_ns,
                   struct adaptive_view *v)
{
    uint64_t raw = atomic_load_explicit(&a->cut, memory_order_relaxed);
    struct cut c = cut_unpack(raw);
    if (!is_on(raw, &c, now_ns))
        return false;
    *v = view_of(&c, ceiling_milli, now_ns);
    return true;
}

int64_t adaptive_take_end(struct adaptive *a, int64_t now_ns)
{
    uint64_t raw = atomic_load_explicit(&a->cut, memory_order_relaxed);
    struct cut c = cut_unpack(raw);
    if (!raw || now_ns - c.at_ns < ADAPTIVE_OFF_NS ||
        !atomic_compare_exchange_strong_explicit(&a->cut, &raw, 0, memory_order_relaxed,
                                                 memory_order_relaxed))
        return 0;
    return c.at_ns + ADAPTIVE_OFF_NS;
}

struct rate adaptive_rate(uint64_t rate_milli)
{
    uint64_t milli = at_least(rate_milli);
    return (struct rate){.tokens = 1,
                         .burst = ADAPTIVE_BURST,
                         .interval_ns = (int64_t)((1000 * (uint64_t)NS_PER_S + milli - 1) / milli)};
}
