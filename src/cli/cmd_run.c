/* SPDX-License-Identifier: MIT
 *
 * `harden run`: checks the configuration, extends LD_PRELOAD, and then executes the program in the
 * same process, so that pid, signals and exit status are those of the program. With --trace the program
 * is a child process, and what the library did is printed when it has ended. */
#include "cli/cli.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/words.h"
#include "cli/elf/elf.h"
#include "cli/locate.h"
#include "cli/trace/trace.h"
#include "engine/config/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_WRONG       2
#define EXIT_NO_EXEC     126
#define EXIT_NOT_FOUND   127
#define VARIABLE_LONGEST 64

static int unknown_key(const char *word, const char *key)
{
    const char *known[OPTION_MAX + 3];
    int n = 0;
    for (int i = 0; i < option_count; i++)
        if (options[i].type != TYPE_PATTERNS && options[i].section != SECTION_CHECK)
            known[n++] = options[i].name;
    known[n++] = "observe";
    known[n++] = "audit";
    known[n++] = "trace";
    const char *near = option_nearest(key, known, n);
    if (near)
        cli_say(&cmd_run, "unknown flag %s; did you mean --%s?", word, near);
    else
        cli_say(&cmd_run, "unknown flag %s; harden.ini(5) lists all keys", word);
    return EXIT_WRONG;
}

/* --max-attempts and --max_attempts mean the key max_attempts. */
static void key_from_flag(const char *word, char key[VARIABLE_LONGEST])
{
    size_t n = strcspn(word + 2, "=");
    snprintf(key, VARIABLE_LONGEST, "%.*s", (int)(n < 40 ? n : 40), word + 2);
    for (char *c = key; *c; c++)
        *c = *c == '-' ? '_' : *c;
}

/* --KEY VALUE becomes HARDEN_KEY, which the children of the program inherit as well. */
static int set_variable(const char *word, const char *next, int *used)
{
    char key[VARIABLE_LONGEST], variable[VARIABLE_LONGEST * 2] = "HARDEN_";
    const char *equals = strchr(word, '=');
    key_from_flag(word, key);
    *used = 1;
    if (!strcmp(key, "observe") && !equals)
        return setenv("HARDEN_MODE", "observe", 1) ? EXIT_WRONG : 0;
    int host = option_find(SECTION_HOST, key);
    if (option_find(SECTION_HARDEN, key) < 0 && (host < 0 || options[host].type == TYPE_PATTERNS) &&
        strcmp(key, "config") != 0)
        return unknown_key(word, key);
    if (!equals && !next) {
        cli_say(&cmd_run, "%s needs a value", word);
        return EXIT_WRONG;
    }
    *used = equals ? 1 : 2;
    size_t n = strlen(variable);
    for (size_t i = 0; key[i]; i++)
        variable[n++] = ascii_upper(key[i]);
    variable[n] = '\0';
    return setenv(variable, equals ? equals + 1 : next, 1) ? EXIT_WRONG : 0;
}

struct run_flags {
    bool audit, trace;
    const char *output; /* of the trace; NULL: stderr */
};

/* True: argv[*i] is one of them, and *i is behind it. */
static bool own_flag(int argc, char **argv, int *i, struct run_flags *flags)
{
    const char *word = argv[*i];
    if (!strcmp(word, "--audit"))
        flags->audit = true;
    else if (!strcmp(word, "--trace"))
        flags->trace = true;
    else if (!strcmp(word, "-o") && *i + 1 < argc)
        flags->output = argv[++*i];
    else
        return false;
    ++*i;
    return true;
}

/* Returns the index of the program, or -1 - STATUS as cli_flags does. */
static int parse_flags(int argc, char **argv, struct run_flags *flags)
{
    int i = 1, used;
    while (i < argc && argv[i][0] == '-' && argv[i][1]) {
        const struct flag none[] = {{0}};
        if (!strcmp(argv[i], "--"))
            return i + 1;
        if (own_flag(argc, argv, &i, flags))
            continue;
        if (argv[i][1] != '-' && argv[i][2])
            return -1 - cli_usage_error(&cmd_run, "unknown flag %s; did you mean -%s?", argv[i],
                                        argv[i]);
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "--version") || argv[i][1] != '-')
            return cli_flags(&cmd_run, 2, (char *[]){argv[0], argv[i], NULL}, none);
        int status = set_variable(argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
        if (status)
            return -1 - status;
        i += used;
    }
    return i;
}

/* The AddressSanitizer library that a program needs; "": none. It refuses to start unless it comes
 * first in LD_PRELOAD. */
static const char *sanitizer_of(const char *path, char name[NAME_MAX])
{
    struct elf e;
    name[0] = '\0';
    if (elf_read(&e, path))
        return name;
    const char *needs = elf_needs(&e, "libasan.so");
    if (needs)
        snprintf(name, NAME_MAX, "%s", needs);
    elf_release(&e);
    return name;
}

static bool begins_with(const char *list, const char *name)
{
    list += strspn(list, " :");
    size_t n = strcspn(list, " :"), k = strlen(name);
    return n >= k && !memcmp(list + n - k, name, k);
}

/* The entries to add at the front of LD_PRELOAD; "": not needed, or already present. */
struct preloads {
    char sanitizer[NAME_MAX], library[PATH_MAX], audit[PATH_MAX];
};

