/* SPDX-License-Identifier: MIT
 *
 * What a person writes for a destination, as the rules see it:
 *
 *     https://api.example.com:8443/v1/search?q=x   api.example.com   10.0.0.1:5432   unix:/run/app.sock
 *
 * User, query and fragment are passed over, letters of scheme and host are lowered, and a final dot
 * of the host is dropped. Without a scheme it is a connection. Pure. */
#ifndef CLI_WHERE_H
#define CLI_WHERE_H

#include "engine/config/rules.h"

#include <stdbool.h>
#include <stddef.h>

struct destination {
    char scheme[16], host[256], path[1024];
    struct target target; /* of these */
};

/* On failure false, and `why` (size bytes) gets what is wrong. */
bool destination_parse(const char *text, struct destination *w, char *why, size_t size);

/* A host as the board shows it, "xn--bcher-kva.example:8443", of what somebody typed; as it is where it
 * cannot be told. out has room for size bytes. */
const char *destination_shown(char *out, size_t size, const char *host);

#endif
