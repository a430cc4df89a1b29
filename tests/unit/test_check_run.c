/* SPDX-License-Identifier: MIT
 *
 * Time is stepped. The targets are commands of a check type without network: "up", "down",
 * "lost" (no result for a local reason), "unable", "slow" (5 s), "late" (its lease expires),
 * "stopped" (its lease expires, and it fails). */
#include "base/clock.h"
#include "engine/board/check_slot.h"
#include "engine/board/status.h"
#include "engine/board/view.h"
#include "engine/check/run.h"
#include "engine/check/types.h"
#include "engine/publish/snapshot.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START    (100000 * NS_PER_S + 1) /* odd: the lowest bit has a meaning on the board */
#define INTERVAL (30 * NS_PER_S)
#define WALL     (1769335200000 * NS_PER_MS)

static _Atomic int64_t now;
static int runs;
static const char *answer;
static struct board *board;
static struct check_runner one, two; /* two processes */
static void (*while_running)(void);

static int64_t now_ns(void)
{
    return now;
}

static int64_t wall_ns(void)
{
    return WALL + now - START;
}

static void run(const struct check_config *c, int64_t timeout_ns, struct check_result *out)
{
    cr_assert_eq(timeout_ns, c->timeout_ns);
    runs++;
    if (while_running)
        while_running();
    now += strcmp(answer, "slow") == 0      ? 5 * NS_PER_S
           : strcmp(answer, "late") == 0    ? 60 * NS_PER_S
           : strcmp(answer, "stopped") == 0 ? 60 * NS_PER_S
                                            : 7 * NS_PER_MS;
    out->outcome = CHECK_PASSED;
    if (strcmp(answer, "lost") == 0 || strcmp(answer, "unable") == 0)
        out->outcome = *answer == 'l' ? CHECK_UNKNOWN : CHECK_UNABLE;
    out->why = "for a test";
    if (strcmp(answer, "down") == 0 || strcmp(answer, "slow") == 0 ||
        strcmp(answer, "stopped") == 0) {
        out->outcome = CHECK_FAILED;
        out->attempt.protocol = PROTOCOL_CONNECT;
        out->attempt.os_errno = 111;
    }
}

static const struct check_type fake = {"fake", run};

static void make(void)
{
    board = board_open(NULL, 64, NULL);
    one = two = (struct check_runner){.board = board, .now_ns = now_ns, .wall_ns = wall_ns};
    now = START;
    answer = "up";
    check_type_replace(CHECK_TCP, &fake);
    setenv("HARDEN_CONFIG", "none", 1);
}

TestSuite(check, .init = make);

static void no_error(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_fail("%s", line);
}

static struct config *load(const char *text)
{
    /* A configuration in use lives as long as the process. */
    static struct config *kept[64];
    static int n;
    return kept[n++ % 64] = config_load_text("t.ini", text, strlen(text), no_error, NULL);
}

static struct config *db(void)
{
    return load("[check db]\ntype = tcp\ntarget = db.example:5432\n");
}

static const struct slot *entry(struct check_view *v)
{
    for (uint32_t i = 0; i < board_size(board); i++) {
        const struct slot *s = view_check(board, i, now, v);
        if (s)
            return s;
    }
    return NULL;
}

static enum health_status status(void)
{
    struct check_view v;
    cr_assert_not_null(entry(&v));
    cr_assert(v.known);
    return v.status;
}

/* The next run, at the time that check_round() returned. */
static int64_t step(struct check_runner *r, const struct config *c)
{
    int64_t at = check_round(r, c);
    cr_assert_gt(at, now);
    return at;
}

Test(check, is_run_at_once_and_then_once_an_interval)
{
    struct config *c = db();
    int64_t at = step(&one, c);
    cr_assert_eq(runs, 1);
    cr_assert_leq(at, START + INTERVAL, "from start to start");
    now = START + INTERVAL - 10 * NS_PER_MS;
    step(&one, c);
    cr_assert_eq(runs, 1);
    now = START + INTERVAL;
    step(&one, c);
    cr_assert_eq(runs, 2);
}

