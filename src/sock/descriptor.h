/* SPDX-License-Identifier: MIT
 *
 * Which open file a descriptor's number stands for. While we sleep, another thread may close it and
 * open another file, which gets the same number: whoever uses a descriptor of the program after that
 * looks again.
 *
 *     struct descriptor_id id = descriptor_id(fd);
 *     ... a wait, or a call that blocks ...
 *     if (descriptor_is_same(fd, &id)) ...
 *
 * By the inode, which no two open sockets have in common and which hardly comes again (they are
 * numbered on, up to 2^32). One system call each. errno is not preserved. */
#ifndef SOCK_DESCRIPTOR_H
#define SOCK_DESCRIPTOR_H

#include <stdbool.h>
#include <sys/stat.h>

struct descriptor_id {
    bool known;
    dev_t device;
    ino_t inode;
};

static inline struct descriptor_id descriptor_id(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return (struct descriptor_id){.known = false};
    return (struct descriptor_id){.known = true, .device = st.st_dev, .inode = st.st_ino};
}

static inline bool descriptor_is_same(int fd, const struct descriptor_id *id)
{
    struct descriptor_id now = descriptor_id(fd);
    return now.known && id->known && now.device == id->device && now.inode == id->inode;
}

#endif
