/* SPDX-License-Identifier: MIT */
#include "engine/board/slo.h"

#include "base/compiler.h"
#include "base/minmax.h"
#include "base/precondition.h"

/* ---- cells: the round of its ring in the top bits, then the total, then the bad ones ---------- */

struct ring {
    int64_t unit_ns;
    uint32_t size;
    unsigned count_bits; /* of each count; the round has the rest, enough for years */
};
static const struct ring minutes = {SLO_MINUTE_NS, SLO_MINUTES, 25};
static const struct ring hours = {SLO_HOUR_NS, SLO_HOURS, 27};

/* A cell that is at most this many rounds ahead is of a caller that read the clock later. */
#define ROUNDS_AHEAD 24

static uint64_t round_mask(const struct ring *r)
{
    return (1ULL << (64 - 2 * r->count_bits)) - 1;
}

static uint64_t round_of(uint64_t cell, const struct ring *r)
{
    return cell >> 2 * r->count_bits;
}

static uint64_t round_at(int64_t period, const struct ring *r)
{
    return ((uint64_t)period / r->size) & round_mask(r);
}

static struct slo_sum counts_of(uint64_t cell, const struct ring *r)
{
    uint64_t mask = (1ULL << r->count_bits) - 1;
    struct slo_sum n = {.total = cell >> r->count_bits & mask, .bad = cell & mask};
    if (n.bad > n.total)
        n.bad = n.total;
    return n;
}

static uint64_t pack(uint64_t round, struct slo_sum n, const struct ring *r)
{
    return round << 2 * r->count_bits | n.total << r->count_bits | n.bad;
}

static bool is_later(uint64_t round, uint64_t than, const struct ring *r)
{
    uint64_t ahead = (round - than) & round_mask(r);
    return ahead && ahead <= ROUNDS_AHEAD;
}

static void count_in(_Atomic uint64_t *cells, const struct ring *r, bool bad, int64_t now_ns)
{
    int64_t period = now_ns / r->unit_ns;
    _Atomic uint64_t *cell = &cells[(uint64_t)period % r->size];
    uint64_t round = round_at(period, r), most = (1ULL << r->count_bits) - 1;
    uint64_t seen = atomic_load_explicit(cell, memory_order_relaxed);
    struct slo_sum n;
    do {
        if (is_later(round_of(seen, r), round, r))
            return;
        n = round_of(seen, r) == round ? counts_of(seen, r) : (struct slo_sum){0};
        if (n.total == most)
            n = (struct slo_sum){.total = n.total / 2, .bad = n.bad / 2};
        n.total++;
        n.bad += bad;
    } while (!atomic_compare_exchange_weak_explicit(cell, &seen, pack(round, n, r),
                                                    memory_order_relaxed, memory_order_relaxed));
}

/* Of the n cells that end with this period. */
static struct slo_sum sum_of(const _Atomic uint64_t *cells, const struct ring *r, int64_t last,
                             int n)
{
    struct slo_sum sum = {0};
    for (int64_t p = last; p > last - n && p >= 0; p--) {
        uint64_t cell = atomic_load_explicit(&cells[(uint64_t)p % r->size], memory_order_relaxed);
        struct slo_sum one = counts_of(cell, r);
        if (round_of(cell, r) != round_at(p, r))
            continue;
        sum.total += one.total;
        sum.bad += one.bad;
    }
    return sum;
}

/* ---- windows ---------------------------------------------------------------------------------- */

static const struct window {
    char name[4];
    bool by_hour;
    int cells; /* besides the current one */
} windows[SLO_WINDOWS] = {
    [SLO_5MIN] = {"5m", false, 5}, [SLO_30MIN] = {"30m", false, 30}, [SLO_1H] = {"1h", false, 60},
    [SLO_6H] = {"6h", true, 6},    [SLO_24H] = {"24h", true, 24},
};
_Static_assert(SLO_MINUTES > 60 + 1 && SLO_HOURS > 24 + 1, "a late caller has a cell of its own");