Test(check, without_checks_there_is_no_next_time)
{
    cr_assert_eq(check_round(&one, load("")), INT64_MAX);
}

Test(check, is_run_by_one_of_two_processes)
{
    struct config *c = db();
    for (int i = 0; i < 10; i++) {
        now = START + i * INTERVAL;
        check_round(&one, c);
        check_round(&two, c);
        check_round(&one, c);
    }
    cr_assert_eq(runs, 10);
}

static void other_round(void)
{
    static struct config *c;
    while_running = NULL;
    c = db();
    int64_t at = check_round(&two, c);
    cr_assert_gt(at, now + 5 * NS_PER_S, "not before the lease has expired");
    cr_assert_lt(at, now + 10 * NS_PER_S);
}

Test(check, is_not_run_by_two_processes_at_once)
{
    while_running = other_round;
    check_round(&one, db());
    cr_assert_eq(runs, 1);
}

Test(check, of_a_killed_process_is_run_by_another)
{
    struct config *c = db();
    struct slot *s;
    char name[SLOT_NAME_SIZE];
    check_round(&one, c);
    now += INTERVAL;
    /* A killed process leaves its lease on the board. */
    for (uint32_t i = 0; (s = board_nth(board, i, name)) == NULL; i++)
        ;
    s->check_due_ns = check_slot_lease(now + 7 * NS_PER_S);
    step(&two, c);
    cr_assert_eq(runs, 1);
    now += 7 * NS_PER_S + 10;
    step(&two, c);
    cr_assert_eq(runs, 2);
}

Test(check, whose_lease_expired_is_not_counted_twice)
{
    struct config *c = db();
    answer = "late";
    check_round(&one, c);
    cr_assert_eq(runs, 1);
    struct check_view v;
    const struct slot *s = entry(&v);
    cr_assert_eq(slot_counter(s, COUNT_ATTEMPTS), 1u, "no other process ran it");
}

/* After SIGSTOP, a debugger or a frozen container, the timeout expired before the response could
 * be read. */
Test(check, that_timed_out_while_the_process_was_stopped_has_no_result)
{
    struct config *c = load("[check db]\ntype = tcp\ntarget = x:1\nunhealthy_after = 1\n");
    struct check_view v;
    check_round(&one, c);
    now = START + INTERVAL;
    answer = "stopped";
    check_round(&one, c);
    cr_assert_eq(runs, 2);
    cr_assert_eq(status(), STATUS_HEALTHY);
    cr_assert_eq(slot_counter(entry(&v), COUNT_ATTEMPTS), 1u);
}

Test(check, is_unhealthy_after_three_failures_and_healthy_after_one_success)
{
    struct config *c = db();
    answer = "down";
    for (int i = 0; i < 3; i++) {
        now = START + i * INTERVAL;
        check_round(&one, c);
        cr_assert_eq(status(), i < 2 ? STATUS_HEALTHY : STATUS_UNHEALTHY, "%d", i);
    }
    struct check_view v;
    cr_assert_eq(status_failures_in_row(entry(&v)), 3u);
    answer = "up";
    now += INTERVAL;
    check_round(&two, c);
    cr_assert_eq(status(), STATUS_HEALTHY);
    cr_assert_eq(status_failures_in_row(entry(&v)), 0u);
}

Test(check, uses_its_own_thresholds)
{
    struct config *c = load("[check db]\ntype = tcp\ntarget = x:1\nunhealthy_after = 1\n"
                            "healthy_after = 2\n");
    answer = "down";
    check_round(&one, c);
    cr_assert_eq(status(), STATUS_UNHEALTHY);
    answer = "up";
    now += INTERVAL;
    check_round(&one, c);
    cr_assert_eq(status(), STATUS_DEGRADED);
    now += INTERVAL;
    check_round(&one, c);
    cr_assert_eq(status(), STATUS_HEALTHY);
}

