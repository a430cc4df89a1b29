/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/replace.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/status.h"
#include "engine/publish/snapshot.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW  (1000 * NS_PER_S)
#define WALL (1769335200123 * NS_PER_MS)

static struct board *board;
static struct snapshot_context context;
static char *json;
static size_t size;

static void make(void)
{
    const char *why;
    board = board_open(NULL, 64, &why);
    context = (struct snapshot_context){.board = board,
                                        .service = "legacy-client",
                                        .pid = 4711,
                                        .seq = 12,
                                        .now_ns = NOW,
                                        .wall_ns = WALL,
                                        .interval_ns = 10 * NS_PER_S};
}

TestSuite(snapshot, .init = make);

static struct slot *host(const char *name, uint64_t key)
{
    return board_slot(board, key, name, SLOT_HOST, NOW);
}

static const char *render(void)
{
    size = snapshot_size(board);
    json = realloc(json, size);
    struct text t = {.p = json, .cap = size};
    snapshot_render(&t, &context);
    cr_assert(!t.full);
    return json;
}

#define has(part) cr_assert_not_null(strstr(json, part), "no %s in %s", part, json)

/* A request through a proxy is one request. */
Test(snapshot, shows_a_proxy_but_does_not_add_its_counts)
{
    slot_count(host("h", 5), COUNT_REQUESTS, 1);
    slot_count(board_slot(board, 6, "http://proxy:3128", SLOT_PROXY, NOW), COUNT_REQUESTS, 1);
    render();
    has("\"http://proxy:3128\":{\"kind\":\"passive\"");
    has("\"totals\":{\"requests\":1,\"attempts\":0,\"retries\":0,\"recovered\":0,\"rejected\":0,"
        "\"hosts\":1}");
}

static void fail(struct slot *s, int times)
{
    enum health_status status;
    while (times--)
        status_result(s, false, 3, 1, 1769335100000, &status);
}

