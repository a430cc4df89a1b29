/* SPDX-License-Identifier: MIT */
#include "symtab.h"

#include <stddef.h>

#define HIDDEN 0x8000 /* found only by references that name the version */

/* glibc has made most of these addresses absolute; in musl and in the vDSO they are relative. */
static const void *absolute_address(uintptr_t base, uintptr_t p)
{
    return (const void *)(p < base ? base + p : p);
}

bool symtab_read(struct symtab *t, uintptr_t base, const ElfW(Dyn) * dynamic)
{
    *t = (struct symtab){.base = base};
    for (const ElfW(Dyn) *d = dynamic; d && d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            t->symbols = absolute_address(base, d->d_un.d_ptr);
            break;
        case DT_STRTAB:
            t->names = absolute_address(base, d->d_un.d_ptr);
            break;
        case DT_GNU_HASH:
            t->gnu_hash = absolute_address(base, d->d_un.d_ptr);
            break;
        case DT_HASH:
            t->hash = absolute_address(base, d->d_un.d_ptr);
            break;
        case DT_VERSYM:
            t->versions = absolute_address(base, d->d_un.d_ptr);
            break;
        case DT_VERDEF:
            t->nodes = absolute_address(base, d->d_un.d_ptr);
            break;
        }
    }
    return t->symbols && t->names && (t->gnu_hash || t->hash);
}

bool symtab_of(struct symtab *t, const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            return symtab_read(t, info->dlpi_addr,
                               (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
    return false;
}

bool symtab_contains(const struct dl_phdr_info *info, const void *address)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_LOAD &&
            (uintptr_t)address - (info->dlpi_addr + ph->p_vaddr) < ph->p_memsz)
            return true;
    }
    return false;
}

/* ---- the two kinds of hash table; a bucket is a chain of symbols, and 0 ends it -------------- */

static uint32_t gnu_hash_of(const char *name)
{
    uint32_t h = 5381;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        h = h * 33 + *c;
    return h;
}

static uint32_t hash_of(const char *name)
{
    uint32_t h = 0;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        h = (h << 4) + *c;
        h = (h ^ (h >> 24 & 0xf0)) & 0x0fffffff;
    }
    return h;
}

/* A GNU table begins with four words: the number of buckets, the first symbol in them, the words of
 * the Bloom filter, its shift. Then come the filter, the buckets, and a word for each symbol. */
static const uint32_t *gnu_buckets(const uint32_t *table)
{
    return (const uint32_t *)((const ElfW(Addr) *)(table + 4) + table[2]);
}

static uint32_t first_in_chain(const struct symtab *t, const char *name)
{
    const uint32_t *table = t->gnu_hash;
    if (table)
        return table[0] ? gnu_buckets(table)[gnu_hash_of(name) % table[0]] : 0;
    table = t->hash;
    return table[0] ? table[2 + hash_of(name) % table[0]] : 0;
}

static uint32_t next_in_chain(const struct symtab *t, uint32_t i)
{
    const uint32_t *table = t->gnu_hash;
    if (!table)
        return t->hash[2 + t->hash[0] + i];
    bool last = gnu_buckets(table)[table[0] + i - table[1]] & 1;
    return last ? 0 : i + 1;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static bool defines(const struct symtab *t, uint32_t i, const char *name)
{
    const ElfW(Sym) *s = &t->symbols[i];
    return s->st_shndx != SHN_UNDEF && symtab_same_name(t->names + s->st_name, name);
}

static int type_of(const struct symtab *t, uint32_t i)
{
    return t->symbols[i].st_info & 0xf;
}

static bool defines_function(const struct symtab *t, uint32_t i, const char *name)
{
    return type_of(t, i) == STT_FUNC && defines(t, i, name);
}

static void *address_of(const struct symtab *t, uint32_t i)
{
    return (void *)(t->base + t->symbols[i].st_value);
}

static const char *node_of(const struct symtab *t, uint32_t i)
{
    uint16_t index = t->versions ? t->versions[i] & ~HIDDEN : VER_NDX_GLOBAL;
    const char *at = (const char *)t->nodes;
    while (at && index > VER_NDX_GLOBAL) {
        const ElfW(Verdef) *node = (const void *)at;
        const ElfW(Verdaux) *names = (const void *)(at + node->vd_aux);
        if ((node->vd_ndx & ~HIDDEN) == index)
            return t->names + names->vda_name;
        at = node->vd_next ? at + node->vd_next : NULL;
    }
    return "";
}

void *symtab_find(const struct symtab *t, const char *name, const char *node)
{
    for (uint32_t i = first_in_chain(t, name); i; i = next_in_chain(t, i)) {
        bool hidden = t->versions && t->versions[i] & HIDDEN;
        if (defines_function(t, i, name) &&
            (node ? symtab_same_name(node_of(t, i), node) : !hidden))
            return address_of(t, i);
    }
    return NULL;
}

void *symtab_datum(const struct symtab *t, const char *name)
{
    for (uint32_t i = first_in_chain(t, name); i; i = next_in_chain(t, i))
        if (type_of(t, i) == STT_OBJECT && defines(t, i, name))
            return address_of(t, i);
    return NULL;
}

const ElfW(Sym) * symtab_resolve(const struct symtab *t, const char *name, const char *version)
{
    for (uint32_t i = first_in_chain(t, name); i; i = next_in_chain(t, i)) {
        int type = type_of(t, i);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !defines(t, i, name))
            continue;
        const char *node = node_of(t, i);
        bool hidden = t->versions && t->versions[i] & HIDDEN;
        if (!t->versions || ((!*node || !*version) && !hidden) || symtab_same_name(node, version))
            return &t->symbols[i];
    }
    return NULL;
}

const char *symtab_node(const struct symtab *t, const char *name, const void *address)
{
    for (uint32_t i = first_in_chain(t, name); i; i = next_in_chain(t, i))
        if (defines_function(t, i, name) && address_of(t, i) == address)
            return node_of(t, i);
    return NULL;
}
