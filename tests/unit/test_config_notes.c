/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "cli/config_notes.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

static void collect(void *ctx, const char *line)
{
    strncat(ctx, line, 2000);
    strncat(ctx, "\n", 2);
}

static void ignore(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

static const char *notes_of(const char *text)
{
    static char all[8192];
    *all = '\0';
    struct config *c = config_load_text("t.ini", text, strlen(text), NULL, NULL);
    cr_assert_eq(c->errors, 0, "%s", text);
    int n = config_notes(c, collect, all), lines = 0;
    for (const char *s = all; *s; s++)
        lines += *s == '\n';
    cr_assert_eq(n, lines);
    config_discard(c);
    return all;
}

static void noted(const char *text, const char *note)
{
    const char *all = notes_of(text);
    cr_assert_eq(strncmp(all, note, strlen(note)), 0, "%s\ngives %s\nnot %s", text, all, note);
    cr_assert_eq(strlen(all), strlen(note) + 1, "%s\ngives more: %s", text, all);
}

static void not_noted(const char *text)
{
    cr_assert_str_eq(notes_of(text), "", "%s", text);
}

Test(config_notes, places_that_are_seldom_or_never_reached_are_noted)
{
    noted("[host a]\nfallback = b\nretry = off\n",
          "t.ini:2: [host a] fallback = b: nothing is repeated, so requests go there only while a "
          "circuit is open");
    noted("[host a]\nfallback = b\nretry = off\nbreaker = observe\n",
          "t.ini:2: [host a] fallback = b: no effect, because nothing is repeated and no circuit "
          "opens");
    noted(
        "[host a]\nfallback = b c d\nattempt_timeout = 5s\n",
        "t.ini:2: [host a] fallback = b c d: with max_attempts = 3 a request tries only 2 of these "
        "places");
    noted("[host a]\nfallback = b c\n", "t.ini:2: [host a] fallback = b c: without attempt_timeout "
                                        "or connect_timeout, a place that "
                                        "does not answer uses up all the time of a request");
    not_noted("[host a]\nfallback = b c\nattempt_timeout = 5s\n");
    not_noted("[host a]\nfallback = b c\nconnect_timeout = 2s\n");
    not_noted("[host a]\nfallback = none\nretry = off\n");
}

Test(config_notes, a_value_that_another_one_makes_useless_is_noted_at_its_line)
{
    noted("[host *]\nbase_delay = 10s\n",
          "t.ini:2: [host *] base_delay = 10s: every delay is at most max_delay = 5s");
    noted("[host *]\nmax_elapsed = 10s\nmax_wait = 1m\n",
          "t.ini:3: [host *] max_wait = 1m: a request that has waited longer than max_elapsed = "
          "10s is "
          "not repeated any more");
    noted(
        "[host *]\nconnect_timeout = 10s\nattempt_timeout = 5s\n",
        "t.ini:2: [host *] connect_timeout = 10s: never expires, because attempt_timeout = 5s does "
        "before, and that is no failure of the host");
    noted("[host *]\nstall_timeout = 5s\nattempt_timeout = 5s\n",
          "t.ini:2: [host *] stall_timeout = 5s: never expires, because attempt_timeout = 5s does "
          "before");
    noted(
        "[host *]\nbreaker_open = 10m\n",
        "t.ini:2: [host *] breaker_open = 10m: the circuit is open for breaker_max_open = 300s at "
        "most");
    noted(
        "[host *]\nretry_after = off\nhint = X-In s\n",
        "t.ini:3: [host *] hint = X-In s: with retry_after = off no wait that a server asks for is "
        "made");
    noted("[host *]\nretry_budget = off\nretry_reserve = 5/1m\n",
          "t.ini:3: [host *] retry_reserve = 5/1m: no effect, because retry_budget = off sets no "
          "limit");
    noted(
        "[host *]\nslow_after = 5s\nattempt_timeout = 5s\n",
        "t.ini:2: [host *] slow_after = 5s: nothing is slow, because attempt_timeout = 5s ends it "
        "before");
    noted(
        "[host *]\nslow_after = 2s\nbreaker = off\n",
        "t.ini:2: [host *] slow_after = 2s: slow attempts are only counted, because breaker = off");
    noted("[host *]\ncheck_opens = on\n",
          "t.ini:2: [host *] check_opens = on: no effect without a tcp or http check");
    noted("[host *]\ncheck_opens = on\n[check c]\ntype = dns\ntarget = a.example\n",
          "t.ini:2: [host *] check_opens = on: no effect without a tcp or http check");
    noted("[host *]\ncheck_opens = on\nbreaker = off\n",
          "t.ini:2: [host *] check_opens = on: no effect without a breaker");
    noted("[host *]\non_limit = fail\nmax_wait = 1s\n",
          "t.ini:3: [host *] max_wait = 1s: no effect, because with on_limit = fail no request "
          "waits");
}

Test(config_notes, slow_after_and_check_opens_that_have_an_effect_are_not_noted)
{
    not_noted("[host *]\nslow_after = 2s\nattempt_timeout = 5s\n");
    not_noted("[host *]\nslow_after = none\ncheck_opens = off\nbreaker = off\n");
    not_noted("[host *]\ncheck_opens = on\n[check c]\ntype = tcp\ntarget = a.example:443\n");
}

Test(config_notes, a_less_specific_section_counts_and_a_more_specific_one_does_not)
{
    noted("[host *]\nmax_delay = 1s\n[host a.example]\nbase_delay = 2s\n",
          "t.ini:4: [host a.example] base_delay = 2s: every delay is at most max_delay = 1s");
    noted("[host 10.0.0.0/8]\nbase_delay = 6s\n[host 10.0.0.0/16]\nmax_delay = 9s\n",
          "t.ini:2: [host 10.0.0.0/8] base_delay = 6s: every delay is at most max_delay = 5s");
    not_noted("[host *]\nbase_delay = 2s\n[host a.example]\nmax_delay = 1s\n");
    not_noted("[host *]\nmax_delay = 9s\n[host *.example]\nbase_delay = 8s\n");
    not_noted(
        "[host *]\nretry_methods = GET POST\nmax_elapsed = 1m\n[host a.example]\nretry = off\n");
    not_noted("[host *]\nmax_wait = 1m\n[host a.example]\non_limit = fail\n");
    not_noted("[host *]\nhint = X-In s\n[host a.example]\nretry_after = off\n");
}

Test(config_notes, retries_that_are_not_made_need_no_settings)
{
    noted("[host *]\nretry = off\nretry_on = 503\njitter = none\n",
          "t.ini:4: [host *] jitter = none: nothing is repeated, because of retry = off");
    noted("[host *]\nmax_attempts = 1\n[host a.example]\nmax_elapsed = 9s\n",
          "t.ini:4: [host a.example] max_elapsed = 9s: nothing is repeated, because of "
          "max_attempts = 1");
    noted("[host *]\nretry = off\nmax_attempts = 5\n",
          "t.ini:3: [host *] max_attempts = 5: requests are repeated, although retry = off");
    not_noted("[host *]\nretry = off\n[host a.example]\nmax_attempts = 5\n");
    not_noted("[host *]\nretry = off\nmax_attempts = 1\n");
}

Test(config_notes, an_objective_that_is_none_is_noted)
{
    noted("[host *]\nslo_latency = 800ms\n",
          "t.ini:2: [host *] slo_latency = 800ms: no effect without slo");
    noted("[host *]\nslo = 93%\n",
          "t.ini:2: [host *] slo = 93%: only more than 93.05% can burn fast, so it "
          "never changes the status of a host");
    not_noted("[host *]\nslo = 99.5%\nslo_latency = 800ms\n");
    not_noted("[host *]\nslo = 93.1%\n");
    not_noted("[host *]\nslo_latency = 800ms\n[host a.example]\nslo = 99%\n");
}

Test(config_notes, a_word_of_retry_on_of_which_never_on_leaves_nothing_is_noted)
{
    noted("[host *]\nretry_on = dns 503\nnever_on = 5xx\n",
          "t.ini:2: [host *] retry_on = dns 503: 503 is never repeated, because never_on = 5xx");
    not_noted("[host *]\nretry_on = 5xx\nnever_on = 501 505\n");
    not_noted("[host *]\nretry_on = 5xx\n[host a.example]\nnever_on = 5xx\n");
    not_noted("[host *]\nretry_on = none\nnever_on = 5xx\n");
}

Test(config_notes, a_rate_that_is_never_reached_is_noted)
{
    noted(
        "[host a.example]\nrate = 60/1m 5/1s\nburst = 5\n",
        "t.ini:2: [host a.example] rate = 60/1m 5/1s: 5/1s has no effect, because 60/1m, burst 5, "
        "allows less");
    noted("[host a.example]\nrate = 5/1s\n[host a.example/v1*]\nrate = 10/1s\n",
          "t.ini:4: [host a.example/v1*] rate = 10/1s: no effect, because all requests of the host "
          "may "
          "be 5/1s, burst 5, at most");
    not_noted("[host a.example]\nrate = 60/1m 5/1s\n");
    not_noted("[host a.example]\nrate = 5/1s\n[host a.example/v1*]\nrate = 60/1m\n");
    not_noted("[host a.example]\nrate = 5/1s\nper = header:X-Key\n"
              "[host a.example/v1*]\nper = host\nrate = 10/1s\n");
    noted("[override *]\nrate = 60/1m 5/1s\nburst = 5\n[host *]\ncost = 2\n",
          "t.ini:2: [override *] rate = 60/1m 5/1s: 5/1s has no effect, because 60/1m, burst 5, "
          "allows "
          "less");
    noted(
        "[host a.example]\nrate = 3/1m\ncost = 5\n",
        "t.ini:3: [host a.example] cost = 5: a burst of 3 is less than cost = 5, and counts as 5");
    not_noted("[host a.example]\nrate = 100/1m\nburst = 1\ncost = 5\n");
    noted(
        "[host a.example]\nrate = 3/1m\ncost = 5\n[host a.example/x*]\nrate = 6/1m\n",
        "t.ini:3: [host a.example] cost = 5: a burst of 3 is less than cost = 5, and counts as 5\n"
        "t.ini:5: [host a.example/x*] rate = 6/1m: no effect, because all requests of the host may "
        "be 3/1m, burst 3, at most");
}

Test(config_notes, a_section_that_a_later_one_of_the_same_pattern_hides_is_noted)
{
    noted("[host a.example]\nmax_wait = 5s\ncost = 2\n[host b]\nmatch = x.example A.example.\n"
          "max_wait = 6s\n",
          "t.ini:2: [host a.example] max_wait = 5s: never used, because [host b] at line 6 has the "
          "same "
          "pattern");
    noted("[host 0:0::1]\ncost = 2\n[host ::1]\ncost = 3\n",
          "t.ini:2: [host 0:0::1] cost = 2: never used, because [host ::1] at line 4 has the same "
          "pattern");
    not_noted("[host a]\nmatch = x.example y.example\ncost = 2\n[host x.example]\ncost = 3\n");
    not_noted("[host a.example/v1]\nrate = 1/s\n[host b]\nmatch = a.example/v1\nrate = 100/1m\n");
    not_noted("[host a.example]\ncost = 2\n[override a.example]\nmax_wait = 1s\n");
}

Test(config_notes, checks_that_cannot_keep_their_interval_or_are_not_run_are_noted)
{
    noted("[check a]\ntype = tcp\ntarget = a:1\ninterval = 1s\ntimeout = 3s\n",
          "t.ini:4: [check a] interval = 1s: a run may take timeout = 3s, and the next one begins "
          "after "
          "it");
    noted("[harden]\nthread = off\n[check a]\ntype = tcp\ntarget = a:1\n",
          "t.ini:2: [harden] thread = off: the checks are not run");
    not_noted("[check a]\ntype = tcp\ntarget = a:1\ninterval = 1s\n");
    not_noted("[check a]\ntype = tcp\ntarget = a:1\ninterval = 1s\ntimeout = 5s\n");
    not_noted("[harden]\nthread = off\n");
}

Test(config_notes, defaults_presets_and_samples_give_none)
{
    glob_t found;
    not_noted("");
    not_noted("[host *]\nretry = expensive\nmax_wait = 2m\n");
    not_noted("[host *]\nmax_wait = 2m\nmax_elapsed = 30s\n");
    not_noted("[host *]\nretry = off\njitter = full\n");
    cr_assert_eq(glob("conf/*.ini", 0, NULL, &found), 0);
    cr_assert_eq(glob("conf/*/*.ini", GLOB_APPEND, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        static char text[65536];
        FILE *f = fopen(found.gl_pathv[i], "r");
        cr_assert_not_null(f);
        size_t n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
        text[n] = '\0';
        cr_assert_str_eq(notes_of(text), "", "%s: %s", found.gl_pathv[i], notes_of(text));
    }
    globfree(&found);
}

/* What is noted must not depend on how many sections there are. */
Test(config_notes, many_sections_are_examined_in_seconds, .timeout = 60)
{
    static char text[400000];
    size_t n = 0;
    for (int i = 0; i < 3000; i++)
        n +=
            (size_t)snprintf(text + n, sizeof text - n, "[host h%d.example]\nbase_delay = 6s\n", i);
    struct config *c = config_load_text("t.ini", text, n, NULL, NULL);
    cr_assert_eq(config_notes(c, ignore, NULL), 3000);
    config_discard(c);
}
