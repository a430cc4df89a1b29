/* SPDX-License-Identifier: MIT
 *
 * A server's hint (Retry-After and friends) that concerns more than the request that got it pauses callers
 * in all processes of the board until it expires: those of the host, of the part of it that the policy
 * tells apart, or of the proxy that sent it. */
#include "engine/board/pause.h"

#include "base/events.h"
#include "base/hash.h"
#include "base/minmax.h"
#include "engine/board/alert.h"
#include "engine/board/view.h"
#include "engine/call/private.h"

/* The slots whose pauses concern a request. */
enum { SLOT_OF_HOST, SLOT_OF_SCOPE, SLOT_OF_PROXY, PAUSE_SLOTS };

static struct slot *pause_slot(const struct call *c, struct slot *s, int which)
{
    const struct binding *b = c->binding;
    struct party proxy;
    switch (which) {
    case SLOT_OF_HOST:
        s = call_facts(c, s); /* a server's hint concerns everybody who obeys it */
        return call_is_overflow(c, s) ? NULL : s;
    case SLOT_OF_SCOPE: /* unless the board is full, or it was given away during a very long request */
        return b->scope &&
                       atomic_load_explicit(&b->scope->key, memory_order_relaxed) == b->scope_key
                   ? b->scope
                   : NULL;
    default:
        return call_proxy_party(c, &proxy) ? proxy.facts : NULL;
    }
}

int64_t call_hint_ns(const struct call *c, const struct attempt *a)
{
    return c->policy->retry_after_max_ns ? a->hint.wait_ns : 0;
}

/* Once for each process: a server may send it with every response. */
static void say_ignored(const struct call *c, const struct attempt *a)
{
    static atomic_bool said;
    if (!atomic_exchange_explicit(&said, true, memory_order_relaxed))
        events_emit(&(struct event){.kind = EVENT_IGNORED,
                                    .id = c->id,
                                    .host = c->binding->name,
                                    .http = a->http_status,
                                    .hint = a->hint.line,
                                    .wait_ns = -1});
}

/* A part is no row of what is shown: its host shows it, but keeps its status. Another slot that was healthy
 * becomes degraded: note since when. */
static void show_pause(const struct call *c, struct slot *s, struct slot *target, int64_t length_ns,
                       int status, const char *line, int64_t now_ns, int64_t wall_ns)
{
    if (target != c->binding->scope &&
        view_status(c->binding->board, target, now_ns) == STATUS_HEALTHY)
        atomic_store_explicit(&target->status_since_ms, wall_ns / NS_PER_MS, memory_order_relaxed);
    else if (target == c->binding->scope && !call_is_overflow(c, call_facts(c, s)))
        pause_raise_part(call_facts(c, s), length_ns, status, line, now_ns);
}

void call_set_pause(const struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                    int64_t wall_ns)
{
    if (unlikely(a->hint.misread))
        say_ignored(c, a);
    bool proxy = attempt_refused_by_proxy(a);
    int status = proxy ? a->proxy_status : a->http_status;
    enum hint_scope scope = hint_scope(&a->hint, status);
    int64_t length_ns = smaller(call_hint_ns(c, a), c->policy->retry_after_max_ns);
    int which = proxy ? SLOT_OF_PROXY : c->binding->scope ? SLOT_OF_SCOPE : SLOT_OF_HOST;
    struct slot *target = pause_slot(c, s, which);
    if (scope == HINT_OF_REQUEST || length_ns <= 0 || !target)
        return;
    const char *line = a->hint.line;
    show_pause(c, s, target, length_ns, status, line, now_ns, wall_ns);
    bool news = pause_raise(target, length_ns, scope == HINT_OF_HOST, status, line, now_ns);
    board_expect_end(c->binding->board, now_ns + length_ns);
    if (!news)
        return;
    events_emit(&(struct event){.kind = EVENT_PAUSE,
                                .id = c->id,
                                .host = proxy ? c->binding->proxy_name : c->binding->name,
                                .state = "on",
                                .part = which == SLOT_OF_SCOPE,
                                .http = status,
                                .hint = line,
                                .wait_ns = length_ns,
                                .observed = c->observe});
    board_alert(c->binding->board);
}

/* The hint may have been stored by a process whose policy accepts longer hints. Then this policy's
 * limit is the longest wait, from its beginning. */
static int64_t cut(const struct call *c, int64_t until_ns, int64_t now_ns)
{
    int64_t from_ns = c->waiting ? c->wait_from_ns : now_ns;
    until_ns = smaller(until_ns, from_ns + c->policy->retry_after_max_ns);
    return until_ns > now_ns ? until_ns : 0;
}

