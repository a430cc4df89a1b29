/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/compiler.h"
#include "engine/check/types.h"
#include "engine/config/config.h"
#include "engine/config/parse.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char reported[32][1024];
static int reports;

static void collect(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_lt(reports, 32);
    snprintf(reported[reports++], sizeof(reported[0]), "%s", line);
}

static struct config *load(const char *text)
{
    reports = 0;
    struct config *c = config_load_text("t.ini", text, strlen(text), collect, NULL);
    cr_assert_eq(c->errors, reports);
    return c;
}

/* Asserts that a text has exactly this error, and the number of valid checks. */
static void one_error(const char *text, const char *expected, int left)
{
    struct config *c = load(text);
    cr_expect_eq(reports, 1, "%s", text);
    cr_expect_str_eq(reported[0], expected);
    cr_expect_eq(c->check_count, left, "%s", text);
    config_discard(c);
}

Test(config_check, every_key_sets_its_member)
{
    struct config *c =
        load("[check api.v1]\ntype = http\ntarget = https://u:p@API.Example.com:8443/h?q\n"
             "interval = 2m\ntimeout = 250ms\nexpect = 204 4xx\nunhealthy_after = 5\n"
             "healthy_after = 2\n");
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(c->check_count, 1);
    const struct check_config *k = &c->checks[0];
    cr_assert_str_eq(k->name, "api.v1");
    cr_assert_eq(k->kind, CHECK_HTTP);
    cr_assert_str_eq(k->target, "https://u:p@API.Example.com:8443/h?q");
    cr_assert_str_eq(k->at.origin, "https://api.example.com:8443");
    cr_assert_eq(k->interval_ns, 120 * NS_PER_S);
    cr_assert_eq(k->timeout_ns, 250 * NS_PER_MS);
    cr_assert(check_expects(k, 204) && check_expects(k, 404) && !check_expects(k, 200));
    cr_assert_eq(k->unhealthy_after, 5);
    cr_assert_eq(k->healthy_after, 2);
    config_discard(c);
}

Test(config_check, keys_that_are_not_given_have_their_defaults)
{
    struct config *c = load("[check a]\ntype = dns\ntarget = example.com\n"
                            "[check b]\ntype = TCP\ntarget = [2001:DB8::7]:5432\n");
    cr_assert_eq(c->check_count, 2);
    cr_assert_eq(c->checks[0].interval_ns, 30 * NS_PER_S);
    cr_assert_eq(c->checks[0].timeout_ns, 5 * NS_PER_S);
    cr_assert_eq(c->checks[0].unhealthy_after, 3);
    cr_assert_eq(c->checks[0].healthy_after, 1);
    cr_assert(check_expects(&c->checks[0], 200) && check_expects(&c->checks[0], 399));
    cr_assert_str_eq(c->checks[0].at.origin, "example.com");
    cr_assert_eq(c->checks[1].kind, CHECK_TCP);
    cr_assert_str_eq(c->checks[1].at.host, "2001:db8::7");
    cr_assert_str_eq(c->checks[1].at.port, "5432");
    cr_assert_str_eq(c->checks[1].at.origin, "[2001:db8::7]:5432");
    config_discard(c);
}

Test(config_check, the_types_are_in_the_order_of_the_keys_words)
{
    const struct option *o = &options[option_find(SECTION_CHECK, "type")];
    for (int kind = 0; kind < CHECK_KINDS; kind++) {
        union option_value v;
        char why[400];
        const char *name = check_type_of((enum check_kind)kind)->name;
        cr_assert(option_parse(o, name, &v, why, sizeof(why)), "%s: %s", name, why);
        cr_assert_eq(v.number, kind);
    }
}

Test(config_check, a_repeated_section_is_one_check)
{
    struct config *c = load("[check a]\ntype = tcp\n[check b]\ntype = dns\ntarget = x\n"
                            "[check a]\ntarget = x:1\n");
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(c->check_count, 2);
    config_discard(c);
}

