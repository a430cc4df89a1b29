/* SPDX-License-Identifier: MIT
 *
 * Criterion runs each test in its own process, so each may set the environment once. */
#include "engine/config/config.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/env.h"
#include "engine/config/builder.h"
#include "engine/config/rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char reported[64][1024];
static int reports;
static char directory[64];

static void collect(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_lt(reports, 64);
    snprintf(reported[reports++], sizeof(reported[0]), "%s", line);
}

static struct config *load_bytes(const char *text, size_t n)
{
    reports = 0;
    struct config *c = config_load_text("t.ini", text, n, collect, NULL);
    cr_assert_eq(c->errors, reports);
    return c;
}

static struct config *load(const char *text)
{
    return load_bytes(text, strlen(text));
}

static const struct policy *find(const struct config *c, const char *host, const char *path)
{
    struct target t = {.scheme = "https", .host = host, .port = 443, .path = path};
    return rules_find(c, &t);
}

/* Asserts that a text has exactly this error. */
static void one_error(const char *text, const char *expected)
{
    struct config *c = load(text);
    cr_expect_eq(reports, 1, "%s", text);
    cr_expect_str_eq(reported[0], expected);
    config_discard(c);
}

static const char *in_directory(const char *name)
{
    static char paths[8][128];
    static int i;
    if (!*directory) {
        strcpy(directory, "/tmp/harden-config-XXXXXX");
        cr_assert_not_null(mkdtemp(directory));
    }
    char *p = paths[i++ % 8];
    snprintf(p, sizeof(paths[0]), "%s/%s", directory, name);
    return p;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = in_directory(name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0644);
    return path;
}

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (*directory)
        cr_assert_eq(system(command), 0);
}

/* Starts from an environment without HARDEN_ variables. */
static void clean_environment(void)
{
    extern char **environ;
    for (char **e = environ; *e;) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="), *e);
        if (strncmp(name, "HARDEN_", 7) == 0 || strncmp(name, "XDG_", 4) == 0) {
            unsetenv(name);
            e = environ;
        } else {
            e++;
        }
    }
    setenv("HARDEN_CONFIG", "none", 1);
}

TestSuite(config, .init = clean_environment, .fini = remove_directory);

Test(config, an_empty_text_gives_the_defaults)
{
    struct config *c = load("");
    cr_assert_eq(reports, 0);
    cr_assert_eq(c->mode, MODE_ENFORCE);
    cr_assert_str_eq(c->programs, "*");
    cr_assert_str_eq(c->service, env_program());
    cr_assert_eq(c->log, LOG_ERROR);
    cr_assert_str_eq(c->log_to, "stderr");
    cr_assert_null(c->events);
    cr_assert_eq(c->max_hosts, 1024);
    cr_assert_eq(c->snapshot_interval_ns, 10 * NS_PER_S);
    cr_assert(c->deepbind_mask);
    cr_assert(c->thread);
    char state[64];
    snprintf(state, sizeof(state), "/dev/shm/harden-%u", (unsigned)geteuid());
    cr_assert_str_eq(c->state, state);
    strcat(state, "/health.json");
    cr_assert_str_eq(c->snapshot, state);
    config_discard(c);
}

Test(config, every_harden_key_sets_its_member)
{
    struct config *c =
        load("[harden]\nmode = observe\nprograms = curl,php*\nservice = billing\nlog = debug\n"
             "log_to = /var/log/%n.log\nevents = /run/e.jsonl\nstate = /run/s\nmax_hosts = 7\n"
             "snapshot = /run/h.json\nmetrics = none\nfiles_mode = 0640\nsnapshot_interval = "
             "2s\ndeepbind = leave\n"
             "thread = off\n");
    cr_assert_eq(reports, 0);
    cr_assert_eq(c->mode, MODE_OBSERVE);
    cr_assert_str_eq(c->programs, "curl,php*");
    cr_assert_str_eq(c->service, "billing");
    cr_assert_eq(c->log, LOG_DEBUG);
    cr_assert_str_eq(c->log_to, "/var/log/%n.log");
    cr_assert_str_eq(c->events, "/run/e.jsonl");
    cr_assert_str_eq(c->state, "/run/s");
    cr_assert_eq(c->max_hosts, 7);
    cr_assert_str_eq(c->snapshot, "/run/h.json");
    cr_assert_null(c->metrics);
    cr_assert_eq(c->files_mode, 0640);
    cr_assert_eq(c->snapshot_interval_ns, 2 * NS_PER_S);
    cr_assert_not(c->deepbind_mask);
    cr_assert_not(c->thread);
    cr_assert_eq(c->from[option_find(SECTION_HARDEN, "service")].line, 4);
    config_discard(c);
}

