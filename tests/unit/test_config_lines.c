/* SPDX-License-Identifier: MIT
 *
 * Lines of a configuration: comments, length, keys of later versions, and how the time grows. */
#include "engine/config/config.h"

#include "base/compiler.h"
#include "base/sizes.h"
#include "engine/config/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FEW USUALLY(2000, 200)

static char reported[8][1024];
static int reports;

static void collect(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_lt(reports, 8, "%s", line);
    snprintf(reported[reports++], sizeof(reported[0]), "%s", line);
}

static struct config *load(const char *text)
{
    reports = 0;
    return config_load_text("t.ini", text, strlen(text), collect, NULL);
}

static struct config *load_well(const char *text)
{
    struct config *c = load(text);
    cr_assert_eq(reports, 0, "%s", reported[0]);
    return c;
}

static void one_error(const char *text, const char *expected)
{
    config_discard(load(text));
    cr_expect_eq(reports, 1, "%d: %s", reports, text);
    cr_expect_str_eq(reported[0], expected);
}

static const struct policy *find(const struct config *c, const char *host, const char *path)
{
    struct target t = {.scheme = "https", .host = host, .port = 443, .path = path};
    return rules_find(c, &t);
}

/* `start`, and n times c. */
static char *put(char *out, const char *start, char c, size_t n)
{
    size_t k = strlen(start);
    memcpy(out, start, k);
    memset(out + k, c, n);
    out[k + n] = '\0';
    return out + k + n;
}

TestSuite(config_lines);

/* ---- comments ---- */

Test(config_lines, a_blank_and_a_hash_begin_a_comment_as_a_blank_and_a_semicolon_do)
{
    struct config *c = load_well("[harden] # the process\nservice = a;b#c\t# said\nlog = info #\n"
                                 "[host *] ; all # of them\nretry_on = dns # first ; and\n"
                                 "    timeout # second\n  # third\n    503\ncost = 2 ; # two\n");
    cr_assert_str_eq(c->service, "a;b#c");
    cr_assert_eq(c->log, LOG_INFO);
    const struct outcome_set *s = &find(c, "x", "/")->retry_on;
    cr_assert_eq(s->groups, OUTCOME_DNS | OUTCOME_TIMEOUT);
    cr_assert_neq(s->http[403 / 64] & 1ull << 403 % 64, 0);
    cr_assert_eq(find(c, "x", "/")->cost, 2);
    config_discard(c);
}

Test(config_lines, a_hash_without_a_blank_is_part_of_the_value)
{
    struct config *c = load_well("[harden]\nservice =#1\nevents = /var/log/#1;2.jsonl\n");
    cr_assert_str_eq(c->service, "#1");
    cr_assert_str_eq(c->events, "/var/log/#1;2.jsonl");
    config_discard(c);
}

/* ---- length ---- */

Test(config_lines, a_line_may_have_any_length)
{
    static const size_t lengths[] = {1, 119, 120, 121, 190, 199, 200, 239, 240, 241, 4000, 70000};
    static char text[80000], expected[80000];
    for (size_t i = 0; i < array_size(lengths); i++) {
        put(expected, "", 'x', lengths[i]);
        strcpy(put(text, "[harden]\nservice =", 'x', lengths[i]), "\nlog = info\n");
        struct config *c = load_well(text);
        cr_assert_str_eq(c->service, expected, "%zu characters", lengths[i]);
        cr_assert_eq(c->log, LOG_INFO);
        config_discard(c);
    }
}

