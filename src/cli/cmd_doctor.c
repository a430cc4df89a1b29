/* SPDX-License-Identifier: MIT
 *
 * `harden doctor`: tells whether the library covers a program, a running process, or programs of this
 * machine at all, and if not, why. */
#include "cli/cli.h"

#include "base/env.h"
#include "base/words.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/machine.h"
#include "cli/doctor/script.h"
#include "cli/locate.h"
#include "cli/procfs.h"

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
        remedy = strchr(name, '/') ? "" : "; give the directory of a program that is not in PATH";
    else if (error == EACCES)
        remedy = "; make it executable (chmod +x) and its directories accessible";
    else if (error == EISDIR)
        remedy = "; give a program in this directory";
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

/* Replaces `path`, that of a script, with the path of its interpreter. */
static bool follow_script(struct diagnosis *d, char path[PATH_MAX])
{
    char head[256], by[256];
    size_t n = read_head(path, head, sizeof head);
    if (!n) {
        doctor_say(d, LEVEL_NO, "%s cannot be read, or is empty: it cannot be checked", path);
        return false;
    }
    enum script kind = script_parse(head, n, by, sizeof by);
    if (kind == SCRIPT_NONE) {
        doctor_say(
            d, LEVEL_NO,
            "%s is neither a program of this system nor a script; give the program that runs it",
            path);
        return false;
    }
    if (kind == SCRIPT_PLAIN)
        snprintf(by, sizeof by, "/bin/sh");
    d->script = true;
    doctor_say(d, LEVEL_NOTE, "%s is a script: the library is loaded into %s, which runs it%s",
               path, by, kind == SCRIPT_PLAIN ? " (it has no #! line)" : "");
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
            doctor_say(d, LEVEL_NO,
                       "%s cannot be read: %s; run harden doctor as a user who can read it", path,
                       strerror(errno));
            return false;
        }
        if (depth == SCRIPTS_DEEPEST) {
            doctor_say(d, LEVEL_NO,
                       "%s: too many scripts run by scripts; the kernel refuses to run it", path);
            return false;
        }
        if (!follow_script(d, path))
            return false;
    }
}

/* The name that the library will see: that of the file behind all symbolic links, without the
 * " (deleted)" that the kernel appends. */
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
    d->check = "program";
    doctor_begin(d);
    if (find_objects(d, d->subject, path, &o)) {
        set_program_name(d, realpath(path, whole) ? whole : path);
        bool loads = doctor_program(d, &o);
        loads = doctor_rights(d, path) && loads;
        if (loads && doctor_library(d, &o)) {
            const struct config *c = cli_load_config_for(&cmd_doctor, d->name);
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
    doctor_begin(d);
    snprintf(exe, sizeof exe, "/proc/%d/exe", (int)d->pid);
    snprintf(root, sizeof root, "/proc/%d/root", (int)d->pid);
    if (doctor_process(d, &maps) && !objects_of_maps(&o, maps, exe, root))
        set_program_name(d, o.list[0].path);
    if (maps && procfs_mapping(maps, "libharden.so", loaded))
        snprintf(library, sizeof library, "%s%s", root, loaded);
    if (o.count && doctor_program(d, &o) && doctor_loaded(d, library, &o)) {
        doctor_adopt_user(d);
        const struct config *c = cli_load_config_for(&cmd_doctor, d->name);
        doctor_private_board(d, maps, c);
        doctor_config(d, c);
        doctor_network(d, &o, c);
    }
    free(maps);
    objects_release(&o);
    return doctor_verdict(d);
}

static int diagnose_machine(struct diagnosis *d)
{
    snprintf(d->name, sizeof d->name, "%s", env_program());
    doctor_begin(d);
    machine_library(d);
    machine_libcurls(d);
    machine_state(d, machine_configuration(d));
    machine_system(d);
    return doctor_verdict(d);
}

static int doctor_command(int argc, char **argv)
{
    struct diagnosis d = {.root = "", .check = "program"};
    const struct flag flags[] = {{.name = "json", .given = &d.json}, {0}};
    int first = cli_flags(&cmd_doctor, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    d.kind = KIND_MACHINE;
    if (first == argc)
        return diagnose_machine(&d);
    if (first + 1 < argc)
        return cli_usage_error(&cmd_doctor, "unexpected argument: %s; give one program at a time",
                               argv[first + 1]);
    d.subject = argv[first];
    d.kind = KIND_PROGRAM;
    size_t n = strlen(d.subject);
    if (strspn(d.subject, "0123456789") == n && n) {
        long pid = n < 10 ? ascii_number(d.subject) : 0;
        if (pid <= 0)
            return cli_usage_error(&cmd_doctor,
                                   "%s is not a process id; for a program of that name use ./%s",
                                   d.subject, d.subject);
        d.pid = (pid_t)pid;
        d.kind = KIND_PROCESS;
        return diagnose_process(&d);
    }
    return diagnose_program(&d);
}

const struct command cmd_doctor = {
    "doctor", "[--json] [PROGRAM | PID]",
    "Tells whether a program, process or machine is covered, and why not.", doctor_command,
    "  PROGRAM  is looked up in PATH; for a script, its interpreter is checked\n"
    "  PID      a running process; for a program whose name is a number, write ./42\n"
    "           without either: the library, the copies of libcurl, the configuration, the\n"
    "           state directory and the system, as programs of this user find them\n"
    "  --json   print one document, described by conf/doctor.schema.json\n"
    "\n"
    "Files are only read, nothing is created or run. Each line is a finding with its reason\n"
    "and remedy:\n"
    "  ok       covered\n"
    "  note     information that does not change the verdict\n"
    "  partly   partly covered, or only counted: tokens are taken and an open circuit rejects\n"
    "           connections, but nothing waits and nothing is retried\n"
    "  problem  of the machine: programs are covered, but not as intended\n"
    "  no       not covered\n"
    "The last line is the verdict, which follows from the worst finding. The file of a\n"
    "program does not tell what it loads at run time or which of its features it uses: check\n"
    "the running process to find out.\n"
    "\n"
    "example: harden doctor; harden doctor curl; harden doctor --json $$\n"
    "\n"
    "exit status: 0 covered, or nothing to cover; 1 partly, or with problems; 2 not\n"};
