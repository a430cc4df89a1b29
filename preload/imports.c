/* SPDX-License-Identifier: MIT
 *
 * No function here, and none called from here, may call a function that is bound here. The build
 * checks this (scripts/lazy-imports). */
#include "imports.h"

#include "base/compiler.h"
#include "scope.h"

#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define LINKED __attribute__((visibility("hidden"), weak))

/* Defined in imports.S; NULL in a direct link. */
struct import {
    char name[40];
    char version[24];
};
extern const struct import import_names[] LINKED;
extern const size_t import_count LINKED;
extern void *_Atomic import_slots[] LINKED;
extern void *_Atomic import_found[] LINKED;
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

void *imports_first(size_t i) __attribute__((visibility("hidden"), used));

/* Functions that must be the same in the whole process: the allocator, because other objects free
 * our memory and we free theirs; pthread_create, because a sanitizer must see every thread;
 * freeaddrinfo, because it must match the getaddrinfo() behind our hook. */
static bool is_shared(const char *name)
{
    static const char names[][16] = {"malloc", "calloc",         "realloc",     "reallocarray",
                                     "free",   "pthread_create", "freeaddrinfo"};
    for (size_t i = 0; i < array_size(names); i++)
        if (symtab_same_name(names[i], name))
            return true;
    return false;
}

static void *find_import(const struct import *import, const struct symtab *libc)
{
    void *own =
        libc && !is_shared(import->name) ? scope_own(libc, import->name, import->version) : NULL;
    void *first = own ? own : scope_resolve(import->name, import->version);
    return first ? first
                 : scope_resolve(import->name, ""); /* a C library that has it at another version */
}

/* The range that the loader has made read-only, calculated as the loader does: whole pages. */
static void read_only_part(uintptr_t *begin, uintptr_t *end)
{
    const ElfW(Ehdr) *self = &__ehdr_start;
    const ElfW(Phdr) *ph = (const void *)((const char *)self + self->e_phoff);
    uintptr_t page = getauxval(AT_PAGESZ);
    *begin = *end = 0;
    for (int i = 0; page && i < self->e_phnum; i++) {
        if (ph[i].p_type != PT_GNU_RELRO)
            continue;
        *begin = ((uintptr_t)self + ph[i].p_vaddr) & -page;
        *end = ((uintptr_t)self + ph[i].p_vaddr + ph[i].p_memsz) & -page;
    }
}

static void fill_slots(void)
{
    static atomic_bool taken;
    int (*protect)(void *, size_t, int) =
        (int (*)(void *, size_t, int))scope_resolve("mprotect", "");
    uintptr_t begin, end;
    read_only_part(&begin, &end);
    if (!end || !protect || atomic_exchange(&taken, true))
        return;
    if (begin < end && protect((void *)begin, end - begin, PROT_READ | PROT_WRITE))
        return;
    for (size_t i = 0; i < import_count; i++)
        atomic_store_explicit(&import_slots[i], atomic_load(&import_found[i]),
                              memory_order_relaxed);
    if (begin < end)
        protect((void *)begin, end - begin, PROT_READ);
}

static intptr_t return_zero(void)
{
    return 0;
}

/* Another release of the C library may lack this function. Our callers allow for that. */
static bool is_private(const struct import *import)
{
    return symtab_same_name(import->version, "GLIBC_PRIVATE");
}

static bool bind_all(void)
{
    struct symtab libc;
    bool known = scope_libc(&libc), complete = true;
    for (size_t i = 0; i < import_count; i++) {
        void *p = find_import(&import_names[i], known ? &libc : NULL);
        complete &= p != NULL || is_private(&import_names[i]);
        atomic_store(&import_found[i], p ? p : (void *)return_zero);
    }
    fill_slots();
    return complete;
}

bool imports_ready(void)
{
    static _Atomic int state; /* 0: not bound yet, 1: all are, 2: some are missing */
    int now = atomic_load_explicit(&state, memory_order_acquire);
    if (likely(now) || !import_names)
        return now != 2;
    int *(*location)(void) = (int *(*)(void))scope_resolve("__errno_location", "");
    int saved = location ? *location() : 0;
    now = bind_all() ? 1 : 2;
    atomic_store_explicit(&state, now, memory_order_release);
    if (location)
        *location() = saved;
    return now != 2;
}

/* Called by first_call in imports.S: the function behind a slot that was not filled yet. */
void *imports_first(size_t i)
{
    imports_ready();
    return atomic_load(&import_found[i]);
}
