/* SPDX-License-Identifier: MIT */
#include "cli/liveness.h"

#include "cli/procfs.h"
#include "engine/board/attached.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *skip_fields(const char *at, int n)
{
    for (; n && (at = strchr(at, ' ')); n--)
        at++;
    return at;
}

/* "DEVICE INODE " in the line of /proc/self/maps for the mapping that begins at `p`. */
static bool mapped_file_id(const void *p, char out[64])
{
    char begin[32];
    size_t size;
    char *maps = procfs_read(getpid(), "maps", &size);
    int n = snprintf(begin, sizeof begin, "%lx-", (unsigned long)(uintptr_t)p);
    const char *line = maps;
    while (line && strncmp(line, begin, (size_t)n) && (line = strchr(line, '\n')))
        line++;
    const char *file = line ? skip_fields(line, 3) : NULL,
               *end = file ? skip_fields(file, 2) : NULL;
    if (end)
        snprintf(out, 64, "%.*s", (int)(end - file), file);
    free(maps);
    return end;
}

/* True also if we may not read the maps of that process. */
static bool has_mapped(pid_t pid, const char *file)
{
    size_t size;
    char *maps = procfs_read(pid, "maps", &size);
    bool mapped = maps ? strstr(maps, file) != NULL : errno == EACCES || errno == EPERM;
    free(maps);
    return mapped;
}

static uint32_t count_running(const struct board *b)
{
    char file[64];
    uint32_t own = attached_namespace(), n = 0;
    if (!own || !b->file || !mapped_file_id(b->file, file))
        return 0;
    for (int i = 0; i < BOARD_ATTACHED; i++) {
        struct attached a = attached_nth(b->header, i);
        n += a.pid && a.namespace == own && (pid_t)a.pid > 0 && has_mapped((pid_t)a.pid, file);
    }
    return n;
}

struct liveness liveness_of(const struct board *b, int64_t now_ns)
{
    int64_t alive_ns = atomic_load(&b->header->alive_ns);
    int64_t interval_ns = atomic_load(&b->header->alive_interval_ns);
    struct liveness l = {.running = count_running(b)};
    l.never = !l.running && (alive_ns <= 0 || alive_ns > now_ns + NS_PER_S);
    if (!l.never && !l.running)
        l.age_ns = alive_ns < now_ns ? now_ns - alive_ns : 0;
    if (interval_ns > 0 && interval_ns < INT64_MAX / 3)
        l.max_age_ns = 3 * interval_ns;
    return l;
}
