/* SPDX-License-Identifier: MIT
 *
 * Where the attempts for a name with a fallback go, and what their results mean for each place. */
#include "call_steps.h"

#include "engine/board/status.h"
#include "engine/board/view.h"

#include <errno.h>
#include <stdio.h>

#define MS   NS_PER_MS
#define S    NS_PER_S
#define GONE get(7, 0) /* the connection was refused */

static struct fallback *const places = &policy.fallback;

static void add_place(const char *host, uint16_t port)
{
    struct place_name *p = &places->at[places->count++];
    snprintf(p->host, sizeof p->host, "%s", host);
    p->port = port;
}

static void two_places(void)
{
    one_host();
    binding.special = SPECIAL_PLACES;
    add_place("backup", 8443);
}

TestSuite(place, .init = two_places, .fini = no_host);

static struct attempt post(int code, int status)
{
    struct attempt a = get(code, status);
    memcpy(a.method, "POST", 5);
    return a;
}

static const struct slot *slot_named(const char *name, enum slot_kind kind)
{
    char found[VIEW_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(board); i++)
        if (board_nth(board, i, found) && !strcmp(found, name) &&
            atomic_load(&board->slots[i].kind) == kind)
            return &board->slots[i];
    return NULL;
}

static const struct slot *own(void)
{
    return slot_named("h via itself", SLOT_PLACE);
}

static const struct slot *backup(void)
{
    return slot_named("h via backup:8443", SLOT_PLACE);
}

static enum breaker_state circuit(const struct slot *s, int64_t now)
{
    return breaker_state_at(&s->breaker, now);
}

static int place_of(struct admission ad)
{
    cr_assert(eq(int, ad.answer, ANSWER_GO));
    return call_place(&call);
}

static void end(int64_t now)
{
    call_end(&call, now, WALL);
}

/* A whole request: each attempt at a place ends as given for it. Returns where the last one went. */
static int request_at(const struct attempt at_place[], int64_t now)
{
    int64_t at = now;
    begin(now);
    do {
        struct admission ad = admit(at);
        if (ad.answer == ANSWER_REFUSE)
            break;
        cr_assert(eq(int, ad.answer, ANSWER_GO));
    } while (report(at_place[call_place(&call)], at, &at));
    end(at);
    return call_place(&call);
}

static const struct attempt healthy[] = {{.protocol = PROTOCOL_HTTP, .http_status = 200},
                                         {.protocol = PROTOCOL_HTTP, .http_status = 200}};

static const struct attempt *own_gone(void)
{
    static struct attempt a[FALLBACK_MAX + 1];
    a[0] = GONE;
    for (int i = 1; i <= FALLBACK_MAX; i++)
        a[i] = get(0, 200);
    return a;
}

static const struct attempt *all_gone(void)
{
    static struct attempt a[FALLBACK_MAX + 1];
    for (int i = 0; i <= FALLBACK_MAX; i++)
        a[i] = GONE;
    return a;
}

static void open_own(void)
{
    for (int i = 0; i < 5; i++)
        request_at(own_gone(), NOW + i * S);
    cr_assert(eq(int, circuit(own(), NOW + 5 * S), BREAKER_OPEN));
}

/* ---- the order --------------------------------------------------------------------------------- */

Test(place, without_a_failure_every_request_goes_to_the_name_itself)
{
    for (int i = 0; i < 20; i++)
        cr_assert(zero(int, request_at(healthy, NOW + i)));
    cr_assert_null(backup(), "an unused place has no slot");
    cr_assert(eq(u64, slot_counter(own(), COUNT_SUCCESSES), 20));
    cr_assert(eq(u64, slot_counter(own(), COUNT_REQUESTS), 20));
    cr_assert(zero(u64, count(COUNT_FALLBACK_USED)));
}

Test(place, attempt_n_goes_to_place_n_and_stays_at_the_last_one)
{
    policy.max_attempts = 5;
    add_place("third", 0);
    int64_t at;
    begin(NOW);
    cr_assert(eq(int, place_of(admit(NOW)), 0));
    cr_assert(report(GONE, NOW, &at));
    cr_assert(eq(int, place_of(admit(at)), 1));
    cr_assert(report(GONE, at, &at));
    cr_assert(eq(int, place_of(admit(at)), 2));
    cr_assert(report(GONE, at, &at));
    cr_assert(eq(int, place_of(admit(at)), 2));
}

Test(place, another_place_is_tried_at_once_and_the_last_one_again_after_the_back_off)
{
    int64_t at;
    begin(NOW);
    admit(NOW);
    cr_assert(report(get(0, 500), NOW, &at));
    cr_assert(eq(i64, at, NOW), "class B");
    admit(at);
    cr_assert(report(GONE, at, &at), "class A");
    cr_assert(eq(i64, at, NOW + 1000 * MS), "both places were tried: the second delay");
}

