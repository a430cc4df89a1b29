/* SPDX-License-Identifier: MIT
 *
 * Selects hosts and active checks by a pattern, which is written like that of a [host] section, without a
 * path: api.example.com, *.example.com, 10.0.0.0/8, [::1]:8080, *:8443. A name as the command shows it
 * selects that one.
 *
 *     struct host_filter filter;
 *     if (host_filter_parse(&filter, "*.example.com", why, sizeof why))
 *         ... host_filter_selects(&filter, "api.example.com:8443") ... */
#ifndef CLI_HOST_FILTER_H
#define CLI_HOST_FILTER_H

#include "engine/config/pattern.h"

#include <stdbool.h>
#include <stddef.h>

struct host_filter {
    const char *text; /* NULL: selects all */
    bool is_marked;   /* a name with a mark (board/view.h), and no pattern */
    struct pattern pattern;
};

/* text must outlive the filter. False: why[size] says what is wrong. */
bool host_filter_parse(struct host_filter *f, const char *text, char *why, size_t size);
/* name: as on the board. */
bool host_filter_selects(const struct host_filter *f, const char *name);

#endif
