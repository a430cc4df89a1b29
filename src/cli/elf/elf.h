/* SPDX-License-Identifier: MIT
 *
 * What an executable file or a library says about itself, as far as it matters for what is preloaded.
 *
 *     struct elf e;
 *     struct elf_symbol s;
 *     int err = elf_read(&e, "/usr/bin/curl");        0 or -errno; -ENOEXEC: it is no ELF file
 *     if (elf_needs(&e, "libcurl.so")) ...
 *     for (size_t i = 0; elf_symbol(&e, i, &s); i++) ...
 *     elf_release(&e);
 *
 * The file is mapped, and nothing in it is trusted: what points outside is taken for absent. Of a
 * foreign byte order or word size only `machine` and `bits` are known. All texts live as long as the
 * struct. */
#ifndef CLI_ELF_ELF_H
#define CLI_ELF_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf {
    const unsigned char *bytes;
    size_t size;
    bool mapped;             /* by elf_read */
    int machine;             /* EM_X86_64 ... */
    int bits;                /* 64 or 32 */
    bool native;             /* of this machine's kind: the rest is known */
    bool program;            /* ET_EXEC, or ET_DYN with an interpreter, or a static one of -pie */
    bool go;                 /* made by Go's compiler */
    const char *interpreter; /* NULL: static */
    const char *strings;     /* of the dynamic section */
    size_t strings_size;
    const void *dynamic; /* ElfW(Dyn)[dynamic_count] */
    size_t dynamic_count;
    const void *symbols; /* ElfW(Sym)[symbol_count], the dynamic ones */
    size_t symbol_count;
    const void *versions; /* uint16_t[symbol_count]; NULL: none has one */
    uint64_t needed_versions,
        defined_versions; /* where their lists begin in the file; 0: nowhere */
};

/* A dynamic symbol. */
struct elf_symbol {
    const char *name; /* never NULL */
    bool defined;     /* here, else it is wanted from elsewhere */
    bool weak;        /* if wanted, it may stay absent */
};

int elf_read(struct elf *e, const char *path);
/* The same of bytes in memory, which must stay. */
int elf_parse(struct elf *e, const void *bytes, size_t size);
void elf_release(struct elf *e);

/* The n-th text of the dynamic section with that tag (DT_NEEDED, DT_RUNPATH, DT_SONAME); NULL past the
 * end. */
const char *elf_text(const struct elf *e, int64_t tag, size_t n);
/* The first name in DT_NEEDED that begins so; NULL. */
const char *elf_needs(const struct elf *e, const char *prefix);

/* False past the last one. */
bool elf_symbol(const struct elf *e, size_t i, struct elf_symbol *out);
/* Its version, CURL_OPENSSL_4 or GLIBC_2.34; "": it has none. */
const char *elf_version(const struct elf *e, size_t i);
/* Whether it defines that name; version NULL: at any. */
bool elf_defines(const struct elf *e, const char *name, const char *version);
/* Whether it defines a version of that name. */
bool elf_defines_version(const struct elf *e, const char *version);
/* The n-th version that it wants of others; NULL past the end. */
const char *elf_needed_version(const struct elf *e, size_t n);

#endif
