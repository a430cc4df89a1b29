/* SPDX-License-Identifier: MIT */
#include "cli/elf/objects.h"

#include "base/compiler.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS_MAX 1024

static const struct {
    const char *name;
    unsigned uses;
} functions[] = {
    {"curl_easy_perform", USES_EASY},
    {"curl_multi_perform", USES_MULTI},
    {"curl_multi_socket_action", USES_MULTI},
    {"curl_multi_socket", USES_MULTI},
    {"curl_multi_socket_all", USES_MULTI},
    {"connect", USES_CONNECT},
    {"epoll_create", USES_EVENTS},
    {"epoll_create1", USES_EVENTS},
    {"uv_run", USES_EVENTS},
    {"event_base_loop", USES_EVENTS},
    {"event_base_dispatch", USES_EVENTS},
    {"ev_run", USES_EVENTS},
    {"dlopen", USES_DLOPEN},
    {"execve", USES_EXEC},
    {"execv", USES_EXEC},
    {"execvp", USES_EXEC},
    {"posix_spawn", USES_EXEC},
    {"posix_spawnp", USES_EXEC},
    {"system", USES_EXEC},
    {"popen", USES_EXEC},
    {"io_uring_queue_init", USES_URING},
    {"io_uring_queue_init_params", USES_URING},
    {"getaddrinfo", USES_NAMES},
    {"poll", USES_POLL},
};

static void record_import(struct object *o, size_t i, const char *name, unsigned *raw)
{
    for (size_t k = 0; k < array_size(functions); k++)
        if (!strcmp(name, functions[k].name))
            o->uses |= functions[k].uses;
    *raw |= !strcmp(name, "socket") ? 1u : !strcmp(name, "syscall") ? 2u : 0;
    if (strncmp(name, "curl_", 5))
        return;
    o->uses |= USES_CURL;
    if (!*o->node)
        snprintf(o->node, sizeof o->node, "%s", elf_version(&o->elf, i));
}

static void record_export(struct object *o, size_t i, const char *name, bool *upkeep)
{
    if (!strcmp(name, "curl_easy_perform")) {
        o->gives |= GIVES_CURL;
        snprintf(o->node, sizeof o->node, "%s", elf_version(&o->elf, i));
    } else if (!strcmp(name, "curl_easy_upkeep")) {
        *upkeep = true;
    } else if (!strcmp(name, "php_module_startup")) {
        o->gives |= GIVES_PHP;
    }
}

static void record_symbols(struct object *o)
{
    struct elf_symbol s;
    unsigned raw = 0;
    bool upkeep = false;
    for (size_t i = 0; elf_symbol(&o->elf, i, &s); i++)
        if (s.defined)
            record_export(o, i, s.name, &upkeep);
        else
            record_import(o, i, s.name, &raw);
    if (raw == 3)
        o->uses |= USES_RAW;
    if (o->gives & GIVES_CURL && !upkeep)
        o->gives |= GIVES_OLD_CURL;
}

/* A statically linked libcurl is recognised by its version string. */
static const char *find_built_in(const struct elf *e)
{
    static const char name[] = "libcurl/";
    const unsigned char *at = e->bytes, *end = e->bytes + e->size;
    while ((at = memmem(at, (size_t)(end - at), name, sizeof name - 1))) {
        at += sizeof name - 1;
        if (end - at > 8 && (at[0] == '7' || at[0] == '8') && at[1] == '.' && at[2] >= '0' &&
            at[2] <= '9' && memchr(at, '\0', (size_t)(end - at)))
            return (const char *)at;
    }
    return NULL;
}

