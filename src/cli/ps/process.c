/* SPDX-License-Identifier: MIT */
#include "cli/ps/process.h"

#include "cli/procfs.h"
#include "cli/ps/private.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- facts from /proc -------------------------------------------------------------------------- */

/* "Uid: REAL EFFECTIVE ..." */
static bool read_user(pid_t pid, uid_t *uid)
{
    size_t size;
    unsigned real, effective = 0;
    char *status = procfs_read(pid, "status", &size),
         *line = status ? strstr(status, "\nUid:") : NULL;
    bool found = line && sscanf(line, "\nUid: %u %u", &real, &effective) == 2;
    *uid = effective;
    free(status);
    return found;
}

static void read_program(struct ps_process *p)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)p->pid);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(path, '/');
    snprintf(p->program, sizeof p->program, "%.255s", slash ? slash + 1 : path);
    char *deleted = strstr(p->program, " (deleted)");
    if (deleted)
        *deleted = '\0';
}

static int64_t boot_s(void)
{
    char line[256];
    long long at = 0;
    FILE *f = fopen("/proc/stat", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "btime %lld", &at) == 1)
            break;
    if (f)
        fclose(f);
    return at;
}

/* The 22nd field of "PID (NAME) STATE ...": ticks from the boot to its start. */
static void read_start(struct ps_process *p)
{
    size_t size;
    char *stat = procfs_read(p->pid, "stat", &size);
    const char *at = stat ? strrchr(stat, ')') : NULL;
    long long ticks = 0;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    int64_t boot = boot_s(), per_s = sysconf(_SC_CLK_TCK);
    if (at && sscanf(at, "%lld", &ticks) == 1 && boot && per_s > 0)
        p->since_ms = boot * 1000 + ticks * 1000 / per_s;
    free(stat);
}

static void read_service(struct ps_process *p)
{
    size_t size;
    char *environment = procfs_read(p->pid, "environ", &size);
    const char *v = environment ? procfs_variable(environment, size, "HARDEN_SERVICE") : NULL;
    snprintf(p->service, sizeof p->service, "%s", v ? v : "");
    free(environment);
}

/* The last component "NAME.service" of its control group, except the manager of the user's own units. */
static void read_unit(struct ps_process *p)
{
    static const char tail[] = ".service";
    size_t size;
    char *groups = procfs_read(p->pid, "cgroup", &size);
    for (char *save = NULL, *part = groups ? strtok_r(groups, "/\n", &save) : NULL; part;
         part = strtok_r(NULL, "/\n", &save)) {
        size_t n = strlen(part);
        if (n >= sizeof tail && !strcmp(part + n - (sizeof tail - 1), tail) &&
            strncmp(part, "user@", 5))
            snprintf(p->unit, sizeof p->unit, "%s", part);
    }
    free(groups);
}

/* ---- the list ---------------------------------------------------------------------------------- */

static struct ps_process *add(struct ps_list *list)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct ps_process *more = realloc(list->process, room * sizeof *more);
        if (!more)
            return NULL;
        list->process = more;
        list->room = room;
    }
    struct ps_process *p = &list->process[list->count];
    *p = (struct ps_process){0};
    return p;
}

static bool is_directly_in(const char *board, const char *state)
{
    const char *slash = strrchr(board, '/');
    size_t n = strlen(state);
    while (n > 1 && state[n - 1] == '/')
        n--;
    return slash && (size_t)(slash - board) == n && !strncmp(board, state, n);
}

/* whole: the directory without links, as the kernel names it; but a process in a container may have another
 * one of the same name. */
static bool is_in(const char *board, const char *state, const char *whole)
{
    return is_directly_in(board, state) || is_directly_in(board, whole);
}

/* False: out of memory. */
static bool add_process(struct ps_list *list, const struct ps_wanted *want, const char *whole,
                        pid_t pid)
{
    struct ps_maps m;
    uid_t uid;
    if (!read_user(pid, &uid) || (!want->everybody && uid != want->uid) || !ps_read_maps(pid, &m) ||
        (want->state && !is_in(m.board, want->state, whole)))
        return true;
    struct ps_process *p = add(list);
    if (!p)
        return false;
    p->pid = pid;
    p->uid = uid;
    p->library = strdup(m.library);
    p->board = m.board[0] ? strdup(m.board) : NULL;
    if (!p->library || (m.board[0] && !p->board)) {
        free(p->library);
        free(p->board);
        return false;
    }
    read_program(p);
    read_start(p);
    read_service(p);
    read_unit(p);
    ps_read_board(p, &m);
    ps_read_library(p, &m);
    list->count++;
    return true;
}

bool ps_read(struct ps_list *list, const struct ps_wanted *want)
{
    char whole[PATH_MAX];
    if (!want->state || !realpath(want->state, whole))
        whole[0] = '\0';
    /* Without it, /proc is not mounted, or is that of other processes. */
    DIR *d = access("/proc/self/maps", R_OK) ? NULL : opendir("/proc");
    struct dirent *e;
    bool good = d;
    while (good && (e = readdir(d))) {
        int pid = 0, n = 0;
        if (sscanf(e->d_name, "%d%n", &pid, &n) == 1 && !e->d_name[n] && pid > 0)
            good = add_process(list, want, whole, pid);
    }
    if (d)
        closedir(d);
    return good;
}

void ps_release(struct ps_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->process[i].library);
        free(list->process[i].board);
    }
    free(list->process);
    *list = (struct ps_list){0};
}
