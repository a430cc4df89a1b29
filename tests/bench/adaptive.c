/* SPDX-License-Identifier: MIT
 *
 * Simulates a server that throttles without saying how much it accepts, and clients of this engine with
 * adaptive = off and on. The engine is the real one; the clients' loop, the server and the time are a model.
 *
 *     adaptive CONTESTANT CASE SEED
 *
 * CONTESTANT: none (without the engine: one attempt per request); off (the defaults); on (the defaults and
 * adaptive = on). CASE: see `cases`.
 *
 * Server: a token bucket. A request that finds a token is answered with 200, another one with 429 and without
 * Retry-After. The way there takes 10 to 20 ms, and so does the way back, at random.
 *
 * Clients: a few machines, each with a board and 20 processes of 8 workers. A process wants requests at a mean
 * rate, each 0.5 to 1.5 times the mean time after the last one, whatever the results are. A request that
 * finds all workers of its process busy counts as wanted and not served.
 *
 * Not modelled: the time that clients themselves need, other failures of the server, users who give up.
 * Runs with the same seed are identical, and all contestants want the same requests at the same times.
 *
 * Prints "NAME VALUE" lines, then a line "second WANTED SENT ACCEPTED LIMIT RATE" for each second: requests
 * wanted, attempts, those with a token, the tokens that the server adds, and the rate that the first machine
 * keeps to (0: none). Figures leave out the first ten seconds, in which the server's bucket is still full:
 *
 *     served       accepted requests, as a share of what the server would have accepted at most: of its limit,
 *                  or of the demand if that is less
 *     throttled    429s, as a share of all answers
 *     sends        attempts per accepted request
 *     good         requests that ended well, as a share of those wanted
 *     fair_least, fair_most
 *                  what the machine got that got the least, and the most, relative to the mean */
#include "model.h"

#include "base/clock.h"
#include "engine/call/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS_MAX 4 /* machines */
#define PROCESSES 20
#define WORKERS   8
#define TOTAL_S   300
#define FIRST_S   10
#define END       (TOTAL_S * NS_PER_S)
#define WAY_NS    (10 * NS_PER_MS)
#define CHANGE_S  30

/* The engine's clocks at time 0 of the model. */
#define MONOTONIC_0 (100000 * NS_PER_S)
#define WALL_0      (1750000000 * NS_PER_S)

enum contestant { NONE, OFF, ON };
static const char *const contestants[] = {"none", "off", "on"};

static const struct one_case {
    const char *name;
    double limit_per_s, bucket;
    double demand; /* of all machines together, in limits */
    int users;
    bool changes;  /* the limit is half, once or twice as much, and changes every 30 s */
    int uneven_ms; /* the way takes so much longer at most; 0: 10 ms */
} cases[] = {
    {"steady-1.2", 20, 20, 1.2, 1, false, 0},
    {"steady-2", 20, 20, 2, 1, false, 0},
    {"steady-3", 20, 20, 3, 1, false, 0},
    {"bucket-3", 20, 3, 2, 1, false, 0},
    {"slow", 2, 3, 2, 1, false, 0},
    {"slower", 0.5, 3, 2, 1, false, 0},
    {"fast", 200, 50, 2, 1, false, 0},
    {"below", 20, 3, 0.9, 1, false, 0},
    {"competing", 40, 20, 2, 4, false, 0},
    {"competing-10", 10, 10, 2, 4, false, 0},
    {"competing-200", 200, 20, 2, 4, false, 0},
    {"changing", 20, 20, 2, 1, true, 0},
    {"burst-1", 20, 1, 2, 1, false, 0},
    {"burst-1-uneven", 20, 1, 2, 1, false, 30},
};
#define CASES (sizeof cases / sizeof *cases)

struct process {
    uint64_t random; /* only for the times of its requests */
    int user, busy;
    struct binding binding;
};

struct request {
    struct process *process;
    enum step { ASK, ARRIVE, REPORT } next;
    int64_t begun_ns;
    struct attempt attempt;
    struct call call;
};

