/* SPDX-License-Identifier: MIT
 *
 * How often something is tried and how much fits, wherever more than that is a path of its own that
 * hardly any program comes to. `make RARE=1` builds with the second number of each: then all tests
 * come by there. Nothing that a user may notice depends on them.
 *
 *     #define BOARD_PROBES USUALLY(128, 4)          128 places, and 4 in that build
 */
#ifndef BASE_SIZES_H
#define BASE_SIZES_H

#ifdef HARDEN_RARE
#define USUALLY(usual, rare) (rare)
#else
#define USUALLY(usual, rare) (usual)
#endif

/* ---- base ---- */
/* Stack of a thread of ours, tried first; too small for any C library in the other build. */
#define THREAD_STACK_BYTES USUALLY(128 << 10, 1 << 10)

/* What the kernel is asked for at once (arena.h). */
#define ARENA_PIECE_BYTES USUALLY(64 << 10, 1)

/* ---- engine ---- */
/* How far from its place by hash a slot may be: what a look-up costs at most. */
#define BOARD_PROBES USUALLY(128, 4)
/* How often a slot is looked for that others take at the same moment. */
#define BOARD_CLAIM_TRIES USUALLY(4, 1)
/* How often to try again when others take from the same buckets at the same moment. */
#define ADMIT_ROUNDS USUALLY(8, 1)
/* Of a low word of the histogram; and after how many adds somebody looks for a missing carry: a part
 * of 2^bits, and a power of two. */
#define LATENCY_LOW_BITS    USUALLY(15, 4)
#define LATENCY_CARRY_EVERY USUALLY(256, 4)
/* Lists of policies, by the sections that they are made of. A power of two, 64 at most. */
#define RULES_BUCKETS USUALLY(64, 1)
/* With more sections than that, a look-up asks for memory. */
#define RULES_FEW USUALLY(32, 1)
/* Of a snapshot's text that is on its way into a file. */
#define SNAPSHOT_WINDOW_BYTES USUALLY(65536, 256)
/* Names that were not found, by hash; a power of two. */
#define UNFOUND_NAMES USUALLY(128, 2)

/* ---- curl ---- */
/* The first piece of memory for what is held; it doubles. */
#define HOLD_FIRST_BYTES USUALLY(2048, 64)
/* Memory for what is held that a handle keeps from one transfer to the next. */
#define HOLD_KEPT_BYTES USUALLY(16 * 1024, 128)
/* Places of the first segment of a registry, a power of two; each further one has four times as many. */
#define REGISTRY_FIRST USUALLY(256, 4)
/* How far from its home in a segment a handle may be. */
#define REGISTRY_PROBES USUALLY(16, 4)
/* Room for what is parked, for messages and for hosts, before any of them grows. */
#define PARK_FIRST     USUALLY(16, 1)
#define MESSAGES_SPARE USUALLY(14, 0)
#define LOADS_SPARE    USUALLY(4, 1)
/* Of a request body, what is read again and compared before it is sent again. */
#define BODY_PREFIX USUALLY(64 * 1024, 64)

/* ---- sock ---- */
/* Names behind addresses: sets by hash, a power of two, and entries of a set. */
#define NAMES_SETS USUALLY(128, 2)
#define NAMES_WAYS USUALLY(4, 2)
/* Endpoints whose binding is kept, and places whose kind of socket is; powers of two. */
#define DIAL_ENTRIES USUALLY(256, 2)
#define DIAL_PLACES  USUALLY(256, 2)

#endif
