/* SPDX-License-Identifier: MIT
 *
 * Places: where the requests for one name can go (fallback). Each has its own health, circuit and counters,
 * as a proxy has, the name's own address too. The host keeps what the requests got in the end. */
#include "engine/call/private.h"

#include "base/hash.h"
#include "base/minmax.h"
#include "engine/policy/classify_table.h"
#include "engine/policy/curl_codes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SEED_PLACE 0x706c616365ULL

struct place {
    struct party party;
    char name[SLOT_NAME_SIZE];
};

/* ---- the slot of a place ---------------------------------------------------------------------- */

static const struct place_name *name_at(const struct call *c, int place)
{
    return place ? &c->policy->fallback.at[place - 1] : NULL;
}

int call_put_place(const struct call *c, int place, char *out, size_t size)
{
    const struct place_name *p = name_at(c, place);
    if (!p)
        return snprintf(out, size, "itself");
    int n = snprintf(out, size, strchr(p->host, ':') ? "[%s]" : "%s", p->host);
    if (p->port && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, ":%u", p->port);
    return n;
}

static uint64_t key_of(const struct call *c, int place)
{
    const struct binding *b = c->binding;
    const struct place_name *p = name_at(c, place);
    uint64_t parts[] = {b->facts ? b->facts_key : b->key,
                        p ? hash_bytes(p->host, strlen(p->host), p->port) : 0};
    return board_key(hash_bytes(parts, sizeof parts, SEED_PLACE));
}

/* "api.example.com via backup.example.com:443" */
static void put_name(const struct call *c, int place, uint64_t key, char name[SLOT_NAME_SIZE])
{
    char where[sizeof c->policy->fallback.at[0].host + 16];
    call_put_place(c, place, where, sizeof where);
    if (snprintf(name, SLOT_NAME_SIZE, "%s via %s", c->binding->name, where) >= SLOT_NAME_SIZE)
        board_cut_name(name, key);
}

static struct slot *slot_of(const struct call *c, uint64_t key, struct place *p, int place,
                            enum slot_kind kind, int64_t now_ns)
{
    struct board *b = c->binding->board;
    struct slot *s = board_find(b, key);
    if (s)
        slot_read_name(s, p->name);
    else
        put_name(c, place, key, p->name);
    if (!s || !slot_touch(s, key, now_ns))
        s = board_slot(b, key, p->name, kind, now_ns);
    return s;
}

/* False: there is no room for it on the board. In observe mode, only of the name's own place something is
 * known. */
static bool find_place(const struct call *c, int place, int64_t now_ns, struct place *p)
{
    uint64_t key = key_of(c, place);
    struct slot *overflow = board_overflow(c->binding->board);
    if (c->observe && (place || call_observes_nothing(c, c->slot)))
        return false;
    struct slot *s = slot_of(c, key, p, place, SLOT_PLACE, now_ns);
    p->party = (struct party){.slot = s,
                              .facts = s,
                              .policy = c->policy,
                              .name = p->name,
                              .operation = c->binding->operation,
                              .is_place = true};
    if (unlikely(c->observe) && s != overflow)
        p->party.slot = slot_of(c, board_observed_key(key), p, place, SLOT_OBSERVED, now_ns);
    return s != overflow && p->party.slot != overflow;
}

/* ---- where an attempt goes -------------------------------------------------------------------- */

/* Whether the circuit of the place admits an attempt; if so, its lease if it is a probe. take: or would, if
 * it was asked now. */
static bool admits(struct call *c, int place, int64_t now_ns, bool take, int64_t *lease_ns)
{
    struct place p;
    *lease_ns = 0;
    if (!find_place(c, place, now_ns, &p) || breaker_is_calm(&p.party.slot->breaker) ||
        !call_breaker_used(c, &p.party))
        return true;
    struct breaker *b = &p.party.slot->breaker, copy;
    if (!take) {
        atomic_init(&copy.state, atomic_load_explicit(&b->state, memory_order_relaxed));
        atomic_init(&copy.window, atomic_load_explicit(&b->window, memory_order_relaxed));
        b = &copy;
    }
    int64_t own_ns = place == c->place ? c->place_lease_ns : 0;
    struct breaker_answer a = breaker_admit(b, c->policy, p.party.operation, own_ns, now_ns);
    if (take && a.changed)
        call_announce_breaker(c, &p.party, now_ns);
    *lease_ns = a.lease_ns;
    return a.admit || c->policy->breaker != BREAKER_ON;
}

