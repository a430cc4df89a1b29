/* SPDX-License-Identifier: MIT
 *
 * What a header demands of its callers, looked at in the builds that tests alone run (DEVELOPER=1,
 * SANITIZE=..., RARE=1): whoever breaks it is told where, and ended. In a release it is nothing, not
 * even evaluated, so it must have no effect of its own.
 *
 *     precondition(t->performing);
 */
#ifndef BASE_PRECONDITION_H
#define BASE_PRECONDITION_H

#ifdef HARDEN_ASSERT

#include <string.h>
#include <unistd.h>

static __attribute__((noinline, cold, noreturn, unused)) void precondition_failed(const char *line)
{
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        __builtin_trap();
    __builtin_trap();
}

#define PRECONDITION_TEXT(x) #x
#define PRECONDITION_LINE(n) PRECONDITION_TEXT(n)
#define precondition(x)                                                                            \
    ((x) ? (void)0                                                                                 \
         : precondition_failed(__FILE__ ":" PRECONDITION_LINE(__LINE__) ": precondition: " #x      \
                                                                        "\n"))

#else

#define precondition(x) ((void)sizeof(!(x)))

#endif

#endif
