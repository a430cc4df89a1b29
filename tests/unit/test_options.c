/* SPDX-License-Identifier: MIT */
#include "engine/config/options.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/config/config.h"
#include "engine/config/parse.h"
#include "engine/config/rules.h"
#include "engine/policy/hint_value.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option *option_named(const char *name)
{
    int i = option_find(SECTION_HOST, name);
    if (i < 0)
        i = option_find(SECTION_HARDEN, name);
    if (i < 0)
        i = option_find(SECTION_CHECK, name);
    cr_assert_geq(i, 0, "%s", name);
    return &options[i];
}

static bool parse(const char *name, const char *value, union option_value *v, char why[400])
{
    *why = '\0';
    return option_parse(option_named(name), value, v, why, 400);
}

static int64_t number(const char *name, const char *value)
{
    union option_value v;
    char why[400];
    cr_assert(parse(name, value, &v, why), "%s = %s: %s", name, value, why);
    return v.number;
}

static void refused(const char *name, const char *value, const char *because)
{
    union option_value v;
    char why[400];
    cr_assert_not(parse(name, value, &v, why), "%s = %s", name, value);
    cr_assert(strstr(why, because), "%s = %s: %s", name, value, why);
    cr_assert(strstr(why, "; "), "the message has no valid example: %s", why);
}

Test(options, every_default_is_a_valid_value_of_its_key)
{
    for (int i = 0; i < option_count; i++) {
        union option_value v;
        char why[400] = "";
        bool needed =
            strcmp(options[i].name, "type") == 0 || strcmp(options[i].name, "target") == 0;
        bool good = option_parse(&options[i], options[i].fallback, &v, why, sizeof(why));
        cr_assert_eq(good, !needed, "%s: %s", options[i].name, why);
    }
}

Test(options, every_name_is_found_once_and_fits_the_parser)
{
    for (int i = 0; i < option_count; i++) {
        cr_assert_eq(option_find(options[i].section, options[i].name), i);
        if (options[i].section != SECTION_CHECK) /* these have no variable whose name could clash */
            cr_assert_eq(option_find(!options[i].section, options[i].name), -1);
        cr_assert_lt(strlen(options[i].name), 32);
    }
}

static const char *nearest(enum option_section section, const char *name)
{
    const char *known[OPTION_MAX];
    int n = 0;
    for (int i = 0; i < option_count; i++)
        if (options[i].section == section)
            known[n++] = options[i].name;
    return option_nearest(name, known, n);
}

Test(options, a_misspelt_key_gets_a_suggestion_and_nonsense_gets_none)
{
    cr_assert_str_eq(nearest(SECTION_HOST, "max_atempts"), "max_attempts");
    cr_assert_str_eq(nearest(SECTION_HOST, "retry-on"), "retry_on");
    cr_assert_str_eq(nearest(SECTION_HARDEN, "snapshots"), "snapshot");
    cr_assert_str_eq(nearest(SECTION_HOST, "rates"), "rate");
    cr_assert_null(nearest(SECTION_HOST, "zzz"));
    cr_assert_null(nearest(SECTION_HOST, ""));
    cr_assert_null(nearest(SECTION_HOST, "a_name_that_is_much_longer_than_any_option_has"));
}

Test(options, durations_carry_units)
{
    cr_assert_eq(number("max_wait", "250ms"), 250 * NS_PER_MS);
    cr_assert_eq(number("max_wait", "1.5s"), 1500 * NS_PER_MS);
    cr_assert_eq(number("max_wait", "2m"), 120 * NS_PER_S);
    cr_assert_eq(number("max_wait", "1h"), 3600 * NS_PER_S);
    cr_assert_eq(number("max_elapsed", "1d"), 86400 * NS_PER_S);
    cr_assert_eq(number("max_wait", "0"), 0);
    cr_assert_eq(number("max_wait", "0.25s"), 250 * NS_PER_MS);
    refused("max_wait", "30", "unit");
    refused("max_wait", "30 s", "not a duration");
    refused("max_wait", "3 parsecs", "not a duration");
    refused("max_wait", "-1s", "not a duration");
    refused("max_wait", "1e3s", "not a duration");
    refused("max_wait", "infs", "not a duration");
    refused("max_wait", "0x1s", "not a duration");
    refused("max_wait", "1.s", "not a duration");
    refused("max_wait", ".5s", "not a duration");
    refused("max_wait", "1,5s", "not a duration");
    refused("max_wait", "1S", "not a duration");
    refused("max_wait", "", "no value");
    refused("max_wait", "61m", "0 to 1h");
    refused("max_wait", "999999999d", "out of range");
    refused("max_wait", "99999999999999999999999999s", "not a duration");
    refused("base_delay", "0", "1ms to 1h");
    refused("snapshot_interval", "99ms", "100ms to 1d");
}

