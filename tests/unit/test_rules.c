/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/compiler.h"
#include "base/sizes.h"
#include "engine/config/pattern.h"
#include "engine/config/rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOME USUALLY(400, 200)

static void fail_on_error(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_fail("%s", line);
}

static struct config *load(const char *text)
{
    return config_load_text("t.ini", text, strlen(text), fail_on_error, NULL);
}

static const struct policy *find(const struct config *c, const char *host, uint16_t port,
                                 const char *path)
{
    struct target t = {.scheme = "https", .host = host, .port = port, .path = path};
    return rules_find(c, &t);
}

/* Returns whether a pattern matches; its section sets cost = 7. */
static bool applies(const char *pattern, const char *host, uint16_t port, const char *path)
{
    char text[512];
    snprintf(text, sizeof(text), "[host %s]\ncost = 7\n", pattern);
    struct config *c = load(text);
    bool hit = find(c, host, port, path)->cost == 7;
    config_discard(c);
    return hit;
}

Test(rules, a_local_socket_is_named_by_its_whole_path)
{
    cr_assert(applies("unix:/run/App/a.sock", "unix:/run/App/a.sock", 0, ""));
    cr_assert(applies("unix:/run/*.sock", "unix:/run/a.sock", 0, ""));
    cr_assert(applies("unix:@name", "unix:@name", 0, ""));
    cr_assert(!applies("unix:/run/a.sock", "unix:/run/b.sock", 0, ""));
    cr_assert(!applies("unix:/run/a.sock", "unix", 0, "/run/a.sock"));
    struct config *none = load("[host *]\ncost = 7\n"),
                  *one = load("[host unix:/run/*]\ncost = 7\n");
    cr_assert(!rules_have_locals(none) && rules_have_locals(one));
    cr_assert(!rules_name_local(none, "unix:/run/a"));
    cr_assert(rules_name_local(one, "unix:/run/a"));
    cr_assert(!rules_name_local(one, "unix:/tmp/a"));
}

Test(rules, without_any_section_the_defaults_apply)
{
    struct config *c = load("");
    const struct policy *p = find(c, "a.example", 443, "/");
    cr_assert_eq(p->limit_count, 0);
    cr_assert_eq(p->max_attempts, 3);
    cr_assert_eq(p->base_delay_ns, 500 * NS_PER_MS);
    cr_assert_eq(p->max_delay_ns, 5 * NS_PER_S);
    cr_assert_eq(p->max_wait_ns, 30 * NS_PER_S);
    cr_assert_eq(p->max_elapsed_ns, 30 * NS_PER_S);
    cr_assert_eq(p->retry_after_max_ns, 300 * NS_PER_S);
    cr_assert_eq(p->retry_budget_percent, 20);
    cr_assert_eq(p->retry_reserve_ns, 6 * NS_PER_S);
    cr_assert_eq(p->hold_limit, 524288);
    cr_assert_eq(p->cost, 1);
    cr_assert_eq(p->jitter, JITTER_FULL);
    cr_assert_eq(p->breaker, BREAKER_ON);
    cr_assert_eq(p->breaker_failures, 5);
    cr_assert_eq(p->breaker_after_ns, 10 * NS_PER_S);
    cr_assert_eq(p->breaker_ratio_percent, 50);
    cr_assert_eq(p->breaker_open_ns, 30 * NS_PER_S);
    cr_assert_eq(p->breaker_max_open_ns, 300 * NS_PER_S);
    cr_assert_eq(p->breaker_successes, 2);
    cr_assert_eq(p->unhealthy_after, 3);
    cr_assert_eq(p->healthy_after, 1);
    cr_assert_eq(p->connect_timeout_ns, 0);
    cr_assert_not(p->retry_on.given);
    cr_assert_str_eq(p->retry_methods[0], "GET");
    cr_assert_str_eq(p->retry_methods[5], "DELETE");
    cr_assert_str_eq(p->retry_methods[6], "");
    config_discard(c);
}

