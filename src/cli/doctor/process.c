/* SPDX-License-Identifier: MIT
 *
 * Whether a running process has loaded the library, and if not, why. */
#include "cli/doctor/doctor.h"
#include "cli/other_boards.h"
#include "cli/procfs.h"

#include "base/compiler.h"
#include "engine/board/board.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say_loaded(struct diagnosis *d, const char *maps, const char *library)
{
    char board[PATH_MAX], others[OTHER_BOARDS_TEXT_SIZE];
    bool same = procfs_mapping(maps, BOARD_NAME, board),
         thread = procfs_has_thread(d->pid, "harden");
    bool active =
        same || procfs_mapping(maps, "board.", board) || procfs_mapping(maps, "board", board);
    if (strstr(library, " (deleted)"))
        doctor_say(d, LEVEL_NOTE,
                   "it has loaded libharden.so from %s: the file has been replaced since; restart "
                   "it to use the new one",
                   library);
    else
        doctor_say(d, LEVEL_OK, "it has loaded libharden.so from %s", library);
    if (active)
        doctor_say(d, LEVEL_OK, "its board is %s", board);
    if (active && !same)
        doctor_say(d, LEVEL_NOTE,
                   "that is the board of another version of libharden: it shares no limits with "
                   "programs started since; restart it");
    else if (active && *other_boards_text(dirname(board), others))
        doctor_say(d, LEVEL_NOTE, "another board is in use beside it: %s", others);
    if (thread)
        doctor_say(d, LEVEL_OK, "its background thread (named harden) is running");
}

/* ---- the environment ----------------------------------------------------------------------- */

/* Replaces the variables of our environment that cli_load_config reads with those of the
 * process. */
static void adopt_environment(struct diagnosis *d, const char *environment, size_t size)
{
    static const char *const others[] = {"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"};
    char all[1024] = "";
    size_t n = 0;
    char **kept = environ;
    for (char **v = environ; v && *v; v++)
        if (strncmp(*v, "HARDEN_", 7))
            *kept++ = *v;
    if (kept)
        *kept = NULL;
    for (size_t i = 0; i < array_size(others); i++) {
        const char *value = procfs_variable(environment, size, others[i]);
        if (value)
            setenv(others[i], value, 1);
        else
            unsetenv(others[i]);
    }
    for (const char *v = environment; v < environment + size; v += strlen(v) + 1) {
        char name[256];
        const char *equals = strchr(v, '=');
        if (strncmp(v, "HARDEN_", 7) || !equals || equals - v >= (int)sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(equals - v), v);
        setenv(name, equals + 1, 1);
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, " %s", v);
    }
    if (*all)
        doctor_say(d, LEVEL_NOTE, "it was started with%s", all);
}

/* The entry of LD_PRELOAD for the library. */
static bool find_entry(const char *preload, char out[PATH_MAX])
{
    while (preload && *preload) {
        size_t n = strcspn(preload, " :");
        snprintf(out, PATH_MAX, "%.*s", (int)n, preload);
        if (strstr(out, "libharden.so"))
            return true;
        preload += n + (preload[n] != '\0');
    }
    return false;
}

static bool is_missing(const struct diagnosis *d, const char *entry)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)d->pid, entry);
    return entry[0] == '/' && !strchr(entry, '$') && access(path, R_OK) < 0;
}

static void say_not_loaded(struct diagnosis *d, const char *preload, bool secure)
{
    char entry[PATH_MAX];
    if (secure)
        doctor_say(d, LEVEL_NO,
                   "it was started with more privileges than its caller (setuid, setgid or file "
                   "capabilities): the loader ignored LD_PRELOAD");
    else if (!find_entry(preload, entry))
        doctor_say(d, LEVEL_NO,
                   "it has not loaded libharden.so: it was not in LD_PRELOAD at the start. It "
                   "cannot be added to a running process; restart it with harden run");
    else if (is_missing(d, entry))
        doctor_say(d, LEVEL_NO,
                   "it has not loaded libharden.so: its LD_PRELOAD contains %s, which is missing "
                   "or cannot be read. The loader prints an error and continues; correct the path "
                   "and restart it",
                   entry);
    else
        doctor_say(
            d, LEVEL_NO,
            "it has not loaded libharden.so, although its LD_PRELOAD contains %s: either the file "
            "was missing or could not be loaded at the start, which the loader reported on "
            "standard error, or nothing can be loaded into such a program; restart it",
            entry);
}

/* ---- the whole process --------------------------------------------------------------------- */

static bool is_secure(const struct diagnosis *d)
{
    size_t size = 0;
    char *text = procfs_read(d->pid, "auxv", &size);
    bool secure = false;
    for (size_t at = 0; text && at + sizeof(ElfW(auxv_t)) <= size; at += sizeof(ElfW(auxv_t))) {
        ElfW(auxv_t) a;
        memcpy(&a, text + at, sizeof a);
        secure = secure || (a.a_type == AT_SECURE && a.a_un.a_val);
    }
    free(text);
    return secure;
}

static bool say_cannot_inspect(struct diagnosis *d, int error)
{
    char path[64];
    struct stat st;
    d->not_inspectable = true;
    snprintf(path, sizeof path, "/proc/%d", (int)d->pid);
    if (stat(path, &st) < 0)
        doctor_say(d, LEVEL_NO, "there is no process %d", (int)d->pid);
    else if (error == EACCES || error == EPERM)
        doctor_say(d, LEVEL_NO,
                   "process %d cannot be inspected: it belongs to uid %u, or is protected; run "
                   "harden doctor as that user or as root",
                   (int)d->pid, (unsigned)st.st_uid);
    else
        doctor_say(d, LEVEL_NO, "process %d has no program: it is a kernel thread, or has ended",
                   (int)d->pid);
    return false;
}

bool doctor_process(struct diagnosis *d, char **maps)
{
    char library[PATH_MAX];
    size_t size = 0, length = 0;
    d->check = "process";
    *maps = procfs_read(d->pid, "maps", &length);
    char *environment = *maps && length ? procfs_read(d->pid, "environ", &size) : NULL;
    if (!environment)
        return say_cannot_inspect(d, *maps && length ? errno : *maps ? ENOENT : errno);
    bool secure = is_secure(d);
    d->audit = procfs_mapping(*maps, "libharden-audit.so", library);
    if (procfs_mapping(*maps, "libharden.so", library)) {
        say_loaded(d, *maps, library);
        if (secure)
            doctor_say(d, LEVEL_NO,
                       "it was started with more privileges than its caller: libharden.so does "
                       "nothing in it");
    } else {
        say_not_loaded(d, procfs_variable(environment, size, "LD_PRELOAD"), secure);
    }
    adopt_environment(d, environment, size);
    free(environment);
    return true;
}

void doctor_adopt_user(const struct diagnosis *d)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d", (int)d->pid);
    if (geteuid() || stat(path, &st) || !st.st_uid)
        return;
    if (setegid(st.st_gid) || seteuid(st.st_uid))
        return; /* continue as ourselves: only affects whose files are trusted */
}
