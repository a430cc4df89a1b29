/* SPDX-License-Identifier: MIT
 *
 * Fills a board with a history, for tests of programs that display it:
 *
 *     fill_board DIRECTORY KIND [NAME...]
 *
 *     lively     twelve hosts over two days (or since boot): one down, a pause, a reset
 *     names      hosts of the given names, each with a request, a change and an attempt
 *     held       hosts of the given names, each paused in whole and in part, and observed
 *     objectives hosts of the given names with slo = 99%: 100 requests in each of 24 hours, one of them
 *                bad, 20 in one hour; and now 40 bad ones, which burn
 *     damaged    a.example, unhealthy since a time in the future
 *     samples    two samples ten seconds apart: 30 requests, 20 retries and 10 s of waiting between
 *
 * Except for the clock, each run writes the same data. */
#include "base/clock.h"
#include "base/compiler.h"
#include "engine/board/board.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/status.h"
#include "engine/publish/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_NS HISTORY_STEP_NS

static struct board *board;
static uint64_t seed = 42;

static double dice(void)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static struct slot *host(const char *name, int64_t now_ns)
{
    uint64_t key = 1469598103934665603ULL;
    for (const char *c = name; *c; c++)
        key = (key ^ (unsigned char)*c) * 1099511628211ULL;
    return board_slot(board, board_key(key), name, SLOT_HOST, now_ns);
}

static void change(struct slot *s, enum history_kind kind, int state, int64_t at_ns)
{
    history_change(board->history, atomic_load(&s->key), kind, state, at_ns);
}

static int64_t wall_ms(int64_t at_ns)
{
    return (clock_wall_ns() - clock_now_ns() + at_ns) / NS_PER_MS;
}

static void duration(struct slot *s, double typical_ms)
{
    double spread = 1;
    for (int i = 0; i < 3; i++)
        spread *= .55 + dice() * 1.1;
    if (dice() < .04)
        spread *= 6;
    int64_t ns = (int64_t)(typical_ms * spread * (double)NS_PER_MS);
    slot_attempt(s, ns);
    if (ns > atomic_load(&s->max_ns))
        atomic_store(&s->max_ns, ns);
}

static void request(struct slot *s, double typical_ms, bool fails)
{
    slot_count(s, COUNT_REQUESTS, 1);
    duration(s, typical_ms);
    if (!fails) {
        slot_count(s, COUNT_SUCCESSES, 1);
        return;
    }
    for (int i = 0; i < 2; i++) {
        slot_count(s, COUNT_RETRIES, 1);
        duration(s, typical_ms);
    }
    bool recovered = dice() < .8;
    slot_count(s, recovered ? COUNT_SUCCESSES : COUNT_FAILURES, 1);
    slot_count(s, recovered ? COUNT_RECOVERED : COUNT_EXHAUSTED, 1);
}

