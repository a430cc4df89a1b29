/* SPDX-License-Identifier: MIT
 *
 * What `harden config` prints, read as a configuration, gives the same policies. */
#include "base/env.h"
#include "base/words.h"
#include "cli/config_explain.h"
#include "cli/config_print.h"
#include "engine/config/rules.h"

#include "random_config.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIGURATIONS 1000

static char path[] = "/tmp/harden-round-trip-XXXXXX";

static char *printed(const struct config *c)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    config_print(f, c, false);
    fclose(f);
    return text;
}

static char *explained(const struct config *c, const char *url)
{
    char *text = NULL, why[256];
    size_t n;
    struct destination d;
    FILE *f = open_memstream(&text, &n);
    if (!destination_parse(url, &d, why, sizeof why) || !config_explain(f, c, &d))
        abort();
    fclose(f);
    return text;
}

/* Removes what says where values come from: comments, [host *] in the list of sections. */
static void remove_sources(char *text)
{
    char *out = text;
    for (char *line = text; *line;) {
        size_t n = strcspn(line, "\n"), used = n;
        bool section =
            strncmp(line, "  [host *]", 10) == 0 || strncmp(line, "  none: the", 11) == 0;
        for (size_t i = 2; i + 1 < used; i++)
            if (line[i] == ' ' && line[i + 1] == ';')
                used = i;
        while (used && line[used - 1] == ' ')
            used--;
        if (*line != ';' && !section) {
            memmove(out, line, used);
            out += used;
            *out++ = '\n';
        }
        line += n + (line[n] == '\n');
    }
    *out = '\0';
}

static bool same_text(const char *what, char *a, char *b)
{
    remove_sources(a);
    remove_sources(b);
    bool same = strcmp(a, b) == 0;
    if (!same)
        fprintf(stderr, "%s differs:\n%s\n-- and --\n%s\n", what, a, b);
    free(a);
    free(b);
    return same;
}

static bool same_limit(const struct limit *a, const struct limit *b)
{
    return a->rate_count == b->rate_count && a->operation == b->operation &&
           a->concurrency == b->concurrency && memcmp(a->rates, b->rates, sizeof a->rates) == 0 &&
           a->per.parts == b->per.parts && strcmp(a->per.header, b->per.header) == 0 &&
           strcmp(a->per.env, b->per.env) == 0 &&
           strcmp(a->rule ? a->rule : "", b->rule ? b->rule : "") == 0;
}

static bool same_part(const struct policy *a, const struct policy *b, size_t from, size_t to)
{
    return memcmp((const char *)a + from, (const char *)b + from, to - from) == 0;
}

static bool same_policy(const struct policy *a, const struct policy *b)
{
    bool same = a->limit_count == b->limit_count && a->pause_is_narrow == b->pause_is_narrow &&
                same_limit(&a->pause_scope, &b->pause_scope);
    for (int i = 0; i < a->limit_count && same; i++)
        same = same_limit(&a->limits[i], &b->limits[i]);
    return same &&
           same_part(a, b, offsetof(struct policy, cost),
                     offsetof(struct policy, pause_is_narrow)) &&
           same_part(a, b, offsetof(struct policy, retry_budget_percent), sizeof *a);
}

/* 50 destinations: every host on one of its ports, with every path. */
static bool same_for_all_urls(const struct config *a, const struct config *b)
{
    static const char *const hosts[] = {"http://a.example",
                                        "https://api.a.example",
                                        "https://api.a.example:8443",
                                        "http://other.net",
                                        "http://xn--bcher-kva.example",
                                        "http://localhost:8080",
                                        "http://10.0.0.1",
                                        "http://10.1.2.3:8080",
                                        "http://[::1]:8080",
                                        "http://[fd00::7]",
                                        "http://label1",
                                        "a.example:8443"};
    static const char *const paths[] = {"/", "/v1/search?q", "/v1/x", "/V1/Foo"};
    static const char *const local[] = {"unix:/run/App.sock", "unix:@Name"};
    char url[128], why[256];
    struct destination d;
    for (size_t i = 0; i < 4 * array_size(hosts) + array_size(local); i++) {
        if (i < 4 * array_size(hosts))
            snprintf(url, sizeof url, "%s%s", hosts[i / 4], paths[i % 4]);
        else
            snprintf(url, sizeof url, "%s", local[i - 4 * array_size(hosts)]);
        if (!destination_parse(url, &d, why, sizeof why) ||
            !same_text(url, explained(a, url), explained(b, url)))
            return false;
        if (!same_policy(rules_find(a, &d.target), rules_find(b, &d.target))) {
            fprintf(stderr, "the policy of %s differs\n", url);
            return false;
        }
    }
    return true;
}

