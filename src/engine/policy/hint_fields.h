/* SPDX-License-Identifier: MIT
 *
 * The header fields by which servers say when to come back: one row each (hint_fields.c). To add a
 * dialect, add a row to the list of its letter, its name to libharden(7), and what the server sends to
 * tests/answers, without which no test notices a row in the wrong list. Those of `hint =` come first.
 *
 *     const struct hint_field *f = hint_field_find(policy, "Retry-After: 3\r\n", 16, &name_length);
 *
 * Most lines are none of these: hint_field_letters tells it by the first character.
 *
 *     if (hint_field_letters >> (line[0] & 63) & 1)
 *         ... the line may be one, or continue one (it begins with a blank) ...
 *
 * Names are compared without case. Constant; any thread. */
#ifndef ENGINE_POLICY_HINT_FIELDS_H
#define ENGINE_POLICY_HINT_FIELDS_H

#include "engine/policy/hint_value.h"
#include "engine/policy/policy.h"

#include <stddef.h>
#include <stdint.h>

enum hint_kind {
    HINT_IS_WAIT,        /* a wait, or when it ends */
    HINT_IS_PUSHBACK,    /* a wait; a negative one: do not retry */
    HINT_IS_RETRY,       /* true or false: do not retry */
    HINT_IS_RATELIMIT,   /* draft-ietf-httpapi-ratelimit-headers: all of a quota in one field */
    HINT_IS_REMAINING,   /* requests left in a quota */
    HINT_IS_RESET,       /* when the quota is refilled */
    HINT_IS_RESET_TOO,   /* the same moment in a second field */
    HINT_IS_RESET_AFTER, /* the same as a wait; counts unless requests are left */
    HINT_IS_LIMIT,       /* size of the quota */
    HINT_IS_USED,        /* requests used of the quota */
    HINT_IS_VERDICT,     /* "rejected" or "allowed" by the quota */
    HINT_IS_USED_OF,     /* "40/40": used/size */
    HINT_IS_CATEGORY,    /* "60:error:organization": waits for some kinds of requests */
    HINT_IS_SCOPE,       /* the quota is that of one resource, and not of the host */
    HINT_IS_ERROR,       /* name of an error: some mean "throttled" */
    HINT_IS_DATE,        /* the server's clock */
};

/* A `*` at one place of a name stands for the name of a quota: fields of one family with the same text
 * there belong together. */
struct hint_field {
    char name[42];  /* lower case */
    uint8_t star;   /* index of the `*`; length: there is none */
    uint8_t length; /* of the name */
    uint8_t kind;   /* enum hint_kind */
    uint8_t unit;   /* enum hint_unit */
    uint8_t family; /* fields of one quota; 0: none */
};

/* No name is longer, that of `hint =` included. */
#define HINT_NAME_MAX 63

#define HINT_LETTER(c) (1ULL << ((c) & 63) | 1ULL << (((c) ^ 32) & 63))
/* Characters that begin one of the names, or the continuation of a line. */
extern const uint64_t hint_field_letters;

/* The same with the names of `hint =`: policy->hint_letters. */
uint64_t hint_letters_of(const struct custom_hints *own);

/* NULL: the line is no hint. *name_length is that of the line's field name. */
const struct hint_field *hint_field_find(const struct policy *p, const char *line, size_t n,
                                         size_t *name_length);

/* What the `*` of the field stands for in this name. */
struct hint_text hint_field_quota(const struct hint_field *f, const char *name, size_t n);

#endif