Test(check, alerts_when_its_status_changes_and_only_then)
{
    struct config *c = load("[check db]\ntype = tcp\ntarget = x:1\nunhealthy_after = 2\n");
    answer = "down";
    check_round(&one, c);
    cr_assert_eq(board->header->alerts, 0u);
    now += INTERVAL;
    check_round(&one, c);
    cr_assert_eq(board->header->alerts, 1u);
    now += INTERVAL;
    check_round(&one, c);
    cr_assert_eq(board->header->alerts, 1u);
}

Test(check, without_an_answer_for_a_local_reason_changes_nothing)
{
    struct config *c = db();
    struct check_view v;
    answer = "lost";
    for (int i = 0; i < 5; i++) {
        now = START + i * INTERVAL;
        check_round(&one, c);
    }
    cr_assert_eq(runs, 5);
    const struct slot *s = entry(&v);
    cr_assert_not_null(s);
    cr_assert_not(v.known);
    cr_assert_eq(slot_counter(s, COUNT_ATTEMPTS), 0u);
    cr_assert_eq(slot_counter(s, COUNT_FAILURES), 0u);
}

Test(check, that_a_process_cannot_run_is_left_to_one_that_can)
{
    struct config *c = db();
    struct check_view v;
    answer = "unable";
    check_round(&one, c);
    cr_assert_eq(runs, 1);
    cr_assert_not_null(entry(&v));
    cr_assert_not(v.known, "shown as unknown");
    answer = "up";
    for (int i = 1; i < 8; i++) { /* the process that cannot run it is always first */
        now = START + i * INTERVAL + NS_PER_S;
        check_round(&one, c);
        check_round(&two, c);
    }
    cr_assert_eq(runs, 8);
    cr_assert_eq(status(), STATUS_HEALTHY);
    for (int i = 8; i < 12; i++) { /* the other process has ended */
        now = START + i * INTERVAL + NS_PER_S;
        check_round(&one, c);
    }
    cr_assert_eq(runs, 8);
    cr_assert_not_null(entry(&v));
    cr_assert_not(v.known);
}

Test(check, reports_its_duration)
{
    struct check_view v;
    check_round(&one, db());
    const struct slot *s = entry(&v);
    cr_assert_eq(check_slot_took_ns(s), 7 * NS_PER_MS);
    cr_assert_eq(s->max_ns, 7 * NS_PER_MS);
    answer = "slow";
    now += INTERVAL;
    check_round(&one, db());
    cr_assert_eq(check_slot_took_ns(s), 5 * NS_PER_S);
    cr_assert_eq(slot_counter(s, COUNT_ATTEMPTS), 2u);
    cr_assert_eq(slot_counter(s, COUNT_DURATION_NS), (uint64_t)(5007 * NS_PER_MS));
}

Test(check, that_lasts_longer_than_its_interval_is_run_again_at_once)
{
    struct config *c = load("[check db]\ntype = tcp\ntarget = x:1\ninterval = 1s\n");
    answer = "slow";
    cr_assert_leq(check_round(&one, c), now);
    check_round(&one, c);
    cr_assert_eq(runs, 2);
}

Test(check, ends_when_it_is_no_longer_configured)
{
    struct config *c = db(), *without = load("");
    struct check_view v;
    check_round(&one, c);
    cr_assert_not_null(entry(&v));
    check_give_up(&one, c, without);
    cr_assert_null(entry(&v));
    check_give_up(&one, without, c);
    check_round(&one, c);
    cr_assert_eq(runs, 2, "and continued");
    cr_assert_eq(status(), STATUS_HEALTHY);
}

Test(check, keeps_its_state_when_the_configuration_is_reloaded)
{
    struct config *c = db();
    answer = "down";
    for (int i = 0; i < 3; i++) {
        now = START + i * INTERVAL;
        check_round(&one, c);
    }
    struct config *more =
        load("[check db]\ntype = tcp\ntarget = db.example:5432\ninterval = 10s\n");
    check_give_up(&one, c, more);
    cr_assert_eq(status(), STATUS_UNHEALTHY);
    now += 9 * NS_PER_S;
    check_round(&one, more);
    cr_assert_eq(runs, 3);
    now += 2 * NS_PER_S;
    check_round(&one, more);
    cr_assert_eq(runs, 4, "a shorter interval counts from the last run");
}

