/* SPDX-License-Identifier: MIT
 *
 * Simulates an outage of a server and its recovery with clients without retries, with naive
 * retries, and with this engine. The engine is the real one; the clients' loop, the server and the
 * time are a model.
 *
 *     storm CONTESTANT OUTAGE SEED
 *
 * CONTESTANT: none; at-once (3 retries, no delay); in-step (3 retries, each at the next full
 * second, like timers and cron jobs); harden (the defaults, one board: the processes of one
 * machine); harden-apart (a board for each process: as many machines, which do not share anything);
 * check and check-apart (the same, and an active check of the host every 10 s, for each board).
 * OUTAGE: refused (connections are refused after 1 ms); errors (503 after 20 ms); silent (no
 * answer); maintenance (503 with Retry-After: 10); throttled (429 with Retry-After: 10); half (each
 * attempt is answered 503 with a probability of one half, and served otherwise).
 *
 * Clients: 200 processes of 4 workers, which is enough for one request a second with 4 attempts of
 * a second each. A process wants a request every 0.5 to 1.5 s, whatever the result of the last one,
 * like programs with users of their own. In this open model, load does not go away because it is
 * not served (Schroeder, Wierman, Harchol-Balter, "Open Versus Closed", NSDI 2006). A request that
 * finds all workers busy counts as wanted and failed. An attempt times out after 1 s. The timeout
 * holds for each attempt: one for the whole request would spare the server the retries after a
 * timeout.
 *
 * Server: one queue. Before the outage it serves 400 requests a second, twice the demand;
 * afterwards 250, rising to 400 again within 30 s, because its caches are cold. It also works on
 * requests that its clients have given up, because it does not know that. Beyond 2 s of queued work
 * it answers 503 at once, at a tenth of the cost of a request. This is what lets an overload
 * outlive its cause (Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021). It
 * still answers what it had accepted when the outage begins.
 *
 * A check is a request like any other to the server, and not counted. It times out after 5 s.
 *
 * Not modelled: the network, the time that clients themselves need, users who give up because others
 * have failed. The naive clients do not read Retry-After. Runs with the same seed are identical, and all contestants want the same requests at
 * the same times.
 *
 * Prints "NAME VALUE" lines, then a line "second WANTED ATTEMPTS ANSWERED GOOD" for each second:
 * requests wanted, attempts that reached the server, requests that ended well in that second, and
 * requests wanted in that second that ended well at any time. */
#include "model.h"

#include "engine/call/call.h"
#include "engine/check/circuit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENTS       200
#define WORKERS       4
#define STEADY_S      30
#define OUTAGE_S      60
#define AFTER_S       120
#define TOTAL_S       (STEADY_S + OUTAGE_S + AFTER_S)
#define OUTAGE_AT     (STEADY_S * NS_PER_S)
#define OUTAGE_END    (OUTAGE_AT + OUTAGE_S * NS_PER_S)
#define END           (TOTAL_S * NS_PER_S)
#define REQUESTS_MAX  (CLIENTS * TOTAL_S * 2)
#define ATTEMPTS_MAX  (REQUESTS_MAX * 4)
#define NAIVE_RETRIES 3

#define ATTEMPT_TIMEOUT_NS NS_PER_S
#define PATH_NS            (1 * NS_PER_MS) /* to the server and back */
#define ERROR_NS           (20 * NS_PER_MS)
#define PAUSE_S            10
#define QUEUE_MAX_NS       (2 * NS_PER_S)
#define REJECT_SHARE       10
#define CAPACITY           400.0
#define CAPACITY_COLD      250.0
#define WARMING_NS         (30 * NS_PER_S)
#define WINDOW_NS          (100 * NS_PER_MS)
#define AFTERMATH_S        30

#define CHECK_INTERVAL_S 10
#define CHECK_TIMEOUT_NS (5 * NS_PER_S)
#define RECOVERY_BOUND_S (CHECK_INTERVAL_S + 2)

enum contestant { NONE, AT_ONCE, IN_STEP, HARDEN, HARDEN_APART, CHECK, CHECK_APART };
static const char *const contestants[] = {"none",         "at-once", "in-step",    "harden",
                                          "harden-apart", "check",   "check-apart"};
