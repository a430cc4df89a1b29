/* SPDX-License-Identifier: MIT */
#include "hooks_off.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/thread.h"
#include "engine/check/thread_mark.h"
#include "engine/engine.h"
#include "engine/presence.h"
#include "imports.h"
#include "libcurl.h"
#include "version_nodes.h"

#include <stdatomic.h>
#include <stddef.h>

static const char *const hooks[] = {
    "curl_easy_perform", "curl_multi_perform", "curl_multi_socket_action",
    "connect",           "getaddrinfo",        NULL};

/* Copies of the library that were loaded from several files all use this variable of the first of
 * them. The copy that sets it is active. That is usually the last one in the loader's order: its
 * constructor runs first, and the real functions are behind it. */
EXPORT const void *_Atomic harden_copy;

HOT bool hooks_spare(void)
{
    static const char own;
    const void *active = atomic_load_explicit(&harden_copy, memory_order_acquire);
    if (unlikely(!active) && atomic_compare_exchange_strong(&harden_copy, &active, &own))
        active = &own;
    return active != &own;
}

#ifdef __GLIBC__ /* musl allocates it elsewhere */
size_t __pthread_get_minstack(const pthread_attr_t *attr) __attribute__((weak));
#endif

static void register_with_lower_layers(void)
{
    engine_coverage.hooks = hooks;
    engine_coverage.libcurls = libcurl_list;
#ifdef __GLIBC__
    thread_stack_taken = __pthread_get_minstack;
#endif
}

HOT bool hooks_off(void)
{
    static _Atomic int state; /* 0: not known yet, 1: on, 2: off */
    if (unlikely(check_is_own_thread() || engine_is_confined()))
        return true;
    int now = atomic_load_explicit(&state, memory_order_acquire);
    if (!now) {
        if (!env_known())
            return true; /* the settings are not known yet: the next call asks again */
        bool useless = hooks_spare() || !imports_ready(), disabled = !useless && env_disabled();
        register_with_lower_layers();
        if (!atomic_exchange(&state, useless || disabled ? 2 : 1) && disabled)
            presence_disabled();
        now = atomic_load(&state);
    }
    return now == 2;
}
