/* SPDX-License-Identifier: MIT */
#include "engine/state_dir.h"

#include "base/kernel.h"
#include "base/log.h"
#include "base/text.h"
#include "base/words.h"
#include "engine/board/location.h"
#include "engine/board/others.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static bool stat_board(const char *dir, struct stat *st)
{
    char path[PATH_MAX];
    struct text t = TEXT_OVER(path);
    text_put(&t, dir);
    text_put(&t, "/" BOARD_NAME);
    return !t.full && stat(path, st) == 0;
}

bool state_dir_has(const struct config *c, const struct state_file *file)
{
    struct stat st;
    return stat_board(c->state, &st) && st.st_dev == file->dev && st.st_ino == file->ino;
}

static void note_file(const char *dir, struct state_file *file)
{
    struct stat st = {0}, root = {0};
    if (dir && stat_board(dir, &st))
        stat("/", &root);
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    file->root_dev = root.st_dev;
    file->root_ino = root.st_ino;
    file->user = kernel_euid();
}

static bool is_named(const struct config *c)
{
    const char *value = c->value[option_find(SECTION_HARDEN, "state")];
    return c->state && value && !ascii_same(value, "auto");
}

static void make_parents(const char *dir)
{
    char path[PATH_MAX];
    for (const char *end = dir; (end = strchr(end + 1, '/'));) {
        struct text t = TEXT_OVER(path);
        text_putn(&t, dir, (size_t)(end - dir));
        if (t.full || !location_make(path))
            return;
    }
}

void state_dir_explain(const struct config *c, const char *why, struct text *t)
{
    struct stat st;
    const char *dir = c->state;
    unsigned user = kernel_euid();
    text_put(t, dir);
    if (kernel_stat(AT_FDCWD, dir, &st, 0))
        text_fmt(t, ": %s; create it for user %u, or set state = to another directory", why, user);
    else if (!S_ISDIR(st.st_mode))
        text_put(t, ": not a directory; set state = to one");
    else if (st.st_uid != user)
        text_fmt(t, ": owned by user %u; set state = to a directory of user %u", st.st_uid, user);
    else if (st.st_mode & LOCATION_WRITERS)
        text_fmt(t, ": mode 0%o lets others write; make it 0%o with chmod go-w", st.st_mode & 07777,
                 st.st_mode & 07777 & ~LOCATION_WRITERS);
    else
        text_fmt(t, ": %s", why);
}

/* Errors where limits are configured, because they do not apply to all processes together then. */
static enum log_level level_of_private(const struct config *c)
{
    return config_has_limits(c) ? LOG_ERROR : LOG_WARN;
}

static void report_private(const struct config *c, const char *why)
{
    char said[PATH_MAX + 256];
    struct text t = TEXT_OVER(said);
    state_dir_explain(c, why, &t);
    log_at(level_of_private(c), "%s. The board is private to this process", said);
}

/* The board is shared, but not where programs of this user usually have it. */
static void report_elsewhere(const struct config *c)
{
    enum log_level level = level_of_private(c);
    if (c->state_refused)
        log_at(level,
               "%s: owned by another user; set state = to a directory of user %u, or leave it out. "
               "The board is in %s",
               c->state_refused, kernel_euid(), c->state);
    else if (c->state_taken)
        log_at(level,
               "%s: owned by another user; remove it and restart the programs that are running. "
               "Until then the board is in %s",
               c->state_taken, c->state);
    else if (c->runtime_taken)
        log_at(level, "XDG_RUNTIME_DIR = %s: %s; unset it. The board is in %s", c->runtime_taken,
               location_is_own(c->runtime_taken) ? "cannot be written" : "owned by another user",
               c->state);
}

struct board *state_dir_open_board(const struct config *c, struct state_file *file)
{
    const char *why = NULL;
    if (is_named(c))
        make_parents(c->state);
    struct board *b = board_open(c->state, c->max_hosts, &why);
    if (!b)
        return NULL;
    if (why)
        report_private(c, why);
    else
        report_elsewhere(c);
    note_file(c->state, file);
    return b;
}

static bool is_replaced(const struct config *c, const struct state_file *file)
{
    struct stat now, root;
    bool there = stat_board(c->state, &now);
    bool replaced = there ? now.st_dev != file->dev || now.st_ino != file->ino : errno == ENOENT;
    return replaced && kernel_euid() == file->user && !stat("/", &root) &&
           root.st_dev == file->root_dev && root.st_ino == file->root_ino;
}

/* The file may be removed by RemoveIPC at logout or by an administrator. Processes that start after that
 * use another board. */
struct board *state_dir_reopen_board(const struct config *c, const struct board *board,
                                     struct state_file *file)
{
    if (!board->shared || !is_replaced(c, file))
        return NULL;
    if (is_named(c))
        make_parents(c->state);
    struct board *b = board_open(c->state, c->max_hosts, NULL);
    if (b && b->shared) {
        note_file(c->state, file);
        log_info("%s: the board was removed or replaced; opened it again", c->state);
        return b;
    }
    board_close(b);
    return NULL;
}

void state_dir_tidy(const struct config *c, struct board *board)
{
    if (board->shared)
        board->others = others_tidy_path(c->state, OTHERS_REST_S);
}
