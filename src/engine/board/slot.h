/* SPDX-License-Identifier: MIT
 *
 * A slot of the board: everything that is known of one host, and shared by all processes.
 *
 *     offset  size
 *       0       8  key               ┐
 *       8       8  pause_until_ns    │ line 0: read by every decision, written only when
 *      16      16  breaker           │ something unusual happens
 *      32       8  budget            │
 *      40       8  results_in_row    │
 *      48       8  last_used_ns      │
 *      56       8  max_ns            ┘
 *      64      32  tat_ns[4]         ┐ line 1: written when a request begins and is admitted
 *      96      32  limit_count[4]    ┘
 *     128     384  stripe[2]           lines 2-7: written when an attempt or a request ends
 *     512     288  latency_high[72]
 *     800      64  failures_by[8], retries_by[8]
 *     864      40  status_since_ms, last_success_ms, last_failure_ms, last_error, failed_attempts
 *     904      16  window_ms[4]        of each TAT
 *     920      23  limit and budget as shown, kind
 *     943       1  published           1: the name is complete
 *     944      80  name                ends with NUL
 *    1024      64  refuse_until_ns, pause      line 16, of a pause (board/pause.h)
 *    1088      64  part_until_ns, part_pause   line 17, for display: of a pause of a part of the host;
 *                  of a slot of kind OBSERVED: family_lag[4]
 *    1152      24  adaptive (adaptive.h)     line 18, of policies that few hosts have
 *    1176      40  policy_count[5]
 *    1216      16  what is shown of them     line 19
 *    1280
 *
 * A slot of kind BULKHEAD or SLO has words of its own, own[92], in place of those from 128 to 864.
 *
 * Invariants:
 * - A slot belongs to a key iff its word `key` equals it. 0: free. Top bit set: it changes hands and
 *   belongs to no key (board.c). A slot that was in use once is never free again.
 * - A slot may be given to another key when it is idle (board.h). A caller that keeps a pointer to it
 *   compares `key` before each use (slot_touch) and finds the slot again if it differs.
 * - A word is never torn: each is one atomic of at most 64 bits. What needs several words can be seen
 *   half changed: the name (complete iff `published`; of two hosts while the slot changes hands or is
 *   renamed), the sums over stripes, and a histogram (a carry may be missing: latency.h).
 * - A TAT belongs to the window in window_ms at the same index, whichever rates are configured for that
 *   window. Windows are taken in order and stay until the slot changes hands.
 * - Every value may be damaged. Readers limit each to what this library can write (view.h).
 *
 * Moments in _ns are CLOCK_MONOTONIC of the boot, those in _ms wall clock, for display only. Functions:
 * any thread, any process, after fork; none blocks or fails. */
#ifndef ENGINE_BOARD_SLOT_H
#define ENGINE_BOARD_SLOT_H

#include "base/clock.h"
#include "base/compiler.h"
#include "base/cpu.h"
#include "engine/board/adaptive.h"
#include "engine/board/breaker.h"
#include "engine/board/budget.h"
#include "engine/board/counters.h"
#include "engine/board/history.h"
#include "engine/board/latency.h"
#include "engine/policy/classify.h"
#include "engine/policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_NAME_SIZE  80
#define PAUSE_LINE_SIZE 48
#define STRIPES         LATENCY_STRIPES

/* BUCKET: a limit only, not shown. PROXY: status and breaker of a proxy; its requests are also counted
 * for the hosts behind it. CHECK: an active check; check_slot.h says what its words mean. OBSERVED: what
 * programs with mode = observe would have done with a host, proxy or bucket: their limit, breaker and
 * budget, and in the counters the waits, refusals and retries that were not made. BULKHEAD: permits of a
 * concurrency limit. PLACE: status, breaker and counters of one place of a name; its requests are also
 * counted for the name. SLO: good and bad requests of a host by time. */
enum slot_kind {
    SLOT_HOST = 1,
    SLOT_BUCKET = 2,
    SLOT_PROXY = 3,
    SLOT_CHECK = 4,
    SLOT_OBSERVED = 5,
    SLOT_BULKHEAD = 6,
    SLOT_PLACE = 7,
    SLOT_SLO = 8,
};

#define STRIPED_COUNTERS (FIRST_SELDOM - FIRST_STRIPED)
#define SELDOM_COUNTERS  (FIRST_POLICY - FIRST_SELDOM)
#define POLICY_COUNTERS  (COUNTER_COUNT - FIRST_POLICY)
#define OWN_WORDS        92 /* of kinds without attempts of their own */

