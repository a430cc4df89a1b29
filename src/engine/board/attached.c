/* SPDX-License-Identifier: MIT */
#include "engine/board/attached.h"

#include "base/process.h"
#include "base/version.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANDIDATES   16
#define PID_BITS     22 /* PID_MAX_LIMIT of the kernel */
#define MODE_BITS    2
#define VERSION_BITS 13
#define MASK(bits)   ((1ULL << (bits)) - 1)

static uint64_t pack_who(struct attached a)
{
    return (uint64_t)a.namespace << 32 | a.pid;
}

/* Of "1.2.3"; what follows the numbers is ignored. */
static uint64_t pack_version(const char *text)
{
    uint64_t packed = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t number = 0;
        for (; *text >= '0' && *text <= '9'; text++)
            number = number * 10 + (uint64_t)(*text - '0');
        text += *text == '.';
        packed = packed << VERSION_BITS | (number & MASK(VERSION_BITS));
    }
    return packed;
}

static uint64_t pack_what(uint32_t pid, enum mode mode)
{
    return pack_version(version_text()) << (PID_BITS + MODE_BITS) |
           ((uint64_t)mode + 1) << PID_BITS | (pid & MASK(PID_BITS));
}

struct attached attached_read(const struct attached_words *w)
{
    uint64_t who = atomic_load(&w->who), what = atomic_load(&w->what);
    struct attached a = {.pid = (uint32_t)who, .namespace = (uint32_t)(who >> 32)};
    uint64_t mode = what >> PID_BITS & MASK(MODE_BITS), version = what >> (PID_BITS + MODE_BITS);
    a.known = a.pid && mode && (what & MASK(PID_BITS)) == a.pid;
    a.mode = a.known ? (enum mode)(mode - 1) : MODE_ENFORCE;
    for (int i = 0; i < 3; i++)
        a.version[i] = (uint16_t)(version >> (2 - i) * VERSION_BITS & MASK(VERSION_BITS));
    return a;
}

uint32_t attached_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? (uint32_t)st.st_ino : 0;
}

static struct attached_words *place(struct board_header *h, uint32_t pid, uint32_t i)
{
    return &h->attached[(pid + i) % BOARD_ATTACHED];
}

/* Of a pid of another namespace this is not known. */
static bool is_gone(uint64_t who, uint32_t namespace)
{
    return (uint32_t)(who >> 32) == namespace && kill((pid_t)(uint32_t)who, 0) < 0 &&
           errno == ESRCH;
}

void attached_add(struct board_header *h, enum mode mode)
{
    int saved = errno;
    struct attached own = {.pid = (uint32_t)getpid(), .namespace = attached_namespace()};
    uint64_t who = pack_who(own);
    for (uint32_t i = 0; i < CANDIDATES; i++) {
        struct attached_words *w = place(h, own.pid, i);
        uint64_t seen = atomic_load(&w->who);
        bool free = !seen || seen == who || is_gone(seen, own.namespace);
        if (free && atomic_compare_exchange_strong(&w->who, &seen, who)) {
            atomic_store(&process_self()->attached, who);
            atomic_store(&w->what, pack_what(own.pid, mode));
            break;
        }
    }
    errno = saved;
}

void attached_remove(struct board_header *h)
{
    uint64_t own = atomic_exchange(&process_self()->attached, 0);
    for (uint32_t i = 0; own && i < CANDIDATES; i++) {
        uint64_t seen = own;
        atomic_compare_exchange_strong(&place(h, (uint32_t)own, i)->who, &seen, 0);
    }
}

void attached_set_mode(struct board_header *h, enum mode mode)
{
    uint64_t own = atomic_load(&process_self()->attached);
    for (uint32_t i = 0; own && i < CANDIDATES; i++) {
        struct attached_words *w = place(h, (uint32_t)own, i);
        if (atomic_load(&w->who) == own)
            atomic_store(&w->what, pack_what((uint32_t)own, mode));
    }
}

struct attached attached_nth(const struct board_header *h, int i)
{
    return attached_read(&h->attached[i]);
}