const enum slo_window slo_rate_windows[] = {SLO_5MIN, SLO_30MIN, SLO_1H, SLO_6H};
const enum slo_window slo_budget_windows[] = {SLO_1H, SLO_24H};

const char *slo_window_name(enum slo_window w)
{
    return windows[w].name;
}

void slo_count(struct slo *s, bool bad, int64_t now_ns)
{
    precondition(now_ns >= 0);
    atomic_fetch_add_explicit(bad ? &s->bad : &s->good, 1, memory_order_relaxed);
    count_in(s->minute, &minutes, bad, now_ns);
    count_in(s->hour, &hours, bad, now_ns);
}

/* begun: how much of the last period: 1 some of it, 0 none, as at the moment at which it begins. */
static struct slo_sum sum_at(const struct slo *s, enum slo_window w, int64_t at_ns, int begun)
{
    const struct ring *r = windows[w].by_hour ? &hours : &minutes;
    return sum_of(windows[w].by_hour ? s->hour : s->minute, r, at_ns / r->unit_ns - 1 + begun,
                  windows[w].cells + begun);
}

struct slo_sum slo_sum(const struct slo *s, enum slo_window w, int64_t now_ns)
{
    return sum_at(s, w, now_ns, 1);
}

struct slo_sum slo_sum_of_hour(const struct slo *s, int ago, int64_t now_ns)
{
    precondition(ago >= 0 && ago < SLO_HOURS - 1);
    return sum_of(s->hour, &hours, now_ns / SLO_HOUR_NS - ago, 1);
}

/* ---- burn rates ------------------------------------------------------------------------------- */

static const struct pair {
    enum slo_window window[2]; /* the short one, which is usually empty, first */
    unsigned tenths;           /* of the threshold */
} pairs[] = {
    [SLO_FAST] = {{SLO_5MIN, SLO_1H}, 144},
    [SLO_SLOW] = {{SLO_30MIN, SLO_6H}, 60},
};

double slo_burn_rate(struct slo_sum n, uint32_t ppm)
{
    precondition(ppm < SLO_WHOLE_PPM);
    if (!n.total)
        return 0;
    return (double)n.bad * SLO_WHOLE_PPM / ((double)n.total * (double)(SLO_WHOLE_PPM - ppm));
}

double slo_budget_left(struct slo_sum n, uint32_t ppm)
{
    return 1 - slo_burn_rate(n, ppm);
}

int64_t slo_milli(double rate_or_budget)
{
    return (int64_t)(rate_or_budget * 1000 + (rate_or_budget < 0 ? -0.5 : 0.5));
}

double slo_threshold(enum slo_pair pair)
{
    return pairs[pair].tenths / 10.0;
}

static bool pair_burns(const struct slo *s, enum slo_pair pair, uint32_t ppm, int64_t at_ns,
                       int begun)
{
    for (int i = 0; i < 2; i++) {
        struct slo_sum n = sum_at(s, pairs[pair].window[i], at_ns, begun);
        if (n.bad * 10 * SLO_WHOLE_PPM <= n.total * pairs[pair].tenths * (SLO_WHOLE_PPM - ppm))
            return false;
    }
    return true;
}

bool slo_pair_burns(const struct slo *s, enum slo_pair pair, uint32_t ppm, int64_t now_ns)
{
    precondition(ppm < SLO_WHOLE_PPM);
    return pair_burns(s, pair, ppm, now_ns, 1);
}

/* ---- beginning and end ------------------------------------------------------------------------ */

/* A moment up to this far ahead is of a caller that read the clock later, or this one was stopped in between. One
 * further ahead is damaged. */
#define AHEAD_NS SLO_HOUR_NS

/* When this minute is over. */
static int64_t minute_end_ns(int64_t now_ns)
{
    return (now_ns / SLO_MINUTE_NS + 1) * SLO_MINUTE_NS;
}

/* s->ends_ns; 0 if it is damaged. */
static int64_t noticed_until_ns(int64_t ends_ns, int64_t now_ns)
{
    bool possible = ends_ns > 0 && ends_ns % SLO_MINUTE_NS == 0 && ends_ns - now_ns <= AHEAD_NS;
    return possible ? ends_ns : 0;
}