Test(rules, a_wildcard_matches_any_depth_below_and_not_the_domain_itself)
{
    cr_assert(applies("*", "x", 1, ""));
    cr_assert(applies("*.example.com", "api.example.com", 443, "/"));
    cr_assert(applies("*.example.com", "a.b.example.com", 443, "/"));
    cr_assert_not(applies("*.example.com", "example.com", 443, "/"));
    cr_assert_not(applies("*.example.com", "badexample.com", 443, "/"));
    cr_assert_not(applies("*.example.com", "api.example.com.evil.org", 443, "/"));
    cr_assert(applies("api-*.example.*", "api-7.example.net", 443, "/"));
}

Test(rules, a_host_matches_in_any_case_and_a_bare_word_is_a_host)
{
    cr_assert(applies("API.Example.COM", "api.example.com", 443, "/"));
    cr_assert(applies("api.example.com.", "api.example.com", 443, "/"));
    cr_assert(applies("localhost", "localhost", 80, "/"));
    cr_assert_not(applies("localhost", "localhost.example.com", 80, "/"));
}

Test(rules, a_port_must_be_equal)
{
    cr_assert(applies("api.example.com:8443", "api.example.com", 8443, "/"));
    cr_assert_not(applies("api.example.com:8443", "api.example.com", 443, "/"));
    cr_assert(applies("*:8443", "any.example.com", 8443, "/"));
    cr_assert(applies("10.1.2.3:80", "10.1.2.3", 80, "/"));
    cr_assert_not(applies("10.1.2.3:80", "10.1.2.3", 81, "/"));
}

Test(rules, an_address_matches_however_it_is_written)
{
    cr_assert(applies("[::1]:8080", "::1", 8080, "/"));
    cr_assert(applies("[::1]:8080", "0:0:0:0:0:0:0:1", 8080, "/"));
    cr_assert_not(applies("[::1]:8080", "::1", 80, "/"));
    cr_assert(applies("[::1]", "::1", 80, "/"));
    cr_assert(applies("::1", "::1", 80, "/"));
    cr_assert(applies("10.0.0.1", "::ffff:10.0.0.1", 80, "/"));
    cr_assert(applies("fe80::1", "fe80::1%eth0", 80, "/"));
    cr_assert_not(applies("10.0.0.1", "10.0.0.1.example.com", 80, "/"));
}

Test(rules, a_prefix_covers_its_literal_addresses_only)
{
    cr_assert(applies("10.0.0.0/8", "10.255.0.1", 80, "/"));
    cr_assert_not(applies("10.0.0.0/8", "11.0.0.1", 80, "/"));
    cr_assert(applies("192.168.4.0/22", "192.168.7.255", 80, "/"));
    cr_assert_not(applies("192.168.4.0/22", "192.168.8.0", 80, "/"));
    cr_assert(applies("0.0.0.0/0", "1.2.3.4", 80, "/"));
    cr_assert_not(applies("0.0.0.0/0", "2001:db8::1", 80, "/"));
    cr_assert_not(applies("::/0", "1.2.3.4", 80, "/"));
    cr_assert(applies("fd00::/8", "fd12:3456::1", 80, "/"));
    cr_assert(applies("[fd00::]/8", "fd12:3456::1", 80, "/"));
    cr_assert_not(applies("fd00::/8", "fe80::1", 80, "/"));
    cr_assert_not(applies("10.0.0.0/8", "host.example.com", 80, "/"));
    cr_assert(applies("10.0.0.1/32", "10.0.0.1", 80, "/"));
    cr_assert_not(applies("10.0.0.1/32", "10.0.0.0", 80, "/"));
}

Test(rules, an_operation_matches_its_path_by_case_and_wildcard)
{
    cr_assert(applies("api.example.com/v1/search*", "api.example.com", 443, "/v1/search/deep"));
    cr_assert_not(applies("api.example.com/v1/search*", "api.example.com", 443, "/v1/Search"));
    cr_assert_not(applies("api.example.com/v1/search*", "api.example.com", 443, ""));
    cr_assert_not(applies("api.example.com/v1/search", "api.example.com", 443, "/v1/search2"));
    cr_assert(applies("*/v1/*/items", "x.example", 443, "/v1/7/items"));
    cr_assert(applies("10.0.0.1/v1/*", "10.0.0.1", 80, "/v1/a"));
    cr_assert(applies("api.example.com:8443/v1/*", "api.example.com", 8443, "/v1/a"));
}

