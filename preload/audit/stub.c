/* SPDX-License-Identifier: MIT */
#include "audit/stub.h"

#include "base/compiler.h"
#include "required.h"
#include "symtab.h"

#include <stddef.h>

#define MEANS_A_LIBCURL "curl_easy_perform" /* as in libcurl.c */
#define OF_LIBHARDEN    "HARDEN_1"

struct lookup {
    const void *found, *caller;
    struct symtab owner, harden; /* .symbols is NULL: not found */
    bool by_harden;              /* the caller is libharden.so */
    const char *node;
    int others; /* other libraries with the function at the node */
};

static int find_libraries(struct dl_phdr_info *info, size_t size, void *data)
{
    struct lookup *v = data;
    struct symtab t;
    (void)size;
    if (!symtab_of(&t, info))
        return 0;
    if (symtab_contains(info, v->found))
        v->owner = t;
    if (symtab_find(&t, MEANS_A_LIBCURL, OF_LIBHARDEN)) {
        v->harden = t;
        v->by_harden = symtab_contains(info, v->caller);
    }
    return v->owner.symbols && v->harden.symbols;
}

/* An object without versions satisfies references to any. */
static bool provides(const struct symtab *t, const char *node)
{
    return (*node && symtab_find(t, MEANS_A_LIBCURL, node)) ||
           ((!*node || !t->versions) && symtab_find(t, MEANS_A_LIBCURL, NULL));
}

static int count_others(struct dl_phdr_info *info, size_t size, void *data)
{
    struct lookup *v = data;
    struct symtab t;
    (void)size;
    if (symtab_of(&t, info) && t.symbols != v->owner.symbols && t.symbols != v->harden.symbols)
        v->others += provides(&t, v->node);
    return v->others;
}

static bool is_libcurl(const struct symtab *t, const char *node)
{
#define NAME(function) "curl_" #function
    static const char required[][32] = {CURL_REQUIRED(NAME)};
    for (size_t i = 0; i < array_size(required); i++)
        if (!symtab_find(t, required[i], node))
            return false;
    return true;
}

void *stub_of(const char *name, void *found, const void *caller)
{
    struct lookup v = {.found = found, .caller = caller};
    if (!found || !dl_iterate_phdr(find_libraries, &v) || v.by_harden ||
        v.owner.symbols == v.harden.symbols)
        return found;
    const char *node = symtab_node(&v.owner, name, found);
#ifndef __GLIBC__
    node = node ? "" : NULL; /* musl's loader ignores them */
#endif
    if (!node)
        return found;
    v.node = node;
    const char *at = *node ? node : NULL;
    void *stub = symtab_find(&v.harden, name, at);
    if (!stub || !is_libcurl(&v.owner, at))
        return found;
    return dl_iterate_phdr(count_others, &v) ? found : stub;
}
