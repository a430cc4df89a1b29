/* SPDX-License-Identifier: MIT
 *
 * Whether the library is installed for each kind of program of this machine, where else it is, and what
 * is loaded into every program. */
#include "cli/doctor/machine.h"

#include "base/compiler.h"
#include "cli/elf/ld_cache.h"
#include "cli/locate.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- loaders ------------------------------------------------------------------------------- */

static void say_loader(struct diagnosis *d, const char *path, const struct elf *e)
{
    char name[24];
    bool musl = strstr(path, "/ld-musl-");
    const char *machine = doctor_machine_name(e->machine, name);
    if (e->native && !musl)
        return; /* machine_library has checked it */
    if (!musl && doctor_library_of(e))
        doctor_say(d, LEVEL_OK, "the library is also installed for programs for %s, %d bits",
                   machine, e->bits);
    else if (musl)
        doctor_say(
            d, LEVEL_NOTE,
            "there is also a loader of musl for %s (%s): its programs need a library of their "
            "own (make TARGET=musl); do not preload this one into them",
            machine, path);
    else
        doctor_say(
            d, LEVEL_NOTE,
            "there is also a loader for %s, %d bits (%s), but no library for it: its programs "
            "run without the library, after an error message of the loader; build the library "
            "for %s and install both into lib/TRIPLET directories",
            machine, e->bits, path, machine);
}

static bool same_kind(const struct elf *a, const struct elf *b)
{
    return a->machine == b->machine && a->bits == b->bits;
}

/* Names of one loader, and of a glibc for the same architecture, count once. */
static void check_loaders(struct diagnosis *d)
{
    static const char *const patterns[] = {"/lib/ld-linux*.so.*", "/lib64/ld-linux*.so.*",
                                           "/lib*/ld64.so.*", "/lib/ld-musl-*.so.1"};
    glob_t found = {.gl_pathc = 0};
    char pattern[PATH_MAX];
    for (size_t i = 0; i < array_size(patterns); i++)
        if (snprintf(pattern, sizeof pattern, "%s%s", d->root, patterns[i]) < (int)sizeof pattern)
            glob(pattern, i ? GLOB_APPEND : 0, NULL, &found);
    struct elf *e = calloc(found.gl_pathc + 1, sizeof *e);
    for (size_t i = 0; e && i < found.gl_pathc; i++) {
        bool musl = strstr(found.gl_pathv[i], "/ld-musl-"),
             again = elf_read(&e[i], found.gl_pathv[i]);
        for (size_t k = 0; k < i && !again; k++)
            again = same_kind(&e[k], &e[i]) && musl == !!strstr(found.gl_pathv[k], "/ld-musl-");
        if (!again)
            say_loader(d, found.gl_pathv[i] + strlen(d->root), &e[i]);
    }
    for (size_t i = 0; e && i < found.gl_pathc; i++)
        elf_release(&e[i]);
    free(e);
    globfree(&found);
}

/* ---- other ways into a program --------------------------------------------------------------- */

static void check_second_object(struct diagnosis *d)
{
    char path[PATH_MAX];
    if (!locate_audit(path, sizeof path))
        doctor_say(
            d, LEVEL_NOTE,
            "libharden-audit.so is not beside the library: harden run --audit cannot be used; "
            "install it there");
}

/* What LD_PRELOAD=libharden.so would load. */
static void check_cache(struct diagnosis *d, const char *own)
{
    char whole[PATH_MAX];
    struct ld_cache cache;
    const char *path = NULL;
    if (ld_cache_open(&cache, d->root))
        path = ld_cache_find(cache.bytes, cache.size, "libharden.so", 0);
    if (!path)
        doctor_say(d, LEVEL_NOTE,
                   "the loader does not find the library by its name: LD_PRELOAD needs its whole "
                   "path, %s, as harden run sets it",
                   own);
    else if (realpath(path, whole) && strcmp(whole, own) != 0)
        doctor_say(d, LEVEL_PARTLY,
                   "the library is installed twice: LD_PRELOAD=libharden.so loads %s, harden run "
                   "loads %s. Different versions share no limits; remove one of them",
                   whole, own);
    else
        doctor_say(d, LEVEL_OK, "LD_PRELOAD=libharden.so loads the same library");
    ld_cache_close(&cache);
}

/* /etc/ld.so.preload: paths separated by spaces, newlines, or colons; # begins a comment. */
static void check_ld_so_preload(struct diagnosis *d)
{
    char text[4096], *rest = NULL, *words = NULL;
    machine_read(d, "/etc/ld.so.preload", text, sizeof text);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        line[strcspn(line, "#")] = '\0';
        for (char *w = strtok_r(line, " \t:", &words); w; w = strtok_r(NULL, " \t:", &words)) {
            if (!strstr(w, "libharden.so"))
                doctor_say(d, LEVEL_NOTE, "/etc/ld.so.preload also loads %s into every program", w);
            else if (w[0] == '/' && !strchr(w, '$') && access(w, R_OK) < 0)
                doctor_say(
                    d, LEVEL_PARTLY,
                    "/etc/ld.so.preload contains %s: %s. Every program of this machine prints "
                    "an error when it starts; correct the path, or remove it",
                    w, strerror(errno));
            else
                doctor_say(d, LEVEL_NOTE,
                           "/etc/ld.so.preload loads %s into every program of this machine, also "
                           "those of root; the key programs can leave some alone",
                           w);
        }
    }
}

void machine_library(struct diagnosis *d)
{
    char own[PATH_MAX];
    struct objects o = {.count = 0};
    d->check = "library";
    /* This command is a program of the machine like any other. */
    if (objects_of_program(&o, "/proc/self/exe"))
        doctor_say(d, LEVEL_NOTE,
                   "/proc is not mounted: the library cannot be compared with the C library");
    else if (doctor_library(d, &o) && locate_library_file(own, sizeof own))
        check_cache(d, own);
    objects_release(&o);
    check_second_object(d);
    check_loaders(d);
    check_ld_so_preload(d);
}
