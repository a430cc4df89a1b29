/* SPDX-License-Identifier: MIT */
#include "libcurl.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "base/json.h"
#include "base/shield.h"
#include "engine/check/thread_mark.h"
#include "required.h"
#include "scope.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SITES       256 /* a power of two */
#define SITE_PROBES 8

const struct curl_api *_Atomic libcurls_found[LIBCURLS_MAX];
static atomic_bool used[LIBCURLS_MAX];     /* by the program, not only by our active checks */
static atomic_bool unpinned[LIBCURLS_MAX]; /* loaded later, so it may be unloaded */

/* Remembered call sites. `caller` is written last and read first. */
struct site {
    const void *_Atomic caller;
    const char *_Atomic node;
    const struct curl_api *_Atomic api;
};
static struct site sites[SITES];

/* ---- one library ---------------------------------------------------------------------------- */

#ifdef __GLIBC__
#define AT(node) (node)
#else
#define AT(node) ((void)(node), "") /* musl's loader ignores the nodes of references */
#endif

/* Memory of the tables, and of those that lost a race. */
static struct arena memory;

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
        size_t n = strlen(info->dlpi_name) + 1;
        char *path = arena_get(&memory, n);
        if (path)
            memcpy(path, info->dlpi_name, n);
        api->path = path;
        api->text_begin = begin;
        api->text_end = begin + ph->p_memsz;
        return 1;
    }
    return 0;
}

/* A function of `library`. NULL for `library`: of the first object behind this one that has it,
 * which may be another preloaded library that calls the next. */
static void *function_of(const struct symtab *library, const char *name, const char *node)
{
    if (!library)
        return scope_next(name, AT(node));
    const ElfW(Sym) *s = symtab_resolve(library, name, AT(node));
    return s ? (void *)(library->base + s->st_value) : NULL; // NOLINT(performance-no-int-to-ptr)
}

#define REQUIRED(function) {&api->function, "curl_" #function, false}

static bool fill_table(struct curl_api *api, const struct symtab *library, const char *node)
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
        void *p = function_of(library, wanted[i].name, node);
        if (!p && !wanted[i].optional)
            return false;
        memcpy(wanted[i].slot, &p, sizeof p);
    }
    api->node = node;
    return true;
}

/* The table of the libcurl that function_of() leads to. */
static const struct curl_api *table_of(const struct symtab *library, const char *node, bool pinned)
{
    void *perform = function_of(library, "curl_easy_perform", node);
    for (int i = 0; i < LIBCURLS_MAX; i++) {
        const struct curl_api *known = atomic_load(&libcurls_found[i]);
        if (known && (void *)known->easy_perform == perform)
            return known;
    }
    struct curl_api *api = arena_get(&memory, sizeof *api);
    if (!api || !fill_table(api, library, node) || dl_iterate_phdr(find_text, api) != 1 ||
        !api->path)
        return NULL;
    curl_version_info_data *v = api->version_info(CURLVERSION_NOW);
    api->version_num = v->version_num;
    api->version = v->version;
    for (int i = 0; i < LIBCURLS_MAX; i++) {
        const struct curl_api *none = NULL;
        if (atomic_compare_exchange_strong(&libcurls_found[i], &none, api)) {
            if (!pinned)
                atomic_store(&unpinned[i], true);
            return api;
        }
        if (none->easy_perform == api->easy_perform)
            return none;
    }
    return NULL; /* more copies of libcurl than LIBCURLS_MAX */
}

/* dlclose() takes the loader's lock anyway, so dlopen() may be called here. In a program's preinit
 * array (no environ yet) nothing can be unloaded, and a dlopen() would make glibc lose the
 * environment. */
