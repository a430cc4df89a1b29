/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/shield.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char got[8192];

/* Redirects descriptor 2 to a pipe. */
static int catch_stderr(void)
{
    int p[2];
    pipe2(p, O_NONBLOCK | O_CLOEXEC);
    dup2(p[1], 2);
    close(p[1]);
    return p[0];
}

static const char *caught(int fd)
{
    ssize_t n = read(fd, got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    return got;
}

static const char *content(const char *path)
{
    int fd = open(path, O_RDONLY);
    caught(fd);
    close(fd);
    return got;
}

Test(log, is_silent_until_it_is_set)
{
    int fd = catch_stderr();
    log_error("not expected");
    cr_assert_str_empty(caught(fd));
}

Test(log, writes_messages_up_to_its_level)
{
    int fd = catch_stderr();
    log_set(LOG_WARN, "stderr", "x");
    log_error("a %d", 1);
    log_warn("b");
    log_info("c");
    cr_assert_str_eq(caught(fd), "harden: error: a 1\nharden: warn: b\n");
    log_set(LOG_OFF, "stderr", "x");
    log_error("d");
    cr_assert_str_empty(caught(fd));
}

Test(log, writes_one_line_per_call_for_any_text)
{
    int fd = catch_stderr();
    log_set(LOG_ERROR, "stderr", "x");
    log_error("host \n\033[31m evil");
    cr_assert_str_eq(caught(fd), "harden: error: host ??[31m evil\n");
    char *large = calloc(1, 5000);
    memset(large, 'x', 4999);
    log_error("%s", large);
    cr_assert_lt(strlen(caught(fd)), 1025u);
    cr_assert_eq(got[strlen(got) - 1], '\n');
    free(large);
}

Test(log, preserves_errno)
{
    catch_stderr();
    log_set(LOG_ERROR, "/nonexistent/dir/file", "x");
    errno = EXDEV;
    log_error("lost");
    cr_assert_eq(errno, EXDEV);
}

Test(log, survives_a_closed_pipe)
{
    int fd = catch_stderr();
    close(fd);
    log_set(LOG_ERROR, "stderr", "x");
    log_error("no reader"); /* SIGPIPE would end this test */
    sigset_t pending;
    sigpending(&pending);
    cr_assert(!sigismember(&pending, SIGPIPE));
}

Test(log, does_not_block_the_program_when_nothing_reads_the_pipe, .timeout = 20)
{
    int fd = catch_stderr();
    fcntl(2, F_SETFL, 0);
    log_set(LOG_ERROR, "stderr", "x");
    for (int i = 0; i < 20000; i++)
        log_error("a line without reader %d", i);
    cr_assert_not_null(strstr(caught(fd), "without reader 0\n"));
}

Test(log, does_not_write_to_a_replaced_descriptor_2)
{
    char path[] = "/tmp/harden-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    dup3(fd, 2, O_CLOEXEC); /* a file of the program that must not receive messages */
    log_set(LOG_ERROR, "stderr", "x");
    log_error("not here");
    cr_assert_str_empty(content(path));
    unlink(path);
}

Test(log, does_not_write_into_a_file_that_reused_the_descriptor)
{
    char path[] = "/tmp/harden-test-XXXXXX";
    int fd = catch_stderr();
    log_set(LOG_ERROR, "stderr", "x");
    close(2);
    cr_assert_eq(mkstemp(path), 2); /* a file of a daemon, without close-on-exec */
    log_set(LOG_ERROR, "stderr", "x");
    log_error("not here");
    cr_assert_str_empty(content(path));
    cr_assert_str_empty(caught(fd));
    unlink(path);
}

Test(log, appends_to_a_file_whose_name_has_pid_program_and_uid)
{
    char dir[] = "/tmp/harden-test-XXXXXX", to[64], path[128];
    mkdtemp(dir);
    snprintf(to, sizeof to, "%s/%%n-%%p-%%u-%%%%-%%x", dir);
    snprintf(path, sizeof path, "%s/a_b-%d-%u-%%-%%x", dir, getpid(), getuid());
    log_set(LOG_INFO, to, "a/b");
    log_info("one");
    log_info("two");
    content(path);
    char want[64];
    snprintf(want, sizeof want, "Z [%d] harden: info: one\n", getpid());
    cr_assert_not_null(strstr(got, want), "%s", got);
    cr_assert_not_null(strstr(got, "harden: info: two\n"), "%s", got);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600u);
    unlink(path);
    rmdir(dir);
}

