/* SPDX-License-Identifier: MIT */
#include "cli/elf/ld_cache.h"

#include <stdint.h>
#include <string.h>

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

const char *ld_cache_find(const void *bytes, size_t size, const char *name, size_t n)
{
    const struct head *h = find_head(bytes, size);
    if (!h)
        return NULL;
    size -= (size_t)((const char *)h - (const char *)bytes);
    const struct entry *e = (const void *)(h + 1);
    size_t room = (size - sizeof *h) / sizeof *e;
    for (size_t i = 0; i < h->entries && i < room; i++) {
        const char *key = string_at((const char *)h, size, e[i].name);
        if (key && !e[i].hardware && !strcmp(key, name) && !n--)
            return string_at((const char *)h, size, e[i].path);
    }
    return NULL;
}
