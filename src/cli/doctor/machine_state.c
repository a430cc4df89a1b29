/* SPDX-License-Identifier: MIT
 *
 * Whether the programs of this user find one board, and whether there are others beside it. */
#include "cli/doctor/machine.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/env.h"
#include "base/text.h"
#include "base/words.h"
#include "cli/cli.h"
#include "cli/liveness.h"
#include "cli/other_boards.h"
#include "engine/board/location.h"
#include "engine/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ZFS_MAGIC 0x2fc12fc1

static const char *file_system_name(const char *path, char out[24])
{
    static const struct {
        unsigned kind;
        const char *name;
    } known[] = {{TMPFS_MAGIC, "tmpfs"},       {RAMFS_MAGIC, "ramfs"},
                 {EXT4_SUPER_MAGIC, "ext4"},   {XFS_SUPER_MAGIC, "xfs"},
                 {BTRFS_SUPER_MAGIC, "btrfs"}, {OVERLAYFS_SUPER_MAGIC, "overlayfs"},
                 {NFS_SUPER_MAGIC, "nfs"},     {FUSE_SUPER_MAGIC, "fuse"},
                 {ZFS_MAGIC, "zfs"},           {V9FS_MAGIC, "9p"}};
    struct statfs fs;
    if (statfs(path, &fs))
        return "unknown";
    for (size_t i = 0; i < array_size(known); i++)
        if (known[i].kind == (unsigned)fs.f_type)
            return known[i].name;
    snprintf(out, 24, "type 0x%x", (unsigned)fs.f_type);
    return out;
}

/* ---- the directory ------------------------------------------------------------------------- */

/* For a new board of this size, in `directory` or, if that does not exist yet, one above it. */
static void check_room(struct diagnosis *d, const struct config *c, const char *directory)
{
    struct statvfs fs;
    struct rlimit size;
    uint64_t need = board_file_size(c->max_hosts);
    if (statvfs(directory, &fs))
        return;
    if (fs.f_flag & ST_RDONLY)
        doctor_say(d, LEVEL_PARTLY,
                   "%s is mounted read-only: each process gets a board of its own; name another "
                   "directory with state =",
                   directory);
    else if ((uint64_t)fs.f_bavail * fs.f_frsize < need)
        doctor_say(d, LEVEL_PARTLY,
                   "the file system of %s has %llu KiB left, and a new board needs %llu KiB: "
                   "without, each process gets a board of its own; free some, or lower max_hosts",
                   directory, (unsigned long long)fs.f_bavail * fs.f_frsize >> 10,
                   (unsigned long long)need >> 10);
    if (!getrlimit(RLIMIT_FSIZE, &size) && size.rlim_cur < need)
        doctor_say(
            d, LEVEL_PARTLY,
            "files of this user may have %llu KiB only (ulimit -f), and a new board needs up "
            "to %llu KiB; raise the limit, or lower max_hosts",
            (unsigned long long)size.rlim_cur >> 10, (unsigned long long)need >> 10);
}

/* It is created, with its parents, by the first program. */
static void check_missing(struct diagnosis *d, const struct config *c)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", c->state);
    for (char *slash; access(parent, F_OK) && (slash = strrchr(parent, '/'));)
        slash[slash == parent] = '\0';
    if (access(parent, W_OK | X_OK))
        doctor_say(
            d, LEVEL_PARTLY,
            "the state directory %s cannot be created in %s: %s. Each process gets a board of "
            "its own; create it for this user, or name another with state =",
            c->state, parent, strerror(errno));
    else
        doctor_say(d, LEVEL_OK,
                   "the state directory %s does not exist yet: the first program creates it",
                   c->state);
    check_room(d, c, parent);
}

/* False: it cannot be used. */
static bool check_directory(struct diagnosis *d, const struct config *c)
{
    char kind[24], said[PATH_MAX + 256];
    struct text t = TEXT_OVER(said);
    const char *why;
    struct stat st = {.st_mode = 0};
    int dir = location_open(c->state, false, &why);
    if (dir < 0 && errno == ENOENT) {
        check_missing(d, c);
        return false;
    }
    bool usable = dir >= 0 && location_keeps_room(dir) && !fstat(dir, &st);
    if (dir >= 0)
        close(dir);
    if (usable) {
        doctor_say(d, LEVEL_OK, "the state directory is %s (%s, mode %04o)", c->state,
                   file_system_name(c->state, kind), (unsigned)st.st_mode & 07777);
    } else {
        state_dir_explain(c, dir < 0 ? why : location_why_no_room, &t);
        doctor_say(d, LEVEL_PARTLY, "%s. Each process gets a board of its own", said);
    }
    return usable;
}

