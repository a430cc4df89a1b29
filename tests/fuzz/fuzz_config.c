/* SPDX-License-Identifier: MIT
 *
 * Any text as a configuration: it must load, report each error as one sane line, count them, and
 * give a policy for any destination. With clang: -fsanitize=fuzzer -DLIBFUZZER. Otherwise main()
 * mutates the seeds below for argv[1] rounds (100,000), from a fixed start, so a failure repeats;
 * or, with file names, runs those. */
#include "base/compiler.h"
#include "engine/config.h"
#include "engine/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    config_covers(c, "curl");
    config_discard(c);
    return 0;
}

#ifndef LIBFUZZER
static const char *const seeds[] = {
    "[harden]\nmode = observe\nprograms = * !bash\nservice = auto\nlog = info\nlog_to = "
    "/var/log/%n.log\nevents = ~/e\nstate = private\nmax_hosts = 7\nsnapshot_interval = 1.5s\n",
    "[host *]\nrate = 60/1m 5/1s\nburst = 3\ncost = 2\nper = host+header:X-Org-Id+env:A\non_limit "
    "= "
    "fail\nmax_wait = 250ms ; soon\nretry = expensive\nmax_attempts = 4\njitter = decorrelated\n",
    "[host api.example.com/v1/search*]\nrate = 30/1m\nretry_on = dns, tls\n  503 5xx\n\tCURLE_SSH "
    "28\n"
    "never_on = 500\nretry_methods = GET POST\nhold_limit = 64KiB\nretry_budget = 20%\n",
    "\xef\xbb\xbf[host partners]\r\nmatch = *.example.com [::1]:8080\r\n   10.0.0.0/8 fd00::/8\r\n"
    "[host [::1]:8080]\nbreaker = off\n# c\n; d\n[host 10.0.0.0/8]\nbreaker_ratio: 50%\n",
};
static const char *const pieces[] = {
    "[host ", "]",   "[harden]", "\n",      "\n ",      "=",    ":",    " ;", "/",   "*",
    "::",     "[",   ".",        "0",       "99999999", "none", "auto", ",",  "+",   "%",
    "match",  "5/s", "rate = ",  "header:", "\r",       "\t",   "-",    "!",  "1d ", "KiB",
};

static uint64_t state = 0x9e3779b97f4a7c15u;

static size_t below(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % n;
}

static size_t replace(char *text, size_t n, size_t room, size_t at, size_t cut, const char *s,
                      size_t length)
{
    if (cut > n - at)
        cut = n - at;
    if (n - cut + length > room)
        return n;
    memmove(text + at + length, text + at + cut, n - at - cut);
    memcpy(text + at, s, length);
    return n - cut + length;
}

static size_t mutate(char *text, size_t n, size_t room)
{
    char byte = (char)below(256);
    const char *piece = pieces[below(array_size(pieces))];
    const char *seed = seeds[below(array_size(seeds))];
    size_t at = below(n + 1), from = below(strlen(seed));
    switch (below(5)) {
    case 0:
        return replace(text, n, room, at, 1, &byte, 1);
    case 1:
        return replace(text, n, room, at, below(12), piece, strlen(piece));
    case 2:
        return replace(text, n, room, at, below(40), "", 0);
    case 3:
        return replace(text, n, room, at, 0, seed + from, below(strlen(seed) - from) + 1);
    default: {
        char run[300];
        memset(run, byte ? byte : 'x', sizeof(run));
        return replace(text, n, room, at, 0, run, below(sizeof(run)));
    }
    }
}

static void run_file(const char *path)
{
    static char text[1 << 20];
    FILE *f = fopen(path, "rb");
    REQUIRE(f);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    LLVMFuzzerTestOneInput((const uint8_t *)text, n);
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long rounds = argc > 1 ? strtol(argv[1], &end, 10) : 100000;
    if (end && *end) {
        for (int i = 1; i < argc; i++)
            run_file(argv[i]);
        return 0;
    }
    for (long i = 0; i < rounds; i++) {
        static char text[4096];
        const char *seed = seeds[below(array_size(seeds))];
        size_t n = strlen(seed);
        memcpy(text, seed, n);
        for (size_t k = below(8) + 1; k > 0; k--)
            n = mutate(text, n, sizeof(text));
        /* A copy of exactly that size, so that a sanitizer sees a read past the end. */
        uint8_t *exact = malloc(n ? n : 1);
        REQUIRE(exact);
        memcpy(exact, text, n);
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    return 0;
}
#endif
