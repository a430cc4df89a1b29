/* SPDX-License-Identifier: MIT
 *
 * Finds a library as the loader does: in the run paths of the object that needs it,
 * LD_LIBRARY_PATH, the cache, and the default directories. Variants for newer processors are
 * ignored. */
#include "cli/elf/objects.h"

#include "base/compiler.h"
#include "base/env.h"
#include "cli/elf/ld_cache.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define ARCH     "x86_64"
#define LIB_BITS "lib64"
#elif defined(__aarch64__)
#define ARCH     "aarch64"
#define LIB_BITS "lib64"
#else
#define ARCH     "unknown"
#define LIB_BITS "lib"
#endif
#define TRIPLET ARCH "-linux-gnu"

struct search {
    const struct objects *o;
    const struct object *by;
    const char *name;
    char *out;
    size_t size;
};

static bool is_loadable(const struct search *s)
{
    struct elf e;
    if (elf_read(&e, s->out))
        return false;
    bool same = e.native;
    elf_release(&e);
    return same;
}

/* Recognises $ORIGIN, $LIB and $PLATFORM, with or without braces. NULL: another text. */
static const char *dynamic_token(const char *at, size_t *used)
{
    static const char *const names[] = {"ORIGIN", "LIB", "PLATFORM"};
    bool brace = at[1] == '{';
    for (size_t i = 0; i < array_size(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(at + 1 + brace, names[i], n) || (brace && at[2 + n] != '}'))
            continue;
        *used = n + 1 + (brace ? 2 : 0);
        return names[i];
    }
    return NULL;
}

static bool expand_tokens(const struct search *s, const char *dir, size_t n, char *out, size_t size)
{
    size_t to = 0, used;
    const char *slash = strrchr(s->by->path, '/');
    for (size_t i = 0; i < n && to < size; i++) {
        const char *name = dir[i] == '$' ? dynamic_token(dir + i, &used) : NULL;
        if (!name) {
            out[to++] = dir[i];
            continue;
        }
        i += used - 1;
        if (!strcmp(name, "ORIGIN"))
            to += (size_t)snprintf(out + to, size - to, "%.*s",
                                   slash ? (int)(slash - s->by->path) : 0, s->by->path);
        else
            to += (size_t)snprintf(out + to, size - to, "%s",
                                   strcmp(name, "LIB") ? ARCH : "lib/" TRIPLET);
    }
    if (to >= size)
        return false;
    out[to] = '\0';
    return true;
}

/* Searches a list of directories separated by colons or semicolons. */
static bool search_list(const struct search *s, const char *list)
{
    char dir[PATH_MAX];
    while (list && *list) {
        size_t n = strcspn(list, ":;");
        if (expand_tokens(s, list, n, dir, sizeof dir) &&
            snprintf(s->out, s->size, "%s%s%s", dir, *dir ? "/" : "", s->name) < (int)s->size &&
            is_loadable(s))
            return true;
        list += n + (list[n] != '\0');
    }
    return false;
}

/* DT_RPATH also applies to the dependencies of an object. It is ignored if there is a
 * DT_RUNPATH. */
static bool search_run_paths(struct search s)
{
    if (elf_text(&s.by->elf, DT_RUNPATH, 0))
        return false;
    for (const struct object *start = s.by;; s.by = &s.o->list[s.by->needed_by]) {
        const char *path = elf_text(&s.by->elf, DT_RPATH, 0);
        if (path && !elf_text(&s.by->elf, DT_RUNPATH, 0) && search_list(&s, path))
            return true;
        if (s.by->needed_by < 0 || &s.o->list[s.by->needed_by] == start)
            return false;
    }
}

static bool search_ld_cache(const struct search *s)
{
    struct ld_cache cache;
    bool found = false;
    const char *path;
    if (!ld_cache_open(&cache, ""))
        return false;
    for (size_t i = 0; !found && (path = ld_cache_find(cache.bytes, cache.size, s->name, i)); i++)
        found = snprintf(s->out, s->size, "%s", path) < (int)s->size && is_loadable(s);
    ld_cache_close(&cache);
    return found;
}

bool objects_on_musl(const struct objects *o)
{
    const struct elf *e = &o->list[0].elf;
    const char *libc = elf_needs(e, "libc.");
    return (e->interpreter && strstr(e->interpreter, "ld-musl")) ||
           (libc && (!strcmp(libc, "libc.so") || !strncmp(libc, "libc.musl-", 10)));
}

bool objects_search(const struct objects *o, int needed_by, const char *name, char *out,
                    size_t size)
{
    const struct object *by = &o->list[needed_by < 0 ? 0 : needed_by];
    const struct search s = {.o = o, .by = by, .name = name, .out = out, .size = size};
    if (strchr(name, '/'))
        return snprintf(out, size, "%s", name) < (int)size && is_loadable(&s);
    if (objects_on_musl(o)) /* musl treats both run paths alike and has no cache */
        return search_list(&s, env_any("LD_LIBRARY_PATH")) ||
               search_list(&s, elf_text(&by->elf, DT_RUNPATH, 0)) || search_run_paths(s) ||
               search_list(&s, "/lib:/usr/local/lib:/usr/lib:/lib/" ARCH
                               "-linux-musl:/usr/lib/" ARCH "-linux-musl");
    return search_run_paths(s) || search_list(&s, env_any("LD_LIBRARY_PATH")) ||
           search_list(&s, elf_text(&by->elf, DT_RUNPATH, 0)) || search_ld_cache(&s) ||
           search_list(&s, "/lib/" TRIPLET ":/usr/lib/" TRIPLET ":/" LIB_BITS ":/usr/" LIB_BITS
                           ":/lib:/usr/lib");
}
