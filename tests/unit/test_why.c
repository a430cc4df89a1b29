/* SPDX-License-Identifier: MIT
 *
 * Why a request failed, waited or was refused: for each situation what the event at its end says, and what the
 * log says at level debug. One row for each situation. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/call/private.h"
#include "engine/presence.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW  (100000 * NS_PER_S)
#define WALL (1796000000 * NS_PER_S)
#define FILE "/etc/harden/harden.ini"

static struct board *board;
static struct config *config;
static struct binding binding;
static struct call call;
static int64_t now;
static char events_file[] = "/tmp/harden-why-XXXXXX", log_file[] = "/tmp/harden-why-XXXXXX";

/* ---- steps of a request --------------------------------------------------------------------- */

static void begin(int64_t timeout_ns)
{
    call_begin(&call, &binding, timeout_ns, now);
    call.method = "GET";
}

static struct admission admit(void)
{
    return call_admit(&call, now);
}

static struct attempt result(int curl, int status)
{
    return (struct attempt){.protocol = PROTOCOL_HTTP,
                            .curl_code = curl,
                            .http_status = status,
                            .method = "GET",
                            .replayable = true,
                            .duration_ns = 2 * NS_PER_MS};
}

static struct attempt with_hint(int status, int64_t wait_s)
{
    struct attempt a = result(0, status);
    a.hint = (struct hint){.wait_ns = wait_s * NS_PER_S, .asked = true, .line = "Retry-After: 60"};
    return a;
}

/* The time of the next attempt; 0: there is none. As src/curl, which asks at the headers, too. */
static int64_t report(struct attempt a)
{
    int64_t at;
    call_would_retry(&call, &a, now);
    return call_report(&call, &a, now, WALL, 0, &at) ? at : 0;
}

static void end(void)
{
    call_end(&call, now, WALL);
}

static void request(struct attempt a)
{
    begin(0);
    cr_assert(eq(int, admit().answer, ANSWER_GO));
    report(a);
    end();
}

/* Attempts that all end like this, until there is no other one. */
static void try_often(struct attempt a)
{
    begin(0);
    for (int64_t at = now; at; at = report(a)) {
        now = at;
        cr_assert(eq(int, admit().answer, ANSWER_GO));
    }
    end();
}

/* ---- the situations ------------------------------------------------------------------------- */

static void post(void)
{
    struct attempt a = result(0, 503);
    strcpy(a.method, "POST");
    begin(0);
    call.method = "POST";
    admit();
    report(a);
    end();
}

static void body_from_a_pipe(void)
{
    struct attempt a = result(0, 503);
    a.replayable = false;
    begin(0);
    admit();
    cr_assert(not(call_would_retry(&call, &a, now)));
    a.committed = a.replayable = true; /* the response was committed, because it is not repeated */
    report(a);
    end();
}

static void not_found(void)
{
    request(result(0, 404));
}

static void over_hold_limit(void)
{
    struct attempt a = result(0, 503);
    begin(0);
    admit();
    cr_assert(call_would_retry(&call, &a, now));
    a.committed = a.hold_exceeded = true;
    report(a);
    end();
}

static void cut_off_after_commit(void)
{
    struct attempt a = result(18, 200);
    a.committed = true;
    request(a);
}

static void own_time_out(void)
{
    begin(NS_PER_S);
    admit();
    now += NS_PER_S;
    report(result(28, 0));
    end();
}

static void hint_within_retry_after(void)
{
    request(with_hint(429, 60));
}

static void budget_is_empty(void)
{
    for (int i = 0; i < 20; i++)
        budget_take(&binding.slot->budget, binding.policy->retry_budget_percent,
                    binding.policy->retry_reserve_ns, now);
    request(result(0, 503));
}

static void open_circuit(void)
{
    struct attempt a = result(7, 0);
    a.ended_by_program = true; /* no retry */
    for (int i = 0; i < 5; i++)
        request(a);
}

static void circuit_is_open(void)
{
    open_circuit();
    begin(0);
    cr_assert(eq(int, admit().answer, ANSWER_REFUSE));
    end();
}

static void circuit_of_the_proxy_is_open(void)
{
    struct target proxy = {.scheme = "http", .host = "proxy", .port = 3128, .path = ""};
    struct attempt a = result(7, 0);
    call_bind_proxy(&binding, &proxy, now);
    a.via_proxy = a.proxy_unreached = a.nothing_sent = a.ended_by_program = true;
    request(a);
    begin(0);
    cr_assert(eq(int, admit().answer, ANSWER_REFUSE));
    end();
}

static void circuit_opens_before_the_retry(void)
{
    begin(0);
    admit();
    struct call other = call;
    open_circuit();
    call = other;
    report(result(0, 503));
    end();
}

static void attempts_are_used(void)
{
    try_often(result(0, 503));
}

