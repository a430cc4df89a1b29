/* SPDX-License-Identifier: MIT */
#include "cli/host_filter.h"

#include "base/scheme.h"
#include "base/words.h"
#include "cli/destination.h"
#include "engine/board/view.h"

#include <string.h>

bool host_filter_parse(struct host_filter *f, const char *text, char *why, size_t size)
{
    *f = (struct host_filter){.text = text};
    f->is_marked = strpbrk(text, "%~") != NULL;
    if (f->is_marked)
        return true;
    if (!pattern_parse(text, strlen(text), &f->pattern, why, size))
        return false;
    return !pattern_is_operation(&f->pattern) ||
           wrong(why, size, "the board has hosts only; give a pattern without a path");
}

/* A name without a port has a default one. */
static bool port_may_be(uint16_t wanted, uint16_t port)
{
    return !wanted || wanted == port || (!port && scheme_is_web_port(wanted));
}

bool host_filter_selects(const struct host_filter *f, const char *name)
{
    char why[128];
    struct destination d;
    struct address address;
    char host[VIEW_NAME_SIZE] = "";
    const char *via = strstr(name, " via ");
    if (!f->text || ascii_same(f->text, name))
        return true;
    if (via && via - name < VIEW_NAME_SIZE) { /* a place belongs to its name */
        memcpy(host, name, (size_t)(via - name));
        return host_filter_selects(f, host);
    }
    if (f->is_marked)
        return false;
    if (f->pattern.kind == PATTERN_ANY && !f->pattern.port)
        return true;
    if (!destination_parse(name, &d, why, sizeof why))
        return false;
    if (!port_may_be(f->pattern.port, d.target.port))
        return false;
    d.target.port = f->pattern.port;
    return pattern_matches(&f->pattern, &d.target,
                           pattern_address(d.target.host, &address) ? &address : NULL);
}
