/* SPDX-License-Identifier: MIT
 *
 * From a destination to the one policy that applies to it. [host] sections are patterns:
 *
 *     *   *.example.com   api.example.com   api.example.com:8443   10.0.0.0/8
 *     unix:/run/app.sock                  a local socket; not covered unless a pattern names it
 *     api.example.com/v1/search*          an operation: inherits its host's settings, and its
 *                                         `rate` is a further bucket on top of the host's
 *
 * The most specific pattern wins, key by key: path > host:port > host > longer wildcard > longer
 * prefix of an address > `*`; among equals the later one. [override] sections, and HARDEN_*, which
 * makes such sections, beat all [host] sections.
 *
 * The host's bucket takes its rate, burst and per from the sections without a path. Each operation
 * that matches and has a rate adds a bucket with a burst of its own, up to LIMITS_MAX - 1 of the
 * most specific; `per` it inherits.
 *
 * Policies are interned by the set of sections that apply: the same set gives the same pointer.
 * They are built on first use and live as long as the configuration. Lock-free; any thread; errno
 * is preserved. */
#ifndef ENGINE_CONFIG_RULES_H
#define ENGINE_CONFIG_RULES_H

#include "engine/config/config.h"
#include "engine/config/pattern.h"
#include "engine/policy/policy.h"

#include <stdbool.h>

/* Called once, when the sections are final (builder_finish). False without memory. */
bool rules_prepare(struct config *c);

/* NULL only without memory. */
const struct policy *rules_find(const struct config *c, const struct target *t);

/* Whether any section names local sockets, and whether one names this one ("unix:/run/app.sock").
 */
bool rules_have_locals(const struct config *c);
bool rules_name_local(const struct config *c, const char *host);

/* Calls seen() for each section that applies, the most specific first, and says whether it applies as an
 * operation: for `harden config`. */
void rules_explain(const struct config *c, const struct target *t,
                   void (*seen)(void *ctx, const struct section *s, bool operation), void *ctx);
/* The sections that a policy of this configuration was merged from (merge.h), the most specific first. NULL
 * for a policy that rules_find() has not returned. */
const uint32_t *rules_keys_of(const struct config *c, const struct policy *p, uint32_t *count);

#endif