Test(place, a_server_that_throttles_speaks_for_all_places)
{
    int64_t at;
    begin(NOW);
    admit(NOW);
    cr_assert(report(with_retry_after(503, 7), NOW, &at));
    cr_assert_geq(at, NOW + 7 * S);
    begin(NOW + 60 * S);
    admit(NOW + 60 * S);
    cr_assert(report(get(0, 429), NOW + 60 * S, &at));
    cr_assert(eq(i64, at, NOW + 61 * S));
}

Test(place, a_request_that_may_have_been_seen_goes_to_no_second_place)
{
    int64_t at;
    begin(NOW);
    admit(NOW);
    cr_assert_not(report(post(56, 0), NOW, &at));
    end(NOW);
    struct attempt unsent = post(7, 0);
    unsent.nothing_sent = true;
    begin(NOW);
    admit(NOW);
    cr_assert(report(unsent, NOW, &at), "nothing was sent");
    cr_assert(eq(int, place_of(admit(at)), 1));
}

Test(place, a_failed_proxy_is_no_reason_to_try_another_place)
{
    struct attempt a = GONE;
    int64_t at;
    a.via_proxy = a.proxy_unreached = a.nothing_sent = true;
    begin(NOW);
    admit(NOW);
    cr_assert(report(a, NOW, &at));
    cr_assert_gt(at, NOW);
    cr_assert(eq(int, place_of(admit(at)), 0));
    cr_assert(zero(u64, slot_counter(own(), COUNT_FAILED_ATTEMPTS)));
}

Test(place, the_driver_can_take_places_away)
{
    int64_t at;
    begin(NOW);
    call.places = 1;
    admit(NOW);
    cr_assert(report(GONE, NOW, &at));
    cr_assert(eq(i64, at, NOW + 500 * MS));
    cr_assert(eq(int, place_of(admit(at)), 0));
    begin(NOW);
    call.places = 0;
    admit(NOW);
    report(GONE, NOW, &at);
    cr_assert(eq(u64, slot_counter(own(), COUNT_ATTEMPTS), 1), "not at any of our places");
}

/* ---- places that cannot be reached from here --------------------------------------------------- */

/* The proxy has answered CONNECT to this place with an error. */
static struct attempt refused_by_proxy(int status)
{
    struct attempt a = post(56, 0);
    a.via_proxy = true;
    a.proxy_status = status;
    return a;
}

static struct attempt without_route(int os_errno)
{
    struct attempt a = get(7, 0);
    a.os_errno = os_errno;
    a.nothing_sent = true;
    return a;
}

/* Each request fails once at the name itself, once at the backup, and then succeeds. */
static void is_left_and_then_skipped(struct attempt at_backup)
{
    int64_t at;
    for (int i = 0; i < 5; i++) {
        begin(NOW);
        cr_assert(eq(int, place_of(admit(NOW)), 0));
        cr_assert(report(get(0, 503), NOW, &at));
        cr_assert(eq(int, place_of(admit(at)), 1));
        cr_assert(report(at_backup, at, &at));
        cr_assert(eq(int, place_of(admit(at)), 0));
        cr_assert_gt(at, NOW, "not at once");
        report(get(0, 200), at, &at);
        end(at);
    }
    cr_assert(eq(int, circuit(backup(), NOW), BREAKER_OPEN));
    cr_assert(eq(u64, slot_counter(backup(), COUNT_FAILURES), 5));
    cr_assert(eq(u64, count(COUNT_RECOVERED), 5));
    cr_assert(zero(u64, count(COUNT_FALLBACK_USED)));
}

Test(place, one_that_the_proxy_refuses_is_left_and_then_skipped)
{
    is_left_and_then_skipped(refused_by_proxy(403));
}

Test(place, one_that_the_proxy_cannot_reach_is_left_and_then_skipped)
{
    is_left_and_then_skipped(refused_by_proxy(502));
}

Test(place, one_without_a_route_is_left_and_then_skipped)
{
    is_left_and_then_skipped(without_route(ENETUNREACH));
}

Test(place, one_that_this_machine_forbids_is_left_and_then_skipped)
{
    is_left_and_then_skipped(without_route(EACCES));
}