static void waited_for_a_token(void)
{
    request(result(0, 200));
    begin(0);
    now = admit().at_ns;
    cr_assert(eq(int, admit().answer, ANSWER_GO));
    report(result(0, 200));
    end();
}

static void refused_by_a_rate(void)
{
    request(result(0, 200));
    begin(0);
    cr_assert(eq(int, admit().answer, ANSWER_REFUSE));
    end();
}

static void retry_refused_by_a_rate(void)
{
    begin(0);
    admit();
    now = report(result(0, 503));
    cr_assert(eq(int, admit().answer, ANSWER_REFUSE));
    end();
}

static void waited_for_a_pause(void)
{
    pause_raise(binding.slot, 2 * NS_PER_S, true, 429, "Retry-After: 2", now);
    begin(0);
    now = admit().at_ns;
    cr_assert(eq(int, admit().answer, ANSWER_GO));
    report(result(0, 200));
    end();
}

static void refused_by_a_pause(void)
{
    pause_raise(binding.slot, 100 * NS_PER_S, true, 429, "Retry-After: 100", now);
    begin(0);
    cr_assert(eq(int, admit().answer, ANSWER_REFUSE));
    end();
}

static void ended_during_the_back_off(void)
{
    begin(0);
    admit();
    cr_assert(report(result(0, 503)) > 0);
    now += 100 * NS_PER_MS;
    end();
}

static void vanished_during_a_wait(void)
{
    request(result(0, 200));
    begin(0);
    cr_assert(eq(int, admit().answer, ANSWER_WAIT));
    now += 300 * NS_PER_MS;
    call_abandon(&call, now);
}

static void connect_that_does_not_block(void)
{
    begin(0);
    call.method = "connect";
    call.cannot_wait = true;
    admit();
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .os_errno = ECONNREFUSED};
    report(a);
    end();
}

static void not_covered(void)
{
    presence_off(config);
}

#define RETRY_METHODS                                                                              \
    "\"setting\":\"retry_methods\",\"value\":\"GET HEAD OPTIONS TRACE PUT DELETE\","               \
    "\"source\":\"default\"}"

