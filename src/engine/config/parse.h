/* SPDX-License-Identifier: MIT
 *
 * From the text of a value to the value, by the type of its option, and from there to the member of
 * a struct that the option's row names.
 *
 *     union option_value v;
 *     char why[400];
 *     if (!option_parse(o, "1.5 sec", &v, why, sizeof why))
 *         report(why);                         "not a duration; write for example 250ms, 1.5s, 2m"
 *     ...
 *     option_store_all(SECTION_HOST, values, policy);         policy->max_wait_ns and the others
 *
 * Pure functions; nothing is allocated. */
#ifndef ENGINE_CONFIG_PARSE_H
#define ENGINE_CONFIG_PARSE_H

#include "engine/config/check_target.h"
#include "engine/config/options.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which member is set depends on the type of the option. */
union option_value {
    /* Duration ns, rate ns, size bytes, percent, count, position of a choice, bool. */
    int64_t number;
    const char *text; /* the value itself, not a copy */
    struct limit limit;
    struct per per;
    struct outcome_set outcomes;
    char methods[METHODS_MAX][16];
    struct custom_hints hints;
    struct status_set statuses;
    struct fallback fallback;
};

/* On failure false, and `why` (size bytes) says what is wrong and what would be right. */
bool option_parse(const struct option *o, const char *value, union option_value *out, char *why,
                  size_t size);
/* Parses the values of all keys of a section that have a width, and copies each to its member of *into:
 * a struct config, policy or check_config, by the section. NULL among the values: the default. */
void option_store_all(enum option_section section, const char *const values[OPTION_MAX],
                      void *into);

#endif
