/* SPDX-License-Identifier: MIT
 *
 * `harden ps`: the processes that use the library, and which of them must be restarted after an
 * upgrade. */
#include "cli/board_places.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/version.h"
#include "cli/other_boards.h"
#include "cli/ps/process.h"
#include "engine/board/board.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_BYTES (3 * PATH_MAX + 8192) /* of JSON, at most: each path may be escaped */

struct ps_options {
    bool restart, json, users;
};

static const char *user_name(uid_t uid, char out[64])
{
    const struct passwd *user = getpwuid(uid);
    if (user)
        snprintf(out, 64, "%s", user->pw_name);
    else
        snprintf(out, 64, "%u", uid);
    return out;
}

/* A program that has opened no board is of interest only if it must be restarted. */
static bool is_listed(const struct ps_process *p, const struct ps_options *o)
{
    return p->reason != PS_CURRENT || (p->board && !o->restart);
}

/* Names of programs and files may contain anything. Terminals obey U+0080 to U+009F, too. */
static bool is_control(const char *s)
{
    unsigned char c = (unsigned char)*s, next = c ? (unsigned char)s[1] : 0;
    return c < ' ' || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0);
}

static const char *printable(const char *s, char out[PATH_MAX])
{
    size_t n = 0;
    for (; n < PATH_MAX - 1 && s[n]; n++)
        out[n] = is_control(s + n) ? '?' : s[n];
    out[n] = '\0';
    return *out ? out : "-";
}

/* ---- as text ----------------------------------------------------------------------------------- */

static void print_table(const struct ps_list *list, const struct ps_options *o, int64_t now_ms)
{
    char user[64], age[24], program[PATH_MAX], service[PATH_MAX], board[PATH_MAX];
    bool head = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct ps_process *p = &list->process[i];
        if (!is_listed(p, o))
            continue;
        if (!head)
            printf("%7s %s%-16s %-8s %-8s %-9s %-8s %-20s %s\n", "PID",
                   o->users ? "USER         " : "", "PROGRAM", "VERSION", "MODE", "SINCE",
                   "RESTART", "SERVICE", "BOARD");
        head = true;
        printf("%7d ", (int)p->pid);
        if (o->users)
            printf("%-12s ", user_name(p->uid, user));
        printf("%-16s %-8s %-8s %-9s %-8s %-20s %s\n", printable(p->program, program),
               p->version[0] ? p->version : "-", p->mode_known ? mode_name(p->mode) : "-",
               p->since_ms ? cli_age((now_ms - p->since_ms) * NS_PER_MS, age) : "-",
               p->reason == PS_CURRENT ? "-" : "yes",
               printable(p->service[0] ? p->service : p->unit, service),
               p->board ? printable(p->board, board) : "-");
    }
}

/* "restart agent.service (pid 4711, curl): libharden.so was replaced: ..." */
static void print_reasons(const struct ps_list *list)
{
    char why[2 * PATH_MAX + 256], program[PATH_MAX], unit[PATH_MAX], shown[PATH_MAX];
    for (size_t i = 0; i < list->count; i++) {
        const struct ps_process *p = &list->process[i];
        if (p->reason == PS_CURRENT)
            continue;
        printable(p->program, program);
        printable(ps_reason_text(p, why, sizeof why), shown);
        if (p->unit[0])
            printf("restart %s (pid %d, %s): %s\n", printable(p->unit, unit), (int)p->pid, program,
                   shown);
        else
            printf("restart %s (pid %d): %s\n", program, (int)p->pid, shown);
    }
}

static void print_text(const struct ps_list *list, const struct ps_options *o)
{
    size_t listed = 0, idle = 0;
    for (size_t i = 0; i < list->count; i++) {
        listed += is_listed(&list->process[i], o);
        idle += !is_listed(&list->process[i], o) && !list->process[i].board;
    }
    if (!listed && !o->restart)
        puts("no program uses a board");
    print_table(list, o, clock_wall_ns() / NS_PER_MS);
    if (idle && !o->restart)
        printf("%zu more ha%s loaded the library, but made no call that it intercepts\n", idle,
               idle == 1 ? "s" : "ve");
    print_reasons(list);
}

/* ---- as JSON ----------------------------------------------------------------------------------- */

static void json_text_or_null(struct text *t, const char *key, const char *value)
{
    if (value && *value)
        json_string(t, key, value);
    else
        json_null(t, key);
}

