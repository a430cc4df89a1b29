/* SPDX-License-Identifier: MIT */
#include "interrupting.h"

#include "symtab.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By the kernel's own set: the C library's hides what it blocks itself. */
static bool blocks_signals(void)
{
    uint64_t mask;
    return syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask) || mask;
}

struct search {
    const void *caller;
    bool allocates;
};

static int find_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *s = data;
    struct symtab t;
    (void)size;
    if (!symtab_contains(info, s->caller))
        return 0;
    s->allocates = !symtab_of(&t, info) || symtab_find(&t, "malloc", NULL);
    return 1;
}

/* Code that is in no object may be anybody's. */
static bool allocates(const void *caller)
{
    struct search s = {.caller = caller, .allocates = true};
    dl_iterate_phdr(find_object, &s);
    return s.allocates;
}

bool interrupting(const void *caller)
{
    int saved = errno;
    bool answer = blocks_signals() || allocates(caller);
    errno = saved;
    return answer;
}
