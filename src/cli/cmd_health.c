/* SPDX-License-Identifier: MIT
 *
 * `harden health`: one line and an exit status, for monitoring. It reads the board instead of
 * health.json, because the board is current even if the program was killed. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/text.h"
#include "base/words.h"
#include "cli/board_choice.h"
#include "cli/destination.h"
#include "cli/error_text.h"
#include "cli/liveness.h"
#include "cli/other_boards.h"
#include "cli/pause_text.h"
#include "cli/slo_text.h"
#include "engine/board/status.h"
#include "engine/board/view.h"
#include "engine/config/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_STALE  3
#define NAMES_SHOWN 5

static bool parse_age(const char *value, int64_t *ns)
{
    char why[256];
    union option_value v;
    int i = option_find(SECTION_HARDEN, "snapshot_interval");
    if (!option_parse(&options[i], value, &v, why, sizeof why)) {
        cli_usage_error(&cmd_health, "--max-age %s: %s", value, why);
        return false;
    }
    *ns = v.number;
    return true;
}

/* A host, a proxy, or an active check that has had a result. */
struct entry {
    char name[VIEW_NAME_SIZE];
    const struct slot *slot;
    enum health_status status;
    int64_t since_ms;
    enum breaker_state breaker;
    struct pause_shown paused;
    bool slo_burns;
    struct last_error error;
};

static bool read_entry(const struct board *b, uint32_t i, int64_t now_ns, struct entry *out)
{
    struct check_view check;
    out->paused.until_ns = 0;
    out->slo_burns = false;
    if ((out->slot = view_host(b, i, out->name))) {
        struct view_state state = view_state(b, out->slot, now_ns);
        out->status = state.status;
        out->breaker = state.breaker;
        out->slo_burns = state.slo_burns;
        out->since_ms = view_since_ms(b, out->slot, out->status, now_ns, clock_wall_ns());
        if (out->status != STATUS_HEALTHY)
            pause_show(out->slot, PAUSE_OF_ALL, now_ns, &out->paused);
        out->error = view_error(out->slot);
        return true;
    }
    if (!(out->slot = view_check(b, i, now_ns, &check)) || !check.known)
        return false;
    memcpy(out->name, check.name, sizeof out->name);
    out->status = check.status;
    out->error = view_error(out->slot);
    out->since_ms = atomic_load(&out->slot->status_since_ms);
    out->breaker = BREAKER_CLOSED;
    return true;
}

/* ", api.example.com (circuit open; throttled, http 429)" */
static void put_not_healthy(struct text *t, const struct entry *one, bool first)
{
    char error[ERROR_TEXT_SIZE], circuit[24] = "";
    if (one->breaker != BREAKER_CLOSED)
        snprintf(circuit, sizeof circuit, "circuit %s", breaker_state_name(one->breaker));
    const char *const reasons[] = {circuit, one->paused.until_ns ? "paused" : "",
                                   one->slo_burns ? "error budget burns fast" : "",
                                   error_text(&one->error, error) ? error : ""};
    text_fmt(t, "%s%s", first ? "; not healthy: " : ", ", one->name);
    const char *before = " (";
    for (size_t i = 0; i < array_size(reasons); i++)
        if (*reasons[i]) {
            text_fmt(t, "%s%s", before, reasons[i]);
            before = "; ";
        }
    if (*before == ';')
        text_put(t, ")");
}

/* others: what other_boards_text() says. */
static int print_overall(const struct board *b, const char *others, int64_t now_ns)
{
    struct overall all = {0};
    struct entry one;
    char names[NAMES_SHOWN * (VIEW_NAME_SIZE + ERROR_TEXT_SIZE + 64) + 40] = "";
    struct text t = TEXT_OVER(names);
    uint32_t not_healthy = 0;
    for (uint32_t i = 0; i < board_size(b); i++) {
        if (!read_entry(b, i, now_ns, &one))
            continue;
        view_add(&all, one.status);
        if (one.status != STATUS_HEALTHY && not_healthy++ < NAMES_SHOWN)
            put_not_healthy(&t, &one, not_healthy == 1);
    }
    if (not_healthy > NAMES_SHOWN)
        text_fmt(&t, " and %u more", not_healthy - NAMES_SHOWN);
    if (!all.hosts) {
        puts("none: no host is known yet");
        return EXIT_STALE;
    }
    enum health_status overall = view_overall(&all);
    printf("%s: %u of %u host%s healthy%s%s%s\n", status_name(overall), all.healthy, all.hosts,
           all.hosts == 1 ? "" : "s", names, *others ? "; " : "", others);
    return (int)overall;
}

