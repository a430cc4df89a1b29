/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/events.h"
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/harden-test-XXXXXX";
static char got[1 << 20];

static const char *content(void)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    close(fd);
    return got;
}

static void make(void)
{
    close(mkstemp(path));
}

static void drop(void)
{
    unlink(path);
}

TestSuite(events, .init = make, .fini = drop);

static const struct event retry = {.kind = EVENT_RETRY,
                                   .host = "api.example.com",
                                   .attempt = 1,
                                   .reason = "http_5xx",
                                   .http = 503,
                                   .wait_ns = 412 * NS_PER_MS};

Test(events, writes_a_json_line_for_a_retry)
{
    char want[256];
    events_set(path, "legacy-client");
    errno = EXDEV;
    events_emit(&retry);
    cr_assert_eq(errno, EXDEV);
    snprintf(want, sizeof want,
             "Z\",\"service\":\"legacy-client\",\"pid\":%d,\"host\":\"api.example.com\","
             "\"event\":\"retry\",\"attempt\":1,\"reason\":\"http_5xx\",\"curl\":0,\"http\":503,"
             "\"wait_ms\":412}\n",
             getpid());
    cr_assert_not_null(strstr(content(), want), "%s", got);
    cr_assert_eq(strncmp(got, "{\"time\":\"20", 11), 0);
}

Test(events, omits_members_without_a_value)
{
    events_set(path, "s");
    events_emit(&(struct event){
        .kind = EVENT_BREAKER, .host = "h", .state = "open", .wait_ns = -1, .observed = true});
    cr_assert_not_null(
        strstr(content(), "\"event\":\"breaker\",\"state\":\"open\",\"observed\":true}\n"), "%s",
        got);
    cr_assert_null(strstr(got, "wait_ms"));
    cr_assert_null(strstr(got, "attempt"));
}

Test(events, name_what_asked_for_a_pause_and_when_it_was_over)
{
    struct event pause = {.kind = EVENT_PAUSE,
                          .host = "h",
                          .state = "on",
                          .http = 429,
                          .hint = "Retry-After: 600",
                          .wait_ns = 600 * NS_PER_S};
    events_set(path, "s");
    events_emit(&pause);
    cr_assert_not_null(strstr(content(),
                              "\"host\":\"h\",\"event\":\"pause\",\"state\":\"on\",\"curl\":0,"
                              "\"http\":429,\"hint\":\"Retry-After: 600\",\"wait_ms\":600000}\n"),
                       "%s", got);
    struct event over = {.kind = EVENT_PAUSE,
                         .host = "h",
                         .state = "over",
                         .part = true,
                         .ended_ns = 1769335200123 * NS_PER_MS,
                         .wait_ns = -1};
    events_emit(&over);
    cr_assert_not_null(strstr(content(), "\"event\":\"pause\",\"part\":true,\"state\":\"over\","
                                         "\"ended\":\"2026-01-25T10:00:00.123Z\"}\n"),
                       "%s", got);
    events_set(NULL, "s");
    log_set(LOG_WARN, path, "x");
    events_emit(&pause);
    cr_assert_not_null(strstr(content(), "harden: warn: h: pause is on (http 429), asked by the "
                                         "server: Retry-After: 600, for 600000 ms\n"),
                       "%s", got);
    events_emit(&over);
    cr_assert_not_null(strstr(content(), "harden: warn: h: pause of a part is over\n"), "%s", got);
}

Test(events, a_refusal_names_the_hint_that_it_obeys)
{
    events_set(path, "s");
    log_set(LOG_WARN, path, "x");
    events_emit(&(struct event){.kind = EVENT_REJECT,
                                .host = "h",
                                .attempt = 1,
                                .reason = "gate",
                                .hint = "Retry-After: 600",
                                .wait_ns = 598 * NS_PER_S});
    cr_assert_not_null(strstr(content(), "\"event\":\"reject\",\"attempt\":1,\"reason\":\"gate\","
                                         "\"hint\":\"Retry-After: 600\",\"wait_ms\":598000}\n"),
                       "%s", got);
    cr_assert_not_null(strstr(got, "h: reject after attempt 1: gate, asked by the server: "
                                   "Retry-After: 600, in 598000 ms\n"),
                       "%s", got);
}

Test(events, writes_nothing_without_a_file)
{
    events_set(NULL, "s");
    events_emit(&retry);
    cr_assert_str_empty(content());
}

Test(events, writes_to_the_log_in_words)
{
    log_set(LOG_WARN, path, "x");
    events_emit(&retry);
    cr_assert_str_empty(content(), "a retry is logged at level info");
    log_set(LOG_INFO, path, "x");
    events_emit(&retry);
    cr_assert_not_null(strstr(content(), "harden: info: api.example.com: retry after attempt 1: "
                                         "http_5xx (http 503), in 412 ms\n"),
                       "%s", got);
    log_set(LOG_WARN, path, "x");
    events_emit(
        &(struct event){.kind = EVENT_HEALTH, .host = "h", .state = "unhealthy", .wait_ns = -1});
    cr_assert_not_null(strstr(content(), "harden: warn: h: health is unhealthy\n"), "%s", got);
}

Test(events, lines_of_many_processes_do_not_mix)
{
    enum { PROCESSES = 8, EACH = 100 };
    events_set(path, "s");
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            for (int k = 0; k < EACH; k++)
                events_emit(&retry);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    int lines = 0;
    const char *p = content();
    for (lines = 0; *p; lines++) {
        cr_assert_eq(strncmp(p, "{\"time\":", 8), 0);
        p = strchrnul(p, '\n');
        cr_assert_eq(p[-1], '}');
        p++;
    }
    cr_assert_eq(lines, PROCESSES * EACH);
}

Test(events, a_long_value_or_path_does_not_cost_the_line)
{
    static char value[6000], long_path[2000];
    memset(value, '4', sizeof value - 1);
    memset(long_path, 'd', sizeof long_path - 1);
    long_path[0] = '/';
    events_trace(path);
    events_emit(&(struct event){
        .kind = EVENT_OFF,
        .reason = "programs",
        .wait_ns = -1,
        .setting = &(struct event_setting){.key = "programs", .value = value, .file = long_path}});
    events_emit(&(struct event){
        .kind = EVENT_START,
        .wait_ns = -1,
        .process = &(struct event_process){.mode = "enforce",
                                           .config = {long_path, long_path, long_path, long_path},
                                           .board = long_path}});
    cr_assert_not_null(strstr(content(), "\"event\":\"off\""), "%s", got);
    cr_assert_not_null(strstr(got, "\"event\":\"start\""), "%s", got);
    cr_assert_not_null(strstr(got, "444...\",\"source\":\"ddd"), "%s", got);
}
