/* SPDX-License-Identifier: MIT
 *
 * Shared by all subcommands of `harden`: flags, messages, and access to the configuration. main.c has the table of subcommands, cmd_NAME.c the code of each. Nothing here is
 * preloaded into a program: the command may allocate, print and exit.
 *
 *     static int health_command(int argc, char **argv)        argv[0] is the subcommand's name
 *     {
 *         const char *host = NULL;
 *         const struct flag flags[] = {{.name = "host", .value = &host}, {0}};
 *         int first = cli_flags(&cmd_health, argc, argv, flags);
 *         if (first < 0)
 *             return -first - 1;
 *         ...
 *     }
 *     const struct command cmd_health = {"health", "[--host HOST]", "...", health_command, "..."};
 *
 * harden(1) lists the exit statuses of each subcommand. EXIT_USAGE, for an invalid command line,
 * differs from every status of `harden health`. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "engine/config/config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EXIT_USAGE 64
#define EXIT_WRITE 74 /* the output could not be written */

struct command {
    const char *name;
    const char *arguments; /* as in the synopsis of harden(1) */
    const char *summary;   /* one sentence that begins with a capital letter */
    int (*run)(int argc, char **argv);
    const char *help; /* printed by --help below the summary; lines end in \n. The last paragraph
                       * is "exit status: ...", the one before it "example: ..." */
};

extern const struct command cmd_run, cmd_doctor, cmd_config, cmd_status, cmd_health, cmd_report,
    cmd_reset, cmd_ps;

/* A flag: --name VALUE, --name=VALUE, --name, -l VALUE, -l. The last row of a table is all zero. */
struct flag {
    const char *name;
    char letter;        /* 0: no short form */
    const char **value; /* where to store the value; NULL: the flag takes none */
    bool *given;        /* set to true when the flag is present; may be NULL */
};

/* Parses the flags, and moves those that follow an argument before it, unless "--" ends the flags.
 * Returns the index of the first argument that is not a flag. Returns -1 - STATUS
 * if the command is to exit with STATUS: after --help and --version, or after an error message for
 * an invalid flag. */
int cli_flags(const struct command *c, int argc, char **argv, const struct flag *flags);
/* Prints usage, summary and help, as --help does. */
void cli_help(const struct command *c);
/* The word that was probably meant: a similar one, or the first that begins like it; NULL: none. */
const char *cli_nearest(const char *word, const char *const *known, int n);
/* Prints "harden NAME: ..." and the usage line on stderr. Returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage_error(const struct command *c, const char *fmt,
                                                          ...);
/* Prints "harden NAME: ..." on stderr. */
__attribute__((format(printf, 2, 3))) void cli_say(const struct command *c, const char *fmt, ...);
/* A callback for config_load: prints an error of the configuration on stderr. */
void cli_config_error(void *command, const char *line);

/* The configuration that a program started now in this environment gets. Errors in it are printed,
 * and the keys concerned keep their defaults. NULL, after an error message: out of memory. */
const struct config *cli_load_config(const struct command *c);
/* The same for a program of another base name, whose [program] sections apply. */
const struct config *cli_load_config_for(const struct command *c, const char *program);
/* Formats an age: "3 s", "5 min", "2 h", "4 d". */
const char *cli_age(int64_t ns, char out[24]);
/* Formats a duration as in a configuration file: "250ms", "1.5s", "2m". */
const char *cli_duration(int64_t ns, char out[24]);
/* Whether to print colours to this stream: a terminal, unless NO_COLOR or TERM=dumb is set. */
bool cli_use_colours(FILE *f);
/* Of a mode other than enforce. */
const char *cli_mode_meaning(enum mode m);

#endif
