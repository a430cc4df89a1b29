/* SPDX-License-Identifier: MIT
 *
 * Whether a descriptor still refers to the same open file. While we sleep or block, another thread
 * may close the descriptor and open another file, which gets the same number: check again before
 * the next use.
 *
 *     struct descriptor_id id = descriptor_id(fd);
 *     ... a wait, or a call that blocks ...
 *     if (descriptor_is_same(fd, &id)) ...
 *
 * Compares the inode: two open sockets never share one, and a number comes again only after 2^32
 * others. One system call each. errno is not preserved. */
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
