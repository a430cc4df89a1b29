/* SPDX-License-Identifier: MIT */
#include "cli/procfs.h"
#include "cli/ps/private.h"
#include "engine/board/others.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Splits "PATH (deleted)". */
static bool cut_deleted(char *path)
{
    static const char mark[] = " (deleted)";
    size_t n = strlen(path), tail = sizeof mark - 1;
    if (n <= tail || strcmp(path + n - tail, mark))
        return false;
    path[n - tail] = '\0';
    return true;
}

static void keep_library(struct ps_maps *m, const char *line, const char *path, bool deleted)
{
    if (m->library[0])
        return;
    snprintf(m->library, sizeof m->library, "%s", path);
    snprintf(m->library_range, sizeof m->library_range, "%.*s", (int)strcspn(line, " "), line);
    m->library_deleted = deleted;
}

/* After a board was opened again, the removed one is still mapped. */
static void keep_board(struct ps_maps *m, const char *path, bool deleted)
{
    if (m->board[0] && deleted)
        return;
    snprintf(m->board, sizeof m->board, "%s", path);
    m->board_deleted = deleted;
}

static void read_line(struct ps_maps *m, const char *line, size_t n)
{
    char path[PATH_MAX];
    const char *begin = memchr(line, '/', n);
    if (!begin)
        return;
    snprintf(path, sizeof path, "%.*s", (int)(line + n - begin), begin);
    bool deleted = cut_deleted(path);
    const char *name = strrchr(path, '/') + 1;
    if (!strcmp(name, "libharden.so"))
        keep_library(m, line, path, deleted);
    else if (!strcmp(name, "board") || others_layout(name))
        keep_board(m, path, deleted);
}

bool ps_read_maps(pid_t pid, struct ps_maps *m)
{
    size_t size;
    char *maps = procfs_read(pid, "maps", &size);
    *m = (struct ps_maps){0};
    for (const char *line = maps; line && *line;) {
        size_t n = strcspn(line, "\n");
        read_line(m, line, n);
        line += n + (line[n] != '\0');
    }
    free(maps);
    return m->library[0];
}