Test(rules, a_label_applies_through_its_patterns)
{
    struct config *c = load("[host partners]\nmatch = a.example.com, *.partner.net\n"
                            "  [::1]:8080 10.0.0.0/8\ncost = 7\n");
    cr_assert_eq(find(c, "a.example.com", 1, "")->cost, 7);
    cr_assert_eq(find(c, "x.partner.net", 1, "")->cost, 7);
    cr_assert_eq(find(c, "::1", 8080, "")->cost, 7);
    cr_assert_eq(find(c, "10.9.9.9", 1, "")->cost, 7);
    cr_assert_eq(find(c, "partners", 1, "")->cost, 1);
    config_discard(c);
}

static const char ranked[] = "[host api.example.com/v1/*]\ncost = 9\n"
                             "[host api.example.com:8443]\ncost = 8\nmax_attempts = 8\n"
                             "[host api.example.com]\ncost = 7\nmax_attempts = 7\n"
                             "[host *.example.com]\ncost = 6\n"
                             "[host *.com]\ncost = 5\nbreaker_failures = 55\n"
                             "[host 10.1.0.0/16]\ncost = 4\n"
                             "[host 10.0.0.0/8]\ncost = 3\nbreaker_failures = 33\n"
                             "[host *]\ncost = 2\nunhealthy_after = 22\n";

Test(rules, the_most_specific_pattern_wins_whatever_the_order)
{
    struct config *c = load(ranked);
    cr_assert_eq(find(c, "api.example.com", 8443, "/v1/x")->cost, 9);
    cr_assert_eq(find(c, "api.example.com", 8443, "/")->cost, 8);
    cr_assert_eq(find(c, "api.example.com", 443, "/")->cost, 7);
    cr_assert_eq(find(c, "www.example.com", 443, "/")->cost, 6);
    cr_assert_eq(find(c, "www.other.com", 443, "/")->cost, 5);
    cr_assert_eq(find(c, "10.1.2.3", 443, "/")->cost, 4);
    cr_assert_eq(find(c, "10.2.2.3", 443, "/")->cost, 3);
    cr_assert_eq(find(c, "other.org", 443, "/")->cost, 2);
    config_discard(c);
}

Test(rules, sections_are_merged_key_by_key)
{
    struct config *c = load(ranked);
    const struct policy *p = find(c, "api.example.com", 443, "/v1/x");
    cr_assert_eq(p->cost, 9);
    cr_assert_eq(p->max_attempts, 7);
    cr_assert_eq(p->breaker_failures, 55);
    cr_assert_eq(p->unhealthy_after, 22);
    cr_assert_eq(find(c, "10.1.1.1", 1, "")->breaker_failures, 33);
    config_discard(c);
}

Test(rules, among_equals_the_later_section_wins)
{
    struct config *c = load("[host a]\nmatch = x.example.com\ncost = 5\n"
                            "[host b]\nmatch = x.example.com\ncost = 6\n");
    cr_assert_eq(find(c, "x.example.com", 443, "/")->cost, 6);
    config_discard(c);
}

Test(rules, equal_sets_of_sections_share_one_policy)
{
    struct config *c = load(ranked);
    cr_assert_eq(find(c, "www.example.com", 443, "/"), find(c, "ftp.example.com", 80, "/x"));
    cr_assert_neq(find(c, "www.example.com", 443, "/"), find(c, "api.example.com", 443, "/"));
    config_discard(c);
}

