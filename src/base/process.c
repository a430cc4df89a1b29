/* SPDX-License-Identifier: MIT */
#include "base/process.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/open.h"
#include "base/shield.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct process *_Atomic wiped;   /* zeroed in a child by the kernel */
static struct process *_Atomic checked; /* on older kernels: reset when the pid has changed */
static struct process fallback;
static struct process_permits no_permits;
struct process_permits *_Atomic process_permits = &no_permits;

static struct process *check_pid(struct process *p)
{
    int pid = getpid(), was = atomic_load(&p->pid);
    if (was == pid)
        return p;
    if (atomic_compare_exchange_strong(&p->pid, &was, pid) && was) {
        atomic_store(&p->opening, 0);
        atomic_store(&p->updater, 0);
        atomic_store(&p->background_task, 0);
        atomic_store(&p->background_pending, 0);
        atomic_store(&p->active, 0);
        atomic_store(&p->stop, 0);
        atomic_store(&p->closing, 0);
        atomic_store(&p->updating, 0);
        atomic_store(&p->lease, 0);
        atomic_store(&p->attached, 0);
        atomic_store(&p->temp, 0);
        atomic_store(&p->permits.board, NULL);
        atomic_store(&p->holder, NULL);
        atomic_store(&p->check_task, 0);
        atomic_store(&p->check_guard, 0);
        atomic_store(&p->lookups, 0);
        atomic_store(&p->update_at_ns, 0);
        atomic_store(&p->reload_at_ns, 0);
        atomic_store(&p->first_ns, 0);
    }
    return p;
}

static struct process *process_map(void)
{
    int saved = errno;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    struct process *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct process *none = NULL;
    if (p == MAP_FAILED || madvise(p, size, MADV_WIPEONFORK) < 0) {
        if (p != MAP_FAILED)
            munmap(p, size);
        atomic_store(&checked, &fallback);
        p = check_pid(&fallback);
    } else if (!atomic_compare_exchange_strong(&wiped, &none, p)) {
        munmap(p, size);
        p = none;
    }
    if (p != &fallback)
        atomic_store(&process_permits, &p->permits);
    errno = saved;
    return p;
}

HOT struct process *process_self(void)
{
    struct process *p = atomic_load_explicit(&wiped, memory_order_acquire);
    if (likely(p))
        return p;
    p = atomic_load_explicit(&checked, memory_order_acquire);
    return p ? check_pid(p) : process_map();
}

static int owner_of(const pthread_mutex_t *m)
{
#ifdef __GLIBC__
    return m->__data.__owner;
#else /* musl: the lock word; its upper bits are flags */
    return m->__u.__vi[1] & 0x3fffffff;
#endif
}

bool process_is_borrowed(void)
{
    /* The C library stores its cached thread id as the owner of an error-checking mutex. After vfork that
     * is still the id of the parent's thread; gettid() asks the kernel. */
    pthread_mutexattr_t checking;
    pthread_mutex_t m;
    pthread_mutexattr_init(&checking);
    pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m, &checking);
    pthread_mutex_lock(&m);
    int by_libc = owner_of(&m);
    pthread_mutex_unlock(&m);
    return by_libc != (int)syscall(SYS_gettid);
}

bool process_shares_memory(void)
{
    int whose = atomic_load(&process_self()->pid), own = getpid(), saved = errno;
    if (whose)
        return whose != own;
    bool shares = process_is_borrowed() && syscall(SYS_kcmp, own, getppid(), KCMP_VM, 0, 0) == 0;
    errno = saved;
    return shares;
}

static void read_file(const char *path, char *buf, size_t size)
{
    int saved = errno;
    ssize_t n = -1;
    int fd = open_file(path, O_RDONLY, 0);
    if (fd >= 0) {
        n = read(fd, buf, size - 1);
        close(fd);
    }
    buf[n > 0 ? n : 0] = '\0';
    errno = saved;
}

/* Not prctl(PR_GET_SECCOMP): a filter that forbids it may kill the process. */
static void look_for_filter(void *is_filtered)
{
    char buf[4096];
    read_file("/proc/thread-self/status", buf, sizeof buf);
    const char *mode = strstr(buf, "\nSeccomp:\t");
    *(bool *)is_filtered = !mode || mode[10] != '0';
}

bool process_is_filtered(void)
{
    bool is_filtered = true;
    shield_run(look_for_filter, &is_filtered);
    return is_filtered;
}

bool process_has_task(uint32_t task)
{
    int saved = errno;
    bool there = !syscall(SYS_tgkill, getpid(), (int)task, 0) || errno != ESRCH;
    errno = saved;
    return there;
}

int process_tasks(void)
{
    struct stat st;
    int saved = errno;
    bool known = !stat("/proc/self/task", &st) && st.st_nlink > 2;
    errno = saved;
    return known ? (int)st.st_nlink - 2 : 0;
}

bool process_is_headless(void)
{
    char buf[512];
    read_file("/proc/self/stat", buf, sizeof buf); /* "PID (NAME) STATE ...", of the first thread */
    const char *end = strrchr(buf, ')');
    return end && (end[2] == 'Z' || end[2] == 'X');
}

void process_wait(_Atomic uint32_t *word, uint32_t while_equal, int64_t at_ns)
{
    int saved = errno;
    struct timespec t = clock_for_kernel(at_ns);
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, while_equal, &t, NULL,
            FUTEX_BITSET_MATCH_ANY);
    errno = saved;
}

void process_wake(_Atomic uint32_t *word)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}