enum outage { REFUSED, ERRORS, SILENT, MAINTENANCE, THROTTLED, HALF };
static const char *const outages[] = {"refused",     "errors",    "silent",
                                      "maintenance", "throttled", "half"};

struct client {
    uint64_t random; /* only for the times of its requests */
    int busy;
    struct binding binding;
};

struct request {
    int client;
    int64_t wanted_ns, begun_ns; /* begun: the current attempt */
    int attempts;
    bool asking; /* between two attempts: the next step is admit, not report */
    struct attempt attempt;
    struct call call;
};

/* The active check of a board. */
struct check {
    struct board *board;
    int64_t begun_ns;
    bool under_way, passes;
};

static enum contestant contestant;
static enum outage outage;
static uint64_t engine_random, server_random;
static int64_t now; /* 0: start of the model */
static const struct config *config;
static struct client clients[CLIENTS];
static struct check checks[CLIENTS]; /* as sources of events they follow the clients */
static struct request *requests;
static int request_count;
static int64_t *attempts_at;
static int attempt_count;
static struct second {
    int wanted, tried, attempts, answered, good;
} seconds[TOTAL_S];

/* ---- server ---------------------------------------------------------------------------------- */

static double capacity(void)
{
    if (now < OUTAGE_END)
        return CAPACITY;
    double warm = (double)(now - OUTAGE_END) / WARMING_NS;
    return CAPACITY_COLD + (CAPACITY - CAPACITY_COLD) * (warm < 1 ? warm : 1);
}

static struct attempt answer(int curl_code, int http_status, int64_t duration_ns)
{
    struct attempt a = {.protocol = PROTOCOL_HTTP,
                        .curl_code = curl_code,
                        .http_status = http_status,
                        .method = "GET",
                        .replayable = true,
                        .committed = http_status == 200,
                        .nothing_sent = curl_code == 7,
                        .os_errno = curl_code == 7 ? ECONNREFUSED : 0,
                        .duration_ns = duration_ns};
    return a;
}

static struct attempt answer_down(int64_t timeout_ns)
{
    struct attempt a;
    switch (outage) {
    case REFUSED:
        return answer(7, 0, PATH_NS);
    case SILENT:
        return answer(28, 0, timeout_ns);
    case MAINTENANCE:
    case THROTTLED:
        a = answer(0, outage == THROTTLED ? 429 : 503, ERROR_NS);
        a.hint = (struct hint){.wait_ns = PAUSE_S * NS_PER_S, .asked = true, .line = "Retry-After"};
        return a;
    case ERRORS:
    default:
        return answer(0, 503, ERROR_NS);
    }
}

static bool is_failing(void)
{
    return now >= OUTAGE_AT && now < OUTAGE_END;
}

static struct attempt handle(int64_t timeout_ns)
{
    static int64_t idle_at_ns;
    if (is_failing() && outage == HALF) {
        if (draw(&server_random) & 1)
            return answer(0, 503, ERROR_NS);
    } else if (is_failing()) {
        idle_at_ns = 0;
        return answer_down(timeout_ns);
    }
    int64_t cost_ns = (int64_t)(NS_PER_S / capacity());
    if (idle_at_ns < now)
        idle_at_ns = now;
    if (idle_at_ns - now > QUEUE_MAX_NS) {
        idle_at_ns += cost_ns / REJECT_SHARE;
        return answer(0, 503, PATH_NS);
    }
    idle_at_ns += cost_ns;
    int64_t took_ns = idle_at_ns - now + PATH_NS;
    return took_ns > timeout_ns ? answer(28, 0, timeout_ns) : answer(0, 200, took_ns);
}

static struct attempt serve(void)
{
    attempts_at[attempt_count++] = now;
    seconds[now / NS_PER_S].attempts++;
    return handle(ATTEMPT_TIMEOUT_NS);
}

/* ---- clients --------------------------------------------------------------------------------- */

static bool with_engine(void)
{
    return contestant >= HARDEN;
}

static void end(struct request *r, bool good)
{
    clients[r->client].busy--;
    if (with_engine())
        call_end(&r->call, MONOTONIC_0 + now, WALL_0 + now);
    if (!good)
        return;
    seconds[r->wanted_ns / NS_PER_S].good++;
    if (now < END)
        seconds[now / NS_PER_S].answered++;
}

