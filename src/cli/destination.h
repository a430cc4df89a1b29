/* SPDX-License-Identifier: MIT
 *
 * Parses a destination typed by the user into the form that the rules match:
 *
 *     https://api.example.com:8443/v1/search?q=x
 *     api.example.com   10.0.0.1:5432   unix:/run/app.sock
 *
 * User, query and fragment are ignored, scheme and host are converted to lower case, and a final
 * dot of the host is removed. Without a scheme, the destination is that of a connect(). No side
 * effects. */
#ifndef CLI_DESTINATION_H
#define CLI_DESTINATION_H

#include "engine/config/rules.h"

#include <stdbool.h>
#include <stddef.h>

struct destination {
    char scheme[16], host[256], path[1024];
    struct target target; /* points into the members above */
};

/* False: invalid; why[size] receives the reason. */
bool destination_parse(const char *text, struct destination *d, char *why, size_t size);

/* The name on the board ("xn--bcher-kva.example:8443", or cut like board_cut_name()) of the host that the
 * user typed. Returns `out` (SLOT_NAME_SIZE at least), or `host` itself if it cannot be encoded. */
const char *destination_board_name(char *out, size_t size, const char *host);

#endif
