/* SPDX-License-Identifier: MIT */
#include "cli/elf/elf.h"
#include "cli/elf/private.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const void *elf_at(const struct elf *e, uint64_t offset, uint64_t n, unsigned align)
{
    if (offset > e->size || n > e->size - offset)
        return NULL;
    const unsigned char *p = e->bytes + offset;
    return (uintptr_t)p % align == 0 ? p : NULL;
}

/* A string that ends within n bytes; else NULL. */
static const char *string_within(const char *p, size_t n)
{
    return p && n && memchr(p, '\0', n) ? p : NULL;
}

const char *elf_string(const struct elf *e, uint64_t offset)
{
    return offset < e->strings_size ? string_within(e->strings + offset, e->strings_size - offset)
                                    : NULL;
}

static const ElfW(Phdr) * segment(const struct elf *e, size_t i)
{
    const ElfW(Ehdr) *h = (const void *)e->bytes;
    if (i >= h->e_phnum || h->e_phentsize != sizeof(ElfW(Phdr)) || h->e_phoff > e->size)
        return NULL;
    return elf_at(e, h->e_phoff + i * sizeof(ElfW(Phdr)), sizeof(ElfW(Phdr)), 8);
}

static const ElfW(Shdr) * section(const struct elf *e, size_t i)
{
    const ElfW(Ehdr) *h = (const void *)e->bytes;
    if (i >= h->e_shnum || h->e_shentsize != sizeof(ElfW(Shdr)) || h->e_shoff > e->size)
        return NULL;
    return elf_at(e, h->e_shoff + i * sizeof(ElfW(Shdr)), sizeof(ElfW(Shdr)), 8);
}

/* The file offset of an address in the loaded program; 0: none. */
static uint64_t file_offset(const struct elf *e, uint64_t address)
{
    const ElfW(Phdr) * p;
    for (size_t i = 0; (p = segment(e, i)); i++)
        if (p->p_type == PT_LOAD && address >= p->p_vaddr && address - p->p_vaddr < p->p_filesz &&
            p->p_offset <= e->size)
            return p->p_offset + (address - p->p_vaddr);
    return 0;
}

static uint64_t dynamic_value(const struct elf *e, int64_t tag)
{
    const ElfW(Dyn) *d = e->dynamic;
    for (size_t i = 0; d && i < e->dynamic_count && d[i].d_tag != DT_NULL; i++)
        if (d[i].d_tag == tag)
            return d[i].d_un.d_val;
    return 0;
}

/* The dynamic section does not contain the number of symbols. The section headers do; if they were
 * stripped, the string table usually follows the symbols. */
static size_t count_symbols(const struct elf *e, uint64_t symbols, uint64_t strings)
{
    const ElfW(Shdr) * s;
    uint64_t room = (e->size - symbols) / sizeof(ElfW(Sym));
    for (size_t i = 0; (s = section(e, i)); i++)
        if (s->sh_type == SHT_DYNSYM && s->sh_offset == symbols) {
            uint64_t n = s->sh_size / sizeof(ElfW(Sym));
            return n < room ? n : room;
        }
    return strings > symbols ? (strings - symbols) / sizeof(ElfW(Sym)) : 0;
}

static void read_symbols(struct elf *e, uint64_t strings)
{
    uint64_t at = file_offset(e, dynamic_value(e, DT_SYMTAB));
    uint64_t versions = file_offset(e, dynamic_value(e, DT_VERSYM));
    if (!at || at > e->size)
        return;
    size_t n = count_symbols(e, at, strings);
    e->symbols = elf_at(e, at, n * sizeof(ElfW(Sym)), 8);
    e->symbol_count = e->symbols ? n : 0;
    e->versions = versions ? elf_at(e, versions, n * sizeof(uint16_t), 2) : NULL;
    e->needed_versions = file_offset(e, dynamic_value(e, DT_VERNEED));
    e->defined_versions = file_offset(e, dynamic_value(e, DT_VERDEF));
}

static void read_dynamic(struct elf *e)
{
    uint64_t strings = file_offset(e, dynamic_value(e, DT_STRTAB));
    uint64_t size = dynamic_value(e, DT_STRSZ);
    e->strings = strings ? elf_at(e, strings, size, 1) : NULL;
    e->strings_size = e->strings ? size : 0;
    if (e->strings)
        read_symbols(e, strings);
}

/* Whether there is a note of the Go linker: its build id. */
static bool is_go_note(const unsigned char *p, uint64_t n)
{
    static const unsigned char name[] = {'G', 'o', '\0', '\0'};
    ElfW(Nhdr) note;
    for (uint64_t at = 0; p && at + sizeof note + sizeof name <= n;) {
        memcpy(&note, p + at, sizeof note);
        if (note.n_namesz == sizeof name && !memcmp(p + at + sizeof note, name, sizeof name))
            return true;
        at += sizeof note + (((uint64_t)note.n_namesz + 3) & ~3ULL) +
              (((uint64_t)note.n_descsz + 3) & ~3ULL);
    }
    return false;
}