/* The keys are on line 4 of the file. */
static const struct situation {
    const char *name, *keys;
    void (*play)(void);
    const char *event; /* the end of the line */
    const char *log;
} situations[] = {
    {"POST", "", post,
     "\"method\":\"POST\",\"result\":{\"curl\":0,\"http\":503,\"errno\":0},\"attempts\":1,"
     "\"waited_s\":0,\"duration_ms\":0,\"not_retried\":\"method\"," RETRY_METHODS,
     ": POST (http 503), 1 attempt, waited 0 ms; not repeated: such a request is not repeated "
     "after "
     "that: retry_methods = GET HEAD OPTIONS TRACE PUT DELETE (default)"},
    {"body from a pipe", "", body_from_a_pipe, "\"not_retried\":\"body\"}",
     "; not repeated: the request body cannot be sent again"},
    {"404", "", not_found,
     "\"http\":404,\"errno\":0},\"attempts\":1,\"waited_s\":0,"
     "\"duration_ms\":0,\"not_retried\":\"class\"}",
     "; not repeated: such a result is not repeated"},
    {"over hold_limit", "hold_limit = 1KiB", over_hold_limit,
     "\"not_retried\":\"hold_limit\",\"setting\":\"hold_limit\",\"value\":\"1KiB\","
     "\"source\":\"" FILE ":4\"}",
     "; not repeated: the response is larger than what is held: hold_limit = 1KiB allows no more "
     "(" FILE ":4)"},
    {"cut off after commit", "", cut_off_after_commit,
     "\"result\":{\"curl\":18,\"http\":200,\"errno\":0},\"attempts\":1,\"waited_s\":0,"
     "\"duration_ms\":0,\"not_retried\":\"committed\"}",
     "; not repeated: the program has seen a part of the response"},
    {"the program's own time-out", "", own_time_out,
     "\"duration_ms\":1000,\"not_retried\":\"program_timeout\"}",
     "GET (curl 28), 1 attempt, waited 0 ms; not repeated: the program's own time-out leaves no "
     "time"},
    {"max_elapsed", "max_elapsed = 10s", hint_within_retry_after,
     "\"not_retried\":\"deadline\",\"setting\":\"max_elapsed\",\"value\":\"10s\","
     "\"source\":\"" FILE ":4\"}",
     "; not repeated: no time is left: max_elapsed = 10s allows no more (" FILE ":4)"},
    {"hint too long", "retry_after = 30s", hint_within_retry_after,
     "\"not_retried\":\"hint\",\"setting\":\"retry_after\",\"value\":\"30s\",\"source\":\"" FILE
     ":4\"}",
     "; not repeated: the server asks for a longer wait: retry_after = 30s allows no more (" FILE
     ":4)"},
    {"budget empty", "retry_budget = 10%", budget_is_empty,
     "\"not_retried\":\"budget\",\"setting\":\"retry_budget\",\"value\":\"10%\",\"source\":\"" FILE
     ":4\"}",
     "; not repeated: the retry budget is empty: retry_budget = 10% (" FILE ":4)"},
    {"circuit open", "breaker_after = 0s", circuit_is_open,
     "\"attempts\":0,\"waited_s\":0,\"duration_ms\":0,\"refused\":\"breaker\","
     "\"setting\":\"breaker\",\"value\":\"on\",\"source\":\"default\"}",
     ": GET, 0 attempts, waited 0 ms; refused: breaker: breaker = on (default)"},
    {"circuit of the proxy open",
     "[host proxy:3128]\nbreaker = on\nbreaker_failures = 1\nbreaker_after = 0s",
     circuit_of_the_proxy_is_open,
     "\"refused\":\"breaker\",\"setting\":\"breaker\",\"value\":\"on\",\"source\":\"" FILE ":5\"}",
     "http://proxy:3128: reject after attempt 1: breaker, needs 30 s, breaker = on (" FILE ":5)"},
    {"circuit opens before the retry", "breaker_after = 0s", circuit_opens_before_the_retry,
     "\"not_retried\":\"breaker\",\"setting\":\"breaker\",\"value\":\"on\",\"source\":\"default\"}",
     "; not repeated: the circuit is open: breaker = on (default)"},
    {"attempts used up", "max_attempts = 2", attempts_are_used,
     "\"attempts\":2,\"waited_s\":0.5,\"duration_ms\":500,\"not_retried\":\"attempts\","
     "\"setting\":\"max_attempts\",\"value\":\"2\",\"source\":\"" FILE ":4\"}",
     "(http 503), 2 attempts, waited 500 ms; not repeated: all attempts are used: max_attempts = 2 "
     "allows no more (" FILE ":4)"},
    {"attempts of a preset", "retry = expensive", attempts_are_used,
     "\"not_retried\":\"attempts\",\"setting\":\"max_attempts\",\"value\":\"5\","
     "\"source\":\"preset expensive, " FILE ":4\"}",
     "max_attempts = 5 allows no more (preset expensive, " FILE ":4)"},
    {"waited for a token", "rate = 1/10s", waited_for_a_token,
     "\"result\":{\"curl\":0,\"http\":200,\"errno\":0},\"attempts\":1,\"waited_s\":10,\"waited_"
     "for\":\"rate\","
     "\"duration_ms\":10000,\"setting\":\"rate\",\"value\":\"1/10s\",\"source\":\"" FILE ":4\"}",
     "GET (http 200), 1 attempt, waited 10000 ms for a rate: rate = 1/10s (" FILE ":4)"},
    {"refused by a rate", "rate = 1/1m", refused_by_a_rate,
     "\"refused\":\"rate\",\"setting\":\"max_wait\",\"value\":\"30s\",\"source\":\"default\"}",
     "reject after attempt 1: rate, needs 60 s, max_wait = 30s allows no more (default)"},
    {"refused at once", "rate = 1/1s\non_limit = fail", refused_by_a_rate,
     "\"refused\":\"rate\",\"setting\":\"on_limit\",\"value\":\"fail\",\"source\":\"" FILE ":5\"}",
     "refused: rate: on_limit = fail (" FILE ":5)"},
    {"retry refused by a rate", "rate = 1/1m\nmax_elapsed = 10s", retry_refused_by_a_rate,
     "\"waited_s\":0.5,\"duration_ms\":500,\"not_retried\":\"rate\",\"setting\":\"max_elapsed\","
     "\"value\":\"10s\",\"source\":\"" FILE ":5\"}",
     "not repeated: the wait for a token would be too long: max_elapsed = 10s allows no more (" FILE
     ":5)"},
    {"waited for a pause", "", waited_for_a_pause,
     "\"attempts\":1,\"waited_s\":2.353,\"waited_for\":\"pause\",\"duration_ms\":2353.",
     "wait after attempt 1: gate, asked by the server: Retry-After: 2, in 2353 ms"},
    {"refused by a pause", "max_wait = 5s", refused_by_a_pause,
     "\"refused\":\"pause\",\"setting\":\"max_wait\",\"value\":\"5s\",\"source\":\"" FILE ":4\"}",
     "gate, asked by the server: Retry-After: 100, needs 100 s, max_wait = 5s allows no more (" FILE
     ":4)"},
    {"off by programs", "[harden]\nprograms = !curl", not_covered,
     "\"event\":\"off\",\"reason\":\"programs\",\"setting\":\"programs\",\"value\":\"!curl\","
     "\"source\":\"" FILE ":5\"}",
     "does nothing in this process: programs = !curl (" FILE ":5)"},
    {"mode off", "[harden]\nmode = off", not_covered,
     "\"event\":\"off\",\"reason\":\"mode\",\"setting\":\"mode\",\"value\":\"off\",\"source\":"
     "\"" FILE ":5\"}",
     "does nothing in this process: mode = off (" FILE ":5)"},
    {"observe", "[harden]\nmode = observe", attempts_are_used,
     "\"attempts\":1,\"waited_s\":0,\"duration_ms\":0,\"not_retried\":\"observe\","
     "\"setting\":\"mode\",\"value\":\"observe\",\"source\":\"" FILE ":5\",\"observed\":true}",
     "not repeated: it is only observed: mode = observe (" FILE ":5)"},
    {"retry = off", "retry = off", attempts_are_used,
     "\"not_retried\":\"off\",\"setting\":\"max_attempts\",\"value\":\"1\","
     "\"source\":\"preset off, " FILE ":4\"}",
     "not repeated: retries are off: max_attempts = 1 allows no more (preset off, " FILE ":4)"},
    {"never_on", "never_on = 503", attempts_are_used,
     "\"not_retried\":\"class\",\"setting\":\"never_on\",\"value\":\"503\",\"source\":\"" FILE
     ":4\"}",
     "such a result is not repeated: never_on = 503 (" FILE ":4)"},
    {"retry_on", "retry_on = dns", attempts_are_used,
     "\"not_retried\":\"class\",\"setting\":\"retry_on\",\"value\":\"dns\",\"source\":\"" FILE
     ":4\"}",
     "such a result is not repeated: retry_on = dns (" FILE ":4)"},
    {"ended by the program", "", ended_during_the_back_off,
     "\"waited_s\":0.1,\"duration_ms\":100,\"not_retried\":\"program\"}",
     "not repeated: the program has ended or changed it"},
    {"vanished", "rate = 1/1s", vanished_during_a_wait,
     "\"attempts\":0,\"waited_s\":0.3,\"waited_for\":\"rate\",\"duration_ms\":300,"
     "\"not_retried\":\"program\",\"setting\":\"rate\",\"value\":\"1/1s\",\"source\":\"" FILE
     ":4\"}",
     "not repeated: the program has ended or changed it"},
    {"a connect() that does not block", "", connect_that_does_not_block,
     "\"method\":\"connect\",\"result\":{\"curl\":0,\"http\":0,\"errno\":111},\"attempts\":1,"
     "\"waited_s\":0,\"duration_ms\":0,\"not_retried\":\"nonblocking\"}",
     "not repeated: the socket does not block"},
};

