/* SPDX-License-Identifier: MIT
 *
 * Simulates hosts that fail in part: a bad page among good ones, bursts, one user whose requests
 * fail, and others. Compares the number of good answers that clients get without the library, with
 * this engine (the real one), and with a breaker that ignores successes.
 *
 *     mixtures CONTESTANT SEED
 *
 * CONTESTANT: bare (one attempt per request); harden (the defaults); plain (the same, but any five
 * failures in a row, or half of ten, open the circuit, for all pages: breaker_after = 0, and every
 * page is one operation).
 *
 * A mixture consists of a few streams of requests to one host, on one board, for ten minutes. In a
 * stream, either each attempt fails at random; or all attempts of a request fail (the cause is the
 * user or the input); or only the first attempt of each request fails. The outcome of the first
 * attempt of a request is the same for all contestants. The server is never overloaded:
 * tests/bench/storm.c simulates that.
 *
 * Prints "MIXTURE WANTED GOOD ATTEMPTS REFUSED BAR" for each, separated by tabs; BAR 0: no bar, the
 * reason is given there. */
#include "model.h"

#include "engine/call/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END         (600 * NS_PER_S)
#define STREAMS_MAX 4
#define GOOD_NS     (20 * NS_PER_MS)

enum contestant { BARE, HARDEN, PLAIN, CONTESTANTS };
static const char *const contestants[] = {"bare", "harden", "plain"};

enum fate { EACH_ATTEMPT, EACH_REQUEST, FIRST_ATTEMPT };

/* Not statuses. REFUSED: connections are refused. SILENT: no answer within 5 s. SHUT: connect() of
 * a program without libcurl is refused. */
enum { REFUSED = 1, SILENT, SHUT };

struct stream {
    double per_s;       /* requests; a burst counts as one */
    const char *scheme; /* NULL: http */
    const char *path;
    const char *host; /* behind the proxy; NULL: no proxy */
    int burst;        /* size; 0: single requests */
    int from_s;
    int percent; /* share that fails */
    enum fate of;
    int how; /* an HTTP status, or a constant above */
};

struct mixture {
    const char *name;
    int down_s; /* how long everything fails with 503 at first */
    bool known; /* fifty requests were made before */
    bool no_bar;
    struct stream streams[STREAMS_MAX];
};

static const struct mixture mixtures[] = {
    {"1 of 3 pages is 500",
     .streams = {{3, .path = "/bad", .percent = 100, .how = 500}, {6, .path = "/good"}}},
    {"1 of 3 pages is 503",
     .streams = {{3, .path = "/bad", .percent = 100, .how = 503}, {6, .path = "/good"}}},
    {"1 of 3 pages does not answer",
     .streams = {{3, .path = "/bad", .percent = 100, .how = SILENT}, {6, .path = "/good"}}},
    {"9 of 10 requests are for a page that is 504",
     .streams = {{9, .path = "/bad", .percent = 100, .how = 504}, {1, .path = "/good"}}},
    {"a bad page 50 times a second, a good one once a minute",
     .streams = {{50, .path = "/bad", .percent = 100, .how = 503}, {1 / 60., .path = "/good"}}},
    {"a job a minute: five bad pages and one good",
     .streams = {{1 / 60., .path = "/bad", .burst = 5, .percent = 100, .how = 502},
                 {1 / 60., .path = "/good"}}},
    {"eight at once, the first attempt of each is 503",
     .streams = {{1 / 5., .path = "/", .burst = 8, .of = FIRST_ATTEMPT, .percent = 100,
                  .how = 503}}},
    {"forty at once, half of their first attempts are 503",
     .streams = {{1 / 20., .path = "/", .burst = 40, .of = FIRST_ATTEMPT, .percent = 50,
                  .how = 503}}},
    {"every second attempt is 503", .streams = {{5, .path = "/", .percent = 50, .how = 503}}},
    {"4 of 5 attempts are 503", .known = true,
     .streams = {{5, .path = "/", .percent = 80, .how = 503}}},
    {"every second connection is refused",
     .streams = {{5, .path = "/", .percent = 50, .how = REFUSED}}},
    {"4 of 5 connections are refused", .known = true,
     .streams = {{5, .path = "/", .percent = 80, .how = REFUSED}}},
    {"every second connect() is refused", .streams = {{5, .path = "", .percent = 50, .how = SHUT}}},
    {"http is refused, https works", .streams = {{5, .path = "/", .percent = 100, .how = REFUSED},
                                                 {1, .scheme = "https", .path = "/"}}},
    {"1 of 3 users gets 504, at the same page", .known = true,
     .streams = {{5, .path = "/", .of = EACH_REQUEST, .percent = 33, .how = 504}}},
    {"2 of 3 requests are of a user who gets no answer, same page", .known = true,
     .streams = {{5, .path = "/", .of = EACH_REQUEST, .percent = 67, .how = SILENT}}},
    {"2 of 3 requests are of a user who gets 504, same page, 1/s", .known = true,
     .streams = {{1, .path = "/", .of = EACH_REQUEST, .percent = 67, .how = 504}}},
    {"2 of 3 requests are of a user who gets 504, same page, 1/5s", .known = true,
     .streams = {{1 / 5., .path = "/", .of = EACH_REQUEST, .percent = 67, .how = 504}}},
    {"9 of 10 requests are of a user who gets 504, same page, 1/5s", .known = true,
     .streams = {{1 / 5., .path = "/", .of = EACH_REQUEST, .percent = 90, .how = 504}}},
    {"a user who gets 504 begins to ask 50 times a second, same page",
     .streams = {{1 / 5., .path = "/"},
                 {50, .path = "/", .from_s = 60, .percent = 100, .how = 504}}},
    /* A circuit that is open when an outage ends stays open until it is probed. */
    {"down for a minute, then 9 of 10 requests are for a bad page", .down_s = 60, .no_bar = true,
     .streams = {{9, .path = "/bad", .percent = 100, .how = 503}, {1, .path = "/good"}}},
    {"down for a minute, then every second attempt is 503", .down_s = 60,
     .streams = {{5, .path = "/", .percent = 50, .how = 503}}},
    {"a proxy does not answer for 1 of 3 hosts",
     .streams = {{3, .host = "dead", .path = "/", .percent = 100, .how = SILENT},
                 {6, .host = "well", .path = "/"}}},
    /* The first five requests are all of one kind and all fail. They cannot tell a host that is
     * down from bad luck, so requests that would have succeeded may be refused. */
    {"the first contact: 2 of 3 requests are of a user who gets 504, same page", .no_bar = true,
     .streams = {{1, .path = "/", .of = EACH_REQUEST, .percent = 67, .how = 504}}},
    {"the first contact: 19 of 20 are, 5/s", .no_bar = true,
     .streams = {{5, .path = "/", .of = EACH_REQUEST, .percent = 95, .how = 504}}},
};

