/* SPDX-License-Identifier: MIT
 *
 * The table of subcommands, and the choice of one. */
#include "cli/cli.h"

#include "base/compiler.h"

#include <string.h>

static const struct command cmd_help;
static const struct command *const commands[] = {
    &cmd_run,    &cmd_doctor, &cmd_config, &cmd_status, &cmd_health,
    &cmd_report, &cmd_reset,  &cmd_ps,     &cmd_help,
};

static int print_usage(FILE *f)
{
    fprintf(f, "usage: harden COMMAND [ARGUMENT...]\n\n"
               "Adds retries, rate limits and circuit breakers to unmodified programs.\n\n");
    for (size_t i = 0; i < array_size(commands); i++)
        fprintf(f, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(f, "\nharden help COMMAND explains one of them, harden -V prints the version.\n"
               "For details see the manual pages harden(1), libharden(7) and harden.ini(5).\n");
    return f == stdout ? 0 : EXIT_USAGE;
}

/* A flag in the place of the command belongs behind it. */
static int unknown_command(const char *name)
{
    const char *known[array_size(commands)];
    for (size_t i = 0; i < array_size(commands); i++)
        known[i] = commands[i]->name;
    const char *near = cli_nearest(name, known, array_size(commands));
    if (name[0] == '-')
        fprintf(stderr, "harden: unknown flag %s; the flags of a command follow it", name);
    else
        fprintf(stderr, "harden: unknown command %s", name);
    if (near)
        fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, "\nharden --help lists all commands\n");
    return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < array_size(commands); i++)
        if (!strcmp(name, commands[i]->name))
            return commands[i];
    return NULL;
}

static int help_command(int argc, char **argv)
{
    const struct flag none[] = {{0}};
    int first = cli_flags(&cmd_help, argc, argv, none);
    if (first < 0)
        return -first - 1;
    if (first + 1 < argc)
        return cli_usage_error(&cmd_help, "give one command at a time");
    if (first == argc)
        return print_usage(stdout);
    const struct command *c = find_command(argv[first]);
    if (!c)
        return unknown_command(argv[first]);
    cli_help(c);
    return 0;
}

static const struct command cmd_help = {
    "help",
    "[COMMAND]",
    "Explains a command, as its --help does; alone, lists all commands.",
    help_command,
    "example: harden help run\n"
    "\n"
    "exit status: 0 printed\n",
};

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_usage(stderr);
    const struct command *c = find_command(argv[1]);
    int status = 0;
    if (c)
        status = c->run(argc - 1, argv + 1);
    else if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        print_usage(stdout);
    else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
        puts("harden " HARDEN_VERSION);
    else
        return unknown_command(argv[1]);
    /* Output that could not be written, for instance to a full disk, is a failure. */
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    fputs("harden: the output could not be written\n", stderr);
    return status ? status : EXIT_WRITE;
}
