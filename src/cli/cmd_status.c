/* SPDX-License-Identifier: MIT
 *
 * `harden status`: the current content of a board as a table or as JSON. It reads only the board
 * and needs no running program. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/env.h"
#include "base/json.h"
#include "cli/status_boards.h"
#include "cli/status_view.h"
#include "cli/terminal.h"
#include "engine/publish/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_NS  NS_PER_S
#define BOARD_ROWS 4 /* the least to show anything of a board */
#define QUIT_HINT  "q quits"

struct window {
    int columns, rows; /* 0: none */
    bool colours;
};

/* ---- text ------------------------------------------------------------------------------------ */

static int print_board(FILE *f, const struct status_boards *boards, struct status_board *s,
                       const struct host_filter *filter, bool watch, struct window w, bool last)
{
    const struct status_view v = {.found = &s->found,
                                  .config = boards->config,
                                  .filter = filter,
                                  .rates = watch ? &s->rates : NULL,
                                  .columns = w.columns,
                                  .rows = w.rows,
                                  .colours = w.colours,
                                  .hint = watch && w.rows && last ? QUIT_HINT : NULL};
    if (s->found.board)
        return status_view_print(f, &v);
    fprintf(f, "%.*s\n", w.columns ? w.columns : INT32_MAX, s->found.note);
    return 0;
}

/* The boards share the window. Returns how many hosts and checks were selected, less than 0 without
 * memory. */
static int print_boards(FILE *f, struct status_boards *boards, const struct host_filter *filter,
                        bool watch, struct window w)
{
    int selected = 0, left = w.rows;
    for (uint32_t i = 0; i < boards->n; i++) {
        uint32_t others = boards->n - i;
        struct window own = w;
        if (w.rows && left < BOARD_ROWS * 2 && others > 1) {
            fprintf(f, "%.*s\n", w.columns, "More users are not shown: --user NAME shows one");
            break;
        }
        own.rows = others > 1 && w.rows ? left / (int)(others < 3 ? others : 3) : left;
        own.rows = w.rows && own.rows < BOARD_ROWS && left >= BOARD_ROWS ? BOARD_ROWS : own.rows;
        int n = print_board(f, boards, &boards->of[i], filter, watch, own, others == 1);
        if (n < 0)
            return -1;
        selected += n;
        left -= own.rows;
        if (others > 1 && !w.rows)
            fputc('\n', f);
    }
    return selected;
}

static int out_of_memory(void)
{
    cli_say(&cmd_status, "out of memory");
    return 1;
}

/* A prompt follows, which needs a line of the terminal. */
static int print_once(struct status_boards *boards, const struct host_filter *filter)
{
    struct terminal_size size = {0};
    struct window w = {.colours = cli_use_colours(stdout)};
    if (terminal_size(&size)) {
        w.columns = size.columns;
        w.rows = size.rows > 1 ? size.rows - 1 : 1;
    }
    int selected = print_boards(stdout, boards, filter, false, w);
    if (selected < 0)
        return out_of_memory();
    if (!selected && filter->text)
        cli_say(&cmd_status, "no host or active check matches %s", filter->text);
    return !selected && filter->text;
}

/* ---- --json ---------------------------------------------------------------------------------- */

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
    bool good = room && !t.full;
    if (good)
        fwrite(t.p, 1, t.n, stdout);
    free(room);
    return good ? 0 : out_of_memory();
}

/* {"boards": [{"user": 1000, "state": "/run/user/1000/harden", "health": {...}}, ...]} */
static int print_json_of_all(const struct status_boards *boards)
{
    fputs("{\"boards\":[", stdout);
    for (uint32_t i = 0; i < boards->n; i++) {
        char head[2 * PATH_MAX];
        const struct board_found *found = &boards->of[i].found;
        struct text t = TEXT_OVER(head);
        json_open(&t, '{');
        json_u64(&t, "user", found->place.user);
        json_string(&t, "state", found->place.dir);
        printf("%s%.*s\"health\":", i ? "," : "", (int)t.n, t.p);
        if (print_json(found->board, boards->config))
            return 1;
        putchar('}');
    }
    puts("]}");
    return 0;
}

/* ---- --watch --------------------------------------------------------------------------------- */

/* Without a terminal there is nothing to draw on: the views follow one another. */
static int watch_plainly(struct status_boards *boards, const struct host_filter *filter)
{
    int64_t at_ns = clock_now_ns();
    do {
        if (print_boards(stdout, boards, filter, true, (struct window){0}) < 0)
            return out_of_memory();
        putchar('\n');
        if (fflush(stdout))
            return 0; /* the reader is gone */
        clock_sleep_until(at_ns += REDRAW_NS);
    } while (status_boards_open_again(boards));
    return out_of_memory();
}