static bool add_object(struct objects *o, const char *path, struct elf *e, int needed_by)
{
    if (o->count == OBJECTS_MAX) {
        elf_release(e);
        return false;
    }
    if (o->count == o->room) {
        int room = o->room ? 2 * o->room : 32;
        struct object *list = realloc(o->list, (size_t)room * sizeof *list);
        if (!list) {
            elf_release(e);
            return false;
        }
        o->list = list;
        o->room = room;
    }
    struct object *new = &o->list[o->count];
    *new = (struct object){.path = strdup(path), .elf = *e, .needed_by = needed_by};
    if (!new->path) {
        elf_release(e);
        return false;
    }
    o->count++;
    record_symbols(new);
    if (o->count == 1 && !(new->uses &USES_CURL))
        new->built_in_curl = find_built_in(&new->elf);
    return true;
}

const char *object_name(const struct object *o)
{
    const char *slash = strrchr(o->path, '/');
    return slash ? slash + 1 : o->path;
}

static bool has_path(const struct objects *o, const char *path)
{
    for (int i = 0; i < o->count; i++)
        if (!strcmp(o->list[i].path, path))
            return true;
    return false;
}

/* Whether the list has a library with this name in DT_NEEDED. */
static bool has_soname(const struct objects *o, const char *name)
{
    for (int i = 0; i < o->count; i++) {
        const char *soname = elf_text(&o->list[i].elf, DT_SONAME, 0);
        if ((soname && !strcmp(soname, name)) || !strcmp(object_name(&o->list[i]), name))
            return true;
    }
    return false;
}

static void add_needed(struct objects *o, int by)
{
    char path[PATH_MAX];
    const char *name;
    struct elf e;
    for (size_t i = 0; (name = elf_text(&o->list[by].elf, DT_NEEDED, i)); i++) {
        if (has_soname(o, name))
            continue;
        if (!objects_search(o, by, name, path, sizeof path) || elf_read(&e, path)) {
            if (!*o->missing)
                snprintf(o->missing, sizeof o->missing, "%s", name);
            continue;
        }
        if (has_path(o, path))
            elf_release(&e);
        else if (!add_object(o, path, &e, by))
            return;
    }
}

int objects_of_program(struct objects *o, const char *path)
{
    struct elf e;
    int err = elf_read(&e, path);
    if (err)
        return err;
    if (!add_object(o, path, &e, -1))
        return -ENOMEM;
    if (o->list[0].elf.native && o->list[0].elf.interpreter)
        for (int i = 0; i < o->count; i++)
            add_needed(o, i);
    return 0;
}

static void add_mapped(struct objects *o, const char *path, const char *root)
{
    char whole[PATH_MAX];
    struct elf e;
    if (has_path(o, path) ||
        snprintf(whole, sizeof whole, "%s%s", root, path) >= (int)sizeof whole ||
        elf_read(&e, whole))
        return;
    const char *name = elf_text(&e, DT_SONAME, 0);
    if (name && (!strcmp(name, "libharden.so") || !strcmp(name, "libharden-audit.so")))
        elf_release(&e);
    else
        add_object(o, path, &e, 0);
}

int objects_of_maps(struct objects *o, const char *maps, const char *exe, const char *root)
{
    struct elf e;
    char path[PATH_MAX];
    int err = elf_read(&e, exe);
    if (err)
        return err;
    ssize_t n = readlink(exe, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    if (!add_object(o, path, &e, -1))
        return -ENOMEM;
    for (const char *line = maps, *end; (end = strchr(line, '\n')); line = end + 1) {
        int at = 0;
        char rights[5], copy[PATH_MAX + 100]; /* a copy, because sscanf scans its whole input */
        if (snprintf(copy, sizeof copy, "%.*s", (int)(end - line), line) >= (int)sizeof copy)
            continue;
        if (sscanf(copy, "%*s %4s %*s %*s %*s %n", rights, &at) >= 1 && at && copy[at] == '/' &&
            rights[2] == 'x')
            add_mapped(o, copy + at, root);
    }
    return 0;
}

void objects_release(struct objects *o)
{
    for (int i = 0; i < o->count; i++) {
        elf_release(&o->list[i].elf);
        free(o->list[i].path);
    }
    free(o->list);
    *o = (struct objects){.count = 0};
}
