/* SPDX-License-Identifier: MIT
 *
 * Checks the configuration, and prints it as it is in force. */
#include "cli/cli.h"

#include "cli/config_explain.h"
#include "cli/config_print.h"

#define EXIT_WRONG 2

static int config_command(int argc, char **argv)
{
    const char *url = NULL;
    const struct flag flags[] = {{.name = "explain", .value = &url}, {0}};
    int first = cli_flags(&cmd_config, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (argc - first > 1)
        return cli_usage_error(&cmd_config,
                               argv[first + 1][0] == '-' ? "%s comes before the file"
                                                         : "unexpected argument: %s",
                               argv[first + 1]);
    const struct config *c = first < argc ? config_load_file(argv[first], cli_config_error,
                                                             (void *)(uintptr_t)&cmd_config)
                                          : cli_load_config(&cmd_config);
    if (!c)
        return EXIT_WRONG;
    if (url && config_explain(&cmd_config, c, url))
        return EXIT_USAGE;
    if (!url)
        config_print(stdout, c, false);
    if (c->errors)
        cli_say(&cmd_config,
                "%d error%s: a program started now goes on without what is named above, a running "
                "one keeps its old settings, harden run starts nothing",
                c->errors, c->errors == 1 ? "" : "s");
    return c->errors ? EXIT_WRONG : 0;
}

const struct command cmd_config = {
    "config", "[--explain URL] [FILE]",
    "Checks the configuration, and shows what is in force and from where.", config_command,
    "  FILE           this file alone, without the environment; else what a program would get that "
    "is\n"
    "                 started here and now\n"
    "  --explain URL  which sections match a URL, host or host:port, and what then applies to it\n"
    "\n"
    "exit status: 0 good, 2 something is wrong, which is said on stderr\n"};
