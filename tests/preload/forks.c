/* SPDX-License-Identifier: MIT
 *
 * Ways to create a process and to end one: forks WAY. The parent has used libcurl before. */
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *self;

static void finish(pid_t pid)
{
    int status = -1;
    REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    printf("child: %#x\n", status);
}

static void by_fork(void)
{
    pid_t pid = fork();
    if (!pid) {
        fetch("child", "f2/child");
        exit(0);
    }
    finish(pid);
}

/* fork handlers run for fork() only, so the library does not notice a clone. */
static void by_clone(void)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (!pid) {
        fetch("child", "f2/child");
        _exit(0);
    }
    finish(pid);
}

/* This fork does not call the handlers either. */
static void by_raw_fork(void)
{
    pid_t pid = _Fork();
    if (!pid) {
        fetch("child", "f2/child");
        _exit(0);
    }
    finish(pid);
}

static void by_grandchild(void)
{
    pid_t pid = fork();
    if (!pid) {
        by_fork();
        exit(0);
    }
    finish(pid);
}

static char *child_argv[] = {NULL, "child", NULL};

static void by_vfork(void)
{
    pid_t pid = vfork();
    if (!pid) {
        execv(self, child_argv);
        _exit(127);
    }
    finish(pid);
}

static void by_spawn(void)
{
    pid_t pid = -1;
    REQUIRE(!posix_spawn(&pid, self, NULL, NULL, child_argv, environ));
    finish(pid);
}

static void by_system(void)
{
    char command[512];
    snprintf(command, sizeof command, "'%s' child", self);
    printf("system: %d\n", system(command));
}

/* Another program in the same process; `exec-bare` leaves only BASE in its environment. */
static void by_exec(void)
{
    execv(self, child_argv);
}

static void by_bare_exec(void)
{
    char base_of[512];
    char *environment[] = {base_of, NULL};
    snprintf(base_of, sizeof base_of, "BASE=%s", getenv("BASE"));
    execve(self, child_argv, environment);
}

static void by_daemon(void)
{
    REQUIRE(!daemon(1, 1));
    fetch("daemon", "f2/daemon");
}

/* Forks while the parent's threads, including the library's, are at any point. */
static void by_storm(void)
{
    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();
        if (!pid) {
            char path[32];
            snprintf(path, sizeof path, "ok/%d", i);
            fetch("child", path);
            if (i % 2)
                _exit(0);
            exit(0);
        }
        finish(pid);
        fetch("parent", "ok/parent");
    }
}

static void *keep_fetching(void *unused)
{
    for (int i = 0; i < 50; i++) {
        struct answer a;
        CURL *h = curl_easy_init();
        prepare(h, "ok/crowd", &a);
        curl_easy_perform(h);
        curl_easy_cleanup(h);
    }
    return unused;
}

/* Forks while other threads are at any point in libcurl and in the library. */
static void by_crowd(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        REQUIRE(!pthread_create(&t[i], NULL, keep_fetching, NULL));
    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();
        if (!pid) {
            struct answer a;
            CURL *h = curl_easy_init();
            prepare(h, "ok/crowd", &a);
            exit(curl_easy_perform(h));
        }
        finish(pid);
    }
    for (int i = 0; i < 4; i++)
        REQUIRE(!pthread_join(t[i], NULL));
}

static void end_quick(void)
{
    quick_exit(0);
}
static void end_now(void)
{
    _exit(0);
}
static void end_abort(void)
{
    abort();
}
static void end_kill(void)
{
    raise(SIGKILL);
}
static void end_term(void)
{
    raise(SIGTERM);
}

static const struct {
    const char *name;
    void (*act)(void);
} ways[] = {
    {"fork", by_fork},           {"_Fork", by_raw_fork},
    {"clone", by_clone},         {"grandchild", by_grandchild},
    {"vfork", by_vfork},         {"spawn", by_spawn},
    {"system", by_system},       {"exec", by_exec},
    {"exec-bare", by_bare_exec}, {"daemon", by_daemon},
    {"storm", by_storm},         {"crowd", by_crowd},
    {"quick_exit", end_quick},   {"_exit", end_now},
    {"abort", end_abort},        {"kill", end_kill},
    {"term", end_term},
};

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    self = child_argv[0] = argv[0];
    if (!strcmp(argv[1], "child")) {
        fetch("child", "f2/child");
        return 0;
    }
    fetch("parent", "f2/parent");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(ways[i].name, argv[1]))
            ways[i].act();
    fetch("after", "ok/after");
    return 0;
}
