/* SPDX-License-Identifier: MIT */
#include "cli/status_boards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Counters of another file say nothing about the time between two readings. */
static void identify(struct status_board *s)
{
    struct stat st = {0};
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/" BOARD_NAME, s->found.place.dir);
    if (lstat(path, &st) || st.st_dev != s->dev || st.st_ino != s->ino)
        request_rates_free(&s->rates);
    s->dev = st.st_dev;
    s->ino = st.st_ino;
}

static bool open_one(struct status_boards *b)
{
    b->of = calloc(1, sizeof *b->of);
    if (!b->of) {
        cli_say(b->command, "out of memory");
        return false;
    }
    b->n = 1;
    struct board_found *found = &b->of[0].found;
    board_choice_open(b->command, b->config, &b->choice, false, found);
    if (found->none)
        cli_say(b->command, "%s: no program has used the library yet", found->place.dir);
    if (found->board)
        identify(&b->of[0]);
    return found->board;
}

/* Users without a board are left out; one that cannot be used is reported if `report`. */
static bool open_all(struct status_boards *b, bool report)
{
    uint32_t n;
    const char *why;
    struct board_place *places = board_places_list(b->command, b->config, &b->choice, &n);
    b->n = 0;
    b->of = places ? calloc(n + 1, sizeof *b->of) : NULL;
    for (uint32_t i = 0; b->of && i < n; i++) {
        struct status_board *s = &b->of[b->n];
        s->found.board = board_place_open(&places[i], false, &why);
        s->found.place = places[i];
        if (s->found.board) {
            b->n++;
            identify(s);
        } else if (report && errno != ENOENT)
            cli_say(b->command, "%s: %s", places[i].dir, why);
    }
    free(places);
    return b->of;
}

bool status_boards_open(struct status_boards *b)
{
    if (!b->choice.all_users)
        return open_one(b);
    bool listed = open_all(b, true);
    if (listed && !b->n)
        cli_say(b->command, "no user has a board that can be shown");
    return listed && b->n;
}

static void open_place_again(struct status_board *s)
{
    const char *why = NULL;
    board_close(s->found.board);
    s->found.board = board_place_open(&s->found.place, false, &why);
    if (s->found.board)
        identify(s);
    else
        snprintf(s->found.note, sizeof s->found.note, "%s", why);
}

static void free_boards(struct status_board *of, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        board_close(of[i].found.board);
        request_rates_free(&of[i].rates);
    }
    free(of);
}

static void move_rates(struct status_board *to, struct status_board *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(to->found.place.dir, from[i].found.place.dir) && to->dev == from[i].dev &&
            to->ino == from[i].ino) {
            to->rates = from[i].rates;
            from[i].rates = (struct request_rates){0};
        }
}

bool status_boards_open_again(struct status_boards *b)
{
    if (!b->choice.all_users) {
        open_place_again(&b->of[0]);
        return true;
    }
    struct status_boards old = *b;
    bool listed = open_all(b, false);
    for (uint32_t i = 0; listed && i < b->n; i++)
        move_rates(&b->of[i], old.of, old.n);
    free_boards(old.of, old.n);
    return listed;
}

void status_boards_free(struct status_boards *b)
{
    free_boards(b->of, b->n);
}
