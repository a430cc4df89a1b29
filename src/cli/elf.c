/* SPDX-License-Identifier: MIT */
#include "cli/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const void *at(const struct elf *e, uint64_t offset, uint64_t n)
{
    return offset <= e->size && n <= e->size - offset ? e->bytes + offset : NULL;
}

static const ElfW(Phdr) * segment(const struct elf *e, size_t i)
{
    const ElfW(Ehdr) *h = (const void *)e->bytes;
    if (i >= h->e_phnum || h->e_phentsize != sizeof(ElfW(Phdr)) || h->e_phoff % 8)
        return NULL;
    return at(e, h->e_phoff + i * sizeof(ElfW(Phdr)), sizeof(ElfW(Phdr)));
}

/* A text of the file that ends within `n` bytes. */
static const char *text_at(const char *p, size_t n)
{
    return p && n && memchr(p, '\0', n) ? p : NULL;
}

/* Where in the file an address of the loaded program lies. */
static const void *at_address(const struct elf *e, uint64_t address, uint64_t n)
{
    const ElfW(Phdr) * p;
    for (size_t i = 0; (p = segment(e, i)); i++)
        if (p->p_type == PT_LOAD && address >= p->p_vaddr && address - p->p_vaddr < p->p_filesz)
            return at(e, p->p_offset + (address - p->p_vaddr), n);
    return NULL;
}

static void read_dynamic(struct elf *e)
{
    const ElfW(Dyn) *d = e->dynamic;
    uint64_t strings = 0, size = 0;
    for (size_t i = 0; d && i < e->dynamic_count && d[i].d_tag != DT_NULL; i++) {
        if (d[i].d_tag == DT_STRTAB)
            strings = d[i].d_un.d_ptr;
        else if (d[i].d_tag == DT_STRSZ)
            size = d[i].d_un.d_val;
    }
    e->strings = at_address(e, strings, size);
    e->strings_size = e->strings ? size : 0;
}

static void read_segments(struct elf *e)
{
    const ElfW(Phdr) * p;
    for (size_t i = 0; (p = segment(e, i)); i++) {
        const void *bytes = at(e, p->p_offset, p->p_filesz);
        if (p->p_type == PT_INTERP) {
            e->interpreter = text_at(bytes, p->p_filesz);
        } else if (p->p_type == PT_DYNAMIC && bytes && p->p_offset % 8 == 0) {
            e->dynamic = bytes;
            e->dynamic_count = p->p_filesz / sizeof(ElfW(Dyn));
        }
    }
    read_dynamic(e);
    const ElfW(Ehdr) *h = (const void *)e->bytes;
    e->program = h->e_type == ET_EXEC || (h->e_type == ET_DYN && e->interpreter);
}

static int identify(struct elf *e)
{
    const unsigned char *id = e->bytes;
    if (e->size < sizeof(Elf32_Ehdr) || memcmp(id, ELFMAG, SELFMAG))
        return -ENOEXEC;
    const unsigned char *machine =
        id + offsetof(Elf64_Ehdr, e_machine); /* where 32 bits have it too */
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

int elf_read(struct elf *e, const char *path)
{
    struct stat st;
    *e = (struct elf){.size = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
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
    e->bytes = p;
    e->size = (size_t)st.st_size;
    if ((err = identify(e)))
        elf_release(e);
    else if (e->native)
        read_segments(e);
    return err;
}

void elf_release(struct elf *e)
{
    if (e->bytes)
        munmap((void *)(uintptr_t)e->bytes, e->size);
    *e = (struct elf){.size = 0};
}

const char *elf_needed(const struct elf *e, size_t n)
{
    const ElfW(Dyn) *d = e->dynamic;
    for (size_t i = 0; d && i < e->dynamic_count && d[i].d_tag != DT_NULL; i++)
        if (d[i].d_tag == DT_NEEDED && !n--)
            return d[i].d_un.d_val < e->strings_size
                       ? text_at(e->strings + d[i].d_un.d_val, e->strings_size - d[i].d_un.d_val)
                       : NULL;
    return NULL;
}

const char *elf_needs(const struct elf *e, const char *prefix)
{
    const char *name;
    for (size_t i = 0; (name = elf_needed(e, i)); i++)
        if (!strncmp(name, prefix, strlen(prefix)))
            return name;
    return NULL;
}
