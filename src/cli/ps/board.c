/* SPDX-License-Identifier: MIT
 *
 * What a process has written about itself on its board, which may have another layout than ours. */
#include "cli/procfs.h"
#include "cli/ps/private.h"
#include "engine/board/attached.h"
#include "engine/board/others.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The table of a board; false: it has none that we know, or cannot be read. */
static bool read_table(const char *path, struct attached_words table[BOARD_ATTACHED])
{
    struct stat st;
    struct board_header h;
    const size_t start = offsetof(struct board_header, attached_at) + sizeof h.attached_at;
    const ssize_t size = BOARD_ATTACHED * sizeof *table;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool good = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
                pread(fd, &h, start, 0) == (ssize_t)start && h.magic == BOARD_MAGIC &&
                h.layout >= OTHERS_FIRST && pread(fd, table, (size_t)size, h.attached_at) == size;
    if (fd >= 0)
        close(fd);
    return good;
}

static uint32_t namespace_of(pid_t pid)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

/* Its pid in its own namespace: the last number of the line "NSpid: 4711 12". */
static uint32_t pid_inside(pid_t pid)
{
    size_t size;
    char *status = procfs_read(pid, "status", &size),
         *line = status ? strstr(status, "\nNSpid:") : NULL;
    unsigned inside = (unsigned)pid;
    if (line) {
        line[1 + strcspn(line + 1, "\n")] = '\0';
        sscanf(line + 1 + strcspn(line + 1, "0123456789"), "%u", &inside);
        const char *last = strrchr(line, '\t');
        if (last)
            sscanf(last, "%u", &inside);
    }
    free(status);
    return inside;
}

void ps_read_board(struct ps_process *p, const struct ps_maps *m)
{
    char path[PATH_MAX + 64];
    struct attached_words table[BOARD_ATTACHED];
    if (!m->board[0])
        return;
    p->layout = others_layout(strrchr(m->board, '/') + 1);
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)p->pid, m->board);
    if (m->board_deleted || !read_table(path, table))
        return;
    uint32_t namespace = namespace_of(p->pid), inside = pid_inside(p->pid);
    for (int i = 0; i < BOARD_ATTACHED; i++) {
        struct attached a = attached_read(&table[i]);
        if (!a.known || a.pid != inside || a.namespace != namespace)
            continue;
        p->mode_known = true;
        p->mode = a.mode;
        snprintf(p->version, sizeof p->version, "%u.%u.%u", a.version[0], a.version[1],
                 a.version[2]);
    }
}