/* A used up quota refuses nobody, so it must not use up the time that a request has, either: at least
 * half of that is left for the request. */
static bool leaves_time(const struct call *c, const struct pause_view *v, int64_t now_ns)
{
    int64_t from_ns = c->waiting ? c->wait_from_ns : now_ns;
    int64_t deadline_ns = c->attempts ? c->deadline_ns : c->app_deadline_ns;
    int64_t last_start_ns = v->until_ns + v->length_ns / 2;
    return deadline_ns == INT64_MAX || last_start_ns - from_ns <= (deadline_ns - from_ns) / 2;
}

static bool has_rate(const struct call *c)
{
    return c->binding->lane_count || c->paced;
}

/* If all waiting callers started at the end of the pause, the result of the first would come too
 * late for the others. So each starts later, by up to half of the hint, like a retry; but not
 * after latest_ns. If there is a rate, it spreads the starts. The random part is taken from the
 * time and order of arrival. */
static int64_t spread(const struct call *c, const struct slot *s, int64_t until_ns,
                      int64_t length_ns, int64_t latest_ns)
{
    if (has_rate(c) || until_ns >= latest_ns)
        return until_ns;
    int64_t most_ns = smaller(length_ns, c->policy->retry_after_max_ns) / 2;
    int64_t least_ns = 0, left_ns = latest_ns - until_ns;
    if (most_ns > left_ns) {
        most_ns = left_ns;
        least_ns = left_ns / 2; /* those with little time left must not start all at once, either */
    }
    uint64_t came[] = {(uint64_t)c->wait_from_ns, slot_counter(s, COUNT_WAITED)};
    uint64_t random = hash_bytes(came, sizeof came, c->binding->key);
    return until_ns + least_ns + call_random_below(most_ns - least_ns, random);
}

/* *which: the slot with the longest pause that concerns the call; -1: there is none. */
static struct pause_view longest_pause(const struct call *c, struct slot *s, int64_t now_ns,
                                       int64_t *refuse_ns, int *which)
{
    struct pause_view v, longest = {0};
    *refuse_ns = 0;
    *which = -1;
    for (int i = 0; i < PAUSE_SLOTS; i++) {
        const struct slot *one = pause_slot(c, s, i);
        if (!one || !pause_read(one, now_ns, &v))
            continue;
        *refuse_ns = larger(*refuse_ns, cut(c, v.refuse_until_ns, now_ns));
        if (v.until_ns <= longest.until_ns)
            continue;
        longest = v;
        *which = i;
    }
    return longest;
}

const char *call_pause_cause(const struct call *c, int64_t now_ns, struct pause_shown *cause)
{
    int64_t refuse_ns;
    int which;
    struct slot *s = call_slot(c);
    longest_pause(c, s, now_ns, &refuse_ns, &which);
    const struct slot *one = which < 0 ? NULL : pause_slot(c, s, which);
    if (!one || !pause_show(one, PAUSE_OF_ALL, now_ns, cause))
        *cause = (struct pause_shown){.until_ns = 0};
    return which == SLOT_OF_PROXY ? c->binding->proxy_name : c->binding->name;
}

/* All requests that need tokens of the call's buckets are paused like it. */
static bool pauses_all_lanes(const struct call *c, const struct slot *paused)
{
    const struct binding *b = c->binding;
    if (b->facts && paused) /* the tokens of that slot are taken from its counterpart */
        paused = board_find(
            b->board, board_observed_key(atomic_load_explicit(&paused->key, memory_order_relaxed)));
    for (const struct lane *l = b->lane; l < b->lane + b->lane_count + c->paced; l++)
        if (l->slot != paused)
            return false;
    return true;
}

int64_t call_paused_until(const struct call *c, struct slot *s, int64_t latest_ns, int64_t now_ns,
                          bool *may_reserve)
{
    int64_t refuse_ns;
    int which;
    struct pause_view longest = longest_pause(c, s, now_ns, &refuse_ns, &which);
    int64_t until_ns = cut(c, longest.until_ns, now_ns);
    if (!until_ns)
        return 0;
    *may_reserve = pauses_all_lanes(c, pause_slot(c, s, which));
    /* Nobody is refused because a quota is used up: then the wait ends at latest_ns. But if all who
     * wait for a token of a rate ended their wait there, most would get none. */
    if (until_ns > refuse_ns && !leaves_time(c, &longest, now_ns))
        until_ns = refuse_ns;
    else if (until_ns > latest_ns)
        until_ns = larger(refuse_ns, has_rate(c) ? 0 : latest_ns);
    return until_ns <= now_ns ? 0 : spread(c, s, until_ns, longest.length_ns, latest_ns);
}