static bool same_word(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_process(const struct config *a, const struct config *b)
{
    bool same = a->mode == b->mode && same_word(a->programs, b->programs) &&
                same_word(a->service, b->service) && a->log == b->log &&
                same_word(a->log_to, b->log_to) && same_word(a->events, b->events) &&
                same_word(a->state, b->state) && a->max_hosts == b->max_hosts &&
                same_word(a->snapshot, b->snapshot) && same_word(a->metrics, b->metrics) &&
                a->snapshot_interval_ns == b->snapshot_interval_ns &&
                a->deepbind_mask == b->deepbind_mask && a->thread == b->thread &&
                a->check_count == b->check_count;
    for (int i = 0; i < a->check_count && same; i++) {
        const struct check_config *x = &a->checks[i], *y = &b->checks[i];
        same = same_word(x->name, y->name) && x->kind == y->kind &&
               same_word(x->target, y->target) && x->interval_ns == y->interval_ns &&
               x->timeout_ns == y->timeout_ns &&
               memcmp(&x->expect, &y->expect, sizeof x->expect) == 0 &&
               x->unhealthy_after == y->unhealthy_after && x->healthy_after == y->healthy_after;
    }
    return same;
}

/* In a process of its own, because the environment is read once. */
static int compare(const struct random_config *r)
{
    FILE *f = fopen(path, "w");
    if (!f || fwrite(r->file, 1, r->length, f) != r->length || fclose(f))
        return 2;
    clearenv();
    setenv("HOME", "/home/u", 1);
    setenv("HARDEN_CONFIG", path, 1);
    for (int i = 0; i < r->variables; i++)
        setenv(r->variable[i][0], r->variable[i][1], 1);
    struct config *first = config_load(NULL, NULL);
    char *text = printed(first);
    struct config *second = config_load_text("printed", text, strlen(text), NULL, NULL);
    /* A cost that is more than 62 days' worth is an error, and counts nevertheless. */
    bool same = second->errors <= first->errors && same_process(first, second) &&
                same_for_all_urls(first, second) &&
                same_text("the configuration", printed(first), printed(second));
    if (!same)
        fprintf(stderr, "-- printed --\n%s", text);
    free(text);
    return !same;
}

/* Another [override] section may keep the limits of operations that this one would remove. */
Test(config_round_trip, the_rate_of_an_operation_is_printed_although_an_override_is_none)
{
    static const char text[] = "[override *]\nrate = none\n[override *.example]\nrate = 9/s\n"
                               "[host a.example/v1*]\nrate = 1/s\n";
    struct config *first = config_load_text("t.ini", text, strlen(text), NULL, NULL);
    char *out = printed(first);
    struct config *second = config_load_text("printed", out, strlen(out), NULL, NULL);
    cr_assert(same_for_all_urls(first, second));
    free(out);
    config_discard(first);
    config_discard(second);
}

Test(config_round_trip, what_is_printed_gives_the_same_policies, .timeout = 300)
{
    static struct random_config r;
    int status = 0, fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    for (uint64_t seed = 1; seed <= CONFIGURATIONS && !status; seed++) {
        random_config(&r, seed);
        pid_t child = fork();
        if (!child)
            _exit(compare(&r));
        cr_assert_eq(waitpid(child, &status, 0), child);
        if (status) {
            fprintf(stderr, "-- seed %llu --\n%s", (unsigned long long)seed, r.file);
            for (int i = 0; i < r.variables; i++)
                fprintf(stderr, "%s=%s\n", r.variable[i][0], r.variable[i][1]);
        }
    }
    unlink(path);
    cr_assert_eq(status, 0);
}
