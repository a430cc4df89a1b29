/* SPDX-License-Identifier: MIT
 *
 * Hooks of calls that fail, or harm the process, while the library has a thread: entering a name
 * space, installing a seccomp filter, ending the first thread. Our threads end first. Before a
 * filter that would forbid our system calls, the unwritten state is written, and from then on the
 * library makes no system call of its own. Each call is forwarded as a system call, with the
 * resulting errno.
 *
 * Safe wherever the real functions are: after vfork, in a signal handler, inside an allocator. */
#include "base/compiler.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "engine/engine.h"
#include "engine/publish/background.h"
#include "engine/publish/flush.h"
#include "libcurl.h"
#include "next.h"
#include "sock/readable.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Protected: our own calls get here without a symbol lookup. */
#define EXPORT __attribute__((visibility("protected")))

typedef long syscall_function(long number, ...);
_Atomic next_function hook_next_syscall __attribute__((visibility("hidden")));
long hook_syscall(long number, long a, long b, long c, long d, long e, long f)
    __attribute__((visibility("hidden")));

#if !defined(__x86_64__) && !defined(__aarch64__) /* these two have syscall.S */
EXPORT long syscall(long number, ...)
{
    long v[6];
    va_list args;
    va_start(args, number);
    for (size_t i = 0; i < array_size(v); i++)
        v[i] = va_arg(args, long);
    va_end(args);
    return hook_syscall(number, v[0], v[1], v[2], v[3], v[4], v[5]);
}
#endif

static long forward_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    syscall_function *next = (syscall_function *)next_of(&hook_next_syscall, "syscall");
    if (likely(next != NULL))
        return next(number, a, b, c, d, e, f);
    errno = ENOSYS;
    return -1;
}

/* ---- seccomp -------------------------------------------------------------------------------- */

/* A filter that cannot be read counts as one that forbids them. */
static bool filter_forbids_us(const struct sock_fprog *program)
{
    return !readable(program, sizeof *program) || !program->len ||
           !readable(program->filter, program->len * sizeof *program->filter) ||
           !sandbox_allows_library(program->filter, program->len);
}

/* A positive result is a descriptor with NEW_LISTENER. Otherwise it is a failure: the thread that
 * TSYNC could not reach. */
static bool filter_failed(long r, long flags)
{
    return r < 0 || (r > 0 && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

/* `flags` are those of seccomp(2). A call without a program only tests what the kernel supports. */
static long install_filter(const struct sock_fprog *program, bool strict, long flags, long number,
                           long a, long b, long c, long d, long e)
{
    if (engine_is_confined() || (!strict && !program) || process_shares_memory())
        return forward_syscall(number, a, b, c, d, e, 0);
    int saved = errno;
    bool confines = strict || filter_forbids_us(program);
    background_stop();
    if (confines) {
        flush_now();
        libcurl_reserve();
        engine_confine();
    }
    errno = saved;
    long r = forward_syscall(number, a, b, c, d, e, 0);
    saved = errno;
    if (confines && filter_failed(r, flags))
        engine_release();
    background_allow();
    errno = saved;
    return r;
}

/* For PR_SET_SECCOMP, v[0] is the mode and v[1] the program. */
EXPORT int prctl(int option, ...)
{
    unsigned long v[4];
    va_list args;
    va_start(args, option);
    for (size_t i = 0; i < array_size(v); i++)
        v[i] = va_arg(args, unsigned long);
    va_end(args);
    if (unlikely(option == PR_SET_SECCOMP))
        return (int)install_filter((const struct sock_fprog *)v[1], v[0] == SECCOMP_MODE_STRICT, 0,
                                   SYS_prctl, option, (long)v[0], (long)v[1], (long)v[2],
                                   (long)v[3]);
    return (int)forward_syscall(SYS_prctl, option, (long)v[0], (long)v[1], (long)v[2], (long)v[3],
                                0);
}

static long seccomp(long operation, long flags, long program)
{
    bool strict = operation == SECCOMP_SET_MODE_STRICT;
    if (!strict && operation != SECCOMP_SET_MODE_FILTER)
        return forward_syscall(SYS_seccomp, operation, flags, program, 0, 0, 0);
    return install_filter((const struct sock_fprog *)program, strict && !flags && !program, flags,
                          SYS_seccomp, operation, flags, program, 0, 0);
}

/* ---- namespaces ---------------------------------------------------------------------------- */

static long without_threads(long number, long a, long b)
{
    background_stop();
    long r = forward_syscall(number, a, b, 0, 0, 0, 0);
    background_allow();
    return r;
}

EXPORT int unshare(int flags)
{
    return (int)without_threads(SYS_unshare, flags, 0);
}

EXPORT int setns(int fd, int kinds)
{
    return (int)without_threads(SYS_setns, fd, kinds);
}

/* ---- the end of a thread -------------------------------------------------------------------- */

static void note_thread_end(void)
{
    if (engine_is_confined())
        return;
    if (forward_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) ==
        forward_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0))
        background_first_thread_ends();
}

long hook_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    switch (number) {
    case SYS_seccomp:
        return seccomp(a, b, c);
    case SYS_prctl:
        return prctl((int)a, b, c, d, e);
    case SYS_unshare:
        return unshare((int)a);
    case SYS_setns:
        return setns((int)a, (int)b);
    case SYS_exit:
        note_thread_end();
        break;
    default:
        break;
    }
    return forward_syscall(number, a, b, c, d, e, f);
}

/* Reaches the real function by a jump, because that unwinds from the frame of its caller. Declared
 * noreturn, it would be called. */
void pthread_exit(void *value);
EXPORT __attribute__((optimize("O2"))) void pthread_exit(void *value)
{
    typedef void function(void *);
    static _Atomic next_function real_exit;
    function *real = (function *)next_of(&real_exit, "pthread_exit");
    note_thread_end();
    if (real)
        real(value);
}