static void attempt(struct request *r)
{
    r->attempt = serve();
    r->begun_ns = now;
    seconds[now / NS_PER_S].tried += !r->attempts++;
    r->asking = false;
    event_plan(now + r->attempt.duration_ns, r->client, r);
}

static void ask(struct request *r)
{
    r->asking = true;
    if (!with_engine()) {
        attempt(r);
        return;
    }
    struct admission ad = call_admit(&r->call, MONOTONIC_0 + now);
    if (ad.answer == ANSWER_GO)
        attempt(r);
    else if (ad.answer == ANSWER_WAIT)
        event_plan(ad.at_ns - MONOTONIC_0, r->client, r);
    else
        end(r, false);
}

/* Returns true if the request is repeated, at *at_ns. */
static bool again(struct request *r, int64_t *at_ns)
{
    if (with_engine()) {
        bool retry = call_report(&r->call, &r->attempt, MONOTONIC_0 + now, WALL_0 + now,
                                 draw(&engine_random), at_ns);
        *at_ns -= MONOTONIC_0;
        return retry;
    }
    *at_ns = contestant == IN_STEP ? (now / NS_PER_S + 1) * NS_PER_S : now;
    return r->attempt.http_status != 200 && contestant != NONE && r->attempts <= NAIVE_RETRIES;
}

static void report(struct request *r)
{
    int64_t at_ns = 0;
    if (again(r, &at_ns)) {
        r->asking = true;
        event_plan(at_ns, r->client, r);
    } else {
        end(r, r->attempt.http_status == 200);
    }
}

static void want(int client)
{
    struct client *c = &clients[client];
    event_plan(now + NS_PER_S / 2 + uniform(&c->random, NS_PER_S), client, NULL);
    seconds[now / NS_PER_S].wanted++;
    if (c->busy == WORKERS)
        return;
    c->busy++;
    struct request *r = &requests[request_count++];
    *r = (struct request){.client = client, .wanted_ns = now};
    if (with_engine())
        call_begin(&r->call, &c->binding, 0, MONOTONIC_0 + now);
    ask(r);
}

/* A check begins or ends. */
static void check_once(int i)
{
    struct check *c = &checks[i];
    c->under_way = !c->under_way;
    if (c->under_way) {
        struct attempt a = handle(CHECK_TIMEOUT_NS);
        c->begun_ns = now;
        c->passes = a.http_status == 200;
        event_plan(now + a.duration_ns, CLIENTS + i, NULL);
        return;
    }
    check_circuits(c->board, config, &config->checks[0],
                   &(struct check_verdict){.passed = c->passes,
                                           .unhealthy = !c->passes,
                                           .now_ns = MONOTONIC_0 + now,
                                           .wall_ns = WALL_0 + now});
    event_plan(c->begun_ns + CHECK_INTERVAL_S * NS_PER_S, CLIENTS + i, NULL);
}

static void plan_checks(uint64_t seed)
{
    uint64_t random = ~seed * CLIENTS;
    for (int i = 0; i < CLIENTS && checks[i].board; i++)
        event_plan(uniform(&random, CHECK_INTERVAL_S * NS_PER_S), CLIENTS + i, NULL);
}

static void run(void)
{
    for (int i = 0; i < CLIENTS; i++)
        event_plan(uniform(&clients[i].random, NS_PER_S), i, NULL);
    while (event_count && event_heap[0].at_ns < END) {
        struct planned_event e = event_next();
        now = e.at_ns;
        struct request *r = e.request;
        if (e.source >= CLIENTS)
            check_once(e.source - CLIENTS);
        else if (!r)
            want(e.source);
        else if (r->asking)
            ask(r);
        else
            report(r);
    }
}

/* ---- results --------------------------------------------------------------------------------- */

struct ratios {
    double amplification; /* attempts per wanted request */
    double each;          /* per request of which an attempt reached the server */
};

static struct ratios between(int from_s, int to_s)
{
    int wanted = 0, tried = 0, attempts = 0;
    for (int i = from_s; i < to_s; i++) {
        wanted += seconds[i].wanted;
        tried += seconds[i].tried;
        attempts += seconds[i].attempts;
    }
    return (struct ratios){(double)attempts / wanted, tried ? (double)attempts / tried : 0};
}