Test(config_check, a_wrong_value_affects_its_key_only)
{
    one_error("[check db]\ntype = tcp\ntarget = db:1\ninterval = 5\n",
              "t.ini:4: [check db] interval = 5: a number without a unit; write for example 5s", 1);
    one_error("[check db]\ntype = tcp\ntarget = db:1\ninterval = 99ms\n",
              "t.ini:4: [check db] interval = 99ms: out of range; write 100ms to 1d", 1);
    one_error("[check db]\ntype = tcp\ntarget = db:1\ntimeout = 2m\n",
              "t.ini:4: [check db] timeout = 2m: out of range; write 10ms to 1m", 1);
    one_error("[check db]\ntype = tcp\ntarget = db:1\nunhealthy_after = 0\n",
              "t.ini:4: [check db] unhealthy_after = 0: out of range; write 1 to 100", 1);
    one_error(
        "[check db]\ntype = http\ntarget = http://db\nexpect = OK\n",
        "t.ini:4: [check db] expect = OK: OK is not an HTTP status; write for example 200-399, "
        "2xx or 200 404",
        1);
    one_error("[check db]\ntype = tcp\ntarget = db:1\nexpect = 200\n",
              "t.ini:4: [check db] expect = 200: only an http check has statuses; remove it, or "
              "write type = http",
              1);
    one_error("[check db]\ntype = tcp\ntarget = db:1\nintervall = 5s\n",
              "t.ini:4: [check db] intervall = 5s: unknown key; did you mean interval?", 1);
    one_error("[check db]\ntype = tcp\ntarget = db:1\nrate = 5/s\n",
              "t.ini:4: [check db] rate = 5/s: the key belongs in a [host PATTERN] section; "
              "[host *] is for all hosts",
              1);
    one_error("[harden]\nexpect = 200\n",
              "t.ini:2: [harden] expect = 200: the key belongs in a [check NAME] section", 0);
    one_error("[host *]\ntarget = db:1\n",
              "t.ini:2: [host *] target = db:1: the key belongs in a [check NAME] section", 0);
    one_error("[harden]\nhealthy_after = 1\n",
              "t.ini:2: [harden] healthy_after = 1: the key belongs in a [host PATTERN] section; "
              "[host *] is for all hosts",
              0);
    one_error(
        "[check db]\ntype = tcp\ntarget = db:1\ntarget = db:2\n",
        "t.ini:4: [check db] target = db:2: given twice in this file; this one counts, remove "
        "one",
        1);
}

Test(config_check, without_a_type_or_a_target_there_is_nothing_to_run)
{
    one_error(
        "\n[check db]\ntarget = db:1\n",
        "t.ini:2: [check db]: the check has no type and is not run; write type = tcp, http or "
        "dns",
        0);
    one_error(
        "[check db]\ntype = tcp\n",
        "t.ini:1: [check db]: the check has no target and is not run; write target = host:port "
        "or a URL",
        0);
    one_error("[check db]\ntype = tpc\ntarget = db:1\n",
              "t.ini:2: [check db] type = tpc: not known; write one of: tcp http dns", 0);
    one_error(
        "[check db]\ntype =\ntarget = db:1\n",
        "t.ini:2: [check db] type = : no value; the key has no default, write one of: tcp http "
        "dns",
        0);
    one_error("[check db]\ntype = tcp\ntarget = db\n",
              "t.ini:3: [check db] target = db: the port is missing; write host:port, for example "
              "db.example.com:5432",
              0);
    one_error("[check db]\ntype = tcp\ntarget = db:99999\n",
              "t.ini:3: [check db] target = db:99999: not a port; write a number from 1 to 65535 "
              "after the colon",
              0);
    one_error(
        "[check db]\ntype = dns\ntarget = db:53\n",
        "t.ini:3: [check db] target = db:53: a dns check takes a name without a port; write a "
        "host's name, for example db.example.com",
        0);
    one_error("[check db]\ntype = http\ntarget = db:80\n",
              "t.ini:3: [check db] target = db:80: not an http or https URL; write for example "
              "https://api.example.com/health",
              0);
    struct config *c = load("[check db]\n");
    cr_assert_eq(reports, 2);
    config_discard(c);
}