Test(config, private_state_has_no_files)
{
    struct config *c = load("[harden]\nstate = private\n");
    cr_assert_null(c->state);
    cr_assert_null(c->snapshot);
    cr_assert_null(c->metrics);
    config_discard(c);
}

Test(config, auto_state_is_in_the_runtime_directory_where_there_is_one)
{
    char runtime[] = "/tmp/test_config.XXXXXX", want[64];
    cr_assert_not_null(mkdtemp(runtime));
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    struct config *c = load("");
    snprintf(want, sizeof(want), "%s/harden", runtime);
    cr_assert_str_eq(c->state, want);
    strcat(want, "/metrics.prom");
    cr_assert_str_eq(c->metrics, want);
    config_discard(c);
    rmdir(runtime);
}

Test(config, a_tilde_is_the_home_directory)
{
    setenv("HOME", "/home/someone", 1);
    struct config *c = load("[harden]\nevents = ~/events.jsonl\n");
    cr_assert_str_eq(c->events, "/home/someone/events.jsonl");
    config_discard(c);
}

Test(config, a_relative_path_of_the_environment_is_made_absolute)
{
    char expected[4200], cwd[4096];
    setenv("HARDEN_EVENTS", "./events.jsonl", 1);
    cr_assert_not_null(getcwd(cwd, sizeof(cwd)));
    snprintf(expected, sizeof(expected), "%s/", cwd);
    reports = 0;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(reports, 0);
    cr_assert_not_null(c->events);
    cr_assert_eq(strncmp(c->events, expected, strlen(expected)), 0, "%s", c->events);
    config_discard(c);
}

Test(config, each_wrong_line_gives_one_clear_error)
{
    one_error("[host *]\nmax_wait = 3 parsecs\n",
              "t.ini:2: [host *] max_wait = 3 parsecs: not a duration; write for example 250ms, "
              "1.5s, 2m, 1h, 1d");
    one_error("[host *]\n\nmax_atempts = 3\n",
              "t.ini:3: [host *] max_atempts = 3: unknown key; did you mean max_attempts?");
    one_error("[harden]\nxyzzy = 3\n",
              "t.ini:2: [harden] xyzzy = 3: unknown key; see harden.ini(5) for all");
    one_error("[harden]\nrate = 5/s\n", "t.ini:2: [harden] rate = 5/s: the key belongs in a "
                                        "[host PATTERN] section; [host *] is for all hosts");
    one_error("[host *]\nmode = off\n",
              "t.ini:2: [host *] mode = off: the key belongs in [harden]");
    one_error("[harden]\nmatch = *\n", "t.ini:2: [harden] match = *: the key belongs in a "
                                       "[host PATTERN] section; [host *] is for all hosts");
    one_error("rate = 5/s\n", "t.ini:1: rate = 5/s: the key is outside of any section; write "
                              "[harden] or [host *] above it");
    one_error("[hots *]\nrate = 5/s\nnonsense\n",
              "t.ini:1: [hots *]: unknown section; write [harden], [host PATTERN] as in [host *], "
              "[check NAME] or [program NAME]");
    one_error("[host]\nrate = 5/s\n", "t.ini:1: [host]: a host section needs a pattern; write "
                                      "[host *] or [host api.example.com]");
    one_error("[host a.example b.example]\nrate = 5/s\n",
              "t.ini:1: [host a.example b.example]: a section has one pattern; write [host LABEL] "
              "with a key match = PATTERN...");
    one_error("[host 10.0.0.0/40]\nrate = 5/s\n", "t.ini:1: [host 10.0.0.0/40]: the prefix is "
                                                  "longer than the address; write at most /32");
    one_error("[host *]\nrate\n",
              "t.ini:2: [host *] rate: not a key and its value; write KEY = VALUE");
    one_error("[host *]\n[::1]:80 = 5\n",
              "t.ini:2: [::1]:80 = 5: a section ends with its bracket; write [harden]");
    one_error("[host *]\n  [::1]:80 = 5\n",
              "t.ini:2: [host *] [::1]:80 = 5: not a key and its value; write KEY = VALUE");
    one_error("[host *]\n= 5\n", "t.ini:2: [host *] = 5: not a key and its value; write KEY = "
                                 "VALUE");
    one_error("[host *]\nrate =\n",
              "t.ini:2: [host *] rate = : no value; leave the key out for its default, none");
    one_error("[host *]\nrate = ; 5/s\n",
              "t.ini:2: [host *] rate = : no value; leave the key out for its default, none");
    one_error("[host *\nrate = 5/s\n",
              "t.ini:1: [host *: a section ends with its bracket; write [host PATTERN]");
    one_error("[host a.example]\nmatch = b.example\n",
              "t.ini:2: [host a.example] match = b.example: the section's name is a pattern "
              "already; write a label, as in [host partners]");
    one_error("[host partners]\nmatch = https://x\n",
              "t.ini:2: [host partners] match = https://x: a pattern has no scheme; write for "
              "example api.example.com/v1/*");
    one_error("[host *]\ncost = 2\ncost = 3\n",
              "t.ini:3: [host *] cost = 3: given twice in this file; this one counts, remove one");
}

