/* SPDX-License-Identifier: MIT
 *
 * The board: all state of all hosts, shared by all processes of a user. One file of fixed size,
 * mapped shared; a header and an open-addressing table of slots, one per bucket key. No locks:
 * every word that several writers change is one 64-bit atomic. It survives every exit of every
 * process, so a job that cron starts each minute finds the breaker that the last one opened.
 *
 *     struct board *b = board_open(dir, 1024, now_ns);      maps, closes the descriptor
 *     struct slot *s = board_slot(b, "api.example.com", hash, SLOT_HOST, now_ns);
 *     slot_count(s, COUNT_REQUESTS, 1);
 *
 * The layout is part of the file's name: programs that were started with another version of the
 * library go on with their own board beside ours, and nobody takes the other's away.
 *
 * Nothing on it is trusted. A file of a foreign owner, with wrong permissions, of another layout or
 * boot, or cut short, is not used: another layout, boot or size is replaced by a fresh file, and
 * where that is not possible the board is private memory. Which boot it is of may be unknown, and is
 * not another one then. Where it may lie: place.h. board_open never fails outright except
 * for lack of memory (NULL). A slot pointer stays mapped for ever, but the slot may be given to
 * another key when the table is full: compare slot->key before use and ask again when it changed.
 *
 * Threads, processes, forks: all functions at any time. The mapping is inherited by fork. */
#ifndef ENGINE_BOARD_BOARD_H
#define ENGINE_BOARD_BOARD_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/cpu.h"
#include "base/sizes.h"
#include "engine/board/breaker.h"
#include "engine/board/budget.h"
#include "engine/board/counters.h"
#include "engine/board/history.h"
#include "engine/board/latency.h"
#include "engine/policy/classify.h"
#include "engine/policy/policy.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_MAGIC         0x6e6564726168626cULL
#define BOARD_LAYOUT        12
#define BOARD_NAME          "board." BOARD_TEXT(BOARD_LAYOUT) /* in the state directory */
#define BOARD_TEXT(n)       BOARD_QUOTED(n)
#define BOARD_QUOTED(n)     #n
#define SLOT_NAME_SIZE      80
#define BOARD_OVERFLOW_NAME "_other"
#define STRIPES             LATENCY_STRIPES
#define BOARD_ATTACHED      256 /* a power of two */

/* BUCKET: a limit only, not shown. PROXY: health and breaker of a proxy; its counts are of requests
 * that count for the hosts behind it already. CHECK: an active check; check_run.h says what its words
 * mean. */
enum slot_kind { SLOT_HOST = 1, SLOT_BUCKET = 2, SLOT_PROXY = 3, SLOT_CHECK = 4 };

enum health_status { STATUS_HEALTHY, STATUS_DEGRADED, STATUS_UNHEALTHY };

#define STRIPED_COUNTERS (FIRST_SELDOM - FIRST_STRIPED)
#define SELDOM_COUNTERS  (COUNTER_COUNT - FIRST_SELDOM)

/* What every attempt writes exists STRIPES times, and each CPU writes one of them, so that two that
 * report at once rarely want the same line. Readers add them up. */
struct stripe {
    _Atomic uint64_t count[STRIPED_COUNTERS];
    _Atomic uint64_t seldom[SELDOM_COUNTERS / STRIPES]; /* these are not striped, but dealt out */
    _Atomic uint16_t latency_low[LATENCY_BUCKETS];
};

