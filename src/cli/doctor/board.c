/* SPDX-License-Identifier: MIT
 *
 * Whether a running process has a board of its own, and why. */
#include "cli/doctor/doctor.h"

#include "base/text.h"
#include "cli/procfs.h"
#include "engine/board/board.h"
#include "engine/board/location.h"
#include "engine/state_dir.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A private board has no name: it is memory shared with children, of just this size. */
static bool has_private_board(const char *maps, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size = (size + page - 1) / page * page;
    for (const char *line = maps, *next; *line; line = next) {
        char head[64], rights[5];
        unsigned long long begin, end;
        next = strchrnul(line, '\n');
        const char *name = memmem(line, (size_t)(next - line), " /dev/zero (deleted)", 20);
        next += *next == '\n';
        snprintf(head, sizeof head, "%.60s", line);
        if (name && sscanf(head, "%llx-%llx %4s", &begin, &end, rights) == 3 &&
            end - begin == size && !strcmp(rights, "rw-s"))
            return true;
    }
    return false;
}

/* Paths mean the same here as in the process. */
static bool sees_the_same_files(const struct diagnosis *d)
{
    static const char *const of[] = {"root", "ns/mnt"};
    char path[64], own[PATH_MAX], theirs[PATH_MAX];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/self/%s", of[i]);
        ssize_t n = readlink(path, own, sizeof own);
        snprintf(path, sizeof path, "/proc/%d/%s", (int)d->pid, of[i]);
        if (n < 0 || readlink(path, theirs, sizeof theirs) != n || memcmp(own, theirs, (size_t)n))
            return false;
    }
    return true;
}

/* Why a board could not be opened there now; NULL: it could. */
static const char *why_not_now(const char *state)
{
    const char *why;
    int dir = location_open(state, false, &why);
    if (dir < 0)
        return why;
    bool room = location_keeps_room(dir), exists = faccessat(dir, BOARD_NAME, F_OK, 0) == 0;
    close(dir);
    if (!room)
        return location_why_no_room;
    struct board *b = exists ? board_attach(state, true, &why) : NULL;
    if (!exists || b)
        why = NULL;
    board_close(b);
    return why;
}

void doctor_private_board(struct diagnosis *d, const char *maps, const struct config *c)
{
    char file[PATH_MAX], said[PATH_MAX + 256];
    struct text t = TEXT_OVER(said);
    if (procfs_mapping(maps, "board.", file) || procfs_mapping(maps, "board", file))
        return;
    if (!c || !has_private_board(maps, board_file_size(c->max_hosts))) {
        doctor_say(d, LEVEL_NOTE, "no call has been intercepted so far: it has not opened a board");
        return;
    }
    if (!c->state) {
        doctor_say(d, LEVEL_NOTE,
                   "its board is private, as state = private says: it shares no limits with other "
                   "processes");
        return;
    }
    const char *why = sees_the_same_files(d) ? why_not_now(c->state) : NULL;
    if (why)
        state_dir_explain(c, why, &t);
    else
        text_fmt(&t, "%s could not be used when it started; its log says why. Restart it",
                 c->state);
    doctor_say(
        d, config_has_limits(c) ? LEVEL_PARTLY : LEVEL_NOTE,
        "its board is private: it shares neither limits nor circuits with other processes. %s",
        said);
}