Test(config_check, a_section_needs_a_printable_name)
{
    static const char right[] = "a check needs a name of letters, digits, dots and dashes; write "
                                "for example [check database]";
    static const char *const wrong[] = {"[check]", "[check a b]", "[check _a]", "[check a:1]",
                                        "[check \"a\"]"};
    for (size_t i = 0; i < array_size(wrong); i++) {
        char text[64], expected[256];
        snprintf(text, sizeof(text), "%s\ntype = tcp\n", wrong[i]);
        snprintf(expected, sizeof(expected), "t.ini:1: %s: %s", wrong[i], right);
        one_error(text, expected, 0);
    }
    one_error(
        "[checks a]\ntype = tcp\n",
        "t.ini:1: [checks a]: unknown section; write [harden], [host PATTERN] as in [host *], "
        "[check NAME] or [program NAME]",
        0);
    one_error("[check a\ntype = tcp\n",
              "t.ini:1: [check a: a section ends with its bracket; write [check NAME]", 0);
    struct config *c = load("[check a23456789012345678901234567890123456789-_.x]\ntype = dns\n"
                            "target = x\n"); /* the longest name */
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(strlen(c->checks[0].name), (size_t)CHECK_NAME_SIZE - 1);
    config_discard(c);
}

Test(config_check, error_messages_show_no_secrets_of_a_target)
{
    static const char *const texts[] = {
        "[check a]\ntype = http\ntarget = ftp://u:secret@h/secret\n",
        "[check a]\ntype = http\ntarget = http://u:secret@h:0/secret?secret\n",
        "[check a]\ntype = tcp\ntarget = u:secret@h:1\n",
        "[check a]\ntype = tcp\ntarget = h:1/secret\n",
        "[check a]\ntype = http\ntarget = http://h/#secret\ntarget = http://h/?secret\n",
        "[check a]\ntype = http\ntargt = http://u:secret@h/secret\n",
        "[check a]\ntype = http\ntarget = http://u:secret@h:0/"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aa\n",
    };
    for (size_t i = 0; i < array_size(texts); i++) {
        struct config *c = load(texts[i]);
        cr_expect_gt(reports, 0, "%s", texts[i]);
        for (int k = 0; k < reports; k++)
            cr_expect_null(strstr(reported[k], "secret"), "%s", reported[k]);
        config_discard(c);
    }
}

Test(config_check, a_url_is_shown_as_its_origin)
{
    static const char *const pairs[][2] = {
        {"http://a.example", "http://a.example"},
        {"HTTPS://A.example:443/x", "https://a.example"},
        {"http://a.example:8080?x=@y", "http://a.example:8080"},
        {"http://u@v:w@[::1]:81/x", "http://[::1]:81"},
        {"https://10.0.0.1#x", "https://10.0.0.1"},
    };
    struct check_target t;
    char why[400];
    for (size_t i = 0; i < array_size(pairs); i++) {
        cr_assert(check_target_parse(CHECK_HTTP, pairs[i][0], &t, why, sizeof(why)), "%s",
                  pairs[i][0]);
        cr_expect_str_eq(t.origin, pairs[i][1]);
    }
    static const char *const wrong[] = {
        "http://",       "http:///x", "http://a:/",  "http://a:0",    "http://a b/",
        "http://[::1/x", "file:///x", "http://a/ b", "http://[a]:1/", "ws://a"};
    for (size_t i = 0; i < array_size(wrong); i++)
        cr_expect_not(check_target_parse(CHECK_HTTP, wrong[i], &t, why, sizeof(why)), "%s",
                      wrong[i]);
}

Test(config_check, a_check_has_no_variable)
{
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_TARGET", "db:1", 1);
    setenv("HARDEN_UNHEALTHY_AFTER", "7", 1); /* a key of [host] */
    reports = 0;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(reports, 1);
    cr_assert_str_eq(reported[0], "environment: HARDEN_TARGET: only a file has checks; write "
                                  "the key into [check NAME] there");
    config_discard(c);
}
