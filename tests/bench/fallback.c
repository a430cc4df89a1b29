/* SPDX-License-Identifier: MIT
 *
 * Simulates an outage of one of two places of a name, with clients that know only this one, and with
 * clients that fall back to the other. The engine is the real one; the clients' loop, the servers
 * and the time are a model.
 *
 *     fallback CONTESTANT CASE SEED
 *
 * CONTESTANT: off (the defaults); on (the same and `fallback`, one board: the processes of one
 * machine); on-apart (a board for each process: as many machines). All have attempt_timeout = 1s.
 * CASE, what the first place does for about a minute, 45 to 75 s by the seed, so that it comes back
 * at any time between two probes: errors (503 after 20 ms); refused (connections are refused after
 * 1 ms); silent (no answer).
 *
 * Clients: 200 processes of 4 workers. A process wants a request every 0.5 to 1.5 s, whatever the
 * result of the last one; if all workers are busy, it has failed. One of ten is a POST. Half of the
 * requests are for one page, the others for one of 40.
 *
 * Servers: each has a queue, and serves 400 requests a second; 20 ms are spent on the way, and up
 * to 40 ms on the request. After the outage the first one serves 250, rising to 400 within 30 s,
 * because its caches are cold.
 *
 * Not modelled: a second place that is further away or too small, failures of a part of the
 * requests (mixtures.c), and an outage of both places (storm.c). Runs with the same seed are
 * identical, and all contestants want the same requests at the same times.
 *
 * Prints "NAME VALUE" lines:
 *     outage_from_s, outage_to_s
 *     good             share of the GETs wanted during the outage that have succeeded
 *     p99_ms           of how long the GETs took, with the attempts that failed; inf: more have not
 *                      succeeded at all
 *     p99_bound_ms     attempt_timeout and 1.1 times the 99th percentile before the outage
 *     load             attempts per wanted request during the outage
 *     post_second      POSTs that the first place may have seen, and that went to the second
 *     back_s           from the end of the outage until the first place gets 95 % of the attempts of a
 *                      second, and does so for 10 s; -1: not within the run
 *     back_bound_s     breaker_open, and two probes of one client
 * then "second WANTED FIRST SECOND GOOD" for each second: requests wanted, attempts at each place,
 * and requests wanted in that second that ended well. */
#include "model.h"

#include "engine/call/call.h"

#include <errno.h>
#include <math.h>

#define CLIENTS      200
#define WORKERS      4
#define PAGES        40
#define POST_ONE_OF  10
#define STEADY_S     30
#define OUTAGE_MIN_S 45
#define OUTAGE_MAX_S 75
#define AFTER_S      105
#define TOTAL_S      (STEADY_S + OUTAGE_MAX_S + AFTER_S)
#define OUTAGE_AT    (STEADY_S * NS_PER_S)
#define END          (TOTAL_S * NS_PER_S)
#define REQUESTS_MAX (CLIENTS * TOTAL_S * 2)

#define ATTEMPT_TIMEOUT_NS NS_PER_S
#define WANT_MAX_NS        (3 * NS_PER_S / 2) /* between two requests of a client */
#define PATH_NS            (20 * NS_PER_MS)
#define WORK_NS            (40 * NS_PER_MS)
#define REFUSAL_NS         (1 * NS_PER_MS)
#define ERROR_NS           (20 * NS_PER_MS)
#define CAPACITY           400.0
#define CAPACITY_COLD      250.0
#define WARMING_NS         (30 * NS_PER_S)
#define BACK_PERCENT       95
#define BACK_FOR_S         10

enum contestant { OFF, ON, ON_APART };
static const char *const contestants[] = {"off", "on", "on-apart"};
enum outage { ERRORS, REFUSED, SILENT };
static const char *const outages[] = {"errors", "refused", "silent"};

struct client {
    uint64_t random; /* only for its requests */
    int busy;
    struct binding pages[PAGES];
};

struct request {
    int client;
    bool post, seen;            /* seen: the first place may have it, and has not answered well */
    int64_t wanted_ns, took_ns; /* took: 0: it has not succeeded */
    bool asking;                /* between two attempts: the next step is admit, not report */
    struct attempt attempt;
    struct call call;
};

static enum contestant contestant;
static enum outage outage;
static uint64_t engine_random;
static int64_t now;      /* 0: start of the model */
static int outage_end_s; /* the same in seconds */
static struct client clients[CLIENTS];
static struct request *requests;
static int request_count, post_second;
static struct second {
    int wanted, at[2], good;
} seconds[TOTAL_S];

static int64_t outage_end_ns(void)
{
    return outage_end_s * NS_PER_S;
}

