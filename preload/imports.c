/* SPDX-License-Identifier: MIT
 *
 * Nothing here may call a function that is bound here: dlsym alone is the loader's, and the others
 * are asked for by name. The build looks after that (scripts/lazy-imports). */
#include "imports.h"

#include "audit/symtab.h"
#include "base/compiler.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define LINKED __attribute__((visibility("hidden"), weak))

/* All of this is imports.S's, and absent from a direct link. */
struct import {
    char name[40];
    char version[24];
};
extern const struct import import_names[] LINKED;
extern const size_t import_count LINKED;
extern void *_Atomic import_slots[] LINKED;
extern void *_Atomic import_found[] LINKED;
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

typedef void *dlvsym_function(void *library, const char *name, const char *version);
typedef int dladdr_function(const void *p, Dl_info *in);

void *imports_first(size_t i) __attribute__((visibility("hidden"), used));

/* Not by a tail call: dlsym looks from where it is called. */
static __attribute__((noinline)) void *named(const char *name)
{
    void *p = dlsym(RTLD_DEFAULT, name);
    __asm__ volatile("" : "+r"(p));
    return p;
}

static bool same_object(const void *a, const void *b)
{
    dladdr_function *addr = (dladdr_function *)named("dladdr");
    Dl_info in_a, in_b;
    return addr && addr(a, &in_a) && addr(b, &in_b) && in_a.dli_fbase == in_b.dli_fbase;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* What has to be everybody's: memory, which others allocate or free too; threads, of which a sanitizer
 * must know; and what frees the answers of the getaddrinfo() that comes next. */
static bool is_everybodys(const char *name)
{
    static const char names[][16] = {"malloc", "calloc",         "realloc",     "reallocarray",
                                     "free",   "pthread_create", "freeaddrinfo"};
    for (size_t i = 0; i < array_size(names); i++)
        if (same(names[i], name))
            return true;
    return false;
}

/* The C library itself, whatever is loaded before it. It stays where it is in the loader's list, near
 * the front, to which later objects are appended. */
static bool read_libc(struct symtab *libc)
{
    const struct r_debug *debug = named("_r_debug");
    for (const struct link_map *m = debug ? debug->r_map : NULL; m; m = m->l_next)
        if (symtab_read(libc, m->l_addr, m->l_ld) &&
            symtab_find(libc, "gnu_get_libc_version", NULL))
            return true;
    return false;
}

/* dlvsym passes over definitions without a version, which is what interposers have; dlsym takes
 * the C library's newest version, which need not be the one that we were compiled for. */
static void *first_of(const struct import *import, dlvsym_function *vsym)
{
    void *first = named(import->name);
    void *exact = vsym ? vsym(RTLD_DEFAULT, import->name, import->version) : NULL;
    if (!first || (exact && exact != first && same_object(exact, first)))
        return exact;
    return first;
}

static void *find(const struct import *import, const struct symtab *libc, dlvsym_function *vsym)
{
    void *own = libc && !is_everybodys(import->name)
                    ? symtab_find(libc, import->name, import->version)
                    : NULL;
    return own ? own : first_of(import, vsym);
}

/* What the loader made read-only, by its own reckoning: whole pages. */
static void read_only_part(uintptr_t *begin, uintptr_t *end)
{
    unsigned long (*aux)(unsigned long) = (unsigned long (*)(unsigned long))named("getauxval");
    const ElfW(Ehdr) *self = &__ehdr_start;
    const ElfW(Phdr) *ph = (const void *)((const char *)self + self->e_phoff);
    uintptr_t page = aux ? aux(AT_PAGESZ) : 0;
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
    int (*protect)(void *, size_t, int) = (int (*)(void *, size_t, int))named("mprotect");
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

static intptr_t nothing(void)
{
    return 0;
}

static bool bind_all(void)
{
    dlvsym_function *vsym = (dlvsym_function *)named("dlvsym");
    struct symtab libc;
    bool known = read_libc(&libc), complete = true;
    for (size_t i = 0; i < import_count; i++) {
        void *p = find(&import_names[i], known ? &libc : NULL, vsym);
        complete &= p != NULL;
        atomic_store(&import_found[i], p ? p : (void *)nothing);
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
    int *(*location)(void) = (int *(*)(void))named("__errno_location");
    int saved = location ? *location() : 0;
    now = bind_all() ? 1 : 2;
    atomic_store_explicit(&state, now, memory_order_release);
    if (location)
        *location() = saved;
    return now != 2;
}

/* The target of a call that came before its slot was filled. */
void *imports_first(size_t i)
{
    imports_ready();
    return atomic_load(&import_found[i]);
}
