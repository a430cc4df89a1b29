/* SPDX-License-Identifier: MIT
 *
 * Where a board may be placed. The results of the C library for ids, files and file systems are
 * simulated, as another preloaded library might change them. Those of the kernel are real. */
#include "engine/board/board.h"
#include "engine/board/location.h"
#include "engine/config/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW     (100000 * NS_PER_S)
#define USER    54321 /* an unused user id, as those after it, to which tests switch */
#define NFS     0x6969
#define FUSE    0x65735546
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static char base[] = "/tmp/test_location.XXXXXX";
static char dir[64], path[96];

static bool fake_root;           /* as fakeroot reports it */
static unsigned fake_kind;       /* type of the file system; 0: the real one */
static uint64_t fake_block[3];   /* the position of the first block at each request */
static int asked;                /* number of requests */
static const char *fake_boot_id; /* "": cannot be read */
static const char *fake_uid_map;

uid_t geteuid(void)
{
    return fake_root ? 4711 : (uid_t)syscall(SYS_geteuid);
}

int fstat(int fd, struct stat *st)
{
    int r = fstatat(fd, "", st, AT_EMPTY_PATH);
    if (!r && fake_root)
        st->st_uid = 4711;
    return r;
}

int fstatfs(int fd, struct statfs *fs)
{
    int r = (int)syscall(SYS_fstatfs, fd, fs);
    if (!r && fake_kind)
        fs->f_type = fake_kind;
    return r;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    struct fiemap *map = va_arg(ap, void *);
    va_end(ap);
    if (request != FS_IOC_FIEMAP || fake_kind != OVERLAYFS_SUPER_MAGIC)
        return (int)syscall(SYS_ioctl, fd, request, map);
    map->fm_mapped_extents = 1;
    map->fm_extents[0] = (struct fiemap_extent){.fe_physical = fake_block[asked % 3]};
    asked++;
    return fake_block[0] ? 0 : -1;
}

static int text_file(const char *text)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int openat(int at, const char *name, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    if (fake_boot_id && !strcmp(name, BOOT_ID))
        return *fake_boot_id ? text_file(fake_boot_id) : -1;
    if (fake_uid_map && !strcmp(name, "/proc/self/uid_map"))
        return text_file(fake_uid_map);
    return (int)syscall(SYS_openat, at, name, flags, mode);
}

static void make_base(void)
{
    cr_assert_not_null(mkdtemp(base));
    snprintf(dir, sizeof dir, "%s/state", base);
    snprintf(path, sizeof path, "%s/" BOARD_NAME, dir);
}

static void remove_base(void)
{
    umask(022);
    unlink(path);
    rmdir(dir);
    rmdir(base);
}

TestSuite(place, .init = make_base, .fini = remove_base);

/* Counts one request on the board and returns the total; 0: the board is private, and *why has
 * the reason. */
static uint64_t count_one(const char **why)
{
    const char *said = NULL;
    struct board *b = board_open(dir, 8, &said);
    struct slot *s = board_slot(b, 7, "h", SLOT_HOST, NOW);
    slot_count(s, COUNT_REQUESTS, 1);
    uint64_t n = b->shared ? slot_counter(s, COUNT_REQUESTS) : 0;
    board_close(b);
    if (why)
        *why = said;
    return n;
}

/* ---- ownership ---- */

Test(place, ownership_is_taken_from_the_kernel_even_under_fakeroot)
{
    cr_assert_eq(count_one(NULL), 1u);
    fake_root = true;
    cr_assert_eq(count_one(NULL), 2u);
    fake_root = false;
    cr_assert_eq(count_one(NULL), 3u);
}

Test(place, own_free_and_foreign_directories_are_distinguished)
{
    cr_assert_eq(location_look(dir), LOCATION_FREE);
    mkdir(dir, 0700);
    cr_assert_eq(location_look(dir), LOCATION_OWN);
    cr_assert(location_is_own(dir));
    cr_assert_eq(location_look("/dev/null"), LOCATION_FOREIGN);
    if (geteuid())
        cr_assert_eq(location_look("/"), LOCATION_FOREIGN);
    else
        cr_assert_eq(chown(dir, USER, 0), 0);
    cr_assert_eq(location_look(geteuid() ? "/" : dir), LOCATION_FOREIGN);
    cr_assert_not(location_is_own(geteuid() ? "/" : dir));
}

Test(place, in_a_user_namespace_with_one_user_the_outer_id_is_used)
{
    unsigned own = (unsigned)syscall(SYS_geteuid), other = own + 1;
    char map[200];
    static const struct {
        const char *text;
        int inside, user; /* +: as given, 0: the id of this process */
    } of[] = {{"%10u %10u 1\n", 1, 1000},
              {"%10u %10u 4294967295\n", 1, 0},
              {"", 0, 0},
              {"%u %u 65536\n", 1, 0},
              {"nonsense %u %u\n", 1, 0}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        snprintf(map, sizeof map, of[i].text, own, 1000);
        fake_uid_map = map;
        cr_assert_eq(location_user(), of[i].user ? (unsigned)of[i].user : own, "%s", map);
    }
    snprintf(map, sizeof map, "%10u 7 1\n%10u 1000 1\n", other, own);
    cr_assert_eq(location_user(), 1000u);
}

