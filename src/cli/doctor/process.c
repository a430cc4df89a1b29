/* SPDX-License-Identifier: MIT
 *
 * What /proc tells of a running process: whether the library is in it, and how it came or did not. */
#include "cli/doctor/doctor.h"
#include "cli/procfs.h"

#include "base/compiler.h"
#include "engine/board/board.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say_loaded(struct diagnosis *d, const char *maps, const char *library)
{
    char board[PATH_MAX];
    bool same = procfs_mapping(maps, BOARD_NAME, board),
         thread = procfs_has_thread(d->pid, "harden");
    bool active =
        same || procfs_mapping(maps, "board.", board) || procfs_mapping(maps, "board", board);
    if (strstr(library, " (deleted)"))
        doctor_say(d, LEVEL_NOTE,
                   "libharden.so is loaded in it from %s: the file was replaced since, which the "
                   "next start picks up",
                   library);
    else
        doctor_say(d, LEVEL_OK, "libharden.so is loaded in it from %s", library);
    if (active)
        doctor_say(d, LEVEL_OK, "it shares its state in %s", board);
    else
        doctor_say(d, LEVEL_NOTE, "no call of it was intercepted so far: it has no board");
    if (active && !same)
        doctor_say(d, LEVEL_NOTE,
                   "that is the board of another version of libharden: no limit is shared with "
                   "programs that were started since; start it anew");
    if (thread)
        doctor_say(d, LEVEL_OK, "its thread harden runs");
}

/* ---- the environment ------------------------------------------------------------------------- */

/* cli_load_config reads the environment: from here on it is that of the process. */
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

/* The entry of LD_PRELOAD that names the library. */
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
                   "it was started with more rights than its caller (setuid, setgid or file "
                   "capabilities): the loader ignored LD_PRELOAD");
    else if (!find_entry(preload, entry))
        doctor_say(d, LEVEL_NO,
                   "libharden.so is not loaded in it: it was started without it in LD_PRELOAD. A "
                   "running process cannot be given it; start it anew by harden run");
    else if (is_missing(d, entry))
        doctor_say(d, LEVEL_NO,
                   "libharden.so is not loaded in it: its LD_PRELOAD names %s, which is not there "
                   "or cannot be read. The loader says so once and goes on; correct the path, and "
                   "start it anew",
                   entry);
    else
        doctor_say(d, LEVEL_NO,
                   "libharden.so is not loaded in it, although its LD_PRELOAD names %s: the file "
                   "was not there or could not be loaded then, which the loader said once on "
                   "standard error, or nothing can be loaded into such a program; start it anew",
                   entry);
}

/* ---- as a whole ------------------------------------------------------------------------------ */

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
        doctor_say(
            d, LEVEL_NO,
            "process %d cannot be looked into: it belongs to uid %u, or protects itself; ask "
            "as that user or as root",
            (int)d->pid, (unsigned)st.st_uid);
    else
        doctor_say(d, LEVEL_NO,
                   "process %d has no program: it is a thread of the kernel, or has ended",
                   (int)d->pid);
    return false;
}

bool doctor_process(struct diagnosis *d, char **maps)
{
    char library[PATH_MAX];
    size_t size = 0, length = 0;
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
                       "it was started with more rights than its caller: libharden.so does nothing "
                       "in it");
    } else {
        say_not_loaded(d, procfs_variable(environment, size, "LD_PRELOAD"), secure);
    }
    adopt_environment(d, environment, size);
    free(environment);
    return true;
}

void doctor_become(const struct diagnosis *d)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d", (int)d->pid);
    if (geteuid() || stat(path, &st) || !st.st_uid)
        return;
    if (setegid(st.st_gid) || seteuid(st.st_uid))
        return; /* then as ourselves: it is only about whose files are trusted */
}