static int print_one(const struct board *b, const char *typed, int64_t now_ns)
{
    struct entry one;
    char age[24], name[256], words[PAUSE_TEXT_SIZE], burning[SLO_TEXT_SIZE], error[ERROR_TEXT_SIZE];
    struct slo_view slo;
    const char *host = destination_board_name(name, sizeof name, typed);
    for (uint32_t i = 0; i < board_size(b); i++) {
        if (!read_entry(b, i, now_ns, &one) || !ascii_same(one.name, host))
            continue;
        printf("%s: %s", status_name(one.status), one.name);
        if (status_failures_in_row(one.slot))
            printf(", %u failure%s in a row", status_failures_in_row(one.slot),
                   status_failures_in_row(one.slot) == 1 ? "" : "s");
        if (one.breaker != BREAKER_CLOSED)
            printf(", circuit %s", breaker_state_name(one.breaker));
        int64_t wall_ns = clock_wall_ns();
        if (one.since_ms > 0 && one.since_ms <= wall_ns / NS_PER_MS) /* otherwise damaged */
            printf(", for %s", cli_age(wall_ns - one.since_ms * NS_PER_MS, age));
        if (one.paused.until_ns)
            printf("; paused %s", pause_text(&one.paused, now_ns, words));
        if (one.slo_burns && slo_slot_view(b, one.slot, now_ns, &slo))
            printf("; %s", slo_text_burning(&slo, burning));
        if (one.status != STATUS_HEALTHY && error_text(&one.error, error))
            printf("; last error: %s", error);
        putchar('\n');
        return (int)one.status;
    }
    printf("none: %s is not known yet\n", host);
    return EXIT_STALE;
}

/* Of one board, in this directory. max_age_ns: 0 unless it is given. */
static int judge(const struct board *b, const char *dir, const char *host, int64_t max_age_ns)
{
    char age[24], others[OTHER_BOARDS_TEXT_SIZE];
    int64_t now_ns = clock_now_ns();
    struct liveness life = liveness_of(b, now_ns);
    if (max_age_ns)
        life.max_age_ns = max_age_ns;
    if (!liveness_is_stale(life))
        return host ? print_one(b, host, now_ns)
                    : print_overall(b, other_boards_text(dir, others), now_ns);
    if (life.never)
        puts("stale: no program has updated the board");
    else
        printf("stale: no program is attached, and the last one updated the board %s ago\n",
               cli_age(life.age_ns, age));
    return EXIT_STALE;
}

/* The worst of the boards that are not stale. */
static int judge_all(const struct config *c, const struct board_choice *choice, const char *host,
                     int64_t max_age_ns)
{
    uint32_t n;
    int worst = -1;
    const char *why;
    struct board_place *places = board_places_list(&cmd_health, c, choice, &n);
    for (uint32_t i = 0; places && i < n; i++) {
        struct board *b = board_place_open(&places[i], false, &why);
        if (!b && errno != ENOENT)
            cli_say(&cmd_health, "%s: %s", places[i].dir, why);
        if (!b)
            continue;
        printf("%s: ", places[i].dir);
        int status = judge(b, places[i].dir, host, max_age_ns);
        worst = status != EXIT_STALE && status > worst ? status : worst;
        board_close(b);
    }
    free(places);
    return worst < 0 ? EXIT_STALE : worst;
}

static int judge_chosen(const struct config *c, const struct board_choice *choice, const char *host,
                        int64_t max_age_ns)
{
    struct board_found found = {0};
    if (c)
        board_choice_open(&cmd_health, c, choice, false, &found);
    if (found.note[0])
        cli_say(&cmd_health, "%s", found.note);
    if (found.board)
        return judge(found.board, found.place.dir, host, max_age_ns);
    puts(found.none ? "none: no program has used the library yet"
                    : "none: the board cannot be read");
    return EXIT_STALE;
}

static int health_command(int argc, char **argv)
{
    const char *host = NULL, *max_age = NULL;
    struct board_choice choice = {0};
    const struct flag flags[] = {
        {.name = "host", .value = &host},
        {.name = "max-age", .value = &max_age},
        BOARD_CHOICE_ALL_FLAGS(choice),
        {0},
    };
    int64_t max_age_ns = 0;
    int first = cli_flags(&cmd_health, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (first < argc)
        return cli_usage_error(&cmd_health, "unexpected argument: %s", argv[first]);
    if (max_age && !parse_age(max_age, &max_age_ns))
        return EXIT_USAGE;
    const struct config *c = cli_load_config(&cmd_health);
    return c && choice.all_users ? judge_all(c, &choice, host, max_age_ns)
                                 : judge_chosen(c, &choice, host, max_age_ns);
}

const struct command cmd_health = {
    "health", "[--host HOST] [--max-age DURATION] [--user NAME|UID | --state DIR | --all-users]",
    "Prints the health of all hosts in one line and an exit status.", health_command,
    "  --host HOST          only this host or active check, named as in `harden status`\n"
    "  --max-age DURATION   while no running program is attached to the board, accept a last\n"
    "                       update up to this old (default: three times the snapshot_interval of\n"
    "                       that program, normally 30s)\n" BOARD_CHOICE_ALL_HELP "\n"
    "example: harden health --host api.example.com --max-age 1m\n"
    "\n"
    "exit status: 0 healthy, 1 degraded, 2 unhealthy, 3 stale or nothing known yet;\n"
    "             with --all-users the worst of the boards that are not stale\n"};