/* ---- servers --------------------------------------------------------------------------------- */

static struct attempt answer(int curl_code, int http_status, int64_t duration_ns)
{
    return (struct attempt){.protocol = PROTOCOL_HTTP,
                            .curl_code = curl_code,
                            .http_status = http_status,
                            .replayable = true,
                            .committed = http_status == 200,
                            .nothing_sent = curl_code == 7,
                            .shortened = curl_code == 28,
                            .os_errno = curl_code == 7 ? ECONNREFUSED : 0,
                            .duration_ns = duration_ns};
}

static struct attempt answer_down(void)
{
    switch (outage) {
    case REFUSED:
        return answer(7, 0, REFUSAL_NS);
    case SILENT:
        return answer(28, 0, ATTEMPT_TIMEOUT_NS);
    case ERRORS:
    default:
        return answer(0, 503, ERROR_NS);
    }
}

static double capacity(bool second)
{
    if (second || now < outage_end_ns())
        return CAPACITY;
    double warm = (double)(now - outage_end_ns()) / WARMING_NS;
    return CAPACITY_COLD + (CAPACITY - CAPACITY_COLD) * (warm < 1 ? warm : 1);
}

static struct attempt serve(bool second)
{
    static int64_t idle_at_ns[2];
    static uint64_t work_random = 1;
    seconds[now / NS_PER_S].at[second]++;
    if (!second && now >= OUTAGE_AT && now < outage_end_ns())
        return answer_down();
    int64_t *idle_at = &idle_at_ns[second];
    if (*idle_at < now)
        *idle_at = now;
    *idle_at += (int64_t)(NS_PER_S / capacity(second));
    int64_t took_ns = *idle_at - now + PATH_NS + uniform(&work_random, WORK_NS);
    return took_ns > ATTEMPT_TIMEOUT_NS ? answer(28, 0, ATTEMPT_TIMEOUT_NS)
                                        : answer(0, 200, took_ns);
}

/* ---- clients --------------------------------------------------------------------------------- */

static void end(struct request *r, bool good)
{
    clients[r->client].busy--;
    call_end(&r->call, MONOTONIC_0 + now, WALL_0 + now);
    if (!good)
        return;
    seconds[r->wanted_ns / NS_PER_S].good++;
    r->took_ns = now - r->wanted_ns;
}

static void attempt(struct request *r)
{
    bool second = call_place(&r->call) > 0;
    post_second += r->post && r->seen && second;
    r->attempt = serve(second);
    strcpy(r->attempt.method, r->post ? "POST" : "GET");
    r->seen |= !second && r->attempt.http_status != 200 && !r->attempt.nothing_sent;
    r->asking = false;
    event_plan(now + r->attempt.duration_ns, r->client, r);
}

static void ask(struct request *r)
{
    r->asking = true;
    struct admission ad = call_admit(&r->call, MONOTONIC_0 + now);
    if (ad.answer == ANSWER_GO)
        attempt(r);
    else if (ad.answer == ANSWER_WAIT)
        event_plan(ad.at_ns - MONOTONIC_0, r->client, r);
    else
        end(r, false);
}

static void report(struct request *r)
{
    int64_t at_ns = 0;
    if (call_report(&r->call, &r->attempt, MONOTONIC_0 + now, WALL_0 + now, draw(&engine_random),
                    &at_ns)) {
        r->asking = true;
        event_plan(at_ns - MONOTONIC_0, r->client, r);
    } else {
        end(r, r->attempt.http_status == 200);
    }
}

static void want(int client)
{
    struct client *c = &clients[client];
    event_plan(now + NS_PER_S / 2 + uniform(&c->random, WANT_MAX_NS - NS_PER_S / 2), client, NULL);
    int page = (int)uniform(&c->random, 2 * PAGES);
    bool post = uniform(&c->random, POST_ONE_OF) == 0;
    seconds[now / NS_PER_S].wanted++;
    struct request *r = &requests[request_count++];
    *r = (struct request){.client = client, .wanted_ns = now, .post = post};
    if (c->busy == WORKERS)
        return;
    c->busy++;
    call_begin(&r->call, &c->pages[page < PAGES ? page : 0], 0, MONOTONIC_0 + now);
    ask(r);
}

static void run(void)
{
    for (int i = 0; i < CLIENTS; i++)
        event_plan(uniform(&clients[i].random, NS_PER_S), i, NULL);
    while (event_count && event_heap[0].at_ns < END) {
        struct planned_event e = event_next();
        now = e.at_ns;
        struct request *r = e.request;
        if (!r)
            want(e.source);
        else if (r->asking)
            ask(r);
        else
            report(r);
    }
}

