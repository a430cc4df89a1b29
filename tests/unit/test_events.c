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