/* What every attempt writes exists STRIPES times, and each CPU writes one of them, so that two CPUs
 * rarely compete for a cache line. Readers add them up. */
struct stripe {
    _Atomic uint64_t count[STRIPED_COUNTERS];
    _Atomic uint64_t seldom[SELDOM_COUNTERS / STRIPES]; /* not striped: dealt out to the stripes */
    _Atomic uint16_t latency_low[LATENCY_BUCKETS];
};

/* The response that asked for a pause. */
struct pause_cause {
    _Atomic uint32_t length_ms;
    _Atomic uint16_t status;
    uint16_t unused;
    char line[PAUSE_LINE_SIZE]; /* of its header */
};

/* In observe mode, how far behind a process would be by now if its waits were made, left for the next
 * process that the same parent starts: call/lag.c. */
struct family_lag {
    _Atomic uint64_t parent_lag; /* parent:24, lag:40 in units of 2^20 ns */
    _Atomic int64_t ended_ns;    /* the last request of such a process */
};
#define SLOT_FAMILIES 4

/* A member with two names is a union of what it means for a host and for a check, or for OBSERVED. */
struct slot {
    _Atomic uint64_t key; /* board_key of the hash; 0: free; top bit: changing hands */
    union {
        _Atomic int64_t
            pause_until_ns; /* the server asked for no requests until then: board/pause.h */
        _Atomic int64_t check_due_ns;
    };
    struct breaker breaker;
    struct budget budget;
    _Atomic uint64_t results_in_row; /* status.c packs the status and the row */
    _Atomic int64_t last_used_ns;
    _Atomic int64_t max_ns; /* longest attempt */

    _Atomic int64_t tat_ns[RATES_MAX]; /* gcra.h; each of the window in window_ms */
    union {
        _Atomic uint64_t limit_count[FIRST_STRIPED];
        _Atomic uint64_t check_target;
    };

    union {
        struct {
            struct stripe stripe[STRIPES];
            _Atomic uint32_t latency_high[LATENCY_BUCKETS];
            /* clang-format off */
#define BY_REASON(member, ...) _Atomic uint32_t member[REASON_GROUPS];
            COUNTERS_BY_REASON(BY_REASON)
#undef BY_REASON
            /* clang-format on */
        };
        _Atomic uint64_t own[OWN_WORDS]; /* of kind BULKHEAD: bulkhead.h; of kind SLO: slo.h */
    };
    _Atomic int64_t status_since_ms; /* 0: since it was first seen */
    _Atomic int64_t last_success_ms; /* 0: never */
    _Atomic int64_t last_failure_ms;
    _Atomic uint64_t last_error;           /* last_error_pack */
    _Atomic uint64_t failed_attempts;      /* attempts without success */
    _Atomic uint32_t window_ms[RATES_MAX]; /* of each TAT; 0: not taken, nor those after it */
    union {
        _Atomic uint64_t shown_rate; /* tokens:32 burst:32 of the limit that applies, for display */
        _Atomic int64_t check_took_ns;
    };
    union {
        _Atomic uint32_t shown_window_ms;
        _Atomic uint32_t check_interval_ms;
    };
    _Atomic float budget_fill_ms;  /* of the reserve that applies, for display: budget.h */
    _Atomic uint32_t bucket_index; /* slot of that limit if it is another one, + 1 */
    uint16_t unused;
    _Atomic uint8_t kind;      /* enum slot_kind */
    _Atomic uint8_t published; /* 1: the name is complete */
    char name[SLOT_NAME_SIZE];

    _Atomic int64_t refuse_until_ns;
    struct pause_cause pause; /* of the pause that ends at pause_until_ns */
    union {
        struct {
            _Atomic int64_t part_until_ns;
            struct pause_cause part_pause;
        };
        struct family_lag family_lag[SLOT_FAMILIES];
    };

    struct adaptive adaptive;
    _Atomic uint64_t policy_count[POLICY_COUNTERS];
    /* For display: of the settings that apply. */
    _Atomic uint32_t shown_concurrency; /* 0: none */
    _Atomic uint32_t bulkhead_index;    /* slot of its permits, + 1 */
    _Atomic uint32_t shown_slo_ppm;     /* 0: none */
    _Atomic uint32_t shown_slo_latency_ms;
} __attribute__((aligned(CACHE_LINE)));