Test(options, a_mode_is_octal_and_lets_only_the_owner_and_the_group_write)
{
    cr_assert_eq(number("files_mode", "0644"), 0644);
    cr_assert_eq(number("files_mode", "640"), 0640);
    cr_assert_eq(number("files_mode", "0600"), 0600);
    cr_assert_eq(number("files_mode", "0664"), 0664);
    cr_assert_eq(number("files_mode", "0444"), 0444);
    refused("files_mode", "0666", "all users could write");
    refused("files_mode", "0642", "all users could write");
    refused("files_mode", "0755", "not executed");
    refused("files_mode", "4644", "not executed");
    refused("files_mode", "1640", "not executed");
    refused("files_mode", "0244", "owner could not read");
    refused("files_mode", "000", "owner could not read");
    refused("files_mode", "0648", "not a mode");
    refused("files_mode", "64", "not a mode");
    refused("files_mode", "00644", "not a mode");
    refused("files_mode", "0644 0640", "not a mode");
    refused("files_mode", "u=rw", "not a mode");
    refused("files_mode", "-644", "not a mode");
    refused("files_mode", "0o644", "not a mode");
    refused("files_mode", "99999999999999999999", "not a mode");
    refused("files_mode", "77777777777777777777777777", "not a mode");
    refused("files_mode", "", "no value");
}

Test(options, a_decimal_means_the_same_in_every_locale)
{
    setlocale(LC_ALL, "de_DE.UTF-8"); /* with a decimal comma, if installed */
    cr_assert_eq(number("max_wait", "1.5s"), 1500 * NS_PER_MS);
}

Test(options, words_stand_for_special_numbers)
{
    cr_assert_eq(number("connect_timeout", "none"), 0);
    cr_assert_eq(number("attempt_timeout", "0"), 0);
    cr_assert_eq(number("stall_timeout", "None"), 0);
    cr_assert_eq(number("retry_after", "off"), 0);
    cr_assert_eq(number("retry_budget", "off"), 0);
    cr_assert_eq(number("burst", "auto"), 0);
    cr_assert_eq(number("retry_reserve", "none"), 0);
    refused("max_wait", "none", "not a duration");
    refused("retry_after", "0", "or off");
    refused("retry_budget", "0%", "or off");
}

Test(options, retry_reserve_is_one_rate)
{
    cr_assert_eq(number("retry_reserve", "10/1m"), 6 * NS_PER_S);
    cr_assert_eq(number("retry_reserve", "3/s"), NS_PER_S / 3 + 1);
    refused("retry_reserve", "off", "not a rate");
    refused("retry_reserve", "10", "not a rate");
    refused("retry_reserve", "0/1m", "not a rate");
    refused("retry_reserve", "10/1m 1/1s", "window");
    refused("retry_reserve", "10/100d", "out of range");
}

Test(options, a_share_is_a_percentage_with_decimals)
{
    cr_assert_eq(number("slo", "99.5%"), 995000);
    cr_assert_eq(number("slo", "99%"), 990000);
    cr_assert_eq(number("slo", "99.999%"), 999990);
    cr_assert_eq(number("slo", "none"), 0);
    refused("slo", "99.5", "without a unit");
    refused("slo", "high", "not a percentage");
    refused("slo", "99,5%", "not a percentage");
    refused("slo", "100%", "out of range; write 50% to 99.999%, or none");
    refused("slo", "49%", "out of range");
}

