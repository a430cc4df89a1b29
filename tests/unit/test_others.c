/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "engine/board/board.h"
#include "engine/board/others.h"
#include "engine/engine.h"
#include "engine/publish/files.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 16
#define OTHER (BOARD_LAYOUT + 1)

static char dir[] = "/dev/shm/harden-test-XXXXXX"; /* a mapping holds its file there */
static char own[64], other[64];

static void make(void)
{
    mkdtemp(dir);
    snprintf(own, sizeof own, "%s/" BOARD_NAME, dir);
    snprintf(other, sizeof other, "%s/board.%d", dir, OTHER);
}

static void drop(void)
{
    scratch_remove(dir);
}

static _Noreturn void wait_for_signal(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pause();
    _exit(0);
}

/* Other threads of the program fork at any time: here, just before the first descriptor is closed. */
static bool fork_at_close;
static pid_t forked;

int close(int fd)
{
    if (fork_at_close) {
        fork_at_close = false;
        if (!(forked = fork()))
            wait_for_signal();
    }
    return (int)syscall(SYS_close, fd);
}

TestSuite(others, .init = make, .fini = drop, .timeout = 60);

static bool there(const char *path)
{
    return !access(path, F_OK);
}

/* As if it had been opened so long ago. */
static void age(const char *path, int64_t seconds)
{
    struct timespec t[2] = {{.tv_sec = clock_wall_ns() / NS_PER_S - seconds}};
    t[1] = t[0];
    utimensat(AT_FDCWD, path, t, 0);
}

/* A board as a version with this layout has left it, at a path. */
static void leave_board(const char *path, uint32_t layout)
{
    board_close(board_open(dir, SLOTS, NULL));
    int fd = open(own, O_RDWR);
    pwrite(fd, &layout, sizeof layout, offsetof(struct board_header, layout));
    close(fd);
    rename(own, path);
    age(path, OTHERS_REST_S + 1);
}

/* A process of the other version: it has the board mapped, and no descriptor. */
static void *use(const char *path)
{
    int fd = open(path, O_RDWR);
    flock(fd, LOCK_SH | LOCK_NB);
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p;
}

Test(others, names_of_boards_contain_their_layout)
{
    cr_assert_eq(others_layout("board.14"), 14u);
    cr_assert_eq(others_layout("board.7"), 7u);
    static const char *const no[] = {"board",    "board.",  "board.14.new", "board.x",
                                     "board.-1", "board.0", "health.json",  "board.99999999999",
                                     ""};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        cr_assert_eq(others_layout(no[i]), 0u, "%s", no[i]);
}

Test(others, an_unused_board_is_removed_when_another_is_opened)
{
    leave_board(other, OTHER);
    struct board *b = board_open(dir, SLOTS, NULL);
    cr_assert(b->shared && !there(other) && there(own));
    cr_assert_eq(b->others.left, 0u);
}

Test(others, a_board_stays_until_its_last_mapping_is_gone)
{
    leave_board(other, OTHER);
    void *mapped = use(other);
    struct board *b = board_open(dir, SLOTS, NULL);
    cr_assert(there(other));
    cr_assert_eq(b->others.left, 1u);
    int go[2];
    char c;
    pipe(go);
    pid_t pid = fork(); /* inherits the mapping */
    if (!pid) {
        close(go[1]);
        (void)!read(go[0], &c, 1);
        _exit(0);
    }
    munmap(mapped, 4096);
    cr_assert_eq(others_tidy_path(dir, 0).left, 1u);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    errno = EXDEV;
    cr_assert_eq(others_tidy_path(dir, 0).left, 0u);
    cr_assert_eq(errno, EXDEV);
    cr_assert(!there(other) && there(own));
}

Test(others, a_board_that_was_in_use_a_while_ago_rests_first)
{
    leave_board(other, OTHER);
    void *mapped = use(other);
    cr_assert_eq(others_tidy_path(dir, OTHERS_REST_S).left, 1u);
    munmap(mapped, 4096);
    cr_assert_eq(others_tidy_path(dir, OTHERS_REST_S).left, 1u, "it was seen in use just now");
    age(other, OTHERS_REST_S - 60);
    cr_assert_eq(others_tidy_path(dir, OTHERS_REST_S).left, 1u);
    age(other, OTHERS_REST_S + 1);
    cr_assert_eq(others_tidy_path(dir, OTHERS_REST_S).left, 0u);
}

Test(others, opening_a_board_begins_its_rest_again)
{
    board_close(board_open(dir, SLOTS, NULL));
    age(own, 1000);
    struct board *b = board_open(dir, SLOTS, NULL);
    struct stat st;
    stat(own, &st);
    cr_assert_lt(clock_wall_ns() / NS_PER_S - st.st_mtim.tv_sec, 900);
    cr_assert_eq(b->header->magic, BOARD_MAGIC);
}

