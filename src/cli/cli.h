/* SPDX-License-Identifier: MIT
 *
 * The `harden` command: one table of subcommands (main.c), a file for each (cmd_x.c), and what they
 * share. It is a program of its own, not part of what is preloaded: it may allocate, print and exit.
 *
 *     static int run(int argc, char **argv)                   argv[0] is the subcommand's name
 *     {
 *         const char *host = NULL;
 *         const struct flag flags[] = {{.name = "host", .value = &host}, {0}};
 *         int first = cli_flags(&cmd_health, argc, argv, flags);
 *         if (first < 0)
 *             return -first - 1;
 *         ...
 *     }
 *     const struct command cmd_health = {"health", "[--host HOST]", "...", run, "..."};
 *
 * Exit statuses are those of each command's manual; a command line that makes no sense is EXIT_USAGE,
 * which no probe takes for an answer. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "engine/board/board.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXIT_USAGE 64

struct command {
    const char *name;
    const char *arguments; /* as in the manual's synopsis */
    const char *summary;   /* a sentence */
    int (*run)(int argc, char **argv);
    const char *help; /* what --help says below the summary; lines end in \n */
};

extern const struct command cmd_run, cmd_doctor, cmd_config, cmd_status, cmd_health, cmd_report,
    cmd_reset;

/* --name VALUE, --name=VALUE, --name; -l VALUE, -l. The last row is all zero. */
struct flag {
    const char *name;
    char letter;        /* 0: none */
    const char **value; /* NULL: the flag takes none */
    bool *given;
};

/* Index of the first argument that is no flag; or -1 - STATUS when the command is over: after --help
 * and --version, and for a flag that there is not, which is said. */
int cli_flags(const struct command *c, int argc, char **argv, const struct flag *flags);
/* "harden NAME: ..." and where to read on, on stderr. Returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage_error(const struct command *c, const char *fmt,
                                                          ...);
/* "harden NAME: ..." on stderr. */
__attribute__((format(printf, 2, 3))) void cli_say(const struct command *c, const char *fmt, ...);
/* For config_load: each error as a line on stderr. */
void cli_config_error(void *command, const char *line);

/* The configuration of the environment of this moment; what is wrong with it is said. NULL, said too,
 * for lack of memory. */
const struct config *cli_load_config(const struct command *c);
/* The board that this configuration leads to. NULL: *none tells whether there is none, or one that
 * cannot be used; it is said unless it is none. */
struct board *cli_open_board(const struct command *c, const struct config *config, bool writable,
                             bool *none);
/* "3 s", "5 min", "2 h", "4 d" */
const char *cli_age(int64_t ns, char out[24]);
/* A duration as it is written in a configuration: "250ms", "1.5s", "2m". */
const char *cli_duration(int64_t ns, char out[24]);
/* Whether to use colours on this stream. */
bool cli_use_colours(FILE *f);

#endif
