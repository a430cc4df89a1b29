/* SPDX-License-Identifier: MIT
 *
 * Writes JSON into a text (text.h). Every member and every element ends in a comma; closing an object
 * or an array takes the last comma back.
 *
 *     json_open(&t, '{');
 *     json_string(&t, "host", "api.example.com");
 *     json_array(&t, "waits");
 *     ...
 *     json_close(&t, ']');
 *     json_close(&t, '}');
 *     json_end(&t);             {"host":"api.example.com","waits":[...]}  and a newline
 *
 * Keys are literals that need no escaping; strings are escaped by json_quote. Allocates nothing; what
 * does not fit sets t->full. Preserves errno. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* A snapshot has thousands of these members. Inline, the length of a literal key is a constant. */
#define JSON_INLINE static inline __attribute__((always_inline))

/* The string with its quotes, escaped, without a comma. Bytes that are not UTF-8 become U+FFFD. */
void json_quote(struct text *t, const char *s);

JSON_INLINE void json_key(struct text *t, const char *key)
{
    text_put(t, "\"");
    text_put(t, key);
    text_put(t, "\":");
}

JSON_INLINE void json_u64(struct text *t, const char *key, uint64_t v)
{
    json_key(t, key);
    text_u64(t, v);
    text_put(t, ",");
}

/* v / 10^decimals */
void json_fixed(struct text *t, const char *key, int64_t v, int decimals);
void json_string(struct text *t, const char *key, const char *s);
void json_bool(struct text *t, const char *key, bool v);
void json_null(struct text *t, const char *key);

/* "2026-01-25T10:00:00.123Z" */
void json_time(struct text *t, const char *key, int64_t wall_ns);

/* A string as an element of an array. */
void json_element(struct text *t, const char *s);

/* bracket: '{' or '['. The document itself, or an element of an array. */
static inline void json_open(struct text *t, char bracket)
{
    text_putn(t, &bracket, 1);
}

static inline void json_object(struct text *t, const char *key)
{
    json_key(t, key);
    text_put(t, "{");
}

/* The key is not a literal, so it is escaped. */
static inline void json_object_quoted(struct text *t, const char *key)
{
    json_quote(t, key);
    text_put(t, ":{");
}

static inline void json_array(struct text *t, const char *key)
{
    json_key(t, key);
    text_put(t, "[");
}

static inline void json_drop_comma(struct text *t)
{
    if (t->n && t->p[t->n - 1] == ',')
        t->p[--t->n] = '\0';
}

/* bracket: '}' or ']'. */
static inline void json_close(struct text *t, char bracket)
{
    json_drop_comma(t);
    text_putn(t, (const char[]){bracket, ','}, 2);
}

/* The document is closed: a newline follows instead of the comma. */
static inline void json_end(struct text *t)
{
    json_drop_comma(t);
    text_put(t, "\n");
}

#endif
