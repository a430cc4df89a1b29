/* SPDX-License-Identifier: MIT
 *
 * From the text of a value to the value, by the type of its option, and from there to the member of
 * a struct that the option's row names.
 *
 *     union option_value v;
 *     char why[400];
 *     if (option_parse(o, "1.5s", &v, why, sizeof why))
 *         option_store(o, &v, policy);                        policy->max_wait_ns
 *     else
 *         report(why);                         "not a duration; write for example 250ms, 1.5s, 2m"
 *
 * Pure functions; nothing is allocated. */
#ifndef ENGINE_CONFIG_PARSE_H
#define ENGINE_CONFIG_PARSE_H

#include "engine/config/options.h"
#include "engine/config/target.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which member is set depends on the type of the option. */
union option_value {
    int64_t
        number; /* duration ns, rate ns, size bytes, percent, count, position of a choice, bool */
    const char *text; /* the value itself, not a copy */
    struct limit limit;
    struct per per;
    struct outcome_set outcomes;
    char methods[METHODS_MAX][16];
    struct status_set statuses;
};

/* On failure false, and `why` (size bytes) says what is wrong and what would be right. */
bool option_parse(const struct option *o, const char *value, union option_value *out, char *why,
                  size_t size);
/* Copies the value to its member of *into: a struct config, policy or check_config, by the section
 * of the option. The option must have a width. */
void option_store(const struct option *o, const union option_value *v, void *into);
/* The same for all keys of a section that have a width. NULL among the values: the default. */
void option_store_all(enum option_section section, const char *const values[OPTION_MAX],
                      void *into);

#endif