Test(config, after_a_wrong_line_everything_else_applies)
{
    struct config *c = load("[host *]\ncost = 2\nmax_attempts = many\n  of them\ncost : 3\n"
                            "[nonsense]\ncost = 9\n[host a.example]\nbreaker = off ; as agreed\n");
    cr_assert_eq(reports, 3);
    cr_assert_str_eq(reported[0],
                     "t.ini:3: [host *] max_attempts = many of them: not a whole number; write for "
                     "example 5");
    const struct policy *p = find(c, "a.example", "/");
    cr_assert_eq(p->cost, 3);
    cr_assert_eq(p->max_attempts, 3);
    cr_assert_eq(p->breaker, BREAKER_OFF);
    config_discard(c);
}

Test(config, a_value_continues_in_indented_lines)
{
    struct config *c = load("[host *]\nretry_on = dns ; the usual\n    timeout ; too\n\n\t503\n"
                            "cost = 2\n");
    cr_assert_eq(reports, 0, "%s", reported[0]);
    const struct outcome_set *s = &find(c, "x", "/")->retry_on;
    cr_assert_eq(s->groups, OUTCOME_DNS | OUTCOME_TIMEOUT);
    cr_assert_neq(s->http[403 / 64] & 1ull << 403 % 64, 0);
    config_discard(c);
}

Test(config, keys_and_sections_may_be_indented)
{
    struct config *c = load("  [harden]\n    mode = observe\n    log=debug\n  [host *]\n"
                            "    rate = 5/s\n    cost = 2\n      # said\n    max_attempts = 4\n");
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(c->mode, MODE_OBSERVE);
    cr_assert_eq(c->log, LOG_DEBUG);
    const struct policy *p = find(c, "x", "/");
    cr_assert_eq(p->limit_count, 1);
    cr_assert_eq(p->cost, 2);
    cr_assert_eq(p->max_attempts, 4);
    config_discard(c);
}

Test(config, windows_line_ends_and_a_byte_order_mark_are_accepted)
{
    struct config *c = load("\xef\xbb\xbf[host *]\r\ncost = 2\r\nmax_attempts = 4\r\n");
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(find(c, "x", "/")->cost, 2);
    cr_assert_eq(find(c, "x", "/")->max_attempts, 4);
    config_discard(c);
}

Test(config, a_host_section_takes_an_ipv6_address_in_brackets)
{
    struct config *c =
        load("[host [::1]:443]\ncost = 2\n[ host   [2001:db8::1] ] ; home\ncost=3\n");
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(find(c, "::1", "/")->cost, 2);
    cr_assert_eq(find(c, "2001:db8::1", "/")->cost, 3);
    config_discard(c);
}

