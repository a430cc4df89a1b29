/* SPDX-License-Identifier: MIT
 *
 * Shared by the tests of src/sock: an engine with a private board, and its counters. */
#ifndef TESTS_SOCK_TEST_H
#define TESTS_SOCK_TEST_H

#include "engine/engine.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static inline void private_engine(void)
{
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", "private", 1);
    setenv("HARDEN_SNAPSHOT", "none", 1);
    setenv("HARDEN_METRICS", "none", 1);
    setenv("HARDEN_BASE_DELAY", "1ms", 1);
    setenv("HARDEN_MAX_DELAY", "2ms", 1);
}

static inline const struct slot *slot_named(const char *name)
{
    const struct board *b = engine_peek()->board;
    char seen[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(b); i++) {
        const struct slot *s = board_nth(b, i, seen);
        if (s && s->kind != SLOT_OBSERVED && !strcmp(seen, name))
            return s;
    }
    cr_assert(false, "no %s on the board", name);
    return NULL;
}

/* What would have been done with the host's connections, in observe mode. */
static inline const struct slot *observed_slot(const char *name)
{
    const struct slot *s =
        board_find(engine_peek()->board, board_observed_key(slot_named(name)->key));
    cr_assert(s != NULL, "nothing was observed of %s", name);
    return s;
}

static inline void on_alarm(int signal)
{
    (void)signal;
}

/* A back-off of five seconds that a signal interrupts. */
static inline void interrupt_the_back_off(void)
{
    setenv("HARDEN_BASE_DELAY", "5s", 1);
    setenv("HARDEN_MAX_DELAY", "5s", 1);
    setenv("HARDEN_JITTER", "none", 1);
    signal(SIGALRM, on_alarm);
    struct timeval often = {.tv_usec =
                                50000}; /* the first signal may arrive before the back-off begins */
    setitimer(ITIMER_REAL, &(struct itimerval){.it_interval = often, .it_value = often}, NULL);
}

#endif
