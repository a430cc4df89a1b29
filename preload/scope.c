/* SPDX-License-Identifier: MIT */
#include "scope.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/auxv.h>

extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

static const struct link_map *_Atomic last;

/* The loader publishes its list for debuggers, in the dynamic section of the program. */
#ifdef __GLIBC__
/* Where that section is read-only (lld -z rodynamic), debuggers look up the loader's own symbol. */
static const struct link_map *first_map_by_name(void)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const ElfW(Ehdr) *loader = (const void *)getauxval(AT_BASE);
    const ElfW(Phdr) *headers =
        loader ? (const void *)((const char *)loader + loader->e_phoff) : NULL;
    for (int i = 0; headers && i < loader->e_phnum; i++) {
        struct symtab t;
        uintptr_t base = (uintptr_t)loader;
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        if (headers[i].p_type != PT_DYNAMIC ||
            !symtab_read(&t, base, (const void *)(base + headers[i].p_vaddr)))
            continue;
        const struct r_debug *debug = symtab_datum(&t, "_r_debug");
        return debug ? debug->r_map : NULL;
    }
    return NULL;
}

static const struct link_map *first_map(void)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const ElfW(Phdr) *headers = (const void *)getauxval(AT_PHDR);
    size_t n = headers ? getauxval(AT_PHNUM) : 0;
    const ElfW(Dyn) *dynamic = NULL;
    uintptr_t base = 0;
    for (size_t i = 0; i < n; i++)
        if (headers[i].p_type == PT_PHDR)
            base = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; i < n; i++)
        if (headers[i].p_type == PT_DYNAMIC)
            dynamic = (const void *)(base + headers[i].p_vaddr);
    for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++)
        if (dynamic->d_tag == DT_DEBUG && dynamic->d_un.d_ptr)
            return ((const struct r_debug *)dynamic->d_un.d_ptr)->r_map;
    return first_map_by_name();
}
#else /* musl publishes it under a name of its own, however the program was started */
extern const struct r_debug *const _dl_debug_addr;

static const struct link_map *first_map(void)
{
    return _dl_debug_addr->r_map;
}
#endif

const struct link_map *scope_after(const struct link_map *map)
{
    if (!map)
        return first_map();
    return map == atomic_load_explicit(&last, memory_order_relaxed) ? NULL : map->l_next;
}

void scope_note_last(void)
{
    const struct link_map *map = first_map();
    while (map && map->l_next)
        map = map->l_next;
    atomic_store_explicit(&last, map, memory_order_relaxed);
}

#ifdef __aarch64__
#define WITH_MORE (1ULL << 62) /* there is a second argument */

static void *resolve_ifunc(uintptr_t chooser)
{
    struct {
        unsigned long size, first, second;
    } const more = {sizeof more, getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
    return ((void *(*)(uint64_t, const void *))chooser)(more.first | WITH_MORE, &more);
}
#else
static void *resolve_ifunc(uintptr_t chooser)
{
    return ((void *(*)(void))chooser)();
}
#endif

static void *address_of(const struct symtab *t, const ElfW(Sym) * s)
{
    if (!s)
        return NULL;
    uintptr_t at = t->base + s->st_value;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return (s->st_info & 0xf) == STT_GNU_IFUNC ? resolve_ifunc(at) : (void *)at;
}

static void *resolve_from(const struct link_map *map, const char *name, const char *version)
{
    void *p = NULL;
    for (; map && !p; map = scope_after(map)) {
        struct symtab t;
        if (map->l_ld != _DYNAMIC && symtab_read(&t, map->l_addr, map->l_ld))
            p = address_of(&t, symtab_resolve(&t, name, version));
    }
    return p;
}

void *scope_resolve(const char *name, const char *version)
{
    return resolve_from(scope_after(NULL), name, version);
}

void *scope_next(const char *name, const char *version)
{
    const struct link_map *map = scope_after(NULL);
    while (map && map->l_ld != _DYNAMIC)
        map = scope_after(map);
    return map ? resolve_from(scope_after(map), name, version) : NULL;
}

bool scope_libc(struct symtab *libc)
{
    for (const struct link_map *map = NULL; (map = scope_after(map));)
        if (symtab_read(libc, map->l_addr, map->l_ld) &&
            symtab_find(libc, "gnu_get_libc_version", NULL))
            return true;
    return false;
}

void *scope_own(const struct symtab *object, const char *name, const char *version)
{
    return address_of(object, symtab_resolve(object, name, version));
}