static uid_t user = USER;

/* Runs f as a user without any right of root; returns the result of the child. */
static bool as_user(bool (*test)(void))
{
    int status;
    pid_t child = fork();
    if (!child)
        _exit(setresgid(user, user, user) || setresuid(user, user, user) || !test());
    waitpid(child, &status, 0);
    return !status;
}

static void ignore_error(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

static const struct config *auto_config(void)
{
    setenv("HARDEN_CONFIG", "none", 1);
    return config_load(ignore_error, NULL);
}

static char runtime[80], theirs[96], first[64], second[64];

static bool has_private_board(void)
{
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    const struct config *c = auto_config();
    return !strcmp(c->state, first) && !c->state_taken && !c->runtime_taken;
}

static bool is_private_because_all_are_taken(void)
{
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    const struct config *c = auto_config();
    return !strcmp(c->state, first) && !c->state_taken && c->runtime_taken &&
           !strcmp(c->runtime_taken, runtime);
}

static bool is_private_because_it_is_taken(void)
{
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    const struct config *c = auto_config();
    return !strcmp(c->state, first) && c->state_taken && !strcmp(c->state_taken, theirs);
}

static bool is_in_the_runtime_directory(void)
{
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    const struct config *c = auto_config();
    return !strcmp(c->state, theirs) && !c->state_taken;
}

static bool is_in_the_second_directory(void)
{
    unsetenv("XDG_RUNTIME_DIR");
    const struct config *c = auto_config();
    return !strcmp(c->state, second) && c->state_taken && !strcmp(c->state_taken, first);
}

static bool stays_in_the_second_directory(void)
{
    unsetenv("XDG_RUNTIME_DIR");
    return !strcmp(auto_config()->state, second);
}

/* Tests run in parallel, so each uses another user. */
static void names(uid_t of)
{
    user = of;
    snprintf(runtime, sizeof runtime, "%s/run", base);
    snprintf(theirs, sizeof theirs, "%s/harden", runtime);
    snprintf(first, sizeof first, "/dev/shm/harden-%u", user);
    snprintf(second, sizeof second, "/dev/shm/harden-%u.1", user);
    chmod(base, 0755);
    mkdir(runtime, 0700);
}

static void clear(void)
{
    rmdir(theirs);
    rmdir(runtime);
    rmdir(first);
    rmdir(second);
}

Test(place, a_runtime_directory_of_another_user_is_not_used)
{
    if (geteuid())
        return; /* needs a second user */
    names(USER);
    cr_assert(as_user(is_private_because_all_are_taken));
    cr_assert_eq(chown(runtime, user, user), 0);
    cr_assert(as_user(is_in_the_runtime_directory));
    clear();
    cr_assert(as_user(has_private_board), "nor is one created");
}

Test(place, a_directory_created_by_root_in_the_runtime_directory_does_not_exclude_the_user)
{
    if (geteuid())
        return;
    names(USER + 1);
    cr_assert_eq(chown(runtime, user, user), 0);
    mkdir(theirs, 0700);
    cr_assert(as_user(is_private_because_it_is_taken));
    clear();
}

Test(place, a_directory_of_another_user_is_avoided_and_the_first_free_one_is_kept)
{
    if (geteuid())
        return;
    names(USER + 2);
    mkdir(first, 0700); /* owned by root, not by the user */
    cr_assert(as_user(is_in_the_second_directory));
    mkdir(second, 0700);
    cr_assert_eq(chown(second, user, user), 0);
    cr_assert(as_user(is_in_the_second_directory));
    rmdir(first);
    cr_assert(as_user(stays_in_the_second_directory), "the existing board is still used");
    clear();
}

/* ---- umask ---- */

static bool opens_shared(void)
{
    umask(0777);
    return count_one(NULL) && count_one(NULL);
}

static bool opens_board_of_killed_process(void)
{
    mkdir(dir, 0);
    return opens_shared();
}

Test(place, a_umask_that_removes_owner_permissions_leaves_a_usable_directory)
{
    struct stat st;
    mode_t was = umask(0777);
    cr_assert_eq(count_one(NULL), 1u);
    umask(was);
    cr_assert_eq(stat(dir, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0700u);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600u);
    unlink(path);
    rmdir(dir);
    if (geteuid())
        return;
    chmod(base, 0777);
    cr_assert(as_user(opens_shared), "nor for a user who needs the permissions");
    unlink(path);
    rmdir(dir);
    cr_assert(as_user(opens_board_of_killed_process));
}

/* ---- the lock ---- */

static bool locks_all_it_can(void)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY), lock = -1;
    char file[96];
    snprintf(file, sizeof file, "%s/" LOCATION_LOCK, dir);
    lock = open(file, O_RDONLY);
    return fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) && lock < 0 && errno == EACCES && !pause();
}

