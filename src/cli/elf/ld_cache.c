/* SPDX-License-Identifier: MIT */
#include "cli/elf/ld_cache.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "glibc-ld.so.cache1.1"

struct head {
    char magic[sizeof MAGIC - 1];
    uint32_t entries, texts_bytes;
    uint32_t unused[5];
};

struct entry {
    int32_t flags;
    uint32_t name, path; /* offsets from the head */
    uint32_t os;
    uint64_t
        hardware; /* not 0: a variant for newer processors; the baseline one is listed as well */
};

/* Before 2020, the header and entries of an older format came first. */
static const struct head *find_head(const char *bytes, size_t size)
{
    for (size_t at = 0; size >= sizeof(struct head) && at <= size - sizeof(struct head); at += 8) {
        const struct head *h = (const void *)(bytes + at);
        if (!memcmp(h->magic, MAGIC, sizeof h->magic))
            return h;
    }
    return NULL;
}

static const char *string_at(const char *head, size_t size, uint32_t offset)
{
    return offset < size && memchr(head + offset, '\0', size - offset) ? head + offset : NULL;
}

bool ld_cache_entry(const void *bytes, size_t size, size_t i, const char **name, const char **path)
{
    const struct head *h = find_head(bytes, size);
    if (!h)
        return false;
    size -= (size_t)((const char *)h - (const char *)bytes);
    const struct entry *e = (const void *)(h + 1);
    if (i >= h->entries || i >= (size - sizeof *h) / sizeof *e)
        return false;
    *name = e[i].hardware ? NULL : string_at((const char *)h, size, e[i].name);
    *path = string_at((const char *)h, size, e[i].path);
    if (!*name || !*path)
        *name = *path = "";
    return true;
}

const char *ld_cache_find(const void *bytes, size_t size, const char *name, size_t n)
{
    const char *key, *path;
    for (size_t i = 0; ld_cache_entry(bytes, size, i, &key, &path); i++)
        if (!strcmp(key, name) && !n--)
            return path;
    return NULL;
}

bool ld_cache_open(struct ld_cache *c, const char *root)
{
    char path[PATH_MAX];
    struct stat st;
    *c = (struct ld_cache){.bytes = NULL};
    if (snprintf(path, sizeof path, "%s/etc/ld.so.cache", root) >= (int)sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 0;
    void *p = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (fd >= 0)
        close(fd);
    if (p == MAP_FAILED)
        return false;
    *c = (struct ld_cache){.bytes = p, .size = size};
    return true;
}

void ld_cache_close(struct ld_cache *c)
{
    if (c->bytes)
        munmap((void *)(uintptr_t)c->bytes, c->size);
    c->bytes = NULL;
}