Test(log, does_not_follow_a_symbolic_link)
{
    char dir[] = "/tmp/harden-test-XXXXXX", victim[64], link[64];
    mkdtemp(dir);
    snprintf(victim, sizeof victim, "%s/victim", dir);
    snprintf(link, sizeof link, "%s/log", dir);
    symlink(victim, link);
    log_set(LOG_ERROR, link, "x");
    log_error("text");
    cr_assert_eq(access(victim, F_OK), -1);
    unlink(link);
    rmdir(dir);
}

Test(log, accepts_the_names_of_the_standard_streams)
{
    int fd = catch_stderr();
    log_set(LOG_WARN, "/dev/stderr", "x");
    log_warn("to stderr");
    cr_assert_str_eq(caught(fd), "harden: warn: to stderr\n");
    cr_assert_eq(log_append("/dev/stderr", "a line\n", 7), 0);
    cr_assert_str_eq(caught(fd), "a line\n");

    int p[2];
    cr_assert_eq(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
    int old = dup(1);
    dup2(p[1], 1);
    int err[3] = {log_append("/dev/stdout", "a", 1), log_append("/proc/self/fd/1", "b", 1),
                  log_append("/dev/fd/1", "c", 1)};
    dup2(old, 1);
    cr_assert_str_eq(caught(p[0]), "abc");
    cr_assert_eq(err[0] | err[1] | err[2], 0);
    cr_assert_eq(log_append("/dev/harden-no-such-file", "a", 1), -ENOENT, "no file is created");
}

Test(log, does_not_follow_a_link_below_dev)
{
    char link[64];
    snprintf(link, sizeof link, "/dev/shm/harden-test-link-%d", getpid());
    cr_assert_eq(symlink("/dev/null", link), 0);
    int err = log_append(link, "a", 1);
    unlink(link);
    cr_assert_eq(err, -ELOOP);
}

Test(log, does_not_wait_for_the_reader_of_a_fifo, .timeout = 20)
{
    char dir[] = "/tmp/harden-test-XXXXXX", path[64];
    mkdtemp(dir);
    snprintf(path, sizeof path, "%s/fifo", dir);
    mkfifo(path, 0600);
    log_set(LOG_ERROR, path, "x");
    log_error("text");
    unlink(path);
    rmdir(dir);
}

Test(log, keeps_no_descriptor_open)
{
    char path[] = "/tmp/harden-test-XXXXXX";
    close(mkstemp(path));
    int before = dup(0);
    close(before);
    log_set(LOG_ERROR, path, "x");
    log_error("text");
    log_set(LOG_ERROR, "syslog", "x");
    log_error("a test of libharden");
    int after = dup(0);
    cr_assert_eq(after, before);
    unlink(path);
}

Test(shield, suppresses_signals_of_its_own_writes_only)
{
    struct shield q;
    struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
    char path[] = "/tmp/harden-test-XXXXXX";
    int fd = mkstemp(path), p[2];
    pipe(p);
    close(p[0]);
    setrlimit(RLIMIT_FSIZE, &none);
    errno = EXDEV;
    shield_begin(&q);
    cr_assert_eq(write(fd, "x", 1), -1);
    cr_assert_eq(write(p[1], "x", 1), -1);
    shield_end(&q);
    cr_assert_eq(errno, EXDEV);
    unlink(path);

    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGPIPE); /* set by the program */
    shield_begin(&q);
    shield_end(&q);
    sigpending(&pending);
    cr_assert(sigismember(&pending, SIGPIPE));
}
