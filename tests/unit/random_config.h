/* SPDX-License-Identifier: MIT
 *
 * Random configurations, the same for the same seed: sections with patterns of every form, labels, keys of the
 * whole table of options, and variables of the environment.
 *
 *     struct random_config r;
 *     random_config(&r, seed);        r.file is the text of a file, r.variable the HARDEN_* beside it */
#ifndef TESTS_RANDOM_CONFIG_H
#define TESTS_RANDOM_CONFIG_H

#include "base/compiler.h"
#include "base/words.h"
#include "engine/config/options.h"
#include "engine/config/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_VARIABLES 12

struct random_config {
    uint64_t state;
    char file[32768];
    size_t length;
    char variable[RANDOM_VARIABLES][2][512]; /* name, value */
    int variables;
    bool used[OPTION_MAX]; /* a key is set once in a section */
};

static uint32_t random_below(struct random_config *r, uint32_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(r->state >> 33) % n;
}

#define RANDOM_OF(r, words) ((words)[random_below((r), array_size(words))])

__attribute__((format(printf, 2, 3))) static void random_put(struct random_config *r,
                                                             const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    r->length += (size_t)vsnprintf(r->file + r->length, sizeof r->file - r->length, fmt, ap);
    va_end(ap);
}

static const char *random_pattern(struct random_config *r)
{
    static const char *const all[] = {
        "*",
        "*:8080",
        "*/v1/search*",
        "*.example",
        "a.*",
        "*a.ex*",
        "*.example:8443",
        "*.example/v1/*",
        "a.example",
        "A.Example.",
        "api.a.example",
        "api.a.example:8443",
        "api.a.example:8443/v1/*",
        "api.a.example/V1/Foo",
        "api.a.example/v1/search*",
        "api.a.example/v1*",
        "xn--bcher-kva.example",
        "b\303\274cher.example",
        "localhost",
        "localhost:8080",
        "10.0.0.1",
        "10.0.0.1:8080",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.0.0.1/v1/x",
        "::1",
        "[::1]:8080",
        "[::1]/v1*",
        "fd00::/8",
        "unix:/run/App.sock",
        "unix:/run/*",
        "unix:@Name",
        "unix:*",
    };
    return RANDOM_OF(r, all);
}

static void random_list(struct random_config *r, char *out, size_t size, int most,
                        const char *(*word)(struct random_config *r))
{
    static const char *const between[] = {" ", ", ", "  ", ","};
    size_t n = 0;
    *out = '\0';
    for (int i = 1 + (int)random_below(r, (uint32_t)most); i > 0; i--)
        n += (size_t)snprintf(out + n, size - n, "%s%s", word(r),
                              i > 1 ? RANDOM_OF(r, between) : "");
}

static const char *random_rate(struct random_config *r)
{
    static const char *const all[] = {"5/s",    "60/1m",  "100/2m",      "1/1d", "1000/1h",
                                      "1/10ms", "7/1.5s", "1000000/31d", "3/s",  "12/1m"};
    return RANDOM_OF(r, all);
}

static const char *random_method(struct random_config *r)
{
    static const char *const all[] = {"GET", "head", "POST", "PATCH", "M-SEARCH", "PUT"};
    return RANDOM_OF(r, all);
}

static const char *random_outcome(struct random_config *r)
{
    static const char *const all[] = {"dns",
                                      "connect",
                                      "tls",
                                      "timeout",
                                      "reset",
                                      "503",
                                      "5xx",
                                      "429",
                                      "28",
                                      "CURLE_GOT_NOTHING",
                                      "partial",
                                      "throttled",
                                      "OPERATION_TIMEDOUT"};
    return RANDOM_OF(r, all);
}

static const char *random_hint(struct random_config *r)
{
    static const char *const all[] = {"X-Retry-In ms", "X-Next epoch", "X-At date", "X-Wait s"};
    return RANDOM_OF(r, all);
}

static const char *random_status(struct random_config *r)
{
    static const char *const all[] = {"200", "200-399", "2xx", "404", "100-599"};
    return RANDOM_OF(r, all);
}

static const char *random_per(struct random_config *r)
{
    static const char *const all[] = {"host",     "origin",        "rule",
                                      "uid",      "host+uid",      "host+header:X-Org-Id",
                                      "env:TEAM", "rule+env:HOME", "origin+header:X-Key"};
    return RANDOM_OF(r, all);
}

