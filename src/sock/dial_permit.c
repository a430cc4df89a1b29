/* SPDX-License-Identifier: MIT */
#include "sock/dial_permit.h"

#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* One for each handler that has interrupted another one. What does not fit is not noted. */
#define NOTES 4

static _Thread_local struct note {
    const void *frame;
    struct call_permit permit;
} notes[NOTES];
_Thread_local int dial_permits_noted;

void dial_permit_note(const struct call *c, const void *frame)
{
    int n = dial_permits_noted;
    if (!c->mark || n >= NOTES)
        return;
    notes[n] = (struct note){.frame = frame, .permit = call_permit(c)};
    atomic_signal_fence(memory_order_release);
    dial_permits_noted = n + 1;
}

/* Those after it belong to handlers that have been left. */
void dial_permit_forget(const void *frame)
{
    for (int i = dial_permits_noted - 1; i >= 0; i--)
        if (notes[i].frame == frame)
            dial_permits_noted = i;
}

/* Not known under a filter, which may forbid the call: then the addresses decide. */
static bool is_on_signal_stack(void)
{
    stack_t now;
    if (process_is_filtered())
        return false;
    return sigaltstack(NULL, &now) || (now.ss_flags & SS_ONSTACK);
}

/* The stack grows down: a frame further down than this one has been left. */
void dial_permit_recover_from(const void *frame)
{
    int saved = errno;
    if (is_on_signal_stack())
        return;
    while (dial_permits_noted) {
        const struct note *last = &notes[dial_permits_noted - 1];
        if ((uintptr_t)last->frame > (uintptr_t)frame)
            break;
        struct call_permit lost = last->permit;
        dial_permits_noted--;
        call_permit_give_back(&lost, clock_now_ns());
    }
    errno = saved;
}
