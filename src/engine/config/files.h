/* SPDX-License-Identifier: MIT
 *
 * Opening and reading one file or directory of a configuration, for files.c and places.c.
 *
 *     struct input i = input_open(b, path, 0, FILE_MAY_EXIST);
 *     if (i.fd >= 0 && !i.absent)
 *         input_read(b, &i, 0, NULL);
 *     input_close(&i); */
#ifndef ENGINE_CONFIG_FILES_H
#define ENGINE_CONFIG_FILES_H

#include "engine/config/builder.h"

#include <sys/stat.h>

#define FILES_MAX 1000 /* of a configuration, with places where one was looked for */

struct input {
    const char *path; /* a copy that the configuration keeps; NULL without memory */
    int fd;           /* < 0: it cannot be opened, because of `error` */
    int error;
    bool absent; /* it counts as absent: it is not there, or is another user's (enum file_need) */
    bool known;  /* st is that of the path */
    struct stat st;
};

/* Opens a file, or with O_DIRECTORY a directory, and notes its state or absence in the configuration,
 * so that config_is_stale() notices a change. */
struct input input_open(struct builder *b, const char *path, int flags, enum file_need need);
void input_close(const struct input *i);
/* The reason not to obey it, and what to do about that; NULL: it is accepted. */
const char *input_refused(const struct input *i, mode_t type);
/* Reads the file, with b->file set to its path meanwhile; reports at `line` of the current b->file if it is
 * refused. */
void input_read(struct builder *b, const struct input *i, int line, const char *subject);
const char *input_error_text(int error);

#endif