Test(check, starts_over_when_its_name_gets_another_target)
{
    struct config *c = db();
    struct config *other = load("[check db]\ntype = tcp\ntarget = other.example:5432\n");
    struct check_view v;
    answer = "down";
    for (int i = 0; i < 3; i++) {
        now = START + i * INTERVAL;
        check_round(&one, c);
    }
    check_round(&two, other);
    cr_assert_eq(runs, 3, "the name belongs to the other process while it runs the check");
    check_give_up(&one, c, other);
    answer = "up";
    check_round(&one, other);
    cr_assert_eq(runs, 4);
    const struct slot *s = entry(&v);
    cr_assert_str_eq(v.name, "db");
    cr_assert_str_eq(v.kind, "fake");
    cr_assert_str_eq(v.target, "other.example:5432");
    cr_assert_eq(slot_counter(s, COUNT_ATTEMPTS), 1u);
    cr_assert_eq(v.status, STATUS_HEALTHY);
}

Test(check, that_no_process_runs_any_more_is_not_shown)
{
    struct check_view v;
    check_round(&one, db());
    now += 3 * INTERVAL;
    cr_assert_not_null(entry(&v));
    now += 61 * NS_PER_S;
    cr_assert_null(entry(&v));
}

Test(check, ignores_impossible_times)
{
    struct config *c = db();
    char name[SLOT_NAME_SIZE];
    struct slot *s;
    check_round(&one, c);
    for (uint32_t i = 0; (s = board_nth(board, i, name)) == NULL; i++)
        ;
    static const int64_t wrong[] = {INT64_MAX, INT64_MAX - 1, INT64_MIN, -1};
    for (int i = 0; i < 4; i++) {
        s->check_due_ns = wrong[i];
        s->check_interval_ms = (uint32_t)wrong[i];
        check_round(&one, c);
        cr_assert_eq(runs, 2 + i, "%d", i);
    }
}

Test(check, on_a_full_board_is_not_run)
{
    char name[32];
    board = board_open(NULL, 4, NULL);
    one.board = board;
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "h%d", i);
        board_slot(board, (uint64_t)i * 0x123456789abcdefULL + 1, name, SLOT_HOST, now);
    }
    cr_assert_gt(check_round(&one, db()), now);
    cr_assert_eq(runs, 0);
}

enum { RACERS = 2, INTERVALS = 50000 };
static _Atomic int race_runs, arrived;

static void race_run(const struct check_config *c, int64_t timeout_ns, struct check_result *out)
{
    (void)c;
    (void)timeout_ns;
    race_runs++;
    out->outcome = CHECK_FAILED;
}

/* The waiters of a barrier of the C library wake one after the other, so it is not used. */
static void together(int turn)
{
    arrived++;
    for (int i = 0; arrived < turn * RACERS; i++)
        if (i % 4096 == 4095)
            sched_yield();
}

static void *race(void *config)
{
    struct check_runner mine = {.board = board, .now_ns = now_ns, .wall_ns = wall_ns};
    for (int i = 1; i <= INTERVALS; i++) {
        together(2 * i - 1);
        now = START + i * INTERVAL;
        together(2 * i);
        check_round(&mine, config);
    }
    return NULL;
}

Test(check, is_run_once_an_interval_by_racing_runners, .timeout = 60)
{
    static const struct check_type racing = {"race", race_run};
    struct config *c = db();
    struct check_view v;
    pthread_t thread[RACERS];
    check_type_replace(CHECK_TCP, &racing);
    for (int i = 0; i < RACERS; i++)
        pthread_create(&thread[i], NULL, race, c);
    for (int i = 0; i < RACERS; i++)
        pthread_join(thread[i], NULL);
    cr_assert_eq(race_runs, INTERVALS);
    cr_assert_eq(status_failures_in_row(entry(&v)), (uint32_t)INTERVALS);
    cr_assert_eq(slot_counter(entry(&v), COUNT_ATTEMPTS), (uint64_t)INTERVALS);
}

/* ---- output ---- */

