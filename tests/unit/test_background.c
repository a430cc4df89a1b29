/* SPDX-License-Identifier: MIT
 *
 * When the background thread exists, and when it ends. */
#include "base/thread.h"
#include "engine/board/alert.h"
#include "engine/board/pause.h"
#include "engine/publish/background.h"
#include "engine/publish/files.h"
#include "engine/publish/flush.h"
#include "engine/publish/monitor.h"
#include "one_engine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char config[64];
static struct process *self;

static void make(void)
{
    make_state();
    snprintf(config, sizeof config, "%s/harden.ini", dir);
}

TestSuite(background, .init = make, .fini = remove_state, .timeout = 60);

static void call(void)
{
    engine = engine_get();
    cr_assert_not_null(engine);
    self = process_self();
    monitor_start();
    atomic_fetch_add(&engine->board->header->changes, 1);
    monitor_update(clock_now_ns());
}

static uint64_t writes(void)
{
    return atomic_load(&engine->board->header->snapshot_seq);
}

static bool is_written(void)
{
    return files_are_current(engine, self, files_changes(engine->board->header));
}

/* Simulates that this much time has passed since the first call and since the last write. */
static void advance_time(int64_t ns)
{
    atomic_fetch_sub(&self->first_ns, ns);
    atomic_fetch_sub(&engine->board->header->snapshot_due_ns, ns);
    atomic_store(&self->update_at_ns, 1);
    usleep(60000); /* there is a minimum time between two writes */
}

static bool has_thread(void)
{
    return atomic_load(&self->updater) == UPDATER_THREAD;
}

static void *wait_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

/* The test runner may have a second thread. */
static void have_threads(void)
{
    pthread_t other;
    cr_assert_eq(pthread_create(&other, NULL, wait_for_ever, NULL), 0);
}

Test(background, does_not_exist_in_the_first_interval)
{
    have_threads();
    for (int i = 0; i < 10; i++)
        call();
    advance_time(1800 * NS_PER_S);
    for (int i = 0; i < 10; i++)
        call();
    cr_assert(!has_thread());
}

Test(background, exists_in_a_threaded_program_when_calls_leave_changes_unwritten)
{
    have_threads();
    call();
    advance_time(3600 * NS_PER_S);
    call();
    cr_assert(is_written());
    cr_assert(!has_thread(), "nothing is left to write");
    call();
    cr_assert(has_thread());
}

Test(background, writes_the_remaining_changes_and_ends)
{
    setenv("HARDEN_SNAPSHOT_INTERVAL", "1s", 1);
    have_threads();
    call();
    advance_time(NS_PER_S);
    call();
    call();
    cr_assert(has_thread());
    uint32_t task = 0;
    cr_assert(eventually((task = atomic_load(&self->background_task)) != TASK_NOT_KNOWN));
    cr_assert(eventually(is_written()));
    cr_assert(eventually(!process_has_task(task)));
    cr_assert(!has_thread());
    uint64_t before = writes();
    advance_time(NS_PER_S);
    call();
    cr_assert_gt(writes(), before, "calls write again");
}

Test(background, ends_although_nothing_can_be_written)
{
    setenv("HARDEN_SNAPSHOT_INTERVAL", "1s", 1);
    setenv("HARDEN_SNAPSHOT", "/nonexistent/health.json", 1);
    have_threads();
    call();
    background_start(self, engine);
    cr_assert(has_thread());
    cr_assert(eventually(!has_thread()));
}

Test(background, has_ended_when_background_stop_returns)
{
    have_threads();
    call();
    for (int i = 0; i < 20; i++) {
        background_start(self, engine);
        cr_assert(has_thread());
        uint32_t task = atomic_load(&self->background_task);
        errno = EXDEV;
        background_stop();
        cr_assert_eq(errno, EXDEV);
        cr_assert(!has_thread());
        cr_assert_eq(atomic_load(&self->background_task), 0u);
        cr_assert(task == TASK_NOT_KNOWN || !process_has_task(task));
        background_start(self, engine);
        cr_assert(!has_thread(), "forbidden until background_allow()");
        background_allow();
    }
}

/* ---- in a single-threaded process ---- */

#ifndef __SANITIZE_THREAD__ /* it has its own thread, and turns vfork into fork */
static void in_child_without_threads(void (*act)(void))
{
    int status;
    pid_t child = fork();
    if (!child) {
        alarm(30); /* end a process that hangs */
        act();
        _exit(0);
    }
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && !WEXITSTATUS(status), "%x", status);
}

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            _exit(__LINE__ & 0x7f);                                                                \
    } while (0)

static void live_long(void)
{
    call();
    for (int i = 0; i < 5; i++) {
        advance_time(3600 * NS_PER_S);
        for (int k = 0; k < 5; k++)
            call();
        REQUIRE(!has_thread());
    }
    REQUIRE(process_tasks() == 1);
}

