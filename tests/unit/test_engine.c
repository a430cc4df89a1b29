/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/process.h"
#include "engine/engine.h"
#include "engine/publish/monitor.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER 54330 /* an unused user id, to which tests switch */

static char dir[] = "/tmp/harden-test-XXXXXX";
static char ini[64];
static char got[8192];

static void make(void)
{
    mkdtemp(dir);
    snprintf(ini, sizeof ini, "%s/harden.ini", dir);
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", dir, 1);
}

static void drop(void)
{
    scratch_remove(dir);
}

TestSuite(engine, .init = make, .fini = drop, .timeout = 60);

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

static void write_ini(const char *text)
{
    setenv("HARDEN_CONFIG", ini, 1);
    unlink(ini); /* another inode, so that the change is detected at any clock resolution */
    int fd = open(ini, O_CREAT | O_EXCL | O_WRONLY, 0600);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    while ((text = strstr(text, part))) {
        n++;
        text += strlen(part);
    }
    return n;
}

Test(engine, opens_at_the_first_call)
{
    cr_assert_null(engine_peek());
    errno = EXDEV;
    struct engine *e = engine_get();
    cr_assert_not_null(e);
    cr_assert_eq(errno, EXDEV);
    cr_assert_eq(engine_peek(), e);
    cr_assert_eq(engine_get(), e);
    cr_assert(e->board->shared);
    cr_assert_not_null(atomic_load(&e->config));
}

static void refused(void)
{
    cr_assert_null(engine_get());
    cr_assert_null(engine_get());
    cr_assert_null(engine_peek());
    char board[80];
    snprintf(board, sizeof board, "%s/" BOARD_NAME, dir);
    cr_assert_eq(access(board, F_OK), -1, "nothing is created");
}

Test(engine, stays_out_with_the_kill_switch)
{
    setenv("HARDEN_DISABLE", "1", 1);
    refused();
}

Test(engine, takes_a_kill_switch_of_0_as_not_set)
{
    setenv("HARDEN_DISABLE", "0", 1);
    cr_assert_not_null(engine_get());
}

Test(engine, takes_a_kill_switch_that_is_off_as_not_set)
{
    setenv("HARDEN_DISABLE", "Off", 1);
    cr_assert_not_null(engine_get());
}

Test(engine, stays_silently_out_when_the_kill_switch_is_neither_on_nor_off)
{
    int fd = catch_stderr();
    setenv("HARDEN_DISABLE", "of", 1);
    refused();
    cr_assert_str_empty(caught(fd));
}

Test(engine, stays_out_with_mode_off)
{
    setenv("HARDEN_MODE", "off", 1);
    refused();
}

Test(engine, stays_silently_out_of_programs_that_are_not_covered)
{
    int fd = catch_stderr();
    setenv("HARDEN_PROGRAMS", "!test_*", 1);
    setenv("HARDEN_RATE", "nonsense", 1);
    refused();
    cr_assert_str_empty(caught(fd));
}

Test(engine, reports_each_wrong_line_once_and_runs)
{
    int fd = catch_stderr();
    setenv("HARDEN_MAX_WAIT", "30", 1);
    cr_assert_not_null(engine_get());
    engine_reload();
    engine_get();
    cr_assert_eq(count(caught(fd), "harden: error: "), 1, "%s", got);
}

Test(engine, is_silent_about_configuration_errors_with_log_off)
{
    int fd = catch_stderr();
    setenv("HARDEN_MAX_WAIT", "30", 1);
    setenv("HARDEN_LOG", "off", 1);
    cr_assert_not_null(engine_get());
    cr_assert_str_empty(caught(fd));
}

/* A function that is called during the opening (an allocator, a hook) calls the engine. */
static bool call_engine;
static int called_engine;

int mkdir(const char *path, mode_t mode)
{
    if (call_engine) {
        called_engine += engine_get() == NULL;
    }
    return mkdirat(AT_FDCWD, path, mode);
}

Test(engine, forwards_a_call_from_within_its_own_opening)
{
    call_engine = true;
    int64_t begun = clock_now_ns();
    cr_assert_not_null(engine_get());
    cr_assert_gt(called_engine, 0);
    cr_assert_lt(clock_now_ns() - begun, 90 * NS_PER_MS, "does not wait for itself");
}

