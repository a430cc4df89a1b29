/* SPDX-License-Identifier: MIT
 *
 * `harden status`: the current content of the board as a table or as JSON. It reads only the board
 * and needs no running program. */
#include "cli/cli.h"

#include "base/clock.h"
#include "cli/board_choice.h"
#include "cli/check_list.h"
#include "cli/error_text.h"
#include "cli/host_list.h"
#include "cli/liveness.h"
#include "cli/observed_text.h"
#include "cli/pause_text.h"
#include "engine/board/status.h"
#include "engine/publish/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_NS   NS_PER_S
#define NAMES_SHOWN 3
#define LINES_SHOWN 5 /* of each kind above the table */

/* ---- the table ----------------------------------------------------------------------------- */

static const char *tokens_text(const struct host *r, char out[32])
{
    if (!r->limited)
        return "-";
    snprintf(out, 32, "%.1f/%u", r->available, r->burst);
    return out;
}

static const char *colour_of(enum health_status s)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    return colours[s];
}

static void print_row(const struct host *r, int width, bool colours)
{
    char success[16], waited[16], p50[16], p99[16], tokens[32];
    printf("%-*s %s%-9s%s %9llu %8s %8llu %9llu %8s %8s %8s %-9s %s\n", width, r->name,
           colours ? colour_of(r->status) : "", status_name(r->status), colours ? "\033[0m" : "",
           (unsigned long long)r->count[COUNT_REQUESTS], host_success(r, success),
           (unsigned long long)r->count[COUNT_RETRIES], (unsigned long long)host_rejected(r),
           host_time(host_waited_ns(r), waited), host_time(r->p50_ns, p50),
           host_time(r->p99_ns, p99), breaker_state_name(r->breaker), tokens_text(r, tokens));
}

static const char *check_success(const struct check *c, char out[16])
{
    struct host settled = {
        .count = {[COUNT_SUCCESSES] = c->successes, [COUNT_FAILURES] = c->failures}};
    return host_success(&settled, out);
}

static int print_checks(const struct board *b, bool colours)
{
    uint32_t n;
    int width = 5;
    char success[16], last[16], p50[16], p95[16], words[ERROR_TEXT_SIZE];
    struct check *checks = check_list_read(b, clock_now_ns(), &n);
    if (!checks) {
        cli_say(&cmd_status, "out of memory");
        return 1;
    }
    for (uint32_t i = 0; i < n; i++)
        if ((int)strlen(checks[i].view.name) > width)
            width = (int)strlen(checks[i].view.name);
    if (n)
        printf("\n%-*s %-9s %10s %8s %9s %9s %9s %-5s %s\n", width, "CHECK", "STATUS", "RUNS",
               "SUCCESS", "LAST", "P50", "P95", "KIND", "TARGET");
    for (uint32_t i = 0; i < n; i++) {
        const struct check *c = &checks[i];
        bool known = c->view.known;
        printf("%-*s %s%-9s%s %10llu %8s %9s %9s %9s %-5s %s\n", width, c->view.name,
               colours && known ? colour_of(c->view.status) : "",
               known ? status_name(c->view.status) : "unknown", colours && known ? "\033[0m" : "",
               (unsigned long long)c->runs, check_success(c, success), host_time(c->last_ns, last),
               host_time(c->p50_ns, p50), host_time(c->p95_ns, p95), c->view.kind, c->view.target);
    }
    for (uint32_t i = 0; i < n; i++)
        if (check_fails(&checks[i]) && error_text(&checks[i].error, words))
            printf("last error: %s: %s\n", checks[i].view.name, words);
    free(checks);
    return 0;
}

static void print_liveness(const struct board *b)
{
    char age[24];
    struct liveness life = liveness_of(b, clock_now_ns());
    if (life.running)
        printf("%u program%s attached\n", life.running, life.running == 1 ? " is" : "s are");
    else if (life.never)
        printf("no program has updated it yet\n");
    else
        printf("last updated by a program %s ago%s\n", cli_age(life.age_ns, age),
               liveness_is_stale(life) ? ": stale, no program is running" : "");
}