struct request {
    const struct stream *stream;
    uint64_t random;
    int attempts;
    bool asking;
    struct attempt attempt;
    struct call call;
};

static enum contestant contestant;
static const struct config *config;
static const struct mixture *mixture;
static struct board *board;
static struct binding bindings[STREAMS_MAX];
static uint64_t wishes[STREAMS_MAX], engine_random;
static int64_t now; /* 0: start of the model */
static struct {
    int wanted, good, attempts, refused;
} sum;

/* ---- server ---------------------------------------------------------------------------------- */

static struct attempt answer(const struct stream *s, int how)
{
    struct attempt a = {.protocol = PROTOCOL_HTTP,
                        .http_status = how,
                        .method = "GET",
                        .replayable = true,
                        .committed = how == 200,
                        .via_proxy = s->host,
                        .duration_ns = GOOD_NS};
    if (s->how == SHUT) {
        a.protocol = PROTOCOL_CONNECT;
        a.http_status = 0;
        a.os_errno = how == SHUT ? ECONNREFUSED : 0;
        a.committed = false;
    } else if (how == REFUSED || how == SILENT) {
        a.http_status = 0;
        a.curl_code = how == REFUSED ? 7 : 28;
        a.os_errno = how == REFUSED ? ECONNREFUSED : 0;
        a.nothing_sent = how == REFUSED;
        a.proxy_unreached = s->host;
        a.duration_ns = how == SILENT ? 5 * NS_PER_S : NS_PER_MS;
    }
    return a;
}

static struct attempt serve(struct request *r)
{
    const struct stream *s = r->stream;
    sum.attempts++;
    uint64_t of_request = r->random;
    uint64_t *state = s->of == EACH_REQUEST ? &of_request : &r->random;
    bool bad = uniform(state, 100) < s->percent && (s->of != FIRST_ATTEMPT || !r->attempts);
    r->attempts++;
    if (now < mixture->down_s * NS_PER_S)
        return answer(s, 503);
    return answer(s, bad ? s->how : 200);
}

static bool went_well(const struct attempt *a)
{
    return a->protocol == PROTOCOL_CONNECT ? !a->os_errno : a->http_status == 200;
}

/* ---- clients --------------------------------------------------------------------------------- */

static void end(struct request *r, bool good)
{
    if (contestant != BARE)
        call_end(&r->call, MONOTONIC_0 + now, WALL_0 + now);
    sum.good += good;
    free(r);
}