static void *get(void *arg)
{
    pthread_barrier_wait(arg);
    return engine_get();
}

Test(engine, is_opened_once_by_racing_threads)
{
    pthread_t thread[16];
    pthread_barrier_t b;
    void *e;
    pthread_barrier_init(&b, NULL, 16);
    for (int i = 0; i < 16; i++)
        pthread_create(&thread[i], NULL, get, &b);
    for (int i = 0; i < 16; i++) {
        pthread_join(thread[i], &e);
        cr_assert_not_null(e);
        cr_assert_eq(e, engine_peek());
    }
}

Test(engine, waits_once_and_for_a_limited_time_for_a_thread_that_opens_it)
{
    atomic_store(&process_self()->opening, 1); /* a thread that hangs while opening */
    int64_t begun = clock_now_ns();
    cr_assert_null(engine_get());
    cr_assert_geq(clock_now_ns() - begun, 90 * NS_PER_MS);
    begun = clock_now_ns();
    for (int i = 0; i < 1000; i++)
        cr_assert_null(engine_get());
    cr_assert_lt(clock_now_ns() - begun, 50 * 1000 * NS_PER_MS);
}

Test(engine, opens_in_the_child_of_a_fork_during_the_opening)
{
    atomic_store(&process_self()->opening, 1);
    pid_t child = fork();
    if (!child)
        _exit(engine_get() ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}

Test(engine, is_not_opened_by_a_vfork_child)
{
    pid_t child = vfork();
    if (!child) {
        engine_get();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    cr_assert_null(engine_peek());
    cr_assert_not_null(engine_get());
}

Test(engine, keeps_its_board_over_a_fork)
{
    struct engine *e = engine_get();
    pid_t child = fork();
    if (!child) {
        atomic_fetch_add(&e->board->header->changes, 7);
        _exit(engine_get() == e ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
    cr_assert_eq(atomic_load(&e->board->header->changes), 7u);
}

Test(engine, applies_a_changed_file)
{
    write_ini("[harden]\nservice = one\n");
    struct engine *e = engine_get();
    const struct config *before = atomic_load(&e->config);
    engine_reload();
    cr_assert_eq(atomic_load(&e->config), before, "nothing changed");
    write_ini("[harden]\nservice = two\n");
    engine_reload();
    cr_assert_str_eq(atomic_load(&e->config)->service, "two");
    cr_assert_str_eq(before->service, "one", "the old configuration is still valid");
}

Test(engine, keeps_its_settings_when_the_new_file_is_wrong_and_logs_it_once)
{
    int fd = catch_stderr();
    write_ini("[harden]\nservice = one\n");
    struct engine *e = engine_get();
    write_ini("[harden]\nservice = two\nsnapshot_interval = soon\n");
    for (int i = 0; i < 5; i++)
        engine_reload();
    cr_assert_str_eq(atomic_load(&e->config)->service, "one");
    cr_assert_eq(count(caught(fd), "snapshot_interval"), 1, "%s", got);
    cr_assert_eq(count(got, "previous one stays"), 1, "%s", got);
    write_ini("[harden]\nservice = three\n");
    engine_reload();
    cr_assert_str_eq(atomic_load(&e->config)->service, "three");
    cr_assert_str_empty(caught(fd));
}

Test(engine, applies_a_valid_file_although_the_environment_is_wrong)
{
    catch_stderr();
    setenv("HARDEN_MAX_WAIT", "30", 1);
    write_ini("[harden]\nservice = one\n");
    struct engine *e = engine_get();
    write_ini("[harden]\nservice = two\n");
    engine_reload();
    cr_assert_str_eq(atomic_load(&e->config)->service, "two");
}

Test(engine, can_be_switched_off_and_on_by_the_file)
{
    write_ini("[harden]\nmode = enforce\n");
    struct engine *e = engine_get();
    write_ini("[harden]\nmode = off\n");
    engine_reload();
    cr_assert_null(engine_get());
    cr_assert_eq(engine_peek(), e);
    write_ini("[harden]\nmode = observe\n");
    engine_reload();
    cr_assert_eq(engine_get(), e);
}

Test(engine, keeps_board_and_files_in_place_when_a_new_file_moves_them_and_logs_it_once)
{
    char text[256], want[64];
    int fd = catch_stderr();
    unsetenv("HARDEN_STATE");
    snprintf(text, sizeof text, "[harden]\nstate = %s\n", dir);
    write_ini(text);
    struct engine *e = engine_get();
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text,
                 "[harden]\nstate = /nonexistent/b\nmax_hosts = 7\nservice = n%d\n", i);
        write_ini(text);
        engine_reload();
        const struct config *c = atomic_load(&e->config);
        cr_assert_eq(c->service[1], '0' + i, "the other keys are applied");
        cr_assert_str_eq(c->state, dir);
        snprintf(want, sizeof want, "%s/health.json", dir);
        cr_assert_str_eq(c->snapshot, want);
        snprintf(want, sizeof want, "%s/metrics.prom", dir);
        cr_assert_str_eq(c->metrics, want);
    }
    cr_assert_eq(count(caught(fd), "state, max_hosts and thread stay"), 1, "%s", got);
}

Test(engine, that_is_off_without_a_thread_can_be_switched_on_by_the_file)
{
    write_ini("[harden]\nthread = off\nsnapshot_interval = 100ms\n");
    struct engine *e = engine_get();
    monitor_start();
    monitor_update(clock_now_ns());
    write_ini("[harden]\nthread = off\nsnapshot_interval = 100ms\nmode = off\n");
    engine_reload();
    cr_assert_null(engine_get());
    write_ini("[harden]\nthread = off\nsnapshot_interval = 100ms\n");
    int64_t end = clock_now_ns() + 20 * NS_PER_S;
    while (!engine_get() && clock_now_ns() < end)
        usleep(1000);
    cr_assert_eq(engine_get(), e);
}

Test(engine, that_is_off_can_be_switched_on_in_the_child_of_a_fork)
{
    write_ini("[harden]\nsnapshot_interval = 100ms\n");
    cr_assert_not_null(engine_get());
    monitor_start();
    write_ini("[harden]\nsnapshot_interval = 100ms\nmode = off\n");
    engine_reload();
    pid_t child = fork();
    if (!child) {
        if (engine_get())
            _exit(1);
        write_ini("[harden]\nsnapshot_interval = 100ms\n");
        int64_t end = clock_now_ns() + 20 * NS_PER_S;
        while (!engine_get() && clock_now_ns() < end)
            usleep(1000);
        _exit(engine_get() ? 0 : 2);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0, "%d", WEXITSTATUS(status));
}

static uint64_t counted(struct engine *e)
{
    return atomic_fetch_add(&e->board->header->changes, 1);
}

Test(engine, recreates_a_board_that_vanished_with_its_directory)
{
    struct engine *e = engine_get();
    struct board *first = e->board;
    counted(e);
    engine_reopen();
    cr_assert_eq(e->board, first, "the board exists");
    drop();
    engine_reopen();
    cr_assert_neq(e->board, first);
    cr_assert(e->board->shared);
    cr_assert_eq(counted(e), 0u);
    struct board *other = board_open(dir, 8, NULL);
    cr_assert_eq(atomic_load(&other->header->changes), 1u, "other processes share it");
    counted(e);
    cr_assert_eq(atomic_load(&first->header->changes), 1u,
                 "the old board is still valid for its users");
}

Test(engine, switches_to_the_board_that_replaced_its_own)
{
    char board[80];
    struct engine *e = engine_get();
    struct board *first = e->board;
    snprintf(board, sizeof board, "%s/" BOARD_NAME, dir);
    unlink(board);
    struct board *other = board_open(dir, 8, NULL);
    engine_reopen();
    cr_assert_neq(e->board, first);
    counted(e);
    cr_assert_eq(atomic_load(&other->header->changes), 1u);
    struct board *second = e->board;
    engine_reopen();
    cr_assert_eq(e->board, second);
}

Test(engine, keeps_a_vanished_board_until_it_can_be_recreated)
{
    char board[80];
    struct engine *e = engine_get();
    struct board *first = e->board;
    snprintf(board, sizeof board, "%s/" BOARD_NAME, dir);
    unlink(board);
    mkdir(board, 0700);
    engine_reopen();
    cr_assert_eq(e->board, first);
    rmdir(board);
    engine_reopen();
    cr_assert_neq(e->board, first);
}

/* In a child, after `leave`: returns whether it considers its board gone. */
static bool reopens_after(bool (*leave)(void))
{
    struct engine *e = engine_get();
    struct board *first = e->board;
    pid_t child = fork();
    if (!child) {
        if (!leave())
            _exit(2);
        engine_reopen();
        _exit(e->board != first);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert_neq(WEXITSTATUS(status), 2);
    return status != 0;
}

static bool change_root(void)
{
    return mkdir("root", 0755) == 0 && chroot("root") == 0;
}

static bool change_user(void)
{
    drop();
    return setresuid(USER, USER, USER) == 0;
}

Test(engine, does_not_replace_a_board_that_is_out_of_reach)
{
    if (geteuid())
        return; /* needs root */
    char root[80];
    cr_assert_eq(chdir(dir), 0);
    cr_assert_not(reopens_after(change_root));
    snprintf(root, sizeof root, "%s/root", dir);
    rmdir(root);
    cr_assert_not(reopens_after(change_user));
}

Test(engine, creates_a_named_state_directory_with_its_parents)
{
    char deep[96], parent[96];
    struct stat st;
    snprintf(parent, sizeof parent, "%s/a", dir);
    snprintf(deep, sizeof deep, "%s/a/b", dir);
    setenv("HARDEN_STATE", deep, 1);
    umask(0);
    struct engine *e = engine_get();
    cr_assert(e->board->shared);
    cr_assert_eq(stat(parent, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700u);
    char board[128];
    snprintf(board, sizeof board, "%s/" BOARD_NAME, deep);
    unlink(board);
    rmdir(deep);
    rmdir(parent);
}

static const char *complaint(const char *state)
{
    int fd = catch_stderr();
    setenv("HARDEN_STATE", state, 1);
    setenv("HARDEN_RATE", "5/1s", 1);
    struct engine *e = engine_get();
    cr_assert(e && !e->board->shared);
    cr_assert_eq(count(caught(fd), "harden: error: "), 1, "%s", got);
    return got;
}

Test(engine, reports_a_state_directory_that_others_can_write_to)
{
    chmod(dir, 02775);
    cr_assert_eq(count(complaint(dir), "mode 02775 lets others write; make it 02755 with chmod"), 1,
                 "%s", got);
}

Test(engine, uses_a_state_directory_of_the_mode_that_mkdir_and_systemd_give_it)
{
    int fd = catch_stderr();
    setenv("HARDEN_RATE", "5/1s", 1);
    chmod(dir, 0755);
    cr_assert(engine_get()->board->shared);
    cr_assert_str_empty(caught(fd));
}

Test(engine, reports_a_state_directory_that_is_not_a_directory)
{
    cr_assert_eq(count(complaint("/dev/null"), "not a directory"), 1, "%s", got);
}

Test(engine, reports_a_state_directory_that_cannot_be_created)
{
    cr_assert_eq(count(complaint("/proc/none/such"), "/proc/none/such: the state directory cannot"),
                 1, "%s", got);
}

/* By default only errors are logged. */
Test(engine, reports_a_private_board_if_limits_are_configured)
{
    char full[96];
    snprintf(full, sizeof full, "%s/" BOARD_NAME, dir);
    for (int limits = 0; limits < 2; limits++) {
        mkdir(full, 0700); /* where the board would be */
        pid_t child = fork();
        if (!child) {
            int fd = catch_stderr();
            if (limits)
                setenv("HARDEN_RATE", "5/1s", 1);
            struct engine *e = engine_get();
            caught(fd);
            bool said = count(got, "harden: error: ") == 1 && count(got, "private to this process");
            _exit(!e || e->board->shared || said != limits || (!limits && *got));
        }
        int status;
        waitpid(child, &status, 0);
        cr_assert_eq(status, 0, "%d", limits);
        rmdir(full);
    }
}

static void remove_of_user(int user)
{
    char in[64], file[128];
    static const char *const files[] = {BOARD_NAME, "health.json", "metrics.prom"};
    snprintf(in, sizeof in, "/dev/shm/harden-%d", user);
    for (int i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s/%s", in, files[i]);
        unlink(file);
    }
    rmdir(in);
}

Test(engine, reports_the_owner_of_its_directory_and_the_other_place_if_limits_are_configured)
{
    char taken[96];
    if (geteuid())
        return; /* needs a second user */
    snprintf(taken, sizeof taken, "%s/harden", dir);
    mkdir(taken, 0700);
    cr_assert_eq(chown(dir, USER, USER), 0);
    for (int limits = 0; limits < 2; limits++) {
        pid_t child = fork();
        if (!child) {
            int fd = catch_stderr();
            unsetenv("HARDEN_STATE");
            setenv("XDG_RUNTIME_DIR", dir, 1);
            if (limits)
                setenv("HARDEN_RATE", "5/1s", 1);
            if (setresuid(USER, USER, USER))
                _exit(3);
            struct engine *e = engine_get();
            caught(fd);
            bool said = count(got, taken) && count(got, "remove it") && count(got, "/dev/shm/");
            _exit(!e || !e->board->shared || said != limits || (!limits && *got));
        }
        int status;
        waitpid(child, &status, 0);
        remove_of_user(USER);
        cr_assert_eq(status, 0, "%d", limits);
    }
    rmdir(taken);
}

/* In a child that has become the user: whether its board is in its directory in /dev/shm, and whether this
 * was reported as one error, which has all the words. */
static int moves_to_memory(int user, bool limits, const char *const words[])
{
    int fd = catch_stderr();
    char want[64];
    snprintf(want, sizeof want, "The board is in /dev/shm/harden-%d", user);
    if (limits)
        setenv("HARDEN_RATE", "5/1s", 1);
    if (setresuid(user, user, user))
        return 3;
    struct engine *e = engine_get();
    engine_get();
    caught(fd);
    if (!e || !e->board->shared)
        return 4;
    if (!limits)
        return *got ? 5 : 0;
    for (; *words; words++)
        if (!count(got, *words))
            return 6;
    return count(got, "harden: error: ") == 1 && count(got, want) ? 0 : 7;
}

/* As for the workers of php-fpm, whose service creates the directory for root. */
Test(engine, falls_back_to_memory_if_the_named_directory_belongs_to_another_user)
{
    static const char *const words[] = {"owned by another user", "a directory of user 54331", NULL};
    int status;
    if (geteuid())
        return; /* needs a second user */
    for (int limits = 0; limits < 2; limits++)
        for (int mode = 0700; mode <= 0755; mode += 055) {
            chmod(dir, (mode_t)mode);
            pid_t child = fork();
            if (!child)
                _exit(moves_to_memory(USER + 1, limits, words));
            waitpid(child, &status, 0);
            remove_of_user(USER + 1);
            cr_assert_eq(status, 0, "%d %o: %d %s", limits, (unsigned)mode, WEXITSTATUS(status),
                         got);
        }
}

/* As in a container with a read-only root file system. */
Test(engine, falls_back_to_memory_if_the_runtime_directory_cannot_be_written)
{
    static const char *const words[] = {"XDG_RUNTIME_DIR", "cannot be written", NULL};
    int status;
    if (geteuid())
        return; /* needs a second user */
    cr_assert_eq(chown(dir, USER + 2, USER + 2), 0);
    chmod(dir, 0500);
    for (int limits = 0; limits < 2; limits++) {
        pid_t child = fork();
        if (!child) {
            unsetenv("HARDEN_STATE");
            setenv("XDG_RUNTIME_DIR", dir, 1);
            _exit(moves_to_memory(USER + 2, limits, words));
        }
        waitpid(child, &status, 0);
        remove_of_user(USER + 2);
        cr_assert_eq(status, 0, "%d: %d", limits, WEXITSTATUS(status));
    }
}

Test(engine, counts_internal_errors_and_logs_each_once)
{
    int fd = catch_stderr();
    struct engine *e = engine_get();
    static const char a[] = "something is odd", b[] = "something else";
    for (int i = 0; i < 3; i++)
        engine_internal_error(a);
    engine_internal_error(b);
    cr_assert_eq(atomic_load(&e->board->header->internal_errors), 4u);
    cr_assert_str_eq(caught(fd),
                     "harden: error: something is odd\nharden: error: something else\n");
}

static int strict(void)
{
    pid_t child = fork();
    if (!child) {
        engine_start_strict();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

Test(engine, strict_ends_a_program_with_status_78_on_a_wrong_configuration)
{
    int fd = catch_stderr();
    setenv("HARDEN_STRICT", "1", 1);
    setenv("HARDEN_MAX_WAIT", "30", 1);
    cr_assert_eq(strict(), 78);
    cr_assert_eq(count(caught(fd), "HARDEN_MAX_WAIT"), 1, "%s", got);
}

Test(engine, runs_with_a_wrong_configuration_without_strict)
{
    setenv("HARDEN_MAX_WAIT", "30", 1);
    cr_assert_eq(strict(), 0);
}

Test(engine, strict_reports_the_reason_even_with_log_off)
{
    int fd = catch_stderr();
    setenv("HARDEN_STRICT", "1", 1);
    setenv("HARDEN_LOG", "off", 1);
    setenv("HARDEN_MAX_WAIT", "30", 1);
    cr_assert_eq(strict(), 78);
    cr_assert_eq(count(caught(fd), "HARDEN_MAX_WAIT"), 1, "%s", got);
}

Test(engine, strict_accepts_every_boolean_word)
{
    static const char *const words[] = {"on", "YES", "true", "off", "no", "False", "0"};
    setenv("HARDEN_MAX_WAIT", "30", 1);
    for (int i = 0; i < 7; i++) {
        setenv("HARDEN_STRICT", words[i], 1);
        cr_assert_eq(strict(), i < 3 ? 78 : 0, "%s", words[i]);
    }
}

Test(engine, strict_that_is_neither_on_nor_off_is_off_and_reported)
{
    int fd = catch_stderr();
    setenv("HARDEN_STRICT", "onn", 1);
    cr_assert_eq(strict(), 0);
    cr_assert_not_null(engine_get());
    cr_assert_eq(count(caught(fd), "HARDEN_STRICT = onn: neither on nor off, counts as off"), 1,
                 "%s", got);
}

Test(engine, strict_of_a_program_that_changes_its_user_uses_the_directory_of_the_new_user)
{
    int status;
    if (geteuid())
        return; /* needs a second user */
    pid_t child = fork();
    if (!child) {
        unsetenv("HARDEN_STATE");
        setenv("HARDEN_STRICT", "1", 1);
        engine_start_strict();
        if (setresuid(USER + 3, USER + 3, USER + 3))
            _exit(3);
        _exit(!engine_get()->board->shared);
    }
    waitpid(child, &status, 0);
    remove_of_user(USER + 3);
    cr_assert_eq(status, 0);
}

Test(engine, strict_accepts_a_valid_configuration)
{
    setenv("HARDEN_STRICT", "1", 1);
    cr_assert_eq(strict(), 0);
}

Test(engine, strict_does_not_affect_programs_that_are_not_covered)
{
    setenv("HARDEN_STRICT", "1", 1);
    setenv("HARDEN_MAX_WAIT", "30", 1);
    setenv("HARDEN_PROGRAMS", "curl", 1);
    cr_assert_eq(strict(), 0);
}

/* ---- a sandbox ---- */

Test(engine, closes_silently_in_a_sandbox)
{
    int fd = catch_stderr();
    setenv("HARDEN_LOG", "debug", 1);
    struct engine *e = engine_get();
    cr_assert_not_null(e);
    caught(fd);
    engine_confine();
    cr_assert(engine_is_confined());
    cr_assert_null(engine_get());
    cr_assert_null(engine_active());
    cr_assert_null(engine_peek());
    cr_assert(engine_refused());
    log_error("not expected");
    cr_assert_str_empty(caught(fd));
    engine_release();
    cr_assert(!engine_is_confined());
    cr_assert_eq(engine_get(), e, "no filter was installed");
    cr_assert_eq(engine_active(), e);
    log_error("again");
    cr_assert_eq(count(caught(fd), "again"), 1);
}

Test(engine, is_never_opened_in_a_sandbox)
{
    engine_confine();
    refused();
    engine_release();
    cr_assert_not_null(engine_get());
}

Test(engine, that_a_sandbox_closed_stays_closed)
{
    write_ini("[harden]\n");
    struct engine *e = engine_get();
    cr_assert_not_null(e);
    write_ini("[harden]\nmode = off\n");
    engine_reload();
    cr_assert_null(engine_get());
    engine_confine();
    engine_release();
    cr_assert_null(engine_active());
}
