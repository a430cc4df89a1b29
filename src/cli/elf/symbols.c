/* SPDX-License-Identifier: MIT
 *
 * The dynamic symbols and their versions. Each symbol has a version number; two lists in the file
 * map numbers to names, one for the versions needed and one for those defined. */
#include "cli/elf/elf.h"
#include "cli/elf/private.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#define VERSION_NUMBER 0x7fff /* the top bit hides a symbol from unversioned references */
#define LIST_LONGEST   4096

/* The offset of the next entry of a list, which is `distance` behind this one; 0: this is the last.
 * Entries contain nested lists of the same form. */
static uint64_t next_at(uint64_t here, uint32_t distance)
{
    return distance ? here + distance : 0;
}

struct wanted {
    uint64_t file, version; /* offsets of the next entries; 0: none */
    int left;
};

static const ElfW(Vernaux) * next_wanted(const struct elf *e, struct wanted *w)
{
    while (w->left-- > 0) {
        if (w->version) {
            const ElfW(Vernaux) *a = elf_at(e, w->version, sizeof *a, 4);
            w->version = a ? next_at(w->version, a->vna_next) : 0;
            if (a)
                return a;
        }
        const ElfW(Verneed) *n = w->file ? elf_at(e, w->file, sizeof *n, 4) : NULL;
        if (!n)
            return NULL;
        w->version = next_at(w->file, n->vn_aux);
        w->file = next_at(w->file, n->vn_next);
    }
    return NULL;
}

static const char *defined_name(const struct elf *e, uint64_t here, const ElfW(Verdef) * d)
{
    const ElfW(Verdaux) *a = d->vd_aux ? elf_at(e, here + d->vd_aux, sizeof *a, 4) : NULL;
    return a ? elf_string(e, a->vda_name) : NULL;
}

/* The name of the defined version with this number, or, if name is not NULL, with this name. */
static const char *find_defined(const struct elf *e, int number, const char *name)
{
    uint64_t here = e->defined_versions;
    for (int left = LIST_LONGEST; here && left > 0; left--) {
        const ElfW(Verdef) *d = elf_at(e, here, sizeof *d, 4);
        const char *found = d ? defined_name(e, here, d) : NULL;
        if (found && (name ? !strcmp(found, name) : d->vd_ndx == number))
            return found;
        here = d ? next_at(here, d->vd_next) : 0;
    }
    return NULL;
}

static const char *find_wanted(const struct elf *e, int number)
{
    struct wanted w = {.file = e->needed_versions, .left = LIST_LONGEST};
    const ElfW(Vernaux) * a;
    while ((a = next_wanted(e, &w)))
        if ((a->vna_other & VERSION_NUMBER) == number)
            return elf_string(e, a->vna_name);
    return NULL;
}

static const char *version_of(const struct elf *e, size_t i, bool defined)
{
    const uint16_t *versions = e->versions;
    int number = versions ? versions[i] & VERSION_NUMBER : VER_NDX_GLOBAL;
    const char *name = NULL;
    if (number > VER_NDX_GLOBAL)
        name = defined ? find_defined(e, number, NULL) : find_wanted(e, number);
    return name ? name : "";
}

static const char *name_of(const struct elf *e, size_t i)
{
    const ElfW(Sym) *s = e->symbols;
    const char *name = elf_string(e, s[i].st_name);
    return name ? name : "";
}

bool elf_symbol(const struct elf *e, size_t i, struct elf_symbol *out)
{
    const ElfW(Sym) *s = e->symbols;
    if (i >= e->symbol_count)
        return false;
    out->name = name_of(e, i);
    out->defined = s[i].st_shndx != SHN_UNDEF;
    out->weak = ELF64_ST_BIND(s[i].st_info) == STB_WEAK;
    return true;
}

const char *elf_version(const struct elf *e, size_t i)
{
    const ElfW(Sym) *s = e->symbols;
    return i < e->symbol_count ? version_of(e, i, s[i].st_shndx != SHN_UNDEF) : "";
}

bool elf_defines(const struct elf *e, const char *name, const char *version)
{
    const ElfW(Sym) *s = e->symbols;
    for (size_t i = 0; i < e->symbol_count; i++)
        if (s[i].st_shndx != SHN_UNDEF && !strcmp(name_of(e, i), name) &&
            (!version || !strcmp(version_of(e, i, true), version)))
            return true;
    return false;
}

bool elf_defines_version(const struct elf *e, const char *version)
{
    return find_defined(e, 0, version) != NULL;
}

const char *elf_needed_version(const struct elf *e, size_t n)
{
    struct wanted w = {.file = e->needed_versions, .left = LIST_LONGEST};
    const ElfW(Vernaux) * a;
    while ((a = next_wanted(e, &w)))
        if (!n--) {
            const char *name = elf_string(e, a->vna_name);
            return name ? name : "";
        }
    return NULL;
}