static void render_process(struct text *t, const struct ps_process *p)
{
    char why[2 * PATH_MAX + 256];
    json_open(t, '{');
    json_u64(t, "pid", (uint64_t)p->pid);
    json_u64(t, "uid", p->uid);
    json_string(t, "program", p->program);
    json_text_or_null(t, "version", p->version);
    json_text_or_null(t, "mode", p->mode_known ? mode_name(p->mode) : NULL);
    json_string(t, "library", p->library);
    json_text_or_null(t, "board", p->board);
    if (p->board)
        json_u64(t, "layout", p->layout);
    if (p->since_ms)
        json_time(t, "since", p->since_ms * NS_PER_MS);
    json_text_or_null(t, "service", p->service);
    json_text_or_null(t, "unit", p->unit);
    json_bool(t, "restart", p->reason != PS_CURRENT);
    if (p->reason != PS_CURRENT)
        json_string(t, "reason", ps_reason_text(p, why, sizeof why));
    json_close(t, '}');
}

static int print_json(const struct ps_list *list, const struct ps_options *o)
{
    size_t size = 1024 + list->count * ENTRY_BYTES;
    char *room = malloc(size);
    struct text t = {.p = room, .cap = size};
    if (!room) {
        cli_say(&cmd_ps, "out of memory");
        return 1;
    }
    json_open(&t, '{');
    json_string(&t, "version", version_text());
    json_u64(&t, "layout", BOARD_LAYOUT);
    json_array(&t, "processes");
    for (size_t i = 0; i < list->count; i++)
        if (!o->restart || list->process[i].reason != PS_CURRENT)
            render_process(&t, &list->process[i]);
    json_close(&t, ']');
    json_close(&t, '}');
    json_end(&t);
    fwrite(t.p, 1, t.n, stdout);
    free(room);
    return 0;
}

/* ---- the command ------------------------------------------------------------------------------- */

/* Removes what no process uses, without waiting until it has rested. */
static int clean_boards(void)
{
    const struct config *c = cli_load_config(&cmd_ps);
    if (!c)
        return 1;
    if (!c->state) {
        cli_say(&cmd_ps, "state = private: there is no board to remove");
        return 1;
    }
    return other_boards_clean(c->state);
}

static int ps_command(int argc, char **argv)
{
    struct ps_options o = {0};
    struct ps_wanted want = {.uid = geteuid()};
    struct ps_list list = {0};
    const char *user = NULL;
    bool clean = false;
    const struct flag flags[] = {{.name = "user", .value = &user},
                                 {.name = "all-users", .given = &want.everybody},
                                 {.name = "state", .value = &want.state},
                                 {.name = "restart", .given = &o.restart},
                                 {.name = "json", .given = &o.json},
                                 {.name = "clean", .given = &clean},
                                 {0}};
    int first = cli_flags(&cmd_ps, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (first < argc)
        return cli_usage_error(&cmd_ps, "unexpected argument: %s", argv[first]);
    if (clean && argc != 2)
        return cli_usage_error(&cmd_ps, "--clean is used alone, as the user whose boards they are");
    if (clean)
        return clean_boards();
    if (user && !board_user(user, &want.uid))
        return cli_usage_error(&cmd_ps, "--user %s: there is no such user", user);
    if (geteuid() && (want.everybody || want.uid != geteuid())) {
        cli_say(&cmd_ps, "processes of other users can be inspected only by root");
        return 1;
    }
    o.users = want.everybody;
    int status = 1;
    if (!ps_read(&list, &want))
        cli_say(&cmd_ps, "/proc cannot be read: %s", strerror(errno));
    else if (o.json)
        status = print_json(&list, &o);
    else
        print_text(&list, &o), status = 0;
    ps_release(&list);
    return status;
}

const struct command cmd_ps = {
    "ps", "[--user NAME|UID | --all-users] [--state DIR] [--restart] [--json] | --clean",
    "Lists the processes on a board, and says which must be restarted.", ps_command,
    "  --user NAME|UID\n"
    "                processes of that user; only root may inspect those of others\n"
    "  --all-users   processes of all users; only for root\n"
    "  --state DIR   only processes whose board is in this directory\n"
    "  --restart     only processes that must be restarted, also those that have no board yet;\n"
    "                prints nothing if there are none\n"
    "  --json        print an object with an array `processes`\n"
    "  --clean       remove the boards of other versions that no process uses, from the state\n"
    "                directory of this user; otherwise that happens by itself after a day\n"
    "\n"
    "VERSION  of the library that the process has loaded; a file that was replaced or removed\n"
    "         since makes no difference\n"
    "MODE     that is in force in the process\n"
    "SERVICE  HARDEN_SERVICE of the process, or its systemd unit\n"
    "RESTART  yes: the library that it has loaded was replaced or removed, or is another version\n"
    "         than the installed one; the reasons follow the table\n"
    "BOARD    limits hold for the processes of one board together\n"
    "-        not known, or none\n"
    "\n"
    "example: harden ps --all-users --restart\n"
    "\n"
    "exit status: 0 listed, or all removed; 1 not possible, or a board was not removed\n"};