Test(config, a_nul_byte_is_reported_and_hides_nothing)
{
    static const char text[] = "[host *]\ncost = 2\nmax_attempts = 4\0 4\nbreaker = off\n";
    struct config *c = load_bytes(text, sizeof(text) - 1);
    cr_assert_eq(reports, 1);
    cr_assert_not_null(strstr(reported[0], "t.ini:3: [host *] max_attempts = 4: a NUL byte"));
    cr_assert_eq(find(c, "x", "/")->max_attempts, 3);
    cr_assert_eq(find(c, "x", "/")->breaker, BREAKER_OFF);
    config_discard(c);
}

Test(config, continuation_lines_of_an_unknown_key_are_ignored_too)
{
    static const char text[] = "[host *]\nnonsense\n  a\0b\n  5\ncost = 2\n";
    struct config *c = load_bytes(text, sizeof(text) - 1);
    cr_assert_eq(reports, 1);
    cr_assert_eq(find(c, "x", "/")->cost, 2);
    config_discard(c);
}

Test(config, control_characters_are_not_printed)
{
    one_error("[host *]\ncost = \033[31m\n",
              "t.ini:2: [host *] cost = ?[31m: not a whole number; write for example 5");
}

Test(config, a_repeated_section_continues_the_first_one)
{
    struct config *c = load("[host A.example]\ncost = 2\n[host *]\ncost = 3\n"
                            "[host a.example]\nmax_attempts = 4\n");
    cr_assert_eq(reports, 0);
    cr_assert_eq(c->section_count, 2);
    cr_assert_eq(find(c, "a.example", "/")->cost, 2);
    cr_assert_eq(find(c, "a.example", "/")->max_attempts, 4);
    config_discard(c);
}

Test(config, a_file_that_others_can_write_is_refused)
{
    const char *path = write_file("a.ini", "[host *]\ncost = 2\n");
    static const mode_t modes[] = {0664, 0646, 0666};
    for (size_t i = 0; i < array_size(modes); i++) {
        chmod(path, modes[i]);
        reports = 0;
        struct config *c = config_load_file(path, collect, NULL);
        cr_assert_eq(reports, 1);
        cr_assert_not_null(strstr(reported[0], "others can write it"));
        cr_assert_eq(find(c, "x", "/")->cost, 1);
        config_discard(c);
    }
    chmod(path, 0600);
    reports = 0;
    struct config *c = config_load_file(path, collect, NULL);
    cr_assert_eq(reports, 0);
    cr_assert_eq(find(c, "x", "/")->cost, 2);
    config_discard(c);
}

Test(config, a_file_of_a_foreign_owner_is_refused)
{
    const char *path = write_file("a.ini", "[host *]\ncost = 2\n");
    if (geteuid() != 0)
        return; /* only root can change the owner of a file */
    cr_assert_eq(chown(path, 65534, 65534), 0);
    reports = 0;
    struct config *c = config_load_file(path, collect, NULL);
    cr_assert_eq(reports, 1);
    cr_assert_not_null(strstr(reported[0], "another user"));
    config_discard(c);
}

Test(config, a_file_that_is_not_regular_is_refused_without_waiting, .timeout = 10)
{
    const char *path = in_directory("fifo");
    cr_assert_eq(mkfifo(path, 0600), 0);
    reports = 0;
    config_discard(config_load_file(path, collect, NULL));
    config_discard(config_load_file(directory, collect, NULL));
    config_discard(config_load_file(in_directory("missing"), collect, NULL));
    cr_assert_eq(reports, 3);
    cr_assert_not_null(strstr(reported[0], "not a regular file"));
    cr_assert_not_null(strstr(reported[1], "not a regular file"));
    cr_assert_not_null(strstr(reported[2], "cannot be opened"));
}

