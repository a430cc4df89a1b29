/* SPDX-License-Identifier: MIT
 *
 * Sizes and numbers of tries. If one is not enough, the code takes a path that hardly any program
 * takes otherwise. `make RARE=1` builds with the second number, so that all tests take these paths. No user
 * can notice the difference.
 *
 *     #define BOARD_CANDIDATES USUALLY(128, 4)      128 places, and 4 in that build */
#ifndef BASE_SIZES_H
#define BASE_SIZES_H

#ifdef HARDEN_RARE
#define USUALLY(usual, rare) (rare)
#else
#define USUALLY(usual, rare) (usual)
#endif

/* ---- base ---- */
/* Stack of a thread of the library, tried first; with RARE=1 too small for any C library. */
#define THREAD_STACK_BYTES USUALLY(128 << 10, 1 << 10)

/* What an arena maps at once (arena.h). */
#define ARENA_PIECE_BYTES USUALLY(64 << 10, 1)

/* ---- engine ---- */
/* Slots that a key may have, from its place by hash on: limits the cost of a look-up. */
#define BOARD_CANDIDATES USUALLY(128, 4)
/* Tries to claim a slot when other threads claim slots at the same time. */
#define BOARD_CLAIM_TRIES USUALLY(4, 1)
/* Tries to take from buckets when other threads take from them at the same time. */
#define ADMIT_ROUNDS USUALLY(8, 1)
/* Places of waiters for a permit that are used, of 24; and looks at the permits when others take them at the
 * same time. */
#define BULKHEAD_PLACES USUALLY(24, 2)
#define BULKHEAD_ROUNDS USUALLY(8, 2)
/* Bits of a low word of the histogram; and the number of additions after which a missing carry is
 * looked for: a power of two, a fraction of 2^bits. */
#define LATENCY_LOW_BITS    USUALLY(15, 4)
#define LATENCY_CARRY_EVERY USUALLY(256, 4)
/* Lists of policies, by the hash of their sections. A power of two, at most 64. */
#define RULES_BUCKETS USUALLY(64, 1)
/* Sections up to which a look-up needs no memory. */
#define RULES_FEW USUALLY(32, 1)
/* Entries of the first index of sections; a power of two. */
#define CONFIG_INDEX_FIRST USUALLY(32, 2)
/* Buffer for the text of a snapshot on its way into a file. */
#define SNAPSHOT_WINDOW_BYTES USUALLY(65536, 256)
/* Host names that were not found, by hash; a power of two. */
#define UNFOUND_NAMES USUALLY(128, 2)

/* ---- curl ---- */
/* First allocation for held data; doubled as needed. */
#define HOLD_FIRST_BYTES USUALLY(2048, 64)
/* Memory for held data that a handle keeps from one transfer to the next. */
#define HOLD_KEPT_BYTES USUALLY(16 * 1024, 128)
/* Places in the first segment of a handle map, a power of two; each further one has four times as
 * many. */
#define HANDLE_MAP_FIRST USUALLY(256, 4)
/* Distance of a handle from its place by hash in a segment, at most. */
#define HANDLE_MAP_REACH USUALLY(16, 4)
/* Initial capacity for parked transfers, messages and hosts. */
#define PARK_FIRST     USUALLY(16, 1)
#define MESSAGES_SPARE USUALLY(14, 0)
#define HOSTS_SPARE    USUALLY(4, 1)
/* Prefix of a request body that is read again and compared before the body is sent again. */
#define BODY_PREFIX USUALLY(64 * 1024, 64)

/* ---- sock ---- */
/* Names by address: sets by hash, a power of two, and entries of a set. */
#define NAMES_SETS USUALLY(128, 2)
#define NAMES_WAYS USUALLY(4, 2)
/* Endpoints whose binding is kept, and places whose kind of socket is kept; powers of two. */
#define DIAL_ENTRIES USUALLY(256, 2)
#define DIAL_PLACES  USUALLY(256, 2)

#endif
