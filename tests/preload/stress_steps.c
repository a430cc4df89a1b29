/* SPDX-License-Identifier: MIT */
#include "stress.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* ---- signals --------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled, handler_calls, handler_result;

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    if (handler_calls >= 0 && handled < 20)
        handler_result = call_any((unsigned)handler_calls);
    handled++;
    errno = saved;
}

/* Sets a handler that makes a call of that kind; -1: none. */
static void handle(int number, int kind)
{
    handled = 0;
    handler_calls = kind;
    sigaction(number, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART}, NULL);
}

static void raised(struct life *l)
{
    unsigned kind = pick(l, CALLS_SAFE);
    handle(SIGUSR1, (int)kind);
    raise(SIGUSR1);
    say(l, "in a handler, %s: %d", call_name(kind), handler_result);
}

/* While the program is at any point: in a call, or in the allocator. */
static void by_timer(struct life *l)
{
    unsigned kind = pick(l, CALLS_SAFE), busy = pick(l, 2), outside = pick(l, CALLS_SAFE);
    int result = 0, rounds = 0;
    handle(SIGALRM, (int)kind);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 700}, {0, 300}}, NULL);
    while (handled < 3)
        if (busy) {
            void *volatile p = malloc(1 + (size_t)rounds++ % 5000);
            free(p);
        } else {
            result = call_any(outside);
        }
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    say(l, "alarms, %s: %d, %s: %d", call_name(kind), handler_result,
        busy ? "allocations" : call_name(outside), result);
}

/* Signals that the program waits for must not be taken by another thread. */
static void waited_for(struct life *l)
{
    sigset_t set, before;
    int got = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    kill(getpid(), pick(l, 2) ? SIGTERM : SIGHUP);
    sigwait(&set, &got);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    say(l, "waited for %d", got);
}

void step_signal(struct life *l)
{
    static void (*const kinds[])(struct life *) = {raised, by_timer, waited_for};
    kinds[pick(l, 3)](l);
}

/* ---- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4 };

struct worker {
    unsigned kinds[2], end;
    int results[2];
    atomic_int tid;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    w->tid = (int)syscall(SYS_gettid);
    for (int i = 0; i < 2; i++)
        w->results[i] = call_any(w->kinds[i]);
    if (w->end == 1)
        pthread_exit(NULL);
    while (w->end == 2)
        pause(); /* until it is cancelled */
    return NULL;
}

/* pthread_join returns slightly before the kernel has removed the thread, and until then unshare()
 * counts several threads. */
static void wait_for_end(pthread_t t, const struct worker *w)
{
    while (w->end == 2 && !w->tid)
        sched_yield();
    if (w->end == 2)
        pthread_cancel(t);
    REQUIRE(!pthread_join(t, NULL));
    while (!syscall(SYS_tgkill, getpid(), w->tid, 0))
        sched_yield();
}

void step_threads(struct life *l)
{
    struct worker w[THREADS] = {0};
    pthread_t t[THREADS];
    pthread_attr_t attr;
    unsigned n = 1 + pick(l, THREADS), small = pick(l, 2);
    pthread_attr_init(&attr);
    if (small)
        pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
    for (unsigned i = 0; i < n; i++) {
        w[i].kinds[0] = pick(l, CALLS_SAFE);
        w[i].kinds[1] = pick(l, CALLS_SAFE);
        w[i].end = l->no_files ? 0 : pick(l, 3); /* the other ways may load the unwinder */
        REQUIRE(!pthread_create(&t[i], &attr, work, &w[i]));
    }
    pthread_attr_destroy(&attr);
    for (unsigned i = 0; i < n; i++) {
        wait_for_end(t[i], &w[i]);
        if (w[i].end != 2)
            say(l, "thread, %s: %d, %s: %d", call_name(w[i].kinds[0]), w[i].results[0],
                call_name(w[i].kinds[1]), w[i].results[1]);
    }
}

/* ---- the loader ------------------------------------------------------------------------------ */

void step_dlopen(struct life *l)
{
    static const char *const kinds[] = {"here", "in-a-thread"};
    char file[4096];
    unsigned kind = pick(l, 3);
    if (kind == 2 && !l->no_clone) { /* libcurl may resolve names in a thread */
        call_curl(l);
        return;
    }
    kind = l->no_clone ? 0 : kind % 2;
    setenv("STRESS_CONSTRUCTOR", kinds[kind], 1);
    snprintf(file, sizeof file, "%s/libstress.so", getenv("STRESS_DIR"));
    void *library = dlopen(file, pick(l, 2) ? RTLD_NOW : RTLD_LAZY);
    REQUIRE(library);
    const int *result = dlsym(library, "stress_result");
    REQUIRE(result);
    say(l, "a constructor connects %s: %d", kinds[kind], *result);
    if (pick(l, 2))
        dlclose(library);
}

/* ---- namespaces and filters ------------------------------------------------------------------ */

void step_unshare(struct life *l)
{
    static const struct {
        const char *name;
        int flags;
    } kinds[] = {{"user", CLONE_NEWUSER},
                 {"mounts", CLONE_NEWNS},
                 {"network", CLONE_NEWNET},
                 {"uts", CLONE_NEWUTS},
                 {"directory", CLONE_FS},
                 {"descriptors", CLONE_FILES},
                 {"both", CLONE_NEWUSER | CLONE_NEWNS}};
    unsigned kind = pick(l, 7);
    say(l, "unshare %s: %d", kinds[kind].name, unshare(kinds[kind].flags) ? errno : 0);
}

#define KILL_ON(number)                                                                            \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),                                             \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ALLOW  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter forbids_clone[] = {NUMBER, KILL_ON(SYS_clone), KILL_ON(SYS_clone3),
                                             ALLOW};
static struct sock_filter forbids_files[] = {
    NUMBER,
    KILL_ON(SYS_openat),
    KILL_ON(SYS_renameat),
    KILL_ON(SYS_unlinkat),
    KILL_ON(SYS_mkdirat),
    KILL_ON(SYS_readlinkat),
#ifdef SYS_open
    KILL_ON(SYS_open),
    KILL_ON(SYS_stat),
    KILL_ON(SYS_lstat),
    KILL_ON(SYS_rename),
    KILL_ON(SYS_unlink),
    KILL_ON(SYS_mkdir),
    KILL_ON(SYS_readlink),
#endif
    ALLOW,
};

/* For this thread only, by either system call, or for all threads. */
void step_seccomp(struct life *l)
{
    bool files = pick(l, 2);
    struct sock_fprog program = {files ? sizeof forbids_files / sizeof *forbids_files
                                       : sizeof forbids_clone / sizeof *forbids_clone,
                                 files ? forbids_files : forbids_clone};
    unsigned how = pick(l, 3);
    long r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!r && how == 0)
        r = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    else if (!r)
        r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, how == 1 ? 0 : SECCOMP_FILTER_FLAG_TSYNC,
                    &program);
    if (files)
        l->no_files = true;
    else
        l->no_clone = true;
    say(l, "a filter for %s: %ld", files ? "files" : "threads", r);
}
