/* SPDX-License-Identifier: MIT
 *
 * One policy from the sections that apply to a destination. For rules.c, and `harden config`.
 *
 *     [host *]                       max_attempts = 5  rate = 10/1s
 *     [host api.example.com]         rate = 2/1s
 *     [host api.example.com/v1*]     rate = 1/1s
 *
 * For https://api.example.com/v1/x all three apply: five attempts, a bucket of 2/1s for the host,
 * and a bucket of 1/1s for the operation. Pure functions; nothing is allocated. */
#ifndef ENGINE_CONFIG_MERGE_H
#define ENGINE_CONFIG_MERGE_H

#include "engine/config/config.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* A section that applies: its index * 2, + 1 if it applies as an operation (its pattern has a
 * path). */
static inline const struct section *merge_section(const struct config *c, uint32_t key)
{
    return &c->sections[key >> 1];
}

static inline bool merge_is_operation(uint32_t key)
{
    return key & 1;
}

/* keys: the most specific section first. *out must be zeroed. */
void merge_policy(const struct config *c, const uint32_t *keys, uint32_t count, struct policy *out);

/* The value of the key in the section's `retry` preset; NULL: it has none, or none for this key. */
const char *merge_preset_value(const struct section *s, int option);

#endif