Test(options, places_are_names_or_addresses_with_or_without_a_port)
{
    union option_value v;
    char why[400];
    cr_assert(parse("fallback", "B.example, 192.0.2.7:8443  [2001:db8::7]:443 [::1]", &v, why));
    cr_assert_eq(v.fallback.count, 4);
    cr_assert_str_eq(v.fallback.at[0].host, "b.example");
    cr_assert_eq(v.fallback.at[0].port, 0);
    cr_assert_str_eq(v.fallback.at[1].host, "192.0.2.7");
    cr_assert_eq(v.fallback.at[1].port, 8443);
    cr_assert_str_eq(v.fallback.at[2].host, "2001:db8::7");
    cr_assert_eq(v.fallback.at[2].port, 443);
    cr_assert_str_eq(v.fallback.at[3].host, "::1");
    cr_assert(parse("fallback", "none", &v, why));
    cr_assert_eq(v.fallback.count, 0);
    refused("fallback", "https://b.example", "HOST or HOST:PORT");
    refused("fallback", "b.example:", "HOST or HOST:PORT");
    refused("fallback", "b.example:65536", "HOST or HOST:PORT");
    refused("fallback", "::1", "HOST or HOST:PORT");
    refused("fallback", "a b c d e", "at most 4");
    refused("fallback", ",", "no place");
}

Test(options, sizes_percentages_and_counts_have_ranges)
{
    cr_assert_eq(number("hold_limit", "64KiB"), 65536);
    cr_assert_eq(number("hold_limit", "1.5MiB"), 1572864);
    cr_assert_eq(number("hold_limit", "512B"), 512);
    cr_assert_eq(number("hold_limit", "0"), 0);
    refused("hold_limit", "64", "unit");
    refused("hold_limit", "64k", "not a size");
    refused("hold_limit", "1GiB", "0 to 64MiB");
    cr_assert_eq(number("retry_budget", "20%"), 20);
    refused("retry_budget", "20", "20%");
    refused("retry_budget", "0", "write 1% to 100%, or off");
    refused("retry_budget", "12.5%", "not a percentage");
    refused("breaker_ratio", "101%", "1% to 100%");
    cr_assert_eq(number("breaker_failures", "100"), 100);
    cr_assert_eq(number("breaker_after", "0"), 0);
    refused("breaker_failures", "101", "1 to 100");
    refused("breaker_failures", "0", "1 to 100");
    refused("breaker_ratio", "%", "not a percentage");
    cr_assert_eq(number("max_attempts", "20"), 20);
    refused("max_attempts", "21", "1 to 20");
    refused("max_attempts", "0", "1 to 20");
    refused("max_attempts", "three", "whole number");
    refused("max_attempts", "+3", "whole number");
    cr_assert_eq(number("max_hosts", "1048576"), 1048576);
    refused("max_hosts", "1048577", "1 to 1048576");
    refused("max_hosts", "18446744073709551617", "whole number");
}

Test(options, booleans_and_choices_have_the_usual_synonyms)
{
    static const char *const on[] = {"on", "yes", "true", "1", "ON", "Yes"};
    static const char *const off[] = {"off", "no", "false", "0"};
    for (size_t i = 0; i < array_size(on); i++) {
        cr_assert_eq(number("thread", on[i]), 1);
        cr_assert_eq(number("breaker", on[i]), BREAKER_ON);
    }
    for (size_t i = 0; i < array_size(off); i++) {
        cr_assert_eq(number("thread", off[i]), 0);
        cr_assert_eq(number("breaker", off[i]), BREAKER_OFF);
        cr_assert_eq(number("mode", off[i]), MODE_OFF);
    }
    refused("thread", "maybe", "on or off");
    refused("on_limit", "on", "wait fail");
    refused("mode", "observ", "enforce observe off");
}

