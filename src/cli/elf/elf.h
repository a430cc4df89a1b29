/* SPDX-License-Identifier: MIT
 *
 * Reads the parts of an ELF executable or library that matter for preloading.
 *
 *     struct elf e;
 *     struct elf_symbol s;
 *     int err = elf_read(&e, "/usr/bin/curl");        0 or -errno; -ENOEXEC: not an ELF file
 *     if (elf_needs(&e, "libcurl.so")) ...
 *     for (size_t i = 0; elf_symbol(&e, i, &s); i++) ...
 *     elf_release(&e);
 *
 * The file is mapped and not trusted: an offset that points outside counts as absent. For another
 * byte order or word size, only `machine` and `bits` are set. All strings returned are valid until
 * elf_release. */
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
    bool native;             /* same architecture as this command: all members are set */
    bool program;            /* ET_EXEC, or ET_DYN with an interpreter or linked with -static-pie */
    bool go;                 /* built by the Go compiler */
    const char *interpreter; /* NULL: static */
    const char *strings;     /* the string table of the dynamic section */
    size_t strings_size;
    const void *dynamic; /* ElfW(Dyn)[dynamic_count] */
    size_t dynamic_count;
    const void *symbols; /* ElfW(Sym)[symbol_count], the dynamic symbols */
    size_t symbol_count;
    const void *versions;                       /* uint16_t[symbol_count]; NULL: no versions */
    uint64_t needed_versions, defined_versions; /* file offsets of the lists; 0: none */
};

/* A dynamic symbol. */
struct elf_symbol {
    const char *name; /* never NULL */
    bool defined;     /* false: imported from another object */
    bool weak;        /* an import that may remain unresolved */
};

int elf_read(struct elf *e, const char *path);
/* The same for a file in memory, which must remain valid until elf_release. */
int elf_parse(struct elf *e, const void *bytes, size_t size);
void elf_release(struct elf *e);

/* The n-th string of the dynamic section with this tag (DT_NEEDED, DT_RUNPATH, DT_SONAME); NULL
 * past the end. */
const char *elf_text(const struct elf *e, int64_t tag, size_t n);
/* The first name in DT_NEEDED with this prefix; NULL: none. */
const char *elf_needs(const struct elf *e, const char *prefix);

/* The i-th dynamic symbol. False past the end. */
bool elf_symbol(const struct elf *e, size_t i, struct elf_symbol *out);
/* The version of the i-th symbol: CURL_OPENSSL_4 or GLIBC_2.34; "": none. */
const char *elf_version(const struct elf *e, size_t i);
/* Whether the file defines a symbol; version NULL: with any version. */
bool elf_defines(const struct elf *e, const char *name, const char *version);
/* Whether the file defines a symbol version. */
bool elf_defines_version(const struct elf *e, const char *version);
/* The n-th version that the file needs from other objects; NULL past the end. */
const char *elf_needed_version(const struct elf *e, size_t n);

#endif
