/* SPDX-License-Identifier: MIT
 *
 * Where files of a configuration are looked for: the default locations, the files of a directory, and
 * those that a file includes. */
#include "base/directory.h"
#include "base/env.h"
#include "base/sort.h"
#include "engine/config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME      "harden.ini"
#define DIRECTORY_NAME "harden.d"
#define SHARED         DATADIR "/libharden" /* presets/ is there */

/* A path that the configuration keeps; NULL without memory. */
static const char *join(struct builder *b, const char *directory, size_t length, const char *name)
{
    size_t n = length + strlen(name) + 2;
    char *path = builder_keep(b, n);
    if (path)
        snprintf(path, n, "%.*s/%s", (int)length, directory, name);
    return path;
}

static void read_place(struct builder *b, const char *directory, enum file_need need)
{
    size_t n = strlen(directory);
    const char *file = join(b, directory, n, FILE_NAME);
    const char *more = join(b, directory, n, DIRECTORY_NAME);
    if (!file || !more)
        return;
    builder_read_file(b, file, need);
    builder_read_directory(b, more, need);
}

static void read_named(struct builder *b, const char *name)
{
    char path[PATH_MAX];
    const char *whole = env_absolute(name, path, sizeof(path));
    b->file = name;
    if (whole)
        builder_read_file(b, whole, FILE_MUST_EXIST);
    else
        builder_error(b, 0, NULL, "the path is too long");
}

void builder_read_files(struct builder *b)
{
    const char *only = env_get("HARDEN_CONFIG"), *xdg = env_get("XDG_CONFIG_HOME");
    const char *home = env_get("HOME"), *users = NULL;
    if (only && *only) {
        if (strcmp(only, "none") != 0)
            read_named(b, only);
        return;
    }
    read_place(b, SYSCONFDIR "/harden", FILE_MAY_EXIST);
    if (xdg && *xdg == '/')
        users = join(b, xdg, strlen(xdg), "harden");
    else if (home && *home == '/')
        users = join(b, home, strlen(home), ".config/harden");
    if (users)
        read_place(b, users, FILE_OF_USER);
}

/* ---- a directory ---- */

struct names {
    struct arena memory;
    const char **at;
    size_t count;
    bool incomplete; /* without memory */
};

static void add_name(void *ctx, const char *name)
{
    struct names *names = ctx;
    size_t n = strlen(name), count = names->count;
    if (*name == '.' || n < 4 || strcmp(name + n - 4, ".ini") != 0 || names->incomplete)
        return;
    char *copy = arena_get(&names->memory, n + 1);
    if (copy && (count & (count - 1)) == 0) { /* full at each power of two */
        const char **grown =
            arena_get(&names->memory, (count ? 2 * count : 1) * sizeof(*names->at));
        if (grown && count)
            memcpy(grown, names->at, count * sizeof(*names->at));
        names->at = grown;
    }
    names->incomplete = !copy || !names->at;
    if (names->incomplete)
        return;
    names->at[names->count++] = memcpy(copy, name, n);
}

static bool is_before(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b) < 0;
}

static void read_names(struct builder *b, const struct input *directory, struct names *names)
{
    int error = directory_each(directory->fd, add_name, names);
    b->out_of_memory |= names->incomplete;
    if (error)
        builder_error(b, 0, NULL, "cannot be read: %s", input_error_text(-error));
    if (names->count > FILES_MAX) {
        builder_error(b, 0, NULL,
                      "has more than %d files, none of them is read; put several "
                      "sections into one file",
                      FILES_MAX);
        return;
    }
    sort_array(names->at, names->count, sizeof(*names->at), is_before);
    for (size_t i = 0; i < names->count; i++) {
        const char *path = join(b, directory->path, strlen(directory->path), names->at[i]);
        if (path)
            builder_read_file(b, path, FILE_MUST_EXIST);
    }
}

void builder_read_directory(struct builder *b, const char *path, enum file_need need)
{
    struct names names = {.at = NULL};
    const struct input in = input_open(b, path, O_DIRECTORY, need);
    bool wanted = !in.absent;
    const char *why = wanted && in.fd >= 0 ? input_refused(&in, S_IFDIR) : NULL;
    b->file = in.path;
    if (why)
        builder_error(b, 0, NULL, "%s", why);
    else if (wanted && in.fd >= 0)
        read_names(b, &in, &names);
    else if (wanted && in.path)
        builder_error(b, 0, NULL, "cannot be opened: %s", input_error_text(in.error));
    input_close(&in);
    arena_drop(&names.memory);
}

/* ---- include ---- */

/* Whether the file is there; then it is read, or an error is reported. */
static bool include_path(struct builder *b, const char *path, int line, const char *subject)
{
    const struct input in = input_open(b, path, 0, FILE_MAY_EXIST);
    if (in.fd >= 0)
        input_read(b, &in, line, subject);
    else if (in.path && !in.absent)
        builder_error(b, line, subject, "cannot be opened: %s", input_error_text(in.error));
    input_close(&in);
    return !in.absent;
}

void builder_include(struct builder *b, const char *value, int line, const char *subject)
{
    const char *slash = strrchr(b->file, '/'), *home = env_get("HOME"), *path = value;
    const char *own = slash ? b->file : ".";
    size_t length = slash ? (size_t)(slash - b->file) : 1;
    if (b->config->file_count >= FILES_MAX) {
        builder_error(b, line, subject, "not read, there are more than %d files already",
                      FILES_MAX);
        return;
    }
    if (*value == '/' || (strncmp(value, "~/", 2) == 0 && home)) {
        if (*value == '~')
            path = join(b, home, strlen(home), value + 2);
        if (path && !include_path(b, path, line, subject))
            builder_error(b, line, subject, "no such file; write the path of one");
        return;
    }
    if (!(path = join(b, own, length, value)) || include_path(b, path, line, subject))
        return;
    if (!(path = join(b, SHARED, strlen(SHARED), value)) || include_path(b, path, line, subject))
        return;
    builder_error(b, line, subject,
                  "no such file, neither in %.*s nor in " SHARED "; write the path of one",
                  (int)length, own);
}
