/* SPDX-License-Identifier: MIT
 *
 * Lists for CURLOPT_CONNECT_TO, by which libcurl connects to another place than the URL names. All else is
 * still that of the name: URL, Host, SNI, certificate check, cookies, authentication.
 *
 *     struct connect_name name = {.host = "api.example.com", .port = 443, .web = true};
 *     if (!connect_to_covers(programs, &name))          else the program has chosen the place itself
 *         list = connect_to_list(programs, &name, &(struct connect_place){"backup.example.com", 0});
 *     free(list);                                       once libcurl has another list
 *
 * The program's entries come first and keep their meaning. Ours match this name only, so a redirect to
 * another host goes there. The list points to the program's strings, which must live as long as for libcurl
 * itself; it is one piece of memory. Any thread. */
#ifndef CURL_CONNECT_TO_H
#define CURL_CONNECT_TO_H

#include "curl/api.h"

#include <stdbool.h>
#include <stdint.h>

/* The first version with this option; older ones refuse it. */
#define VERSION_CONNECT_TO 0x073100

/* What the request is for. */
struct connect_name {
    const char *host; /* lower case, encoded, without brackets and without a dot at its end */
    uint16_t port;
    bool web; /* http or https at its own port: a place without a port serves both */
};

struct connect_place {
    const char *host; /* without brackets */
    uint16_t port;    /* 0: that of the request */
};

/* Whether the program's own list says where to connect to for this name. */
bool connect_to_covers(const struct curl_slist *programs, const struct connect_name *name);
/* NULL: no memory. */
struct curl_slist *connect_to_list(const struct curl_slist *programs,
                                   const struct connect_name *name,
                                   const struct connect_place *place);

#endif