struct search {
    unsigned among; /* bit n: place n */
    int from; /* the first one to look at; then in the order of the configuration, and around */
    bool take;
    int64_t lease_ns; /* found: of the probe */
};

/* -1: the circuits of all are open. */
static int first_admitted(struct call *c, struct search *q, int64_t now_ns)
{
    int count = c->policy->fallback.count + 1;
    for (int i = 0; i < count; i++) {
        int place = (q->from + i) % count;
        if ((q->among >> place & 1) && admits(c, place, now_ns, q->take, &q->lease_ns))
            return place;
    }
    return -1;
}

/* The next place that was not tried; else the last one again, or another one if its circuit is open or if it
 * is barred. If all are open, only the host's own circuit decides. */
static int choose(struct call *c, struct search *q, int64_t now_ns)
{
    int place = -1;
    bool is_first = !c->tried_places;
    q->from = !is_first ? c->place + 1 : call_slo_burns(c, now_ns) ? 1 : 0;
    q->among = c->places & ~(unsigned)c->tried_places;
    if (is_first || !c->last.proxy) /* a proxy that failed reaches no other place, either */
        place = first_admitted(c, q, now_ns);
    q->from = c->place;
    q->among = c->tried_places & ~(unsigned)c->barred_places;
    if (place < 0)
        place = first_admitted(c, q, now_ns);
    if (place >= 0)
        return place;
    q->lease_ns = 0;
    return c->place;
}

int call_next_place(struct call *c, int64_t now_ns)
{
    return unlikely(c->places) ? choose(c, &(struct search){.take = false}, now_ns) : 0;
}

int call_untried_place(struct call *c, int64_t now_ns)
{
    unsigned tried = c->tried_places | 1U << c->place;
    struct search q = {.among = c->places & ~tried, .from = c->place + 1};
    return q.among ? first_admitted(c, &q, now_ns) : -1;
}

void call_take_place(struct call *c, int64_t now_ns)
{
    struct search q = {.take = true};
    struct place p;
    int place = choose(c, &q, now_ns);
    c->falls_back |= place > 0;
    if (c->observe)
        place = 0;
    if (place != c->place)
        call_judge_place(c, now_ns, c->wall_ns, c->random);
    else if (c->place_pending && find_place(c, place, now_ns, &p))
        slot_count(p.party.slot, COUNT_UNJUDGED, 1);
    if (place != c->place)
        c->place_outage = REASON_NONE;
    c->place = (uint8_t)place;
    c->place_lease_ns = q.lease_ns;
}

static void release_probe(struct call *c, int64_t now_ns)
{
    struct place p;
    if (c->place_lease_ns && find_place(c, c->place, now_ns, &p))
        breaker_cancel(&p.party.slot->breaker, c->place_lease_ns);
    c->place_lease_ns = 0;
}

void call_release_leases(struct call *c, struct slot *s, int64_t now_ns)
{
    call_release_probes(c, s);
    release_probe(c, now_ns);
}

void call_stay(struct call *c, int64_t now_ns)
{
    if (!c->place)
        return;
    release_probe(c, now_ns);
    c->place = 0;
    c->place_pending = false;
}

/* ---- what its results mean -------------------------------------------------------------------- */

static bool is_forbidden_here(int os_errno)
{
    return os_errno == ENETUNREACH || os_errno == ENETDOWN || os_errno == EACCES ||
           os_errno == EPERM;
}

