/* SPDX-License-Identifier: MIT */
#include "cli/board_places.h"

#include "base/env.h"
#include "base/kernel.h"
#include "base/words.h"
#include "cli/foreign_board.h"
#include "engine/board/location.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SESSIONS      "/run/user"
#define MEMORY        "/dev/shm"
#define MEMORY_PREFIX "harden-"
#define MEMORY_PLACES 10 /* names below /dev/shm that the library tries (config/paths.c) */

/* ---- lists of places ------------------------------------------------------------------------- */

struct places {
    struct board_place *at; /* NULL: out of memory */
    uint32_t n, room;
};

static struct places no_places(void)
{
    struct places l = {.room = 16};
    l.at = calloc(l.room, sizeof *l.at);
    return l;
}

static bool has_place(const struct places *l, const char *dir)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (!strcmp(l->at[i].dir, dir))
            return true;
    return false;
}

static void add_place(struct places *l, const char *dir, uid_t user)
{
    if (!l->at || has_place(l, dir) || strlen(dir) >= sizeof l->at->dir)
        return;
    if (l->n == l->room) {
        struct board_place *more = reallocarray(l->at, l->room *= 2, sizeof *more);
        if (!more)
            free(l->at);
        l->at = more;
        if (!more)
            return;
    }
    struct board_place *p = &l->at[l->n++];
    snprintf(p->dir, sizeof p->dir, "%s", dir);
    p->user = user;
}

#define NOT_KNOWN ((uid_t) - 1)

