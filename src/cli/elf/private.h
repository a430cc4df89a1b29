/* SPDX-License-Identifier: MIT
 *
 * Bounds-checked access to the file, shared by elf.c and symbols.c. */
#ifndef CLI_ELF_PRIVATE_H
#define CLI_ELF_PRIVATE_H

#include "cli/elf/elf.h"

/* n bytes at this offset; NULL if they are outside of the file or not aligned. */
const void *elf_at(const struct elf *e, uint64_t offset, uint64_t n, unsigned align);
/* A string of the string table of the dynamic section; NULL: outside or not terminated. */
const char *elf_string(const struct elf *e, uint64_t offset);

#endif