/* A connection is made to the place, or to the proxy. A proxy that throttles speaks for all places. */
static bool is_barred(const struct attempt *a)
{
    if (a->http_status || a->redirected)
        return false;
    if (attempt_refused_by_proxy(a))
        return outcome_of_proxy(a->proxy_status)->class != CLASS_C;
    bool is_connect = a->protocol == PROTOCOL_CONNECT && !a->curl_code;
    return (is_connect || (a->curl_code == CURL_CODE_COULDNT_CONNECT && !a->via_proxy)) &&
           is_forbidden_here(a->os_errno);
}

bool call_place_is_barred(const struct call *c, const struct attempt *a)
{
    return c->place && is_barred(a);
}

/* A place that is barred has got nothing, whatever the method is, and another place may be reached. */
struct verdict call_classify_place(const struct call *c, const struct attempt *a)
{
    struct verdict v = classify(a, c->policy);
    if (call_place_is_barred(c, a)) {
        v.class = CLASS_A;
        v.reason = REASON_CONNECT;
        v.proxy = false;
    }
    return v;
}

/* The time that an attempt has at a place was used up. That counts against the place, although nobody knows
 * what the program's own time limit would have brought. */
static bool used_up_its_time(const struct call *c, const struct attempt *a)
{
    int64_t whole_ns = c->policy->attempt_timeout_ns;
    return whole_ns && a->duration_ns >= whole_ns - NS_PER_MS;
}

static struct verdict place_verdict(const struct call *c, const struct attempt *a)
{
    struct verdict v = c->last;
    if (v.proxy)
        return (struct verdict){.class = CLASS_E, .reason = REASON_LOCAL};
    v.counted |= call_is_inconclusive(a, &v) && used_up_its_time(c, a);
    return v;
}

/* Another place that does not exist, or that cannot prove to be the name, is of no use. The name itself may
 * be right for others. */
static enum reason place_outage(const struct call *c, const struct verdict *v,
                                const struct attempt *a)
{
    if (call_place_is_barred(c, a))
        return REASON_CONNECT;
    bool unfit = c->place && !a->left_name && v->class == CLASS_D && !a->http_status &&
                 (v->reason == REASON_TLS || v->reason == REASON_DNS);
    return unfit ? v->reason : call_outage(v, a);
}

void call_place_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns)
{
    struct place p;
    struct verdict v = place_verdict(c, a);
    bool comes = !c->place_pending;
    c->tried_places |= (uint8_t)(1U << c->place);
    if (unlikely(call_place_is_barred(c, a)))
        c->barred_places |= (uint8_t)(1U << c->place);
    c->place_pending = true;
    c->place_last = v;
    c->wall_ns = wall_ns;
    if (!call_is_inconclusive(a, &v))
        c->place_outage = place_outage(c, &v, a);
    if (!find_place(c, c->place, now_ns, &p))
        return;
    struct slot *s = p.party.slot;
    if (comes)
        slot_count(s, COUNT_REQUESTS, 1);
    call_count_attempt(s, larger(a->duration_ns, 0));
    if (!call_is_success(&v) && v.class != CLASS_E)
        atomic_fetch_add_explicit(&s->failed_attempts, 1, memory_order_relaxed);
    if (unlikely(p.party.facts != s))
        call_show_attempt(c, &p.party, &v, larger(a->duration_ns, 0));
    call_update_status(c, &p.party, &v, now_ns, wall_ns);
}

void call_judge_place(struct call *c, int64_t now_ns, int64_t wall_ns, uint64_t random)
{
    struct place p;
    if (!c->place_pending)
        return;
    c->place_pending = false;
    if (find_place(c, c->place, now_ns, &p)) {
        call_update_breaker(c, &p.party, &c->place_last, c->place_outage, now_ns, wall_ns, random);
        call_show_outcome(c, p.party.slot, &c->place_last, wall_ns);
        if (unlikely(p.party.facts != p.party.slot))
            call_show_outcome(c, p.party.facts, &c->place_last, wall_ns);
    }
    c->place_lease_ns = 0;
}

void call_leave_place(struct call *c, int64_t now_ns)
{
    struct place p;
    if (c->place_pending && find_place(c, c->place, now_ns, &p))
        slot_count(p.party.slot, COUNT_UNJUDGED, 1);
    c->place_pending = false;
}