static bool is_directory(const char *dir, uid_t *owner)
{
    struct stat st;
    if (kernel_stat(AT_FDCWD, dir, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
        return false;
    *owner = st.st_uid;
    return true;
}

/* A directory that somebody has named; it need not exist. */
static void add_named(struct places *l, const char *dir)
{
    uid_t owner;
    bool there = is_directory(dir, &owner);
    add_place(l, dir, there ? owner : errno == EACCES ? NOT_KNOWN : kernel_euid());
}

static void add_if_owned(struct places *l, const char *dir, uid_t user)
{
    uid_t owner;
    if (is_directory(dir, &owner) && owner == user)
        add_place(l, dir, user);
}

/* number: the user's id in names, which differs from `user` in a user namespace. */
static void add_default_places(struct places *l, uid_t user, unsigned number)
{
    char dir[64];
    snprintf(dir, sizeof dir, SESSIONS "/%u/harden", number);
    add_if_owned(l, dir, user);
    for (int i = 0; i < MEMORY_PLACES; i++) {
        snprintf(dir, sizeof dir,
                 i ? MEMORY "/" MEMORY_PREFIX "%u.%d" : MEMORY "/" MEMORY_PREFIX "%u", number, i);
        add_if_owned(l, dir, user);
    }
}

static bool parse_user_id(const char *text, uid_t *user)
{
    uint64_t n = 0;
    const char *at = text;
    for (; ascii_is_digit(*at) && n < UINT32_MAX; at++)
        n = n * 10 + (uint64_t)(*at - '0');
    *user = (uid_t)n;
    return at > text && !*at && n < UINT32_MAX;
}

/* Names in a directory that begin with the prefix and a user id. Anybody may create them in /dev/shm:
 * add_default_places() adds only what belongs to that user. */
static void add_users_in(struct places *l, const char *directory, const char *prefix)
{
    char number[16];
    uid_t user;
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t skip = strlen(prefix);
        if (strncmp(e->d_name, prefix, skip))
            continue;
        snprintf(number, sizeof number, "%.*s", (int)strcspn(e->d_name + skip, "."),
                 e->d_name + skip);
        if (parse_user_id(number, &user))
            add_default_places(l, user, user);
    }
    if (d)
        closedir(d);
}

/* ---- the choice ------------------------------------------------------------------------------ */

static int by_user(const void *a, const void *b)
{
    const struct board_place *x = a, *y = b;
    return x->user != y->user ? (x->user > y->user) - (x->user < y->user) : strcmp(x->dir, y->dir);
}

static void add_all_users(struct places *l, const struct config *config)
{
    if (config->state)
        add_named(l, config->state);
    add_users_in(l, SESSIONS, "");
    add_users_in(l, MEMORY, MEMORY_PREFIX);
    if (l->at)
        qsort(l->at, l->n, sizeof *l->at, by_user);
}

bool board_user(const char *name, uid_t *user)
{
    const struct passwd *known = getpwnam(name);
    if (known)
        *user = known->pw_uid;
    return known || parse_user_id(name, user);
}

static bool add_user(struct places *l, const struct command *c, const struct config *config,
                     const char *name)
{
    uid_t user, owner;
    if (!board_user(name, &user)) {
        cli_say(c, "--user %s: there is no such user", name);
        return false;
    }
    if (user != kernel_euid() && kernel_euid() != 0) {
        cli_say(c, "--user %s: only root may look at the boards of other users", name);
        return false;
    }
    if (config->state && (is_directory(config->state, &owner) ? owner : kernel_euid()) == user)
        add_place(l, config->state, user);
    add_default_places(l, user, user == kernel_euid() ? location_user() : user);
    if (l->at && !l->n) {
        char dir[64];
        snprintf(dir, sizeof dir, MEMORY "/" MEMORY_PREFIX "%u", user);
        add_place(l, dir, user);
    }
    return true;
}

/* Whether neither the configuration nor XDG_RUNTIME_DIR names the directory. */
static bool is_automatic(const struct config *config)
{
    const char *value = config->value[option_find(SECTION_HARDEN, "state")];
    const char *runtime = env_get("XDG_RUNTIME_DIR");
    size_t n = runtime ? strlen(runtime) : 0;
    bool below_runtime = n && !strncmp(config->state, runtime, n) && config->state[n] == '/';
    return (!value || ascii_same(value, "auto")) && !below_runtime;
}

static bool add_own(struct places *l, const struct command *c, const struct config *config)
{
    if (!config->state) {
        cli_say(c, "state = private: each process has its own board, which this command cannot "
                   "open");
        return false;
    }
    add_named(l, config->state);
    if (is_automatic(config))
        add_default_places(l, kernel_euid(), location_user());
    return true;
}

static bool list_places(struct places *l, const struct command *c, const struct config *config,
                        const struct board_choice *choice)
{
    if (!!choice->user + !!choice->state + choice->all_users > 1) {
        cli_say(c, "--user, --state and --all-users exclude each other; give one of them");
        return false;
    }
    if (choice->state) {
        char path[PATH_MAX];
        const char *whole = env_absolute(choice->state, path, sizeof path);
        add_named(l, whole ? whole : choice->state);
        return true;
    }
    if (choice->user)
        return add_user(l, c, config, choice->user);
    if (!choice->all_users)
        return add_own(l, c, config);
    if (kernel_euid() != 0) {
        cli_say(c, "--all-users: only root may look at the boards of other users");
        return false;
    }
    add_all_users(l, config);
    return true;
}

struct board_place *board_places_list(const struct command *c, const struct config *config,
                                      const struct board_choice *choice, uint32_t *n)
{
    struct places l = no_places();
    bool chosen = list_places(&l, c, config, choice);
    *n = l.n;
    if (chosen && !l.at)
        cli_say(c, "out of memory");
    if (chosen)
        return l.at;
    free(l.at);
    return NULL;
}

/* ---- opening --------------------------------------------------------------------------------- */

bool board_place_is_foreign(const struct board_place *p)
{
    return p->user != kernel_euid();
}

struct board *board_place_open(const struct board_place *p, bool writable, const char **why)
{
    if (!board_place_is_foreign(p))
        return board_attach(p->dir, writable, why);
    errno = EPERM;
    *why = "it belongs to another user; only root may look at it";
    if (kernel_euid() != 0)
        return NULL;
    *why = "it belongs to another user, and this command writes; run it as that user";
    return writable ? NULL : foreign_board_open(p->dir, p->user, why);
}