/* The largest number of attempts in any window that begins between two times, divided by the mean
 * of the steady phase. */
static double peak(int64_t from_ns, int64_t to_ns)
{
    int most = 0, steady = 0;
    for (int i = 0, k = 0; i < attempt_count; i++) {
        steady += attempts_at[i] < OUTAGE_AT;
        while (k < attempt_count && attempts_at[k] < attempts_at[i] + WINDOW_NS)
            k++;
        if (attempts_at[i] >= from_ns && attempts_at[i] < to_ns && k - i > most)
            most = k - i;
    }
    return (double)most / ((double)steady * WINDOW_NS / OUTAGE_AT);
}

/* Whole seconds from the end of the outage until 99 of 100 requests succeed for 10 s; -1: not
 * within the run. */
static int recovery_s(void)
{
    for (int i = STEADY_S + OUTAGE_S, well = 0; i < TOTAL_S; i++) {
        well = seconds[i].good * 100 >= seconds[i].wanted * 99 ? well + 1 : 0;
        if (well == 10)
            return i - 9 - STEADY_S - OUTAGE_S;
    }
    return -1;
}

static double good_during(void)
{
    int wanted = 0, good = 0;
    for (int i = STEADY_S; i < STEADY_S + OUTAGE_S; i++) {
        wanted += seconds[i].wanted;
        good += seconds[i].good;
    }
    return (double)good / wanted;
}

static void print(void)
{
    int down = STEADY_S, up = STEADY_S + OUTAGE_S;
    printf("outage_from_s %d\noutage_to_s %d\n", down, up);
    struct ratios during = between(down, up), after = between(up, up + AFTERMATH_S);
    printf("amplification_during %.3f\n", during.amplification);
    printf("amplification_after %.3f\n", after.amplification);
    printf("each_during %.3f\n", during.each);
    printf("each_after %.3f\n", after.each);
    printf("peak_steady %.2f\n", peak(0, OUTAGE_AT - WINDOW_NS));
    printf("peak_during %.2f\n", peak(OUTAGE_AT, OUTAGE_END));
    printf("peak_after %.2f\n", peak(OUTAGE_END, END));
    printf("recovery_s %d\n", recovery_s());
    printf("good_during %.4f\n", good_during());
    if (contestant >= CHECK)
        printf("recovery_bound_s %d\n", RECOVERY_BOUND_S);
    for (int i = 0; i < TOTAL_S; i++)
        printf("second %d %d %d %d\n", seconds[i].wanted, seconds[i].attempts, seconds[i].answered,
               seconds[i].good);
}

static const char with_check[] = "[check api]\ntype = http\n"
                                 "target = http://api.example.com/health\n";

static bool bind_all(uint64_t seed)
{
    size_t length = contestant >= CHECK ? sizeof with_check - 1 : 0;
    bool apart = contestant == HARDEN_APART || contestant == CHECK_APART;
    config = config_load_text("defaults", with_check, length, model_complain, NULL);
    struct target t = {
        .scheme = "http", .host = "api.example.com", .port = 80, .default_port = true, .path = "/"};
    struct header_source parts = {0};
    struct board *board = NULL;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].random = seed * CLIENTS + (uint64_t)i;
        if (!board || apart) {
            board = board_open(NULL, 4, NULL);
            checks[i].board = contestant >= CHECK ? board : NULL;
        }
        if (!config || !board ||
            !call_bind(&clients[i].binding, config, board, &t, &parts, MONOTONIC_0))
            return false;
    }
    engine_random = ~seed;
    server_random = seed * seed;
    plan_checks(seed);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    contestant = (enum contestant)model_index(argv[1], contestants, CHECK_APART + 1);
    outage = (enum outage)model_index(argv[2], outages, HALF + 1);
    if (contestant > CHECK_APART || outage > HALF)
        return 2;
    requests = calloc(REQUESTS_MAX, sizeof *requests);
    attempts_at = calloc(ATTEMPTS_MAX, sizeof *attempts_at);
    if (!requests || !attempts_at || !bind_all(strtoull(argv[3], NULL, 10))) {
        fprintf(stderr, "no memory\n");
        return 1;
    }
    run();
    print();
    return 0;
}
