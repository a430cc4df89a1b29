/* SPDX-License-Identifier: MIT
 *
 * The constructor copies the environment while it is still the one that the program was started
 * with. The destructor writes the last snapshot. */
#include "base/env.h"
#include "engine/engine.h"
#include "engine/publish/flush.h"
#include "hooks_off.h"
#include "scope.h"

/* Runs in every program, and few programs make a network call. So it calls no function of the C
 * library (imports.h), and writes to no memory but the environment's copy, harden_copy and
 * scope.c's. */
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
        flush_at_exit();
}
