/* SPDX-License-Identifier: MIT
 *
 * The board: all state of all hosts, shared by all processes of a user. One file of fixed size,
 * mapped shared; a header and an open-addressing table of slots, one per bucket key. No locks:
 * every word that several writers change is one 64-bit atomic. It survives every exit of every
 * process, so a job that cron starts each minute finds the breaker that the last one opened.
 *
 *     struct board *b = board_open(dir, 1024, now_ns);      maps, closes the descriptor
 *     struct slot *s = board_slot(b, "api.example.com", hash, SLOT_HOST, now_ns);
 *     atomic_fetch_add(&s->counters[COUNT_REQUESTS], 1);
 *
 * Nothing on it is trusted. A file of a foreign owner, with wrong permissions, of another layout or
 * boot, or cut short, is not used: another layout, boot or size is replaced by a fresh file, and
 * where that is not possible the board is private memory. board_open never fails outright except
 * for lack of memory (NULL). A slot pointer stays mapped for ever, but the slot may be given to
 * another key when the table is full: compare slot->key before use and ask again when it changed.
 *
 * Threads, processes, forks: all functions at any time. The mapping is inherited by fork. */
#ifndef ENGINE_BOARD_H
#define ENGINE_BOARD_H

#include "base/compiler.h"
#include "engine/breaker.h"
#include "engine/budget.h"
#include "engine/classify.h"
#include "engine/latency.h"
#include "engine/policy.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_MAGIC         0x6e6564726168626cULL
#define BOARD_LAYOUT        1
#define SLOT_NAME_SIZE      120
#define BOARD_OVERFLOW_NAME "_other"

enum slot_kind { SLOT_HOST = 1, SLOT_BUCKET = 2 }; /* BUCKET: a limit only, not shown as a host */

/* The first HOT_COUNTERS live on the line that every report writes anyway. */
enum counter {
    COUNT_REQUESTS,    /* begun by the program */
    COUNT_ATTEMPTS,    /* really made */
    COUNT_SUCCESSES,   /* requests that ended well: the host answered, and not with a 5xx */
    COUNT_DURATION_NS, /* sum over attempts */
    HOT_COUNTERS,
    COUNT_FAILURES =
        HOT_COUNTERS, /* requests that ended in a failure of the host or the way to it */
    COUNT_RETRIES,
    COUNT_RECOVERED, /* requests that succeeded after a retry */
    COUNT_EXHAUSTED, /* requests that failed after a retry */
    COUNT_WAITED,    /* waits for a token or for a server's hint */
    COUNT_WAITED_NS,
    COUNT_RATE_REJECTED, /* refused: the wait for a token or a hint would be too long */
    COUNT_BREAKER_OPENED,
    COUNT_BREAKER_REJECTED,
    COUNT_BUDGET_DENIED,
    COUNTER_COUNT
};

enum health_status { STATUS_HEALTHY, STATUS_DEGRADED, STATUS_UNHEALTHY };

struct slot {
    /* Line 0: what admit writes. */
    _Atomic uint64_t key; /* hash of the name; 0: free. Claimed by CAS */
    _Atomic int64_t tat_ns[RATES_MAX];
    _Atomic int64_t gate_until_ns; /* the server asked for silence until then */
    struct breaker breaker;
    /* Line 1: what every report writes. */
    struct budget budget;
    _Atomic int64_t last_used_ns;    /* monotonic */
    _Atomic int64_t last_success_ms; /* wall clock; 0: never */
    _Atomic uint64_t run;            /* results in a row: health.c packs status and count */
    _Atomic uint64_t hot[HOT_COUNTERS];
    /* Colder lines: failures, waits, words for people. */
    _Atomic uint64_t cold[COUNTER_COUNT - HOT_COUNTERS];
    _Atomic uint32_t failures_by[REASON_GROUPS]; /* requests that ended so */
    _Atomic uint32_t retries_by[REASON_GROUPS];  /* attempts that were repeated */
    _Atomic int64_t status_since_ms;             /* 0: since it was first seen */
    _Atomic int64_t last_failure_ms;
    _Atomic uint64_t last_error; /* class:8 reason:8 curl:16 http:16 errno:16 */
    _Atomic int64_t max_ns;      /* longest attempt */
    _Atomic uint64_t shown_rate; /* tokens:32 burst:32 of the limit in force, for display */
    _Atomic int64_t shown_window_ns;
    _Atomic uint32_t bucket_index; /* slot of the limit in force when it is another one, + 1 */
    _Atomic uint16_t kind;         /* enum slot_kind */
    _Atomic uint16_t published;    /* 1: the name is whole */
    char name[SLOT_NAME_SIZE];
    _Atomic uint64_t latency[LATENCY_BUCKETS];
} __attribute__((aligned(CACHE_LINE)));

_Static_assert(sizeof(struct slot) == 1024, "a host costs one KiB");
_Static_assert(offsetof(struct slot, budget) == CACHE_LINE, "admit writes one line");

struct board_header {
    uint64_t magic;
    uint32_t layout;
    uint32_t slot_size;
    uint32_t slot_count; /* without the overflow slot, which is the last + 1 */
    uint32_t uid;
    char boot_id[40];
    /* Snapshot: one writer at a time, a lease. */
    alignas(CACHE_LINE) _Atomic int64_t snapshot_due_ns; /* 0: at once */
    _Atomic int64_t snapshot_lease_ns;                   /* someone writes until then; 0: nobody */
    _Atomic uint64_t snapshot_seq;
    _Atomic uint64_t changes; /* grows with every call that ends: "has anything happened?" */
    _Atomic uint64_t alerts;  /* grows with every status or breaker change */
    alignas(CACHE_LINE) _Atomic uint64_t transfers_easy;
    _Atomic uint64_t transfers_multi;
    _Atomic uint64_t connects_blocking;
    _Atomic uint64_t connects_nonblocking;
    _Atomic uint64_t internal_errors;
    _Atomic uint64_t overflows; /* keys that had to share the overflow slot */
};

struct board {
    struct board_header *header;
    struct slot *slots; /* header->slot_count of them, checked at open; then the overflow slot */
    uint32_t slot_count;
    bool shared; /* false: private memory */
};

/* dir: the state directory, made (0700) when missing; NULL: private memory. Says in *why, a static
 * string, why it fell back to private memory; NULL when it did not. */
struct board *board_open(const char *dir, uint32_t slot_count, const char **why);
/* Finds or claims the slot of a key; the overflow slot when the table is full of busy ones. name is
 * cut to SLOT_NAME_SIZE - 1. Never NULL. */
struct slot *board_slot(struct board *b, uint64_t key, const char *name, enum slot_kind kind,
                        int64_t now_ns);
/* Finds only; NULL when there is none. */
struct slot *board_find(const struct board *b, uint64_t key);
/* For readers: the i-th slot when it is in use and its name is whole, else NULL; i counts to
 * board_size(b). name gets a checked, printable copy. */
uint32_t board_size(const struct board *b);
struct slot *board_nth(const struct board *b, uint32_t i, char name[SLOT_NAME_SIZE]);
uint32_t board_index(const struct board *b, const struct slot *s);

void slot_count(struct slot *s, enum counter c, uint64_t n);
uint64_t slot_counter(const struct slot *s, enum counter c);

#endif
