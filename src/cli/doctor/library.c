/* SPDX-License-Identifier: MIT
 *
 * Whether the library is installed, whether the loader of this program can load it, and whether the
 * configuration includes the program. */
#include "cli/doctor/doctor.h"
#include "cli/locate.h"

#include "base/env.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PRELOAD_IS_IGNORED                                                                         \
    "With a missing file in LD_PRELOAD, a program runs anyway, but is not covered"

static bool is_musl_library(const struct elf *e)
{
    return !elf_needs(e, "libc.so.6");
}

static const struct object *find_libc(const struct objects *o)
{
    for (int i = 1; i < o->count; i++)
        if (!strcmp(object_name(&o->list[i]), "libc.so.6"))
            return &o->list[i];
    return NULL;
}

/* A glibc symbol version that the library needs and this C library does not define; NULL: none. */
static const char *missing_version(const struct elf *library, const struct elf *libc)
{
    const char *version;
    for (size_t i = 0; (version = elf_needed_version(library, i)); i++)
        if (!strncmp(version, "GLIBC_", 6) && !elf_defines_version(libc, version))
            return version;
    return NULL;
}

/* Whether no object of the program defines a function that the library needs. Then the loader
 * aborts. */
static bool has_unresolved(const struct elf *library, const struct objects *o)
{
    struct elf_symbol s;
    for (size_t i = 0; elf_symbol(library, i, &s); i++) {
        bool found = s.defined || s.weak || !*s.name;
        for (int k = 0; k < o->count && !found; k++)
            found = elf_defines(&o->list[k].elf, s.name, NULL);
        if (!found)
            return true;
    }
    return false;
}

static const char *effect_of_mismatch(const struct elf *library, const struct objects *o,
                                      bool loaded)
{
    if (loaded)
        return "it does nothing in this process";
    return is_musl_library(library) || has_unresolved(library, o)
               ? "with it the program would not start at all"
               : "with it the program runs as without it";
}

static bool check_c_library(struct diagnosis *d, const struct elf *library, const struct objects *o,
                            bool loaded)
{
    const char *interpreter = o->list[0].elf.interpreter;
    const struct object *libc = find_libc(o);
    const char *version = libc ? missing_version(library, &libc->elf) : NULL;
    bool musl = is_musl_library(library);
    if (objects_on_musl(o) != musl)
        doctor_say(d, LEVEL_NO,
                   "%s uses another C library (%s) than libharden.so, which was built for %s: %s; "
                   "build the library %s",
                   d->name, interpreter, musl ? "musl" : "glibc",
                   effect_of_mismatch(library, o, loaded),
                   musl ? "for glibc (make)" : "for musl (make TARGET=musl)");
    else if (version)
        doctor_say(
            d, LEVEL_NO,
            "libharden.so needs %s, which this program's C library (%s) does not provide: with it "
            "the program would not start at all; build the library on the older system",
            version, libc->path);
    else
        return true;
    return false;
}

/* Entries of LD_PRELOAD in our environment; `harden run` keeps them. */
static void check_preload(struct diagnosis *d)
{
    char path[PATH_MAX];
    const char *at = env_any("LD_PRELOAD");
    while (at && *at) {
        size_t n = strcspn(at, " :");
        snprintf(path, sizeof path, "%.*s", (int)n, at);
        if (strstr(path, "libharden.so") && path[0] == '/' && !strchr(path, '$') &&
            access(path, R_OK) < 0)
            doctor_say(d, LEVEL_NO,
                       "LD_PRELOAD in your environment contains %s: %s. " PRELOAD_IS_IGNORED
                       "; correct it",
                       path, strerror(errno));
        at += n + (at[n] != '\0');
    }
}

bool doctor_loaded(struct diagnosis *d, const char *path, const struct objects *o)
{
    char own[PATH_MAX];
    struct elf library;
    bool loaded = *path, good = true;
    d->check = "library";
    if (!loaded && !locate_library_file(own, sizeof own))
        return true;
    if (!elf_read(&library, loaded ? path : own) && library.native)
        good = check_c_library(d, &library, o, loaded);
    elf_release(&library);
    return good;
}

static bool check_library_file(struct diagnosis *d, const char *path, const struct objects *o)
{
    struct statvfs fs;
    struct elf library;
    int err = elf_read(&library, path);
    if (err || !library.native || library.program || !elf_defines(&library, "connect", NULL)) {
        doctor_say(d, LEVEL_NO,
                   "%s is damaged, or for another architecture: the loader ignores it and prints "
                   "an error; reinstall it",
                   path);
        elf_release(&library);
        return false;
    }
    bool good = check_c_library(d, &library, o, false);
    elf_release(&library);
    if (good && statvfs(path, &fs) == 0 && fs.f_flag & ST_NOEXEC) {
        doctor_say(d, LEVEL_NO,
                   "%s is on a file system mounted noexec, from which nothing can be loaded; "
                   "install it elsewhere",
                   path);
        return false;
    }
    return good;
}

bool doctor_library(struct diagnosis *d, const struct objects *o)
{
    char path[PATH_MAX], name[PATH_MAX];
    d->check = "library";
    if (!locate_library_file(path, sizeof path) || !locate_library(name, sizeof name)) {
        doctor_say(d, LEVEL_NO,
                   "libharden.so was found neither beside this command nor in " LIBDIR
                   ", or cannot be read. " PRELOAD_IS_IGNORED "; install it with make install");
        return false;
    }
    if (strpbrk(path, " :")) {
        doctor_say(
            d, LEVEL_NO,
            "%s: LD_PRELOAD cannot contain a path with a space or a colon; install it elsewhere",
            path);
        return false;
    }
    check_preload(d);
    if (!check_library_file(d, path, o))
        return false;
    doctor_say(d, LEVEL_OK, "the library is %s, and matches the C library of %s", name,
               d->kind == KIND_MACHINE ? "this machine" : "the program");
    return true;
}

void doctor_config(struct diagnosis *d, const struct config *c)
{
    d->check = "configuration";
    if (env_disabled())
        doctor_say(d, LEVEL_NO,
                   "HARDEN_DISABLE is set: all calls are passed through unchanged; unset it");
    if (!c)
        return;
    if (c->errors) {
        bool stops = env_strict();
        doctor_say(d, stops ? LEVEL_NO : LEVEL_NOTE,
                   "the configuration has %d error%s (see harden config)%s", c->errors,
                   c->errors == 1 ? "" : "s",
                   stops ? ": with HARDEN_STRICT=1 the program would exit with 78" : "");
    }
    if (c->mode == MODE_OFF)
        doctor_say(d, LEVEL_NO,
                   "mode = off: all calls are passed through unchanged; set mode = enforce");
    else if (!config_covers(c, d->name))
        doctor_say(d, LEVEL_NO,
                   "programs = %s excludes %s, the name of the program file (of the interpreter, "
                   "for a script); add it",
                   c->programs, d->name);
    else if (c->mode == MODE_OBSERVE)
        doctor_say(d, LEVEL_PARTLY,
                   "mode = observe: decisions are only counted and logged, nothing is changed; set "
                   "mode = enforce");
}