Test(options, choices_are_in_the_order_of_their_enums)
{
    cr_assert_eq(number("mode", "observe"), MODE_OBSERVE);
    cr_assert_eq(number("on_limit", "fail"), ON_LIMIT_FAIL);
    cr_assert_eq(number("jitter", "decorrelated"), JITTER_DECORRELATED);
    cr_assert_eq(number("jitter", "none"), JITTER_NONE);
    cr_assert_eq(number("commit", "late"), COMMIT_LATE);
    cr_assert_eq(number("breaker", "observe"), BREAKER_OBSERVE);
    cr_assert_eq(number("log", "off"), LOG_OFF);
    cr_assert_eq(number("log", "debug"), LOG_DEBUG);
}

Test(options, rates_are_tokens_per_window)
{
    union option_value v;
    char why[400];
    cr_assert(parse("rate", "60/1m, 5/s 1000/1.5h", &v, why), "%s", why);
    cr_assert_eq(v.limit.rate_count, 3);
    cr_assert_eq(v.limit.rates[0].tokens, 60);
    cr_assert_eq(v.limit.rates[0].burst, 60);
    cr_assert_eq(v.limit.rates[0].window_ns, 60 * NS_PER_S);
    cr_assert_eq(v.limit.rates[0].interval_ns, NS_PER_S);
    cr_assert_eq(v.limit.rates[1].interval_ns, NS_PER_S / 5);
    cr_assert_eq(v.limit.rates[2].window_ns, 5400 * NS_PER_S);
    cr_assert(parse("rate", "3/1s", &v, why));
    cr_assert_eq(v.limit.rates[0].interval_ns, 333333334); /* rounded up: never above the rate */
    cr_assert(parse("rate", "none", &v, why));
    cr_assert_eq(v.limit.rate_count, 0);
    refused("rate", "60", "N/WINDOW");
    refused("rate", "0/1m", "N/WINDOW");
    refused("rate", "-5/1m", "N/WINDOW");
    refused("rate", "0.5/s", "N/WINDOW");
    refused("rate", "60/", "window");
    refused("rate", "60/60", "window");
    refused("rate", "60/minute", "window");
    refused("rate", "60/0s", "window");
    refused("rate", "60/32d", "31d");
    refused("rate", "1/1.5ms", "whole milliseconds");
    refused("rate", "60/1m none", "N/WINDOW");
    refused("rate", "1/s 2/s 3/s 4/s 5/s", "at most 4");
    refused("rate", "9999999/1s", "window");
    refused("rate", ",", "N/WINDOW");
}

Test(options, a_bucket_is_shared_by_the_parts_of_its_key)
{
    union option_value v;
    char why[400];
    cr_assert(parse("per", "host", &v, why));
    cr_assert_eq(v.per.parts, PER_HOST);
    cr_assert(parse("per", "origin+rule+uid+header:X-Org-Id+env:TENANT", &v, why), "%s", why);
    cr_assert_eq(v.per.parts, PER_ORIGIN | PER_RULE | PER_UID | PER_HEADER | PER_ENV);
    cr_assert_str_eq(v.per.header, "X-Org-Id");
    cr_assert_str_eq(v.per.env, "TENANT");
    refused("per", "hosts", "not a part");
    refused("per", "host+", "not a part");
    refused("per", "header:", "not a part");
    refused("per", "header:X Y", "name");
    refused("per", "header:A+header:B", "one name");
    refused("per", "header:a23456789012345678901234567890123456789012345678901234567890123456",
            "63");
}

static bool has_curl(const struct outcome_set *s, int code)
{
    return s->curl[code / 64] >> code % 64 & 1;
}

static bool has_http(const struct outcome_set *s, int status)
{
    return s->http[(status - 100) / 64] >> (status - 100) % 64 & 1;
}

