/* SPDX-License-Identifier: MIT */
#include "cli/config_explain.h"

#include "cli/cli.h"
#include "cli/destination.h"
#include "engine/config/options.h"
#include "engine/config/rules.h"

#include <string.h>

#define SECTIONS_MAX 64

struct matches {
    const struct section *section[SECTIONS_MAX]; /* most specific first */
    int count;
};

static void add_match(void *ctx, const struct section *s)
{
    struct matches *f = ctx;
    if (f->count < SECTIONS_MAX)
        f->section[f->count++] = s;
}

static bool is_operation(const struct section *s)
{
    char why[256];
    struct pattern p;
    for (const char **w = s->patterns; w && *w; w++)
        if (pattern_parse(*w, strlen(*w), &p, why, sizeof why) && pattern_is_operation(&p))
            return true;
    return false;
}

static void print_sections(const struct matches *f)
{
    puts("\nmatching sections, most specific first");
    for (int i = 0; i < f->count; i++)
        printf("  [host %s]%s%s\n", f->section[i]->name,
               f->section[i]->environment ? "   from the environment" : "",
               is_operation(f->section[i]) ? "   an operation of the host" : "");
    if (!f->count)
        puts("  none: the defaults apply");
}

/* An operation has its own bucket, so these keys in its section do not change the bucket of the
 * host. */
static bool is_bucket_key(int option)
{
    const char *name = options[option].name;
    return !strcmp(name, "rate") || !strcmp(name, "burst") || !strcmp(name, "per");
}

static void print_per(const struct per *per)
{
    static const char *const names[] = {"host", "origin", "rule", "uid"};
    const char *plus = "";
    for (int i = 0; i < 4; i++)
        if (per->parts & 1u << i) {
            printf("%s%s", plus, names[i]);
            plus = "+";
        }
    if (per->parts & PER_HEADER)
        printf("%sheader:%s", plus, per->header), plus = "+";
    if (per->parts & PER_ENV)
        printf("%senv:%s", plus, per->env);
    if (!per->parts)
        printf("host");
}

static void print_limits(const struct policy *p)
{
    char window[24];
    puts("\nlimits; a request takes one token from each");
    for (int i = 0; i < p->limit_count; i++)
        for (int j = 0; j < p->limits[i].rate_count; j++) {
            const struct limit *l = &p->limits[i];
            printf("  %u/%s, burst %u, per ", l->rates[j].tokens,
                   cli_duration(l->rates[j].window_ns, window), l->rates[j].burst);
            print_per(&l->per);
            printf("   [host %s]\n", l->rule ? l->rule : "*");
        }
    if (!p->limit_count)
        puts("  none");
}

/* The value that the preset named by `retry` gives to a key. False: presets do not set this key. */
static bool from_preset(const struct policy *p, int option, char out[24])
{
    const char *name = options[option].name;
    if (!strcmp(name, "max_attempts"))
        snprintf(out, 24, "%d", p->max_attempts);
    else if (!strcmp(name, "base_delay"))
        cli_duration(p->base_delay_ns, out);
    else if (!strcmp(name, "max_delay"))
        cli_duration(p->max_delay_ns, out);
    else
        return false;
    return true;
}

static void print_key(const struct matches *f, const struct policy *p, int option)
{
    const struct section *from = NULL;
    char preset[24];
    for (int i = 0; i < f->count && !from; i++)
        if (f->section[i]->value[option] && !(is_bucket_key(option) && is_operation(f->section[i])))
            from = f->section[i];
    bool derived = !from && from_preset(p, option, preset);
    const char *value = from ? from->value[option] : derived ? preset : options[option].fallback;
    int used = printf("  %s = %s", options[option].name, value);
    printf("%*s", used < 40 ? 40 - used : 1, "");
    if (!from)
        puts(derived && strcmp(preset, options[option].fallback) ? "; by retry" : "; default");
    else if (from->from[option].line)
        printf("; [host %s] %s:%d\n", from->name, from->from[option].file, from->from[option].line);
    else
        printf("; [host %s] %s\n", from->name, from->from[option].file);
}

int config_explain(const struct command *cmd, const struct config *c, const char *url)
{
    struct destination d;
    struct matches f = {.count = 0};
    char why[256];
    if (!destination_parse(url, &d, why, sizeof why))
        return cli_usage_error(cmd, "%s: %s", url, why);
    const struct policy *p = rules_find(c, &d.target);
    rules_explain(c, &d.target, add_match, &f);
    if (!p) {
        cli_say(cmd, "out of memory");
        return 0;
    }
    printf("host %s", d.host);
    if (d.target.port)
        printf(", port %u", d.target.port);
    printf("%s%s\n", *d.scheme ? ", by " : ", by connect()", d.scheme);
    print_sections(&f);
    print_limits(p);
    puts("\neffective values");
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HOST && options[i].type != TYPE_PATTERNS)
            print_key(&f, p, i);
    return 0;
}
