/* SPDX-License-Identifier: MIT
 *
 * The board: all state of all hosts, shared by all processes of a user. One file of fixed size, mapped
 * shared: a header, an open-addressing table of slots, and a history. It outlives every process, so a
 * job that cron starts each minute finds the breaker that the last one opened.
 *
 *     struct board *b = board_open(dir, 1024, NULL);        maps the file, closes the descriptor
 *     struct slot *s = board_slot(b, hash, "api.example.com", SLOT_HOST, now_ns);
 *     slot_count(s, COUNT_REQUESTS, 1);
 *
 * The file, with n = header.slot_count:
 *
 *     offset              size
 *     0                   64      magic, layout, slot_size, slot_count, uid, boot_id, attached_at: set once
 *     64                  64      snapshot lease, progress, network, clock
 *     128                 128     counters of calls, last write, last update
 *     256                 4096    attached[256]: processes that use the board (attached.h)
 *     4352                n*1280  slots (slot.h)
 *     4352 + n*1280       1280    the overflow slot "_other"
 *     4352 + (n+1)*1280   99536   history (history.h): 3 counters, 7 sums, rings of 360 and 576
 *                                 samples of 80 bytes and of 1024 changes of 24 bytes
 *
 * Invariants:
 * - A board is valid iff
 *     (1) the file is regular, belongs to this user, and is not accessible to others; its directory
 *         belongs to this user, and others cannot write to it; its file system keeps the blocks that
 *         it has allocated (location.h);
 *     (2) magic, layout and slot_size are those of this library, and slot_count is in 1..2^22;
 *     (3) the file size is exactly what slot_count says;
 *     (4) boot_id is this boot's; if either side does not know it, alive_ns is not in the future;
 *     (5) its clock is that of this process: clock_known is set and this process knows the clock of
 *         the boot too, or ticks_ahead_ns agrees (clock.h).
 *   This is checked once, when the file is opened. A file that fails (2), (3) or (4) is replaced by a
 *   fresh one, under a lock on the directory and by rename, so that half a board is never seen; one that
 *   fails (5) too, if this process knows the clock of the boot. Otherwise, and if it cannot be replaced,
 *   it is left alone, and the board is private memory of this process.
 * - No locks. Every word that several processes write is one atomic of at most 64 bits, so a process
 *   killed at any instruction leaves nothing locked and no word torn. Only boot_id may be seen half
 *   written: it is set under the lock on the directory by the first process that knows it, and an
 *   apparent mismatch is read again under that lock.
 * - A key has at most one slot. It is one of the BOARD_CANDIDATES slots from the key's home on, and no
 *   free slot comes before it. If they are all in use, the overflow slot takes its place.
 * - A slot is idle, and may be given to another key, iff it was not used for SLOT_IDLE_NS, it has no
 *   pause and no debt of a limit, and its circuit is closed.
 * - Nothing read from it is trusted: values are limited when read, indexes masked, names ended.
 *
 * The layout is part of the file's name: programs that were started with another version of the library
 * keep using a board of their own, in the same directory, until none of them is left (others.h). All
 * layouts agree on the first 64 bytes, on the table at attached_at, and on the lock by which a process holds
 * the file while it has it mapped.
 *
 * Life cycle: the preloaded library opens the board once and never closes it; a slot pointer stays mapped,
 * but the slot may change hands (slot.h). board_open fails only for lack of memory (NULL). Threads,
 * processes, forks: all functions at any time; the mapping is inherited by fork. */
#ifndef ENGINE_BOARD_BOARD_H
#define ENGINE_BOARD_BOARD_H

#include "base/arena.h"
#include "engine/board/counters.h"
#include "engine/board/history.h"
#include "engine/board/others.h"
#include "engine/board/slot.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BOARD_MAGIC 0x6e6564726168626cULL
#ifndef BOARD_LAYOUT /* `make LAYOUT=N`: tests of an upgrade need another one */
#define BOARD_LAYOUT 16
#endif
#define BOARD_NAME          "board." BOARD_TEXT(BOARD_LAYOUT) /* in the state directory */
#define BOARD_TEXT(n)       BOARD_QUOTED(n)
#define BOARD_QUOTED(n)     #n
#define BOARD_OVERFLOW_NAME "_other"
#define BOARD_ATTACHED      256 /* a power of two */

struct attached_words { /* attached.c packs them */
    _Atomic uint64_t who;
    _Atomic uint64_t what;
};

struct board_header {
    uint64_t magic;
    uint32_t layout;
    uint32_t slot_size;
    uint32_t slot_count;  /* without the overflow slot */
    uint32_t uid;         /* of the creator, for information; the owner of the file counts */
    char boot_id[36];     /* all of it; its first byte is 0: not known */
    uint32_t attached_at; /* offset of the table below */