Test(rules, an_operation_adds_a_bucket_to_its_hosts)
{
    struct config *c = load("[host api.example.com]\nrate = 600/1m 20/s\nburst = 50\n"
                            "per = host+header:X-Org-Id\n"
                            "[host api.example.com/v1/search*]\nrate = 30/1m\nmax_attempts = 2\n");
    const struct policy *p = find(c, "api.example.com", 443, "/v1/search?");
    cr_assert_eq(p->limit_count, 2);
    cr_assert_not(p->limits[0].operation);
    cr_assert_eq(p->limits[0].rate_count, 2);
    cr_assert_eq(p->limits[0].rates[0].tokens, 600);
    cr_assert_eq(p->limits[0].rates[0].burst, 50);
    cr_assert_eq(p->limits[0].rates[1].burst, 50);
    cr_assert_str_eq(p->limits[0].rule, "api.example.com");
    cr_assert(p->limits[1].operation);
    cr_assert_eq(p->limits[1].rates[0].tokens, 30);
    cr_assert_eq(p->limits[1].rates[0].burst, 30);
    cr_assert_eq(p->limits[1].rates[0].interval_ns, 2 * NS_PER_S);
    cr_assert_str_eq(p->limits[1].rule, "api.example.com/v1/search*");
    cr_assert_str_eq(p->limits[1].per.header, "X-Org-Id");
    cr_assert_eq(p->max_attempts, 2);
    cr_assert_eq(find(c, "api.example.com", 443, "/v1/other")->limit_count, 1);
    config_discard(c);
}

Test(rules, an_operation_has_its_own_burst_and_key_where_given)
{
    struct config *c = load("[host *]\nrate = 100/1m\nper = origin\n"
                            "[host */embed*]\nrate = 60/1m\nburst = 5\nper = rule+uid\n");
    const struct policy *p = find(c, "x.example", 443, "/embed");
    cr_assert_eq(p->limits[0].rates[0].burst, 100);
    cr_assert_eq(p->limits[0].per.parts, PER_ORIGIN);
    cr_assert_eq(p->limits[1].rates[0].burst, 5);
    cr_assert_eq(p->limits[1].per.parts, PER_RULE | PER_UID);
    config_discard(c);
}

Test(rules, every_matching_operation_limits)
{
    struct config *c =
        load("[host *]\nrate = 1/s\n[host */*]\nrate = 2/s\n[host */a/*]\nrate = 3/s\n"
             "[host */a/b/*]\nrate = 4/s\n");
    const struct policy *p = find(c, "x.example", 443, "/a/b/c");
    cr_assert_eq(p->limit_count, 4);
    const uint32_t tokens[] = {1, 4, 3, 2};
    for (int i = 0; i < 4; i++)
        cr_assert_eq(p->limits[i].rates[0].tokens, tokens[i]);
    config_discard(c);
}

Test(rules, a_specific_rate_none_removes_a_general_rate)
{
    struct config *c = load("[host *]\nrate = 5/s\n[host free.example.com]\nrate = none\n");
    cr_assert_eq(find(c, "free.example.com", 443, "/")->limit_count, 0);
    cr_assert_eq(find(c, "other.example.com", 443, "/")->limit_count, 1);
    config_discard(c);
}

Test(rules, a_concurrency_is_a_limit_with_or_without_a_rate)
{
    struct config *c =
        load("[host *]\nper = uid\n[host a]\nconcurrency = 8\n[host b]\nrate = 5/s\n"
             "concurrency = 2\n[host b/up*]\nconcurrency = 1\n[host a/v1*]\nrate = 1/s\n");
    const struct policy *p = find(c, "a", 443, "/");
    cr_assert_eq(p->limit_count, 1);
    cr_assert_eq(p->limits[0].concurrency, 8);
    cr_assert_eq(p->limits[0].rate_count, 0);
    cr_assert_eq(p->limits[0].per.parts, PER_UID);
    cr_assert_str_eq(p->limits[0].rule, "a");
    p = find(c, "a", 443, "/v1/x");
    cr_assert_eq(p->limit_count, 2);
    cr_assert_eq(p->limits[1].concurrency, 0, "an operation does not inherit it");
    cr_assert_eq(p->limits[1].rate_count, 1);
    p = find(c, "b", 443, "/upload");
    cr_assert_eq(p->limit_count, 2);
    cr_assert_eq(p->limits[0].concurrency, 2);
    cr_assert_eq(p->limits[0].rate_count, 1);
    cr_assert_eq(p->limits[1].concurrency, 1);
    cr_assert_eq(p->limits[1].rate_count, 0);
    cr_assert(p->limits[1].operation);
    config_discard(c);
}

