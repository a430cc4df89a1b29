/* SPDX-License-Identifier: MIT
 *
 * The file of a board: opens it, checks that it is valid, and creates or replaces it. */
#include "engine/board/board.h"

#include "base/clock.h"
#include "base/kernel.h"
#include "base/open.h"
#include "base/sizes.h"
#include "engine/board/location.h"
#include "engine/board/others.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_NAME     BOARD_NAME ".new" /* written under the directory's lock, then renamed */
#define SLOTS_MAX    (1u << 22)
#define LOCK_TRIES   50
#define LOCK_WAIT_NS (2 * NS_PER_MS)

/* The drawing in board.h. */
#define AT(member, offset)                                                                         \
    _Static_assert(offsetof(struct board_header, member) == (offset), #member)
AT(magic, 0);
AT(snapshot_due_ns, 64);
AT(transfers_easy, 128);
AT(attached, 256);
_Static_assert(sizeof(struct board_header) == 4352, "slots begin on a cache line");
_Static_assert(sizeof(struct history) == 99536, "3 counters, 7 sums, three rings");

enum opened { OPENED, UNFIT, UNSAFE, FAILED };
/* READ and WRITE: for a moment. USE: until the process ends; USE_LOCKED: with the directory locked. */
enum use { READ, WRITE, USE, USE_LOCKED };

const char board_why_unfit[] = "the board is from another version, or from before the last boot";

static size_t file_size(uint32_t slot_count)
{
    return sizeof(struct board_header) + ((size_t)slot_count + 1) * sizeof(struct slot) +
           sizeof(struct history);
}

/* A key may have only BOARD_CANDIDATES slots, so a large table needs spare slots to have room for
 * slot_count hosts. */
static uint32_t with_spare(uint32_t slot_count)
{
    if (slot_count < 1)
        slot_count = 1;
    if (slot_count > BOARD_CANDIDATES)
        slot_count = slot_count < SLOTS_MAX / 2 ? slot_count + slot_count / 4 : SLOTS_MAX;
    return slot_count;
}

size_t board_file_size(uint32_t slot_count)
{
    return file_size(with_spare(slot_count));
}

static void read_boot_id(char id[36])
{
    memset(id, 0, 36);
    int fd = open_file("/proc/sys/kernel/random/boot_id", O_RDONLY, 0);
    if (fd < 0)
        return;
    if (read(fd, id, 36) != 36)
        memset(id, 0, 36);
    close(fd);
}

static struct board_header header_for(uint32_t slot_count)
{
    struct board_header h = {
        .magic = BOARD_MAGIC,
        .layout = BOARD_LAYOUT,
        .slot_size = sizeof(struct slot),
        .slot_count = slot_count,
        .uid = kernel_euid(),
        .attached_at = offsetof(struct board_header, attached),
    };
    read_boot_id(h.boot_id);
    return h;
}

/* Without /proc the boot is unknown. Then the board counts as one of this boot, unless it was used at a
 * time that this boot has not reached yet. */
static bool is_of_this_boot(const struct board_header *h, const struct board_header *want)
{
    if (h->boot_id[0] && want->boot_id[0])
        return !memcmp(h->boot_id, want->boot_id, sizeof want->boot_id);
    return atomic_load(&h->alive_ns) <= clock_now_ns() + NS_PER_S;
}

static bool header_fits(const struct board_header *h, off_t size)
{
    struct board_header want = header_for(h->slot_count);
    return h->magic == want.magic && h->layout == want.layout && h->slot_size == want.slot_size &&
           is_of_this_boot(h, &want) && h->slot_count >= 1 && h->slot_count <= SLOTS_MAX &&
           size == (off_t)file_size(h->slot_count);
}

/* In a mapping of its own (base/arena.h). */
static struct board *new_board(void)
{
    struct arena a = {NULL};
    struct board *b = arena_get(&a, sizeof *b);
    if (b)
        b->memory = a;
    return b;
}

static void drop_board(struct board *b)
{
    struct arena a = {NULL};
    if (b)
        a = b->memory;
    arena_drop(&a);
}

static bool map_board(struct board *b, int fd, uint32_t slot_count, bool writable)
{
    int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
    int access = PROT_READ | (writable ? PROT_WRITE : 0);
    void *p = mmap(NULL, file_size(slot_count), access, flags, fd, 0);
    if (p == MAP_FAILED)
        return false;
    b->header = p;
    b->slots = (struct slot *)(b->header + 1);
    b->history = (struct history *)(b->slots + slot_count + 1);
    b->slot_count = slot_count; /* checked once; what the file says later does not matter */
    b->shared = fd >= 0;
    b->file = p;
    return true;
}

/* Times of another clock would block requests for as long as that clock is ahead. A process that knows
 * the clock of the boot replaces a board whose creator did not. */
static enum opened judge_clock(const struct board_header *h, const char **why)
{
    bool known = clock_is_known();
    if ((known && h->clock_known == 1) || clock_agrees(h->ticks_ahead_ns))
        return OPENED;
    *why = "this process is in a time namespace, and without /proc its clock cannot be compared";
    return known ? UNFIT : UNSAFE;
}

/* A process that keeps the board holds it: the kernel keeps this lock with the open file, to which every
 * mapping refers (but on overlayfs), in children too, until the last is gone. False: the file is being removed
 * (others.c), which nobody does while we have locked the directory. */
static bool hold(int fd, enum use use)
{
    return use < USE || !flock(fd, LOCK_SH | LOCK_NB) || errno != EWOULDBLOCK || use == USE_LOCKED;
}

/* UNFIT: may be replaced by a fresh board; UNSAFE: must be left alone. */
static enum opened try_open(struct board *b, int dir, enum use use, const char **why)
{
    struct stat st;
    struct board_header h;
    bool writable = use != READ;
    /* O_NONBLOCK: it might be a pipe. */
    int fd = open_at(dir, BOARD_NAME, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) {
        *why = "the board cannot be opened";
        return errno == ENOENT ? UNFIT : UNSAFE;
    }
    enum opened result = UNFIT;
    if (!hold(fd, use) || fstat(fd, &st) || !st.st_nlink)
        goto out;
    result = UNSAFE;
    *why = "the board is not a regular file of this user, or others can access it";
    if (!S_ISREG(st.st_mode) || !location_is_private(fd))
        goto out;
    *why = location_why_no_room;
    if (!location_keeps_room(fd))
        goto out;
    result = UNFIT;
    if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h || !header_fits(&h, st.st_size))
        goto out;
    if ((result = judge_clock(&h, why)) != OPENED)
        goto out;
    *why = "the board cannot be mapped";
    result = map_board(b, fd, h.slot_count, writable) ? OPENED : FAILED;
    b->dev = st.st_dev;
    b->ino = st.st_ino;
    if (use >= USE && result == OPENED)
        others_touch(fd);
out:
    close(fd);
    return result;
}