Test(others, a_board_is_held_as_long_as_it_is_mapped)
{
    struct board *b = board_open(dir, SLOTS, NULL);
    int fd = open(own, O_RDONLY);
    cr_assert(flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK);
    board_close(b);
    cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
}

/* A process stopped in the middle of removing it; and a tool that locks every file. */
Test(others, a_board_that_cannot_be_held_is_shared_all_the_same)
{
    struct board *b = board_open(dir, SLOTS, NULL);
    cr_assert(b->shared);
    board_close(b);
    int fd = open(own, O_RDONLY);
    flock(fd, LOCK_EX);
    b = board_open(dir, SLOTS, NULL);
    cr_assert(b->shared && there(own));
}

/* A child of a fork at the wrong moment has the descriptor, too, and may live for ever. */
Test(others, a_look_at_a_board_leaves_no_lock_behind)
{
    leave_board(other, OTHER);
    age(other, 0);
    fork_at_close = true;
    cr_assert_eq(others_tidy_path(dir, OTHERS_REST_S).left, 1u);
    fork_at_close = false;
    int fd = open(other, O_RDWR);
    int refused = flock(fd, LOCK_SH | LOCK_NB);
    kill(forked, SIGKILL);
    waitpid(forked, NULL, 0);
    cr_assert(forked > 0 && !refused);
}

Test(others, what_is_no_board_of_a_known_layout_is_left_alone)
{
    char path[64];
    snprintf(path, sizeof path, "%s/board.%d", dir, OTHERS_FIRST - 1);
    leave_board(path, OTHERS_FIRST - 1); /* does not hold its file */
    cr_assert_eq(others_tidy_path(dir, 0).left, 1u);
    cr_assert(there(path));
    unlink(path);
    leave_board(other, OTHER + 1); /* the name and the content disagree */
    cr_assert_eq(others_tidy_path(dir, 0).left, 1u);
    cr_assert(there(other));
    unlink(other);
    leave_board(other, OTHER);
    chmod(other, 0644);
    cr_assert_eq(others_tidy_path(dir, 0).left, 1u);
    cr_assert(there(other));
    unlink(other);
    mkfifo(other, 0600);
    cr_assert_eq(others_tidy_path(dir, 0).left, 1u);
    unlink(other);
    mkdir(other, 0700);
    cr_assert_eq(others_tidy_path(dir, 0).left, 1u);
    rmdir(other);
    cr_assert_eq(others_tidy_path("/nonexistent", 0).left, 0u);
}

Test(others, a_running_process_removes_the_board_when_its_last_user_is_gone)
{
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", dir, 1);
    leave_board(other, OTHER);
    void *mapped = use(other);
    cr_assert(engine_get() != NULL);
    engine_reopen();
    cr_assert(there(other));
    munmap(mapped, 4096);
    age(other, OTHERS_REST_S + 1);
    engine_reopen();
    cr_assert(!there(other) && there(own));
}

Test(others, a_board_of_an_older_layout_leaves_the_files_to_the_newer_one_in_use)
{
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", dir, 1);
    char kept[64];
    snprintf(kept, sizeof kept, "%s/kept", dir);
    leave_board(kept, OTHER);
    struct engine *e = engine_get();
    const struct config *c = engine_config();
    cr_assert(files_to_write(e, c).snapshot && files_to_write(e, c).metrics);
    rename(kept, other); /* a program of the newer version has started */
    void *mapped = use(other);
    engine_reopen();
    cr_assert(!files_to_write(e, c).snapshot && !files_to_write(e, c).metrics);
    munmap(mapped, 4096);
    engine_reopen();
    cr_assert(files_to_write(e, c).snapshot && files_to_write(e, c).metrics);
}

/* Not on overlayfs, which many containers have. */
static bool mapping_holds(const char *path)
{
    void *p = use(path);
    int fd = open(path, O_RDWR);
    bool holds = flock(fd, LOCK_EX | LOCK_NB);
    close(fd);
    munmap(p, 4096);
    return holds;
}

Test(others, no_board_is_removed_where_nothing_tells_that_it_is_in_use)
{
    char there_dir[] = "/tmp/harden-test-XXXXXX", name[64];
    mkdtemp(there_dir);
    leave_board(other, OTHER);
    snprintf(name, sizeof name, "%s/board.%d", there_dir, OTHER);
    int from = open(other, O_RDONLY), to = open(name, O_WRONLY | O_CREAT, 0600);
    struct stat st;
    fstat(from, &st);
    cr_assert_eq(sendfile(to, from, NULL, (size_t)st.st_size), st.st_size);
    close(from);
    close(to);
    bool holds = mapping_holds(name);
    age(name, OTHERS_REST_S + 1);
    cr_assert_eq(others_tidy_path(there_dir, OTHERS_REST_S).left, holds ? 0u : 1u);
    cr_assert_eq(there(name), !holds);
    scratch_remove(there_dir);
}