Test(config, a_change_of_content_mode_or_presence_is_noticed)
{
    const char *path = write_file("a.ini", "[host *]\ncost = 2\n");
    struct config *c = config_load_file(path, collect, NULL);
    errno = 4711;
    cr_assert_not(config_is_stale(c));
    cr_assert_eq(errno, 4711);
    write_file("a.ini", "[host *]\ncost = 23\n");
    cr_assert(config_is_stale(c));
    config_discard(c);
    c = config_load_file(path, collect, NULL);
    cr_assert_not(config_is_stale(c));
    unlink(path);
    cr_assert(config_is_stale(c));
    config_discard(c);
    c = config_load_file(path, collect, NULL);
    cr_assert_not(config_is_stale(c));
    write_file("a.ini", "");
    cr_assert(config_is_stale(c));
    config_discard(c);
}

Test(config, a_file_that_cannot_be_opened_is_not_stale_for_ever)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", in_directory("socket"));
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    reports = 0;
    struct config *c = config_load_file(a.sun_path, collect, NULL);
    cr_assert_eq(reports, 1);
    cr_assert_not_null(strstr(reported[0], "cannot be opened"));
    cr_assert_not(config_is_stale(c));
    config_discard(c);
    close(fd);
}

Test(config, the_environment_overrides_files_and_files_override_defaults)
{
    setenv("HARDEN_CONFIG",
           write_file("a.ini", "[harden]\nmode = observe\nlog = info\n"
                               "[host *]\ncost = 2\nmax_attempts = 2\n"
                               "[host a.example]\ncost = 3\n"),
           1);
    setenv("HARDEN_LOG", "debug", 1);
    setenv("HARDEN_COST", "9", 1);
    reports = 0;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(c->mode, MODE_OBSERVE);
    cr_assert_eq(c->log, LOG_DEBUG);
    cr_assert_str_eq(c->from[option_find(SECTION_HARDEN, "log")].file, "environment");
    cr_assert_eq(find(c, "a.example", "/")->cost, 9);
    cr_assert_eq(find(c, "a.example", "/")->max_attempts, 2);
    config_discard(c);
}

Test(config, the_users_file_is_read_from_the_usual_place)
{
    unsetenv("HARDEN_CONFIG");
    mkdir(in_directory("harden"), 0700);
    write_file("harden/harden.ini", "[host *]\ncost = 5\n");
    setenv("XDG_CONFIG_HOME", directory, 1);
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(find(c, "x", "/")->cost, 5);
    cr_assert_eq(c->file_count, 2);
    config_discard(c);
}

Test(config, without_xdg_the_users_file_is_under_home)
{
    unsetenv("HARDEN_CONFIG");
    mkdir(in_directory(".config"), 0700);
    mkdir(in_directory(".config/harden"), 0700);
    write_file(".config/harden/harden.ini", "[host *]\ncost = 6\n");
    setenv("HOME", directory, 1);
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(find(c, "x", "/")->cost, 6);
    config_discard(c);
}

Test(config, a_named_file_that_is_missing_is_an_error)
{
    setenv("HARDEN_CONFIG", in_directory("missing.ini"), 1);
    reports = 0;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(reports, 1);
    cr_assert_eq(c->file_count, 1);
    config_discard(c);
}

/* ---- the HOME of another user ---- */

#define USER 54340 /* an unused user id, to which tests switch */

