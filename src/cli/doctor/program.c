/* SPDX-License-Identifier: MIT
 *
 * The kind of file that a program is, and the privileges with which it starts. */
#include "cli/doctor/doctor.h"
#include "cli/locate.h"

#include "base/compiler.h"

#include <elf.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

const char *doctor_machine_name(int machine, char out[24])
{
    static const struct {
        int machine;
        const char *name;
    } known[] = {{EM_X86_64, "x86-64"}, {EM_386, "i386"},    {EM_AARCH64, "aarch64"},
                 {EM_ARM, "arm"},       {EM_RISCV, "riscv"}, {EM_PPC64, "ppc64"},
                 {EM_PPC, "ppc"},       {EM_S390, "s390"},   {EM_MIPS, "mips"},
                 {EM_SPARCV9, "sparc"}, {EM_IA_64, "ia64"},  {258, "loongarch"}};
    for (size_t i = 0; i < array_size(known); i++)
        if (known[i].machine == machine)
            return known[i].name;
    snprintf(out, 24, "machine number %d", machine);
    return out;
}

bool doctor_library_of(const struct elf *program)
{
    char pattern[PATH_MAX], library[PATH_MAX];
    glob_t found;
    bool there = false;
    char *lib = locate_library(library, sizeof library) ? strstr(library, "/$LIB/") : NULL;
    if (!lib || snprintf(pattern, sizeof pattern, "%.*s/lib/*/libharden.so", (int)(lib - library),
                         library) >= (int)sizeof pattern)
        return false;
    if (glob(pattern, GLOB_NOSORT, NULL, &found))
        return false;
    for (size_t i = 0; i < found.gl_pathc && !there; i++) {
        struct elf e;
        if (elf_read(&e, found.gl_pathv[i]))
            continue;
        there = e.machine == program->machine && e.bits == program->bits;
        elf_release(&e);
    }
    globfree(&found);
    return there;
}

static void say_foreign(struct diagnosis *d, const struct elf *e)
{
    char name[24];
    const char *machine = doctor_machine_name(e->machine, name);
    if (doctor_library_of(e))
        doctor_say(d, LEVEL_PARTLY,
                   "%s is for another architecture (%s, %d bits), for which the library is "
                   "installed as well; run the harden command of that architecture to check more",
                   d->name, machine, e->bits);
    else
        doctor_say(d, LEVEL_NO,
                   "%s is for another architecture (%s, %d bits): its loader ignores the library "
                   "and prints an error; build the library for %s and install both into "
                   "lib/TRIPLET directories",
                   d->name, machine, e->bits, machine);
}

static bool uses_curl(const struct objects *o)
{
    for (int i = 0; i < o->count; i++)
        if (o->list[i].uses & (USES_EASY | USES_MULTI) && !(o->list[i].gives & GIVES_CURL))
            return true;
    return false;
}

static bool say_go(struct diagnosis *d, const struct objects *o)
{
    if (!o->list[0].elf.interpreter) {
        doctor_say(d, LEVEL_NO,
                   "%s is a static Go program without cgo: nothing can be loaded into it; limit "
                   "and retry in its source or in a proxy",
                   d->name);
        return false;
    }
    bool curl = uses_curl(o);
    doctor_say(d, curl ? LEVEL_PARTLY : LEVEL_NO,
               "%s is a Go program: Go's net package makes system calls directly instead of "
               "calling connect() of the C library%s; limit and retry in its source or in a proxy",
               d->name,
               curl ? ", so only calls of its C parts (cgo) are seen"
                    : ", so the library sees nothing, even with cgo");
    return curl;
}

bool doctor_program(struct diagnosis *d, const struct objects *o)
{
    const struct elf *e = &o->list[0].elf;
    char name[24];
    d->check = "program";
    if (!e->native) {
        say_foreign(d, e);
        return false;
    }
    if (!e->program) {
        doctor_say(d, LEVEL_NO, "%s is a library, not a program; check the program that loads it",
                   d->name);
        return false;
    }
    if (e->go)
        return say_go(d, o);
    if (!e->interpreter) {
        doctor_say(d, LEVEL_NO,
                   "%s is a static program: there is no loader to load the library; use a "
                   "dynamically linked build (without -static)",
                   d->name);
        return false;
    }
    doctor_say(d, LEVEL_OK, "%s is a dynamic program for %s", o->list[0].path,
               doctor_machine_name(e->machine, name));
    if (elf_needs(e, "libasan.so"))
        doctor_say(d, LEVEL_NOTE,
                   "%s is built with AddressSanitizer, which must come first in LD_PRELOAD: harden "
                   "run takes care of that",
                   d->name);
    return true;
}

/* A file system mounted nosuid: its setuid bits and file capabilities have no effect. */
static bool on_nosuid(const char *path)
{
    struct statvfs fs;
    return statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID;
}

bool doctor_rights(struct diagnosis *d, const char *path)
{
    struct stat st;
    const char *bits = NULL, *who = "";
    bool capabilities = getxattr(path, "security.capability", NULL, 0) > 0;
    if (stat(path, &st) < 0)
        return true;
    if (st.st_mode & S_ISUID) {
        bits = "setuid";
        who = "the file's owner";
    } else if (st.st_mode & S_ISGID && st.st_mode & S_IXGRP) {
        bits = "setgid";
        who = "users whose primary group it is";
    }
    if (!bits && !capabilities)
        return true;
    if (on_nosuid(path)) {
        doctor_say(d, LEVEL_NOTE,
                   "%s is %s, but on a file system mounted nosuid, where that has no effect",
                   d->name, bits ? bits : "given file capabilities");
        return true;
    }
    if (bits)
        doctor_say(d, LEVEL_NO,
                   "%s is %s: it starts with more privileges than its caller, so the loader "
                   "ignores LD_PRELOAD (except for %s), also for the programs that it starts. Use "
                   "a copy without that bit, run as the required user",
                   d->name, bits, who);
    if (capabilities)
        doctor_say(d, LEVEL_NO,
                   "%s has file capabilities: it starts with more privileges than its caller, so "
                   "the loader ignores LD_PRELOAD (except for root, who gains none). Remove them "
                   "(setcap -r) and use ambient capabilities instead: AmbientCapabilities= of "
                   "systemd, or setpriv --ambient-caps",
                   d->name);
    return false;
}