Test(background, never_exists_in_a_single_threaded_program)
{
    in_child_without_threads(live_long);
}

static void enter_namespace(void)
{
    call();
    background_start(self, engine);
    REQUIRE(has_thread());
    background_stop();
    REQUIRE(process_tasks() == 1);
    /* Like a user namespace, this requires a single-threaded process, but no privilege. */
    REQUIRE(unshare(CLONE_SIGHAND | CLONE_VM | CLONE_THREAD) == 0);
}

Test(background, leaves_a_single_threaded_process_when_it_has_ended)
{
    in_child_without_threads(enter_namespace);
}

static void *call_later(void *nothing)
{
    usleep(100000);
    call();
    advance_time(3600 * NS_PER_S);
    call();
    call();
    background_start(self, engine);
    if (has_thread())
        _exit(1);
    return nothing;
}

static void end_first_thread(void)
{
    pthread_t other;
    pthread_create(&other, NULL, call_later, NULL);
    background_first_thread_ends();
    pthread_exit(NULL);
}

Test(background, does_not_keep_alive_a_process_whose_first_thread_has_ended)
{
    in_child_without_threads(end_first_thread);
}

static atomic_bool begun;

static void *end_unseen(void *nothing)
{
    call();
    REQUIRE(has_thread()); /* runs for the rest of the test */
    atomic_store(&begun, true);
    syscall(SYS_exit, 0); /* unnoticed by the hooks */
    return nothing;
}

static void end_all_unseen(void)
{
    FILE *f = fopen(config, "we");
    fputs("[check own]\ntype = tcp\ntarget = 127.0.0.1:1\n", f);
    fclose(f);
    chmod(config, 0600);
    setenv("HARDEN_CONFIG", config, 1);
    setenv("HARDEN_SNAPSHOT_INTERVAL", "100ms", 1);
    pthread_t other;
    pthread_create(&other, NULL, end_unseen, NULL);
    while (!atomic_load(&begun))
        usleep(1000);
    syscall(SYS_exit, 0);
}

Test(background, ends_with_the_last_thread_of_the_program)
{
    in_child_without_threads(end_all_unseen);
}

/* A vfork child shares its parent's memory. A child by clone has its own memory, although the C
 * library takes both for the parent. */
Test(background, memory_is_shared_by_a_vfork_child_alone)
{
    int status;
    call();
    cr_assert(!process_shares_memory());
    cr_assert_eq(atomic_load(&self->pid), getpid(), "a vfork child can be told without kcmp()");
    pid_t child = vfork();
    if (!child)
        _exit(process_shares_memory());
    waitpid(child, &status, 0);
    cr_assert_eq(WEXITSTATUS(status), 1);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (!child)
        _exit(process_shares_memory());
    waitpid(child, &status, 0);
    cr_assert_eq(WEXITSTATUS(status), 0);
}
#endif

Test(background, does_not_exist_with_thread_off)
{
    setenv("HARDEN_THREAD", "off", 1);
    have_threads();
    call();
    advance_time(3600 * NS_PER_S);
    call();
    call();
    background_start(self, engine);
    cr_assert(!has_thread());
}

Test(background, calls_write_unwritten_changes_after_a_twentieth_of_the_interval)
{
    setenv("HARDEN_THREAD", "off", 1);
    call();
    cr_assert_eq(writes(), 1u);
    call();
    cr_assert_eq(writes(), 1u, "too soon");
    advance_time(100 * NS_PER_S);
    call();
    cr_assert_eq(writes(), 1u, "the interval is not over");
    advance_time(100 * NS_PER_S);
    call();
    cr_assert_eq(writes(), 2u);
    cr_assert(is_written());
}

static struct slot *pause_host(int64_t length_ns)
{
    struct board *b = engine->board;
    int64_t now_ns = clock_now_ns();
    struct slot *s = board_slot(b, board_host_key("h", 0), "h", SLOT_HOST, now_ns);
    pause_raise(s, length_ns, true, 429, "Retry-After", now_ns);
    board_expect_end(b, now_ns + length_ns);
    board_alert(b);
    return s;
}

Test(background, the_first_call_after_the_end_of_a_pause_writes_at_once)
{
    const int64_t length_ns = 100 * NS_PER_S;
    setenv("HARDEN_THREAD", "off", 1);
    call();
    usleep(60000);
    struct slot *s = pause_host(length_ns);
    call();
    cr_assert_eq(writes(), 2u);
    cr_assert_leq(atomic_load(&self->update_at_ns), s->pause_until_ns);
    s->pause_until_ns -= length_ns;
    engine->board->header->pause_end_ns -= length_ns;
    advance_time(length_ns);
    call();
    cr_assert_eq(writes(), 3u, "less than a twentieth of the interval is over");
}