Test(place, after_one_that_cannot_be_reached_the_next_is_tried_at_once)
{
    int64_t at;
    add_place("third", 0);
    begin(NOW);
    admit(NOW);
    cr_assert(report(GONE, NOW, &at));
    cr_assert(eq(int, place_of(admit(at)), 1));
    cr_assert(report(refused_by_proxy(403), at, &at), "nothing was sent there");
    cr_assert(eq(i64, at, NOW));
    cr_assert(eq(int, place_of(admit(at)), 2));
}

Test(place, the_name_itself_is_not_left_because_it_cannot_be_reached)
{
    begin(NOW);
    admit(NOW);
    cr_assert_not(report(refused_by_proxy(403), NOW, NULL));
    begin(NOW);
    admit(NOW);
    cr_assert_not(report(without_route(EACCES), NOW, NULL));
}

Test(place, what_a_redirect_leads_to_says_nothing_about_the_place)
{
    struct attempt a = refused_by_proxy(403);
    int64_t at;
    a.redirected = true;
    begin(NOW);
    admit(NOW);
    cr_assert(report(GONE, NOW, &at));
    admit(at);
    cr_assert_not(report(a, at, &at));
}

Test(place, a_proxy_that_throttles_speaks_for_all_places)
{
    int64_t at;
    begin(NOW);
    admit(NOW);
    cr_assert(report(GONE, NOW, &at));
    admit(at);
    cr_assert(report(refused_by_proxy(429), at, &at));
    cr_assert_geq(at, NOW + 1 * S);
}

/* ---- circuits ---------------------------------------------------------------------------------- */

Test(place, a_place_with_an_open_circuit_is_skipped)
{
    open_own();
    begin(NOW + 6 * S);
    cr_assert(eq(int, place_of(admit(NOW + 6 * S)), 1));
    report(get(0, 200), NOW + 6 * S, NULL);
    end(NOW + 6 * S);
    cr_assert(eq(u64, count(COUNT_FALLBACK_USED), 6));
    cr_assert(eq(u64, count(COUNT_SUCCESSES), 6));
    cr_assert(eq(int, state_now(), BREAKER_CLOSED), "the host got all its requests through");
    cr_assert(eq(u64, slot_counter(backup(), COUNT_SUCCESSES), 6));
    cr_assert(eq(u64, slot_counter(own(), COUNT_FAILURES), 5));
}

Test(place, a_probe_of_the_first_place_brings_all_callers_back)
{
    open_own();
    int64_t later = NOW + 40 * S;
    begin(later);
    cr_assert(eq(int, place_of(admit(later)), 0), "the probe");
    struct call probe = call;
    begin(later);
    cr_assert(eq(int, place_of(admit(later)), 1), "only one at a time");
    report(get(0, 200), later, NULL);
    end(later);
    call = probe;
    report(get(0, 200), later, NULL);
    end(later);
    cr_assert(eq(int, request_at(healthy, later), 0), "the second probe");
    cr_assert(eq(int, circuit(own(), later), BREAKER_CLOSED));
    cr_assert(eq(int, request_at(healthy, later), 0));
}

Test(place, a_failed_probe_is_answered_by_the_other_place)
{
    open_own();
    int64_t later = NOW + 40 * S;
    cr_assert(eq(int, request_at(own_gone(), later), 1));
    cr_assert(eq(int, circuit(own(), later), BREAKER_OPEN));
    cr_assert(eq(u64, slot_counter(own(), COUNT_FAILURES), 6));
    cr_assert(eq(int, request_at(own_gone(), later), 1));
    cr_assert(eq(u64, slot_counter(own(), COUNT_FAILURES), 6), "the first place was not asked");
}

Test(place, the_time_between_two_probes_does_not_grow)
{
    open_own();
    for (int64_t n = 1, at = NOW; n < 6; n++) {
        at += 40 * S;
        request_at(own_gone(), at);
        cr_assert(eq(u64, slot_counter(own(), COUNT_FAILURES), 5 + (uint64_t)n), "a probe");
    }
}

Test(place, after_a_place_that_failed_come_those_behind_it)
{
    add_place("third", 0);
    open_own();
    int64_t at = NOW + 25 * S, later = NOW + 36 * S;
    begin(at);
    cr_assert(eq(int, place_of(admit(at)), 1));
    cr_assert(report(GONE, later, &at));
    cr_assert(eq(int, place_of(admit(later)), 2), "although the first one could be probed by now");
}

Test(place, a_look_ahead_takes_no_probe)
{
    open_own();
    int64_t later = NOW + 40 * S;
    begin(later);
    cr_assert(eq(int, call_next_place(&call, later), 0));
    cr_assert(eq(int, call_next_place(&call, later), 0));
    cr_assert(eq(int, place_of(admit(later)), 0));
}