void libcurl_pin(void *dl_open(const char *file, int flags))
{
    for (int i = 0; i < LIBCURLS_MAX && environ; i++) {
        const struct curl_api *api = atomic_load(&libcurls_found[i]);
        if (!api)
            break;
        if (atomic_exchange(&unpinned[i], false))
            dl_open(api->path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

/* ---- which library -------------------------------------------------------------------------- */

/* Steps 2 and 3 of libcurl.h: of the objects loaded later, the caller's own, the one that it needs by
 * name, else the first. Their list has a lock of its own, which is not held while the program's
 * code runs. */
struct search {
    struct caller from;
    struct symtab caller, found; /* .symbols is NULL: not found */
    const ElfW(Dyn) * needs;     /* of the caller */
    const struct curl_api *answer;
};

static const ElfW(Dyn) * dynamic_of(const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            return (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    return NULL;
}

static int find_caller(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *s = data;
    (void)size;
    if (!symtab_contains(info, s->from.address))
        return 0;
    s->needs = symtab_of(&s->caller, info) ? dynamic_of(info) : NULL;
    return 1;
}

static bool is_needed(const struct search *s, const struct symtab *t, const ElfW(Dyn) * dynamic)
{
    const char *own = NULL;
    for (const ElfW(Dyn) *d = dynamic; d && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_SONAME)
            own = t->names + d->d_un.d_val;
    for (const ElfW(Dyn) *d = s->needs; own && d && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_NEEDED && strcmp(s->caller.names + d->d_un.d_val, own) == 0)
            return true;
    return false;
}

static int find_library(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *s = data;
    struct symtab t;
    (void)size;
    if (symtab_contains(info, (const void *)libcurl_find) || !symtab_of(&t, info) ||
        !symtab_resolve(&t, "curl_easy_perform", AT(s->from.node)))
        return 0;
    bool by_name = symtab_contains(info, s->from.address) || is_needed(s, &t, dynamic_of(info));
    if (by_name || !s->found.symbols)
        s->found = t;
    return by_name;
}

static void search_library(void *arg)
{
    struct search *s = arg;
    const char *node = s->from.node;
    if (scope_next("curl_easy_perform", AT(node))) {
        s->answer = table_of(NULL, node, true);
        return;
    }
    dl_iterate_phdr(find_caller, s);
    dl_iterate_phdr(find_library, s);
    if (s->found.symbols)
        s->answer = table_of(&s->found, node, false);
}

static struct site *site_of(struct caller from, int i)
{
    uint64_t h = ((uint64_t)(uintptr_t)from.address ^ (uint64_t)(uintptr_t)from.node << 20) *
                 0x9e3779b97f4a7c15ULL;
    return &sites[((h >> 40) + (unsigned)i) & (SITES - 1)];
}

static void remember_site(struct caller from, const struct curl_api *api)
{
    const void *busy = sites; /* the address of no caller */
    for (int i = 0; i < SITE_PROBES; i++) {
        struct site *site = site_of(from, i);
        const void *none = NULL;
        if (!atomic_compare_exchange_strong(&site->caller, &none, busy))
            continue;
        atomic_store_explicit(&site->node, from.node, memory_order_relaxed);
        atomic_store_explicit(&site->api, api, memory_order_relaxed);
        atomic_store_explicit(&site->caller, from.address, memory_order_release);
        return;
    }
}

void libcurl_reserve(void)
{
    arena_get(&memory, 0);
}

const struct curl_api *libcurl_find(struct caller from)
{
    for (int i = 0; i < SITE_PROBES; i++) {
        struct site *site = site_of(from, i);
        const void *caller = atomic_load_explicit(&site->caller, memory_order_acquire);
        if (caller == from.address &&
            atomic_load_explicit(&site->node, memory_order_relaxed) == from.node)
            return atomic_load_explicit(&site->api, memory_order_relaxed);
        if (!caller)
            break;
    }
    struct search s = {.from = from};
    shield_run(search_library, &s);
    const struct curl_api *api = s.answer;
    if (api)
        remember_site(from, api);
    for (int i = 0; api && i < LIBCURLS_MAX && !check_is_own_thread(); i++)
        if (atomic_load(&libcurls_found[i]) == api)
            atomic_store(&used[i], true);
    return api;
}

const struct curl_api *libcurl_owner_of_others(const void *caller)
{
    for (int i = 1; i < LIBCURLS_MAX; i++) {
        const struct curl_api *api = atomic_load_explicit(&libcurls_found[i], memory_order_acquire);
        if (!api)
            break;
        if (curl_api_owns(api, caller))
            return api;
    }
    return NULL;
}

void libcurl_list(struct text *t)
{
    for (int i = 0; i < LIBCURLS_MAX; i++) {
        const struct curl_api *api = atomic_load(&libcurls_found[i]);
        if (!api)
            break;
        if (!atomic_load(&used[i]))
            continue;
        json_open(t, '{');
        json_string(t, "path", api->path);
        json_string(t, "version", api->version);
        json_string(t, "node", api->node);
        json_close(t, '}');
    }
}
