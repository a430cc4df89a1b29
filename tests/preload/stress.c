/* SPDX-License-Identifier: MIT */
#include "stress.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { DEEPEST = 2, STEPS = 6 };

extern char **environ;

unsigned pick(struct life *l, unsigned n)
{
    uint64_t x = l->chance += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return (unsigned)((x ^ x >> 31) >> 32) % n;
}

/* One write, so that no line is cut when the process ends. */
void say(const struct life *l, const char *fmt, ...)
{
    char line[512];
    int n = snprintf(line, sizeof line, "%*s", 2 * l->depth, "");
    va_list ap;
    va_start(ap, fmt);
    n += vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    va_end(ap);
    line[n] = '\n';
    REQUIRE(write(1, line, (size_t)n + 1) == n + 1);
}

static void step_call(struct life *l)
{
    unsigned kind = pick(l, l->no_files ? CALLS_SAFE : CALLS);
    say(l, "%s: %d", call_name(kind), call_any(kind));
}

/* ---- processes ------------------------------------------------------------------------------- */

static void wait_for(struct life *l, const char *how, pid_t pid)
{
    int status = -1;
    REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    say(l, "%s ended with %#x", how, status);
}

/* The life of a new program or another process continues with its own random numbers. */
static struct life child_of(struct life *l)
{
    struct life child = *l;
    child.chance = pick(l, 1u << 30);
    child.depth++;
    return child;
}

static char **arguments_of(const struct life *l)
{
    static char seed[32], depth[16], *argv[4];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)l->chance);
    snprintf(depth, sizeof depth, "%d", l->depth);
    argv[0] = l->argv[0];
    argv[1] = seed;
    argv[2] = depth;
    return argv;
}

static pid_t by_vfork(char **argv)
{
    pid_t pid = vfork();
    if (!pid) {
        execv(argv[0], argv);
        _exit(91);
    }
    return pid;
}

static void step_fork(struct life *l)
{
    static const char *const ways[] = {"fork", "_Fork", "clone", "vfork", "spawn"};
    struct life child = child_of(l);
    unsigned way = pick(l, 5);
    char **argv = arguments_of(&child);
    pid_t pid = 0;
    if (way == 0)
        pid = fork();
    else if (way == 1)
        pid = _Fork();
    else if (way == 2)
        pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    else if (way == 3)
        pid = by_vfork(argv);
    else
        REQUIRE(!posix_spawn(&pid, argv[0], NULL, NULL, argv, environ));
    if (!pid)
        live(&child);
    wait_for(l, ways[way], pid);
}

static void step_exec(struct life *l)
{
    struct life next = child_of(l);
    say(l, "exec");
    execv(l->argv[0], arguments_of(&next));
    _exit(92);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void *outlive(void *unused)
{
    call_any(0);
    usleep(2000);
    return unused;
}

static __attribute__((noreturn)) void end(struct life *l)
{
    static const char *const ways[] = {"exit",     "_exit",  "quick_exit", "thread exit",
                                       "raw exit", "killed", "term",       "abort"};
    unsigned way = pick(l, 8);
    int status = (int)pick(l, 3);
    pthread_t t;
    say(l, "%s", ways[way]);
    if (way == 1)
        _exit(status);
    if (way == 2)
        quick_exit(status);
    if (way == 3 && (l->no_clone || !pthread_create(&t, NULL, outlive, NULL)))
        pthread_exit(NULL);
    if (way == 4)
        syscall(SYS_exit, status);
    if (way > 4)
        raise(way == 5 ? SIGKILL : way == 6 ? SIGTERM : SIGABRT);
    exit(status);
}

/* Skips the steps that a filter forbids or that would nest too deeply. */
static void step(struct life *l)
{
    bool deepest = l->depth == DEEPEST;
    switch (pick(l, 12)) {
    case 0:
    case 1:
    case 2:
        step_call(l);
        break;
    case 3:
    case 4:
        step_signal(l);
        break;
    case 5:
        if (!l->no_clone && !deepest && !l->no_files)
            step_fork(l);
        break;
    case 6:
        if (!deepest && !l->no_files && !l->no_clone)
            step_exec(l);
        break;
    case 7:
    case 8:
        if (!l->no_clone)
            step_threads(l);
        break;
    case 9:
        if (!l->no_files)
            step_dlopen(l);
        break;
    case 10:
        step_unshare(l);
        break;
    case 11:
        step_seccomp(l);
        break;
    }
}

void live(struct life *l)
{
    for (unsigned n = 1 + pick(l, STEPS); n; n--)
        step(l);
    end(l);
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 1 && getenv("STRESS_DIR"));
    struct life l = {.chance = strtoull(argv[1], NULL, 10), .argv = argv};
    l.depth = argc > 2 ? atoi(argv[2]) : 0;
    calls_prepare();
    live(&l);
}