struct slot {
    /* Line 0: what every decision reads, and only what is unusual writes. */
    _Atomic uint64_t key; /* board_key of the hash; 0: free; top bit: being given to another */
    _Atomic int64_t gate_until_ns; /* the server asked for silence until then */
    struct breaker breaker;
    struct budget budget;
    _Atomic uint64_t run;         /* results in a row: health.c packs status and count */
    _Atomic int64_t last_used_ns; /* monotonic */
    _Atomic int64_t max_ns;       /* longest attempt */
    /* Line 1: what begin and admit write. A TAT is that of a window, whichever rates are configured
     * for it: below is which window each belongs to. */
    _Atomic int64_t tat_ns[RATES_MAX];
    _Atomic uint64_t limit_count[FIRST_STRIPED];
    /* What report and end write. */
    struct stripe stripe[STRIPES];
    _Atomic uint32_t latency_high[LATENCY_BUCKETS];
    /* Colder lines: failures, words for people. */
    /* clang-format off */
#define BY_REASON(member, ...) _Atomic uint32_t member[REASON_GROUPS];
    COUNTERS_BY_REASON(BY_REASON)
#undef BY_REASON
    /* clang-format on */
    _Atomic int64_t status_since_ms; /* 0: since it was first seen */
    _Atomic int64_t last_success_ms; /* wall clock; 0: never */
    _Atomic int64_t last_failure_ms;
    _Atomic uint64_t last_error;           /* last_error_pack */
    _Atomic uint64_t failed_attempts;      /* that ended otherwise than well */
    _Atomic uint32_t window_ms[RATES_MAX]; /* of each TAT; 0: not taken, and those after it */
    _Atomic uint64_t shown_rate; /* tokens:32 burst:32 of the limit in force, for display */
    _Atomic uint32_t shown_window_ms;
    _Atomic float budget_fill_ms;  /* of the reserve in force, for display: budget.h */
    _Atomic uint32_t bucket_index; /* slot of the limit in force when it is another one, + 1 */
    _Atomic uint16_t gate_s;       /* how long the hint was that set gate_until_ns */
    _Atomic uint8_t kind;          /* enum slot_kind */
    _Atomic uint8_t published;     /* 1: the name is whole */
    char name[SLOT_NAME_SIZE];
} __attribute__((aligned(CACHE_LINE)));

_Static_assert(sizeof(struct slot) == 1024, "a host costs one KiB");
_Static_assert(offsetof(struct slot, tat_ns) == CACHE_LINE, "admit writes one line");
_Static_assert(offsetof(struct slot, stripe) == 2 * CACHE_LINE, "and shares it with no report");
_Static_assert(sizeof(struct stripe) % CACHE_LINE == 0, "stripes share no line");
_Static_assert(SELDOM_COUNTERS % STRIPES == 0, "counters are dealt out evenly");

struct board_header {
    uint64_t magic;
    uint32_t layout;
    uint32_t slot_size;
    uint32_t slot_count; /* without the overflow slot, which comes after them */
    uint32_t uid;        /* of who made it; whose it is the file tells */
    char boot_id[40];
    /* Snapshot: one writer at a time, a lease. */
    alignas(CACHE_LINE) _Atomic int64_t snapshot_due_ns; /* 0: at once */
    _Atomic int64_t snapshot_lease_ns;                   /* someone writes until then; 0: nobody */
    _Atomic uint64_t snapshot_seq;
    _Atomic uint64_t changes; /* grows with every call that ends: "has anything happened?" */
    _Atomic uint64_t alerts;  /* grows with every status or breaker change */
    _Atomic uint64_t network; /* the name space that is at home here (zone.h); 0: none yet */
    int64_t ticks_ahead_ns;   /* of the clock that all times here are of (clock.h); 0: not known */
    uint64_t clock_known;     /* 1: whoever made it knew that clock for the boot's */
    /* clang-format off */
#define WORD(member, ...) _Atomic uint64_t member;
    alignas(CACHE_LINE) COUNTERS_OF_HEADER(WORD)
#undef WORD
    /* What had happened (changes and begun transfers) when the snapshot was last written whole. */
    _Atomic uint64_t written_changes;
    /* clang-format on */
    /* A process of this board looked after it then, and would again within the interval. */
    _Atomic int64_t alive_ns; /* monotonic; 0: never */
    _Atomic int64_t alive_interval_ns;
    /* Processes that use the board, as attached.c packs them. */
    alignas(CACHE_LINE) _Atomic uint64_t attached[BOARD_ATTACHED];
};

struct board {
    struct board_header *header;
    struct slot *slots; /* header->slot_count of them, checked at open; then the overflow slot */
    struct history *history; /* after these */
    uint32_t slot_count;
    bool shared;         /* false: private memory */
    struct arena memory; /* of this struct */
};

/* Unused for so long, and nothing in force: another key may have it. */
#define BOARD_IDLE_NS (600 * NS_PER_S)
/* The longest hint of a server that any configuration obeys. */
#define BOARD_GATE_MAX_NS (86400 * NS_PER_S)
/* A time of use this far ahead is that of one who read the clock later; beyond it, it is damaged. */
#define BOARD_AHEAD_NS (3600 * NS_PER_S)
/* Times of use are kept to this precision, so that a busy slot's line is not written for it. */
#define BOARD_TOUCH_NS NS_PER_S