Test(rules, an_override_none_lifts_each_kind_of_limit_alone)
{
    static const char hosts[] = "[host a]\nrate = 5/s\nconcurrency = 8\n"
                                "[host a/v1*]\nrate = 1/s\nconcurrency = 2\n";
    char text[400];
    snprintf(text, sizeof text, "%s[override *]\nconcurrency = none\n", hosts);
    struct config *c = load(text);
    const struct policy *p = find(c, "a", 443, "/v1");
    cr_assert_eq(p->limit_count, 2);
    cr_assert(p->limits[0].rate_count && p->limits[1].rate_count);
    cr_assert(!p->limits[0].concurrency && !p->limits[1].concurrency);
    snprintf(text, sizeof text, "%s[override *]\nrate = none\n", hosts);
    c = load(text);
    p = find(c, "a", 443, "/v1");
    cr_assert_eq(p->limit_count, 2);
    cr_assert(!p->limits[0].rate_count && !p->limits[1].rate_count);
    cr_assert(p->limits[0].concurrency == 8 && p->limits[1].concurrency == 2);
}

Test(rules, a_retry_preset_applies_to_keys_not_given_as_specifically)
{
    struct config *c = load("[host *]\nmax_attempts = 7\nmax_delay = 8s\n"
                            "[host a.example]\nretry = expensive\n"
                            "[host b.example]\nretry = expensive\nmax_attempts = 4\n"
                            "[host c.example]\nretry = off\n"
                            "[host d.example]\nbase_delay = 10ms\n"
                            "[host e.example]\nretry = quick\n");
    const struct policy *p = find(c, "a.example", 1, "");
    cr_assert_eq(p->max_attempts, 5);
    cr_assert_eq(p->base_delay_ns, NS_PER_S);
    cr_assert_eq(p->max_delay_ns, 10 * NS_PER_S);
    p = find(c, "b.example", 1, "");
    cr_assert_eq(p->max_attempts, 4);
    cr_assert_eq(p->max_delay_ns, 10 * NS_PER_S);
    cr_assert_eq(find(c, "c.example", 1, "")->max_attempts, 1);
    p = find(c, "d.example", 1, "");
    cr_assert_eq(p->max_attempts, 7);
    cr_assert_eq(p->base_delay_ns, 10 * NS_PER_MS);
    cr_assert_eq(p->max_delay_ns, 8 * NS_PER_S);
    p = find(c, "e.example", 1, "");
    cr_assert_eq(p->max_attempts, 3);
    cr_assert_eq(p->base_delay_ns, 50 * NS_PER_MS);
    cr_assert_eq(p->max_delay_ns, 20 * NS_PER_S);
    config_discard(c);
}

static void collect(void *ctx, const struct section *s, bool operation)
{
    cr_assert_eq(operation, strchr(s->name, '/') != NULL);
    strncat(ctx, s->name, 200);
    strncat(ctx, " ", 2);
}

Test(rules, the_explanation_lists_the_most_specific_section_first)
{
    char seen[512] = "";
    struct config *c = load(ranked);
    struct target t = {.scheme = "https", .host = "api.example.com", .port = 8443, .path = "/v1/x"};
    rules_explain(c, &t, collect, seen);
    cr_assert_str_eq(seen, "api.example.com/v1/* api.example.com:8443 api.example.com "
                           "*.example.com *.com * ");
    config_discard(c);
}