static int find_preloads(struct preloads *f, const char *program, bool audit)
{
    f->audit[0] = '\0';
    sanitizer_of(program, f->sanitizer);
    if (!locate_library(f->library, sizeof f->library)) {
        cli_say(&cmd_run, "libharden.so was found neither beside this command nor in " LIBDIR);
        return EXIT_WRONG;
    }
    if (audit && !locate_audit(f->audit, sizeof f->audit)) {
        cli_say(&cmd_run, "libharden-audit.so is not beside %s; install it there with make install",
                f->library);
        return EXIT_WRONG;
    }
    if (strpbrk(f->library, " :")) {
        cli_say(&cmd_run,
                "%s: LD_PRELOAD cannot contain a path with a space or a colon; install the library "
                "elsewhere",
                f->library);
        return EXIT_WRONG;
    }
    return 0;
}

static void drop_present(struct preloads *f, const char *before)
{
    if (strstr(before, "libharden.so"))
        f->library[0] = '\0';
    if (strstr(before, "libharden-audit.so"))
        f->audit[0] = '\0';
    if (!*f->library && !*f->audit && begins_with(before, f->sanitizer))
        f->sanitizer[0] = '\0';
}

static int set_ld_preload(const char *program, bool audit)
{
    struct preloads f;
    const char *before = env_any("LD_PRELOAD");
    int status = find_preloads(&f, program, audit);
    if (status)
        return status;
    if (!before)
        before = "";
    drop_present(&f, before);
    const char *const parts[] = {f.sanitizer, f.library, f.audit, before};
    char *value = NULL;
    size_t size = 0;
    FILE *list = open_memstream(&value, &size);
    for (size_t i = 0; list && i < array_size(parts); i++)
        if (*parts[i])
            fprintf(list, "%s%s", ftell(list) ? ":" : "", parts[i]);
    if (!list || fclose(list) || setenv("LD_PRELOAD", value, 1))
        status = EXIT_WRONG;
    free(value);
    return status;
}

/* The loader does not report this: such a program just runs without the library. */
static void warn_if_not_loaded(const char *path)
{
    struct elf e;
    if (elf_read(&e, path))
        return; /* a script; its interpreter is another file */
    if (!e.native)
        cli_say(&cmd_run, "%s is for another architecture: the library is not loaded", path);
    else if (!e.interpreter)
        cli_say(&cmd_run, "%s is a static program: the library is not loaded", path);
    elf_release(&e);
}

/* Returns with errno if the program cannot be run. words: the program's name and arguments, behind one
 * more that may be overwritten. */
static void execute(char *path, char **words)
{
    execv(path, words);
    if (errno == ENOEXEC) { /* a script without a #! line; run it as execvp does */
        *words = path;
        words[-1] = (char *)"sh";
        execv("/bin/sh", words - 1);
    }
}

static int run_command(int argc, char **argv)
{
    char path[PATH_MAX];
    struct run_flags flags = {0};
    int program = parse_flags(argc, argv, &flags);
    if (program < 0)
        return -program - 1;
    if (program >= argc)
        return cli_usage_error(&cmd_run, "the program is missing");
    if (flags.output && !flags.trace)
        return cli_usage_error(&cmd_run, "-o is for --trace");
    const struct config *c = cli_load_config(&cmd_run);
    if (!c || c->errors) {
        cli_say(&cmd_run, "%s was not started", argv[program]);
        return EXIT_WRONG;
    }
    if (!locate_program(argv[program], path, sizeof path)) {
        int error = errno;
        cli_say(&cmd_run, "%s: %s", argv[program], strerror(error));
        return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NO_EXEC;
    }
    int status = set_ld_preload(path, flags.audit);
    if (status)
        return status;
    warn_if_not_loaded(path);
    fflush(NULL);
    if (flags.trace)
        return trace_run(&cmd_run, execute, path, argv + program, flags.output);
    execute(path, argv + program);
    cli_say(&cmd_run, "%s: %s", path, strerror(errno));
    return EXIT_NO_EXEC;
}

const struct command cmd_run = {
    "run", "[--KEY VALUE]... [--observe] [--audit] [--trace [-o FILE]] [--] PROGRAM [ARGUMENT...]",
    "Runs a program with the library, if the configuration is valid.", run_command,
    "  --KEY VALUE    set any key of harden.ini(5) for this program and all hosts: --rate 60/1m\n"
    "  --config FILE  read this file instead of those of the machine and the user; none: read\n"
    "                 no file\n"
    "  --observe      decide, count and log, but change nothing; same as --mode observe\n"
    "  --audit        also cover programs that look up libcurl's functions with dlsym(), such\n"
    "                 as scripts that use Python's ctypes\n"
    "  --trace        when the program has ended, print a time line of its requests: what was\n"
    "                 attempted, waited for and repeated, and the setting that decided\n"
    "  -o FILE        print the time line to this file instead of stderr\n"
    "\n"
    "The program replaces this command: pid, signals and exit status are its own. With --trace it\n"
    "is a child process of this command, which passes signals on and ends as the program ends.\n"
    "\n"
    "example: harden run --rate 60/1m --retry expensive curl -fsS https://api.example.com/rates\n"
    "\n"
    "exit status: that of the program; 2 invalid configuration or library not found, 126 the\n"
    "program cannot be run, 127 no such program\n"};
