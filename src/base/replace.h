/* SPDX-License-Identifier: MIT
 *
 * Replaces a file as a whole: the new content goes to a temporary file beside it (O_EXCL, O_NOFOLLOW,
 * 0600), which is then renamed. A reader sees the old file or the new one, never a part of either.
 *
 *     struct replacement r;
 *     replacement_open(&r, path, room, sizeof room);
 *     text_put(&r.text, ...);                 of any length: a full room is written out
 *     err = replacement_close(&r);            0 or -errno; the file is replaced only now
 *
 * Only a regular file is replaced (-EEXIST otherwise): under root, rename would put one in the place
 * of /dev/null. On any error the old file stays and the temporary file is removed. The name of the
 * temporary file is PATH.TAG.tmp.
 *
 * Threads: one replacement belongs to one thread; several may replace the same path at once, and the
 * last to close wins. Allocates nothing. Preserves errno. */
#ifndef BASE_REPLACE_H
#define BASE_REPLACE_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct replacement {
    struct text text; /* the first member: draining finds the rest by it */
    const char *path; /* must live until the close */
    uint64_t tag;     /* random, because processes of two containers can have the same pid */
    int fd;           /* -errno when it could not be opened */
    int err;          /* the first error, -errno; 0: none so far */
};

void replacement_open(struct replacement *r, const char *path, char *room, size_t size);
/* Gives the new file these permissions, whatever the umask, instead of 0600. */
void replacement_set_mode(struct replacement *r, mode_t mode);
int replacement_close(struct replacement *r);
/* Removes the temporary file of a writer that was killed, or is about to be. */
void replacement_remove(const char *path, uint64_t tag);
/* Removes all temporary files of an absolute path that belong to this user and were last written to
 * before a time. */
void replacement_sweep(const char *path, int64_t before_wall_ns);
/* Replaces a file by n bytes in memory. 0 or -errno. */
int replace_file(const char *path, const char *p, size_t n);

#endif
