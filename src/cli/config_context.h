/* SPDX-License-Identifier: MIT
 *
 * What applies to the requests of one section, for the notes about it: the values of this section, and of
 * all others that apply to every one of its requests.
 *
 *     context_of(&x, c, s, pattern)
 *     context_number(&x, option)         max_delay in force there
 *     context_is_own(&x, option)         whether this section itself has written the value in force */
#ifndef CLI_CONFIG_CONTEXT_H
#define CLI_CONFIG_CONTEXT_H

#include "engine/config/parse.h"
#include "engine/config/pattern.h"
#include "engine/config/rules.h"

#include <stdbool.h>

#define CONTEXT_SECTIONS 64

struct context {
    const struct config *config;
    const struct section *own;
    struct pattern pattern; /* of this section */
    struct target target;   /* a request that all sections apply to, which apply to every one */
    const struct section *section[CONTEXT_SECTIONS]; /* most specific first */
    int count;
};

/* False: the section does not apply by this pattern. x is not copied afterwards. */
bool context_of(struct context *x, const struct config *c, const struct section *s,
                const char *pattern);
/* The value in force, and the section that sets it, itself or by `retry`; NULL: the default. */
const char *context_value(const struct context *x, int option, const struct section **by);
union option_value context_parsed(const struct context *x, int option);
int64_t context_number(const struct context *x, int option);
/* Whether the value in force is written in this section. The default is not: `harden config` prints it, but
 * nobody has chosen it. */
bool context_is_own(const struct context *x, int option);

#endif
