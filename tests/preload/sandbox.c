/* SPDX-License-Identifier: MIT
 *
 * Programs that change their signals, namespaces and allowed system calls: sandbox WHAT. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Kills on the creation of a thread or process. */
static void forbid_clone(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    REQUIRE(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program));
}

/* Forbids calls that the host does not make but the library would, such as renaming a file. */
static void forbid_all_else(int by_prctl, unsigned flags)
{
    static const int calls[] = {
        SYS_renameat2,  SYS_unlinkat, SYS_flock,           SYS_fallocate,     SYS_readlinkat,
        SYS_getdents64, SYS_tgkill,   SYS_rt_sigtimedwait, SYS_rt_sigpending, SYS_mkdirat,
#ifdef SYS_rename
        SYS_rename,     SYS_unlink,   SYS_readlink,        SYS_mkdir,
#endif
#ifdef SYS_renameat
        SYS_renameat,
#endif
    };
    enum { COUNT = sizeof calls / sizeof *calls };
    struct sock_filter code[COUNT + 3] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    for (unsigned char i = 0; i < COUNT; i++)
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
                                                   (unsigned char)(COUNT - i), 0);
    code[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {COUNT + 3, code};
    REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    REQUIRE(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) == -1 && errno == EFAULT);
    REQUIRE(prctl(PR_SET_SECCOMP, 77, &program) == -1 && errno == EINVAL);
    if (by_prctl)
        REQUIRE(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
    else
        REQUIRE((syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) > 0) ==
                (flags == SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

static void live_filtered(void)
{
    fetch("filtered", "f1/filtered");
    usleep(150 * 1000);
    fetch("filtered", "ok/filtered");
}

static void strict_first(void)
{
    forbid_all_else(1, 0);
    live_filtered();
}

static void strict_later(void)
{
    fetch("free", "f2/free");
    usleep(300 * 1000);
    forbid_all_else(0, SECCOMP_FILTER_FLAG_TSYNC);
    live_filtered();
}

/* The filter has a listener in another process: the call then returns a descriptor, which is not a
 * failure. */
static void strict_listener(void)
{
    fetch("free", "f2/free");
    forbid_all_else(0, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    live_filtered();
}

static void strict_vfork(void)
{
    int status;
    pid_t child = vfork();
    if (!child) {
        forbid_all_else(1, 0);
        _exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child && !status);
    fetch("free", "f2/free");
}

static void no_futex(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    fetch("free", "f2/free");
    usleep(800 * 1000); /* until a check has run */
    REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    REQUIRE(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* Created without the C library, which still believes that it is the parent. */
static void strict_child(void)
{
    int status;
    fetch("free", "f2/free");
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (!child) {
        forbid_all_else(0, SECCOMP_FILTER_FLAG_TSYNC);
        live_filtered();
        _exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    printf("child: %#x\n", (unsigned)status);
}

static void filter_first(void)
{
    forbid_clone();
    fetch("filtered", "f2/filtered");
}

static void filter_later(void)
{
    fetch("free", "f2/free");
    forbid_clone();
    fetch("filtered", "f2/filtered");
}

static void block_term(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGUSR1);
    REQUIRE(!sigprocmask(SIG_BLOCK, set, NULL));
}

/* A thread that exists already must not take the signal. */
static void wait_for_signals(void)
{
    sigset_t set;
    int got = 0;
    fetch("before", "f2/before");
    usleep(100 * 1000);
    block_term(&set);
    for (int i = 0; i < 50; i++) {
        REQUIRE(!kill(getpid(), i % 2 ? SIGTERM : SIGUSR1));
        REQUIRE(!sigwait(&set, &got) && got == (i % 2 ? SIGTERM : SIGUSR1));
    }
    fetch("after", "f2/after");
}

static void read_signals(void)
{
    sigset_t set;
    struct signalfd_siginfo info;
    fetch("before", "f2/before");
    usleep(100 * 1000);
    block_term(&set);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 50; i++) {
        REQUIRE(!kill(getpid(), SIGTERM));
        REQUIRE(poll(&p, 1, 1000) == 1);
        REQUIRE(read(fd, &info, sizeof info) == (ssize_t)sizeof info && info.ssi_signo == SIGTERM);
    }
    fetch("after", "f2/after");
    close(fd);
}

/* The signal mask and handlers must be unchanged afterwards. */
static void mask_is_kept(void)
{
    sigset_t before, after;
    struct sigaction pipe_before, pipe_after;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    REQUIRE(!sigprocmask(SIG_SETMASK, &before, NULL));
    REQUIRE(!sigaction(SIGPIPE, NULL, &pipe_before));
    fetch("masked", "f2/masked");
    REQUIRE(!sigprocmask(SIG_SETMASK, NULL, &after));
    REQUIRE(!sigaction(SIGPIPE, NULL, &pipe_after));
    for (int s = 1; s < 32; s++)
        REQUIRE(sigismember(&after, s) == (s == SIGUSR2));
    REQUIRE(pipe_before.sa_handler == pipe_after.sa_handler);
}

static volatile sig_atomic_t alarms, children;
static pthread_t first_thread;

static void on_alarm(int s)
{
    (void)s;
    if (pthread_equal(pthread_self(), first_thread))
        alarms++;
}

static void on_child(int s)
{
    (void)s;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        children++;
}

/* Many signals while requests are made, waited for and repeated: each handler runs in the program's
 * own thread, and no child exists that the program did not create. */
static void handlers(void)
{
    struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
    first_thread = pthread_self();
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_RESTART}, NULL);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child, .sa_flags = SA_RESTART}, NULL);
    REQUIRE(!setitimer(ITIMER_REAL, &often, NULL));
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (!pid)
            _exit(0);
        fetch("interrupted", i ? "ok/interrupted" : "f2/interrupted");
    }
    while (alarms < 20 || children < 10)
        usleep(1000);
    REQUIRE(!setitimer(ITIMER_REAL, &never, NULL));
    printf("children: %d\n", (int)children);
}

