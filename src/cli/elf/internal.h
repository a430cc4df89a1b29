/* SPDX-License-Identifier: MIT
 *
 * What elf.c and elf_symbols.c share: looks into the file that end at its end. */
#ifndef CLI_ELF_PARTS_H
#define CLI_ELF_PARTS_H

#include "cli/elf/elf.h"

/* n bytes of the file, if it has them there and they are aligned; else NULL. */
const void *elf_at(const struct elf *e, uint64_t offset, uint64_t n, unsigned align);
/* A text of the dynamic section; NULL. */
const char *elf_string(const struct elf *e, uint64_t offset);

#endif
