/* SPDX-License-Identifier: MIT */
#include "real.h"

#include "base/compiler.h"
#include "base/text.h"
#include "engine/checker.h"
#include "required.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SITES       256 /* a power of two */
#define SITE_PROBES 8

const struct curl_api *_Atomic real_libraries[REAL_LIBRARIES_MAX];
static atomic_bool used[REAL_LIBRARIES_MAX]; /* by the program, and not only by a check of ours */

/* Call sites that were answered. The caller's address is written last and read first. */
struct site {
    const void *_Atomic caller;
    const char *_Atomic node;
    const struct curl_api *_Atomic api;
};
static struct site sites[SITES];

/* ---- one library ---------------------------------------------------------------------------- */

#ifndef __GLIBC__ /* musl's loader passes over the nodes of references */
static void *dlvsym(void *library, const char *name, const char *node)
{
    (void)node;
    return dlsym(library, name);
}
#endif

static void *symbol(void *library, const char *name, const char *node)
{
    void *p = node[0] ? dlvsym(library, name, node) : NULL;
    return p ? p : dlsym(library, name);
}

static int find_text(struct dl_phdr_info *info, size_t size, void *data)
{
    struct curl_api *api = data;
    const char *at = (const char *)api->easy_perform;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        const char *begin = (const char *)info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type != PT_LOAD || at < begin || at >= begin + ph->p_memsz)
            continue;
        api->text_begin = begin;
        api->text_end = begin + ph->p_memsz;
        return 1;
    }
    return 0;
}

#define REQUIRED(function) {&api->function, "curl_" #function, false}

static bool fill(struct curl_api *api, void *library, const char *node)
{
    struct {
        void *slot;
        const char *name;
        bool optional;
    } const wanted[] = {
        CURL_REQUIRED(REQUIRED),
        {&api->maprintf, "curl_maprintf", true},
        {&api->multi_poll, "curl_multi_poll", true},
        {&api->multi_get_handles, "curl_multi_get_handles", true},
        {&api->multi_get_offt, "curl_multi_get_offt", true},
        {&api->multi_notify_enable, "curl_multi_notify_enable", true},
        {&api->multi_notify_disable, "curl_multi_notify_disable", true},
        {&api->mime_data_cb, "curl_mime_data_cb", true},
        {&api->mime_filedata, "curl_mime_filedata", true},
        {&api->easy_header, "curl_easy_header", true},
        {&api->easy_nextheader, "curl_easy_nextheader", true},
        {&api->slist_append, "curl_slist_append", true},
        {&api->slist_free_all, "curl_slist_free_all", true},
        {&api->url, "curl_url", true},
        {&api->url_cleanup, "curl_url_cleanup", true},
        {&api->url_get, "curl_url_get", true},
        {&api->url_set, "curl_url_set", true},
    };
    for (size_t i = 0; i < array_size(wanted); i++) {
        void *p = symbol(library, wanted[i].name, node);
        if (!p && !wanted[i].optional)
            return false;
        memcpy(wanted[i].slot, &p, sizeof p);
    }
    curl_version_info_data *v = api->version_info(CURLVERSION_NOW);
    api->version_num = v->version_num;
    api->version = v->version;
    api->node = node;
    return dl_iterate_phdr(find_text, api) == 1;
}

