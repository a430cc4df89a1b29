/* SPDX-License-Identifier: MIT */
#include "engine/board/breaker.h"

#include "base/minmax.h"

/* A probe whose process was killed is replaced after this time. */
#define PROBE_LEASE_NS (30 * NS_PER_S)
/* When to try again while another request is the probe. */
#define PROBE_POLL_NS (1 * NS_PER_S)
/* Results that a ratio needs. */
#define WINDOW_MIN 10
/* A row of failures that is less likely than this is not chance. */
#define CHANCE 1e-6
/* A time further ahead is damage, whatever the configuration. */
#define HORIZON_NS (24 * 3600 * NS_PER_S)

/* state: 2 bits, trips 6, successes 6, failures in a row 10, time in ms 40. The time is when an
 * open circuit becomes half-open, or when the lease of a probe expires (0: no probe). */
#define STATE_MASK 3u
#define TRIPS_MAX  63u
#define ROW_MAX    1023u
#define MS_MAX     ((1ULL << 40) - 1)

struct circuit {
    enum breaker_state state;
    unsigned trips, successes, failures;
    int64_t time_ns;
};

static struct circuit state_unpack(uint64_t w)
{
    unsigned state = w & STATE_MASK;
    return (struct circuit){
        .state = state <= BREAKER_HALF_OPEN ? (enum breaker_state)state : BREAKER_CLOSED,
        .trips = (w >> 2) & TRIPS_MAX,
        .successes = (w >> 8) & TRIPS_MAX,
        .failures = (w >> 14) & ROW_MAX,
        .time_ns = (int64_t)(w >> 24) * NS_PER_MS,
    };
}

static unsigned capped(unsigned n, unsigned max)
{
    return n < max ? n : max;
}