Test(background, announces_the_end_of_a_pause_without_a_call)
{
    have_threads();
    call();
    background_start(self, engine);
    cr_assert(has_thread());
    struct slot *s = pause_host(100 * NS_PER_MS);
    cr_assert(eventually(s->pause_until_ns & 1));
}

Test(background, calls_do_not_write_what_another_process_has_written)
{
    setenv("HARDEN_THREAD", "off", 1);
    call();
    advance_time(200 * NS_PER_S);
    atomic_store(&engine->board->header->written_changes, files_changes(engine->board->header) + 1);
    call();
    cr_assert_eq(writes(), 1u);
}

static void configure(const char *rate)
{
    char new[80];
    snprintf(new, sizeof new, "%s.new", config);
    FILE *f = fopen(new, "we");
    fprintf(f, "[host *]\nrate = %s\n", rate);
    fclose(f);
    chmod(new, 0600);
    rename(new, config);
}

Test(background, a_call_begins_with_a_configuration_that_was_changed_an_interval_ago)
{
    setenv("HARDEN_CONFIG", config, 1);
    configure("1/1s");
    call();
    const struct config *was = atomic_load(&engine->config);
    cr_assert(monitor_is_current(clock_now_ns()));
    configure("2/1s");
    monitor_refresh(clock_now_ns());
    cr_assert_eq(atomic_load(&engine->config), was, "checked at most once per interval");
    cr_assert(!monitor_is_current(clock_now_ns() + 3700 * NS_PER_S));
    monitor_refresh(clock_now_ns() + 3700 * NS_PER_S);
    cr_assert_neq(atomic_load(&engine->config), was);
}

Test(background, ends_before_the_first_thread_does)
{
    have_threads();
    call();
    background_start(self, engine);
    cr_assert(has_thread());
    background_first_thread_ends();
    cr_assert(!has_thread());
    cr_assert_eq(atomic_load(&self->background_task), 0u);
}

/* A signal arrives while a file is renamed, and its handler leaves by longjmp, as in wget. */
static sigjmp_buf before;
static atomic_bool raises;

int rename(const char *from, const char *to)
{
    if (atomic_exchange(&raises, false))
        raise(SIGUSR1);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void jump(int number)
{
    (void)number;
    siglongjmp(before, 1);
}

Test(background, calls_still_write_after_a_signal_handler_jumped_out_of_one)
{
    setenv("HARDEN_THREAD", "off", 1);
    signal(SIGUSR1, jump);
    int state;
    if (!sigsetjmp(before, 1)) {
        atomic_store(&raises, true);
        call();
        cr_assert(false, "the handler did not jump");
    }
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    cr_assert_eq(state, PTHREAD_CANCEL_ENABLE);
    uint64_t was = writes();
    advance_time(3600 * NS_PER_S);
    call();
    cr_assert_gt(writes(), was);
    advance_time(3600 * NS_PER_S);
    if (!sigsetjmp(before, 1)) {
        atomic_store(&raises, true);
        call();
        cr_assert(false, "the handler did not jump");
    }
    was = writes();
    atomic_fetch_add(&engine->board->header->changes, 1);
    flush_at_exit();
    cr_assert_gt(writes(), was);
}

Test(background, is_not_stopped_by_a_vfork_child)
{
    have_threads();
    call();
    background_start(self, engine);
    pid_t child = vfork();
    if (!child) {
        background_stop();
        background_first_thread_ends();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    cr_assert(has_thread());
    cr_assert_eq(atomic_load(&self->stop), 0u);
}

Test(background, starts_later_where_thread_creation_was_forbidden)
{
    have_threads();
    call();
    cr_assert(!background_is_pending());
    bool before = thread_forbid(true);
    background_start(self, engine);
    thread_forbid(before);
    cr_assert(!has_thread());
    cr_assert(background_is_pending());
    background_start_pending();
    cr_assert(has_thread());
    cr_assert(!background_is_pending());
}

Test(background, a_call_begins_with_a_new_board_where_the_old_one_vanished)
{
    char board[80];
    setenv("HARDEN_THREAD", "off", 1);
    call();
    const struct board *was = atomic_load(&engine->board);
    snprintf(board, sizeof board, "%s/" BOARD_NAME, dir);
    cr_assert_eq(unlink(board), 0);
    monitor_refresh(clock_now_ns());
    cr_assert_eq(atomic_load(&engine->board), was, "checked at most once per interval");
    monitor_refresh(clock_now_ns() + 3700 * NS_PER_S);
    cr_assert_neq(atomic_load(&engine->board), was);
    cr_assert_eq(access(board, F_OK), 0);
}
