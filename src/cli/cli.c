/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/env.h"
#include "engine/config/options.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static void print_message(const struct command *c, const char *fmt, va_list ap)
{
    fprintf(stderr, "harden %s: ", c->name);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void cli_say(const struct command *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_message(c, fmt, ap);
    va_end(ap);
}

int cli_usage_error(const struct command *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_message(c, fmt, ap);
    va_end(ap);
    fprintf(stderr, "usage: harden %s %s\n", c->name, c->arguments);
    return EXIT_USAGE;
}

void cli_config_error(void *command, const char *line)
{
    cli_say(command, "%s", line);
}

void cli_help(const struct command *c)
{
    printf("usage: harden %s %s\n\n%s\n\n%s", c->name, c->arguments, c->summary, c->help);
}

const char *cli_nearest(const char *word, const char *const *known, int n)
{
    const char *near = option_nearest(word, known, n);
    for (int i = 0; !near && i < n; i++)
        if (strlen(word) > 1 && !strncmp(word, known[i], strlen(word)))
            near = known[i];
    return near;
}

static int unknown_flag(const struct command *c, const struct flag *flags, const char *word)
{
    const char *known[32] = {"help", "version"};
    int n = 2;
    char name[64];
    for (const struct flag *f = flags; f->name && n < 32; f++)
        known[n++] = f->name;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + strspn(word, "-"), "="),
             word + strspn(word, "-"));
    const char *near = cli_nearest(name, known, n);
    return -1 - (near ? cli_usage_error(c, "unknown flag %s; did you mean --%s?", word, near)
                      : cli_usage_error(c, "unknown flag %s", word));
}

static const struct flag *find_flag(const struct flag *flags, const char *word)
{
    size_t n = strcspn(word + 2, "=");
    for (const struct flag *f = flags; f->name; f++)
        if (word[1] == '-' ? strlen(f->name) == n && !strncmp(f->name, word + 2, n)
                           : f->letter && f->letter == word[1] && !word[2])
            return f;
    return NULL;
}

/* Moves n words from `from` to `to`, before the words between. */
static void move_words(char **argv, int to, int from, int n)
{
    for (; n; n--, to++, from++) {
        char *word = argv[from];
        memmove(argv + to + 1, argv + to, (size_t)(from - to) * sizeof *argv);
        argv[to] = word;
    }
}

/* Returns the number of words that the flag takes up, or -1 - STATUS as cli_flags does. */
static int read_flag(const struct command *c, char **words, int n, const struct flag *flags)
{
    const char *word = words[0], *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        cli_help(c);
        return -1;
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        puts("harden " HARDEN_VERSION);
        return -1;
    }
    const struct flag *f = find_flag(flags, word);
    if (!f)
        return unknown_flag(c, flags, word);
    if (f->given)
        *f->given = true;
    if (!f->value && equals)
        return -1 - cli_usage_error(c, "--%s takes no value", f->name);
    if (f->value && !equals && n == 1)
        return -1 - cli_usage_error(c, "--%s needs a value", f->name);
    if (f->value)
        *f->value = equals ? equals + 1 : words[1];
    return f->value && !equals ? 2 : 1;
}

int cli_flags(const struct command *c, int argc, char **argv, const struct flag *flags)
{
    int first = 1; /* of the arguments that are not flags, as far as is known */
    for (int i = 1; i < argc;) {
        if (argv[i][0] != '-' || !argv[i][1]) {
            i++;
            continue;
        }
        bool end = !strcmp(argv[i], "--");
        int n = end ? 1 : read_flag(c, argv + i, argc - i, flags);
        if (n < 0)
            return n;
        move_words(argv, first, i, n);
        first += n;
        i += n;
        if (end)
            break;
    }
    return first;
}

const struct config *cli_load_config_for(const struct command *c, const char *program)
{
    env_capture();
    const struct config *config =
        config_load_for(program, NULL, cli_config_error, (void *)(uintptr_t)c);
    if (!config)
        cli_say(c, "out of memory");
    return config;
}

const struct config *cli_load_config(const struct command *c)
{
    return cli_load_config_for(c, env_program());
}

const char *cli_age(int64_t ns, char out[24])
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{86400 * NS_PER_S, "d"}, {3600 * NS_PER_S, "h"}, {60 * NS_PER_S, "min"}};
    for (int i = 0; i < 3; i++)
        if (ns >= 2 * units[i].ns) {
            snprintf(out, 24, "%lld %s", (long long)(ns / units[i].ns), units[i].name);
            return out;
        }
    snprintf(out, 24, "%lld s", (long long)(ns > 0 ? ns / NS_PER_S : 0));
    return out;
}

const char *cli_duration(int64_t ns, char out[24])
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{86400 * NS_PER_S, "d"},
                 {3600 * NS_PER_S, "h"},
                 {60 * NS_PER_S, "m"},
                 {NS_PER_S, "s"},
                 {NS_PER_MS, "ms"}};
    for (int i = 0; i < 5; i++)
        if (ns >= units[i].ns && ns % units[i].ns == 0) {
            snprintf(out, 24, "%lld%s", (long long)(ns / units[i].ns), units[i].name);
            return out;
        }
    snprintf(out, 24, "%gs", (double)ns / (double)NS_PER_S);
    return out;
}

bool cli_use_colours(FILE *f)
{
    const char *no = env_any("NO_COLOR"), *term = env_any("TERM");
    return isatty(fileno(f)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

const char *cli_mode_meaning(enum mode m)
{
    return m == MODE_OBSERVE ? "programs decide and count, but change nothing"
                             : "programs are left alone";
}
