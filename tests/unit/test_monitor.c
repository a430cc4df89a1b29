/* SPDX-License-Identifier: MIT */
#include "engine/board/alert.h"
#include "engine/board/status.h"
#include "engine/publish/background.h"
#include "engine/publish/flush.h"
#include "engine/publish/monitor.h"
#include "one_engine.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char file[64];

static void make(void)
{
    make_state();
    snprintf(file, sizeof file, "%s/health.json", dir);
}

TestSuite(monitor, .init = make, .fini = remove_state, .timeout = 60);

static void open_engine(void)
{
    engine = engine_get();
    cr_assert_not_null(engine);
    cr_assert(engine->board->shared);
}

static void call_ended(void)
{
    atomic_fetch_add(&engine->board->header->changes, 1);
}

static uint64_t seq_on_file(void)
{
    char buf[512];
    int fd = open(file, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof buf - 1);
    buf[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
    const char *seq = strstr(buf, "\"seq\":");
    return seq ? strtoull(seq + 6, NULL, 10) : 0;
}

/* Returns the number of other threads (the test runner has one too) and the task of the last
 * one. */
static int threads_in(char *task, size_t size)
{
    char path[64], name[16];
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", e->d_name);
        int fd = open(path, O_RDONLY);
        if (fd >= 0 && read(fd, name, sizeof name) == 7 && memcmp(name, "harden\n", 7) == 0) {
            snprintf(task, size, "/proc/self/task/%.20s", e->d_name);
            n++;
        }
        if (fd >= 0)
            close(fd);
    }
    closedir(d);
    return n;
}

/* Waits until the thread has written and is idle. The child of a fork then inherits none of its
 * locks, such as one of AddressSanitizer's allocator, which does not handle forks. */
static void wait_for_first(void)
{
    cr_assert(eventually(seq_on_file() == 1 && !atomic_load(&process_self()->updating)));
}

static int threads(void)
{
    char task[64];
    return threads_in(task, sizeof task);
}

/* Starts the monitor, and the thread that a program with several threads has. */
static void start(void)
{
    monitor_start();
    if (engine)
        background_start(process_self(), engine);
}

Test(monitor, has_one_thread_even_if_started_repeatedly)
{
    start();
    open_engine();
    cr_assert_eq(threads(), 0, "opened, but no call yet");
    for (int i = 0; i < 100; i++)
        start();
    cr_assert(eventually(threads() == 1));
    cr_assert(eventually(seq_on_file() == 1));
}

Test(monitor, writes_at_once_after_an_alert)
{
    open_engine();
    start();
    cr_assert(eventually(seq_on_file() == 1));
    board_alert(engine->board);
    cr_assert(eventually(seq_on_file() == 2));
}

Test(monitor, writes_once_for_a_burst_of_alerts)
{
    open_engine();
    start();
    cr_assert(eventually(seq_on_file() == 1));
    for (int i = 0; i < 10000; i++)
        board_alert(engine->board);
    cr_assert(eventually(atomic_load(&engine->board->header->snapshot_due_ns) != 0 &&
                         seq_on_file() >= 2));
    cr_assert_lt(seq_on_file(), 100u);
}

/* Which process raises an alert while the first file is written. */
static enum { BY_NONE, BY_THIS_PROCESS, BY_ANOTHER_PROCESS } alert_once;

static void alert_meanwhile(struct text *t)
{
    struct board_header *h = engine->board->header;
    (void)t;
    if (alert_once == BY_THIS_PROCESS)
        board_alert(engine->board);
    else if (alert_once == BY_ANOTHER_PROCESS) {
        atomic_fetch_add(&h->alerts, 1);
        atomic_store(&h->snapshot_due_ns, 0);
    }
    alert_once = BY_NONE;
}