static const char *random_text(struct random_config *r)
{
    static const char *const all[] = {
        "auto", "python* !ruby", "curl", "http://h.example/x?y=z", "db.example:5432", "a b c d",
        "*"};
    return RANDOM_OF(r, all);
}

static const char *random_place(struct random_config *r)
{
    static const char *const all[] = {"b.example", "b.example:8443", "192.0.2.7", "[fd00::7]:443"};
    return RANDOM_OF(r, all);
}

static const char *random_share(struct random_config *r)
{
    static const char *const all[] = {"99.5%", "50%", "99.999%", "90%"};
    return RANDOM_OF(r, all);
}

static const char *random_path(struct random_config *r)
{
    static const char *const all[] = {
        "/tmp/harden-x/%p.log",
        "./state",
        "~/harden/y",
        "none",
        "private",
        "stderr",
        "auto",
        "/a/path/that/is/longer/than/a/line/of/a/file/would/be/if/it/were/"
        "wrapped/somewhere/else/and/goes/on/until/here/it/ends"};
    return RANDOM_OF(r, all);
}

static const char *random_number(struct random_config *r)
{
    static const char *const all[] = {"0",     "1",     "2",    "5",    "20",   "100",  "1000",
                                      "10ms",  "1s",    "1.5s", "30s",  "2m",   "1h",   "1d",
                                      "20%",   "100%",  "1%",   "off",  "none", "on",   "yes",
                                      "false", "64KiB", "1MiB", "512B", "auto", "0644", "0600"};
    return RANDOM_OF(r, all);
}

static void random_choice(struct random_config *r, const struct option *o, char *out, size_t size)
{
    const char *at = o->choices;
    size_t n = 0;
    *out = '\0';
    for (uint32_t i = 1 + random_below(r, 4); i > 0; i--) {
        const char *word = word_next(&at, &n);
        if (!word)
            break;
        snprintf(out, size, "%.*s", (int)n, word);
    }
}

static void random_candidate(struct random_config *r, const struct option *o, char *out,
                             size_t size)
{
    switch (o->type) {
    case TYPE_RATES:
        random_list(r, out, size, RATES_MAX, random_rate);
        break;
    case TYPE_RATE:
        snprintf(out, size, "%s", random_rate(r));
        break;
    case TYPE_PER:
        snprintf(out, size, "%s", random_per(r));
        break;
    case TYPE_OUTCOMES:
        random_list(r, out, size, 14, random_outcome);
        break;
    case TYPE_METHODS:
        random_list(r, out, size, METHODS_MAX - 1, random_method);
        break;
    case TYPE_HINTS:
        random_list(r, out, size, HINTS_MAX, random_hint);
        break;
    case TYPE_PATTERNS:
        random_list(r, out, size, 9, random_pattern);
        break;
    case TYPE_STATUSES:
        random_list(r, out, size, 4, random_status);
        break;
    case TYPE_PLACES:
        random_list(r, out, size, FALLBACK_MAX, random_place);
        break;
    case TYPE_SHARE:
        snprintf(out, size, "%s", random_share(r));
        break;
    case TYPE_TEXT:
        snprintf(out, size, "%s", random_text(r));
        break;
    case TYPE_PATH:
        snprintf(out, size, "%s", random_path(r));
        break;
    case TYPE_CHOICE:
        random_choice(r, o, out, size);
        break;
    default:
        snprintf(out, size, "%s", random_number(r));
    }
}

static void random_value(struct random_config *r, const struct option *o, char *out, size_t size)
{
    union option_value v;
    char why[400];
    int tries = 0;
    do {
        if (++tries > 10000) {
            fprintf(stderr, "there is no value here for %s\n", o->name);
            abort();
        }
        if (*o->choices && random_below(r, 5) == 0)
            random_choice(r, o, out, size);
        else
            random_candidate(r, o, out, size);
    } while (!option_parse(o, out, &v, why, sizeof why));
}

/* Long lists go on in further lines. */
static void random_key(struct random_config *r, int option)
{
    char value[512];
    random_value(r, &options[option], value, sizeof value);
    random_put(r, "%s = ", options[option].name);
    for (const char *s = value; *s; s++)
        if (*s == ' ' && s - value > 60 && s[1] != ' ' && random_below(r, 3) == 0)
            random_put(r, "\n    ");
        else
            random_put(r, "%c", *s);
    random_put(r, "\n");
    r->used[option] = true;
}

