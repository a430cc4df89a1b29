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
    size_t n = strlen(c->at.host);
    memcpy(host, c->at.host, n + 1);
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
    const struct policy *policy; /* NULL: no memory */
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
    const struct policy *p = j->policy;
    if (!p || p->breaker == BREAKER_OFF || !(v->passed || p->check_opens))
        return;
    struct slot *s = board_find(j->board, key);
    if (!s || (v->passed && breaker_is_calm(&s->breaker)) || !slot_touch(s, key, v->now_ns))
        return;
    bool observed = atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_OBSERVED;
    if (!v->passed && j->observe && !observed)
        return;
    if (v->passed && !v->recovered && breaker_trips(&s->breaker) > CHECK_PROBES)
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
                         .observed = observed || p->breaker != BREAKER_ON,
                     },
                     v->now_ns);
}

/* ---- places ----------------------------------------------------------------------------------- */

#define VIA " via "

static bool has_places(const struct config *c)
{
    int fallback = option_find(SECTION_HOST, "fallback");
    for (int i = 0; i < c->section_count; i++)
        if (c->sections[i].value[fallback])
            return true;
    return false;
}

static bool is_port_of(const struct target *t, const char *port)
{
    return *port ? ascii_number(port) == t->port : t->default_port;
}

/* Whether "api.example.com via backup.example.com:443" is a place at the address of the target. A place without
 * a port has that of its name; "itself" is the name's own address. name: what is before " via ". */
static bool is_at(const struct target *t, const char *where, const struct check_target *name)
{
    struct check_target at;
    if (!host_port_parse(where, strlen(where), &at))
        return false;
    if (!strcmp(at.host, "itself"))
        at = *name;
    return !strcmp(at.host, t->host) && is_port_of(t, *at.port ? at.port : name->port);
}

/* The circuit of a place is subject to the settings of its name. */
static void judge_place(const struct judged *j, const struct config *config, const struct target *t,
                        const char *shown, uint64_t key)
{
    struct check_target name;
    struct judged own = *j;
    const char *via = strstr(shown, VIA);
    if (!via || !host_port_parse(shown, (size_t)(via - shown), &name) ||
        !is_at(t, via + sizeof VIA - 1, &name))
        return;
    struct target named = {.scheme = t->scheme,
                           .host = name.host,
                           .port = *name.port ? (uint16_t)ascii_number(name.port) : t->port,
                           .default_port = !*name.port,
                           .path = ""};
    own.policy = rules_find(config, &named);
    judge(&own, key);
    judge(&own, board_observed_key(key));
}

static void judge_places(const struct judged *j, const struct config *config,
                         const struct target *t)
{
    char shown[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(j->board); i++) {
        const struct slot *s = &j->board->slots[i];
        if (atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_PLACE &&
            board_nth(j->board, i, shown))
            judge_place(j, config, t, shown, atomic_load(&s->key));
    }
}

void check_circuits(struct board *b, const struct config *config, const struct check_config *c,
                    const struct check_verdict *v)
{
    char host[CHECK_HOST_SIZE], zoned[ZONE_HOST_SIZE];
    if (c->kind == CHECK_DNS || (!v->passed && !v->unhealthy))
        return;
    struct target t = target_of(c, host);
    struct judged j = {b, rules_find(config, &t), v, config->mode == MODE_OBSERVE};
    uint64_t key =
        board_host_key(zone_host(zoned, b, host, t.network), t.default_port ? 0 : t.port);
    /* If its name has other places, the host is down only when they are, too. */
    if (v->passed || !j.policy || !j.policy->fallback.count) {
        judge(&j, key);
        judge(&j, board_observed_key(key));
    }
    if (has_places(config))
        judge_places(&j, config, &t);
}