Test(options, outcomes_are_named_by_group_curlcode_or_status)
{
    union option_value v;
    char why[400];
    cr_assert(parse("retry_on",
                    "dns throttled, 28 CURLE_GOT_NOTHING recv_error TOO_LARGE 99 503 100 4xx", &v,
                    why),
              "%s", why);
    const struct outcome_set *s = &v.outcomes;
    cr_assert(s->given);
    cr_assert_eq(s->groups, OUTCOME_DNS | OUTCOME_THROTTLED);
    cr_assert(has_curl(s, 28) && has_curl(s, 52) && has_curl(s, 56) && has_curl(s, 100));
    cr_assert(has_curl(s, 99) && !has_curl(s, 27));
    cr_assert(has_http(s, 503) && has_http(s, 100) && has_http(s, 400) && has_http(s, 499));
    cr_assert(!has_http(s, 502) && !has_http(s, 500) && !has_http(s, 399));
    cr_assert(parse("retry_on", "default", &v, why) && !v.outcomes.given);
    cr_assert(parse("retry_on", "none", &v, why) && v.outcomes.given);
    refused("retry_on", "0", "not an outcome");
    refused("retry_on", "600", "not an outcome");
    refused("retry_on", "6xx", "not an outcome");
    refused("retry_on", "50x", "not an outcome");
    refused("retry_on", "tineout", "tineout");
    refused("never_on", "CURLE_", "not an outcome");
    refused("never_on", "dns default", "default");
}

Test(options, statuses_are_numbers_ranges_and_hundreds)
{
    union option_value v;
    char why[400];
    struct check_config c;
    cr_assert(parse("expect", "200-399", &v, why), "%s", why);
    c.expect = v.statuses;
    cr_assert(check_expects(&c, 200) && check_expects(&c, 399));
    cr_assert(!check_expects(&c, 199) && !check_expects(&c, 400));
    cr_assert(!check_expects(&c, 0) && !check_expects(&c, 600) && !check_expects(&c, -1));
    cr_assert(parse("expect", "204, 5xx 100-100", &v, why), "%s", why);
    c.expect = v.statuses;
    cr_assert(check_expects(&c, 204) && check_expects(&c, 500) && check_expects(&c, 599));
    cr_assert(check_expects(&c, 100) && !check_expects(&c, 205) && !check_expects(&c, 101));
    refused("expect", "99", "not an HTTP status");
    refused("expect", "600", "not an HTTP status");
    refused("expect", "399-200", "not an HTTP status");
    refused("expect", "200-", "not an HTTP status");
    refused("expect", "6xx", "not an HTTP status");
    refused("expect", ",", "no HTTP status");
}

Test(options, methods_are_upper_case_tokens)
{
    union option_value v;
    char why[400];
    cr_assert(parse("retry_methods", "get POST,M-SEARCH", &v, why), "%s", why);
    cr_assert_str_eq(v.methods[0], "GET");
    cr_assert_str_eq(v.methods[1], "POST");
    cr_assert_str_eq(v.methods[2], "M-SEARCH");
    cr_assert_str_eq(v.methods[3], "");
    cr_assert(parse("retry_methods", "none", &v, why));
    cr_assert_str_eq(v.methods[0], "");
    refused("retry_methods", "GET(", "not a method");
    refused("retry_methods", "AMETHODLONGERTHANANY", "not a method");
    refused("retry_methods", "A B C D E F G H I J K L M N O P", "at most 15");
}

Test(options, a_header_field_with_hints_has_a_unit)
{
    union option_value v;
    char why[400];
    cr_assert(parse("hint", "X-Next-Slot epoch, x-slow MS", &v, why), "%s", why);
    cr_assert_eq(v.hints.count, 2);
    cr_assert_str_eq(v.hints.at[0].name, "X-Next-Slot");
    cr_assert_eq(v.hints.at[0].unit, HINT_EPOCH);
    cr_assert_str_eq(v.hints.at[1].name, "x-slow");
    cr_assert_eq(v.hints.at[1].unit, HINT_MS);
    cr_assert(parse("hint", "none", &v, why));
    cr_assert_eq(v.hints.count, 0);
    refused("hint", "X-Slow", "X-Slow needs a unit; write s, ms, date or epoch");
    refused("hint", "X-Slow parsecs", "X-Slow needs a unit");
    refused("hint", "X(Slow s", "not the name of a header field");
    refused("hint", "A s B s C s D s E s", "at most 4");
    refused("hint", "X-2345678901234567890123456789012345678901234567890123456789012345 s", "63");
}

