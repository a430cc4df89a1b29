/* SPDX-License-Identifier: MIT
 *
 * One key and its value, as a line of a configuration file that is read back as the same value.
 *
 *     config_line(f, i, "30s", CONFIG_LINE_LIVE, "default");
 *         max_wait = 30s                          ; default
 *     config_line(f, i, "5", CONFIG_LINE_COMMENT, "by retry");
 *         ; max_attempts = 5                      ; by retry
 *
 * A long list is continued in further lines. A value that no file can express, such as a path with " ;" in
 * the environment, becomes a comment that says so. */
#ifndef CLI_CONFIG_LINE_H
#define CLI_CONFIG_LINE_H

#include "engine/config/config.h"

#include <stdbool.h>
#include <stdio.h>

enum config_line { CONFIG_LINE_LIVE, CONFIG_LINE_COMMENT };

/* option: its row. about: what is said about the value, "" for nothing. */
void config_line(FILE *f, int option, const char *value, enum config_line kind, const char *about);
/* The value alone, in one line, as config_line prints it. Returns its length. */
int config_line_value(FILE *f, int option, const char *value);
/* Whether a file can have a section of this name: not with a blank in the path of a socket. */
bool config_line_can_name(const struct section *s);

#endif