/* Loads as another user with this HOME; returns the number of errors, 100 more if the file applies. */
static int errors_of_user(const char *home, const char *named)
{
    int status;
    pid_t child = fork();
    if (!child) {
        if (setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
            _exit(255);
        unsetenv("HARDEN_CONFIG");
        setenv("HOME", home, 1);
        if (named)
            setenv("HARDEN_CONFIG", named, 1);
        reports = 0;
        struct config *c = config_load(collect, NULL);
        _exit(reports + 100 * (find(c, "x", "/")->cost == 6) + 10 * config_is_stale(c));
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static void give(const char *name, uid_t user, mode_t mode)
{
    cr_assert_eq(chown(in_directory(name), user, user), 0);
    cr_assert_eq(chmod(in_directory(name), mode), 0);
}

#define OWN_DIR  "home/.config/harden"
#define OWN_FILE OWN_DIR "/harden.ini"

static const char *make_home(mode_t mode)
{
    in_directory("");
    chmod(directory, 0755);
    mkdir(in_directory("home"), mode);
    mkdir(in_directory("home/.config"), 0755);
    mkdir(in_directory(OWN_DIR), 0755);
    write_file(OWN_FILE, "[host *]\ncost = 6\n");
    static char home[128]; /* in_directory() reuses its results */
    snprintf(home, sizeof home, "%s", in_directory("home"));
    return home;
}

Test(config, the_users_file_counts_as_absent_in_the_home_of_another_user)
{
    char named[128];
    if (geteuid())
        return; /* needs a second user */
    const char *home = make_home(0700);
    snprintf(named, sizeof named, "%s", in_directory(OWN_FILE));
    cr_assert_eq(errors_of_user(home, NULL), 0, "as for a worker with HOME=/root");
    cr_assert_eq(errors_of_user(home, named), 1, "not if it is named");
    give(OWN_DIR, 1, 0755);
    give(OWN_FILE, 1, 0644);
    chmod(home, 0755);
    cr_assert_eq(errors_of_user(home, NULL), 0, "nor is it refused if it can be read");
    cr_assert_eq(errors_of_user(home, named), 1);
    give(OWN_FILE, 1, 0600);
    cr_assert_eq(errors_of_user(home, NULL), 0);
    give(OWN_FILE, 0, 0644);
    cr_assert_eq(errors_of_user(home, NULL), 100, "a file of root applies to all");
    give(OWN_FILE, 0, 0600);
    cr_assert_eq(errors_of_user(home, NULL), 0);
}

Test(config, a_wrong_file_in_the_users_own_home_is_an_error)
{
    if (geteuid())
        return; /* needs a second user */
    const char *home = make_home(0755);
    give(OWN_DIR, USER, 0755);
    give(OWN_FILE, USER, 0);
    cr_assert_eq(errors_of_user(home, NULL), 1, "its own file that it cannot read");
    give(OWN_FILE, USER, 0666);
    cr_assert_eq(errors_of_user(home, NULL), 1);
    give(OWN_FILE, 1, 0644);
    cr_assert_eq(errors_of_user(home, NULL), 1, "another user's file in its directory");
    give(OWN_FILE, USER, 0600);
    cr_assert_eq(errors_of_user(home, NULL), 100);
}

/* The policy of [host *] from two files, of which the second takes precedence. */
static struct config *two_files(const char *first, const char *second)
{
    struct builder l = {.config = calloc(1, sizeof(*l.config)), .report = collect};
    cr_assert_not_null(l.config);
    builder_read_file(&l, write_file("1.ini", first), FILE_MUST_EXIST);
    builder_read_file(&l, write_file("2.ini", second), FILE_MUST_EXIST);
    cr_assert_eq(l.config->errors, 0, "%s", reported[0]);
    cr_assert_eq(l.config->section_count, 1);
    return l.config;
}

Test(config, a_later_file_wins_key_by_key)
{
    struct config *c = two_files("[host *]\ncost = 2\nmax_attempts = 2\n", "[host *]\ncost = 3\n");
    int cost = option_find(SECTION_HOST, "cost"), most = option_find(SECTION_HOST, "max_attempts");
    cr_assert_str_eq(c->sections[0].value[cost], "3");
    cr_assert_str_eq(c->sections[0].value[most], "2");
    cr_assert_not_null(strstr(c->sections[0].from[cost].file, "2.ini"));
    cr_assert_not_null(strstr(c->sections[0].from[most].file, "1.ini"));
    config_discard(c);
}

Test(config, a_retry_preset_in_a_later_file_replaces_keys_of_the_earlier_one)
{
    struct config *c =
        two_files("[host *]\nmax_attempts = 9\n", "[host *]\nmax_delay = 1s\nretry = expensive\n");
    cr_assert_null(c->sections[0].value[option_find(SECTION_HOST, "max_attempts")]);
    cr_assert_not_null(c->sections[0].value[option_find(SECTION_HOST, "max_delay")]);
    config_discard(c);
}

Test(config, rates_in_the_environment_may_name_hosts)
{
    setenv("HARDEN_RATE", "API.example.com=60/1m 5/1s, *.example.org = 2/s,a.example/v1/*=1/s", 1);
    reports = 0;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(find(c, "api.example.com", "/")->limits[0].rate_count, 2);
    cr_assert_eq(find(c, "x.example.org", "/")->limits[0].rates[0].tokens, 2);
    cr_assert_eq(find(c, "a.example", "/")->limit_count, 0);
    cr_assert(find(c, "a.example", "/v1/x")->limits[0].operation);
    config_discard(c);
}

Test(config, a_rate_in_the_environment_applies_to_every_host_and_keeps_operation_limits)
{
    setenv("HARDEN_CONFIG",
           write_file("a.ini", "[host a.example]\nrate = 9/s\n"
                               "[host a.example/v1/*]\nrate = 8/s\n"),
           1);
    setenv("HARDEN_RATE", "5/s,60/1m", 1);
    struct config *c = config_load(collect, NULL);
    const struct policy *p = find(c, "a.example", "/v1/x");
    cr_assert_eq(p->limit_count, 2);
    cr_assert_eq(p->limits[0].rate_count, 2);
    cr_assert_eq(p->limits[0].rates[0].tokens, 5);
    cr_assert_eq(p->limits[1].rates[0].tokens, 8);
    config_discard(c);
}

Test(config, rate_none_in_the_environment_removes_every_limit)
{
    setenv("HARDEN_CONFIG",
           write_file("a.ini", "[host a.example]\nrate = 9/s\n"
                               "[host a.example/v1/*]\nrate = 8/s\n"),
           1);
    setenv("HARDEN_RATE", "none", 1);
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(find(c, "a.example", "/v1/x")->limit_count, 0);
    config_discard(c);
}

Test(config, burst_and_key_in_the_environment_apply_to_every_bucket)
{
    setenv("HARDEN_CONFIG",
           write_file("a.ini", "[host *]\nrate = 9/s\nper = origin\n"
                               "[host */v1/*]\nrate = 8/s\nburst = 4\nper = host+uid\n"),
           1);
    setenv("HARDEN_BURST", "2", 1);
    setenv("HARDEN_PER", "rule", 1);
    setenv("HARDEN_COST", "", 1);
    reports = 0;
    struct config *c = config_load(collect, NULL);
    const struct policy *p = find(c, "a.example", "/v1/x");
    cr_assert_eq(reports, 0, "%s", reported[0]);
    cr_assert_eq(p->limit_count, 2);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(p->limits[i].rates[0].burst, 2);
        cr_assert_eq(p->limits[i].per.parts, PER_RULE);
    }
    config_discard(c);
}

Test(config, the_limits_of_an_api_apply_by_operation)
{
    struct config *c = load("[host api.example.com]\nper = host+header:X-Org-Id\n"
                            "[host api.example.com/v1/search*]\nrate = 30/1m\n"
                            "[host api.example.com/v1/transform*]\nrate = 10/1m\n"
                            "[host api.example.com/v1/embed*]\nrate = 60/1m\n"
                            "[host api.example.com/v1/health_check]\nrate = 10/1m\n");
    static const struct {
        const char *path;
        uint32_t tokens;
    } operations[] = {
        {"/v1/search", 30}, {"/v1/transform/7", 10}, {"/v1/embed", 60}, {"/v1/health_check", 10}};
    for (size_t i = 0; i < array_size(operations); i++) {
        const struct policy *p = find(c, "api.example.com", operations[i].path);
        cr_assert_eq(p->limit_count, 1);
        cr_assert_eq(p->limits[0].rates[0].tokens, operations[i].tokens);
        cr_assert_eq(p->limits[0].per.parts, PER_HOST | PER_HEADER);
        cr_assert_str_eq(p->limits[0].per.header, "X-Org-Id");
    }
    cr_assert_eq(find(c, "api.example.com", "/v1/other")->limit_count, 0);
    config_discard(c);
}

static bool was_reported(const char *line)
{
    for (int i = 0; i < reports; i++)
        if (strcmp(reported[i], line) == 0)
            return true;
    return false;
}

Test(config, a_wrong_variable_is_reported_and_the_others_apply)
{
    setenv("HARDEN_MAX_WAIT", "3 parsecs", 1);
    setenv("HARDEN_DISABLED", "1", 1);
    setenv("HARDEN_MATCH", "*", 1);
    setenv("HARDEN_cost", "4", 1);
    setenv("HARDEN_STRICT", "1", 1);
    setenv("HARDEN_DISABLE", "0", 1);
    setenv("HARDEN_MAX_ATTEMPTS", "4", 1);
    setenv("HARDEN_RATE", "a.example=5/s,b.example=fast,6/s", 1);
    reports = 0;
    errno = 4711;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(errno, 4711);
    cr_assert_eq(reports, 6);
    cr_assert(was_reported("environment: HARDEN_MAX_WAIT = 3 parsecs: not a duration; write for "
                           "example 250ms, 1.5s, 2m, 1h, 1d"));
    cr_assert(was_reported("environment: HARDEN_DISABLED = 1: unknown variable; did you mean "
                           "HARDEN_DISABLE?"));
    cr_assert(was_reported("environment: HARDEN_cost = 4: unknown variable; did you mean "
                           "HARDEN_COST?"));
    cr_assert(was_reported("environment: HARDEN_MATCH = *: only a file has sections; write "
                           "HARDEN_RATE=PATTERN=RATE"));
    cr_assert_eq(find(c, "a.example", "/")->max_attempts, 4);
    cr_assert_eq(find(c, "a.example", "/")->limit_count, 1);
    cr_assert_eq(find(c, "b.example", "/")->limit_count, 0);
    config_discard(c);
}

Test(config, a_boolean_variable_accepts_every_boolean_word)
{
    setenv("HARDEN_DISABLE", "maybe", 1);
    setenv("HARDEN_STRICT", "no", 1);
    reports = 0;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(reports, 1);
    cr_assert(was_reported("environment: HARDEN_DISABLE = maybe: neither on nor off, counts as "
                           "on; write on or off"));
    config_discard(c);
}

Test(config, programs_are_chosen_by_glob)
{
    static const struct {
        const char *programs, *program;
        bool covered;
    } cases[] = {
        {"*", "curl", true},           {"curl php*", "curl", true},
        {"curl,php*", "php8.2", true}, {"curl php*", "wget", false},
        {"!bash", "bash", false},      {"!bash", "curl", true},
        {"* !*sh !git", "git", false}, {"* !*sh", "zsh", false},
        {"* !*sh", "git", true},       {"python3.?", "python3.1", true},
    };
    for (size_t i = 0; i < array_size(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "[harden]\nprograms = %s\n", cases[i].programs);
        struct config *c = load(text);
        cr_assert_eq(config_covers(c, cases[i].program), cases[i].covered, "%s: %s",
                     cases[i].programs, cases[i].program);
        config_discard(c);
    }
    struct config *c = load("[harden]\nmode = off\n");
    cr_assert_not(config_covers(c, "curl"));
    config_discard(c);
}

Test(config, a_cost_of_more_than_sixty_two_days_is_reported_and_reduced)
{
    one_error(
        "[host a]\nrate = 10/1s 1/1d\nburst = 63\n",
        "t.ini:3: [host a] burst = 63: at rate = 10/1s 1/1d that is more than 62 days' worth, "
        "and counts as 62; write at most 62");
    one_error("[host a]\nrate = 1/31d\ncost = 3\n",
              "t.ini:3: [host a] cost = 3: at rate = 1/31d that is more than 62 days' worth, and "
              "counts as 2; write at most 2");
    struct config *c = load("[host *]\nburst = 1000000\n[host a]\nrate = 1000/1s 1/1d\n"
                            "[host b]\nrate = 1/1d\nburst = 62\ncost = 62\n");
    cr_assert_eq(reports, 0);
    cr_assert_eq(find(c, "a", "/")->limits[0].rates[0].burst, 1000000);
    cr_assert_eq(find(c, "a", "/")->limits[0].rates[1].burst, 62);
    cr_assert_eq(find(c, "b", "/")->limits[0].rates[0].burst, 62);
    config_discard(c);
}
