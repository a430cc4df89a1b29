/* SPDX-License-Identifier: MIT */
#include "engine/board/attached.h"

#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANDIDATES 16

static uint64_t attached_pack(struct attached a)
{
    return (uint64_t)a.namespace << 32 | a.pid;
}

static struct attached attached_unpack(uint64_t word)
{
    return (struct attached){.pid = (uint32_t)word, .namespace = (uint32_t)(word >> 32)};
}

uint32_t attached_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? (uint32_t)st.st_ino : 0;
}

static _Atomic uint64_t *word_of(struct board_header *h, uint32_t pid, uint32_t i)
{
    return &h->attached[(pid + i) % BOARD_ATTACHED];
}

/* Of a pid of another namespace this is not known. */
static bool is_gone(struct attached a, uint32_t namespace)
{
    return a.namespace == namespace && kill((pid_t)a.pid, 0) < 0 && errno == ESRCH;
}

void attached_add(struct board_header *h)
{
    int saved = errno;
    struct attached own = {.pid = (uint32_t)getpid(), .namespace = attached_namespace()};
    for (uint32_t i = 0; i < CANDIDATES; i++) {
        _Atomic uint64_t *word = word_of(h, own.pid, i);
        uint64_t seen = atomic_load(word);
        bool free =
            !seen || seen == attached_pack(own) || is_gone(attached_unpack(seen), own.namespace);
        if (free && atomic_compare_exchange_strong(word, &seen, attached_pack(own))) {
            atomic_store(&process_self()->attached, attached_pack(own));
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
        atomic_compare_exchange_strong(word_of(h, attached_unpack(own).pid, i), &seen, 0);
    }
}

struct attached attached_nth(const struct board_header *h, int i)
{
    return attached_unpack(atomic_load_explicit(&h->attached[i], memory_order_relaxed));
}