/* ---- lively ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    double per_s, typical_ms, failing;
} hosts[] = {
    {"api.example.com", 1.6, 48, .03},
    {"cdn.example.net", 1.1, 6, .002},
    {"search.example.com:8443", .7, 130, .02},
    {"auth.example.com", .5, 22, .001},
    {"payments.example.org", .3, 310, .01},
    {"maps.example.net", .25, 75, .01},
    {"mail.example.com:587", .15, 420, .02},
    {"hooks.example.io", .12, 90, .04},
    {"10.20.30.40:5432", .4, 1.4, .001},
    {"weather.example.org", .06, 520, .05},
    {"[2001:db8::17]:9200", .2, 11, .002},
    {"a-rather-long-name-of-a-host.eu-central-1.compute.cloud.example.com", .1, 60, .01},
};

/* Down from -16 min to -12 min, and again since -4 min. */
static void trouble(struct slot *s, int64_t t, int64_t now_ns)
{
    static const struct {
        int before_s;
        enum history_kind kind;
        int state;
    } story[] = {
        {960, CHANGE_STATUS, STATUS_UNHEALTHY},   {950, CHANGE_BREAKER, BREAKER_OPEN},
        {920, CHANGE_BREAKER, BREAKER_HALF_OPEN}, {910, CHANGE_BREAKER, BREAKER_OPEN},
        {850, CHANGE_BREAKER, BREAKER_HALF_OPEN}, {740, CHANGE_BREAKER, BREAKER_CLOSED},
        {790, CHANGE_STATUS, STATUS_DEGRADED},    {740, CHANGE_STATUS, STATUS_HEALTHY},
        {240, CHANGE_STATUS, STATUS_UNHEALTHY},   {230, CHANGE_BREAKER, BREAKER_OPEN},
    };
    const struct policy p = {.breaker_failures = 1,
                             .breaker_open_ns = 3600 * NS_PER_S,
                             .breaker_max_open_ns = 3600 * NS_PER_S,
                             .breaker_successes = 1};
    enum health_status status;
    for (size_t i = 0; i < array_size(story); i++) {
        int64_t at = now_ns - story[i].before_s * NS_PER_S;
        if (at < t || at >= t + STEP_NS)
            continue;
        change(s, story[i].kind, story[i].state, at);
        if (story[i].kind == CHANGE_STATUS)
            status_result(s, story[i].state != STATUS_UNHEALTHY, 1,
                          story[i].state == STATUS_DEGRADED ? 9 : 1, wall_ms(at), &status);
        else if (story[i].state == BREAKER_OPEN)
            breaker_report(&s->breaker, &p, &(struct breaker_result){.results = 1}, at, 0);
        else
            atomic_store(&s->breaker.state, 0);
    }
}

static void limit(struct slot *s, uint32_t tokens, uint32_t burst, int64_t now_ns)
{
    int word = slot_claim_window(s, 60 * NS_PER_S);
    atomic_store(&s->shown_rate, (uint64_t)tokens << 32 | burst);
    atomic_store(&s->shown_window_ms, 60000);
    atomic_store(&s->tat_ns[word], now_ns + 20 * NS_PER_S);
}

static void step(int64_t t, int64_t now_ns)
{
    double before_s = (double)(now_ns - t) / 1e9,
           wave = 1 + .35 * ((double)(t / STEP_NS % 60) / 60);
    for (size_t i = 0; i < array_size(hosts); i++) {
        struct slot *s = host(hosts[i].name, t);
        bool down = !i && ((before_s < 960 && before_s > 740) || before_s < 240);
        double n = hosts[i].per_s * 10 * wave * (.6 + .8 * dice());
        for (int k = 0; k < (int)(n + dice()); k++)
            request(s, hosts[i].typical_ms, down ? dice() < .7 : dice() < hosts[i].failing);
        if (!i)
            trouble(s, t, now_ns);
        if (down)
            slot_count(s, COUNT_BREAKER_REJECTED, (uint64_t)(n / 3));
        if (i == 2 && before_s < 2400 && before_s > 1500) {
            slot_count(s, COUNT_WAITED, 3);
            slot_count(s, COUNT_WAITED_NS, (uint64_t)(dice() * 14 * 1e9));
            slot_count(s, COUNT_RATE_REJECTED, dice() < .2);
        }
        if (i == 9 && before_s < 3000 && before_s > 2990)
            slot_reset(s);
    }
}

static void lively(int64_t now_ns)
{
    int64_t past_ns = 2 * 86400 * NS_PER_S;
    if (past_ns > now_ns - 60 * NS_PER_S)
        past_ns = now_ns - 60 * NS_PER_S;
    for (int64_t t = now_ns - past_ns; t < now_ns; t += STEP_NS) {
        int64_t before_s = (now_ns - t) / NS_PER_S;
        if ((before_s < 1200 && before_s > 1000) || (before_s < 9000 && before_s > 6500))
            continue; /* nothing ran at that time */
        step(t, now_ns);
        sample_take(board->history, board, t);
    }
    limit(host("search.example.com:8443", now_ns), 60, 60, now_ns);
    limit(host("api.example.com", now_ns), 600, 100, now_ns);
}