/* Room for the name and a NUL; what is longer is cut. Only the board calls this. */
void slot_publish(struct slot *s, const char *name, enum slot_kind kind);
/* Another name for a slot that keeps its key. A concurrent reader may see parts of both. */
void slot_rename(struct slot *s, const char *name);
/* Ends with NUL; any bytes otherwise (view.h makes them printable). */
void slot_read_name(const struct slot *s, char name[SLOT_NAME_SIZE]);
/* All but the key. Only the board calls this. */
void slot_clear(struct slot *s);
/* Forgets debts, breaker, budget and counters. The slot stays with its key, and each TAT with its
 * window, because there may be bindings to them. */
void slot_reset(struct slot *s);

/* Index of the TAT of the window; -1: there is none. */
int slot_window(const struct slot *s, int64_t window_ns);
/* The same, and takes one if there is none; -1: all belong to other windows. */
int slot_claim_window(struct slot *s, int64_t window_ns);

uint64_t slot_counter(const struct slot *s, enum counter c);
/* Adds the counters of a host to the sums of the history. Does nothing for other slots: the requests of a
 * proxy are counted for the hosts behind it. */
void slot_add_sums(const struct slot *s, uint64_t sum[HISTORY_COUNTED]);

/* The parts of slot->last_error. */
struct last_error {
    enum class class;
    enum reason reason;
    int curl, http, os_errno;
};

static inline uint64_t last_error_pack(struct last_error e)
{
    return (uint64_t)(uint8_t)e.class | (uint64_t)(uint8_t)e.reason << 8 |
           (uint64_t)(uint16_t)e.curl << 16 | (uint64_t)(uint16_t)e.http << 32 |
           (uint64_t)(uint16_t)e.os_errno << 48;
}

static inline struct last_error last_error_unpack(uint64_t w)
{
    return (struct last_error){.class = (enum class)(w & 0xff),
                               .reason = (enum reason)(w >> 8 & 0xff),
                               .curl = (uint16_t)(w >> 16),
                               .http = (uint16_t)(w >> 32),
                               .os_errno = (uint16_t)(w >> 48)};
}

/* A slot that is not used for so long may be idle (board.h). */
#define SLOT_IDLE_NS (600 * NS_PER_S)
/* A last use up to this far ahead was written by a process that read the clock later; one further ahead is
 * damaged. */
#define SLOT_AHEAD_NS (3600 * NS_PER_S)
/* Precision of the last use, so that the line of a busy slot is not written for each request. */
#define SLOT_TOUCH_NS NS_PER_S

/* Notes that the slot is in use. True if it still belongs to the key: then it does for SLOT_IDLE_NS
 * more: either we see that it was taken, or the process that takes it sees that it is in use. */
static inline bool slot_touch(struct slot *s, uint64_t key, int64_t now_ns)
{
    int64_t used = atomic_load_explicit(&s->last_used_ns, memory_order_relaxed);
    if (unlikely(used <= now_ns - SLOT_TOUCH_NS || used > now_ns + SLOT_AHEAD_NS))
        atomic_store(&s->last_used_ns, now_ns);
    return atomic_load(&s->key) == key;
}

/* Of a striped counter, the part of this CPU. */
static inline _Atomic uint64_t *slot_counter_at(struct slot *s, enum counter c)
{
    if (c < FIRST_STRIPED)
        return &s->limit_count[c];
    if (c < FIRST_SELDOM)
        return &s->stripe[cpu_number() % STRIPES].count[c - FIRST_STRIPED];
    if (c >= FIRST_POLICY)
        return &s->policy_count[c - FIRST_POLICY];
    unsigned i = c - FIRST_SELDOM;
    return &s->stripe[i % STRIPES].seldom[i / STRIPES];
}

static inline void slot_count(struct slot *s, enum counter c, uint64_t n)
{
    atomic_fetch_add_explicit(slot_counter_at(s, c), n, memory_order_relaxed);
}

/* Counts an attempt and how long it took. */
static inline void slot_attempt(struct slot *s, int64_t duration_ns)
{
    struct stripe *own = &s->stripe[cpu_number() % STRIPES];
    int i = latency_bucket(duration_ns);
    uint16_t was = atomic_fetch_add_explicit(&own->latency_low[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&own->count[COUNT_DURATION_NS - FIRST_STRIPED], (uint64_t)duration_ns,
                              memory_order_relaxed);
    if (unlikely(latency_carry_due(was)))
        latency_carry(&s->latency_high[i], &s->stripe[0].latency_low[i],
                      &s->stripe[1].latency_low[i]);
}

/* How many attempts are in bucket i of the histogram. */
static inline uint64_t slot_latency(const struct slot *s, int i)
{
    return latency_count(&s->latency_high[i], &s->stripe[0].latency_low[i],
                         &s->stripe[1].latency_low[i]);
}

#endif