Test(rules, an_override_beats_every_host_section_and_a_more_specific_override_beats_others)
{
    struct config *c = load("[host a.example/v1*]\ncost = 2\nmax_attempts = 4\n"
                            "[override *]\ncost = 3\nburst = 4\nrate = 9/s\n"
                            "[override *.example]\ncost = 5\n"
                            "[override none]\nmatch = b.net\nrate = none\n"
                            "[host b.net/v1]\nrate = 1/s\n");
    const struct policy *p = find(c, "a.example", 443, "/v1/x");
    cr_assert_eq(p->cost, 5);
    cr_assert_eq(p->max_attempts, 4);
    cr_assert_eq(p->limits[0].rates[0].burst, 4);
    cr_assert_eq(find(c, "b.net", 443, "/v1")->limit_count, 0);
    cr_assert_eq(find(c, "c.net", 443, "/v1")->cost, 3);
    config_discard(c);
}

Test(rules, the_name_of_an_abstract_socket_keeps_its_case)
{
    cr_assert(applies("unix:@Name", "unix:@Name", 0, ""));
    cr_assert(!applies("unix:@Name", "unix:@name", 0, ""));
}

Test(rules, more_sections_than_fit_into_the_small_array_all_apply)
{
    size_t n = 0;
    static char text[16384];
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "[host l%d]\nmatch = *\n%s = %d\n[host h%d.example]\ncost = %d\n", i,
                              i == 0 ? "breaker_failures" : "cost", i + 1, i, i + 1);
    struct config *c = load(text);
    cr_assert_eq(find(c, "other", 1, "")->cost, 100);
    cr_assert_eq(find(c, "other", 1, "")->breaker_failures, 1);
    for (int i = 0; i < 100; i++) {
        char host[32];
        snprintf(host, sizeof(host), "h%d.example", i);
        cr_assert_eq(find(c, host, 1, "")->cost, (uint32_t)i + 1);
    }
    config_discard(c);
}

/* With many sections, those that name a host in full are found by it. */
Test(rules, the_same_sections_apply_among_few_and_among_many)
{
    static const char few[] =
        "[host *]\ncost = 2\n[host a.example]\nburst = 5\nrate = 9/s\n"
        "[host pair]\nmatch = a.example b.example a.example:8443/v1/*\nmax_attempts = 7\n"
        "[host mixed]\nmatch = m.example *.m.example b.example\nmax_attempts = 8\n"
        "[host a.example/v1/*]\nrate = 3/s\n[host a.example]\ncost = 4\n"
        "[host b.example:8443]\ncost = 5\n[host 10.0.0.1]\ncost = 6\n[host 10.0.0.0/8]\ncost = 7\n"
        "[host unix:/run/a]\ncost = 8\n[host unix:/run/*]\nmax_attempts = 9\n";
    static const char *const hosts[] = {"a.example",   "b.example", "m.example", "x.m.example",
                                        "d.example",   "10.0.0.1",  "10.0.0.2",  "unix:/run/a",
                                        "unix:/run/b", "",          "h7.example"};
    static char many[65536];
    char *end = many;
    for (int i = 0; i < 200; i++)
        end += sprintf(end, "[host h%d.example]\nbreaker = off\n%s", i, i == 100 ? few : "");
    struct config *one = load(few), *other = load(many);
    for (size_t i = 0; i < array_size(hosts) - 1; i++)
        for (int k = 0; k < 2; k++) {
            uint16_t port = k ? 8443 : 443;
            const struct policy *p = find(one, hosts[i], port, "/v1/x");
            const struct policy *q = find(other, hosts[i], port, "/v1/x");
            cr_assert_eq(p->cost, q->cost, "%s", hosts[i]);
            cr_assert_eq(p->max_attempts, q->max_attempts, "%s", hosts[i]);
            cr_assert_eq(p->limit_count, q->limit_count, "%s", hosts[i]);
        }
    cr_assert_eq(find(other, "h7.example", 443, "/")->breaker, BREAKER_OFF);
    cr_assert_eq(find(other, "h7.example", 443, "/")->cost, 2);
    config_discard(one);
    config_discard(other);
}

