/* SPDX-License-Identifier: MIT
 *
 * What an executable file says about itself, as far as it matters for what is preloaded into it.
 *
 *     struct elf e;
 *     int err = elf_read(&e, "/usr/bin/curl");        0 or -errno; -ENOEXEC: it is no ELF file
 *     if (elf_needs(&e, "libcurl.so")) ...
 *     elf_release(&e);
 *
 * The file is mapped, and nothing in it is trusted: what points outside is taken for absent. Of a
 * foreign byte order or word size only `machine` and `bits` are known. */
#ifndef CLI_ELF_H
#define CLI_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf {
    const unsigned char *bytes;
    size_t size;
    int machine;             /* EM_X86_64 ... */
    int bits;                /* 64 or 32 */
    bool native;             /* of this machine's kind: the rest is known */
    bool program;            /* ET_EXEC, or ET_DYN with an interpreter */
    const char *interpreter; /* NULL: static */
    const char *strings;     /* of the dynamic section */
    size_t strings_size;
    const void *dynamic; /* ElfW(Dyn)[dynamic_count] */
    size_t dynamic_count;
};

int elf_read(struct elf *e, const char *path);
void elf_release(struct elf *e);
/* The first name in DT_NEEDED that begins so; NULL. */
const char *elf_needs(const struct elf *e, const char *prefix);
/* The i-th name in DT_NEEDED; NULL past the end. */
const char *elf_needed(const struct elf *e, size_t i);

#endif
