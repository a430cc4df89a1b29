/* SPDX-License-Identifier: MIT */
#include "engine/check/run.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/minmax.h"
#include "base/text.h"
#include "engine/board/alert.h"
#include "engine/board/check_slot.h"
#include "engine/board/status.h"
#include "engine/check/circuit.h"
#include "engine/check/result.h"
#include "engine/check/types.h"

#include <string.h>

#define SEED_CHECK 0x636865636bULL
#define GRACE_NS   (2 * NS_PER_S)  /* past its timeout a runner is considered dead */
#define STAGGER_NS (1 * NS_PER_MS) /* after another runner's time, so that it runs first */

static uint64_t key_of(const struct check_config *c)
{
    return board_key(hash_bytes(c->name, strlen(c->name), SEED_CHECK));
}

/* Identifies the target of the NAME; never 0. */
static uint64_t identity_of(const struct check_config *c)
{
    return board_key(hash_bytes(c->target, strlen(c->target), SEED_CHECK + (uint64_t)c->kind));
}

/* "NAME TYPE ORIGIN", as view.c reads it. An origin that is too long is cut. */
static void write_slot_name(char name[SLOT_NAME_SIZE], const struct check_config *c)
{
    struct text t = {.p = name, .cap = SLOT_NAME_SIZE};
    size_t length = strlen(c->at.origin);
    text_put(&t, c->name);
    text_put(&t, " ");
    text_put(&t, check_type_of(c->kind)->name);
    text_put(&t, " ");
    bool fits = length < t.cap - t.n;
    text_putn(&t, c->at.origin, fits ? length : t.cap - t.n - 2);
    text_put(&t, fits ? "" : "~");
}

/* The NAME has another target from now on. */
static void reset_slot(struct slot *s, const char *name, uint64_t identity)
{
    slot_reset(s);
    slot_rename(s, name);
    atomic_store(&s->check_target, identity);
}

/* NULL: the board is full, or another program uses the NAME for another target. */
static struct slot *find_slot(struct check_runner *r, const struct check_config *c, int64_t now_ns)
{
    char name[SLOT_NAME_SIZE];
    uint64_t identity = identity_of(c);
    write_slot_name(name, c);
    struct slot *s = board_slot(r->board, key_of(c), name, SLOT_CHECK, now_ns);
    if (s == board_overflow(r->board)) {
        if (!r->reported_full)
            log_error("check %s: the board is full, so the check is not run; raise max_hosts",
                      c->name);
        r->reported_full = true;
        return NULL;
    }
    uint64_t has = 0;
    if (atomic_compare_exchange_strong(&s->check_target, &has, identity) || has == identity)
        return s;
    if (check_slot_is_shown(s, now_ns)) {
        if (!r->reported_clash)
            log_error(
                "check %s: another program uses this name for another target, so the check is "
                "not run; give it another name",
                c->name);
        r->reported_clash = true;
        return NULL;
    }
    if (atomic_compare_exchange_strong(&s->check_target, &has, identity))
        reset_slot(s, name, identity);
    return s;
}

/* When this process may run a check whose due time on the board is at_ns: earlier if the process that has
 * set it has a longer interval. A time that no process would set is ignored. */
static int64_t own_turn_ns(const struct slot *s, const struct check_config *c, int64_t at_ns,
                           int64_t now_ns)
{
    if (at_ns <= 0 || at_ns - now_ns > 2 * CHECK_INTERVAL_MAX_NS)
        return now_ns;
    int64_t sooner_ns = check_slot_is_lease(at_ns) ? 0 : check_slot_interval_ns(s) - c->interval_ns;
    return sooner_ns > 0 ? at_ns - sooner_ns : at_ns;
}

static bool set_due(struct slot *s, const struct check_config *c, int64_t seen_ns, int64_t next_ns)
{
    if (!atomic_compare_exchange_strong(&s->check_due_ns, &seen_ns, check_slot_due(next_ns)))
        return false;
    atomic_store_explicit(&s->check_interval_ms, (uint32_t)(c->interval_ns / NS_PER_MS),
                          memory_order_relaxed);
    return true;
}

/* This process cannot run the check. If no other has run it for a whole interval, its status becomes
 * unknown. */
static int64_t leave_to_others(struct slot *s, const struct check_config *c, int64_t at_ns,
                               int64_t now_ns)
{
    if (at_ns <= now_ns && now_ns < at_ns + c->interval_ns)
        return at_ns + c->interval_ns;
    if (set_due(s, c, at_ns, now_ns + c->interval_ns))
        atomic_store(&s->results_in_row, 0);
    return now_ns + 2 * c->interval_ns;
}

static bool is_closing(const struct check_runner *r)
{
    return r->closing && r->closing();
}