static bool fast_burnt_at(const struct slo *s, uint32_t ppm, int64_t minute_ns)
{
    return pair_burns(s, SLO_FAST, ppm, minute_ns, 0);
}

/* It burns now: since when, as far as it began by time. */
static int64_t began_ns(const struct slo *s, uint32_t ppm, int64_t now_ns)
{
    int64_t at_ns = minute_end_ns(now_ns), began = now_ns;
    for (int i = 0; i < SLO_MINUTES && fast_burnt_at(s, ppm, at_ns -= SLO_MINUTE_NS); i++)
        began = at_ns;
    return began;
}

/* It was seen to burn until ends_ns, which is over: when it ended. 0: not yet. */
static int64_t ended_ns(const struct slo *s, uint32_t ppm, int64_t ends_ns, int64_t now_ns)
{
    for (int i = 0; i < SLO_MINUTES && ends_ns <= now_ns; i++, ends_ns += SLO_MINUTE_NS)
        if (!fast_burnt_at(s, ppm, ends_ns))
            return ends_ns;
    return slo_pair_burns(s, SLO_FAST, ppm, now_ns) ? 0 : now_ns;
}

bool slo_burns(const struct slo *s, uint32_t ppm, int64_t now_ns)
{
    int64_t seen = atomic_load_explicit(&s->ends_ns, memory_order_relaxed);
    return noticed_until_ns(seen, now_ns) > now_ns || slo_pair_burns(s, SLO_FAST, ppm, now_ns);
}

/* What slo_notice would say. *next: the word that says that it was noticed. */
static enum slo_news look(const struct slo *s, uint32_t ppm, int64_t seen, int64_t now_ns,
                          int64_t *at_ns, int64_t *next)
{
    int64_t ends_ns = noticed_until_ns(seen, now_ns);
    *next = seen;
    if (ends_ns > now_ns)
        return SLO_NOTHING;
    if (ends_ns && (*at_ns = ended_ns(s, ppm, ends_ns, now_ns))) {
        *next = 0;
        return SLO_ENDS;
    }
    if (ends_ns) {
        *next = minute_end_ns(now_ns);
        return SLO_NOTHING;
    }
    bool begins = slo_pair_burns(s, SLO_FAST, ppm, now_ns);
    *next = begins ? minute_end_ns(now_ns) : 0;
    if (begins)
        *at_ns = began_ns(s, ppm, now_ns);
    return begins ? SLO_BEGINS : SLO_NOTHING;
}

enum slo_news slo_notice(struct slo *s, uint32_t ppm, int64_t now_ns, int64_t *at_ns)
{
    int64_t next, seen = atomic_load_explicit(&s->ends_ns, memory_order_relaxed);
    enum slo_news news = look(s, ppm, seen, now_ns, at_ns, &next);
    if (likely(next == seen))
        return SLO_NOTHING;
    bool first = atomic_compare_exchange_strong_explicit(
        &s->ends_ns, &seen, next, memory_order_relaxed, memory_order_relaxed);
    return first ? news : SLO_NOTHING;
}

int64_t slo_unnoticed_ns(const struct slo *s, uint32_t ppm, int64_t now_ns)
{
    int64_t next, at_ns = 0, seen = atomic_load_explicit(&s->ends_ns, memory_order_relaxed);
    if (look(s, ppm, seen, now_ns, &at_ns, &next) == SLO_ENDS &&
        slo_pair_burns(s, SLO_FAST, ppm, now_ns))
        at_ns = began_ns(s, ppm, now_ns); /* again */
    return at_ns;
}

int64_t slo_next_ns(const struct slo *s, int64_t now_ns)
{
    int64_t seen = atomic_load_explicit(&s->ends_ns, memory_order_relaxed);
    bool may_change = seen || slo_sum(s, SLO_5MIN, now_ns).bad;
    return may_change ? minute_end_ns(now_ns) : INT64_MAX;
}
