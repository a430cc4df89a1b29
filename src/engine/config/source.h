/* SPDX-License-Identifier: MIT
 *
 * Where the value of a key comes from, for events and texts that name the key that decided.
 *
 *     struct event_setting s;
 *     source_of_key(&s, config, policy, "max_wait");      max_wait = 10s, /etc/harden/harden.ini:3
 *
 * Found when it is asked for, in the sections of the configuration: nothing is kept for it. It needs a
 * KiB of stack. Any thread. The strings live as long as the configuration. */
#ifndef ENGINE_CONFIG_SOURCE_H
#define ENGINE_CONFIG_SOURCE_H

#include "base/events.h"
#include "engine/config/config.h"
#include "engine/policy/policy.h"

/* Of a key of [harden], or of [host] for the destinations of the policy. s->value stays NULL if the policy
 * is not of this configuration. */
void source_of_key(struct event_setting *s, const struct config *c, const struct policy *p,
                   const char *key);
/* Of a limit of the policy, its "rate" or "concurrency". */
void source_of_limit(struct event_setting *s, const struct config *c, const struct policy *p,
                     const struct limit *limit, const char *key);
/* Logs at level debug, once for each host, which sections the policy that applies to it was merged from. */
void source_log_sections(const struct config *c, const struct policy *p, const char *host);

#endif
