/* SPDX-License-Identifier: MIT
 *
 * `harden config`: checks the configuration and prints the effective values. */
#include "cli/cli.h"

#include "base/clock.h"
#include "cli/config_explain.h"
#include "cli/config_live.h"
#include "cli/config_notes.h"
#include "cli/config_print.h"

#include "engine/config/rules.h"

#define EXIT_WRONG 2

/* What the board says, if there is one. */
static void print_live(const struct config *c, const struct destination *d)
{
    const char *why;
    const struct policy *p = rules_find(c, &d->target);
    struct board *b = c->state && p ? board_attach(c->state, false, &why) : NULL;
    if (b)
        config_live(stdout, c, b, d, p, clock_now_ns());
}

/* Status of the command. */
static int explain(const struct config *c, const char *url)
{
    struct destination d;
    char why[256];
    if (!destination_parse(url, &d, why, sizeof why))
        return cli_usage_error(&cmd_config, "%s: %s", url, why);
    if (config_explain(stdout, c, &d)) {
        print_live(c, &d);
        return 0;
    }
    cli_say(&cmd_config, "out of memory");
    return EXIT_WRONG;
}

static void print_note(void *strict, const char *line)
{
    cli_say(&cmd_config, "%s%s", *(bool *)strict ? "" : "note: ", line);
}

static int config_command(int argc, char **argv)
{
    const char *url = NULL, *program = NULL;
    bool strict = false;
    const struct flag flags[] = {{.name = "explain", .value = &url},
                                 {.name = "program", .value = &program},
                                 {.name = "strict", .given = &strict},
                                 {0}};
    int first = cli_flags(&cmd_config, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (argc - first > 1)
        return cli_usage_error(&cmd_config,
                               argv[first + 1][0] == '-' ? "%s must come before the file"
                                                         : "unexpected argument: %s",
                               argv[first + 1]);
    const struct config *c =
        config_load_for(program, argv[first], cli_config_error, (void *)(uintptr_t)&cmd_config);
    if (!c) {
        cli_say(&cmd_config, "out of memory");
        return EXIT_WRONG;
    }
    int status = 0;
    if (url)
        status = explain(c, url);
    else
        config_print(stdout, c, false);
    if (status)
        return status;
    int notes = config_notes(c, print_note, &strict);
    if (notes && strict)
        cli_say(&cmd_config, "%d note%s, and --strict: invalid", notes, notes == 1 ? "" : "s");
    if (c->errors)
        cli_say(&cmd_config,
                "%d error%s: a program started now ignores the keys named above, a running program "
                "keeps its old settings, and harden run does not start anything",
                c->errors, c->errors == 1 ? "" : "s");
    return c->errors || (notes && strict) ? EXIT_WRONG : 0;
}

const struct command cmd_config = {
    "config", "[--explain URL] [--program PROGRAM] [--strict] [FILE]",
    "Checks the configuration, and prints what is in effect and why.", config_command,
    "  FILE               read only this file, and ignore the environment; without it, print\n"
    "                     what a program gets that is started now in this environment\n"
    "  --explain URL      print the sections that match a URL, host or host:port, and the\n"
    "                     resulting values, and what the board says at the moment\n"
    "  --program PROGRAM  apply the [program GLOB] sections that name this program, by its base\n"
    "                     name; without it, none applies, and they are printed like the others\n"
    "  --strict           treat notes as errors\n"
    "\n"
    "Errors are printed on stderr, and so are notes: settings that are valid but have not the\n"
    "effect that they seem to have.\n"
    "\n"
    "example: harden config --explain https://api.example.com/v1/search\n"
    "\n"
    "exit status: 0 valid, 2 invalid\n"};