static void attempt(struct request *r)
{
    r->asking = false;
    r->attempt = serve(r);
    event_plan(now + r->attempt.duration_ns, 0, r);
}

static void ask(struct request *r)
{
    struct admission ad = {.answer = ANSWER_GO};
    if (contestant != BARE)
        ad = call_admit(&r->call, MONOTONIC_0 + now);
    if (ad.answer == ANSWER_GO)
        attempt(r);
    else if (ad.answer == ANSWER_WAIT)
        event_plan(ad.at_ns - MONOTONIC_0, 0, r);
    else {
        sum.refused += !r->attempts;
        end(r, false);
    }
}

static void report(struct request *r)
{
    int64_t at_ns = 0;
    if (contestant != BARE && call_report(&r->call, &r->attempt, MONOTONIC_0 + now, WALL_0 + now,
                                          draw(&engine_random), &at_ns)) {
        r->asking = true;
        event_plan(at_ns - MONOTONIC_0, 0, r);
    } else {
        end(r, went_well(&r->attempt));
    }
}

static void want(int i)
{
    const struct stream *s = &mixture->streams[i];
    int64_t mean_ns = (int64_t)((double)NS_PER_S / s->per_s);
    event_plan(now + mean_ns / 2 + uniform(&wishes[i], mean_ns), i, NULL);
    for (int k = 0; k < (s->burst ? s->burst : 1); k++) {
        struct request *r = calloc(1, sizeof *r);
        if (!r)
            abort();
        *r = (struct request){.stream = s, .random = draw(&wishes[i])};
        sum.wanted++;
        if (contestant != BARE)
            call_begin(&r->call, &bindings[i], 0, MONOTONIC_0 + now);
        ask(r);
    }
}

static bool bind(int i)
{
    const struct stream *s = &mixture->streams[i];
    struct header_source parts = {0};
    const char *path = contestant == PLAIN ? "" : s->path;
    bool https = s->scheme && contestant != PLAIN;
    struct target t = {.scheme = https ? "https" : "http",
                       .host = s->host ? s->host : "api.example.com",
                       .port = https ? 443 : 80,
                       .default_port = true,
                       .path = path};
    struct target proxy = {.scheme = "http", .host = "proxy", .port = 3128, .path = ""};
    if (!call_bind(&bindings[i], config, board, &t, &parts, MONOTONIC_0))
        return false;
    if (s->host)
        call_bind_proxy(&bindings[i], &proxy, MONOTONIC_0);
    if (contestant == PLAIN)
        bindings[i].key = bindings[0].key; /* the proxy's breaker also sees one destination */
    return true;
}

/* Fifty requests with the results of the mixture. */
static void make_known(void)
{
    int bad = 50 * mixture->streams[0].percent / 100;
    slot_count(bindings[0].slot, COUNT_SUCCESSES, (uint64_t)(50 - bad));
    slot_count(bindings[0].slot, COUNT_FAILURES, (uint64_t)bad);
}

static bool run(uint64_t seed)
{
    events_reset();
    now = 0;
    engine_random = ~seed;
    memset(&sum, 0, sizeof sum);
    board = board_open(NULL, 8, NULL);
    for (int i = 0; i < STREAMS_MAX && mixture->streams[i].per_s > 0; i++) {
        wishes[i] = seed * STREAMS_MAX + (uint64_t)i;
        if (!board || !bind(i))
            return false;
        event_plan(mixture->streams[i].from_s * NS_PER_S + uniform(&wishes[i], NS_PER_S), i, NULL);
    }
    if (mixture->known)
        make_known();
    while (event_count) {
        struct planned_event e = event_next();
        now = e.at_ns;
        struct request *r = e.request;
        if (!r && now < END)
            want(e.source);
        else if (r && r->asking)
            ask(r);
        else if (r)
            report(r);
    }
    board_close(board);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    while (contestant < CONTESTANTS && strcmp(argv[1], contestants[contestant]) != 0)
        contestant++;
    if (contestant == CONTESTANTS)
        return 2;
    const char *text = contestant == PLAIN ? "[host *]\nbreaker_after = 0\n" : "";
    config = config_load_text("defaults", text, strlen(text), model_complain, NULL);
    for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures; i++) {
        mixture = &mixtures[i];
        if (!config || !run(strtoull(argv[2], NULL, 10))) {
            fprintf(stderr, "no memory\n");
            return 1;
        }
        printf("%s\t%d\t%d\t%d\t%d\t%d\n", mixture->name, sum.wanted, sum.good, sum.attempts,
               sum.refused, !mixture->no_bar);
    }
    return 0;
}
