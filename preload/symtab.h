/* SPDX-License-Identifier: MIT
 *
 * The dynamic symbols of an object in memory, read without the loader's help: no lock, no allocation,
 * nothing for dlerror(), and no function of the C library, which may not be ready yet.
 *
 *     struct symtab t;
 *     if (symtab_read(&t, map->l_addr, map->l_ld))
 *         symtab_find(&t, "curl_easy_init", "CURL_OPENSSL_4")
 *
 * Good for as long as the object stays loaded. Only functions are found. */
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
    uintptr_t base; /* what its addresses are relative to */
    const ElfW(Sym) * symbols;
    const char *names;
    const uint32_t *gnu_hash, *hash; /* one of them at least */
    const uint16_t *versions;        /* of each symbol; NULL: the object knows no versions */
    const ElfW(Verdef) * nodes;      /* that it defines; NULL: none */
};

/* False: it has none. */
bool symtab_read(struct symtab *t, uintptr_t base, const ElfW(Dyn) * dynamic);
/* Of an object of dl_iterate_phdr(). */
bool symtab_of(struct symtab *t, const struct dl_phdr_info *info);
bool symtab_contains(const struct dl_phdr_info *info, const void *address);
/* What the loader binds a reference to, with a version or ("") without; NULL: it looks on elsewhere. A
 * symbol of type STT_GNU_IFUNC leads to a function that gives the function. */
const ElfW(Sym) * symtab_bound(const struct symtab *t, const char *name, const char *version);
/* A datum, whatever its version. */
void *symtab_datum(const struct symtab *t, const char *name);
/* NULL for `node`: what a reference without a version means. NULL: it defines no such function. */
void *symtab_find(const struct symtab *t, const char *name, const char *node);
/* The version node of the function of that name that is at `address`; "": it has none. NULL: there is
 * another function there, or none. */
const char *symtab_node(const struct symtab *t, const char *name, const void *address);

#endif