static enum contestant contestant;
static const struct one_case *scenario;
static uint64_t engine_random, network_random, limit_random;
static int64_t now; /* 0: start of the model */
static struct process processes[USERS_MAX * PROCESSES];
static int process_count;
static double tokens;
static int64_t filled_ns;
static struct second {
    double limit, rate;
    int wanted, sent, accepted, good;
} seconds[TOTAL_S + 1];
static int accepted_of[USERS_MAX];

/* ---- server ---------------------------------------------------------------------------------- */

static double limit_per_s(void)
{
    static double factor = 1;
    static int64_t until_ns = CHANGE_S * NS_PER_S;
    if (scenario->changes && now >= until_ns) {
        static const double to[] = {0.5, 1, 2};
        factor = to[uniform(&limit_random, 3)];
        until_ns += CHANGE_S * NS_PER_S;
    }
    return scenario->limit_per_s * factor;
}

static bool serve(void)
{
    tokens += limit_per_s() * (double)(now - filled_ns) / NS_PER_S;
    filled_ns = now;
    if (tokens > scenario->bucket)
        tokens = scenario->bucket;
    bool good = tokens >= 1;
    tokens -= good;
    return good;
}

static int64_t way_ns(void)
{
    int64_t uneven_ns = scenario->uneven_ms ? scenario->uneven_ms * NS_PER_MS : WAY_NS;
    return WAY_NS + uniform(&network_random, uneven_ns);
}

/* ---- clients --------------------------------------------------------------------------------- */

static struct second *this_second(void)
{
    return &seconds[now < END ? now / NS_PER_S : TOTAL_S];
}

static void then(struct request *r, enum step next, int64_t at_ns)
{
    r->next = next;
    event_plan(at_ns, 0, r);
}

static void end(struct request *r, bool good)
{
    r->process->busy--;
    this_second()->good += good;
    if (contestant != NONE)
        call_end(&r->call, MONOTONIC_0 + now, WALL_0 + now);
    free(r);
}

static void ask(struct request *r)
{
    struct admission ad = {.answer = ANSWER_GO};
    if (contestant != NONE)
        ad = call_admit(&r->call, MONOTONIC_0 + now);
    r->begun_ns = now;
    if (ad.answer == ANSWER_GO)
        then(r, ARRIVE, now + way_ns());
    else if (ad.answer == ANSWER_WAIT)
        then(r, ASK, ad.at_ns - MONOTONIC_0);
    else
        end(r, false);
}

static void arrive(struct request *r)
{
    bool good = serve();
    this_second()->sent++;
    this_second()->accepted += good;
    accepted_of[r->process->user] += good && now >= FIRST_S * NS_PER_S;
    r->attempt = (struct attempt){.protocol = PROTOCOL_HTTP,
                                  .http_status = good ? 200 : 429,
                                  .method = "GET",
                                  .replayable = true,
                                  .committed = good};
    then(r, REPORT, now + way_ns());
}

static void report(struct request *r)
{
    int64_t at_ns = 0;
    r->attempt.duration_ns = now - r->begun_ns;
    if (contestant != NONE && call_report(&r->call, &r->attempt, MONOTONIC_0 + now, WALL_0 + now,
                                          draw(&engine_random), &at_ns))
        then(r, ASK, at_ns - MONOTONIC_0);
    else
        end(r, r->attempt.http_status == 200);
}

static void want(struct process *p)
{
    double per_s = scenario->limit_per_s * scenario->demand / process_count;
    int64_t mean_ns = (int64_t)((double)NS_PER_S / per_s);
    event_plan(now + mean_ns / 2 + uniform(&p->random, mean_ns), (int)(p - processes), NULL);
    this_second()->wanted++;
    if (p->busy == WORKERS)
        return;
    p->busy++;
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->process = p;
    if (contestant != NONE)
        call_begin(&r->call, &p->binding, 0, MONOTONIC_0 + now);
    ask(r);
}

