/* SPDX-License-Identifier: MIT
 *
 * An engine with a shared board in a directory of the test, for tests of what keeps its files current.
 *
 *     TestSuite(monitor, .init = make_state, .fini = remove_state, .timeout = 60); */
#ifndef TESTS_UNIT_ONE_ENGINE_H
#define TESTS_UNIT_ONE_ENGINE_H

#include "base/clock.h"
#include "engine/engine.h"
#include "scratch.h"

#include <stdlib.h>
#include <unistd.h>

/* The child of a threaded process starts a thread, which ThreadSanitizer does not allow. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

static char dir[] = "/tmp/harden-test-XXXXXX";
static struct engine *engine;

static void make_state(void)
{
    mkdtemp(dir);
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", dir, 1);
    setenv("HARDEN_SNAPSHOT_INTERVAL", "1h", 1);
    setenv("HARDEN_LOG", "off", 1);
}

static void remove_state(void)
{
    scratch_remove(dir);
}

/* Generous time limits, because no test asserts how long something takes. */
#define eventually(condition)                                                                      \
    ({                                                                                             \
        int64_t end = clock_now_ns() + 20 * NS_PER_S;                                              \
        bool met;                                                                                  \
        while (!(met = (condition)) && clock_now_ns() < end)                                       \
            usleep(1000);                                                                          \
        met;                                                                                       \
    })

#endif
