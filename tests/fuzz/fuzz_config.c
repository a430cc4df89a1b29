/* SPDX-License-Identifier: MIT
 *
 * Any text as a configuration: it must load, report each error as one printable line, count the
 * errors, and return a policy for any destination. */
#include "fuzz.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/config/config.h"
#include "engine/config/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const fuzz_seeds[] = {
    "[harden]\nmode = observe\nprograms = * !bash\nservice = auto\nlog = info\nlog_to = "
    "/var/log/%n.log\nevents = ~/e\nstate = private\nmax_hosts = 7\nsnapshot_interval = 1.5s\n",
    "[host *]\nrate = 60/1m 5/1s\nburst = 3\ncost = 2\nper = host+header:X-Org-Id+env:A\n"
    "on_limit = fail\nmax_wait = 250ms ; soon\nretry = expensive\nmax_attempts = 4\njitter = "
    "decorrelated\n",
    "[host api.example.com/v1/search*]\nrate = 30/1m\nretry_on = dns, tls\n  503 5xx\n"
    "\tCURLE_SSH 28\n"
    "never_on = 500\nretry_methods = GET POST\nhold_limit = 64KiB\nretry_budget = 20%\n"
    "retry_reserve = 10/1m\n",
    "\xef\xbb\xbf[host partners]\r\nmatch = *.example.com [::1]:8080\r\n   10.0.0.0/8 fd00::/8\r\n"
    "[host [::1]:8080]\nbreaker = off\n# c\n; d\n[host 10.0.0.0/8]\nbreaker_ratio: 50%\n",
    "[check db]\ntype = tcp\ntarget = db.example.com:5432\ninterval = 10s\nunhealthy_after = 2\n"
    "[check web]\ntype = http\ntarget = https://u:p@[::1]:8443/h?q\nexpect = 200-299 404 3xx\n"
    "[check ns]\ntype = dns\ntarget = example.com\ntimeout = 250ms\nhealthy_after = 2\n",
    "include = no/such.ini\n?include =~/x\n[program fuzz*]\n? colour : 5\nmode = off # now\nretry "
    "= quick\n"
    "[program [a-z]*]\ncost = 2\nmax_delay=3s\n[harden]\ninclude = /\nservice = "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "a b  c aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;#|aaaaaaaaaaaaaaaaaaaaaaaaaa\n  e\n",
    NULL,
};

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void count(void *ctx, const char *line)
{
    int *errors = ctx;
    ++*errors;
    REQUIRE(strncmp(line, "f.ini:", 6) == 0);
    for (const char *p = line; *p; p++)
        REQUIRE((unsigned char)*p >= ' ');
}

static void check_policy(const struct policy *p)
{
    REQUIRE(p);
    REQUIRE(p->max_attempts >= 1 && p->max_attempts <= 20);
    REQUIRE(p->cost >= 1);
    REQUIRE(p->max_wait_ns >= 0 && p->base_delay_ns > 0 && p->max_delay_ns > 0);
    REQUIRE(p->limit_count >= 0 && p->limit_count <= LIMITS_MAX);
    for (int i = 0; i < p->limit_count; i++) {
        const struct limit *l = &p->limits[i];
        REQUIRE(l->rate_count >= 1 && l->rate_count <= RATES_MAX && l->rule && l->per.parts);
        for (int k = 0; k < l->rate_count; k++)
            REQUIRE(l->rates[k].interval_ns > 0 && l->rates[k].burst > 0);
    }
    REQUIRE(p->retry_methods[METHODS_MAX - 1][0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct target targets[] = {
        {"https", "api.example.com", 443, true, "/v1/search"},
        {"http", "10.1.2.3", 8080, false, "/"},
        {"", "::1", 8080, false, ""},
        {"http", "", 0, false, "/\xff"},
    };
    int errors = 0;
    struct config *c = config_load_text("f.ini", (const char *)data, size, count, &errors);
    REQUIRE(c);
    REQUIRE(c->errors == errors);
    REQUIRE(c->max_hosts >= 1 && c->snapshot_interval_ns > 0 && c->service && c->log_to);
    for (size_t i = 0; i < array_size(targets); i++) {
        const struct policy *p = rules_find(c, &targets[i]);
        check_policy(p);
        REQUIRE(p == rules_find(c, &targets[i]));
    }
    REQUIRE(c->check_count <= c->check_section_count);
    for (int i = 0; i < c->check_count; i++) {
        const struct check_config *k = &c->checks[i];
        REQUIRE(k->name && k->target && k->at.host[0] && k->at.origin[0]);
        REQUIRE(k->kind < CHECK_KINDS && k->interval_ns >= 100 * NS_PER_MS);
        REQUIRE(k->timeout_ns > 0 && k->unhealthy_after >= 1 && k->healthy_after >= 1);
    }
    config_covers(c, "curl");
    config_discard(c);
    return 0;
}
