/* SPDX-License-Identifier: MIT
 *
 * The names in a directory, read without opendir(), which allocates.
 *
 *     int fd = open_file(path, O_RDONLY | O_DIRECTORY, 0);
 *     int error = directory_each(fd, seen, ctx);
 *
 * Any thread. */
#ifndef BASE_DIRECTORY_H
#define BASE_DIRECTORY_H

/* Calls seen() with each name, in no order, also with "." and "..". 0, or -errno. */
int directory_each(int fd, void (*seen)(void *ctx, const char *name), void *ctx);

#endif