Test(place, another_user_who_can_list_the_directory_cannot_lock_its_owner_out)
{
    char file[96];
    if (geteuid())
        return; /* needs a second user */
    chmod(base, 0755);
    snprintf(file, sizeof file, "%s/" LOCATION_LOCK, dir);
    mkdir(dir, 0755);
    chmod(dir, 0755);
    umask(0777);
    cr_assert_eq(count_one(NULL), 1u);
    unlink(path);
    user = USER + 3;
    pid_t child = fork();
    if (!child)
        _exit(setresgid(user, user, user) || setresuid(user, user, user) || locks_all_it_can());
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    while (!flock(fd, LOCK_SH | LOCK_NB) && !flock(fd, LOCK_UN) && !waitpid(child, NULL, WNOHANG))
        usleep(1000);
    cr_assert_eq(waitpid(child, NULL, WNOHANG), 0, "it has the lock of the directory");
    cr_assert_eq(count_one(NULL), 1u);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    unlink(file);
}

/* ---- file systems ---- */

Test(place, a_file_system_that_reallocates_on_write_gets_no_board)
{
    static const unsigned kinds[] = {0x9123683e /* btrfs */, NFS, FUSE, F2FS_SUPER_MAGIC, 1};
    const char *why;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fake_kind = kinds[i];
        cr_assert_eq(count_one(&why), 0u, "%x", kinds[i]);
        cr_assert_eq(why, location_why_no_room);
        fake_kind = 0;
        cr_assert_eq(access(path, F_OK), -1);
    }
    cr_assert_eq(count_one(NULL), 1u);
    fake_kind = kinds[0];
    cr_assert_eq(count_one(&why), 0u, "nor is an existing one used");
    cr_assert_eq(why, location_why_no_room);
}

Test(place, tmpfs_and_file_systems_that_write_in_place_get_a_board)
{
    static const unsigned kinds[] = {TMPFS_MAGIC, RAMFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fake_kind = kinds[i];
        cr_assert_eq(count_one(NULL), i + 1);
    }
    cr_assert_eq(asked, 0, "without a trial write");
}

Test(place, on_an_overlay_a_trial_write_shows_whether_blocks_move)
{
    static const uint64_t still[] = {4096, 4096, 4096}, moves[] = {4096, 8192, 12288},
                          later[] = {4096, 4096, 8192}, untold[] = {0, 0, 0};
    const uint64_t *bad[] = {moves, later, untold};
    const char *why;
    fake_kind = OVERLAYFS_SUPER_MAGIC;
    for (int i = 0; i < 3; i++) {
        asked = 0;
        memcpy(fake_block, bad[i], sizeof fake_block);
        cr_assert_eq(count_one(&why), 0u, "%d", i);
        cr_assert_eq(why, location_why_no_room);
        cr_assert_eq(access(path, F_OK), -1);
    }
    asked = 0;
    memcpy(fake_block, still, sizeof fake_block);
    cr_assert_eq(count_one(NULL), 1u);
    int once = asked;
    cr_assert_eq(count_one(NULL), 2u);
    cr_assert_eq(asked, once, "for a new file only");
}

/* By a limit of the process or on a full disk; nothing is known about blocks then. */
Test(place, on_an_overlay_that_cannot_be_written_the_error_is_not_about_blocks)
{
    const char *why;
    struct rlimit limit, nothing;
    fake_kind = OVERLAYFS_SUPER_MAGIC;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    nothing = (struct rlimit){0, limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &nothing);
    uint64_t n = count_one(&why);
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_assert_eq(n, 0u);
    cr_assert_not_null(why);
    cr_assert_neq(why, location_why_no_room);
}

/* ---- boots ---- */

#define THIS_BOOT  "11111111-1111-1111-1111-111111111111\n"
#define OTHER_BOOT "22222222-2222-2222-2222-222222222222\n"

static uint64_t count_as(const char *boot_id)
{
    fake_boot_id = boot_id;
    uint64_t n = count_one(NULL);
    fake_boot_id = NULL;
    return n;
}

Test(place, a_board_is_accepted_if_the_boot_is_unknown)
{
    cr_assert_eq(count_as(THIS_BOOT), 1u);
    cr_assert_eq(count_as(""), 2u);
    cr_assert_eq(count_as(THIS_BOOT), 3u);
    cr_assert_eq(count_as(OTHER_BOOT), 1u, "a process that knows the boot still detects it");
}

Test(place, the_boot_id_is_added_by_the_first_process_that_can_read_it)
{
    cr_assert_eq(count_as(""), 1u);
    cr_assert_eq(count_as(""), 2u);
    cr_assert_eq(count_as(THIS_BOOT), 3u);
    cr_assert_eq(count_as(""), 4u);
    cr_assert_eq(count_as(OTHER_BOOT), 1u);
}

Test(place, a_board_with_future_times_is_of_an_earlier_boot_even_if_the_boot_is_unknown)
{
    cr_assert_eq(count_as(THIS_BOOT), 1u);
    fake_boot_id = THIS_BOOT;
    struct board *b = board_open(dir, 8, NULL);
    atomic_store(&b->header->alive_ns, clock_now_ns() + 100 * NS_PER_S);
    board_close(b);
    cr_assert_eq(count_as(""), 1u);
}