static uint64_t state_pack(struct circuit w)
{
    uint64_t ms = w.time_ns > 0 ? ((uint64_t)w.time_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    return (uint64_t)w.state | (uint64_t)capped(w.trips, TRIPS_MAX) << 2 |
           (uint64_t)capped(w.successes, TRIPS_MAX) << 8 |
           (uint64_t)capped(w.failures, ROW_MAX) << 14 | (ms < MS_MAX ? ms : MS_MAX) << 24;
}

/* Who reads a window that begin_window() has set reads the state that it belongs to, or a later one. */
static uint64_t read_word(const _Atomic uint64_t *w)
{
    return atomic_load_explicit(w, memory_order_acquire);
}

static bool swap_word(_Atomic uint64_t *w, uint64_t *seen, uint64_t next)
{
    return atomic_compare_exchange_weak_explicit(w, seen, next, memory_order_acq_rel,
                                                 memory_order_acquire);
}

/* Call it after the state has changed, on which the meaning of the window depends. */
static void begin_window(struct breaker *b, uint64_t window)
{
    atomic_store_explicit(&b->window, window, memory_order_release);
}

/* Whether the time is in the future, but not so far that it must be damage. */
static bool pending(int64_t time_ns, int64_t now_ns, int64_t furthest_ns)
{
    return time_ns > now_ns && time_ns - now_ns <= furthest_ns + NS_PER_MS;
}

static bool leased(struct circuit w, int64_t lease_ns)
{
    return w.state == BREAKER_HALF_OPEN && lease_ns && w.time_ns == lease_ns;
}

static uint64_t operation_bit(unsigned operation)
{
    return operation < BREAKER_OPERATIONS ? 1ULL << operation : UINT64_MAX;
}

/* Only for a circuit that is not closed. */
static bool is_tried(const struct breaker *b, unsigned operation)
{
    return read_word(&b->window) & operation_bit(operation);
}

static struct breaker_answer refuse_until(const struct breaker *b, unsigned operation,
                                          int64_t retry_at_ns)
{
    if (!is_tried(b, operation))
        return (struct breaker_answer){.admit = true, .lease_ns = BREAKER_UNTRIED};
    return (struct breaker_answer){.retry_at_ns = retry_at_ns};
}

struct breaker_answer breaker_admit(struct breaker *b, const struct policy *p, unsigned operation,
                                    int64_t lease_ns, int64_t now_ns)
{
    uint64_t raw = read_word(&b->state);
    for (;;) {
        struct circuit w = state_unpack(raw);
        bool own_lease = leased(w, lease_ns);
        if (w.state == BREAKER_CLOSED)
            return (struct breaker_answer){.admit = true};
        if (w.state == BREAKER_OPEN &&
            pending(w.time_ns, now_ns, smaller(p->breaker_max_open_ns, HORIZON_NS)))
            return refuse_until(b, operation, w.time_ns);
        if (w.state == BREAKER_HALF_OPEN && !own_lease &&
            pending(w.time_ns, now_ns, PROBE_LEASE_NS))
            return refuse_until(b, operation, smaller(w.time_ns, now_ns + PROBE_POLL_NS));
        if (w.state == BREAKER_OPEN)
            w.successes = 0;
        bool changed = w.state == BREAKER_OPEN;
        w.state = BREAKER_HALF_OPEN;
        w.time_ns = now_ns + PROBE_LEASE_NS;
        uint64_t next = state_pack(w);
        if (swap_word(&b->state, &raw, next))
            return (struct breaker_answer){
                .admit = true, .lease_ns = state_unpack(next).time_ns, .changed = changed};
    }
}

/* Up to a tenth less than the full time, so that circuits do not all become half-open at once. */
static int64_t open_for_ns(const struct policy *p, unsigned trips, uint64_t random)
{
    int64_t max = smaller(p->breaker_max_open_ns, HORIZON_NS);
    int64_t d = max;
    if (__builtin_mul_overflow(p->breaker_open_ns, (int64_t)trips, &d) || d > max)
        d = max;
    if (d <= 0)
        return 0;
    return d - (int64_t)(((unsigned __int128)(uint64_t)(d / 10) * random) >> 64);
}

static struct circuit open_again(const struct policy *p, struct circuit w, int64_t now_ns,
                                 uint64_t random)
{
    unsigned trips = capped(w.trips + 1, TRIPS_MAX);
    return (struct circuit){
        .state = BREAKER_OPEN, .trips = trips, .time_ns = now_ns + open_for_ns(p, trips, random)};
}

/* window: start in s 24 bits, results before it 24 (low bits of the count), failures 16; 0: none. A
 * success changes nothing here: the number of results is the difference of two counts. */
#define COUNT_MASK  0xffffffu
#define FAILED_BITS 16
#define FAILED_MASK 0xffffu
/* Beyond these both counts are halved, before they overflow. */
#define HALVE_FAILED (FAILED_MASK / 2)
#define HALVE_TOTAL  (COUNT_MASK / 2)
/* A total beyond this is negative: counted before another thread began the window. */
#define BEHIND (COUNT_MASK - 0xffff)

static uint64_t window_pack(uint32_t start_s, uint32_t before, uint32_t failed)
{
    return (uint64_t)(start_s & BREAKER_START_MASK) << BREAKER_START_SHIFT |
           (uint64_t)(before & COUNT_MASK) << FAILED_BITS | failed;
}

static bool is_closed(const struct breaker *b)
{
    return state_unpack(read_word(&b->state)).state == BREAKER_CLOSED;
}

/* Counts a result; true when the ratio says that the circuit must open. False if it is open already: then the
 * window has the bits of operations. */
static bool window_add(struct breaker *b, const struct policy *p, bool failed, uint64_t results,
                       int64_t now_ns)
{
    uint64_t raw = read_word(&b->window);
    uint32_t start, before, bad, total;
    do {
        bool over = breaker_window_over(raw, now_ns);
        if (!failed && (!over || !results))
            return false; /* the usual case: no write */
        if (!is_closed(b))
            return false;
        start =
            over ? (uint32_t)((uint64_t)now_ns / NS_PER_S) : (uint32_t)(raw >> BREAKER_START_SHIFT);
        before = over ? (uint32_t)results - 1 : (uint32_t)(raw >> FAILED_BITS);
        bad = (over ? 0 : (uint32_t)raw & FAILED_MASK) + failed;
        total = ((uint32_t)results - before) & COUNT_MASK;
        if (total < bad || total > BEHIND)
            total = bad;
        if (bad > HALVE_FAILED || total > HALVE_TOTAL) {
            bad /= 2;
            total /= 2;
            before = (uint32_t)results - total;
        }
    } while (!swap_word(&b->window, &raw, window_pack(start, before, bad)));
    return failed && p->breaker_ratio_percent > 0 && total >= WINDOW_MIN &&
           bad * 100 >= total * (uint64_t)p->breaker_ratio_percent;
}

bool breaker_wants_results(const struct breaker *b, bool good, int64_t now_ns)
{
    return !good || breaker_window_over(read_word(&b->window), now_ns);
}

unsigned breaker_min_row(uint64_t successes, uint64_t failures)
{
    if (!successes || !failures)
        return 0;
    /* Laplace's estimate: as if one more of each had been seen. */
    double share = ((double)failures + 1) / ((double)successes + (double)failures + 2), chance = 1;
    unsigned row = 0;
    while (chance > CHANCE && row < ROW_MAX) {
        chance *= share;
        row++;
    }
    return row;
}

/* The row itself does not count as history. */
static unsigned min_row(const struct breaker_result *r, struct circuit w)
{
    uint64_t before = r->failures > w.failures ? r->failures - w.failures : 0;
    return breaker_min_row(r->successes, before);
}

static bool is_good(const struct breaker_result *r)
{
    return r->success && !r->slow;
}

/* The operations that a bad result stands for: a slow one for all. */
static uint64_t bad_operations(const struct breaker_result *r)
{
    return operation_bit(r->slow ? BREAKER_EVERYTHING : r->operation);
}

/* If the circuit closed meanwhile, the bit would be read as a count: clear it. */
static void note_failed(struct breaker *b, unsigned operation)
{
    atomic_fetch_or_explicit(&b->window, operation_bit(operation), memory_order_acq_rel);
    if (is_closed(b))
        begin_window(b, 0);
}

static bool report_closed(struct breaker *b, const struct policy *p, const struct breaker_result *r,
                          int64_t now_ns, uint64_t random)
{
    bool ratio = window_add(b, p, !is_good(r), r->results, now_ns);
    uint64_t raw = read_word(&b->state);
    for (;;) {
        struct circuit w = state_unpack(raw);
        if (w.state != BREAKER_CLOSED) { /* another thread opened it */
            if (!is_good(r))
                note_failed(b, r->operation);
            return false;
        }
        bool slow = r->success && ratio; /* a good result reaches no ratio */
        if (r->success && !w.failures && !slow)
            return false;
        struct circuit next = w;
        next.failures = r->success ? 0 : capped(w.failures + 1, ROW_MAX);
        bool trip = !r->success && (r->unreachable || !r->recent_success) &&
                    next.failures >= min_row(r, w) &&
                    (ratio || next.failures >= (unsigned)p->breaker_failures);
        if (trip || slow)
            next = open_again(p, w, now_ns, random);
        if (!swap_word(&b->state, &raw, state_pack(next)))
            continue;
        if (trip || slow)
            begin_window(b, bad_operations(r));
        return trip || slow;
    }
}

/* The state after a result while the circuit is not closed. Requests that were under way when it opened
 * change nothing. If a recent request succeeded, a failed probe counts only against its operation. Each
 * time the circuit opens, all operations but the failed one may be tried again. */
static struct circuit next_state(const struct policy *p, const struct breaker_result *r,
                                 struct circuit w, int64_t now_ns, uint64_t random)
{
    if (r->lease_ns == BREAKER_UNTRIED && is_good(r))
        return (struct circuit){.state = BREAKER_CLOSED};
    if (!leased(w, r->lease_ns))
        return w;
    if (r->slow || (!r->success && !r->recent_success)) {
        struct circuit again = open_again(p, w, now_ns, random);
        if (r->elsewhere)
            again.time_ns = now_ns + open_for_ns(p, 1, random);
        return again;
    }
    w.time_ns = 0;
    w.successes += r->success;
    if (w.successes >= (unsigned)p->breaker_successes)
        return (struct circuit){.state = BREAKER_CLOSED};
    return w;
}

static bool report_open(struct breaker *b, const struct policy *p, const struct breaker_result *r,
                        int64_t now_ns, uint64_t random)
{
    uint64_t raw = read_word(&b->state);
    for (;;) {
        struct circuit w = state_unpack(raw);
        if (w.state == BREAKER_CLOSED)
            return false; /* another thread closed it */
        struct circuit next = next_state(p, r, w, now_ns, random);
        if (state_pack(next) != raw && !swap_word(&b->state, &raw, state_pack(next)))
            continue;
        bool changed =
            next.state == BREAKER_CLOSED || next.trips != w.trips || next.state != w.state;
        if (changed)
            begin_window(b, next.state == BREAKER_CLOSED ? 0 : bad_operations(r));
        else if (!is_good(r))
            note_failed(b, r->operation);
        return changed;
    }
}

bool breaker_report(struct breaker *b, const struct policy *p, const struct breaker_result *r,
                    int64_t now_ns, uint64_t random)
{
    if (is_closed(b))
        return report_closed(b, p, r, now_ns, random);
    return report_open(b, p, r, now_ns, random);
}

void breaker_cancel(struct breaker *b, int64_t lease_ns)
{
    uint64_t raw = read_word(&b->state);
    struct circuit w;
    do {
        w = state_unpack(raw);
        if (!leased(w, lease_ns))
            return;
        w.time_ns = 0;
    } while (!swap_word(&b->state, &raw, state_pack(w)));
}

bool breaker_half_open(struct breaker *b, int64_t now_ns)
{
    uint64_t raw = read_word(&b->state);
    struct circuit w;
    do {
        w = state_unpack(raw);
        if (w.state != BREAKER_OPEN || !pending(w.time_ns, now_ns, HORIZON_NS))
            return false;
        w.state = BREAKER_HALF_OPEN;
        w.successes = 0;
        w.time_ns = 0;
    } while (!swap_word(&b->state, &raw, state_pack(w)));
    return true;
}

/* No probe has failed, so the circuit does not open for longer than before. */
bool breaker_force_open(struct breaker *b, const struct policy *p, int64_t now_ns, uint64_t random)
{
    uint64_t raw = read_word(&b->state);
    struct circuit w;
    do {
        w = state_unpack(raw);
        if (w.state == BREAKER_OPEN &&
            pending(w.time_ns, now_ns, smaller(p->breaker_max_open_ns, HORIZON_NS)))
            return false;
        w.trips -= w.trips > 0;
    } while (!swap_word(&b->state, &raw, state_pack(open_again(p, w, now_ns, random))));
    begin_window(b, operation_bit(BREAKER_EVERYTHING));
    return true;
}

enum breaker_state breaker_state_at(const struct breaker *b, int64_t now_ns)
{
    struct circuit w = state_unpack(read_word(&b->state));
    return w.state == BREAKER_OPEN && !pending(w.time_ns, now_ns, HORIZON_NS) ? BREAKER_HALF_OPEN
                                                                              : w.state;
}

int64_t breaker_open_until_ns(const struct breaker *b, const struct policy *p, unsigned operation,
                              int64_t now_ns)
{
    struct circuit w = state_unpack(read_word(&b->state));
    int64_t max = smaller(p->breaker_max_open_ns, HORIZON_NS);
    bool is_open = w.state == BREAKER_OPEN && pending(w.time_ns, now_ns, max);
    return is_open && is_tried(b, operation) ? w.time_ns : 0;
}

int breaker_trips(const struct breaker *b)
{
    return (int)state_unpack(read_word(&b->state)).trips;
}

const char *breaker_state_name(enum breaker_state s)
{
    return s == BREAKER_OPEN ? "open" : s == BREAKER_HALF_OPEN ? "half-open" : "closed";
}
