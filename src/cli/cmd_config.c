/* SPDX-License-Identifier: MIT
 *
 * Checks the configuration, and prints it as it is in force: itself a file that could be read. */
#include "cli/cli.h"

#include "base/compiler.h"
#include "cli/explain.h"
#include "engine/options.h"

#include <string.h>

#define EXIT_WRONG 2

static void print_value(const char *key, const char *value, const struct origin *from)
{
    int used = printf("%s = %s", key, value);
    printf("%*s; ", used < 40 ? 40 - used : 1, "");
    if (!from || !from->file)
        puts("default");
    else if (from->line)
        printf("%s:%d\n", from->file, from->line);
    else
        printf("%s\n", from->file);
}

static void print_harden(const struct config *c)
{
    puts("[harden]");
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HARDEN)
            print_value(options[i].name, c->value[i] ? c->value[i] : options[i].fallback,
                        c->value[i] ? &c->from[i] : NULL);
}

/* HARDEN_KEY beats every section. */
static const struct section *beaten_by(const struct config *c, int option)
{
    for (int i = 0; i < c->section_count; i++)
        if (c->sections[i].environment && !strcmp(c->sections[i].name, "*") &&
            c->sections[i].value[option])
            return &c->sections[i];
    return NULL;
}

static void print_all_hosts(const struct config *c)
{
    const struct section *all = NULL;
    for (int i = 0; i < c->section_count; i++)
        if (!c->sections[i].environment && !strcmp(c->sections[i].name, "*"))
            all = &c->sections[i];
    puts("\n[host *]");
    for (int i = 0; i < option_count; i++) {
        if (options[i].section != SECTION_HOST || options[i].type == TYPE_PATTERNS)
            continue;
        const struct section *s = beaten_by(c, i);
        if (!s && all && all->value[i])
            s = all;
        print_value(options[i].name, s ? s->value[i] : options[i].fallback, s ? &s->from[i] : NULL);
    }
}

static void print_section(const struct config *c, const struct section *s)
{
    printf("\n[host %s]%s\n", s->name, s->environment ? "   ; HARDEN_RATE" : "");
    for (int i = 0; i < option_count; i++) {
        if (options[i].section != SECTION_HOST || !s->value[i])
            continue;
        print_value(options[i].name, s->value[i], &s->from[i]);
        if (!s->environment && beaten_by(c, i))
            printf("; the line above is overridden by HARDEN_* in the environment\n");
    }
}

static void print_all(const struct config *c)
{
    for (int i = 0; i < c->file_count; i++)
        printf("; %s: %s\n", c->files[i].path, c->files[i].present ? "read" : "not there");
    print_harden(c);
    print_all_hosts(c);
    for (int i = 0; i < c->section_count; i++)
        if (strcmp(c->sections[i].name, "*") != 0)
            print_section(c, &c->sections[i]);
}

static int run(int argc, char **argv)
{
    const char *url = NULL;
    const struct flag flags[] = {{.name = "explain", .value = &url}, {0}};
    int first = cli_flags(&cmd_config, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (argc - first > 1)
        return cli_misused(&cmd_config, "one file at a time");
    const struct config *c =
        first < argc ? config_load_file(argv[first], cli_report, (void *)(uintptr_t)&cmd_config)
                     : cli_config(&cmd_config);
    if (!c)
        return EXIT_WRONG;
    if (url && explain(c, url))
        return EXIT_USAGE;
    if (!url)
        print_all(c);
    if (c->errors)
        cli_say(&cmd_config, "%d error%s; the keys named above keep their defaults", c->errors,
                c->errors == 1 ? "" : "s");
    return c->errors ? EXIT_WRONG : 0;
}

const struct command cmd_config = {
    "config", "[--explain URL] [FILE]",
    "Checks the configuration, and shows what is in force and where each value comes from.", run,
    "  FILE           this file alone, without the environment; else what a program would get that "
    "is\n"
    "                 started here and now\n"
    "  --explain URL  which sections match a URL, host or host:port, and what then applies to it\n"
    "\n"
    "exit status: 0 good, 2 something is wrong, which is said on stderr\n"};