/* ---- the files ------------------------------------------------------------------------------ */

static const char *content(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, buf, size - 1);
    close(fd);
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

static void set_up(void)
{
    close(mkstemp(events_file));
    close(mkstemp(log_file));
}

static void tear_down(void)
{
    unlink(events_file);
    unlink(log_file);
}

TestSuite(why, .init = set_up, .fini = tear_down);

static void open_with(const char *keys)
{
    char text[512];
    int n = snprintf(text, sizeof text, "[host *]\njitter = none\nhint = none\n%s\n", keys);
    config = config_load_text(FILE, text, (size_t)n, NULL, NULL);
    cr_assert(eq(int, config->errors, 0), "%s", keys);
    board = board_open(NULL, 64, NULL);
    struct target t = {"https", "a.example", 443, true, "/x", NULL, 0};
    binding = (struct binding){0};
    cr_assert(call_bind(&binding, config, board, &t, NULL, NOW));
    now = NOW;
    truncate(log_file, 0);
    log_set(LOG_DEBUG, log_file, "x");
    events_set(events_file, "s");
}

static void close_all(void)
{
    log_set(LOG_OFF, NULL, "x");
    events_set(NULL, NULL);
    board_close(board);
    config_discard(config);
}

/* Whether each line is as conf/events.schema.json says. */
static bool schema_allows_events(void)
{
    int status;
    pid_t child = fork();
    if (!child) {
        execlp("python3", "python3", "tests/support/events.py", events_file, NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

Test(why, the_end_of_a_request_says_why_and_names_the_key_that_decided)
{
    char events[1 << 16], log[1 << 16];
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
        const struct situation *s = &situations[i];
        open_with(s->keys);
        s->play();
        close_all();
        content(events_file, events, sizeof events);
        content(log_file, log, sizeof log);
        char *last = strstr(events, "\n") ? strrchr(events, '\n') : events;
        *last = '\0';
        last = strrchr(events, '\n') ? strrchr(events, '\n') + 1 : events;
        cr_expect(strstr(last, s->event) != NULL, "%s: %s", s->name, last);
        cr_expect(strstr(log, s->log) != NULL, "%s: %s", s->name, log);
    }
    cr_expect(schema_allows_events());
}
