/* SPDX-License-Identifier: MIT
 *
 * One line and one exit status for probes. The board is asked, not health.json: it knows what
 * happened up to this moment, also after the program was killed. */
#include "cli/cli.h"

#include "base/clock.h"
#include "cli/hosts.h"
#include "engine/health.h"
#include "engine/options.h"
#include "engine/view.h"

#include <string.h>

#define EXIT_STALE  3
#define NAMES_SHOWN 5

static bool parse_age(const char *value, int64_t *ns)
{
    char why[256];
    union option_value v;
    int i = option_find(SECTION_HARDEN, "snapshot_interval");
    if (!option_parse(&options[i], value, &v, why, sizeof why)) {
        cli_misused(&cmd_health, "--max-age %s: %s", value, why);
        return false;
    }
    *ns = v.number;
    return true;
}

static void tell_failed(const struct board *b)
{
    char name[VIEW_NAME_SIZE];
    int told = 0, more = 0;
    for (uint32_t i = 0; i < board_size(b); i++) {
        const struct slot *s = view_host(b, i, name);
        if (!s || health_status(s) == STATUS_HEALTHY)
            continue;
        if (told == NAMES_SHOWN)
            more++;
        else
            printf("%s%s", told++ ? ", " : "; not ", name);
    }
    if (more)
        printf(" and %d more", more);
}

static int all_hosts(const struct board *b)
{
    char name[VIEW_NAME_SIZE];
    struct overall all = {0};
    for (uint32_t i = 0; i < board_size(b); i++) {
        const struct slot *s = view_host(b, i, name);
        if (s)
            view_add(&all, health_status(s));
    }
    enum health_status overall = view_overall(&all);
    printf("%s: %u of %u host%s well", health_status_name(overall), all.healthy, all.hosts,
           all.hosts == 1 ? " is" : "s are");
    tell_failed(b);
    putchar('\n');
    return (int)overall;
}

static int one_host(const struct board *b, const char *host)
{
    char name[VIEW_NAME_SIZE], age[24];
    for (uint32_t i = 0; i < board_size(b); i++) {
        const struct slot *s = view_host(b, i, name);
        if (!s || strcasecmp(name, host) != 0)
            continue;
        enum health_status status = health_status(s);
        int64_t since_ms = atomic_load(&s->status_since_ms);
        printf("%s: %s", health_status_name(status), name);
        if (health_failures_in_row(s))
            printf(", %u failures in a row", health_failures_in_row(s));
        if (since_ms > 0)
            printf(", for %s", cli_age(clock_wall_ns() - since_ms * NS_PER_MS, age));
        putchar('\n');
        return (int)status;
    }
    printf("none: nothing was asked of %s yet\n", host);
    return EXIT_STALE;
}

static int run(int argc, char **argv)
{
    const char *host = NULL, *max_age = NULL;
    const struct flag flags[] = {
        {.name = "host", .value = &host}, {.name = "max-age", .value = &max_age}, {0}};
    int64_t max_age_ns = 0;
    bool none;
    char age[24];
    int first = cli_flags(&cmd_health, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (first < argc)
        return cli_misused(&cmd_health, "%s is too much", argv[first]);
    if (max_age && !parse_age(max_age, &max_age_ns))
        return EXIT_USAGE;
    const struct config *c = cli_config(&cmd_health);
    struct board *b = c ? cli_board(&cmd_health, c, false, &none) : NULL;
    if (!b) {
        printf("none: no program has used the library yet\n");
        return EXIT_STALE;
    }
    struct life life = life_of(b->header, clock_now_ns());
    if (max_age)
        life.allowed_ns = max_age_ns;
    if (life_is_stale(life)) {
        if (life.none)
            puts("stale: no program has given a sign of life");
        else
            printf("stale: the last sign of life of a program was %s ago\n",
                   cli_age(life.age_ns, age));
        return EXIT_STALE;
    }
    return host ? one_host(b, host) : all_hosts(b);
}

const struct command cmd_health = {
    "health", "[--host HOST] [--max-age DURATION]",
    "Says in one line, and by its exit status, how the hosts are: for probes.", run,
    "  --host HOST          of this host alone, as `harden status` names it\n"
    "  --max-age DURATION   how old the last sign of life of a program may be (default: three "
    "times\n"
    "                       its snapshot_interval, which is 30s)\n"
    "\n"
    "exit status: 0 healthy, 1 degraded, 2 unhealthy, 3 stale or nothing known yet\n"};
