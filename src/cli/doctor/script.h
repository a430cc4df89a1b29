/* SPDX-License-Identifier: MIT
 *
 * Finds the interpreter of a script in its first line. */
#ifndef CLI_DOCTOR_SCRIPT_H
#define CLI_DOCTOR_SCRIPT_H

#include <stddef.h>

enum script {
    SCRIPT_NONE,   /* neither ELF nor text */
    SCRIPT_PLAIN,  /* text without a #! line; a shell runs it with sh */
    SCRIPT_DIRECT, /* "#!/bin/sh" */
    SCRIPT_ENV,    /* "#!/usr/bin/env NAME": `out` is NAME, to be searched in PATH */
};

/* Parses the first n bytes of a file. out[size] receives the path or name of the interpreter. */
enum script script_parse(const char *head, size_t n, char *out, size_t size);

#endif
