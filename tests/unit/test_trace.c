/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "cli/trace/trace.h"
#include "cli/trace/words.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct trace trace;
static char *printed;
static size_t printed_size;

static void release(void)
{
    trace_release(&trace);
    free(printed);
}
TestSuite(trace, .fini = release);

/* What a trace of these lines looks like, 80 columns wide. */
static const char *print(const char *lines)
{
    FILE *in = fmemopen((void *)lines, strlen(lines), "r"),
         *out = open_memstream(&printed, &printed_size);
    cr_assert(trace_read(&trace, in));
    trace_print(&trace, out, 80, "job");
    fclose(in);
    fclose(out);
    return printed;
}

static bool is(const char *text, const char *expected)
{
    bool same = strcmp(text, expected) == 0;
    if (!same)
        fprintf(stderr, "it is:\n%s\n", text);
    return same;
}

static bool has(const char *text, const char *part)
{
    bool found = strstr(text, part) != NULL;
    if (!found)
        fprintf(stderr, "it is:\n%s\n", text);
    return found;
}

static const char *words(const char *members, char out[TRACE_WORDS_SIZE])
{
    static char line[2048];
    struct trace_event e;
    int n = snprintf(line, sizeof line, "{\"time\":\"2026-01-25T10:00:00.123Z\",%s}", members);
    cr_assert(trace_parse(&e, line, (size_t)n));
    return trace_words(&e, out);
}

#define AT(s)        "{\"time\":\"2026-01-25T10:00:0" s "Z\",\"service\":\"job\",\"pid\":7,"
#define OF(id)       "\"id\":\"7-" id "\",\"host\":\"a.example\",\"event\":"
#define ATTEMPT(n)   "\"attempt\",\"method\":\"GET\",\"attempt\":" n ","
#define RESULT(http) "\"curl\":0,\"http\":" http ",\"errno\":0"
#define TOOK(ms)     ",\"duration_ms\":" ms "}\n"
#define END(http, n) "\"end\",\"method\":\"GET\",\"result\":{" RESULT(http) "},\"attempts\":" n
#define START                                                                                      \
    "\"event\":\"start\",\"mode\":\"enforce\",\"config\":[\"/etc/a.ini\",\"/b.ini\"],"             \
    "\"board\":\"/run/board.14\"}\n"
#define CLEAN(ended, id, ms)                                                                       \
    AT(ended)                                                                                      \
    OF(id)                                                                                         \
    ATTEMPT("1") RESULT("200") TOOK(ms) AT(ended) OF(id) END("200", "1") ",\"waited_s\":0" TOOK(ms)

Test(trace, a_transfer_that_is_not_covered_fails_only_if_its_result_is_a_failure)
{
    const char *text = print(AT(
        "0.100") "\"id\":\"7-1\",\"event\":\"end\",\"result\":{\"curl\":0,\"http\":0,\"errno\":0},"
                 "\"attempts\":1,\"waited_s\":0,\"duration_ms\":100,\"not_retried\":\"uncovered\"}"
                 "\n" AT("0.200") "\"id\":\"7-2\",\"event\":\"end\",\"result\":{\"curl\":37,"
                                  "\"http\":0,\"errno\":0},"
                                  "\"attempts\":1,\"waited_s\":0,\"duration_ms\":100,\"not_"
                                  "retried\":\"uncovered\"}\n");
    cr_assert(has(text, "2 requests in 200 ms, 0 repeated, 1 failed, 0 ms waited\n"));
    cr_assert(has(text, "    0.000 s a transfer: ok, 100 ms"));
    cr_assert(has(text, "|==============            |\n") &&
              has(text, "|             !!!!!!!!!!!!!|\n"));
}