Test(place, an_abandoned_probe_is_given_back)
{
    open_own();
    int64_t later = NOW + 40 * S;
    begin(later);
    cr_assert(eq(int, place_of(admit(later)), 0));
    call_abandon(&call, later);
    begin(later);
    cr_assert(eq(int, place_of(admit(later)), 0));
    call_stay(&call, later);
    cr_assert(eq(int, place_of(admit(later)), 0));
}

Test(place, the_host_is_judged_only_when_all_places_failed)
{
    policy.max_attempts = 1;
    for (int i = 0; i < 5; i++)
        request_at(own_gone(), NOW);
    cr_assert(eq(int, circuit(own(), NOW), BREAKER_OPEN));
    cr_assert(eq(int, state_now(), BREAKER_CLOSED), "another place was not tried");
    cr_assert(eq(u64, count(COUNT_FAILURES), 5));
    cr_assert(eq(int, request_at(own_gone(), NOW), 1));
    for (int i = 0; i < 5; i++)
        request_at(all_gone(), NOW);
    cr_assert(eq(int, circuit(backup(), NOW), BREAKER_OPEN));
    cr_assert(eq(int, state_now(), BREAKER_OPEN));
    REFUSED(admit_new(NOW), REFUSED_BREAKER);
}

Test(place, if_all_circuits_are_open_the_rules_of_the_host_apply)
{
    for (int i = 0; i < 5; i++)
        request_at(all_gone(), NOW);
    cr_assert(eq(int, circuit(own(), NOW), BREAKER_OPEN));
    cr_assert(eq(int, circuit(backup(), NOW), BREAKER_OPEN));
    atomic_store(&binding.slot->breaker.state, 0);
    begin(NOW);
    cr_assert(eq(int, place_of(admit(NOW)), 0));
}

Test(place, the_result_of_a_place_is_reported_once_after_its_last_attempt)
{
    policy.max_attempts = 4;
    request_at(all_gone(), NOW);
    cr_assert(eq(u64, slot_counter(backup(), COUNT_ATTEMPTS), 3));
    cr_assert(eq(u64, slot_counter(backup(), COUNT_UNJUDGED), 2));
    cr_assert(eq(u64, slot_counter(backup(), COUNT_REQUESTS), 1));
    cr_assert(eq(u64, slot_counter(backup(), COUNT_FAILURES), 1));
    cr_assert(eq(u64, slot_counter(own(), COUNT_ATTEMPTS), 1));
    cr_assert(eq(u64, slot_counter(own(), COUNT_FAILURES), 1));
    cr_assert(eq(u64, count(COUNT_ATTEMPTS), 4));
    cr_assert(eq(u64, count(COUNT_FAILURES), 1));
    cr_assert(eq(u64, count(COUNT_UNJUDGED), 3));
}

Test(place, an_attempt_that_used_up_its_time_counts_against_the_place_only)
{
    policy.attempt_timeout_ns = 2 * S;
    struct attempt slow[2] = {get(28, 0), get(0, 200)};
    slow[0].shortened = true;
    slow[0].duration_ns = 2 * S;
    for (int i = 0; i < 5; i++)
        cr_assert(eq(int, request_at(slow, NOW), 1));
    cr_assert(eq(int, circuit(own(), NOW), BREAKER_OPEN));
    slow[0].duration_ns = 1 * S;
    int64_t later = NOW + 40 * S;
    request_at(slow, later);
    cr_assert(eq(int, circuit(own(), later), BREAKER_HALF_OPEN), "it had less time: no proof");
}

Test(place, an_outage_is_that_of_one_place)
{
    struct attempt a[2] = {GONE, get(28, 0)};
    a[1].shortened = true;
    for (int i = 0; i < 5; i++)
        request_at(a, NOW);
    cr_assert(eq(int, circuit(own(), NOW), BREAKER_OPEN));
    cr_assert(eq(int, circuit(backup(), NOW), BREAKER_CLOSED), "its time was too short to tell");
}

Test(place, each_place_has_its_own_status)
{
    for (int i = 0; i < 3; i++)
        request_at(own_gone(), NOW);
    cr_assert(eq(int, status_of(own()), STATUS_UNHEALTHY));
    cr_assert(eq(int, status_of(backup()), STATUS_HEALTHY));
    cr_assert(eq(int, status_of(binding.slot), STATUS_HEALTHY));
}

Test(place, a_circuit_that_is_only_observed_skips_no_place)
{
    policy.breaker = BREAKER_OBSERVE;
    for (int i = 0; i < 10; i++)
        request_at(own_gone(), NOW);
    begin(NOW);
    cr_assert(eq(int, place_of(admit(NOW)), 0));
}

/* ---- names, and the board ---------------------------------------------------------------------- */

