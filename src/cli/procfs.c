/* SPDX-License-Identifier: MIT */
#include "cli/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_LARGEST (16 << 20)

char *procfs_read(pid_t pid, const char *name, size_t *size)
{
    char path[PATH_MAX];
    size_t room = 1 << 16, n = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? malloc(room) : NULL;
    ssize_t got = text ? 1 : -1;
    while (got > 0) {
        if (room - n < 4096) {
            char *more = room < FILE_LARGEST ? realloc(text, room * 2) : NULL;
            if (!more)
                break;
            text = more;
            room *= 2;
        }
        got = read(fd, text + n, room - n - 2);
        n += got > 0 ? (size_t)got : 0;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (!text || (got < 0 && !n)) {
        free(text);
        errno = error;
        return NULL;
    }
    text[n] = text[n + 1] = '\0';
    *size = n;
    return text;
}

static bool has_name(const char *path, size_t n, const char *name)
{
    const char *slash = memrchr(path, '/', n);
    size_t want = strlen(name), own = (size_t)(path + n - slash) - 1;
    if (own < want || memcmp(slash + 1, name, want))
        return false;
    size_t digits = name[want - 1] == '.' ? strspn(slash + 1 + want, "0123456789") : 0;
    return own == want + digits && (digits || name[want - 1] != '.');
}

bool procfs_mapping(const char *maps, const char *name, char out[PATH_MAX])
{
    out[0] = '\0';
    for (const char *line = maps; *line; line += strcspn(line, "\n") + 1) {
        size_t n = strcspn(line, "\n");
        const char *path = memchr(line, '/', n), *end = line + n;
        if (!path)
            continue;
        static const char deleted[] = " (deleted)";
        size_t length = (size_t)(end - path), tail = sizeof deleted - 1, bare = length;
        if (length > tail && !memcmp(end - tail, deleted, tail))
            bare = length - tail;
        if (has_name(path, bare, name)) {
            snprintf(out, PATH_MAX, "%.*s", (int)length, path);
            return true;
        }
        if (!line[n])
            break;
    }
    return false;
}

bool procfs_has_thread(pid_t pid, const char *name)
{
    char path[PATH_MAX], comm[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    struct dirent *e;
    bool found = false;
    while (tasks && !found && (e = readdir(tasks))) {
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/comm", (int)pid, e->d_name);
        FILE *f = fopen(path, "re");
        found = f && fgets(comm, sizeof comm, f) && !strncmp(comm, name, strlen(name)) &&
                comm[strlen(name)] == '\n';
        if (f)
            fclose(f);
    }
    if (tasks)
        closedir(tasks);
    return found;
}

const char *procfs_variable(const char *environment, size_t size, const char *name)
{
    size_t n = strlen(name);
    for (const char *v = environment; v < environment + size; v += strlen(v) + 1)
        if (!strncmp(v, name, n) && v[n] == '=')
            return v + n + 1;
    return NULL;
}
