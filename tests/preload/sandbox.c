/* SPDX-License-Identifier: MIT
 *
 * Programs that arrange their signals, name spaces and system calls: sandbox WHAT. */
#include "host.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A new thread or process is death. */
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

/* The thread that exists already must not be the one that takes the signal. */
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

/* What the program blocks and handles is what it finds afterwards. */
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

static void new_user(void)
{
    REQUIRE(!unshare(CLONE_NEWUSER));
    fetch("alone", "ok/alone");
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {{"filter-first", filter_first}, {"filter-later", filter_later},
            {"sigwait", wait_for_signals},  {"signalfd", read_signals},
            {"mask", mask_is_kept},         {"unshare", new_user}};

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (!strcmp(acts[i].name, argv[1]))
            acts[i].act();
    return 0;
}