/* Each position of a value is at the end of a piece for some length of what is in front of it. */
Test(config_lines, blanks_and_signs_of_a_long_value_stay_as_they_are)
{
    static const char tail[] = "a  b;#c\t =[d]: ;;#|e";
    char text[1024], expected[1024];
    for (size_t n = 90; n < 260; n++) {
        strcpy(put(expected, "", 'x', n), "a  b;#c\t =[d]:");
        strcat(strcpy(put(text, "[harden]\nservice = ", 'x', n), tail), "\nlog = info\n");
        struct config *c = load_well(text);
        cr_assert_str_eq(c->service, expected, "%zu", n);
        cr_assert_eq(c->log, LOG_INFO);
        config_discard(c);
        memset(expected + 1, ' ', n - 1);
        memset(text + strlen("[harden]\nservice = x"), ' ', n - 1);
        c = load_well(text);
        cr_assert_str_eq(c->service, expected, "%zu blanks", n);
        config_discard(c);
    }
}

Test(config_lines, a_long_line_continues_in_the_next_one)
{
    char text[1024], expected[1024];
    strcpy(put(text, "[harden]\nservice = ", 'x', 300), "\n  two  three\nlog = info\n");
    strcpy(put(expected, "", 'x', 300), " two  three");
    struct config *c = load_well(text);
    cr_assert_str_eq(c->service, expected);
    cr_assert_eq(c->log, LOG_INFO);
    config_discard(c);
}

Test(config_lines, a_long_list_of_hosts_fits_in_a_line)
{
    char text[8192] = "[host partners]\nmatch =", name[64], *end = strchr(text, '\0');
    for (int i = 0; i < 200; i++)
        end += sprintf(end, " host-%d.example.com", i);
    strcpy(end, "\ncost = 7\n");
    struct config *c = load_well(text);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "host-%d.example.com", i);
        cr_assert_eq(find(c, name, "/")->cost, 7, "%s", name);
    }
    config_discard(c);
}

Test(config_lines, a_section_name_has_up_to_255_characters_and_is_compared_in_full)
{
    char host[300], text[1024];
    put(host, "api.example.com/", 'p', 255 - 16);
    snprintf(text, sizeof(text), "[host %s]\ncost = 7\n[host *]\ncost = 2\n", host);
    struct config *c = load_well(text);
    cr_assert_eq(find(c, "api.example.com", strchr(host, '/'))->cost, 7);
    host[254] = '\0';
    cr_assert_eq(find(c, "api.example.com", strchr(host, '/'))->cost, 2);
    config_discard(c);
    put(host, "a", 'b', 253);
    snprintf(text, sizeof(text), "[host %s]\nmatch = x.example\ncost = 7\n", host);
    c = load_well(text);
    cr_assert_eq(find(c, "x.example", "/")->cost, 7);
    config_discard(c);
}

Test(config_lines, a_longer_name_or_key_is_an_error_and_the_rest_applies)
{
    char text[1024], x[300];
    put(x, "h", 'x', 255);
    snprintf(text, sizeof(text), "[host %s]\ncost = 7\nwrong\n[harden]\nlog = info\n", x);
    struct config *c = load(text);
    cr_assert_eq(reports, 1);
    cr_assert_not_null(strstr(reported[0], ": the name is longer than 255 characters; write "
                                           "[host LABEL], with the pattern as match = PATTERN"));
    cr_assert_eq(c->section_count, 0);
    cr_assert_eq(c->log, LOG_INFO);
    config_discard(c);
    x[50] = '\0';
    snprintf(text, sizeof(text), "[harden]\n%s = 1\n  2\nlog = info\n", x);
    c = load(text);
    cr_assert_eq(reports, 1);
    cr_assert_not_null(strstr(reported[0], "the key is longer than 49 characters: unknown"));
    cr_assert_eq(c->log, LOG_INFO);
    config_discard(c);
    snprintf(text, sizeof(text), "[check %s]\ntype = tcp\n", x);
    config_discard(load(text));
    cr_assert_eq(reports, 1);
    cr_assert_not_null(strstr(reported[0], "the name of a check has at most 43 characters"));
}

