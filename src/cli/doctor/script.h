/* SPDX-License-Identifier: MIT
 *
 * The first line of a script: which program runs it. */
#ifndef CLI_DOCTOR_SCRIPT_H
#define CLI_DOCTOR_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum script {
    SCRIPT_NONE,   /* neither ELF nor text */
    SCRIPT_PLAIN,  /* text without such a line: run by sh */
    SCRIPT_DIRECT, /* "#!/bin/sh" */
    SCRIPT_ENV,    /* "#!/usr/bin/env NAME": `out` is the name, looked for in PATH */
};

/* Of the first n bytes of a file. `out` gets the path or name of the interpreter. */
enum script script_parse(const char *head, size_t n, char *out, size_t size);

#endif
