/* SPDX-License-Identifier: MIT
 *
 * The permit of a connect() that never returns: a signal handler may leave it by longjmp(), and then nothing of
 * it runs any more. So a permit is noted in its thread while the real connect() runs:
 *
 *     dial_permit_note(&d->call, d);
 *     ... the real connect() ...
 *     dial_permit_forget(d);
 *
 * and the next slow connect() of the thread gives back what was left behind, unless it is called from further down
 * the stack: then what was left may be a call that a handler has interrupted to make this one, and so it is kept
 * until one is called from further up. A thread that makes no such connect() keeps the permit until its process
 * ends. A program that switches stacks inside connect() may lose the permit of a suspended one early. */
#ifndef SOCK_DIAL_PERMIT_H
#define SOCK_DIAL_PERMIT_H

#include "base/compiler.h"
#include "engine/call/call.h"

#include <stdbool.h>

/* frame: an address in the frame of the call. */
void dial_permit_note(const struct call *c, const void *frame);
void dial_permit_forget(const void *frame);

extern _Thread_local int dial_permits_noted;
void dial_permit_recover_from(const void *frame);
static inline void dial_permit_recover(const void *frame)
{
    if (unlikely(dial_permits_noted))
        dial_permit_recover_from(frame);
}

#endif