/* "retries denied by the budget: 14 (api.example.com 12, b.example.com 2)" */
static void print_denied(const struct host *rows, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += rows[i].count[COUNT_BUDGET_DENIED];
    if (!sum)
        return;
    printf("retries denied by the budget: %llu (", (unsigned long long)sum);
    int listed = 0;
    for (uint32_t i = 0; i < n && listed <= NAMES_SHOWN; i++)
        if (rows[i].count[COUNT_BUDGET_DENIED] && listed++ < NAMES_SHOWN)
            printf("%s%s %llu", listed > 1 ? ", " : "", rows[i].name,
                   (unsigned long long)rows[i].count[COUNT_BUDGET_DENIED]);
    puts(listed > NAMES_SHOWN ? ", and others)" : ")");
}

/* "paused: api.example.com for 9 min 58 s, asked by the server: Retry-After: 600 (429)" */
static void print_pauses(const struct host *rows, uint32_t n, int64_t now_ns)
{
    char words[PAUSE_TEXT_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < 2 * n; i++) {
        const struct host *h = &rows[i / 2];
        bool part = i % 2;
        const struct pause_shown *p = part ? &h->part_paused : &h->paused;
        if (p->until_ns && listed++ < LINES_SHOWN)
            printf("paused: %s%s %s\n", part ? "a part of " : "", h->name,
                   pause_text(p, now_ns, words));
    }
    if (listed > LINES_SHOWN)
        printf("paused: and %d more\n", listed - LINES_SHOWN);
}

/* "last error: api.example.com, 12 s ago: transient, http_5xx, http 503" */
static void print_errors(const struct host *rows, uint32_t n, int64_t wall_ns)
{
    char words[ERROR_AGED_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < n; i++)
        if (error_aged(&rows[i], wall_ns, words) && listed++ < LINES_SHOWN)
            printf("last error: %s, %s\n", rows[i].name, words);
    if (listed > LINES_SHOWN)
        printf("last error: and of %d more\n", listed - LINES_SHOWN);
}

/* "observe: api.example.com would have waited 58.5 s in 297 requests, refused 0 and repeated 3" */
static void print_observed(const struct host *rows, uint32_t n)
{
    char words[OBSERVED_TEXT_SIZE];
    int listed = 0;
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].is_observed && listed++ < LINES_SHOWN)
            printf("observe: %s %s\n", rows[i].name, observed_text(&rows[i].observed, words));
    if (listed > LINES_SHOWN)
        printf("observe: and %d more\n", listed - LINES_SHOWN);
}

static int print_table(const struct board_found *found, const struct config *c, bool colours)
{
    uint32_t n;
    int width = 4;
    const struct board *b = found->board;
    int64_t now_ns = clock_now_ns();
    struct host *rows = host_list_read(b, now_ns, &n);
    if (!rows) {
        cli_say(&cmd_status, "out of memory");
        return 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        int length = (int)strlen(rows[i].name);
        width = length > width ? length : width;
    }
    printf("%s: %u host%s; ", found->place.dir, n, n == 1 ? "" : "s");
    print_liveness(b);
    if (found->note[0])
        puts(found->note);
    if (c->mode != MODE_ENFORCE)
        printf("mode = %s: %s\n", mode_name(c->mode), cli_mode_meaning(c->mode));
    print_denied(rows, n);
    print_pauses(rows, n, now_ns);
    print_errors(rows, n, clock_wall_ns());
    print_observed(rows, n);
    if (n)
        printf("\n%-*s %-9s %9s %8s %8s %9s %8s %8s %8s %-9s %s\n", width, "HOST", "STATUS",
               "REQUESTS", "SUCCESS", "RETRIES", "REJECTED", "WAITED", "P50", "P99", "BREAKER",
               "TOKENS");
    for (uint32_t i = 0; i < n; i++)
        print_row(&rows[i], width, colours);
    free(rows);
    return print_checks(b, colours);
}

