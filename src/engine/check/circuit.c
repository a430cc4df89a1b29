/* SPDX-License-Identifier: MIT */
#include "engine/check/circuit.h"

#include "base/netns.h"
#include "base/rng.h"
#include "base/scheme.h"
#include "base/words.h"
#include "engine/board/circuit.h"
#include "engine/config/network_zone.h"
#include "engine/config/rules.h"

#include <stdio.h>
#include <string.h>

static bool is_https(const struct check_config *c)
{
    static const char scheme[] = "https:";
    return word_is(c->target, strnlen(c->target, sizeof scheme - 1), scheme);
}

/* The target as a request for it names it: a connection has no scheme, and its web ports are those of the
 * host as a whole. host: room for its name. */
static struct target target_of(const struct check_config *c, char host[CHECK_HOST_SIZE])
{
    const char *scheme = c->kind == CHECK_TCP ? "" : is_https(c) ? "https" : "http";
    uint16_t port = *c->at.port ? (uint16_t)ascii_number(c->at.port) : scheme_port(scheme);
    size_t n = strlen(strcpy(host, c->at.host));
    if (n > 1 && host[n - 1] == '.')
        host[n - 1] = '\0';
    return (struct target){.scheme = scheme,
                           .host = host,
                           .port = port,
                           .default_port =
                               c->kind == CHECK_TCP ? scheme_is_web_port(port) : !*c->at.port,
                           .path = "",
                           .network = zone_applies(host) ? netns_of_thread() : 0};
}

struct judged {
    struct board *board;
    const struct policy *policy;
    const struct check_verdict *verdict;
    bool observe; /* the mode of this program */
};

static bool change(struct slot *s, const struct judged *j)
{
    const struct check_verdict *v = j->verdict;
    if (v->passed)
        return breaker_half_open(&s->breaker, v->now_ns);
    return breaker_force_open(&s->breaker, j->policy, v->now_ns, rng_next());
}

static void judge(const struct judged *j, uint64_t key)
{
    char name[SLOT_NAME_SIZE];
    const struct check_verdict *v = j->verdict;
    struct slot *s = board_find(j->board, key);
    if (!s || (v->passed && breaker_is_calm(&s->breaker)) || !slot_touch(s, key, v->now_ns))
        return;
    bool observed = atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_OBSERVED;
    if (!v->passed && j->observe && !observed)
        return;
    bool was_closed = breaker_state_at(&s->breaker, v->now_ns) == BREAKER_CLOSED;
    if (!change(s, j))
        return;
    if (was_closed)
        circuit_note_since(j->board, s, v->now_ns, v->wall_ns);
    slot_read_name(s, name);
    circuit_announce(j->board, s,
                     &(struct circuit_change){
                         .name = name,
                         .reason = "check",
                         .observed = observed || j->policy->breaker != BREAKER_ON,
                     },
                     v->now_ns);
}

void check_circuits(struct board *b, const struct config *config, const struct check_config *c,
                    const struct check_verdict *v)
{
    char host[CHECK_HOST_SIZE], zoned[ZONE_HOST_SIZE];
    if (c->kind == CHECK_DNS || (!v->passed && !v->unhealthy))
        return;
    struct target t = target_of(c, host);
    const struct policy *p = rules_find(config, &t);
    if (!p || p->breaker == BREAKER_OFF || !(v->passed || p->check_opens))
        return;
    struct judged j = {b, p, v, config->mode == MODE_OBSERVE};
    uint64_t key =
        board_host_key(zone_host(zoned, b, host, t.network), t.default_port ? 0 : t.port);
    judge(&j, key);
    judge(&j, board_observed_key(key));
}
