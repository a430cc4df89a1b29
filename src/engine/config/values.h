/* SPDX-License-Identifier: MIT
 *
 * Parsers of single values: numbers with a unit, switches, words to choose from, rates, paths. The
 * option gives the range of a number and the words that are accepted besides it. Only parse.c calls
 * them.
 *
 *     value_parse_number(o, "1.5s", &ns, why, sizeof why)        o->type says: a duration
 *
 * On failure they return false, and `why` (size bytes) says what is wrong and what would be right.
 * None depends on the locale: with a decimal comma "1.5s" must mean the same. Pure functions. */
#ifndef ENGINE_CONFIG_VALUES_H
#define ENGINE_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit;
struct option;

/* TYPE_DURATION in ns, TYPE_SIZE in bytes, TYPE_PERCENT, TYPE_COUNT. A word of o->choices ("off",
 * "none", "auto") is 0. */
bool value_parse_number(const struct option *o, const char *s, int64_t *out, char *why,
                        size_t size);
/* "99.5%" in parts per million; a word is 0. */
bool value_parse_share(const struct option *o, const char *s, int64_t *out, char *why, size_t size);
bool value_parse_bool(const char *s, int64_t *out, char *why, size_t size);
/* Permissions of a file in octal: readable for its owner, writable for no other user, not executable. */
bool value_parse_mode(const char *s, int64_t *out, char *why, size_t size);
/* The position of the word in o->choices. */
bool value_parse_choice(const struct option *o, const char *s, int64_t *out, char *why,
                        size_t size);
/* "60/1m 5/s"; "none" is a limit without rates. */
bool value_parse_rates(const struct option *o, const char *value, struct limit *out, char *why,
                       size_t size);
/* One rate, as the ns from one token to the next; 0 for "none". */
bool value_parse_rate(const struct option *o, const char *value, int64_t *out, char *why,
                      size_t size);
/* A word of o->choices, or anything with a slash. */
bool value_parse_path(const struct option *o, const char *value, char *why, size_t size);

#endif