Test(place, a_long_name_is_cut_and_still_its_own)
{
    memset(binding.name, 'n', sizeof binding.name - 1);
    add_place("a-name-that-does-not-fit.example.com", 0);
    policy.max_attempts = 3;
    request_at(all_gone(), NOW);
    int found = 0;
    for (uint32_t i = 0; i < board_size(board); i++) {
        char name[VIEW_NAME_SIZE];
        const struct slot *s = board_nth(board, i, name);
        found += s && atomic_load(&s->kind) == SLOT_PLACE;
    }
    cr_assert(eq(int, found, 3));
}

Test(place, without_room_on_the_board_requests_still_move_on)
{
    for (uint64_t k = 1000; k < 1032; k++)
        board_slot(board, k * 0x9e3779b97f4a7c15, "x", SLOT_HOST, NOW);
    for (int i = 0; i < 10; i++)
        cr_assert(eq(int, request_at(own_gone(), NOW), 1));
}

/* ---- observe mode ------------------------------------------------------------------------------ */

static struct slot *observed;

static void observe(void)
{
    uint64_t key = board_observed_key(binding.key);
    observed = board_slot(board, key, "h", SLOT_OBSERVED, NOW);
    config.mode = MODE_OBSERVE;
    binding.facts = binding.slot;
    binding.facts_key = binding.key;
    binding.slot = observed;
    binding.key = key;
    binding.special |= SPECIAL_OBSERVED;
}

Test(place, in_observe_mode_no_attempt_goes_to_another_place_but_it_is_counted)
{
    observe();
    for (int i = 0; i < 6; i++)
        cr_assert(zero(int, request_at(own_gone(), NOW)));
    cr_assert(eq(u64, slot_counter(observed, COUNT_FALLBACK_USED), 6));
    cr_assert(zero(u64, slot_counter(binding.facts, COUNT_FALLBACK_USED)));
    cr_assert_null(backup());
    const struct slot *decides = slot_named("h via itself", SLOT_OBSERVED);
    cr_assert(eq(u64, atomic_load(&decides->key), board_observed_key(atomic_load(&own()->key))));
    cr_assert(eq(int, circuit(decides, NOW), BREAKER_OPEN));
    cr_assert(eq(int, circuit(own(), NOW), BREAKER_CLOSED), "for others nothing changes");
    cr_assert(eq(u64, slot_counter(own(), COUNT_REQUESTS), 6));
    cr_assert(eq(u64, slot_counter(own(), COUNT_FAILURES), 6));
}

/* ---- random histories -------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (*state >> 33) % below;
}

static struct attempt drawn(uint64_t *r)
{
    static const int results[][2] = {{0, 200}, {7, 0}, {56, 0}, {0, 503}, {28, 0}, {0, 404}};
    const int *one = results[draw(r, 6)];
    struct attempt a = draw(r, 4) ? get(one[0], one[1]) : post(one[0], one[1]);
    a.shortened = one[0] == 28;
    return a;
}

Test(place, whatever_happens_every_visit_of_a_place_ends_once)
{
    policy.max_attempts = 6;
    policy.retry_budget_percent = 0;
    policy.breaker_open_ns = 2 * S;
    add_place("third", 0);
    uint64_t r = 1;
    int64_t now = NOW;
    for (int i = 0; i < 20000; i++) {
        int64_t at = now;
        begin(now);
        int tried = 0;
        while (admit(at).answer == ANSWER_GO) {
            tried++;
            if (!draw(&r, 50)) { /* it vanishes */
                call_abandon(&call, at);
                tried = -1;
                break;
            }
            cr_assert_lt(call_place(&call), 3);
            cr_assert_lt(call_next_place(&call, at), 3);
            int64_t before = at;
            struct attempt a = drawn(&r);
            if (!call_report(&call, &a, at, WALL, 0, &at))
                break;
            cr_assert(tried > 2 || at >= before);
        }
        if (tried >= 0)
            end(at);
        cr_assert(zero(i64, call.place_lease_ns));
        now = at + (int64_t)draw(&r, 500) * MS;
    }
    for (uint32_t i = 0; i < board_size(board); i++) {
        const struct slot *s = &board->slots[i];
        if (atomic_load(&s->kind) != SLOT_PLACE)
            continue;
        uint64_t n = slot_counter(s, COUNT_REQUESTS);
        uint64_t ended = slot_counter(s, COUNT_SUCCESSES) + slot_counter(s, COUNT_FAILURES);
        cr_assert_leq(ended, n);
        cr_assert_gt(n, 0);
        cr_assert(n - ended < 20000 / 40, "only those that vanished have no end");
    }
}