static void random_keys(struct random_config *r, enum option_section section, int most)
{
    memset(r->used, 0, sizeof r->used);
    for (int n = (int)random_below(r, (uint32_t)most + 1); n > 0; n--) {
        int i = (int)random_below(r, (uint32_t)option_count);
        if (options[i].section == section && options[i].type != TYPE_PATTERNS && !r->used[i])
            random_key(r, i);
    }
}

/* Each name occurs once, because a key may be set once only. */
static void random_hosts(struct random_config *r)
{
    bool named[2][64] = {{false}}, label[2][4] = {{false}};
    char names[64][64];
    int known = 0;
    for (int n = (int)random_below(r, 9); n > 0; n--) {
        int overrides = random_below(r, 6) == 0;
        const char *kind = overrides ? "override" : "host";
        uint32_t k = random_below(r, 4);
        if (random_below(r, 3) == 0 && !label[overrides][k]) {
            label[overrides][k] = true;
            random_put(r, "[%s label%u]\n", kind, k);
            random_keys(r, SECTION_HOST, 30);
            if (random_below(r, 5))
                random_key(r, option_find(SECTION_HOST, "match"));
            continue;
        }
        const char *pattern = random_pattern(r);
        int i = 0;
        while (i < known && strcmp(names[i], pattern) != 0)
            i++;
        snprintf(names[i], sizeof names[i], "%s", pattern);
        known += i == known;
        if (named[overrides][i])
            continue;
        named[overrides][i] = true;
        random_put(r, "[%s %s]\n", kind, pattern);
        random_keys(r, SECTION_HOST, 30);
    }
}

static void random_checks(struct random_config *r)
{
    static const char *const targets[][2] = {{"tcp", "db.example:5432"},
                                             {"http", "https://u@h.example:8443/x?y=z"},
                                             {"dns", "db.example"}};
    for (uint32_t n = random_below(r, 3), i = 0; i < n; i++) {
        const char *const *t = RANDOM_OF(r, targets);
        random_put(r, "[check c%u]\ntype = %s\ntarget = %s\n", i, t[0], t[1]);
        for (int k = 0; k < option_count; k++)
            if (options[k].section == SECTION_CHECK && *options[k].fallback &&
                (options[k].type != TYPE_STATUSES || t[0][0] == 'h') && random_below(r, 3) == 0)
                random_key(r, k);
    }
}

static void random_variables(struct random_config *r)
{
    memset(r->used, 0, sizeof r->used);
    for (int n = random_below(r, 2) ? (int)random_below(r, RANDOM_VARIABLES) : 0; n > 0; n--) {
        int i = (int)random_below(r, (uint32_t)option_count);
        char *name = r->variable[r->variables][0], *value = r->variable[r->variables][1];
        bool rate = options[i].type == TYPE_RATES || random_below(r, 8) == 0;
        i = rate ? option_find(SECTION_HOST, "rate") : i;
        if (options[i].section == SECTION_CHECK || options[i].type == TYPE_PATTERNS || r->used[i])
            continue;
        r->used[i] = true;
        size_t k = (size_t)snprintf(name, 512, "HARDEN_%s", options[i].name);
        while (k-- > 0)
            name[k] = ascii_upper(name[k]);
        random_value(r, &options[i], value, 512);
        if (rate && random_below(r, 3)) {
            static const char *const several[] = {"api.a.example=5/s, *.example=60/1m 7/s",
                                                  "api.a.example/v1*=3/s,*=9/s",
                                                  "API.A.example = none", "10.0.0.0/8=1/s,a.*=2/s"};
            snprintf(value, 512, "%s", RANDOM_OF(r, several));
        }
        r->variables++;
    }
}

static void random_config(struct random_config *r, uint64_t seed)
{
    memset(r, 0, sizeof *r);
    r->state = seed * 0x9e3779b97f4a7c15u + 1;
    if (random_below(r, 3)) {
        random_put(r, "[harden]\n");
        random_keys(r, SECTION_HARDEN, 12);
    }
    random_hosts(r);
    random_checks(r);
    random_variables(r);
}

#endif
