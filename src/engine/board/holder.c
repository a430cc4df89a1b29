/* SPDX-License-Identifier: MIT */
#include "engine/board/holder.h"

#include "base/arena.h"
#include "base/open.h"
#include "base/rng.h"
#include "engine/board/attached.h"
#include "engine/board/bulkhead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MASK(bits) ((1ULL << (bits)) - 1)
/* Of an identity without a lock: pid, start, namespace, from the lowest bit on. */
_Static_assert(HOLDER_BITS == BULKHEAD_HOLDER_BITS, "a mark has room for an identity");

#define PID_BITS       22 /* PID_MAX_LIMIT of the kernel */
#define START_BITS     12
#define NAMESPACE_BITS 5
#define LOCK_TRIES     4
#define KEPT_BYTES     1 /* a mapping is a page at least */

static struct arena memory;

/* ---- with a lock ---------------------------------------------------------------------------- */

/* -1: it cannot be opened, or the path leads to another file by now. */
static int open_board(const struct board *b, int flags)
{
    struct stat st;
    int fd = b->path ? open_file(b->path, flags | O_NOFOLLOW | O_NONBLOCK, 0) : -1;
    if (fd < 0 || (!fstat(fd, &st) && st.st_dev == b->dev && st.st_ino == b->ino))
        return fd;
    close(fd);
    return -1;
}

static struct flock byte_of(uint64_t id)
{
    return (struct flock){.l_type = F_WRLCK,
                          .l_whence = SEEK_SET,
                          .l_start = (off_t)(HOLDER_LOCKS + (int64_t)id),
                          .l_len = 1};
}

/* Also true if the kernel does not say. */
static bool is_locked(int fd, uint64_t id)
{
    struct flock byte = byte_of(id);
    return fcntl(fd, F_OFD_GETLK, &byte) < 0 || byte.l_type != F_UNLCK;
}

static uint64_t lock_byte(int fd)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        uint64_t id = HOLDER_LOCKED | (rng_next() & MASK(HOLDER_BITS - 1));
        struct flock byte = byte_of(id);
        if (!fcntl(fd, F_OFD_SETLK, &byte))
            return id;
    }
    return 0;
}

/* The mapping keeps the file description, and with it the lock, without a descriptor; children do not inherit
 * it. */
static void *keep_open(int fd)
{
    void *kept = mmap(NULL, KEPT_BYTES, PROT_NONE, MAP_SHARED, fd, 0);
    if (kept == MAP_FAILED)
        return NULL;
    if (!madvise(kept, KEPT_BYTES, MADV_DONTFORK))
        return kept;
    munmap(kept, KEPT_BYTES);
    return NULL;
}

/* 0: no lock can be kept. *kept: what keeps it. */
static uint64_t make_locked(const struct board *b, void **kept)
{
    int fd = open_board(b, O_RDWR);
    uint64_t id = fd < 0 ? 0 : lock_byte(fd);
    *kept = id ? keep_open(fd) : NULL;
    if (fd >= 0)
        close(fd);
    fd = *kept ? open_board(b, O_RDONLY) : -1;
    bool keeps = fd >= 0 && is_locked(fd, id);
    if (fd >= 0)
        close(fd);
    if (*kept && !keeps)
        munmap(*kept, KEPT_BYTES);
    return keeps ? id : 0;
}

/* ---- without one ---------------------------------------------------------------------------- */

/* Field n of /proc/PID/stat, from n = 3 on, which is after the name in parentheses: "PID (NAME) STATE ...". */
static const char *field(const char *after_name, int n)
{
    const char *at = after_name + 1;
    for (int i = 3; at && i < n; i++)
        at = strchr(at + 1, ' ');
    return at ? at + 1 : "";
}

static uint64_t number_at(const char *text)
{
    uint64_t n = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (uint64_t)(*text - '0');
    return n;
}

/* A zombie is dead unless only its first thread has ended. */
static bool has_ended(const char *after_name)
{
    char state = *field(after_name, 3);
    return state == 'X' || (state == 'Z' && number_at(field(after_name, 20)) <= 1);
}