Test(trace, a_repeated_request_has_a_bar_and_its_story)
{
    cr_assert(is(
        print(AT("0.000") START AT("0.200") OF("1") ATTEMPT("1") RESULT("503") TOOK("200.0") AT(
            "0.200")
                  OF("1") "\"retry\",\"attempt\":1,\"reason\":\"http_5xx\",\"wait_ms\":400}\n" AT(
                      "1.000") OF("1") ATTEMPT("2") RESULT("200") TOOK("400") AT("1.000") OF("1")
                      END("200", "2") ",\"waited_s\":0.4" TOOK("1000")),
        "trace of job: 1 request in 1 s, 1 repeated, 0 failed, 400 ms waited\n"
        "  job, pid 7: mode enforce, configuration /b.ini, board /run/board.14\n"
        "    0.000 s GET a.example: HTTP 200 after 2 attempts, 1 s\n"
        "                                                    |!!!!!!.........===========|\n"
        "    0.200 s   attempt 1: HTTP 503 after 200 ms\n"
        "    0.200 s   repeats it in 400 ms: http_5xx\n"
        "    1.000 s   attempt 2: HTTP 200 after 400 ms\n"
        "= attempt, ! failed attempt, . waiting\n"));
}

Test(trace, a_clean_request_is_one_row)
{
    cr_assert(is(print(CLEAN("0.500", "1", "500")),
                 "trace of job: 1 request in 500 ms, 0 repeated, 0 failed, 0 ms waited\n"
                 "    0.000 s GET a.example: HTTP 200, 500 ms         "
                 "|==========================|\n"
                 "= attempt, ! failed attempt, . waiting\n"));
}

Test(trace, clean_requests_of_a_host_that_follow_each_other_share_a_row)
{
    const char *shown =
        print(CLEAN("0.100", "1", "100") CLEAN("0.300", "2", "100") CLEAN("1.000", "3", "500"));
    cr_assert(has(shown, "    0.000 s GET a.example: 3 times HTTP 200, 100 ms to 500 ms\n"));
    cr_assert(has(shown, "|===  ===     =============|\n"));
}

Test(trace, events_of_no_request_stand_where_they_happened)
{
    const char *shown = print(
        CLEAN("0.100", "1", "100")
            AT("0.200") "\"host\":\"a.example\",\"event\":\"breaker\",\"state\":\"open\"}\n" CLEAN(
                "0.400", "10", "100") CLEAN("0.600", "9", "100"));
    const char *first = strstr(shown, "0.000 s GET"),
               *opened = strstr(shown, "0.200 s   a.example: the circuit is open\n"),
               *then = strstr(shown, "0.300 s GET a.example: 2 times");
    cr_assert(first && opened && then && first < opened && opened < then);
}

Test(trace, a_request_that_the_program_did_not_end_is_shown)
{
    const char *shown =
        print(AT("0.200") OF("1") "\"wait\",\"reason\":\"rate\",\"wait_ms\":900}\n");
    cr_assert(has(shown, "0.000 s a.example: not ended"));
    cr_assert(has(shown, "0.000 s   waits 900 ms for a token\n"));
}

Test(trace, a_program_without_requests_is_pointed_to_the_doctor)
{
    cr_assert(is(print(AT("0.000") START),
                 "trace of job: 0 requests in 0 ms, 0 repeated, 0 failed, 0 ms waited\n"
                 "  job, pid 7: mode enforce, configuration /b.ini, board /run/board.14\n"
                 "The library saw no request. `harden doctor job` says what it covers.\n"));
}

Test(trace, a_process_in_which_the_library_does_nothing_says_why)
{
    const char *shown =
        print(AT("0.000") "\"event\":\"off\",\"reason\":\"mode\",\"setting\":\"mode\","
                          "\"value\":\"off\",\"source\":\"/etc/a.ini:3\"}\n");
    cr_assert(has(shown, "  job, pid 7: the library does nothing: mode = off (/etc/a.ini:3)\n"));
}

Test(trace, what_is_no_event_is_counted_and_an_unfinished_last_line_is_not)
{
    const char *shown = print("nonsense\n[]\n{\"time\":1}\n\n" AT("0.000") START "{\"time\":\"20");
    cr_assert(has(shown, "4 lines of the trace could not be read.\n"));
    cr_assert(eq(sz, trace.count, 1));
}

Test(trace, strings_are_shown_without_control_characters)
{
    char out[TRACE_WORDS_SIZE];
    cr_assert(is(words("\"event\":\"breaker\",\"host\":\"a\\u001b[2J\\n\\\"\\u00e9\\u20ac\\\\\","
                       "\"state\":\"open\"",
                       out),
                 "a?[2J?\"é€\\: the circuit is open"));
}

#define SET ",\"setting\":\"k\",\"value\":\"v\",\"source\":\"/a.ini:3\""

