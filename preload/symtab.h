/* SPDX-License-Identifier: MIT
 *
 * Reads the dynamic symbols of a loaded object, without the loader: takes no lock, allocates
 * nothing, leaves dlerror() alone, and calls no function of the C library, which may not be
 * initialized yet.
 *
 *     struct symtab t;
 *     if (symtab_read(&t, map->l_addr, map->l_ld))
 *         symtab_find(&t, "curl_easy_init", "CURL_OPENSSL_4")
 *
 * Valid while the object stays loaded. All but symtab_datum() find functions only. */
#ifndef PRELOAD_SYMTAB_H
#define PRELOAD_SYMTAB_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

/* strcmp() == 0, without the C library. */
static inline bool symtab_same_name(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

struct symtab {
    uintptr_t base; /* its addresses are relative to this */
    const ElfW(Sym) * symbols;
    const char *names;
    const uint32_t *gnu_hash, *hash; /* at least one of them */
    const uint16_t *versions;        /* of each symbol; NULL: the object has no versions */
    const ElfW(Verdef) * nodes;      /* that it defines; NULL: none */
};

/* False: the object has no dynamic symbols. */
bool symtab_read(struct symtab *t, uintptr_t base, const ElfW(Dyn) * dynamic);
/* The same for an object of dl_iterate_phdr(). */
bool symtab_of(struct symtab *t, const struct dl_phdr_info *info);
bool symtab_contains(const struct dl_phdr_info *info, const void *address);
/* What the loader binds a reference to, with a version or ("") without. NULL: the object does not
 * satisfy it. A symbol of type STT_GNU_IFUNC is the address of a resolver, which returns the
 * function. */
const ElfW(Sym) * symtab_resolve(const struct symtab *t, const char *name, const char *version);
/* A variable, at any version. */
void *symtab_datum(const struct symtab *t, const char *name);
/* `node` NULL: a reference without a version. NULL: the object defines no such function. */
void *symtab_find(const struct symtab *t, const char *name, const char *node);
/* The version node of the function `name` at `address`; "": it has none. NULL: the object has no
 * such function there. */
const char *symtab_node(const struct symtab *t, const char *name, const void *address);

#endif