/* The table of the library that `library` leads to. */
static const struct curl_api *table_of(void *library, const char *node)
{
    void *perform = symbol(library, "curl_easy_perform", node);
    for (int i = 0; i < REAL_LIBRARIES_MAX; i++) {
        const struct curl_api *known = atomic_load(&real_libraries[i]);
        if (known && (void *)known->easy_perform == perform)
            return known;
    }
    Dl_info in;
    struct curl_api *api = calloc(1, sizeof *api);
    if (!api || !fill(api, library, node) || !dladdr(perform, &in) || !in.dli_fname) {
        free(api);
        return NULL;
    }
    api->path = strdup(in.dli_fname);
    /* Pin the library itself, not just the object through which it was found. In a program's
     * preinit array nothing can be unloaded yet, and glibc would lose the environment over a
     * dlopen. */
    if (environ)
        dlopen(in.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    for (int i = 0; api->path && i < REAL_LIBRARIES_MAX; i++) {
        const struct curl_api *none = NULL;
        if (atomic_compare_exchange_strong(&real_libraries[i], &none, api))
            return api;
        if (none->easy_perform == api->easy_perform) {
            free((char *)api->path);
            free(api);
            return none;
        }
    }
    free((char *)api->path);
    free(api);
    return NULL; /* more copies of libcurl than anybody loads */
}

/* ---- which library -------------------------------------------------------------------------- */

static const void *own_base(void)
{
    static const void *_Atomic base;
    const void *b = atomic_load(&base);
    Dl_info me;
    if (!b && dladdr((const void *)own_base, &me))
        atomic_store(&base, b = me.dli_fbase);
    return b;
}

/* Whether `library` offers the symbol at the node, by an object other than this one. */
static bool offers(void *library, const char *node)
{
    void *p =
        node[0] ? dlvsym(library, "curl_easy_perform", node) : dlsym(library, "curl_easy_perform");
    Dl_info in;
    return p && dladdr(p, &in) && in.dli_fbase != own_base();
}

static const struct curl_api *by_path(const char *path, const char *node)
{
    void *library = path && path[0] ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (!library)
        return NULL;
    const struct curl_api *api = offers(library, node) ? table_of(library, node) : NULL;
    dlclose(library);
    return api;
}

/* dl_iterate_phdr holds the loader's lock: names are collected first and opened after. */
struct names {
    char **path;
    size_t n, room;
};

static int collect(struct dl_phdr_info *info, size_t size, void *data)
{
    struct names *names = data;
    (void)size;
    if (!info->dlpi_name || !info->dlpi_name[0])
        return 0;
    if (names->n == names->room) {
        size_t room = names->room ? names->room * 2 : 64;
        char **path = realloc(names->path, room * sizeof *path);
        if (!path)
            return 1;
        names->path = path;
        names->room = room;
    }
    names->path[names->n] = strdup(info->dlpi_name);
    return names->path[names->n++] == NULL;
}

static const struct curl_api *by_scan(const char *node)
{
    struct names names = {0};
    const struct curl_api *api = NULL;
    dl_iterate_phdr(collect, &names);
    for (size_t i = 0; i < names.n; i++) {
        if (!api)
            api = by_path(names.path[i], node);
        free(names.path[i]);
    }
    free(names.path);
    return api;
}

static const struct curl_api *search(struct from from)
{
    Dl_info in;
    if (offers(RTLD_NEXT, from.node))
        return table_of(RTLD_NEXT, from.node);
    const struct curl_api *api = NULL;
    if (dladdr(from.caller, &in) && in.dli_fbase != own_base())
        api = by_path(in.dli_fname, from.node);
    return api ? api : by_scan(from.node);
}

static struct site *site_of(struct from from, int i)
{
    uint64_t h = ((uint64_t)(uintptr_t)from.caller ^ (uint64_t)(uintptr_t)from.node << 20) *
                 0x9e3779b97f4a7c15ULL;
    return &sites[((h >> 40) + (unsigned)i) & (SITES - 1)];
}

static void remember(struct from from, const struct curl_api *api)
{
    const void *busy = sites; /* no caller's address */
    for (int i = 0; i < SITE_PROBES; i++) {
        struct site *site = site_of(from, i);
        const void *nobody = NULL;
        if (!atomic_compare_exchange_strong(&site->caller, &nobody, busy))
            continue;
        atomic_store_explicit(&site->node, from.node, memory_order_relaxed);
        atomic_store_explicit(&site->api, api, memory_order_relaxed);
        atomic_store_explicit(&site->caller, from.caller, memory_order_release);
        return;
    }
}

const struct curl_api *real_find(struct from from)
{
    for (int i = 0; i < SITE_PROBES; i++) {
        struct site *site = site_of(from, i);
        const void *caller = atomic_load_explicit(&site->caller, memory_order_acquire);
        if (caller == from.caller &&
            atomic_load_explicit(&site->node, memory_order_relaxed) == from.node)
            return atomic_load_explicit(&site->api, memory_order_relaxed);
        if (!caller)
            break;
    }
    const struct curl_api *api = search(from);
    if (api)
        remember(from, api);
    for (int i = 0; api && i < REAL_LIBRARIES_MAX && !checker_is_own(); i++)
        if (atomic_load(&real_libraries[i]) == api)
            atomic_store(&used[i], true);
    return api;
}

const struct curl_api *real_owner_of_others(const void *caller)
{
    for (int i = 1; i < REAL_LIBRARIES_MAX; i++) {
        const struct curl_api *api = atomic_load_explicit(&real_libraries[i], memory_order_acquire);
        if (!api)
            break;
        if (curl_api_owns(api, caller))
            return api;
    }
    return NULL;
}

void real_list(struct text *t)
{
    bool any = false;
    for (int i = 0; i < REAL_LIBRARIES_MAX; i++) {
        const struct curl_api *api = atomic_load(&real_libraries[i]);
        if (!api)
            break;
        if (!atomic_load(&used[i]))
            continue;
        text_put(t, any ? ",{\"path\":" : "{\"path\":");
        any = true;
        text_json(t, api->path);
        text_put(t, ",\"version\":");
        text_json(t, api->version);
        text_put(t, ",\"node\":");
        text_json(t, api->node);
        text_put(t, "}");
    }
}