/* When the process started, in ticks since the boot. -1: it has ended; 0: not known. */
static int64_t started_at(uint32_t pid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    int fd = open_file(path, O_RDONLY, 0);
    if (fd < 0)
        return kill((pid_t)pid, 0) < 0 && errno == ESRCH ? -1 : 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return kill((pid_t)pid, 0) < 0 && errno == ESRCH ? -1 : 0;
    text[n] = '\0';
    const char *name_end = strrchr(text, ')');
    return !name_end ? 0 : has_ended(name_end) ? -1 : (int64_t)number_at(field(name_end, 22));
}

static uint64_t pack(uint32_t pid, int64_t start, uint32_t namespace)
{
    return (pid & MASK(PID_BITS)) | ((uint64_t)start & MASK(START_BITS)) << PID_BITS |
           (namespace & MASK(NAMESPACE_BITS)) << (PID_BITS + START_BITS);
}

static uint64_t make_unlocked(void)
{
    uint32_t pid = (uint32_t)getpid();
    return pack(pid, started_at(pid), attached_namespace());
}

/* A start time that is not known is no proof. */
static bool runs(uint64_t id)
{
    uint32_t namespace = attached_namespace(), pid = id & MASK(PID_BITS);
    if (id >> (PID_BITS + START_BITS) != (namespace & MASK(NAMESPACE_BITS)))
        return true;
    int64_t start = started_at(pid);
    uint64_t was = id >> PID_BITS & MASK(START_BITS);
    return start >= 0 && (!start || !was || ((uint64_t)start & MASK(START_BITS)) == was);
}

/* ---- this process --------------------------------------------------------------------------- */

/* A thread that still uses the former board may take a mark of this one there: it counts as alive, because the
 * file of that board is gone. */
static void use_marks_of(const struct holder *own, struct process *p)
{
    atomic_store(&p->permits.board, NULL);
    /* From any number: a thread that was faster may have taken the first ones. */
    atomic_store(&p->permits.mark, bulkhead_mark(own->id, (uint32_t)rng_next()));
    atomic_store(&p->permits.board, own->board);
}

__attribute__((noinline)) uint64_t holder_make(struct board *b)
{
    int saved = errno;
    struct process *p = process_self();
    for (const struct holder *h = atomic_load(&p->holder); h; h = h->before)
        if (h->board == b) /* one that was replaced, or another thread was faster */
            return h->id;
    struct holder *own = arena_get(&memory, sizeof *own);
    void *kept = NULL;
    if (own) {
        *own = (struct holder){.board = b, .id = make_locked(b, &kept)};
        if (!own->id)
            own->id = make_unlocked();
    }
    const struct holder *now = atomic_load(&p->holder);
    while (own && !(now && now->board == b)) {
        own->before = now;
        if (atomic_compare_exchange_weak(&p->holder, &now, own))
            now = own;
    }
    if (own && now != own && kept) /* another thread was faster */
        munmap(kept, KEPT_BYTES);
    if (own && now == own)
        use_marks_of(own, p);
    errno = saved;
    return now && now->board == b ? now->id : 0;
}

bool holder_is_own(uint64_t id)
{
    const struct holder *h = atomic_load_explicit(&process_self()->holder, memory_order_acquire);
    while (h && h->id != id)
        h = h->before;
    return h != NULL;
}

/* ---- others --------------------------------------------------------------------------------- */

void holder_check_begin(struct holder_check *k, const struct board *b)
{
    int saved = errno;
    *k = (struct holder_check){.file = open_board(b, O_RDONLY), .is_private = b->creator != 0};
    errno = saved;
}

bool holder_is_alive(struct holder_check *k, uint64_t id)
{
    int saved = errno;
    if (id == k->alive || id == k->dead)
        return id == k->alive;
    bool locked = id & HOLDER_LOCKED;
    bool alive = holder_is_own(id) || (!locked        ? runs(id)
                                       : k->file >= 0 ? is_locked(k->file, id)
                                                      : !k->is_private /* not known */);
    *(alive ? &k->alive : &k->dead) = id;
    errno = saved;
    return alive;
}

void holder_check_end(struct holder_check *k)
{
    int saved = errno;
    if (k->file >= 0)
        close(k->file);
    errno = saved;
}