Test(trace, every_event_has_its_words)
{
    static const struct {
        const char *members, *words;
    } rows[] = {
        {"\"event\":\"attempt\",\"attempt\":2,\"curl\":28,\"duration_ms\":1500",
         "attempt 2: curl 28 (OPERATION_TIMEDOUT) after 1.5 s"},
        {"\"event\":\"attempt\",\"attempt\":1,\"errno\":111,\"duration_ms\":0.5",
         "attempt 1: Connection refused after 0.5 ms"},
        {"\"event\":\"attempt\",\"attempt\":1,\"duration_ms\":1", "attempt 1: ok after 1 ms"},
        {"\"event\":\"retry\",\"reason\":\"throttled\",\"wait_ms\":2000,\"hint\":\"Retry-After: "
         "2\"",
         "repeats it in 2 s: throttled, the server sent Retry-After: 2"},
        {"\"event\":\"wait\",\"reason\":\"rate\",\"wait_ms\":40" SET,
         "waits 40 ms for a token: k = v (/a.ini:3)"},
        {"\"event\":\"wait\",\"reason\":\"gate\",\"host\":\"a\",\"wait_ms\":40,\"hint\":\"Retry-"
         "After: 1\"",
         "waits 40 ms because a has asked for a pause, the server sent Retry-After: 1"},
        {"\"event\":\"reject\",\"reason\":\"rate\",\"wait_ms\":60000" SET,
         "refused, because the wait for a token would be 60 s: k = v (/a.ini:3)"},
        {"\"event\":\"reject\",\"reason\":\"gate\",\"wait_ms\":60000" SET,
         "refused, because the wait for the end of a pause would be 60 s: k = v (/a.ini:3)"},
        {"\"event\":\"reject\",\"reason\":\"breaker\",\"host\":\"a\",\"wait_ms\":3000,\"observed\":"
         "true",
         "refused, because the circuit of a is open for another 3 s (observed only)"},
        {"\"event\":\"denied\",\"attempt\":1" SET,
         "not repeated after attempt 1: the retry budget is empty: k = v (/a.ini:3)"},
        {"\"event\":\"breaker\",\"host\":\"a\",\"state\":\"open\",\"wait_ms\":30000",
         "a: the circuit is open for 30 s"},
        {"\"event\":\"breaker\",\"host\":\"a\",\"state\":\"open\",\"reason\":\"slow\"",
         "a: the circuit is open, because its responses begin later than slow_after"},
        {"\"event\":\"breaker\",\"host\":\"a\",\"state\":\"half-open\",\"reason\":\"check\"",
         "a: the circuit is half-open, because an active check has passed"},
        {"\"event\":\"breaker\",\"host\":\"a\",\"state\":\"open\",\"reason\":\"check\"",
         "a: the circuit is open, because an active check has failed"},
        {"\"event\":\"health\",\"host\":\"a\",\"state\":\"unhealthy\"", "a is unhealthy"},
        {"\"event\":\"pause\",\"host\":\"a\",\"state\":\"on\",\"wait_ms\":2000,\"part\":true,"
         "\"hint\":\"Retry-After: 2\"",
         "a: the pause of a part is on, asked for by the server, for 2 s, the server sent "
         "Retry-After: 2"},
        {"\"event\":\"pause\",\"host\":\"a\",\"state\":\"over\"", "a: the pause is over"},
        {"\"event\":\"slo\",\"host\":\"a\",\"state\":\"burning\"", "a: the error budget burns"},
        {"\"event\":\"slo\",\"host\":\"a\",\"state\":\"over\"",
         "a: the error budget has ceased to burn"},
        {"\"event\":\"ignored\",\"host\":\"a\",\"hint\":\"Retry-After: 999999999\"",
         "a: a pause of more than a day is ignored as a mistake, the server sent Retry-After: "
         "999999999"},
        {"\"event\":\"end\",\"not_retried\":\"method\"" SET,
         "not repeated: such a request is not repeated after that: k = v (/a.ini:3)"},
        {"\"event\":\"end\",\"not_retried\":\"of_a_later_version\"",
         "not repeated: of_a_later_version"},
        {"\"event\":\"end\"", ""},
        {"\"event\":\"start\"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[TRACE_WORDS_SIZE];
        cr_assert(is(words(rows[i].members, out), rows[i].words));
    }
}
