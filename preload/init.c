/* SPDX-License-Identifier: MIT
 *
 * At load: the environment is copied while it is still the one that the program was started with,
 * and nothing else. At exit: what the snapshot does not show yet is written. */
#include "base/env.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "hooks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const hooks[] = {"curl_easy_perform", NULL};

bool hooks_off(void)
{
    static _Atomic int off; /* 0: not asked yet, 1: on, 2: off */
    int now = atomic_load_explicit(&off, memory_order_relaxed);
    if (!now) {
        const char *kill = env_secure() ? "1" : env_get("HARDEN_DISABLE");
        now = kill && strcmp(kill, "0") && kill[0] ? 2 : 1;
        atomic_store_explicit(&off, now, memory_order_relaxed);
    }
    return now == 2;
}

__attribute__((constructor)) static void at_load(void)
{
    env_capture();
    if (hooks_off())
        return;
    engine_coverage.hooks = hooks;
    engine_coverage.libcurls = real_list;
    engine_start_strict();
}

__attribute__((destructor)) static void at_exit(void)
{
    if (engine_peek())
        health_flush();
}