static bool draw(struct status_boards *boards, const struct host_filter *filter, bool colours)
{
    char *text = NULL;
    size_t size;
    struct terminal_size window = {0};
    FILE *f = open_memstream(&text, &size);
    terminal_size(&window);
    const struct window w = {window.columns, window.rows, colours};
    bool good = f && print_boards(f, boards, filter, true, w) >= 0;
    if (f && fclose(f))
        good = false;
    good = good && terminal_draw(text, size);
    free(text);
    return good;
}

static int watch_on_terminal(struct status_boards *boards, const struct host_filter *filter)
{
    bool colours = cli_use_colours(stdout);
    int64_t at_ns = clock_now_ns();
    terminal_begin();
    while (draw(boards, filter, colours)) {
        if (clock_now_ns() >= at_ns)
            at_ns = clock_now_ns() + REDRAW_NS;
        if (!terminal_wait(at_ns) || !status_boards_open_again(boards))
            break;
    }
    terminal_end();
    return 0;
}

static bool is_drawable(void)
{
    const char *term = env_any("TERM");
    return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int show(struct status_boards *boards, const struct host_filter *filter, bool json,
                bool watch)
{
    if (json && boards->choice.all_users)
        return print_json_of_all(boards);
    if (json)
        return print_json(boards->of[0].found.board, boards->config);
    if (!watch)
        return print_once(boards, filter);
    return is_drawable() ? watch_on_terminal(boards, filter) : watch_plainly(boards, filter);
}

static int status_command(int argc, char **argv)
{
    bool json = false, watch = false;
    const char *host = NULL;
    char why[256];
    struct host_filter filter = {0};
    struct status_boards boards = {.command = &cmd_status};
    const struct flag flags[] = {
        {.name = "json", .given = &json},
        {.name = "watch", .letter = 'w', .given = &watch},
        {.name = "host", .value = &host},
        BOARD_CHOICE_ALL_FLAGS(boards.choice),
        {0},
    };
    int first = cli_flags(&cmd_status, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (first < argc)
        return cli_usage_error(&cmd_status, "unexpected argument: %s", argv[first]);
    if (json && watch)
        return cli_usage_error(&cmd_status,
                               "--json and --watch exclude each other; give either of them");
    if (json && host)
        return cli_usage_error(&cmd_status, "--json prints all hosts; leave out --host");
    if (host && !host_filter_parse(&filter, host, why, sizeof why))
        return cli_usage_error(&cmd_status, "--host %s: %s", host, why);
    boards.config = cli_load_config(&cmd_status);
    int status = 1;
    if (boards.config && status_boards_open(&boards))
        status = show(&boards, &filter, json, watch);
    status_boards_free(&boards);
    return status;
}

const struct command cmd_status = {
    "status", "[--json | [--watch] [--host PATTERN]] [--user NAME|UID | --state DIR | --all-users]",
    "Shows the health, requests, retries, latency and limit of every host.", status_command,
    "  --json               print the document of health.json (libharden(7)) with current values\n"
    "  -w, --watch          repeat every second until q is pressed or it is interrupted\n"
    "  --host PATTERN       only hosts and active checks that match, written as in [host "
    "PATTERN]\n" BOARD_CHOICE_ALL_HELP "\n"
    "On a terminal the table fits the window: the worst hosts come first, and the last line says\n"
    "how many are not shown. Otherwise all hosts and columns are printed.\n"
    "\n"
    "A name with `fallback` also has a row for each of its places, such as \"api.example.com via\n"
    "backup.example.com\", with the requests that went there.\n"
    "\n"
    "SUCCESS   successful requests as a share of those that ended, including those REJECTED by a\n"
    "          limit, a pause or an open circuit\n"
    "STATUS    degraded, at least, while the host is paused or its circuit is not closed; pauses "
    "that\n"
    "          servers asked for are listed above the table with their end and origin\n"
    "last error: of the hosts that are not healthy, and of those whose last error is of the last\n"
    "          day, for the first five: class, reason, CURLcode, status and errno\n"
    "REQ/S     requests per second since the last view; only with --watch\n"
    "BREAKER   the state of the circuit; paused, while it is closed and the host is paused\n"
    "WAITED    total time spent waiting for a token, or because the server asked for a pause\n"
    "observe:  what programs with mode = observe would have done, which is not part of the table;\n"
    "          shown for the first five such hosts\n"
    "P50, P99  percentiles of the duration of single attempts\n"
    "TOKENS    tokens available now, and the burst of the limit\n"
    "\n"
    "example: harden status --json | jq .failed\n"
    "\n"
    "exit status: 0 shown, 1 no usable board, or no host matches\n"};
