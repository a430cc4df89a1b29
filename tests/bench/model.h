/* SPDX-License-Identifier: MIT
 *
 * Shared by the models of a server under load: seeded random numbers, and events in order of time.
 *
 *     event_plan(at_ns, client, request);
 *     while (event_count) { struct planned_event e = event_next(); ... }
 *
 * Of two events at the same time, the one that was planned first comes first. Runs with the same
 * seeds are identical. The programs take "CONTESTANT CASE SEED" and print what simulation.py reads. */
#ifndef TESTS_BENCH_MODEL_H
#define TESTS_BENCH_MODEL_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 65536

/* The engine's clocks at time 0 of the model. */
#define MONOTONIC_0 (100000 * NS_PER_S)
#define WALL_0      (1750000000 * NS_PER_S)

struct planned_event {
    int64_t at_ns;
    uint64_t order;
    int source;    /* index of the client or stream */
    void *request; /* NULL: the source makes a new request */
};

static struct planned_event event_heap[EVENTS_MAX];
static int event_count;
static uint64_t event_planned;

/* splitmix64 */
static inline uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

/* Returns 0 to n - 1. */
static inline int64_t uniform(uint64_t *state, int64_t n)
{
    return (int64_t)((unsigned __int128)draw(state) * (uint64_t)n >> 64);
}

static inline void events_reset(void)
{
    event_count = 0;
    event_planned = 0;
}

static inline bool event_before(const struct planned_event *a, const struct planned_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static inline void event_plan(int64_t at_ns, int source, void *request)
{
    struct planned_event e = {at_ns, event_planned++, source, request};
    if (event_count == EVENTS_MAX)
        abort();
    int i = event_count++;
    for (; i > 0 && event_before(&e, &event_heap[(i - 1) / 2]); i = (i - 1) / 2)
        event_heap[i] = event_heap[(i - 1) / 2];
    event_heap[i] = e;
}

static inline struct planned_event event_next(void)
{
    struct planned_event first = event_heap[0], last = event_heap[--event_count];
    int i = 0;
    for (int k; (k = 2 * i + 1) < event_count; i = k) {
        if (k + 1 < event_count && event_before(&event_heap[k + 1], &event_heap[k]))
            k++;
        if (!event_before(&event_heap[k], &last))
            break;
        event_heap[i] = event_heap[k];
    }
    event_heap[i] = last;
    return first;
}

/* Returns n if there is none of that name. */
static inline int model_index(const char *name, const char *const *names, int n)
{
    int i = 0;
    while (i < n && strcmp(name, names[i]) != 0)
        i++;
    return i;
}

/* Of a configuration, for config_load_text(). */
static inline void model_complain(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

#endif