Test(options, a_path_needs_a_slash)
{
    union option_value v;
    char why[400];
    cr_assert(parse("events", "/var/log/events.jsonl", &v, why));
    cr_assert(parse("events", "./events", &v, why));
    cr_assert(parse("snapshot", "none", &v, why));
    cr_assert(parse("state", "private", &v, why));
    refused("events", "on", "./on");
    refused("log_to", "stdout", "stderr syslog");
}

/* ---- the table, conf/harden.ini and the manual page agree ---- */

static int occurrences(const char *path, const char *prefix, char seen[][160], int most)
{
    char line[1024];
    int n = 0;
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s: tests run from the root of the source tree", path);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, prefix, strlen(prefix)) == 0 && strchr(line, '=') && n < most) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(seen[n++], 160, "%s", line + strlen(prefix));
        }
    fclose(f);
    return n;
}

static void agrees(const char *path, const char *prefix)
{
    static char seen[OPTION_MAX * 2][160];
    int n = occurrences(path, prefix, seen, OPTION_MAX * 2);
    for (int i = 0; i < option_count; i++) {
        char expected[160];
        int hits = 0, rows = 0;
        snprintf(expected, sizeof(expected), "%s =%s%s", options[i].name,
                 *options[i].fallback ? " " : "", options[i].fallback);
        for (int k = 0; k < n; k++)
            hits += strcmp(seen[k], expected) == 0;
        for (int k = 0; k < option_count; k++) /* a check has keys with the same names as a host */
            rows += strcmp(options[k].name, options[i].name) == 0 &&
                    strcmp(options[k].fallback, options[i].fallback) == 0;
        cr_expect_eq(hits, rows, "%s: \"%s\"", path, expected);
    }
    cr_assert_eq(n, option_count, "%s has keys that are unknown, or twice", path);
}

Test(options, the_sample_configuration_has_every_key_at_its_default)
{
    agrees("conf/harden.ini", ";");
}

Test(options, the_manual_page_has_every_key_with_its_default)
{
    agrees("docs/harden.ini.5", ".It Ic ");
}

static void no_error(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_fail("%s", line);
}

Test(options, the_sample_configuration_changes_nothing_when_it_is_uncommented)
{
    static char text[65536];
    char line[1024];
    FILE *f = fopen("conf/harden.ini", "r");
    cr_assert_not_null(f);
    while (fgets(line, sizeof(line), f)) {
        strncat(text, line + (line[0] == ';'), sizeof(text) - strlen(text) - 1);
        /* Required keys of a check, which have no default. */
        if (strncmp(line, ";type =", 7) == 0 || strncmp(line, ";target =", 9) == 0)
            strcpy(text + strlen(text) - 1, line[2] == 'y' ? " http\n" : " https://a.example/\n");
    }
    fclose(f);
    struct config *c = config_load_text("harden.ini", text, strlen(text), no_error, NULL);
    struct config *plain = config_load_text("harden.ini", "", 0, no_error, NULL);
    struct target t = {.scheme = "https", .host = "a.example", .port = 443, .path = "/"};
    cr_assert_eq(memcmp(rules_find(c, &t), rules_find(plain, &t), sizeof(struct policy)), 0);
    cr_assert_eq(c->mode, plain->mode);
    cr_assert_str_eq(c->state, plain->state);
    cr_assert_str_eq(c->log_to, plain->log_to);
    cr_assert_null(c->events);
    static const char check[] = "[check NAME]\ntype = http\ntarget = https://a.example/\n";
    struct config *bare = config_load_text("harden.ini", check, strlen(check), no_error, NULL);
    cr_assert_eq(c->check_count, 1);
    cr_assert_eq(c->checks->interval_ns, bare->checks->interval_ns);
    cr_assert_eq(c->checks->timeout_ns, bare->checks->timeout_ns);
    cr_assert_eq(memcmp(&c->checks->expect, &bare->checks->expect, sizeof(bare->checks->expect)),
                 0);
    cr_assert_eq(c->checks->unhealthy_after, bare->checks->unhealthy_after);
    cr_assert_eq(c->checks->healthy_after, bare->checks->healthy_after);
    config_discard(bare);
    config_discard(c);
    config_discard(plain);
}