/* ---- results --------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct times {
    double good, p99_ms;
};

/* Of the GETs that were wanted in this time. */
static struct times times_between(int64_t from_ns, int64_t to_ns)
{
    static double took_ms[REQUESTS_MAX];
    int n = 0, good = 0;
    for (int i = 0; i < request_count; i++) {
        const struct request *r = &requests[i];
        if (r->post || r->wanted_ns < from_ns || r->wanted_ns >= to_ns)
            continue;
        good += r->took_ns > 0;
        took_ms[n++] = r->took_ns ? (double)r->took_ns / NS_PER_MS : INFINITY;
    }
    qsort(took_ms, (size_t)n, sizeof *took_ms, by_time);
    return (struct times){(double)good / n, took_ms[n - 1 - n / 100]};
}

static double load_during_outage(void)
{
    int wanted = 0, attempts = 0;
    for (int i = STEADY_S; i < outage_end_s; i++) {
        wanted += seconds[i].wanted;
        attempts += seconds[i].at[0] + seconds[i].at[1];
    }
    return (double)attempts / wanted;
}

static int back_s(void)
{
    for (int i = outage_end_s, back = 0; i < TOTAL_S; i++) {
        const int *at = seconds[i].at;
        back = at[0] * 100 >= (at[0] + at[1]) * BACK_PERCENT ? back + 1 : 0;
        if (back == BACK_FOR_S)
            return i + 1 - BACK_FOR_S - outage_end_s;
    }
    return -1;
}

static void print(void)
{
    struct times healthy = times_between(0, OUTAGE_AT),
                 down = times_between(OUTAGE_AT, outage_end_ns());
    double timeout_ms = (double)ATTEMPT_TIMEOUT_NS / NS_PER_MS;
    int64_t open_ns = clients[0].pages[0].policy->breaker_open_ns;
    printf("outage_from_s %d\noutage_to_s %d\n", STEADY_S, outage_end_s);
    printf("good %.5f\np99_ms %.1f\n", down.good, down.p99_ms);
    printf("p99_bound_ms %.1f\n", timeout_ms + 1.1 * healthy.p99_ms);
    printf("load %.3f\n", load_during_outage());
    printf("post_second %d\n", post_second);
    printf("back_s %d\n", back_s());
    printf("back_bound_s %d\n", (int)((open_ns + 2 * WANT_MAX_NS) / NS_PER_S));
    for (int i = 0; i < TOTAL_S; i++)
        printf("second %d %d %d %d\n", seconds[i].wanted, seconds[i].at[0], seconds[i].at[1],
               seconds[i].good);
}

static bool bind_pages(struct client *c, const struct config *config, struct board *board)
{
    char path[16];
    struct target t = {.scheme = "http",
                       .host = "api.example.com",
                       .port = 80,
                       .default_port = true,
                       .path = path};
    struct header_source parts = {0};
    for (int i = 0; i < PAGES; i++) {
        snprintf(path, sizeof path, "/%d", i);
        if (!call_bind(&c->pages[i], config, board, &t, &parts, MONOTONIC_0))
            return false;
    }
    return true;
}

static bool bind_all(uint64_t seed)
{
    static const char without[] = "[host api.example.com]\nattempt_timeout = 1s\n",
                      with[] = "[host api.example.com]\nattempt_timeout = 1s\n"
                               "fallback = backup.example.net\n";
    const char *text = contestant == OFF ? without : with;
    const struct config *config =
        config_load_text("model", text, strlen(text), model_complain, NULL);
    struct board *board = NULL;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].random = seed * CLIENTS + (uint64_t)i;
        if (!board || contestant == ON_APART)
            board = board_open(NULL, 8, NULL);
        if (!config || !board || !bind_pages(&clients[i], config, board))
            return false;
    }
    engine_random = ~seed;
    outage_end_s =
        STEADY_S + OUTAGE_MIN_S + (int)uniform(&(uint64_t){seed}, OUTAGE_MAX_S - OUTAGE_MIN_S + 1);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    contestant = (enum contestant)model_index(argv[1], contestants, ON_APART + 1);
    outage = (enum outage)model_index(argv[2], outages, SILENT + 1);
    if (contestant > ON_APART || outage > SILENT)
        return 2;
    requests = calloc(REQUESTS_MAX, sizeof *requests);
    if (!requests || !bind_all(strtoull(argv[3], NULL, 10))) {
        fprintf(stderr, "no memory\n");
        return 1;
    }
    run();
    print();
    return 0;
}
