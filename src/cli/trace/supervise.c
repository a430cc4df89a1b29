/* SPDX-License-Identifier: MIT
 *
 * The traced program, as a child process. */
#include "cli/trace/trace.h"

#include "base/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child;

/* The terminal sends SIGINT and SIGQUIT to the program, too: only those that a process sent here are
 * passed on. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    if (child && info->si_code <= 0)
        kill((pid_t)child, number);
    errno = saved;
}

static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM};

static _Noreturn void report_error(int pipe_end)
{
    int error = errno;
    _exit(write(pipe_end, &error, sizeof error) < 0);
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* The pipe's end closes with the exec, or brings its errno. */
static int read_error(int pipe_end)
{
    int error = 0;
    ssize_t n;
    while ((n = read(pipe_end, &error, sizeof error)) < 0 && errno == EINTR)
        ;
    close(pipe_end);
    return n == sizeof error ? error : 0;
}

int trace_supervise(trace_execute *execute, char *path, char **words)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (!pid) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        execute(path, words);
        report_error(ends[1]);
    }
    close(ends[1]);
    child = pid;
    struct sigaction a = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART};
    for (size_t i = 0; pid > 0 && i < array_size(passed_on); i++)
        sigaction(passed_on[i], &a, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        close(ends[0]);
        return -1;
    }
    int error = read_error(ends[0]), status = wait_for(pid);
    child = 0;
    errno = error;
    return error ? -1 : status;
}