/* The new board is completed under another name and then renamed, so half of one is never seen.
 * Processes that have mapped the old one keep using it. */
static enum opened replace_board(int dir, uint32_t slot_count, const char **why)
{
    struct board_header h = header_for(slot_count);
    h.ticks_ahead_ns = clock_ticks_ahead_ns();
    h.clock_known = clock_is_known();
    *why = "the board cannot be created";
    unlinkat(dir, NEW_NAME, 0);
    int fd = open_at(dir, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return FAILED;
    int keeps = location_keeps_room_tried(fd);
    if (!keeps)
        *why = location_why_no_room;
    /* All blocks are allocated before the file is mapped: a full file system must not cause SIGBUS. */
    bool ok = keeps > 0 && !fchmod(fd, S_IRUSR | S_IWUSR) && /* whatever the umask */
              !posix_fallocate(fd, 0, (off_t)file_size(slot_count)) &&
              pwrite(fd, &h, sizeof h, 0) == (ssize_t)sizeof h &&
              !renameat(dir, NEW_NAME, dir, BOARD_NAME);
    if (!ok)
        unlinkat(dir, NEW_NAME, 0);
    close(fd);
    return ok ? OPENED : FAILED;
}

/* Taken only to replace a board, so that two processes that do it end up with the same one. Its owner may
 * be stopped: wait a short time only. -1: not locked. */
static int lock_directory(int dir)
{
    int lock = location_open_lock(dir);
    for (int i = 0; lock >= 0 && i < LOCK_TRIES; i++) {
        if (!flock(lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
            return lock;
        clock_sleep_until(clock_now_ns() + LOCK_WAIT_NS);
    }
    if (lock >= 0)
        close(lock);
    return -1;
}

static void unlock_directory(int lock)
{
    flock(lock, LOCK_UN); /* a child of a fork may have it open, too */
    close(lock);
}

/* Adds the boot id to a board whose creator did not know it. Under the lock, because a process that has
 * read half of it checks again under the lock. */
static void add_boot_id(struct board *b, int dir)
{
    char own[sizeof b->header->boot_id];
    if (b->header->boot_id[0])
        return;
    read_boot_id(own);
    int lock = own[0] ? lock_directory(dir) : -1;
    if (lock < 0)
        return;
    if (!b->header->boot_id[0])
        memcpy(b->header->boot_id, own, sizeof own);
    unlock_directory(lock);
}

/* Where other processes find the file, too. Without memory it is not known. */
static void note_path(struct board *b, const char *dir)
{
    size_t size = strlen(dir) + sizeof "/" BOARD_NAME;
    char *path = arena_get(&b->memory, size);
    if (path)
        snprintf(path, size, "%s/" BOARD_NAME, dir);
    b->path = path;
}

static bool open_shared(struct board *b, const char *path, uint32_t slot_count, const char **why)
{
    bool ok = false;
    int dir = location_open(path, true, why);
    if (dir < 0)
        return false;
    *why = location_why_no_room;
    if (!location_keeps_room(dir))
        goto out;
    enum opened result = try_open(b, dir, USE, why);
    if (result == UNFIT) {
        *why = "the state directory is locked by another process";
        int lock = lock_directory(dir);
        if (lock < 0)
            goto out;
        result = try_open(b, dir, USE_LOCKED, why);
        if (result == UNFIT && (result = replace_board(dir, slot_count, why)) == OPENED)
            result = try_open(b, dir, USE_LOCKED, why);
        unlock_directory(lock);
    }
    ok = result == OPENED;
    if (ok) {
        add_boot_id(b, dir);
        note_path(b, path);
        b->others = others_tidy(dir, OTHERS_REST_S);
    }
out:
    close(dir);
    return ok;
}

struct board *board_open(const char *dir, uint32_t slot_count, const char **why)
{
    int saved = errno;
    const char *reason = NULL;
    struct board *b = new_board();
    slot_count = with_spare(slot_count);
    if (b && !(dir && open_shared(b, dir, slot_count, &reason))) {
        if (map_board(b, -1, slot_count, true)) {
            *b->header = header_for(slot_count);
            b->creator = getpid();
        } else {
            drop_board(b);
            b = NULL;
        }
    } else {
        reason = NULL;
    }
    if (why)
        *why = reason;
    errno = saved;
    return b;
}

struct board *board_attach(const char *path, bool writable, const char **why)
{
    struct board *b = new_board();
    int dir = location_open(path, false, why);
    int error = errno;
    enum opened result = UNSAFE;
    if (b && dir >= 0) {
        errno = EPERM;
        result = try_open(b, dir, writable ? WRITE : READ, why);
        error = errno;
        if (result == UNFIT && error != ENOENT)
            *why = board_why_unfit;
    }
    if (dir >= 0)
        close(dir);
    if (result != OPENED) {
        drop_board(b);
        errno = error;
        return NULL;
    }
    note_path(b, path);
    return b;
}

static bool read_whole(int fd, char *to, size_t size)
{
    for (size_t n = 0; n < size;) {
        ssize_t got = pread(fd, to + n, size - n, (off_t)n);
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

/* The content may change between the check of the header and its copy, like that of any board. */
struct board *board_copy(int fd, off_t size, const char **why)
{
    struct board_header h;
    *why = "the board is from another version, or from before the last boot";
    if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h || !header_fits(&h, size) ||
        judge_clock(&h, why) != OPENED)
        return NULL;
    struct board *b = new_board();
    *why = "there is not enough memory for a copy of the board";
    if (!b || !map_board(b, -1, h.slot_count, true)) {
        drop_board(b);
        return NULL;
    }
    void *file = mmap(NULL, sizeof h, PROT_NONE, MAP_SHARED, fd, 0);
    b->file = file == MAP_FAILED ? NULL : file;
    if (read_whole(fd, (char *)b->header, (size_t)size))
        return b;
    *why = "the board cannot be read";
    board_close(b);
    return NULL;
}

void board_settle_clock(const struct board *b)
{
    if (b->shared)
        clock_settle_again(b->header->ticks_ahead_ns);
}

void board_close(struct board *b)
{
    if (b && b->file && b->file != b->header)
        munmap(b->file, sizeof *b->header);
    if (b)
        munmap(b->header, file_size(b->slot_count));
    drop_board(b);
}