static void an_alert_meanwhile_is_written(int by, bool own_files)
{
    char metrics[80];
    if (own_files) {
        snprintf(file, sizeof file, "/tmp/harden-own-%d.json", getpid());
        snprintf(metrics, sizeof metrics, "%s.prom", file);
        setenv("HARDEN_SNAPSHOT", file, 1);
        setenv("HARDEN_METRICS", metrics, 1);
    }
    setenv("HARDEN_THREAD", "off", 1);
    open_engine();
    engine_coverage.libcurls = alert_meanwhile;
    alert_once = by;
    start();
    monitor_update(clock_now_ns());
    cr_assert_eq(alert_once, BY_NONE);
    cr_assert_eq(seq_on_file(), 2u, "no later call is guaranteed");
    if (own_files) {
        unlink(file);
        unlink(metrics);
    }
}

Test(monitor, an_alert_of_another_process_during_a_write_is_written_too)
{
    an_alert_meanwhile_is_written(BY_ANOTHER_PROCESS, false);
}

Test(monitor, an_alert_of_this_process_during_a_write_is_written_too)
{
    an_alert_meanwhile_is_written(BY_THIS_PROCESS, false);
}

Test(monitor, an_alert_while_the_programs_own_files_are_written_is_written_too)
{
    an_alert_meanwhile_is_written(BY_THIS_PROCESS, true);
}