static char *draw(void (*render)(struct text *, const struct snapshot_context *))
{
    struct snapshot_context context = {.board = board,
                                       .service = "s",
                                       .now_ns = now,
                                       .wall_ns = wall_ns(),
                                       .interval_ns = NS_PER_S};
    size_t size = snapshot_size(board);
    static char *kept[8];
    static int n;
    char *out = kept[n++ % 8] = malloc(size);
    struct text t = {.p = out, .cap = size};
    render(&t, &context);
    cr_assert_not(t.full);
    return out;
}

#define has(text, part) cr_assert_not_null(strstr(text, part), "no %s in %s", part, text)

Test(check, appears_in_the_snapshot_under_its_name)
{
    struct config *c = db();
    answer = "down";
    for (int i = 0; i < 3; i++) {
        now = START + i * INTERVAL;
        check_round(&one, c);
    }
    slot_count(board_slot(board, 5, "a.example", SLOT_HOST, now), COUNT_REQUESTS, 2);
    char *json = draw(snapshot_render);
    has(json, "\"overall_status\":\"degraded\",\"healthy\":false,\"failed\":[\"db\"],");
    has(json,
        "\"db\":{\"kind\":\"fake\",\"target\":\"db.example:5432\",\"status\":\"unhealthy\","
        "\"since\":\"2026-01-25T10:01:00.007Z\",\"consecutive_failures\":3,"
        "\"last_success\":null,\"last_failure\":\"2026-01-25T10:01:00.007Z\","
        "\"last_error\":{\"class\":\"transient\",\"reason\":\"connect\",\"curl\":0,\"http\":0,"
        "\"errno\":111},\"attempts\":3,\"successes\":0,\"failures\":3,\"failures_by\":{"
        "\"dns\":0,\"connect\":3,\"tls\":0,\"timeout\":0,\"reset\":0,\"http_5xx\":0,"
        "\"throttled\":0,\"other\":0},\"duration_ms\":{\"last\":7,\"count\":3,\"mean\":7,");
    has(json, "\"totals\":{\"requests\":2,\"attempts\":0,\"retries\":0,\"recovered\":0,"
              "\"rejected\":0,\"hosts\":1}");
    char *metrics = draw(metrics_render);
    has(metrics, "\nharden_health_status{user=\"0\",host=\"db\"} 2\n");
    has(metrics, "\nharden_hosts{user=\"0\"} 1\n");
    int lines = 0;
    for (const char *at = metrics; (at = strstr(at, "host=\"db\"")); at++)
        lines++;
    cr_assert_eq(lines, 1, "no other metric has a sample for it");
}

Test(check, without_a_result_does_not_change_the_overall_status)
{
    answer = "lost";
    check_round(&one, db());
    char *json = draw(snapshot_render);
    has(json, "\"overall_status\":\"healthy\",\"healthy\":true,\"failed\":[],");
    has(json, "\"status\":\"unknown\",\"since\":null,");
    has(json, "\"duration_ms\":{\"last\":null,\"count\":0,\"mean\":null,");
    cr_assert_null(strstr(draw(metrics_render), "host=\"db\""));
    struct slot *s = board_slot(board, 5, "a.example", SLOT_HOST, now);
    enum health_status changed;
    status_result(s, false, 1, 1, 1, &changed);
    has(draw(snapshot_render), "\"overall_status\":\"unhealthy\"");
}

Test(check, with_the_name_of_a_host_is_shown_separately)
{
    check_round(&one, db());
    board_slot(board, board_host_key("db", 0), "db", SLOT_HOST, now);
    char *json = draw(snapshot_render);
    has(json, "\"db\":{\"kind\":\"passive\"");
    has(json, "\"db~");
}

Test(check, truncates_a_long_target)
{
    struct config *c = load("[check a234567890123456789012345678901234567890123]\ntype = tcp\n"
                            "target = a.very.long.name.of.a.host.in.a.deep.domain.example.com:1\n");
    struct check_view v;
    check_round(&one, c);
    cr_assert_not_null(entry(&v));
    cr_assert_str_eq(v.name, "a234567890123456789012345678901234567890123");
    cr_assert_str_eq(v.target, "a.very.long.name.of.a.host.in~");
}