/* The least processor time of several tries, for 200 look-ups of different hosts. */
static double seconds_for(int sections, const char *format)
{
    char *text = malloc((size_t)sections * 64 + 1), *end = text, host[64];
    double least = 1e9;
    for (int i = 0; i < sections; i++)
        end += sprintf(end, format, i);
    struct config *c = load(text);
    for (int k = 0; k < 5; k++) {
        clock_t start = clock();
        for (int i = 0; i < 200; i++) {
            snprintf(host, sizeof(host), "h%d.example", i);
            cr_assert_eq(find(c, host, 443, "/")->cost, 2);
        }
        double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        least = s < least ? s : least;
    }
    config_discard(c);
    free(text);
    return least;
}

Test(rules, a_look_up_takes_as_long_with_many_hosts_as_with_some)
{
    double some = seconds_for(SOME, "[host h%d.example]\ncost = 2\n");
    double many = seconds_for(20 * SOME, "[host h%d.example]\ncost = 2\n");
    cr_assert_lt(many, 3 * some + 0.0005, "%.6f s with some, %.6f s with many", some, many);
}

Test(rules, many_sections_that_all_apply_are_sorted_in_time_about_in_proportion)
{
    double some = seconds_for(SOME, "[host label%d]\nmatch = *\ncost = 2\n");
    double many = seconds_for(10 * SOME, "[host label%d]\nmatch = *\ncost = 2\n");
    cr_assert_lt(many, 40 * some, "%.6f s with some, %.6f s with many", some, many);
}

Test(rules, a_look_up_preserves_errno)
{
    struct config *c = load(ranked);
    errno = 4711;
    find(c, "api.example.com", 443, "/");
    cr_assert_eq(errno, 4711);
    config_discard(c);
}

struct race {
    const struct config *config;
    pthread_barrier_t barrier;
    const struct policy *seen[4][64];
};
struct runner {
    struct race *race;
    int id;
};

static void *look_up(void *arg)
{
    struct runner *r = arg;
    pthread_barrier_wait(&r->race->barrier);
    for (int i = 0; i < 64; i++) {
        char host[32];
        snprintf(host, sizeof(host), "h%d.example", i);
        r->race->seen[r->id][i] = find(r->race->config, host, 1, "");
    }
    return NULL;
}

Test(rules, racing_threads_get_the_same_policy)
{
    size_t n = 0;
    static char text[8192];
    for (int i = 0; i < 64; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "[host h%d.example]\ncost = 2\n", i);
    for (int round = 0; round < 50; round++) {
        static struct race race;
        struct runner runners[4];
        pthread_t threads[4];
        struct config *c = load(text);
        race.config = c;
        pthread_barrier_init(&race.barrier, NULL, 4);
        for (int i = 0; i < 4; i++) {
            runners[i] = (struct runner){&race, i};
            pthread_create(&threads[i], NULL, look_up, &runners[i]);
        }
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        for (int i = 0; i < 64; i++)
            for (int t = 1; t < 4; t++)
                cr_assert_eq(race.seen[t][i], race.seen[0][i]);
        pthread_barrier_destroy(&race.barrier);
        config_discard(c);
    }
}

Test(rules, an_invalid_pattern_is_reported_with_an_example)
{
    static const char *const bad[][2] = {
        {"https://api.example.com", "scheme"},
        {"api.example.com:http", "port"},
        {"api.example.com:0", "port"},
        {"api.example.com:65536", "port"},
        {"300.1.2.3", "IPv4"},
        {"10.0.0.0/33", "prefix"},
        {"fd00::/129", "prefix"},
        {"10.0.0.0:80/8", "port"},
        {".example.com", "empty"},
        {"a..example.com", "empty"},
        {"::1:8080:zz", "IPv6"},
        {"[::1", "brackets"},
        {"[example.com]:80", "brackets"},
        {"a.example.com/x?y=1", "query"},
        {"a b", "cannot be"},
        {"", "no pattern"},
    };
    for (size_t i = 0; i < array_size(bad); i++) {
        struct pattern p;
        char why[256] = "";
        cr_assert_not(pattern_parse(bad[i][0], strlen(bad[i][0]), &p, why, sizeof(why)), "%s",
                      bad[i][0]);
        cr_assert(strstr(why, bad[i][1]), "%s: %s", bad[i][0], why);
    }
}