Test(monitor, writes_one_file_per_interval_for_many_processes)
{
    setenv("HARDEN_SNAPSHOT_INTERVAL", "500ms", 1);
    open_engine();
    pid_t child[16];
    for (int i = 0; i < 16; i++) {
        if ((child[i] = fork()) == 0) {
            engine_get();
            start();
            for (;; usleep(5000)) {
                call_ended();
                monitor_update(clock_now_ns());
            }
        }
    }
    struct board_header *h = engine->board->header;
    cr_assert(eventually(atomic_load(&h->snapshot_seq) >= 1));
    uint64_t before = atomic_load(&h->snapshot_seq);
    int64_t begun = clock_now_ns();
    usleep(2200000);
    int64_t intervals = (clock_now_ns() - begun) / (500 * NS_PER_MS);
    uint64_t written = atomic_load(&h->snapshot_seq) - before;
    for (int i = 0; i < 16; i++)
        kill(child[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
    cr_assert_geq(written, 2u);
    cr_assert_leq(written, (uint64_t)intervals + 2);
}

Test(monitor, takes_over_the_lease_of_a_killed_writer)
{
    open_engine();
    struct board_header *h = engine->board->header;
    atomic_store(&h->snapshot_lease_ns, clock_now_ns() + NS_PER_S);
    start();
    usleep(200000);
    cr_assert_eq(seq_on_file(), 0u, "another process writes");
    cr_assert(eventually(seq_on_file() == 1));
}

Test(monitor, ignores_a_lease_or_due_time_of_the_far_future)
{
    open_engine();
    struct board_header *h = engine->board->header;
    atomic_store(&h->snapshot_lease_ns, INT64_MAX);
    atomic_store(&h->snapshot_due_ns, INT64_MAX);
    start();
    cr_assert(eventually(seq_on_file() == 1));
}

Test(monitor, leaves_signals_to_the_program)
{
    sigset_t set, after;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    open_engine();
    start();
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    cr_assert(!sigismember(&after, SIGTERM), "the caller's mask is unchanged");
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    kill(getpid(), SIGTERM);
    struct signalfd_siginfo info;
    cr_assert_eq(read(fd, &info, sizeof info), (ssize_t)sizeof info);
    cr_assert_eq(info.ssi_signo, (unsigned)SIGTERM);
}

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

Test(monitor, has_its_own_descriptor_table_and_blocks_all_signals)
{
    char task[64], path[96], status[4096];
    open_engine();
    int before = entries("/proc/self/fd");
    start();
    cr_assert(eventually(seq_on_file() == 1));
    cr_assert_eq(threads_in(task, sizeof task), 1);
    snprintf(path, sizeof path, "%s/fd", task);
    cr_assert(eventually(entries(path) == 0));
    cr_assert_eq(entries("/proc/self/fd"), before);
    snprintf(path, sizeof path, "%s/status", task);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, status, sizeof status - 1);
    status[n > 0 ? n : 0] = '\0';
    close(fd);
    uint64_t blocked = strtoull(strstr(status, "SigBlk:") + 7, NULL, 16);
    sigset_t all;
    sigfillset(&all);
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        if (sigismember(&all, sig) == 1 && sig != SIGKILL && sig != SIGSTOP)
            cr_assert(blocked >> (sig - 1) & 1, "signal %d", sig);
}

Test(monitor, still_logs_to_the_stderr_of_the_program, .timeout = 20)
{
    char got[512];
    int p[2];
    pipe2(p, O_CLOEXEC);
    setenv("HARDEN_LOG", "error", 1);
    setenv("HARDEN_SNAPSHOT", "/nonexistent/health.json", 1);
    dup2(p[1], 2);
    close(p[1]);
    open_engine();
    start();
    ssize_t n = read(p[0], got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    cr_assert_str_eq(
        got, "harden: error: /nonexistent/health.json: cannot be written: its directory is missing "
             "or out of reach; create it\n");
}

Test(monitor, starts_again_in_the_child_of_a_fork)
{
    open_engine();
    start();
    wait_for_first();
    pid_t child = fork();
    if (!child) {
        if (threads() != 0)
            _exit(1);
        start();
        if (!eventually(threads() == 1))
            _exit(2);
        board_alert(engine->board);
        _exit(eventually(seq_on_file() == 2) ? 0 : 3);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0, "%d", WEXITSTATUS(status));
}

Test(monitor, is_not_started_by_a_vfork_child)
{
    open_engine();
    pid_t child = vfork();
    if (!child) {
        start();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    usleep(10000);
    cr_assert_eq(threads(), 0);
    start();
    cr_assert(eventually(threads() == 1), "the parent can still start it");
}

static void forbid(int call, unsigned answer)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(monitor, writes_inline_under_a_seccomp_filter_that_kills_on_new_threads)
{
    open_engine();
    forbid(SYS_clone3, SECCOMP_RET_KILL_PROCESS);
    start();
    usleep(10000);
    cr_assert_eq(threads(), 0);
    monitor_update(clock_now_ns());
    cr_assert_eq(seq_on_file(), 1u);
}

Test(monitor, writes_inline_with_thread_off_once_an_interval)
{
    setenv("HARDEN_THREAD", "off", 1);
    open_engine();
    start();
    usleep(10000);
    cr_assert_eq(threads(), 0);
    for (int i = 0; i < 10; i++)
        monitor_update(clock_now_ns());
    cr_assert_eq(seq_on_file(), 1u);
    usleep(60000); /* the minimum time between two alerts */
    board_alert(engine->board);
    monitor_update(clock_now_ns());
    cr_assert_eq(seq_on_file(), 2u);
    errno = EXDEV;
    monitor_update(clock_now_ns());
    cr_assert_eq(errno, EXDEV);
}

static void *inline_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        board_alert(engine->board);
        monitor_update(clock_now_ns());
        usleep(300);
    }
    return NULL;
}

Test(monitor, inline_writers_of_one_process_do_not_collide)
{
    setenv("HARDEN_THREAD", "off", 1);
    open_engine();
    start();
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, inline_often, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    cr_assert_gt(seq_on_file(), 0u);
    cr_assert_eq(atomic_load(&engine->board->header->internal_errors), 0u);
    cr_assert_eq(atomic_load(&engine->board->header->snapshot_lease_ns), 0);
}

Test(monitor, flushes_changes_at_exit)
{
    open_engine();
    start();
    wait_for_first();
    flush_at_exit();
    cr_assert_eq(seq_on_file(), 1u, "nothing changed");
    call_ended();
    flush_at_exit();
    cr_assert_eq(seq_on_file(), 2u);
}

/* Starts a child that keeps one thread of this process from running until either process ends. */
static pid_t hold_thread(pid_t tid)
{
    char held = 0;
    int p[2];
    pipe2(p, O_CLOEXEC);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(5); /* a failed test must not wait for this process */
        ptrace(PTRACE_SEIZE, tid, NULL, NULL);
        ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
        held = waitpid(tid, NULL, __WALL) == tid;
        write(p[1], &held, 1);
        for (;;)
            pause();
    }
    cr_assert(read(p[0], &held, 1) == 1 && held);
    return child;
}