static void enter(const char *kind)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0 && !setns(fd, 0));
    close(fd);
}

/* Into the program's own namespaces: the kernel's conditions are the same. */
static void namespaces_first(void)
{
    enter("mnt");
    enter("net");
    fetch("entered", "f2/entered");
}

static void namespaces_later(void)
{
    fetch("before", "f2/before");
    usleep(100 * 1000);
    enter("net");
    enter("uts");
    enter("pid");
    fetch("entered", "f2/entered");
}

/* The kernel moves a thread into another mount namespace only if no other thread shares its file
 * system state. */
static void mounts_later(void)
{
    fetch("before", "f2/before");
    usleep(100 * 1000);
    enter("mnt");
    fetch("entered", "f2/entered");
}

static void new_user_later(void)
{
    fetch("before", "ok/before");
    usleep(1300 * 1000);
    REQUIRE(!unshare(CLONE_NEWUSER));
    fetch("alone", "ok/alone");
}

static void new_user(void)
{
    REQUIRE(!unshare(CLONE_NEWUSER));
    fetch("alone", "ok/alone");
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {{"filter-first", filter_first},
            {"filter-later", filter_later},
            {"strict-first", strict_first},
            {"strict-later", strict_later},
            {"strict-child", strict_child},
            {"strict-listener", strict_listener},
            {"strict-vfork", strict_vfork},
            {"no-futex", no_futex},
            {"sigwait", wait_for_signals},
            {"signalfd", read_signals},
            {"mask", mask_is_kept},
            {"unshare", new_user},
            {"unshare-later", new_user_later},
            {"handlers", handlers},
            {"setns-first", namespaces_first},
            {"setns-later", namespaces_later},
            {"setns-mounts", mounts_later}};

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (!strcmp(acts[i].name, argv[1]))
            acts[i].act();
    return 0;
}
