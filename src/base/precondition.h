/* SPDX-License-Identifier: MIT
 *
 * Checks what a header demands of its callers, in builds for tests (DEVELOPER=1 with
 * BUILD=build/strict, SANITIZE=..., RARE=1). A violation prints file and line, and aborts the
 * process. In a release the expression is not evaluated, so it must have no side effect.
 *
 *     precondition(t->performing); */
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
