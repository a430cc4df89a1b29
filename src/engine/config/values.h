/* SPDX-License-Identifier: MIT
 *
 * Parsers of the values that options.h names; only option_parse and its parts use them. Nothing
 * here asks the locale: a host's setlocale must not change what 1.5s means. */
#ifndef ENGINE_CONFIG_VALUES_H
#define ENGINE_CONFIG_VALUES_H

#include "base/words.h"
#include "engine/check/types.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* The next word of a list separated by blanks or commas, its length in *n; NULL at the end. */
const char *word_next(const char **at, size_t *n);
/* Whether the n bytes at s are `word`, without regard to case. */
bool word_is(const char *s, size_t n, const char *word);
/* A whole number made of all n bytes; -1 when it is none, or above a billion. */
long whole_number(const char *s, size_t n);
/* Says why a value is wrong; always false. */
__attribute__((format(printf, 3, 4))) bool wrong(char *why, size_t size, const char *fmt, ...);

bool outcomes_parse(const char *value, struct outcome_set *out, char *why, size_t size);
bool per_parse(const char *value, struct per *out, char *why, size_t size);
bool statuses_parse(const char *value, struct status_set *out, char *why, size_t size);
bool methods_parse(const char *value, char out[METHODS_MAX][16], char *why, size_t size);

#endif