/* dir: the state directory, made (0700) when missing; NULL: private memory. There is room for
 * slot_count hosts at least; a board that is already there keeps the size it has. Says in *why (may
 * be NULL), a static string, why it fell back to private memory; NULL when it did not. */
struct board *board_open(const char *dir, uint32_t slot_count, const char **why);
/* One that is there, to look at it, or to reset it (writable); never makes any. NULL: *why says what
 * is the matter, and errno is ENOENT where there is none. */
struct board *board_attach(const char *dir, bool writable, const char **why);
/* Should this process have moved into another time name space since, its clock is the board's again. */
void board_settle_clock(const struct board *b);
/* For short-lived readers and tests: slots of it are gone then. What is preloaded never closes. */
void board_close(struct board *b);
/* Finds or claims the slot of a key; the overflow slot when the table is full of busy ones. name is
 * cut to SLOT_NAME_SIZE - 1. Never NULL. */
struct slot *board_slot(struct board *b, uint64_t key, const char *name, enum slot_kind kind,
                        int64_t now_ns);
/* Another name for a slot that keeps its key; who reads it at that moment may see a part of each. */
void slot_rename(struct slot *s, const char *name);
/* The key of a host by its name, and of one of its ports; 0: the scheme's own, whichever that is. */
uint64_t board_host_key(const char *host, uint16_t port);
/* Finds only; NULL when there is none. */
struct slot *board_find(const struct board *b, uint64_t key);
/* For readers: the i-th slot when it is in use and its name is whole, else NULL; i counts to
 * board_size(b). name gets a copy that ends, of whatever bytes (view.h makes them printable). */
uint32_t board_size(const struct board *b);
struct slot *board_nth(const struct board *b, uint32_t i, char name[SLOT_NAME_SIZE]);
/* board_size(b) for a pointer that is no slot of this board. */
uint32_t board_index(const struct board *b, const struct slot *s);
/* Adds what the slot of a host has counted to the sums of the history; of any other slot nothing: a
 * proxy's requests are counted for the hosts behind it. */
void slot_add_sums(const struct slot *s, uint64_t sum[HISTORY_COUNTED]);
/* Before a slot is cleared: what it has counted stays in the history. */
void board_keep_counts(const struct board *b, const struct slot *s);
/* Forgets what was taken, breaker, budget and counters; the slot stays with its key, and each TAT
 * with its window, for there may be bindings to them. */
void slot_reset(struct slot *s);

/* Index of the TAT that belongs to the window, -1: there is none. */
int slot_window(const struct slot *s, int64_t window_ns);
/* The same, and takes one if there is none; -1: all belong to other windows. */
int slot_claim_window(struct slot *s, int64_t window_ns);

/* The words of slot->last_error. */
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

/* The key as slots hold it: the top bit is for slots that change hands, 0 for free ones. */
static inline uint64_t board_key(uint64_t hash)
{
    uint64_t key = hash & (UINT64_MAX >> 1);
    return key ? key : 1;
}

static inline struct slot *board_overflow(const struct board *b)
{
    return &b->slots[b->slot_count];
}

/* Keeps the slot from being taken for idle. True when it still belongs to key: then it does for
 * BOARD_IDLE_NS more. (Either we see that it was taken, or who takes it sees that it was used.) */
static inline bool slot_touch(struct slot *s, uint64_t key, int64_t now_ns)
{
    int64_t used = atomic_load_explicit(&s->last_used_ns, memory_order_relaxed);
    if (unlikely(used <= now_ns - BOARD_TOUCH_NS || used > now_ns + BOARD_AHEAD_NS))
        atomic_store(&s->last_used_ns, now_ns);
    return atomic_load(&s->key) == key;
}

/* Of a striped counter, the CPU's own part of it. */
static inline _Atomic uint64_t *slot_counter_at(struct slot *s, enum counter c)
{
    if (c < FIRST_STRIPED)
        return &s->limit_count[c];
    if (c < FIRST_SELDOM)
        return &s->stripe[cpu_number() % STRIPES].count[c - FIRST_STRIPED];
    unsigned i = c - FIRST_SELDOM;
    return &s->stripe[i % STRIPES].seldom[i / STRIPES];
}

static inline void slot_count(struct slot *s, enum counter c, uint64_t n)
{
    atomic_fetch_add_explicit(slot_counter_at(s, c), n, memory_order_relaxed);
}

uint64_t slot_counter(const struct slot *s, enum counter c);

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