/* Parses the document d with Python and evaluates an expression. */
static bool python(const char *expression)
{
    char path[] = "/tmp/harden-test-XXXXXX", program[1024];
    int fd = mkstemp(path), status;
    cr_assert_eq(write(fd, json, strlen(json)), (ssize_t)strlen(json));
    close(fd);
    snprintf(program, sizeof program,
             "import json,sys\nd=json.load(open('%s'))\nsys.exit(0 if (%s) else 1)", path,
             expression);
    pid_t child = fork();
    if (!child) {
        execlp("python3", "python3", "-c", program, NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    unlink(path);
    return status == 0;
}

Test(snapshot, of_an_empty_board_is_healthy)
{
    render();
    has("\"schema\":\"harden.health/"
        "1\",\"service\":\"legacy-client\",\"mode\":\"enforce\",\"pid\":4711,\"seq\":12,");
    has("\"time\":\"2026-01-25T10:00:00.123Z\",\"expires\":\"2026-01-25T10:00:30.123Z\"");
    has("\"overall_status\":\"healthy\",\"healthy\":true,\"failed\":[],\"checks\":{}");
    cr_assert(python("d['totals'] == {'requests': 0, 'attempts': 0, 'retries': 0, 'recovered': 0,"
                     " 'rejected': 0, 'hosts': 0}"));
}

Test(snapshot, shows_unknown_values_as_null)
{
    host("new.example.com", 5);
    render();
    has("\"since\":null");
    has("\"last_success\":null");
    has("\"last_failure\":null");
    has("\"last_error\":null");
    has("\"duration_ms\":{\"count\":0,\"mean\":null,\"p50\":null,\"p95\":null,\"p99\":null,"
        "\"max\":null}");
    has("\"rate\":{\"limit\":null,\"window_s\":null,\"available\":null,\"waited\":0,"
        "\"waited_s\":0,\"rejected\":0}");
    cr_assert(python("True"));
}

Test(snapshot, shows_the_places_of_a_name_beside_it_and_not_in_the_totals)
{
    struct slot *s = host("api.example.com", 5),
                *own = board_slot(board, 6, "api.example.com via itself", SLOT_PLACE, NOW);
    slot_count(s, COUNT_REQUESTS, 7);
    slot_count(own, COUNT_REQUESTS, 5);
    fail(own, 4);
    render();
    has("\"api.example.com via itself\":{\"kind\":\"passive\",\"status\":\"unhealthy\"");
    has("\"overall_status\":\"degraded\"");
    has("\"totals\":{\"requests\":7,\"attempts\":0,\"retries\":0,\"recovered\":0,\"rejected\":0,"
        "\"hosts\":1}");
}

Test(snapshot, shows_the_contents_of_the_board)
{
    struct slot *s = host("api.example.com", 5);
    slot_count(s, COUNT_REQUESTS, 120);
    slot_count(s, COUNT_SUCCESSES, 117);
    slot_count(s, COUNT_FAILURES, 3);
    slot_count(s, COUNT_RETRIES, 11);
    slot_count(s, COUNT_RECOVERED, 9);
    slot_count(s, COUNT_EXHAUSTED, 2);
    slot_count(s, COUNT_FALLBACK_USED, 8);
    slot_count(s, COUNT_WAITED, 7);
    slot_count(s, COUNT_WAITED_NS, 3400 * NS_PER_MS);
    slot_count(s, COUNT_RATE_REJECTED, 4);
    slot_count(s, COUNT_BREAKER_REJECTED, 5);
    slot_count(s, COUNT_BREAKER_OPENED, 1);
    slot_count(s, COUNT_SLOW, 9);
    for (int i = 0; i < 131; i++)
        slot_attempt(s, 81250 * NS_PER_US);
    s->max_ns = 82 * NS_PER_MS;
    s->failures_by[GROUP_TIMEOUT] = 2;
    s->failures_by[GROUP_CONNECT] = 1;
    s->last_error = last_error_pack((struct last_error){
        .class = CLASS_B, .reason = REASON_TIMEOUT, .curl = 28, .http = 502, .os_errno = 110});
    s->last_success_ms = 1769335200000;
    s->shown_rate = 60ULL << 32 | 60;
    s->shown_window_ms = 60000;
    s->window_ms[0] = 60000;
    s->tat_ns[0] = NOW + 18750 * NS_PER_MS; /* 18.75 of 60 tokens are taken */
    fail(s, 4);
    render();
    has("\"checks\":{\"api.example.com\":{\"kind\":\"passive\",\"status\":\"unhealthy\","
        "\"since\":\"2026-01-25T09:58:20.000Z\",\"consecutive_failures\":4,"
        "\"last_success\":\"2026-01-25T10:00:00.000Z\",\"last_failure\":null,"
        "\"last_error\":{\"class\":\"transient\",\"reason\":\"timeout\",\"curl\":28,"
        "\"http\":502,\"errno\":110},"
        "\"paused_until\":null,\"paused_by\":null,"
        "\"part_paused_until\":null,\"part_paused_by\":null,"
        "\"requests\":120,\"attempts\":131,\"successes\":117,\"failures\":3,\"retries\":11,"
        "\"recovered\":9,\"exhausted\":2,\"fallback_used\":8,\"failures_by\":{\"dns\":0,"
        "\"connect\":1,\"tls\":0,"
        "\"timeout\":2,\"reset\":0,\"http_5xx\":0,\"throttled\":0,\"other\":0},"
        "\"duration_ms\":{\"count\":131,\"mean\":81.25,");
    has("\"max\":82},\"rate\":{\"limit\":60,\"window_s\":60,\"available\":41.2,\"waited\":7,"
        "\"waited_s\":3.4,\"rejected\":4},"
        "\"concurrency\":{\"limit\":null,\"in_flight\":null,\"waiting\":null,\"waited\":0,"
        "\"waited_s\":0,\"rejected\":0},\"budget\":{\"available\":100,\"capacity\":100,"
        "\"denied\":0},\"breaker\":{\"state\":\"closed\",\"opened\":1,\"rejected\":5,\"slow\":9},"
        "\"adaptive\":null,\"slo\":null,\"observed\":null}}");
    cr_assert(python("75 <= d['checks']['api.example.com']['duration_ms']['p50'] <= 82"));
    cr_assert(python("d['totals'] == {'requests': 120, 'attempts': 131, 'retries': 11,"
                     " 'recovered': 9, 'rejected': 9, 'hosts': 1}"));
}

Test(snapshot, shows_apart_what_observing_programs_would_have_done)
{
    host("api.example.com", 5);
    struct slot *o =
        board_slot(board, board_observed_key(5), "api.example.com", SLOT_OBSERVED, NOW);
    slot_count(o, COUNT_REQUESTS, 300);
    slot_count(o, COUNT_WAITED, 297);
    slot_count(o, COUNT_WAITED_NS, 58500 * NS_PER_MS);
    slot_count(o, COUNT_RATE_REJECTED, 2);
    slot_count(o, COUNT_BREAKER_REJECTED, 3);
    slot_count(o, COUNT_RETRIES, 4);
    slot_count(o, COUNT_FALLBACK_USED, 2);
    context.mode = MODE_OBSERVE;
    render();
    has("\"mode\":\"observe\"");
    has("\"observed\":{\"would_wait\":297,\"would_wait_s\":58.5,\"would_reject\":5,"
        "\"would_retry\":4,\"would_fall_back\":2,\"would_adapt_to\":null}");
    has("\"waited\":0,\"waited_s\":0,\"rejected\":0");
    has("\"totals\":{\"requests\":0,\"attempts\":0,\"retries\":0,\"recovered\":0,\"rejected\":0,"
        "\"hosts\":1}");
    slot_count(o, COUNT_WAITED_NS, UINT64_MAX / 2); /* a damaged board */
    render();
    cr_assert(python("d['checks']['api.example.com']['observed']['would_wait_s'] > 9e9"));
}

Test(snapshot, is_degraded_when_some_fail_and_unhealthy_when_all_do)
{
    struct slot *a = host("a.example.com", 5), *b = host("b.example.com", 6);
    fail(a, 3);
    render();
    has("\"overall_status\":\"degraded\",\"healthy\":false,\"failed\":[\"a.example.com\"]");
    fail(b, 3);
    render();
    has("\"overall_status\":\"unhealthy\",\"healthy\":false");
    cr_assert(python("sorted(d['failed']) == ['a.example.com', 'b.example.com']"));
}

Test(snapshot, shows_a_recovering_host_as_degraded_not_failed)
{
    enum health_status status;
    struct slot *a = host("a.example.com", 5);
    fail(a, 3);
    status_result(a, true, 3, 2, 1, &status);
    render();
    has("\"overall_status\":\"degraded\",\"healthy\":false,\"failed\":[],");
}

Test(snapshot, takes_tokens_from_the_bucket_that_the_host_shares)
{
    struct slot *s = host("a.example.com", 5);
    struct slot *bucket = board_slot(board, 9, "rule", SLOT_BUCKET, NOW);
    s->shown_rate = 2ULL << 32 | 4;
    s->shown_window_ms = 500;
    s->bucket_index = board_index(board, bucket) + 1;
    bucket->window_ms[0] = 1000; /* of another configuration */
    bucket->window_ms[1] = 500;
    bucket->tat_ns[1] = NOW + 250 * NS_PER_MS;
    render();
    has("\"limit\":2,\"window_s\":0.5,\"available\":3,");
    cr_assert_null(strstr(json, "\"rule\""), "a bucket is not a host");
}

static void open_circuit(struct slot *s, int64_t now)
{
    static const struct policy p = {.breaker_failures = 1,
                                    .breaker_open_ns = 30 * NS_PER_S,
                                    .breaker_max_open_ns = 30 * NS_PER_S};
    cr_assert(breaker_report(&s->breaker, &p, &(struct breaker_result){0}, now, 0));
}

Test(snapshot, a_host_whose_circuit_is_not_closed_is_degraded_at_least)
{
    struct slot *s = host("a.example.com", 5);
    s->results_in_row = STATUS_SEEN;
    host("b.example.com", 6)->results_in_row = STATUS_SEEN;
    for (int half = 0; half < 2; half++) {
        s->breaker.state = 0;
        open_circuit(s, half ? NOW - 30 * NS_PER_S : NOW);
        render();
        cr_assert(python("d['checks']['a.example.com']['status'] == 'degraded'"));
        cr_assert(python("d['overall_status'] == 'degraded' and d['healthy'] is False"));
        cr_assert(
            python("d['failed'] == [] and d['checks']['b.example.com']['status'] == 'healthy'"));
        has(half ? "\"state\":\"half-open\"" : "\"state\":\"open\"");
    }
    enum health_status status;
    for (int i = 0; i < 3; i++)
        status_result(s, false, 3, 1, 1, &status);
    render();
    cr_assert(python("d['checks']['a.example.com']['status'] == 'unhealthy'"));
}

Test(snapshot, a_paused_host_is_degraded_until_the_end_that_is_shown)
{
    struct slot *s = host("a.example.com", 5);
    s->results_in_row = STATUS_SEEN;
    s->status_since_ms = WALL / NS_PER_MS - 1000;
    pause_raise(s, 600 * NS_PER_S, true, 429, "Retry-After: \"600\"", NOW - NS_PER_S);
    render();
    has("\"overall_status\":\"degraded\",\"healthy\":false,\"failed\":[],");
    has("\"status\":\"degraded\",\"since\":\"2026-01-25T09:59:59.123Z\"");
    has("\"paused_until\":\"2026-01-25T10:09:59.123Z\","
        "\"paused_by\":\"Retry-After: \\\"600\\\"\","
        "\"part_paused_until\":null,\"part_paused_by\":null");
    context.now_ns += 599 * NS_PER_S;
    context.wall_ns += 599 * NS_PER_S;
    render();
    has("\"status\":\"healthy\",\"since\":\"2026-01-25T10:09:59.123Z\"");
    has("\"paused_until\":null,\"paused_by\":null");
}

Test(snapshot, a_pause_of_a_part_is_shown_but_does_not_degrade_the_host)
{
    struct slot *s = host("a.example.com", 5);
    pause_raise_part(s, 3 * NS_PER_S, 429, "Retry-After: 3", NOW);
    render();
    has("\"overall_status\":\"healthy\"");
    has("\"paused_until\":null,\"paused_by\":null,"
        "\"part_paused_until\":\"2026-01-25T10:00:03.123Z\","
        "\"part_paused_by\":\"Retry-After: 3\"");
}

Test(snapshot, ignores_impossible_values)
{
    struct slot *s = host("a.example.com", 5);
    s->results_in_row = UINT64_MAX;
    s->last_error = UINT64_MAX;
    s->status_since_ms = INT64_MIN;
    s->last_success_ms = INT64_MAX;
    s->last_failure_ms = INT64_MAX / NS_PER_MS;
    s->max_ns = INT64_MIN;
    s->shown_rate = UINT64_MAX;
    s->shown_window_ms = 1;
    s->bucket_index = UINT32_MAX;
    s->tat_ns[0] = INT64_MAX;
    s->budget.word = UINT64_MAX;
    s->breaker.state = UINT64_MAX;
    s->pause_until_ns = INT64_MAX;
    s->part_until_ns = NOW + NS_PER_S;
    memset((void *)&s->part_pause, 0xff, sizeof s->part_pause);
    memset((void *)s->limit_count, 0xff, sizeof s->limit_count);
    memset((void *)s->stripe, 0xff, sizeof s->stripe);
    memset((void *)s->latency_high, 0xff, sizeof s->latency_high);
    memset(s->name, '"', SLOT_NAME_SIZE);
    render();
    cr_assert(python("True"));
}

static void two_libcurls(struct text *t)
{
    text_put(t, "{\"path\":\"/a\"},{\"path\":\"/b\"}");
}

Test(snapshot, gives_two_hosts_with_the_same_name_different_keys)
{
    char a[SLOT_NAME_SIZE + 20], b[SLOT_NAME_SIZE + 20];
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    memcpy(a + sizeof a - 3, ".x", 3);
    memcpy(b + sizeof b - 3, ".y", 3);
    const char *names[] = {"m\xc3\xbcnchen.de",
                           "m\xc3\xa4nchen.de",
                           "_other",
                           "m%C3%BCnchen.de",
                           "q\"\\",
                           "m%C3%BCnchen.de~000001",
                           a,
                           b};
    for (uint64_t i = 0; i < 8; i++)
        host(names[i], (1 + i * 0x10001) | i << 60);
    fail(board_overflow(board), 1);
    board_overflow(board)->key = 1ULL << 63;
    memcpy(board_overflow(board)->name, "_other", 7);
    board_overflow(board)->kind = SLOT_HOST;
    board_overflow(board)->published = 1;
    render();
    has("\"m%C3%BCnchen.de~000001\":");
    has("\"m%C3%A4nchen.de~010002\":");
    has("\"_other\":");
    has("\"_other~020003\":");
    has("\"m%C3%BCnchen.de\":");
    has("\"q%22%5C~040005\":");
    has("\"m%C3%BCnchen.de~000001~050006\":");
    has("aaa~060007\":");
    has("aaa~070008\":");
    cr_assert(python("len(d['checks']) == 9"));
}

/* Throttled when it accepts ten requests a second. */
static void throttle(struct slot *s)
{
    struct adaptive_view v;
    for (int i = 0; i < 50; i++)
        adaptive_accepted(&s->adaptive, NOW - (50 - i) * (NS_PER_S / 10));
    cr_assert(adaptive_throttled(&s->adaptive, 0, NOW, &v));
}

Test(snapshot, shows_the_adaptive_rate_while_it_is_on)
{
    struct slot *s = host("h", 5);
    throttle(s);
    context.now_ns += 10 * NS_PER_S;
    context.wall_ns += 10 * NS_PER_S;
    render();
    cr_assert(python("d['checks']['h']['adaptive']['goodput'] == 10"));
    cr_assert(python("d['checks']['h']['adaptive']['cut_to'] == 9.496"));
    cr_assert(python("11.4 < d['checks']['h']['adaptive']['rate'] <= 11.5"));
    cr_assert(python("d['checks']['h']['adaptive']['cut_at'][:19] == '2026-01-25T10:00:00'"));
    cr_assert(python("d['checks']['h']['adaptive']['off_at'][:19] == '2026-01-25T10:05:00'"));
    s->shown_rate = 5ULL << 32 | 5;
    s->shown_window_ms = 1000;
    render();
    cr_assert(python("d['checks']['h']['adaptive']['rate'] == 5"), "no more than the limit");
    context.now_ns += 291 * NS_PER_S;
    render();
    has("\"adaptive\":null");
}

Test(snapshot, shows_apart_the_adaptive_rate_that_observing_programs_would_keep_to)
{
    host("h", 5);
    throttle(board_slot(board, board_observed_key(5), "h", SLOT_OBSERVED, NOW));
    render();
    has("\"adaptive\":null");
    has("\"would_adapt_to\":9.496}");
}

static void promise(struct slot *s, uint32_t ppm, int good, int bad)
{
    s->shown_slo_ppm = ppm;
    struct slo *slo = slo_slot_claim(board, s->key, "h", NOW);
    while (slo && good-- > 0)
        slo_count(slo, false, NOW);
    while (slo && bad-- > 0)
        slo_count(slo, true, NOW);
}

Test(snapshot, shows_the_objective_of_a_host_and_what_is_left_of_its_budget)
{
    struct slot *s = host("h", 5);
    promise(s, 995000, 928, 72);
    s->shown_slo_latency_ms = 800;
    render();
    has("\"slo\":{\"objective\":0.995,\"latency_ms\":800,\"good\":928,\"bad\":72,"
        "\"budget_left\":{\"1h\":-13.4,\"24h\":-13.4},"
        "\"burn_rate\":{\"5m\":14.4,\"30m\":14.4,\"1h\":14.4,\"6h\":14.4},"
        "\"burns\":{\"fast\":false,\"slow\":true}}");
    has("\"overall_status\":\"healthy\"");
    promise(s, 995000, 0, 1);
    render();
    has("\"burns\":{\"fast\":true,\"slow\":true}");
    has("\"overall_status\":\"degraded\",\"healthy\":false,\"failed\":[]");
    has("\"h\":{\"kind\":\"passive\",\"status\":\"degraded\"");
    context.now_ns += 7 * SLO_MINUTE_NS;
    render();
    has("\"burns\":{\"fast\":false,\"slow\":true}");
    has("\"overall_status\":\"healthy\"");
    context.now_ns += 26 * SLO_HOUR_NS;
    render();
    has("\"slo\":null,");
}

Test(snapshot, shows_the_coverage)
{
    context.hooks = (const char *const[]){"curl_easy_perform", "connect", NULL};
    context.libcurls = two_libcurls;
    atomic_store(&board->header->transfers_easy, 3);
    atomic_store(&board->header->internal_errors, 2);
    render();
    cr_assert(python("d['coverage'] == {'hooks': ['curl_easy_perform', 'connect'],"
                     "'libcurl': [{'path': '/a'}, {'path': '/b'}], 'transfers_easy': 3,"
                     "'transfers_multi': 0, 'connects_blocking': 0, 'connects_nonblocking': 0,"
                     "'internal_errors': 2}"));
}

Test(snapshot, fits_its_size_with_a_full_board_of_the_longest_names)
{
    char name[SLOT_NAME_SIZE];
    for (int i = 0; i < 200; i++) {
        memset(name, '"', sizeof name);
        snprintf(name, sizeof name, "%d", i);
        name[strlen(name)] = '\\';
        name[SLOT_NAME_SIZE - 1] = '\0';
        promise(host(name, (uint64_t)i * 0x9e3779b97f4a7c15ULL), 999990, 0, 1);
    }
    context.service = json = NULL;
    char service[4096];
    memset(service, 'x', sizeof service);
    service[sizeof service - 1] = '\0';
    context.service = service;
    render();
    struct text t = {.p = json, .cap = size};
    metrics_render(&t, &context);
    cr_assert(!t.full);
    render();
    cr_assert(python("d['totals']['hosts'] >= 32"));
}

Test(snapshot, is_the_same_in_memory_and_in_a_file)
{
    char path[] = "/tmp/harden-test-XXXXXX", name[32];
    close(mkstemp(path));
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "host%d.example.com", i);
        host(name, (uint64_t)i * 0x9e3779b97f4a7c15ULL);
    }
    for (int metrics = 0; metrics < 2; metrics++) {
        void (*draw)(struct text *, const struct snapshot_context *) =
            metrics ? metrics_render : snapshot_render;
        render();
        struct text whole = {.p = json, .cap = size};
        draw(&whole, &context);
        size_t room_size = snapshot_room(board);
        char *room = malloc(room_size), *read_back = calloc(1, size);
        struct replacement f;
        replacement_open(&f, path, room, room_size);
        draw(&f.text, &context);
        cr_assert_eq(replacement_close(&f), 0);
        int fd = open(path, O_RDONLY);
        cr_assert_eq(read(fd, read_back, size), (ssize_t)whole.n);
        cr_assert_str_eq(read_back, json);
        close(fd);
        free(room);
        free(read_back);
    }
    unlink(path);
}

