/* SPDX-License-Identifier: MIT
 *
 * The table of subcommands, and the choice of one. */
#include "cli/cli.h"

#include "base/compiler.h"
#include "engine/config/options.h"

#include <string.h>

static const struct command *const commands[] = {
    &cmd_run, &cmd_doctor, &cmd_config, &cmd_status, &cmd_health, &cmd_report, &cmd_reset,
};

static int print_usage(FILE *f)
{
    fprintf(f, "usage: harden COMMAND [ARGUMENT...]\n\n"
               "Adds retries, rate limits and circuit breakers to unmodified programs.\n\n");
    for (size_t i = 0; i < array_size(commands); i++)
        fprintf(f, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(f,
            "\nFor details see harden COMMAND --help and the manual pages harden(1), libharden(7)\n"
            "and harden.ini(5).\n");
    return f == stdout ? 0 : EXIT_USAGE;
}

static int unknown_command(const char *name)
{
    const char *known[array_size(commands)];
    for (size_t i = 0; i < array_size(commands); i++)
        known[i] = commands[i]->name;
    const char *near = option_nearest(name, known, array_size(commands));
    fprintf(stderr, "harden: unknown command %s", name);
    if (near)
        fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, "\nharden --help lists all commands\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_usage(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return print_usage(stdout);
    if (!strcmp(argv[1], "--version")) {
        puts("harden " HARDEN_VERSION);
        return 0;
    }
    for (size_t i = 0; i < array_size(commands); i++)
        if (!strcmp(argv[1], commands[i]->name)) {
            int status = commands[i]->run(argc - 1, argv + 1);
            /* Output that could not be written, for instance to a full disk, is a failure. */
            return fflush(stdout) || ferror(stdout) ? (status ? status : EXIT_WRITE) : status;
        }
    return unknown_command(argv[1]);
}