static void note_rate(void)
{
    struct adaptive_view v;
    double limit = limit_per_s();
    bool on = adaptive_read(&processes[0].binding.slot->adaptive, 0, MONOTONIC_0 + now, &v);
    *this_second() = (struct second){.limit = limit, .rate = on ? (double)v.rate_milli / 1000 : 0};
}

static void run(void)
{
    static void (*const steps[])(struct request *) = {ask, arrive, report};
    for (int i = 0; i < process_count; i++)
        event_plan(uniform(&processes[i].random, NS_PER_S), i, NULL);
    for (int64_t noted_ns = 0; event_count && event_heap[0].at_ns < END;) {
        struct planned_event e = event_next();
        for (; noted_ns <= e.at_ns; noted_ns += NS_PER_S) {
            now = noted_ns;
            note_rate();
        }
        now = e.at_ns;
        struct request *r = e.request;
        if (r)
            steps[r->next](r);
        else
            want(&processes[e.source]);
    }
}

/* ---- results --------------------------------------------------------------------------------- */

static void print(void)
{
    double limit = 0, wanted = 0, sent = 0, accepted = 0, good = 0;
    for (int i = FIRST_S; i < TOTAL_S; i++) {
        limit += seconds[i].limit;
        wanted += seconds[i].wanted;
        sent += seconds[i].sent;
        accepted += seconds[i].accepted;
        good += seconds[i].good;
    }
    double least = accepted, most = 0, mean = accepted / scenario->users;
    for (int i = 0; i < scenario->users; i++) {
        least = accepted_of[i] < least ? accepted_of[i] : least;
        most = accepted_of[i] > most ? accepted_of[i] : most;
    }
    printf("limit %.1f\ndemand %.1f\n", scenario->limit_per_s,
           scenario->limit_per_s * scenario->demand);
    printf("served %.4f\n", accepted / (wanted < limit ? wanted : limit));
    printf("throttled %.4f\n", 1 - accepted / sent);
    printf("sends %.3f\n", sent / accepted);
    printf("good %.4f\n", good / wanted);
    printf("fair_least %.3f\nfair_most %.3f\n", least / mean, most / mean);
    for (int i = 0; i < TOTAL_S; i++)
        printf("second %d %d %d %.1f %.1f\n", seconds[i].wanted, seconds[i].sent,
               seconds[i].accepted, seconds[i].limit, seconds[i].rate);
}

static void complain(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

static bool bind_all(uint64_t seed)
{
    const char *text = contestant == ON ? "[host *]\nadaptive = on\n" : "";
    const struct config *config = config_load_text("model", text, strlen(text), complain, NULL);
    struct target t = {
        .scheme = "http", .host = "api.example.com", .port = 80, .default_port = true, .path = "/"};
    struct header_source parts = {0};
    struct board *board = NULL;
    process_count = scenario->users * PROCESSES;
    for (int i = 0; i < process_count; i++) {
        struct process *p = &processes[i];
        p->random = seed * USERS_MAX * PROCESSES + (uint64_t)i;
        p->user = i / PROCESSES;
        if (i % PROCESSES == 0)
            board = board_open(NULL, 4, NULL);
        if (!config || !board || !call_bind(&p->binding, config, board, &t, &parts, MONOTONIC_0))
            return false;
    }
    engine_random = ~seed;
    network_random = seed ^ 0x6e6574;
    limit_random = seed ^ 0x6c696d;
    return true;
}

static const struct one_case *case_named(const char *name)
{
    for (size_t i = 0; i < CASES; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4 || !(scenario = case_named(argv[2])))
        return 2;
    while (contestant <= ON && strcmp(argv[1], contestants[contestant]) != 0)
        contestant++;
    if (contestant > ON)
        return 2;
    tokens = scenario->bucket;
    if (!bind_all(strtoull(argv[3], NULL, 10))) {
        fprintf(stderr, "no memory\n");
        return 1;
    }
    run();
    print();
    return 0;
}