    alignas(CACHE_LINE) _Atomic int64_t snapshot_due_ns; /* 0: at once */
    _Atomic int64_t snapshot_lease_ns; /* a process writes the snapshot until then; 0: none */
    _Atomic uint64_t snapshot_seq;
    _Atomic uint64_t changes; /* grows with every call that ends: "has anything happened?" */
    _Atomic uint64_t alerts;  /* grows with every change of a status or breaker */
    _Atomic uint64_t
        network; /* the network namespace of this board (network_zone.h); 0: not set yet */
    int64_t ticks_ahead_ns; /* identifies the clock of all times here (clock.h); 0: not known */
    uint64_t clock_known;   /* 1: the creator knew the clock of the boot */

    /* clang-format off */
#define WORD(member, ...) _Atomic uint64_t member;
    alignas(CACHE_LINE) COUNTERS_OF_HEADER(WORD)
#undef WORD
    /* `changes` plus begun transfers as of the last snapshot that was written completely. */
    _Atomic uint64_t written_changes;
    /* clang-format on */
    /* The last update by any process, which intended another one within the interval. */
    _Atomic int64_t alive_ns; /* 0: never */
    _Atomic int64_t alive_interval_ns;
    _Atomic int64_t pause_end_ns; /* the first end of a pause that is not announced; 0: none */

    alignas(CACHE_LINE) struct attached_words attached[BOARD_ATTACHED];
};

/* A board as this process has it mapped. */
struct board {
    struct board_header *header;
    struct slot *slots;      /* slot_count of them, then the overflow slot */
    struct history *history; /* after these */
    uint32_t slot_count;     /* header->slot_count as checked at open; that one is not read again */
    bool shared;             /* false: private memory */
    const char *path;        /* of the file; NULL: private memory, or a copy */
    dev_t dev;               /* that file */
    ino_t ino;
    void *file;           /* a mapping of the file, by which /proc tells its users; NULL: none */
    pid_t creator;        /* of private memory, which its children share */
    struct others others; /* boards of other layouts beside it, as of the last look */
    struct arena memory;  /* of this struct */
};

/* dir: the state directory, created (0700) if missing; NULL: private memory. There is room for at least
 * slot_count hosts; an existing board keeps its size. *why (may be NULL): why the board is private
 * memory, a static string; NULL if it is not. */
struct board *board_open(const char *dir, uint32_t slot_count, const char **why);
/* An existing board, to read it, or to reset it (writable). Never creates one. NULL: *why is the
 * reason, and errno is ENOENT if there is none. */
struct board *board_attach(const char *dir, bool writable, const char **why);
extern const char board_why_unfit[]; /* the reason why board_open would replace it */
/* A private copy of the board in this open file of `size` bytes, whose owner is not trusted: he may change
 * or cut the file at any time, which a mapping of it would not survive. NULL: *why is the reason. */
struct board *board_copy(int fd, off_t size, const char **why);
/* The size of the mapping of a new board for this many hosts, not rounded to pages. */
size_t board_file_size(uint32_t slot_count);
/* Adjusts the clock of this process if it has moved into another time namespace. */
void board_settle_clock(const struct board *b);
/* For short-lived readers and tests; its slots are unmapped. */
void board_close(struct board *b);

/* Finds or claims the slot of a key; the overflow slot if the table is full. name is cut to
 * SLOT_NAME_SIZE - 1. Never NULL. */
struct slot *board_slot(struct board *b, uint64_t key, const char *name, enum slot_kind kind,
                        int64_t now_ns);
/* Finds only; NULL if there is none. */
struct slot *board_find(const struct board *b, uint64_t key);
/* The key of a host by its name, and of one of its ports; 0: the scheme's own, whichever that is. */
uint64_t board_host_key(const char *host, uint16_t port);

/* Ends a name that does not fit with ~ and six digits of the key of its host, so that no two hosts have the
 * same name: "a-very-long-name-that-beg~4F02D1". */
void board_cut_name(char name[SLOT_NAME_SIZE], uint64_t key);

/* The key of the slot, of kind OBSERVED, that belongs to the slot with this key. */
uint64_t board_observed_key(uint64_t key);

/* For readers: the i-th slot if it is in use and its name is complete, else NULL; i counts to
 * board_size(b). */
uint32_t board_size(const struct board *b);
struct slot *board_nth(const struct board *b, uint32_t i, char name[SLOT_NAME_SIZE]);
/* board_size(b) for a pointer that is no slot of this board. */
uint32_t board_index(const struct board *b, const struct slot *s);
/* Call it before a slot is cleared: its counters stay in the history. */
void board_keep_counts(const struct board *b, const struct slot *s);

/* The key of a slot: without the top bit, which marks slots that change hands, and never 0, for free. */
static inline uint64_t board_key(uint64_t hash)
{
    uint64_t key = hash & (UINT64_MAX >> 1);
    return key ? key : 1;
}

static inline struct slot *board_overflow(const struct board *b)
{
    return &b->slots[b->slot_count];
}

#endif