static void check_board(struct diagnosis *d, const struct config *c)
{
    const char *why;
    errno = 0;
    struct board *b = board_attach(c->state, false, &why);
    if (!b && errno == ENOENT) {
        doctor_say(d, LEVEL_OK, "there is no board yet: the first program creates it");
        check_room(d, c, c->state);
    } else if (!b && why == board_why_unfit) {
        doctor_say(d, LEVEL_NOTE,
                   "the board %s/" BOARD_NAME " is damaged, of another version or from before the "
                   "last boot: the next program replaces it",
                   c->state);
    } else if (!b) {
        doctor_say(d, LEVEL_PARTLY,
                   "the board %s/" BOARD_NAME " cannot be used: %s. Each process gets one of its "
                   "own; remove it while no program uses it",
                   c->state, why);
    } else {
        struct liveness l = liveness_of(b, clock_now_ns());
        doctor_say(d, LEVEL_OK, "the board is %s/" BOARD_NAME ", used by %u running process%s",
                   c->state, l.running, l.running == 1 ? "" : "es");
        board_close(b);
    }
}

/* ---- other boards -------------------------------------------------------------------------- */

static void check_versions(struct diagnosis *d, const char *directory)
{
    char others[OTHER_BOARDS_TEXT_SIZE];
    if (*other_boards_text(directory, others))
        doctor_say(d, LEVEL_NOTE, "%s; restart those that harden ps marks", others);
}

/* With state = auto, programs with and without XDG_RUNTIME_DIR have different boards. */
static void check_other_place(struct diagnosis *d, const struct config *c, const char *path,
                              const char *whose)
{
    char board[PATH_MAX];
    if (!strcmp(path, c->state) ||
        snprintf(board, sizeof board, "%s/" BOARD_NAME, path) >= (int)sizeof board ||
        access(board, F_OK))
        return;
    doctor_say(d, LEVEL_PARTLY,
               "there is also %s, the board of programs %s XDG_RUNTIME_DIR, such as those of %s: "
               "they share no limits with the others; name one directory for all with state =",
               board, whose, strcmp(whose, "with") != 0 ? "cron" : "a login session");
}

static void check_places(struct diagnosis *d, const struct config *c)
{
    char path[64];
    const char *value = c->value[option_find(SECTION_HARDEN, "state")];
    const char *runtime = env_get("XDG_RUNTIME_DIR"), *sudo = env_any("SUDO_USER");
    if (sudo && *sudo && !geteuid())
        doctor_say(
            d, LEVEL_NOTE,
            "this is sudo: these are the findings for root; run harden doctor as %s for that "
            "user's programs",
            sudo);
    if (c->state_refused)
        doctor_say(
            d, LEVEL_PARTLY,
            "state = %s belongs to another user: the board is in %s; name a directory of this "
            "user, or leave the key out",
            c->state_refused, c->state);
    else if (value && !ascii_same(value, "auto"))
        return;
    if (!runtime || !*runtime)
        doctor_say(
            d, LEVEL_NOTE,
            "XDG_RUNTIME_DIR is not set, as under cron and sudo: programs of a login session, "
            "for which it is set, have another board; name one directory for all with state =");
    else if (*runtime == '/' && access(runtime, F_OK))
        doctor_say(d, LEVEL_NOTE, "XDG_RUNTIME_DIR = %s does not exist: the board is in %s",
                   runtime, c->state);
    if (c->runtime_taken)
        doctor_say(d, LEVEL_PARTLY, "XDG_RUNTIME_DIR = %s %s: the board is in %s; unset it",
                   c->runtime_taken,
                   location_is_own(c->runtime_taken) ? "cannot be written"
                                                     : "belongs to another user",
                   c->state);
    if (c->state_taken)
        doctor_say(
            d, LEVEL_PARTLY,
            "%s is no directory of this user: the board is in %s; remove it, then restart the "
            "programs that are running",
            c->state_taken, c->state);
    snprintf(path, sizeof path, "/dev/shm/harden-%u", location_user());
    check_other_place(d, c, path, "without");
    snprintf(path, sizeof path, "/run/user/%u/harden", location_user());
    check_other_place(d, c, path, "with");
}

void machine_state(struct diagnosis *d, const struct config *c)
{
    d->check = "state";
    if (!c)
        return;
    if (!c->state) {
        doctor_say(
            d, LEVEL_NOTE,
            "state = private: each process has a board of its own, so limits are not shared, "
            "and harden status shows nothing");
        return;
    }
    if (check_directory(d, c)) {
        check_board(d, c);
        check_versions(d, c->state);
    }
    check_places(d, c);
}