/* Another linker may have merged or dropped the note. The Go tools look for this section. */
static bool has_go_section(const struct elf *e)
{
    const ElfW(Ehdr) *h = (const void *)e->bytes;
    const ElfW(Shdr) *names = section(e, h->e_shstrndx), *s;
    for (size_t i = 0; names && (s = section(e, i)); i++) {
        uint64_t at = s->sh_name < names->sh_size ? names->sh_offset + s->sh_name : UINT64_MAX;
        const char *name = elf_at(e, at, sizeof ".go.buildinfo", 1);
        if (name && !memcmp(name, ".go.buildinfo", sizeof ".go.buildinfo"))
            return true;
    }
    return false;
}

static void read_segments(struct elf *e)
{
    const ElfW(Phdr) * p;
    for (size_t i = 0; (p = segment(e, i)); i++) {
        const void *bytes = elf_at(e, p->p_offset, p->p_filesz, 1);
        if (p->p_type == PT_INTERP) {
            e->interpreter = string_within(bytes, p->p_filesz);
        } else if (p->p_type == PT_DYNAMIC && elf_at(e, p->p_offset, p->p_filesz, 8)) {
            e->dynamic = bytes;
            e->dynamic_count = p->p_filesz / sizeof(ElfW(Dyn));
        } else if (p->p_type == PT_NOTE) {
            e->go = e->go || is_go_note(bytes, bytes ? p->p_filesz : 0);
        }
    }
    e->go = e->go || has_go_section(e);
    read_dynamic(e);
    const ElfW(Ehdr) *h = (const void *)e->bytes;
    bool pie = e->interpreter || dynamic_value(e, DT_FLAGS_1) & DF_1_PIE;
    e->program = h->e_type == ET_EXEC || (h->e_type == ET_DYN && pie);
}

static int identify(struct elf *e)
{
    const unsigned char *id = e->bytes;
    if (e->size < sizeof(Elf32_Ehdr) || memcmp(id, ELFMAG, SELFMAG))
        return -ENOEXEC;
    const unsigned char *machine =
        id + offsetof(Elf64_Ehdr, e_machine); /* the same offset in 32-bit files */
    bool big = id[EI_DATA] == ELFDATA2MSB;
    e->machine = big ? machine[0] << 8 | machine[1] : machine[1] << 8 | machine[0];
    e->bits = id[EI_CLASS] == ELFCLASS32 ? 32 : 64;
    struct elf self = {.size = 0};
#if defined(__x86_64__)
    self.machine = EM_X86_64;
#elif defined(__aarch64__)
    self.machine = EM_AARCH64;
#endif
    e->native = e->bits == (int)sizeof(void *) * 8 && !big && e->machine == self.machine &&
                e->size >= sizeof(ElfW(Ehdr));
    return 0;
}

int elf_parse(struct elf *e, const void *bytes, size_t size)
{
    *e = (struct elf){.bytes = bytes, .size = size};
    int err = identify(e);
    if (!err && e->native)
        read_segments(e);
    return err;
}

int elf_read(struct elf *e, const char *path)
{
    struct stat st;
    *e = (struct elf){.size = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
        err = 0; /* O_NONBLOCK: do not wait on a FIFO */
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        err = -errno;
    else if (!S_ISREG(st.st_mode) || st.st_size == 0)
        err = S_ISDIR(st.st_mode) ? -EISDIR : -ENOEXEC;
    void *p = err ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (!err && p == MAP_FAILED)
        err = -errno;
    close(fd);
    if (err)
        return err;
    err = elf_parse(e, p, (size_t)st.st_size);
    e->mapped = true;
    if (err)
        elf_release(e);
    return err;
}

void elf_release(struct elf *e)
{
    if (e->mapped)
        munmap((void *)(uintptr_t)e->bytes, e->size);
    *e = (struct elf){.size = 0};
}

const char *elf_text(const struct elf *e, int64_t tag, size_t n)
{
    const ElfW(Dyn) *d = e->dynamic;
    for (size_t i = 0; d && i < e->dynamic_count && d[i].d_tag != DT_NULL; i++)
        if (d[i].d_tag == tag && !n--)
            return elf_string(e, d[i].d_un.d_val);
    return NULL;
}

const char *elf_needs(const struct elf *e, const char *prefix)
{
    const char *name;
    for (size_t i = 0; (name = elf_text(e, DT_NEEDED, i)); i++)
        if (!strncmp(name, prefix, strlen(prefix)))
            return name;
    return NULL;
}