static void use_result(const struct check_runner *r, struct slot *s, const struct check_config *c,
                       const struct check_result *x, int64_t now_ns)
{
    int64_t wall_ns = r->wall_ns();
    bool had_failed = status_failures_in_row(s) || status_of(s) != STATUS_HEALTHY;
    result_record(r->board, s, c, x, x->took_ns, wall_ns / NS_PER_MS);
    check_circuits(r->board, r->config, c,
                   &(struct check_verdict){.passed = x->outcome == CHECK_PASSED,
                                           .recovered = had_failed,
                                           .unhealthy = status_of(s) == STATUS_UNHEALTHY,
                                           .now_ns = now_ns,
                                           .wall_ns = wall_ns});
}

/* Returns when it is this process's turn again, as the next function does. */
static int64_t run_check(struct check_runner *r, struct slot *s, const struct check_config *c,
                         int64_t at_ns, int64_t begun_ns)
{
    int64_t lease_ns = check_slot_lease(begun_ns + c->timeout_ns + GRACE_NS);
    if (!atomic_compare_exchange_strong(&s->check_due_ns, &at_ns, lease_ns))
        return own_turn_ns(s, c, at_ns, begun_ns) + STAGGER_NS;
    struct check_result x = {.outcome = CHECK_UNKNOWN};
    check_type_of(c->kind)->run(c, c->timeout_ns, &x);
    int64_t ended_ns = r->now_ns();
    if (x.outcome != CHECK_PASSED && is_closing(r)) { /* abandoned: it stays due */
        atomic_compare_exchange_strong(&s->check_due_ns, &lease_ns, at_ns);
        return at_ns;
    }
    int64_t next_ns = larger(begun_ns + c->interval_ns, ended_ns);
    if (x.outcome == CHECK_UNABLE) {
        r->unable[c->kind] = true;
        log_error("check %s: %s; such checks are not run by this program", c->name, x.why);
        atomic_compare_exchange_strong(&s->check_due_ns, &lease_ns, at_ns);
        return leave_to_others(s, c, at_ns, ended_ns);
    }
    if (x.outcome == CHECK_FAILED && ended_ns > lease_ns) {
        x.outcome = CHECK_UNKNOWN;
        x.why = "this program was stopped until after the timeout of the check";
    }
    if (x.outcome == CHECK_UNKNOWN && x.why && !r->reported_unknown[c->kind])
        log_warn("check %s: %s", c->name, x.why);
    r->reported_unknown[c->kind] |= x.outcome == CHECK_UNKNOWN;
    /* If the lease has expired, or the slot has changed hands, the result is not used. */
    if (atomic_load(&s->key) != key_of(c) || !set_due(s, c, lease_ns, next_ns))
        return own_turn_ns(s, c, atomic_load(&s->check_due_ns), ended_ns) + STAGGER_NS;
    if (!x.took_ns)
        x.took_ns = ended_ns - begun_ns;
    if (x.outcome != CHECK_UNKNOWN)
        use_result(r, s, c, &x, ended_ns);
    return next_ns;
}

static int64_t run_if_due(struct check_runner *r, const struct check_config *c)
{
    int64_t now_ns = r->now_ns();
    struct slot *s = find_slot(r, c, now_ns);
    if (!s)
        return now_ns + c->interval_ns;
    int64_t at_ns = atomic_load(&s->check_due_ns), turn_ns = own_turn_ns(s, c, at_ns, now_ns);
    if (turn_ns > now_ns)
        return turn_ns + STAGGER_NS;
    if (r->unable[c->kind])
        return leave_to_others(s, c, at_ns, now_ns);
    return run_check(r, s, c, at_ns, now_ns);
}

int64_t check_round(struct check_runner *r, const struct config *c)
{
    int64_t next_ns = INT64_MAX;
    r->config = c;
    for (int i = 0; i < c->check_count && !is_closing(r); i++) {
        next_ns = smaller(run_if_due(r, &c->checks[i]), next_ns);
    }
    return next_ns;
}

static bool contains(const struct config *c, const struct check_config *check)
{
    for (int i = 0; c && i < c->check_count; i++)
        if (strcmp(c->checks[i].name, check->name) == 0 &&
            identity_of(&c->checks[i]) == identity_of(check))
            return true;
    return false;
}

void check_give_up(struct check_runner *r, const struct config *was, const struct config *now)
{
    for (int i = 0; was && i < was->check_count; i++) {
        const struct check_config *c = &was->checks[i];
        struct slot *s = contains(now, c) ? NULL : board_find(r->board, key_of(c));
        if (!s || atomic_load(&s->check_target) != identity_of(c) ||
            atomic_load(&s->kind) != SLOT_CHECK)
            continue;
        atomic_store(&s->results_in_row, 0);
        atomic_store(&s->check_due_ns, 0);
        board_alert(r->board);
    }
    r->reported_clash = r->reported_full = false;
}
