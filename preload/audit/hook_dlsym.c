/* SPDX-License-Identifier: MIT
 *
 * libharden-audit.so, which `harden run --audit` preloads in addition to libharden.so. dlsym() on a
 * handle searches the library behind it and no preloaded object. For the names of libcurl's
 * functions this dlsym() returns libharden.so's stubs (stub.h). All other lookups reach the real
 * dlsym by a jump, not a call, because RTLD_NEXT and RTLD_DEFAULT depend on the return address.
 *
 * A sanitizer or an allocator calls dlsym before anything else in a process, to find the functions
 * of the C library that it replaces. So other lookups call no functions but the loader's own. */
#include "audit/stub.h"
#include "base/compiler.h"
#include "symtab.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default"), optimize("O2")))

typedef void *dlsym_function(void *library, const char *name);

static dlsym_function *_Atomic real_dlsym;

/* The first object behind this one in the loader's order. */
static const struct link_map *first_behind(void)
{
    const struct link_map *map = NULL;
#ifdef __GLIBC__
    Dl_info in;
    dladdr1((const void *)first_behind, &in, (void **)&map, RTLD_DL_LINKMAP);
#else
    extern const ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));
    dlinfo(dlopen(NULL, RTLD_LAZY), RTLD_DI_LINKMAP, &map);
    while (map && map->l_ld != _DYNAMIC)
        map = map->l_next;
#endif
    return map ? map->l_next : NULL;
}

static void *return_null(void)
{
    return NULL;
}

/* Without a lock: the C library has the function at the latest, and no object before it is
 * unloaded. */
static void *find_real(const char *name)
{
    for (const struct link_map *map = first_behind(); map; map = map->l_next) {
        struct symtab t;
        void *real = symtab_read(&t, map->l_addr, map->l_ld) ? symtab_find(&t, name, NULL) : NULL;
        if (real)
            return real;
    }
    return (void *)return_null;
}

static __attribute__((noinline)) dlsym_function *find_dlsym(void)
{
    dlsym_function *real = (dlsym_function *)find_real("dlsym");
    atomic_store_explicit(&real_dlsym, real, memory_order_release);
    return real;
}

/* RTLD_DEFAULT and RTLD_NEXT search the global order, in which libharden.so comes first. */
static inline __attribute__((always_inline)) bool is_libcurl_lookup(void *library, const char *name)
{
    return library != RTLD_DEFAULT && library != RTLD_NEXT && name[0] == 'c' && name[1] == 'u' &&
           name[2] == 'r' && name[3] == 'l' && name[4] == '_';
}

/* Not inlined, to keep the path of all other names short. */
static __attribute__((noinline)) void *dlsym_or_stub(dlsym_function *real, void *library,
                                                     const char *name, const void *caller)
{
    return stub_of(name, real(library, name), caller);
}

EXPORT void *dlsym(void *library, const char *name)
{
    dlsym_function *real = atomic_load_explicit(&real_dlsym, memory_order_acquire);
    if (unlikely(!real))
        real = find_dlsym();
    if (unlikely(is_libcurl_lookup(library, name)))
        return dlsym_or_stub(real, library, name, __builtin_return_address(0));
    return real(library, name);
}

#ifdef __GLIBC__ /* no other C library has it */
typedef void *dlvsym_function(void *library, const char *name, const char *node);

static dlvsym_function *_Atomic real_dlvsym;

static __attribute__((noinline)) dlvsym_function *find_dlvsym(void)
{
    dlvsym_function *real = (dlvsym_function *)find_real("dlvsym");
    atomic_store_explicit(&real_dlvsym, real, memory_order_release);
    return real;
}

static __attribute__((noinline)) void *dlvsym_or_stub(dlvsym_function *real, void *library,
                                                      const char *name, const char *node,
                                                      const void *caller)
{
    return stub_of(name, real(library, name, node), caller);
}

EXPORT void *dlvsym(void *library, const char *name, const char *node)
{
    dlvsym_function *real = atomic_load_explicit(&real_dlvsym, memory_order_acquire);
    if (unlikely(!real))
        real = find_dlvsym();
    if (unlikely(is_libcurl_lookup(library, name)))
        return dlvsym_or_stub(real, library, name, node, __builtin_return_address(0));
    return real(library, name, node);
}
#endif