Test(snapshot, reports_a_buffer_that_is_too_small)
{
    char small[100];
    struct text t = TEXT_OVER(small);
    snapshot_render(&t, &context);
    cr_assert(t.full);
}

/* ---- what changes while it is rendered ------------------------------------------------------- */

static char drained[1 << 16];
static size_t drained_bytes;

/* At the first full buffer every circuit opens, and every host is paused. */
static void disturb(struct text *t)
{
    static const struct policy p = {.breaker_failures = 1,
                                    .breaker_open_ns = 30 * NS_PER_S,
                                    .breaker_max_open_ns = 30 * NS_PER_S};
    char name[SLOT_NAME_SIZE];
    for (uint32_t i = 0; !drained_bytes && i < board_size(board); i++) {
        struct slot *s = board_nth(board, i, name);
        if (!s)
            continue;
        cr_assert(breaker_report(&s->breaker, &p, &(struct breaker_result){0}, NOW, 0));
        pause_raise(s, 600 * NS_PER_S, true, 429, "Retry-After: 600", NOW);
    }
    size_t n = t->n - 1;
    cr_assert_lt(drained_bytes + n, sizeof drained);
    memcpy(drained + drained_bytes, t->p, n);
    drained_bytes += n;
    t->p[0] = t->p[n];
    t->n = 1;
}

Test(snapshot, never_says_healthy_beside_an_open_circuit_or_a_pause)
{
    char name[32];
    for (uint64_t i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "h%d.example", (int)i);
        host(name, 5 + i);
    }
    size_t room = board_size(board) + 600;
    struct text t = {.p = malloc(room), .cap = room, .drain = disturb};
    snapshot_render(&t, &context);
    cr_assert(!t.full && drained_bytes);
    cr_assert_lt(drained_bytes + t.n, sizeof drained);
    memcpy(drained + drained_bytes, t.p, t.n + 1);
    json = drained;
    cr_assert(python("d['overall_status'] == 'healthy'"));
    cr_assert(python("all(c['status'] == 'healthy' and c['breaker']['state'] == 'closed' and "
                     "c['paused_until'] is None for c in d['checks'].values())"));
}
