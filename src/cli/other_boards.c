/* SPDX-License-Identifier: MIT */
#include "cli/other_boards.h"

#include "cli/ps/process.h"
#include "engine/board/board.h"
#include "engine/board/others.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOARDS_SHOWN 32

/* "board", of the first layouts, or "board.N". */
static bool is_other(const char *name)
{
    uint32_t layout = others_layout(name);
    return !strcmp(name, "board") || (layout && layout != BOARD_LAYOUT);
}

/* The names of such boards; returns their number. */
static int list_names(const char *dir, char names[BOARDS_SHOWN][NAME_MAX + 1])
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int n = 0;
    while (d && n < BOARDS_SHOWN && (e = readdir(d)))
        if (is_other(e->d_name))
            snprintf(names[n++], NAME_MAX + 1, "%s", e->d_name);
    if (d)
        closedir(d);
    return n;
}

const char *other_boards_text(const char *dir, char out[OTHER_BOARDS_TEXT_SIZE])
{
    struct ps_wanted want = {.uid = geteuid(), .everybody = !geteuid(), .state = dir};
    struct ps_list list = {0};
    char names[BOARDS_SHOWN][NAME_MAX + 1];
    const char *name = NULL;
    size_t users = 0;
    bool several = false;
    out[0] = '\0';
    /* Reading /proc takes time; a board in use has its file. */
    if (!list_names(dir, names) || !ps_read(&list, &want))
        return out;
    for (size_t i = 0; i < list.count; i++) {
        const char *board = list.process[i].board;
        if (!board || !ps_has_other_layout(&list.process[i]))
            continue;
        several = several || (name && strcmp(name, strrchr(board, '/') + 1));
        name = strrchr(board, '/') + 1;
        users++;
    }
    if (users)
        snprintf(out, OTHER_BOARDS_TEXT_SIZE,
                 "%zu program%s use%s %s, with limits of %s (harden ps)", users,
                 users == 1 ? "" : "s", users == 1 ? "s" : "",
                 several ? "boards of other versions" : name, several ? "their own" : "its own");
    ps_release(&list);
    return out;
}

int other_boards_clean(const char *dir)
{
    char names[BOARDS_SHOWN][NAME_MAX + 1], path[PATH_MAX];
    int n = list_names(dir, names), left = 0;
    others_tidy_path(dir, 0);
    for (int i = 0; i < n; i++) {
        bool there = snprintf(path, sizeof path, "%s/%s", dir, names[i]) < (int)sizeof path &&
                     !access(path, F_OK);
        left += there;
        printf("%s/%s: %s\n", dir, names[i],
               there ? "in use, or not a board that can be removed" : "removed");
    }
    if (!n)
        printf("%s: no board of another version\n", dir);
    return left ? 1 : 0;
}
