/* SPDX-License-Identifier: MIT */
#include "alloc_safe.h"

#include "symtab.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has_handler(int number)
{
    struct sigaction a;
    return sigaction(number, NULL, &a) == 0 && a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN;
}

/* Programs that wait with sigwait() or signalfd() block signals too, but without handlers. Asks the
 * kernel, because the C library's function hides the signals that it uses itself. */
static bool blocks_handled_signals(void)
{
    uint64_t mask;
    if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask))
        return true;
    for (int i = 1; mask; i++, mask >>= 1)
        if ((mask & 1) && has_handler(i))
            return true;
    return false;
}

struct search {
    const void *caller;
    bool allocates;
};

/* The program itself has no name in the loader's list. */
static bool is_program(const struct dl_phdr_info *info)
{
    return !info->dlpi_name || !info->dlpi_name[0];
}

static int find_caller_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *s = data;
    struct symtab t;
    (void)size;
    if (!symtab_contains(info, s->caller))
        return 0;
    s->allocates = !is_program(info) && (!symtab_of(&t, info) || symtab_find(&t, "malloc", NULL));
    return 1;
}

/* Code outside of all objects, such as generated code, may belong to an allocator. */
static bool allocates(const void *caller)
{
    struct search s = {.caller = caller, .allocates = true};
    dl_iterate_phdr(find_caller_object, &s);
    return s.allocates;
}

bool alloc_is_safe(const void *caller)
{
    int saved = errno;
    bool safe = !blocks_handled_signals() && !allocates(caller);
    errno = saved;
    return safe;
}
