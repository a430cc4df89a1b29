/* SPDX-License-Identifier: MIT
 *
 * At load: the environment is copied while it is still the one that the program was started with,
 * and nothing else. At exit: what the snapshot does not show yet is written. */
#include "base/compiler.h"
#include "base/env.h"
#include "base/thread.h"
#include "engine/check/thread.h"
#include "engine/engine.h"
#include "engine/publish/monitor.h"
#include "hooks.h"
#include "imports.h"
#include "nodes.h"
#include "scope.h"

#include <stdatomic.h>
#include <stdlib.h>

static const char *const hooks[] = {
    "curl_easy_perform", "curl_multi_perform", "curl_multi_socket_action",
    "connect",           "getaddrinfo",        NULL};

/* Several copies in one process, from several files, share this variable of the first of them. The one
 * that comes to it first does everything: mostly the last of them, whose constructor runs first, and
 * behind which the real functions are. The others forward. */
EXPORT const void *_Atomic harden_copy;

HOT bool hooks_spare(void)
{
    static const char own;
    const void *active = atomic_load_explicit(&harden_copy, memory_order_acquire);
    if (unlikely(!active) && atomic_compare_exchange_strong(&harden_copy, &active, &own))
        active = &own;
    return active != &own;
}

#ifdef __GLIBC__ /* musl takes other memory */
size_t __pthread_get_minstack(const pthread_attr_t *attr) __attribute__((weak));
#endif

static void tell_layers_below(void)
{
    engine_coverage.hooks = hooks;
    engine_coverage.libcurls = real_list;
#ifdef __GLIBC__
    thread_taken = __pthread_get_minstack;
#endif
}

HOT bool hooks_off(void)
{
    static _Atomic int off; /* 0: not asked yet, 1: on, 2: off */
    if (unlikely(checker_is_own() || engine_is_confined()))
        return true;
    int now = atomic_load_explicit(&off, memory_order_acquire);
    if (!now) {
        if (!env_known())
            return true; /* and ask again: nobody knows yet what the user wants */
        now = hooks_spare() || !imports_ready() || env_disabled() ? 2 : 1;
        tell_layers_below();
        atomic_store_explicit(&off, now, memory_order_release);
    }
    return now == 2;
}

/* Every program comes here, and hardly any needs more: no function of the C library is called for
 * it (imports.h), and no page written to but those of the environment, of harden_copy and of scope.c. */
__attribute__((constructor)) static void at_load(void)
{
    env_capture();
    scope_note_last();
    hooks_spare();
    if (env_get("HARDEN_STRICT") && !hooks_off())
        engine_start_strict();
}

__attribute__((destructor)) static void at_exit(void)
{
    if (engine_peek() && !engine_is_confined())
        monitor_flush();
}
