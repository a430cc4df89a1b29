/* SPDX-License-Identifier: MIT
 *
 * What would be covered of a program, or is of a process, and what to do about the rest. */
#include "base/words.h"
#include "cli/cli.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/script.h"
#include "cli/locate.h"
#include "cli/procfs.h"

#include "base/compiler.h"
#include "engine/config/values.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPTS_DEEPEST 5

static bool say_cannot_run(struct diagnosis *d, const char *name)
{
    const char *remedy = "";
    int error = errno;
    if (error == ENOENT || error == ENOTDIR)
        remedy =
            strchr(name, '/') ? "" : "; a program that is not in PATH is named with its directory";
    else if (error == EACCES)
        remedy = "; it must be made executable (chmod +x), and its directories open to you";
    else if (error == EISDIR)
        remedy = "; name the program in it";
    doctor_say(d, LEVEL_NO, "%s cannot be run: %s%s", name, strerror(error), remedy);
    return false;
}

static size_t read_head(const char *path, char *head, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, head, size) : -1;
    if (fd >= 0)
        close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* From a script to what runs it: `path` becomes that program's. */
static bool follow_script(struct diagnosis *d, char path[PATH_MAX])
{
    char head[256], by[256];
    size_t n = read_head(path, head, sizeof head);
    if (!n) {
        doctor_say(d, LEVEL_NO, "%s cannot be read, or is empty: nothing can be told of it", path);
        return false;
    }
    enum script kind = script_parse(head, n, by, sizeof by);
    if (kind == SCRIPT_NONE) {
        doctor_say(d, LEVEL_NO,
                   "%s is neither a program of this system nor a script; ask for what runs it",
                   path);
        return false;
    }
    if (kind == SCRIPT_PLAIN)
        snprintf(by, sizeof by, "/bin/sh");
    d->script = true;
    doctor_say(d, LEVEL_NOTE, "%s is a script: it is %s that the library is loaded into%s", path,
               by, kind == SCRIPT_PLAIN ? " (it has no #! line)" : "");
    if (!locate_program(by, path, PATH_MAX))
        return say_cannot_run(d, by);
    return true;
}

static bool find_objects(struct diagnosis *d, const char *name, char path[PATH_MAX],
                         struct objects *o)
{
    if (!locate_program(name, path, PATH_MAX))
        return say_cannot_run(d, name);
    for (int depth = 0;; depth++) {
        int err = objects_of_program(o, path);
        if (!err)
            return true;
        objects_release(o);
        if (err != -ENOEXEC) {
            errno = -err;
            doctor_say(d, LEVEL_NO, "%s cannot be read: %s; ask as a user who may", path,
                       strerror(errno));
            return false;
        }
        if (depth == SCRIPTS_DEEPEST) {
            doctor_say(d, LEVEL_NO,
                       "%s: a script is run by a script, and so on; the kernel gives up", path);
            return false;
        }
        if (!follow_script(d, path))
            return false;
    }
}

/* As the library will see it: the file behind all links, without what the kernel appends. */
static void set_program_name(struct diagnosis *d, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(d->name, sizeof d->name, "%s", slash ? slash + 1 : path);
    char *deleted = strstr(d->name, " (deleted)");
    if (deleted)
        *deleted = '\0';
}

static int diagnose_program(struct diagnosis *d)
{
    char path[PATH_MAX], whole[PATH_MAX];
    struct objects o = {.count = 0};
    if (find_objects(d, d->subject, path, &o)) {
        set_program_name(d, realpath(path, whole) ? whole : path);
        bool loads = doctor_program(d, &o);
        loads = doctor_rights(d, path) && loads;
        if (loads && doctor_library(d, &o)) {
            const struct config *c = cli_load_config(&cmd_doctor);
            doctor_config(d, c);
            doctor_network(d, &o, c);
        }
    }
    objects_release(&o);
    return doctor_verdict(d);
}

static int diagnose_process(struct diagnosis *d)
{
    char exe[64], root[64], loaded[PATH_MAX], library[PATH_MAX + sizeof root] = "", *maps = NULL;
    struct objects o = {.count = 0};
    snprintf(exe, sizeof exe, "/proc/%d/exe", (int)d->pid);
    snprintf(root, sizeof root, "/proc/%d/root", (int)d->pid);
    if (doctor_process(d, &maps) && !objects_of_maps(&o, maps, exe, root))
        set_program_name(d, o.list[0].path);
    if (maps && procfs_mapping(maps, "libharden.so", loaded))
        snprintf(library, sizeof library, "%s%s", root, loaded);
    if (o.count && doctor_program(d, &o) && doctor_loaded(d, library, &o)) {
        doctor_become(d);
        const struct config *c = cli_load_config(&cmd_doctor);
        doctor_config(d, c);
        doctor_network(d, &o, c);
    }
    free(maps);
    objects_release(&o);
    return doctor_verdict(d);
}

static int doctor_command(int argc, char **argv)
{
    const struct flag none[] = {{0}};
    int first = cli_flags(&cmd_doctor, argc, argv, none);
    if (first < 0)
        return -first - 1;
    if (first >= argc)
        return cli_usage_error(&cmd_doctor, "which program, or which process?");
    if (first + 1 < argc)
        return cli_usage_error(&cmd_doctor, "%s is too much: one program at a time",
                               argv[first + 1]);
    struct diagnosis d = {.subject = argv[first]};
    size_t n = strlen(d.subject);
    if (strspn(d.subject, "0123456789") == n && n) {
        long pid = n < 10 ? ascii_number(d.subject) : 0;
        if (pid <= 0)
            return cli_usage_error(&cmd_doctor,
                                   "%s is no process id; a program of that name is ./%s", d.subject,
                                   d.subject);
        d.pid = (pid_t)pid;
        return diagnose_process(&d);
    }
    return diagnose_program(&d);
}

const struct command cmd_doctor = {
    "doctor", "PROGRAM | PID", "Says what of a program or process is covered, and if not, why.",
    doctor_command,
    "PROGRAM is looked for in PATH; a script is followed to what runs it. A number is a process: "
    "a\n"
    "program with such a name needs a slash (./42). Files are read only, nothing is run.\n"
    "\n"
    "Each line is a finding, with the reason and what to do:\n"
    "  ok       this is covered\n"
    "  note     good to know; it changes nothing about the verdict\n"
    "  partly   covered in part, or counted only: tokens are taken and an open circuit is obeyed,\n"
    "           but nothing waits and nothing is repeated\n"
    "  no       not covered\n"
    "The last line is the verdict, the worst of them. What a program loads while it runs, and what "
    "it\n"
    "chooses to do, a file cannot tell: ask for the process then.\n"
    "\n"
    "exit status: 0 covered, or nothing to cover; 1 partly; 2 not\n"};
