/* SPDX-License-Identifier: MIT */
#include "cli/board_choice.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/liveness.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 12 /* default locations of one user, and the one that is configured */

/* "board", or "board." followed by a layout version. */
static bool is_board_file(const char *name)
{
    static const char first[] = "board";
    size_t n = sizeof first - 1;
    if (strncmp(name, first, n))
        return false;
    size_t digits = name[n] == '.' ? strspn(name + n + 1, "0123456789") : 0;
    return !name[n] || (digits && !name[n + 1 + digits]);
}

/* Whether the directory contains a board of another layout version. */
static bool has_other_board(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool found = false;
    while (d && !found && (e = readdir(d)))
        found = is_board_file(e->d_name);
    if (d)
        closedir(d);
    return found;
}

/* How much a board is worth showing: 0: there is none; 1: no program uses it. */
static uint32_t look(const struct board_place *p, bool writable, struct board **b, const char **why)
{
    *b = board_place_open(p, writable, why);
    return *b ? 1 + liveness_of(*b, clock_now_ns()).running : 0;
}

static void report_missing(const struct command *c, const struct board_place *p, const char *why,
                           int error, struct board_found *out)
{
    out->place = *p;
    out->none = error == ENOENT;
    if (out->none && has_other_board(p->dir)) {
        out->none = false;
        why = "contains only the board of another version of libharden; restart the programs that "
              "use it";
    }
    if (!out->none)
        cli_say(c, "%s: %s", p->dir, why);
}

/* Of the place that a program with this environment uses. */
static void note_first(struct text *t, const struct board_place *p, uint32_t worth, int error,
                       const char *why)
{
    if (!worth && error != ENOENT)
        text_fmt(t, "%.200s: %s", p->dir, why);
    else
        text_fmt(t, "no program uses a board in %.200s, the default without XDG_RUNTIME_DIR",
                 p->dir);
}

static void note_other(struct text *t, const struct board_place *p, uint32_t programs)
{
    text_fmt(t, "%s%u program%s another board: --state %.200s shows it", t->n ? "; " : "", programs,
             programs == 1 ? " uses" : "s use", p->dir);
}

void board_choice_open(const struct command *c, const struct config *config,
                       const struct board_choice *choice, bool writable, struct board_found *out)
{
    uint32_t n, best = 0, worth[PLACES_MAX] = {0};
    *out = (struct board_found){0};
    if (config->state_refused && !choice->user && !choice->state)
        cli_say(c, "%s: owned by another user; the board of this user is in %s",
                config->state_refused, config->state);
    struct board_place *places = board_places_list(c, config, choice, &n);
    struct text t = TEXT_OVER(out->note);
    const char *why = NULL, *first_why = NULL;
    int error = 0;
    for (uint32_t i = 0; places && i < n && i < PLACES_MAX; i++) {
        struct board *b;
        worth[i] = look(&places[i], writable, &b, &why);
        if (!i) {
            error = errno;
            first_why = why;
        }
        bool better = !out->board || (worth[best] == 1 && worth[i] > 1);
        if (b && better) {
            board_close(out->board);
            out->board = b;
            best = i;
        } else {
            board_close(b);
        }
    }
    if (places && out->board) {
        out->place = places[best];
        if (best && !choice->user)
            note_first(&t, &places[0], worth[0], error, first_why);
        for (uint32_t i = 0; i < n && i < PLACES_MAX; i++)
            if (i != best && worth[i] > 1)
                note_other(&t, &places[i], worth[i] - 1);
    } else if (places) {
        report_missing(c, &places[0], first_why, error, out);
    }
    free(places);
}