/* ---- --json and --watch -------------------------------------------------------------------- */

/* The same document as health.json, without the hooks and libcurls that only a program knows. */
static int print_json(const struct board *b, const struct config *c)
{
    size_t size = snapshot_size(b);
    char *room = malloc(size);
    struct text t = {.p = room, .cap = size};
    struct snapshot_context x = {
        .board = b,
        .service = c->service,
        .mode = c->mode,
        .pid = getpid(),
        .seq = atomic_load(&b->header->snapshot_seq),
        .now_ns = clock_now_ns(),
        .wall_ns = clock_wall_ns(),
        .interval_ns = c->snapshot_interval_ns,
    };
    if (room)
        snapshot_render(&t, &x);
    if (!room || t.full) {
        cli_say(&cmd_status, "out of memory");
        free(room);
        return 1;
    }
    fwrite(t.p, 1, t.n, stdout);
    free(room);
    return 0;
}

static int watch_table(const struct board_found *found, const struct config *c)
{
    bool terminal = isatty(STDOUT_FILENO), colours = cli_use_colours(stdout);
    int64_t at_ns = clock_now_ns();
    for (;;) {
        if (terminal)
            printf("\033[H\033[J");
        if (print_table(found, c, colours))
            return 1;
        if (!terminal)
            putchar('\n');
        if (fflush(stdout))
            return 0; /* the reader is gone */
        at_ns += REDRAW_NS;
        clock_sleep_until(at_ns);
    }
}

static int status_command(int argc, char **argv)
{
    bool json = false, watch = false;
    struct board_choice choice = {0};
    const struct flag flags[] = {
        {.name = "json", .given = &json},
        {.name = "watch", .letter = 'w', .given = &watch},
        BOARD_CHOICE_FLAGS(choice),
        {0},
    };
    struct board_found found = {0};
    int first = cli_flags(&cmd_status, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (first < argc)
        return cli_usage_error(&cmd_status, "unexpected argument: %s", argv[first]);
    if (json && watch)
        return cli_usage_error(&cmd_status,
                               "--json and --watch exclude each other; give either of them");
    const struct config *c = cli_load_config(&cmd_status);
    if (c)
        board_choice_open(&cmd_status, c, &choice, false, &found);
    struct board *b = found.board;
    if (found.none)
        cli_say(&cmd_status, "%s: no program has used the library yet", found.place.dir);
    if (!b)
        return 1;
    return json    ? print_json(b, c)
           : watch ? watch_table(&found, c)
                   : print_table(&found, c, cli_use_colours(stdout));
}

const struct command cmd_status = {
    "status", "[--json | --watch] [--user NAME|UID | --state DIR]",
    "Shows the health, requests, retries, latency and limit of every host.", status_command,
    "  --json               print the document of health.json (libharden(7)) with current values\n"
    "  -w, --watch          repeat every second until interrupted\n" BOARD_CHOICE_HELP "\n"
    "SUCCESS   successful requests as a share of those that ended, including those REJECTED by a\n"
    "          limit, a pause or an open circuit\n"
    "STATUS    degraded, at least, while the host is paused or its circuit is not closed; pauses "
    "that\n"
    "          servers asked for are listed above the table with their end and origin\n"
    "last error: of the hosts that are not healthy, and of those whose last error is of the last\n"
    "          day, for the first five: class, reason, CURLcode, status and errno\n"
    "WAITED    total time spent waiting for a token, or because the server asked for a pause\n"
    "observe:  what programs with mode = observe would have done, which is not part of the table;\n"
    "          shown for the first five such hosts\n"
    "P50, P99  percentiles of the duration of single attempts\n"
    "TOKENS    tokens available now, and the burst of the limit\n"
    "\n"
    "example: harden status --json | jq .failed\n"
    "\n"
    "exit status: 0 shown, 1 no usable board\n"};
