/* SPDX-License-Identifier: MIT
 *
 * One clock for all processes that share a board, even if their own clocks differ. Time
 * namespaces are simulated: the clock of the C library, the offsets in /proc, and whether
 * times() may be called. */
#include "base/clock.h"
#include "engine/board/board.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY   (86400 * NS_PER_S)
#define CLOSE (200 * NS_PER_MS) /* two ticks, and the delay of a busy machine */

#define FIRST  0xeffffffaU
#define SECOND 7
#define NONE   "monotonic           0         0\nboottime            0         0\n"

static int64_t ahead_ns;    /* offset of this process's clock */
static const char *offsets; /* offsets for children in /proc; NULL: no /proc */
static ino_t own_inode, next_inode;
static bool filtered;    /* times() is not allowed */
static int system_calls; /* number of other system calls */

int clock_gettime(clockid_t id, struct timespec *t)
{
    int r = (int)syscall(SYS_clock_gettime, id, t);
    if (id == CLOCK_MONOTONIC) {
        int64_t ns = t->tv_sec * NS_PER_S + t->tv_nsec + ahead_ns;
        *t = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    }
    return r;
}

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    va_list ap;
    va_start(ap, number);
    long a[6];
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if (!real)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    system_calls += number != SYS_clock_gettime;
    const char *path = number == SYS_newfstatat ? (const char *)a[1] : "";
    bool own = !strcmp(path, "/proc/self/ns/time");
    if (own || !strcmp(path, "/proc/self/ns/time_for_children")) {
        ((struct stat *)a[2])->st_ino = own ? own_inode : next_inode;
        return offsets ? 0 : -1;
    }
    if (!strcmp(path, "/proc/self/ns/mnt") && !offsets)
        return -1;
    if (number == SYS_times && filtered) {
        errno = EPERM;
        return -1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int openat(int at, const char *name, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    if (strcmp(name, "/proc/self/timens_offsets"))
        return (int)syscall(SYS_openat, at, name, flags, mode);
    int fd = offsets ? memfd_create("offsets", MFD_CLOEXEC) : -1;
    if (fd >= 0) {
        cr_assert_eq(write(fd, offsets, strlen(offsets)), (ssize_t)strlen(offsets));
        lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

static int64_t boot_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC) - ahead_ns;
}

static int64_t off(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Simulates a process that started in this namespace. */
static void begin(ino_t inode, int64_t ahead, const char *text_in_proc)
{
    own_inode = next_inode = inode;
    ahead_ns = ahead;
    offsets = text_in_proc;
    clock_ahead_ns = CLOCK_UNSETTLED;
}

static int64_t ticks_of_boot(void)
{
    begin(FIRST, 0, NONE);
    return clock_ticks_ahead_ns();
}

Test(clock, without_a_time_namespace_there_is_no_offset)
{
    begin(FIRST, 0, NONE);
    cr_assert_lt(off(clock_now_ns(), boot_ns()), CLOSE);
    cr_assert_eq(clock_ahead_ns, 0);
    cr_assert(clock_is_known());
    next_inode = SECOND; /* only its children will be in the namespace */
    offsets = "monotonic          77         0\n";
    clock_ahead_ns = CLOCK_UNSETTLED;
    clock_now_ns();
    cr_assert_eq(clock_ahead_ns, 0);
    cr_assert(clock_is_known());
}

Test(clock, in_a_time_namespace_the_offset_is_read_from_proc)
{
    static const struct {
        int64_t ahead;
        const char *text_in_proc;
    } of[] = {{1000000 * NS_PER_S + 5, "monotonic     1000000         5\nboottime  3 4\n"},
              {-3600 * NS_PER_S, "monotonic       -3600         0\nboottime  3 4\n"}};
    for (int i = 0; i < 2; i++) {
        begin(SECOND, of[i].ahead, of[i].text_in_proc);
        cr_assert_lt(off(clock_now_ns(), boot_ns()), CLOSE);
        cr_assert_eq(clock_ahead_ns, of[i].ahead);
        cr_assert(clock_is_known());
    }
}

Test(clock, without_proc_the_offset_is_unknown)
{
    begin(SECOND, DAY, NULL);
    clock_now_ns();
    cr_assert_eq(clock_ahead_ns, 0);
    cr_assert_not(clock_is_known());
    begin(SECOND, DAY, "monotonic          77         0\n");
    next_inode = SECOND + 1; /* /proc has the offsets of the children */
    clock_now_ns();
    cr_assert_eq(clock_ahead_ns, 0);
    cr_assert_not(clock_is_known());
    begin(SECOND, DAY, "nonsense\n");
    cr_assert_not(clock_is_known());
}

Test(clock, different_clocks_do_not_agree)
{
    int64_t ticks = ticks_of_boot();
    cr_assert(clock_agrees(ticks));
    begin(SECOND, DAY, "monotonic      86400         0\n");
    cr_assert(clock_agrees(ticks), "the clock of the boot");
    begin(SECOND, DAY, NULL);
    cr_assert_not(clock_agrees(ticks));
    begin(SECOND, -DAY, NULL);
    cr_assert_not(clock_agrees(ticks));
    begin(FIRST, 0, NULL);
    cr_assert(clock_agrees(ticks), "in no time namespace, although /proc is missing");
}

Test(clock, clocks_agree_if_nothing_is_known)
{
    int64_t ticks = ticks_of_boot();
    begin(SECOND, DAY, NULL);
    cr_assert(clock_agrees(0));
    filtered = true;
    cr_assert_eq(clock_ticks_ahead_ns(), 0);
    cr_assert(clock_agrees(ticks));
}

Test(clock, a_jump_is_corrected_and_without_one_there_is_no_system_call)
{
    int64_t ticks = ticks_of_boot();
    system_calls = 0;
    clock_settle_again(ticks);
    cr_assert_eq(system_calls, 0);
    ahead_ns = DAY;
    own_inode = next_inode = SECOND;
    offsets = NULL;
    clock_settle_again(ticks);
    cr_assert_lt(off(clock_now_ns(), boot_ns()), CLOSE);
    ahead_ns = 2 * DAY;
    offsets = "monotonic      172800         0\n";
    clock_settle_again(ticks);
    cr_assert_eq(clock_ahead_ns, 2 * DAY);
    clock_settle_again(0);
    cr_assert_eq(clock_ahead_ns, 2 * DAY);
}

Test(clock, times_for_system_calls_include_the_offset)
{
    clock_ahead_ns = DAY;
    cr_assert_eq(clock_for_kernel(5).tv_sec, 86400);
    cr_assert_eq(clock_for_kernel(5).tv_nsec, 5);
    cr_assert_eq(clock_for_kernel(INT64_MAX).tv_sec, INT64_MAX / NS_PER_S);
    clock_ahead_ns = -DAY;
    cr_assert_eq(clock_for_kernel(5).tv_sec, 0);
    clock_ahead_ns = 0;
    cr_assert_eq(clock_for_kernel(5).tv_sec, 0);
}

static char dir[] = "/tmp/test_clock.XXXXXX";
static ino_t board_inode;

/* Returns whether the board is shared, and records its file. */
static bool opens_shared(void)
{
    char path[80];
    struct stat st = {0};
    struct board *b = board_open(dir, 8, NULL);
    bool shared = b->shared;
    board_close(b);
    snprintf(path, sizeof path, "%s/" BOARD_NAME, dir);
    cr_assert_eq(stat(path, &st), 0);
    board_inode = st.st_ino;
    return shared;
}

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/" BOARD_NAME, dir);
    unlink(path);
    rmdir(dir);
}

TestSuite(board_clock, .init = make_dir, .fini = remove_dir);

Test(board_clock, a_board_of_another_time_namespace_is_not_used_if_the_offset_is_unknown)
{
    begin(FIRST, 0, NONE);
    cr_assert(opens_shared());
    ino_t first = board_inode;
    begin(SECOND, DAY, NULL);
    cr_assert_not(opens_shared());
    begin(SECOND, DAY, "monotonic      86400         0\n");
    cr_assert(opens_shared());
    begin(FIRST, 0, NULL);
    cr_assert(opens_shared());
    cr_assert_eq(board_inode, first);
}

Test(board_clock, a_board_with_an_unknown_clock_is_replaced_by_a_process_that_knows_its_clock)
{
    begin(SECOND, DAY, NULL);
    cr_assert(opens_shared());
    cr_assert(opens_shared());
    ino_t first = board_inode;
    begin(FIRST, 0, NULL);
    cr_assert_not(opens_shared(), "a process that does not know its clock either does not use it");
    begin(FIRST, 0, NONE);
    cr_assert(opens_shared());
    cr_assert_neq(board_inode, first);
    begin(SECOND, DAY, NULL);
    cr_assert_not(opens_shared());
}

Test(board_clock, a_board_with_an_unknown_clock_that_matches_the_boot_clock_is_kept)
{
    begin(FIRST, 0, NULL);
    cr_assert(opens_shared());
    ino_t first = board_inode;
    begin(FIRST, 0, NONE);
    cr_assert(opens_shared());
    cr_assert_eq(board_inode, first);
}