/* ---- names, damaged, samples ----------------------------------------------------------------- */

static void names(int64_t now_ns, char **name)
{
    enum health_status status;
    for (; *name; name++) {
        struct slot *s = host(*name, now_ns);
        request(s, 20, true);
        status_result(s, false, 1, 1, wall_ms(now_ns - 60 * NS_PER_S), &status);
        change(s, CHANGE_STATUS, STATUS_UNHEALTHY, now_ns - 60 * NS_PER_S);
    }
}

static void held(int64_t now_ns, char **name)
{
    const char line[] = "X-RateLimit-Reset-After: 600";
    for (; *name; name++) {
        struct slot *s = host(*name, now_ns),
                    *o = board_slot(board, board_observed_key(atomic_load(&s->key)), *name,
                                    SLOT_OBSERVED, now_ns);
        request(s, 20, false);
        pause_raise(s, 600 * NS_PER_S, true, 429, line, now_ns);
        pause_raise_part(s, 900 * NS_PER_S, 429, line, now_ns);
        slot_count(o, COUNT_WAITED, 297);
        slot_count(o, COUNT_WAITED_NS, (uint64_t)(58 * NS_PER_S));
    }
}

static void objectives(int64_t now_ns, char **name)
{
    for (; *name; name++) {
        struct slot *s = host(*name, now_ns);
        struct slo *slo = slo_slot_claim(board, atomic_load(&s->key), *name, now_ns);
        request(s, 20, false);
        atomic_store(&s->shown_slo_ppm, 990000);
        for (int hour = 24; hour > 0; hour--) /* as far as the machine ran then */
            for (int i = 0, bad = hour == 9 ? 20 : 1; i < 100 && now_ns > hour * SLO_HOUR_NS; i++)
                slo_count(slo, i < bad, now_ns - hour * SLO_HOUR_NS);
        for (int i = 0; i < 40; i++)
            slo_count(slo, true, now_ns);
        slo_slot_notice(board, s, *name, 0, now_ns, clock_wall_ns());
    }
}

static void damaged(int64_t now_ns)
{
    enum health_status status;
    struct slot *s = host("a.example", now_ns);
    status_result(s, false, 1, 1, wall_ms(now_ns), &status);
    atomic_store(&s->status_since_ms, INT64_MAX / 2);
}

static void samples(int64_t now_ns)
{
    struct slot *s = host("a.example", now_ns);
    sample_take(board->history, board, now_ns - STEP_NS);
    slot_count(s, COUNT_REQUESTS, 30);
    slot_count(s, COUNT_RETRIES, 20);
    slot_count(s, COUNT_WAITED_NS, (uint64_t)(10 * NS_PER_S));
    sample_take(board->history, board, now_ns);
}

int main(int argc, char **argv)
{
    int64_t now_ns = clock_now_ns();
    board = argc > 2 ? board_open(argv[1], 64, NULL) : NULL;
    if (!board || !board->shared) {
        fprintf(
            stderr,
            "usage: fill_board DIRECTORY lively|names|held|objectives|damaged|samples [NAME...]\n");
        return 1;
    }
    if (!strcmp(argv[2], "lively"))
        lively(now_ns);
    else if (!strcmp(argv[2], "names"))
        names(now_ns, argv + 3);
    else if (!strcmp(argv[2], "held"))
        held(now_ns, argv + 3);
    else if (!strcmp(argv[2], "objectives"))
        objectives(now_ns, argv + 3);
    else if (!strcmp(argv[2], "damaged"))
        damaged(now_ns);
    else
        samples(now_ns);
    atomic_store(&board->header->alive_ns, now_ns);
    atomic_store(&board->header->alive_interval_ns, 10 * NS_PER_S);
    return 0;
}
