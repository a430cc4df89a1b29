/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "base/kernel.h"
#include "base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TICK_NS  (10 * NS_PER_MS) /* of times(2), whatever the kernel's own tick is */
#define JUMP_NS  NS_PER_S         /* a smaller difference does no harm */
#define DRIFT    20               /* ticks may be slower or faster by 2^-20: a second in 12 days */
#define QUICK_NS (100 * NS_PER_US)
#define TRIES    20

#define FIRST_NAME_SPACE 0xeffffffaU /* inode of the initial time namespace */

_Atomic int64_t clock_ahead_ns = CLOCK_UNSETTLED;
static atomic_bool known;
/* Own clock minus wall clock when the offset was determined. Name spaces do not change the wall clock. */
static _Atomic int64_t apart_ns;

static int64_t own_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

/* How far the tick count is ahead of our own clock; 0: a seccomp filter forbids times(2). Repeated if
 * this thread was interrupted in between. */
static int64_t ticks_ahead_of_own(void)
{
    int64_t ahead = 0, least = INT64_MAX;
    for (int i = 0; i < TRIES && least > QUICK_NS; i++) {
        int64_t before = own_ns();
        long ticks = syscall(SYS_times, NULL);
        int64_t took = own_ns() - before;
        if (ticks <= 0)
            return 0;
        if (took < least) {
            least = took;
            ahead = ticks * TICK_NS - before;
        }
    }
    return ahead;
}

static bool is_near(int64_t a, int64_t b)
{
    int64_t off = a > b ? a - b : b - a;
    return off <= JUMP_NS + (own_ns() >> DRIFT);
}

/* "monotonic SECONDS NANOSECONDS" */
static bool parse_offset(const char *text, int64_t *ns)
{
    static const char name[] = "monotonic";
    const char *s = text + sizeof name - 1;
    if (strncmp(text, name, sizeof name - 1))
        return false;
    int64_t part[2] = {0, 0};
    bool minus = false;
    for (int i = 0; i < 2; i++) {
        s += strspn(s, " ");
        minus |= *s == '-';
        s += *s == '-';
        for (; *s >= '0' && *s <= '9'; s++)
            part[i] = part[i] * 10 + (*s - '0');
    }
    *ns = (minus ? -part[0] : part[0]) * NS_PER_S + part[1];
    return true;
}

static bool read_offset(int64_t *ns)
{
    char text[128];
    int fd = open_file("/proc/self/timens_offsets", O_RDONLY, 0);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return parse_offset(text, ns);
}

/* timens_offsets describes the namespace of future children, which is usually that of the process. */
static bool read_from_proc(int64_t *ahead_ns)
{
    struct stat own, next;
    *ahead_ns = 0;
    if (kernel_stat(AT_FDCWD, "/proc/self/ns/time", &own, 0)) /* Linux before 5.6, or no /proc? */
        return !kernel_stat(AT_FDCWD, "/proc/self/ns/mnt", &own, 0);
    return own.st_ino == FIRST_NAME_SPACE ||
           (!kernel_stat(AT_FDCWD, "/proc/self/ns/time_for_children", &next, 0) &&
            own.st_ino == next.st_ino && read_offset(ahead_ns));
}

static int64_t settle_ahead(int64_t was, int64_t otherwise)
{
    int saved = errno;
    int64_t ahead;
    bool is_read = read_from_proc(&ahead);
    if (!is_read)
        ahead = otherwise;
    atomic_store(&apart_ns, own_ns() - clock_wall_ns());
    if (atomic_compare_exchange_strong(&clock_ahead_ns, &was, ahead))
        atomic_store(&known, is_read);
    errno = saved;
    return atomic_load(&clock_ahead_ns);
}

int64_t clock_settle(void)
{
    return settle_ahead(CLOCK_UNSETTLED, 0);
}

bool clock_is_known(void)
{
    clock_now_ns();
    return atomic_load(&known);
}

int64_t clock_ticks_ahead_ns(void)
{
    int saved = errno;
    int64_t of_own = ticks_ahead_of_own();
    errno = saved;
    return of_own ? of_own + (own_ns() - clock_now_ns()) : 0;
}

bool clock_agrees(int64_t ticks_ahead_ns)
{
    int64_t own_ahead_ns = ticks_ahead_ns ? clock_ticks_ahead_ns() : 0;
    return !own_ahead_ns || is_near(own_ahead_ns, ticks_ahead_ns);
}

void clock_settle_again(int64_t ticks_ahead_ns)
{
    int64_t was = atomic_load(&clock_ahead_ns);
    if (was == CLOCK_UNSETTLED || is_near(own_ns() - clock_wall_ns(), atomic_load(&apart_ns)))
        return;
    int saved = errno;
    int64_t of_own = ticks_ahead_ns ? ticks_ahead_of_own() : 0;
    int64_t ahead = of_own ? ticks_ahead_ns - of_own : was;
    settle_ahead(was, is_near(ahead, was) ? was : ahead);
    errno = saved;
}

struct timespec clock_for_kernel(int64_t at_ns)
{
    int64_t ahead = atomic_load_explicit(&clock_ahead_ns, memory_order_relaxed), own;
    if (ahead == CLOCK_UNSETTLED)
        ahead = clock_settle();
    if (__builtin_add_overflow(at_ns, ahead, &own))
        own = INT64_MAX;
    if (own < 0)
        own = 0;
    return (struct timespec){.tv_sec = own / NS_PER_S, .tv_nsec = own % NS_PER_S};
}