Test(config_lines, an_error_in_a_section_with_a_long_name_says_what_is_wrong)
{
    char host[300], text[1024];
    put(host, "api.example.com/", 'p', 200);
    snprintf(text, sizeof(text), "[host %s]\nretry_on = %.180s", host, host);
    config_discard(load(text));
    cr_assert_eq(reports, 1);
    cr_assert_not_null(strstr(reported[0], "ppp...] retry_on = api.example.com/ppp"));
    cr_assert_not_null(strstr(reported[0], "is not an outcome; write dns"), "%s", reported[0]);
}

/* ---- keys of later versions ---- */

Test(config_lines, an_unknown_key_with_a_question_mark_is_skipped)
{
    struct config *c = load_well("[harden]\n?colour = green\n  and blue ; or\nlog = info\n"
                                 "[host *]\n  ? of_tomorrow : 5\n?x = \n?y=3\n    cost = 2\n"
                                 "[check db]\ntype = tcp\ntarget = a.example:1\n?retries = 3\n");
    cr_assert_eq(c->log, LOG_INFO);
    cr_assert_eq(find(c, "x", "/")->cost, 2);
    config_discard(c);
    char text[300];
    strcpy(put(text, "[host *]\n?", 'k', 60), " = 1\n  2\ncost = 2\n");
    config_discard(load_well(text));
}

Test(config_lines, a_known_key_with_a_question_mark_applies)
{
    struct config *c = load_well("[harden]\n?log=debug\n[host *]\n  ?cost = 2\n? burst = 3\n"
                                 "rate = 5/s\n");
    cr_assert_eq(c->log, LOG_DEBUG);
    cr_assert_eq(find(c, "x", "/")->cost, 2);
    cr_assert_eq(find(c, "x", "/")->limits[0].rates[0].burst, 3);
    config_discard(c);
}

Test(config_lines, a_question_mark_hides_no_error_of_a_known_key)
{
    one_error("[host *]\n?cost = many\n",
              "t.ini:2: [host *] cost = many: not a whole number; write for example 5");
    one_error("[host *]\n?cost = 2\ncost = 3\n",
              "t.ini:3: [host *] cost = 3: given twice in this file; this one counts, remove one");
    one_error("[host *]\n?mode = off\n",
              "t.ini:2: [host *] mode = off: the key belongs in [harden]");
    one_error("?cost = 2\n", "t.ini:1: cost = 2: the key is outside of any section; write [harden] "
                             "or [host *] above it");
    one_error("[host *]\n?\n", "t.ini:2: [host *] ?: not a key and its value; write KEY = VALUE");
    one_error("[host *]\n? = 3\n",
              "t.ini:2: [host *] ? = 3: not a key and its value; write KEY = VALUE");
}

/* ---- time ---- */

/* Processor time of loading n sections, the least of several tries. */
static double seconds_for(int n, const char *section)
{
    char *text = malloc((size_t)n * 80 + 1), *end = text;
    double least = 1e9;
    for (int i = 0; i < n; i++)
        end += sprintf(end, "[%s%d.example.com]\nunhealthy_after = 5\nhealthy_after = 2\n", section,
                       i);
    for (int k = 0; k < 3; k++) {
        clock_t start = clock();
        struct config *c = config_load_text("t.ini", text, (size_t)(end - text), NULL, NULL);
        double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        cr_assert_not_null(c);
        cr_assert_eq(c->section_count + c->check_section_count, n);
        least = s < least ? s : least;
        config_discard(c);
    }
    free(text);
    return least;
}

/* If the time grew with the square, the larger number would take a hundred times as long. */
static void takes_time_in_proportion(const char *section)
{
    double few = seconds_for(FEW, section), many = seconds_for(10 * FEW, section);
    cr_assert_lt(many, 35 * few, "%s: %.4f s for %d sections, %.4f s for %d", section, few, FEW,
                 many, 10 * FEW);
}

Test(config_lines, ten_times_as_many_sections_take_about_ten_times_as_long)
{
    takes_time_in_proportion("host h");
    takes_time_in_proportion("check c");
}