Test(monitor, flushes_although_its_thread_gets_no_cpu_time)
{
    char task[64];
    open_engine();
    start();
    cr_assert(eventually(seq_on_file() == 1 && !atomic_load(&process_self()->updating)));
    cr_assert_eq(threads_in(task, sizeof task), 1);
    pid_t holder = hold_thread((pid_t)strtol(strrchr(task, '/') + 1, NULL, 10));
    call_ended();
    flush_at_exit();
    uint64_t got = seq_on_file();
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    cr_assert_eq(got, 2u, "written by the exiting thread");
}

Test(monitor, flushes_inline_without_a_thread)
{
    setenv("HARDEN_THREAD", "off", 1);
    open_engine();
    start();
    call_ended();
    flush_at_exit();
    cr_assert_eq(seq_on_file(), 1u);
}

Test(monitor, does_not_flush_in_a_child_that_made_no_call)
{
    open_engine();
    start();
    wait_for_first();
    pid_t child = fork();
    if (!child) {
        call_ended();
        flush_at_exit();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    cr_assert_eq(seq_on_file(), 1u);
}

Test(monitor, does_not_delay_an_exit_when_another_process_has_the_lease)
{
    open_engine();
    start();
    cr_assert(eventually(seq_on_file() == 1));
    atomic_store(&engine->board->header->snapshot_lease_ns, clock_now_ns() + 2 * NS_PER_S);
    call_ended();
    int64_t begun = clock_now_ns();
    flush_at_exit();
    cr_assert_lt(clock_now_ns() - begun, 2 * NS_PER_S);
}

Test(monitor, releases_its_lease_and_temporary_file_when_its_thread_is_stuck_in_a_write)
{
    char temp[96];
    open_engine();
    start();
    wait_for_first();
    struct process *p = process_self();
    struct board_header *h = engine->board->header;
    int64_t lease = clock_now_ns() + 400 * NS_PER_MS;
    atomic_store(&p->updating, 1);
    atomic_store(&p->lease, lease);
    atomic_store(&h->snapshot_lease_ns, lease);
    atomic_store(&p->temp, 77);
    snprintf(temp, sizeof temp, "%s.77.tmp", file);
    close(open(temp, O_CREAT | O_WRONLY, 0600));
    call_ended();
    flush_at_exit();
    cr_assert_eq(atomic_load(&h->snapshot_lease_ns), 0);
    cr_assert_eq(access(temp, F_OK), -1);
}

Test(monitor, does_not_touch_the_lease_of_another_process)
{
    open_engine();
    start();
    wait_for_first();
    int64_t lease = clock_now_ns() + 400 * NS_PER_MS;
    atomic_store(&engine->board->header->snapshot_lease_ns, lease);
    call_ended();
    flush_at_exit();
    cr_assert_eq(atomic_load(&engine->board->header->snapshot_lease_ns), lease);
}

Test(monitor, ends_an_exit_at_once_when_another_process_has_written_its_counts)
{
    open_engine();
    start();
    wait_for_first();
    struct board_header *h = engine->board->header;
    call_ended();
    atomic_store(&h->snapshot_lease_ns, clock_now_ns() + 400 * NS_PER_MS);
    atomic_store(&h->written_changes, atomic_load(&h->changes));
    uint64_t alerts = atomic_load(&h->alerts);
    flush_at_exit();
    cr_assert_eq(atomic_load(&h->alerts), alerts, "it did not wait until the lease expired");
    cr_assert_eq(seq_on_file(), 1u);
}

Test(monitor, ignores_a_count_of_written_changes_above_the_count_of_changes)
{
    open_engine();
    start();
    wait_for_first();
    call_ended();
    atomic_store(&engine->board->header->written_changes, UINT64_MAX / 2);
    flush_at_exit();
    cr_assert_eq(seq_on_file(), 2u);
}

Test(monitor, leaves_unwritten_changes_to_the_holder_of_the_lease)
{
    open_engine();
    start();
    wait_for_first();
    struct board_header *h = engine->board->header;
    atomic_store(&h->snapshot_lease_ns, clock_now_ns() + 400 * NS_PER_MS);
    uint64_t alerts = atomic_load(&h->alerts);
    call_ended();
    flush_at_exit();
    cr_assert_eq(atomic_load(&h->alerts), alerts + 1);
    cr_assert_eq(atomic_load(&h->snapshot_due_ns), 0);
}

Test(monitor, flushes_a_transfer_that_the_program_exits_from_within)
{
    open_engine();
    start();
    wait_for_first();
    atomic_fetch_add(&engine->board->header->transfers_easy, 1);
    flush_at_exit();
    cr_assert_eq(seq_on_file(), 2u);
}

Test(monitor, writes_inline_for_a_transfer_that_ends_after_the_flush)
{
    open_engine();
    start();
    wait_for_first();
    for (unsigned i = 0; i < 3; i++) {
        call_ended();
        i ? monitor_update(clock_now_ns()) : flush_at_exit();
        cr_assert_eq(seq_on_file(), 2u + i);
    }
}

Test(monitor, removes_only_the_temporary_files_of_killed_writers)
{
    char old[96], young[96], foreign[96];
    const struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    snprintf(old, sizeof old, "%s.123.tmp", file);
    snprintf(young, sizeof young, "%s.124.tmp", file);
    snprintf(foreign, sizeof foreign, "%s/notes.tmp", dir);
    close(open(old, O_CREAT | O_WRONLY, 0600));
    close(open(young, O_CREAT | O_WRONLY, 0600));
    close(open(foreign, O_CREAT | O_WRONLY, 0600));
    utimensat(AT_FDCWD, old, past, 0);
    utimensat(AT_FDCWD, foreign, past, 0);
    open_engine();
    start();
    cr_assert(eventually(access(old, F_OK) < 0));
    cr_assert_eq(access(young, F_OK), 0);
    cr_assert_eq(access(foreign, F_OK), 0);
}

Test(monitor, writes_nothing_for_a_vanished_board)
{
    open_engine();
    start();
    wait_for_first();
    remove_state();
    call_ended();
    flush_at_exit();
    cr_assert_eq(access(dir, F_OK), -1, "it is not created again");
    cr_assert_eq(mkdir(dir, 0700), 0);
    call_ended();
    flush_at_exit();
    cr_assert_eq(entries(dir), 0, "another board may exist by now");
}

Test(monitor, recreates_a_vanished_board_within_an_interval_and_writes_its_files)
{
    setenv("HARDEN_SNAPSHOT_INTERVAL", "100ms", 1);
    open_engine();
    start();
    wait_for_first();
    struct board *first = engine->board;
    remove_state();
    cr_assert(eventually(
        (monitor_refresh(clock_now_ns()), engine->board != first && engine->board->shared)));
    cr_assert(eventually((monitor_update(clock_now_ns()), access(file, F_OK) == 0)));
}

Test(monitor, counts_a_snapshot_that_cannot_be_written_and_continues)
{
    setenv("HARDEN_SNAPSHOT", "/nonexistent/health.json", 1);
    open_engine();
    start();
    cr_assert(eventually(atomic_load(&engine->board->header->internal_errors) == 1));
}

Test(monitor, does_not_write_its_own_file_when_another_process_keeps_it_fresh)
{
    char other[96];
    snprintf(other, sizeof other, "%s-own", file);
    close(open(other, O_CREAT | O_WRONLY, 0600));
    setenv("HARDEN_SNAPSHOT", other, 1);
    setenv("HARDEN_METRICS", "none", 1);
    /* Files outside the state directory. */
    setenv("HARDEN_STATE", "private", 1);
    setenv("HARDEN_THREAD", "off", 1);
    engine = engine_get();
    start();
    struct stat st;
    monitor_update(clock_now_ns());
    stat(other, &st);
    cr_assert_eq(st.st_size, 0);
    board_alert(engine->board);
    monitor_update(clock_now_ns());
    stat(other, &st);
    cr_assert_gt(st.st_size, 0, "changes are still written");
}
