/* SPDX-License-Identifier: MIT
 *
 * `harden report`: the board, its history and the configuration as one HTML page. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/replace.h"
#include "cli/board_choice.h"
#include "cli/report/page.h"
#include "cli/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_NO_BOARD 1

static bool write_page(struct report *r)
{
    char verdict[1024], title[1100];
    report_verdict(r, verdict, sizeof verdict);
    snprintf(title, sizeof title, "harden report: %s", verdict);
    page_begin(r->f, title);
    report_head(r, verdict);
    report_hosts(r);
    report_slo(r);
    bool good = report_times(r) && report_states(r) && report_latency(r) && report_config(r);
    report_foot(r);
    page_end(r->f);
    return good;
}

/* Renders into memory first, so that an incomplete page is never written. NULL: out of memory. */
static char *render_page(const struct board_found *found, const struct config *c, size_t *size)
{
    const struct board *b = found->board;
    char *page = NULL;
    struct report r = {.board = b,
                       .place = &found->place,
                       .config = c,
                       .now_ns = clock_now_ns(),
                       .wall_ns = clock_wall_ns()};
    struct host *hosts = host_list_read(b, r.now_ns, &r.host_count);
    struct check *checks = check_list_read(b, r.now_ns, &r.check_count);
    r.hosts = hosts;
    r.checks = checks;
    r.f = hosts && checks ? open_memstream(&page, size) : NULL;
    bool good = r.f && write_page(&r);
    if (r.f && fclose(r.f) != 0)
        good = false;
    free(hosts);
    free(checks);
    if (!good) {
        free(page);
        page = NULL;
    }
    return page;
}

static int write_output(const char *page, size_t size, const char *file)
{
    if (!file)
        return fwrite(page, 1, size, stdout) == size ? 0 : EXIT_WRITE;
    struct stat was;
    bool there = lstat(file, &was) == 0;
    int err = replace_file(file, page, size);
    /* Keep the permissions of an existing file; a web server may have to read it. */
    if (!err && there && chmod(file, was.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) < 0)
        err = -errno;
    if (!err)
        return 0;
    cli_say(&cmd_report, "%s: %s", file,
            err == -EEXIST ? "is not a regular file; redirect the output to it instead"
                           : strerror(-err));
    return EXIT_WRITE;
}

static int report_command(int argc, char **argv)
{
    const char *file = NULL;
    struct board_choice choice = {0};
    const struct flag flags[] = {
        {.name = "output", .letter = 'o', .value = &file}, BOARD_CHOICE_FLAGS(choice), {0}};
    struct board_found found = {0};
    size_t size;
    int first = cli_flags(&cmd_report, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (first < argc)
        return cli_usage_error(&cmd_report, "unexpected argument: %s", argv[first]);
    if (file && !*file)
        return cli_usage_error(&cmd_report, "--output needs a file");
    if (file && !strcmp(file, "-"))
        file = NULL;
    else if (!file && isatty(STDOUT_FILENO))
        return cli_usage_error(
            &cmd_report, "refusing to write HTML to a terminal: use -o FILE.html, or redirect "
                         "the output");
    const struct config *c = cli_load_config(&cmd_report);
    if (c)
        board_choice_open(&cmd_report, c, &choice, false, &found);
    if (found.none)
        cli_say(&cmd_report, "%s: no program has used the library yet", found.place.dir);
    if (found.note[0])
        cli_say(&cmd_report, "%s", found.note);
    if (!found.board)
        return EXIT_NO_BOARD;
    char *page = render_page(&found, c, &size);
    if (!page) {
        cli_say(&cmd_report, "out of memory");
        return EXIT_NO_BOARD;
    }
    int status = write_output(page, size, file);
    free(page);
    return status;
}

const struct command cmd_report = {
    "report", "[-o FILE.html] [--user NAME|UID | --state DIR]",
    "Writes an HTML page: hosts, history, latencies and configuration.", report_command,
    "  -o, --output FILE    write to this file, replacing it once the page is complete; -: write\n"
    "                       to standard output, which is the default unless it is a "
    "terminal\n" BOARD_CHOICE_HELP "\n"
    "The page is a single file without scripts or external resources: open it in any browser,\n"
    "mail it, print it. It contains host names, and the configuration as `harden config`\n"
    "prints it.\n"
    "\n"
    "example: harden report -o report.html\n"
    "\n"
    "exit status: 0 written, 1 no usable board\n"};
