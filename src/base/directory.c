/* SPDX-License-Identifier: MIT */
#include "base/directory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct linux_dirent64 of getdents64(2). */
struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};

int directory_each(int fd, void (*seen)(void *ctx, const char *name), void *ctx)
{
    _Alignas(struct entry) char room[4096];
    long n;
    while ((n = syscall(SYS_getdents64, fd, room, sizeof room)) > 0)
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(room + at);
            seen(ctx, e->name);
            at += e->length;
        }
    return n < 0 ? -errno : 0;
}
