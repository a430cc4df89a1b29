/* SPDX-License-Identifier: MIT
 *
 * Which files a configuration consists of: harden.d, include, and when one has changed. Criterion runs
 * each test in its own process, so each may set the environment once. */
#include "engine/config/config.h"

#include "base/compiler.h"
#include "engine/config/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char reported[16][1024];
static int reports;
static char directory[64];

static void collect(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_lt(reports, 16, "%s", line);
    snprintf(reported[reports++], sizeof(reported[0]), "%s", line);
}

static const char *in_directory(const char *name)
{
    static char paths[8][192];
    static int i;
    char *p = paths[i++ % 8];
    snprintf(p, sizeof(paths[0]), "%s/%s", directory, name);
    return p;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = in_directory(name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f, "%s", path);
    fputs(text, f);
    fclose(f);
    chmod(path, 0644);
    return path;
}

static void begin(void)
{
    unsetenv("HARDEN_CONFIG");
    strcpy(directory, "/tmp/harden-sources-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    setenv("XDG_CONFIG_HOME", directory, 1);
    mkdir(in_directory("harden"), 0755);
    mkdir(in_directory("harden/harden.d"), 0755);
}

static void end(void)
{
    char command[192];
    snprintf(command, sizeof(command), "chmod -R u+rwx '%s'; rm -rf '%s'", directory, directory);
    cr_assert_eq(system(command), 0);
}

static struct config *load(void)
{
    reports = 0;
    struct config *c = config_load(collect, NULL);
    cr_assert_eq(c->errors, reports);
    return c;
}

static struct config *load_well(void)
{
    struct config *c = load();
    cr_assert_eq(reports, 0, "%s", reported[0]);
    return c;
}

static const struct policy *find(const struct config *c, const char *host)
{
    struct target t = {.scheme = "https", .host = host, .port = 443, .path = "/"};
    return rules_find(c, &t);
}

/* The one error; without the name of the directory. */
static const char *the_error(void)
{
    config_discard(load());
    cr_assert_eq(reports, 1, "%d errors: %s", reports, reported[0]);
    size_t n = strlen(directory);
    return strncmp(reported[0], directory, n) == 0 ? reported[0] + n + 1 : reported[0];
}

TestSuite(config_sources, .init = begin, .fini = end);

/* ---- harden.d ---- */

Test(config_sources, files_of_the_directory_are_read_after_the_file_in_the_order_of_their_names)
{
    write_file("harden/harden.ini",
               "[host *]\ncost = 2\nburst = 2\nmax_attempts = 2\nrate = 1/s\n");
    write_file("harden/harden.d/20-b.ini", "[host *]\ncost = 4\n");
    write_file("harden/harden.d/10-a.ini", "[host *]\ncost = 3\nburst = 3\n");
    write_file("harden/harden.d/100.ini", "[host *]\nburst = 9\n");
    write_file("harden/harden.d/B.ini", "[harden]\nservice = b\n");
    write_file("harden/harden.d/a.ini", "[harden]\nservice = a\n");
    struct config *c = load_well();
    const struct policy *p = find(c, "x");
    cr_assert_eq(p->cost, 4);
    cr_assert_eq(p->limits[0].rates[0].burst, 9);
    cr_assert_eq(p->max_attempts, 2);
    cr_assert_str_eq(c->service, "a");
    cr_assert_not_null(
        strstr(c->from[option_find(SECTION_HARDEN, "service")].file, "/harden/harden.d/a.ini"));
    config_discard(c);
}

Test(config_sources, hidden_files_and_files_of_other_names_are_ignored)
{
    static const char *const ignored[] = {".hidden.ini", ".ini",  "a.ini~", "a.ini.dpkg-old",
                                          "a.conf",      "a.INI", "README", "ini"};
    char name[64];
    for (size_t i = 0; i < array_size(ignored); i++) {
        snprintf(name, sizeof(name), "harden/harden.d/%s", ignored[i]);
        write_file(name, "nonsense\n");
    }
    write_file("harden/harden.d/z.ini", "[host *]\ncost = 3\n");
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 3);
    config_discard(c);
}

Test(config_sources, an_error_names_the_file_of_the_directory)
{
    write_file("harden/harden.d/a.ini", "[host *]\n\ncots = 3\n");
    cr_assert_str_eq(the_error(),
                     "harden/harden.d/a.ini:3: [host *] cots = 3: unknown key; did you "
                     "mean cost?");
}

Test(config_sources, a_directory_that_others_can_write_is_refused_with_its_files)
{
    write_file("harden/harden.d/a.ini", "[host *]\ncost = 3\n");
    write_file("harden/harden.ini", "[host *]\ncost = 2\n");
    chmod(in_directory("harden/harden.d"), 0775);
    cr_assert_str_eq(the_error(),
                     "harden/harden.d: refused, its group or others can write it; remove "
                     "that permission with chmod go-w");
    struct config *c = load();
    cr_assert_eq(find(c, "x")->cost, 2);
    config_discard(c);
    if (geteuid() != 0)
        return; /* only root can change the owner */
    chmod(in_directory("harden/harden.d"), 0755);
    cr_assert_eq(chown(in_directory("harden/harden.d"), 65534, 65534), 0);
    cr_assert_str_eq(the_error(),
                     "harden/harden.d: refused, it belongs to another user; make it yours "
                     "or root's with chown");
}

Test(config_sources, each_file_of_the_directory_is_checked_like_any_other)
{
    write_file("harden/harden.d/a.ini", "[host *]\ncost = 3\n");
    write_file("harden/harden.d/b.ini", "[host *]\nmax_attempts = 4\n");
    chmod(in_directory("harden/harden.d/a.ini"), 0666);
    cr_assert_str_eq(the_error(),
                     "harden/harden.d/a.ini: refused, its group or others can write it; "
                     "remove that permission with chmod go-w");
    unlink(in_directory("harden/harden.d/a.ini"));
    mkdir(in_directory("harden/harden.d/a.ini"), 0755);
    cr_assert_str_eq(the_error(),
                     "harden/harden.d/a.ini: refused, it is not a regular file; name a "
                     "regular file, or none");
    rmdir(in_directory("harden/harden.d/a.ini"));
    cr_assert_eq(symlink("nowhere", in_directory("harden/harden.d/a.ini")), 0);
    cr_assert_str_eq(the_error(),
                     "harden/harden.d/a.ini: cannot be opened: No such file or directory");
    struct config *c = load();
    cr_assert_eq(find(c, "x")->cost, 1);
    cr_assert_eq(find(c, "x")->max_attempts, 4);
    config_discard(c);
}

Test(config_sources, a_file_in_place_of_the_directory_is_reported)
{
    rmdir(in_directory("harden/harden.d"));
    write_file("harden/harden.d", "[host *]\ncost = 3\n");
    cr_assert_str_eq(the_error(), "harden/harden.d: cannot be opened: Not a directory");
}

Test(config_sources, a_named_file_is_read_without_a_directory)
{
    write_file("harden/harden.d/a.ini", "[host *]\ncost = 3\n");
    setenv("HARDEN_CONFIG", write_file("harden/harden.ini", "[host *]\nmax_attempts = 4\n"), 1);
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 1);
    cr_assert_eq(find(c, "x")->max_attempts, 4);
    config_discard(c);
}

Test(config_sources, more_files_than_anybody_has_are_not_read)
{
    char name[64];
    for (int i = 0; i <= 1000; i++) {
        snprintf(name, sizeof(name), "harden/harden.d/%d.ini", i);
        write_file(name, i ? "" : "[host *]\ncost = 3\n");
    }
    cr_assert_str_eq(the_error(),
                     "harden/harden.d: has more than 1000 files, none of them is read; "
                     "put several sections into one file");
    unlink(in_directory("harden/harden.d/7.ini"));
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 3);
    config_discard(c);
}

/* Runs as another user, if the test runs as root. */
static void become_nobody(void)
{
    chmod(directory, 0755);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
}

Test(config_sources, what_is_unreadable_in_the_home_of_another_user_is_absent)
{
    if (geteuid() != 0)
        return;
    write_file("harden/harden.ini", "[host *]\ncost = 2\n");
    cr_assert_eq(chown(in_directory("harden/harden.ini"), 12345, 12345), 0);
    cr_assert_eq(chown(in_directory("harden/harden.d"), 12345, 12345), 0);
    chmod(in_directory("harden/harden.ini"), 0600);
    chmod(in_directory("harden/harden.d"), 0700);
    become_nobody();
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 1);
    cr_assert_not(config_is_stale(c));
    config_discard(c);
    cr_assert_eq(seteuid(0), 0);
    chmod(in_directory("harden"), 0700);
    become_nobody();
    config_discard(load_well());
    cr_assert_eq(seteuid(0), 0);
}

Test(config_sources, an_unreadable_file_in_the_users_own_directory_is_an_error)
{
    if (geteuid() != 0)
        return;
    write_file("harden/harden.ini", "[host *]\ncost = 2\n");
    chmod(in_directory("harden/harden.ini"), 0600);
    cr_assert_eq(chown(in_directory("harden"), 65534, 65534), 0);
    become_nobody();
    cr_assert_str_eq(the_error(), "harden/harden.ini: cannot be opened: Permission denied");
    cr_assert_eq(seteuid(0), 0);
}

/* ---- changes ---- */

static bool becomes_stale(const struct config *c)
{
    bool stale = config_is_stale(c);
    config_discard((struct config *)c);
    return stale;
}

Test(config_sources, a_file_that_is_added_changed_or_removed_in_the_directory_is_noticed)
{
    struct config *c = load_well();
    cr_assert_not(config_is_stale(c));
    write_file("harden/harden.d/a.ini", "[host *]\ncost = 3\n");
    cr_assert(becomes_stale(c));
    c = load_well();
    cr_assert_not(config_is_stale(c));
    write_file("harden/harden.d/a.ini", "[host *]\ncost = 30\n");
    cr_assert(becomes_stale(c));
    c = load_well();
    cr_assert_not(config_is_stale(c));
    unlink(in_directory("harden/harden.d/a.ini"));
    cr_assert(becomes_stale(c));
    c = load_well();
    rmdir(in_directory("harden/harden.d"));
    cr_assert(becomes_stale(c));
    c = load_well();
    cr_assert_not(config_is_stale(c));
    mkdir(in_directory("harden/harden.d"), 0755);
    cr_assert(becomes_stale(c));
}

Test(config_sources, a_change_of_an_included_file_is_noticed_and_one_that_comes_first_in_the_search)
{
    mkdir(in_directory("harden/presets"), 0755);
    write_file("harden/harden.ini", "include = presets/a.ini\n");
    write_file("harden/presets/a.ini", "[host *]\ncost = 3\n");
    struct config *c = load_well();
    cr_assert_not(config_is_stale(c));
    write_file("harden/presets/a.ini", "[host *]\ncost = 30\n");
    cr_assert(becomes_stale(c));
    unlink(in_directory("harden/presets/a.ini"));
    c = load();
    cr_assert_eq(reports, 1);
    cr_assert_not(config_is_stale(c));
    write_file("harden/presets/a.ini", "[host *]\ncost = 4\n");
    cr_assert(becomes_stale(c));
}

/* ---- include ---- */

Test(config_sources, an_included_file_is_read_where_the_line_stands)
{
    write_file("harden/harden.ini",
               "include = a.ini\n[harden]\nlog = info\ninclude = ./sub/b.ini # two\n"
               "service = own\n[host *]\ncost = 5\n");
    mkdir(in_directory("harden/sub"), 0755);
    write_file("harden/a.ini", "[host *]\ncost = 3\nmax_attempts = 7\n[harden]\nservice = a\n");
    write_file("harden/sub/b.ini", "[harden]\nlog = debug\nservice = b\ninclude = c.ini");
    write_file("harden/sub/c.ini", "[host *]\nbreaker = off\n");
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 5);
    cr_assert_eq(find(c, "x")->max_attempts, 7);
    cr_assert_eq(find(c, "x")->breaker, BREAKER_OFF);
    cr_assert_str_eq(c->service, "own");
    cr_assert_eq(c->log, LOG_DEBUG);
    config_discard(c);
}

Test(config_sources, a_file_may_be_included_by_its_absolute_path_or_from_home)
{
    char text[256];
    setenv("HOME", directory, 1);
    write_file("a.ini", "[host *]\ncost = 3\n");
    write_file("b.ini", "[host *]\nmax_attempts = 7\n");
    snprintf(text, sizeof(text), "include = %s/a.ini\n?include = ~/b.ini\n", directory);
    write_file("harden/harden.d/a.ini", text);
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 3);
    cr_assert_eq(find(c, "x")->max_attempts, 7);
    config_discard(c);
}

Test(config_sources, a_path_is_relative_to_the_file_that_includes_it)
{
    mkdir(in_directory("other"), 0755);
    cr_assert_eq(chdir(in_directory("other")), 0);
    write_file("other/a.ini", "[host *]\ncost = 9\n");
    write_file("a.ini", "[host *]\ncost = 3\n");
    write_file("b.ini", "include = a.ini\n");
    struct config *c = config_load_file("../b.ini", collect, NULL);
    cr_assert_eq(find(c, "x")->cost, 3);
    config_discard(c);
    c = config_load_file(write_file("other/b.ini", "include = ../a.ini\n") ? "b.ini" : "", collect,
                         NULL);
    cr_assert_eq(find(c, "x")->cost, 3);
    config_discard(c);
    cr_assert_eq(reports, 0, "%s", reported[0]);
}

Test(config_sources, an_error_in_an_included_file_names_it_and_later_ones_the_outer_file)
{
    write_file("harden/harden.ini", "include = a.ini\n[harden]\nmoode = off\n");
    write_file("harden/a.ini", "[host *]\ncost = many\n");
    struct config *c = load();
    cr_assert_eq(reports, 2);
    cr_assert_not_null(strstr(reported[0], "/harden/a.ini:2: [host *] cost = many: not a whole"));
    cr_assert_not_null(
        strstr(reported[1], "/harden/harden.ini:3: [harden] moode = off: unknown key"));
    config_discard(c);
}

Test(config_sources, each_wrong_include_gives_one_clear_error_at_its_line)
{
    write_file("harden/a.ini", "[host *]\ncost = 3\n");
    write_file("harden/harden.ini", "[harden]\ninclude = b.ini\n");
    const char *error = the_error();
    cr_assert_eq(strncmp(error,
                         "harden/harden.ini:2: [harden] include = b.ini: no such file, neither in ",
                         72),
                 0, "%s", error);
    cr_assert_not_null(strstr(error, "/libharden; write the path of one"));
    write_file("harden/harden.ini", "include = /nowhere/b.ini\n");
    cr_assert_str_eq(the_error(),
                     "harden/harden.ini:1: include = /nowhere/b.ini: no such file; write "
                     "the path of one");
    write_file("harden/harden.ini", "[harden]\ninclude =\n");
    cr_assert_str_eq(the_error(),
                     "harden/harden.ini:2: [harden] include = : no file; write for example "
                     "include = presets/github.ini");
    write_file("harden/harden.ini", "[host *]\ninclude = a.ini\n");
    cr_assert_str_eq(the_error(),
                     "harden/harden.ini:2: [host *] include = a.ini: a file has sections "
                     "of its own; write the line into [harden], or above the first section");
    write_file("harden/harden.ini", "[program curl]\ninclude = a.ini\n");
    cr_assert_not_null(strstr(the_error(), "a file has sections of its own"));
    write_file("harden/harden.ini",
               "[check a]\ninclude = a.ini\ntype = tcp\ntarget = a.example:1\n");
    cr_assert_not_null(strstr(the_error(), "a file has sections of its own"));
    write_file("harden/harden.ini", "include = .\n");
    cr_assert_str_eq(the_error(),
                     "harden/harden.ini:1: include = .: refused, it is not a regular file; "
                     "name a regular file, or none");
    write_file("harden/harden.ini", "[harden]\ninclud = a.ini\n");
    cr_assert_str_eq(the_error(),
                     "harden/harden.ini:2: [harden] includ = a.ini: unknown key; did you "
                     "mean include?");
    write_file("harden/harden.ini", "include = a.ini\n");
    chmod(in_directory("harden/a.ini"), 0666);
    cr_assert_not_null(strstr(the_error(),
                              "harden.ini:1: include = a.ini: refused, its group or others "
                              "can write it"));
}

Test(config_sources, files_that_include_each_other_are_reported_and_the_rest_applies)
{
    write_file("harden/harden.ini", "include = harden.ini\n[host *]\ncost = 3\n");
    cr_assert_str_eq(the_error(),
                     "harden/harden.ini:1: include = harden.ini: the file includes itself; "
                     "remove the line");
    write_file("harden/harden.ini", "include = a.ini\n[host *]\ncost = 3\n");
    write_file("harden/a.ini", "include = b.ini\n[host *]\nburst = 5\n");
    write_file("harden/b.ini", "include = ../harden/harden.ini\n[host *]\nrate = 1/s\n");
    cr_assert_str_eq(the_error(),
                     "harden/b.ini:1: include = ../harden/harden.ini: a cycle: that file "
                     "includes this one; remove one of the lines");
    struct config *c = load();
    cr_assert_eq(find(c, "x")->cost, 3);
    cr_assert_eq(find(c, "x")->limits[0].rates[0].burst, 5);
    config_discard(c);
}

Test(config_sources, a_file_may_be_included_twice_but_not_more_than_eight_deep)
{
    char name[64], text[64];
    write_file("harden/harden.ini", "include = 1.ini\ninclude = 1.ini\n");
    for (int i = 1; i <= 9; i++) {
        snprintf(name, sizeof(name), "harden/%d.ini", i);
        snprintf(text, sizeof(text), "include = %d.ini\n", i + 1);
        write_file(name, i < 8 ? text : "[host *]\ncost = 3\n");
    }
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 3);
    config_discard(c);
    write_file("harden/harden.ini", "include = 1.ini\n");
    write_file("harden/8.ini", "include = 9.ini\n");
    cr_assert_str_eq(the_error(),
                     "harden/8.ini:1: include = 9.ini: more than 8 files that include each "
                     "other; include the file further out");
}

static void write_repeated(const char *name, const char *line, int n)
{
    char text[2048] = "";
    for (int i = 0; i < n; i++)
        strcat(text, line);
    write_file(name, text);
}

Test(config_sources, files_that_multiply_by_including_each_other_end_with_an_error)
{
    write_repeated("harden/harden.ini", "include = 1.ini\n", 13);
    write_repeated("harden/1.ini", "include = 2.ini\n", 99);
    write_file("harden/2.ini", "");
    config_discard(load());
    cr_assert_eq(reports, 5, "an error for each line that is not obeyed");
    cr_assert_not_null(strstr(reported[0], "/1.ini:98: include = 2.ini: not read, there are more "
                                           "than 1000 files already"));
    cr_assert_not_null(strstr(reported[4], "/harden.ini:13: include = 1.ini: not read"));
}

/* ---- [program GLOB] ---- */

static struct config *load_for(const char *program, const char *text)
{
    reports = 0;
    struct config *c = config_load_for(program, write_file("p.ini", text), collect, NULL);
    cr_assert_eq(reports, 0, "%s", reported[0]);
    return c;
}

Test(config_sources, a_program_section_overrides_harden_and_all_hosts_for_programs_it_names)
{
    static const char text[] =
        "[program php*]\nmode = observe\nservice = shop\nstate = /run/harden-shop\n"
        "rate = 5/s\ncost = 3\n"
        "[harden]\nmode = enforce\nlog = info\nservice = any\n"
        "[host *]\ncost = 2\nmax_attempts = 4\n"
        "[host api.example.com]\ncost = 7\n";
    struct config *c = load_for("php8.2", text);
    cr_assert_eq(c->mode, MODE_OBSERVE);
    cr_assert_str_eq(c->service, "shop");
    cr_assert_str_eq(c->state, "/run/harden-shop");
    cr_assert_eq(c->log, LOG_INFO);
    cr_assert_eq(find(c, "x")->cost, 3);
    cr_assert_eq(find(c, "x")->max_attempts, 4);
    cr_assert_eq(find(c, "x")->limits[0].rates[0].tokens, 5);
    cr_assert_eq(find(c, "api.example.com")->cost, 7);
    cr_assert_eq(c->from[option_find(SECTION_HARDEN, "mode")].line, 2);
    config_discard(c);
    static const char *const others[] = {"curl", "my-php", NULL};
    for (size_t i = 0; i < array_size(others); i++) {
        c = load_for(others[i], text);
        cr_assert_eq(c->mode, MODE_ENFORCE);
        cr_assert_str_eq(c->service, "any");
        cr_assert_eq(find(c, "x")->cost, 2);
        cr_assert_eq(find(c, "x")->limit_count, 0);
        cr_assert_eq(c->program_section_count, 1);
        config_discard(c);
    }
}

Test(config_sources, of_several_program_sections_the_later_one_wins_key_by_key)
{
    struct config *c = load_for("curl", "[program *]\ncost = 2\nmax_attempts = 2\nbreaker = off\n"
                                        "[program curl]\ncost = 3\n[program [a-c]url]\ncost = 4\n"
                                        "[program wget]\ncost = 5\n[program *]\nmax_delay = 7s\n");
    cr_assert_eq(find(c, "x")->cost, 4);
    cr_assert_eq(find(c, "x")->max_attempts, 2);
    cr_assert_eq(find(c, "x")->max_delay_ns, 7000000000);
    cr_assert_eq(find(c, "x")->breaker, BREAKER_OFF);
    config_discard(c);
}

Test(config_sources, a_program_section_of_a_later_file_wins)
{
    write_file("harden/harden.ini", "[program *]\ncost = 2\nmax_attempts = 7\n");
    write_file("harden/harden.d/a.ini", "[program *-test*]\ncost = 4\n");
    write_file("harden/harden.d/b.ini", "[program *]\ncost = 3\n");
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 3);
    cr_assert_eq(find(c, "x")->max_attempts, 7);
    config_discard(c);
}

Test(config_sources, a_retry_preset_of_a_program_replaces_the_keys_of_all_hosts)
{
    static const char text[] =
        "[host *]\nmax_attempts = 9\nmax_delay = 1s\n[host a]\nmax_attempts = 8\n"
        "[program *]\nmax_delay = 3s\n"
        "[program curl]\nretry = expensive\nbase_delay = 2s\n";
    struct config *c = load_for("curl", text);
    cr_assert_eq(find(c, "x")->max_attempts, 5);
    cr_assert_eq(find(c, "x")->base_delay_ns, 2000000000);
    cr_assert_eq(find(c, "x")->max_delay_ns, 10000000000);
    cr_assert_eq(find(c, "a")->max_attempts, 8);
    config_discard(c);
    c = load_for("wget", text);
    cr_assert_eq(find(c, "x")->max_attempts, 9);
    cr_assert_eq(find(c, "x")->max_delay_ns, 3000000000);
    config_discard(c);
}

Test(config_sources, the_environment_overrides_program_sections)
{
    write_file("harden/harden.ini", "[program *]\ncost = 2\nmode = off\nservice = a\n");
    setenv("HARDEN_COST", "9", 1);
    setenv("HARDEN_MODE", "observe", 1);
    struct config *c = load_well();
    cr_assert_eq(find(c, "x")->cost, 9);
    cr_assert_eq(c->mode, MODE_OBSERVE);
    cr_assert_str_eq(c->service, "a");
    config_discard(c);
}

Test(config_sources, service_auto_is_the_name_of_the_program)
{
    struct config *c = load_for("curl", "[harden]\nservice = x\n[program c*]\nservice = auto\n");
    cr_assert_str_eq(c->service, "curl");
    cr_assert(config_covers(c, "curl"));
    config_discard(c);
    c = load_for("curl", "[program c*]\nmode = off\n");
    cr_assert_not(config_covers(c, "curl"));
    config_discard(c);
}

static void program_error(const char *text, const char *expected)
{
    reports = 0;
    config_discard(config_load_text("t.ini", text, strlen(text), collect, NULL));
    cr_assert_eq(reports, 1, "%d errors: %s", reports, reported[0]);
    cr_expect_str_eq(reported[0], expected);
}

Test(config_sources, each_wrong_program_section_gives_one_clear_error_for_every_program)
{
    program_error("[program]\nmode = off\n",
                  "t.ini:1: [program]: a program section needs a name; write "
                  "for example [program curl] or [program php*]");
    program_error(
        "[program curl wget]\nmode = off\n",
        "t.ini:1: [program curl wget]: a section names one program, or several by a pattern; "
        "write a section for each");
    program_error(
        "[program /usr/bin/curl]\nmode = off\n",
        "t.ini:1: [program /usr/bin/curl]: a program is named by its base name; write for "
        "example [program curl]");
    program_error(
        "[program !bash]\nmode = off\n",
        "t.ini:1: [program !bash]: a section cannot exclude a program; write the keys of the "
        "others into [harden]");
    program_error("[program curl\nmode = off\n",
                  "t.ini:1: [program curl: a section ends with its bracket; write [program NAME]");
    program_error("[program zz]\nprograms = curl\n",
                  "t.ini:2: [program zz] programs = curl: the key belongs in [harden]");
    program_error(
        "[program zz]\nmatch = a.example\n",
        "t.ini:2: [program zz] match = a.example: the key belongs in a [host PATTERN] section; "
        "[host *] is for all hosts");
    program_error(
        "[program zz]\ntarget = a.example\n",
        "t.ini:2: [program zz] target = a.example: the key belongs in a [check NAME] section");
    program_error("[program zz]\nmoode = off\n",
                  "t.ini:2: [program zz] moode = off: unknown key; did you mean mode?");
    program_error("[program zz]\ncots = 2\n",
                  "t.ini:2: [program zz] cots = 2: unknown key; did you mean cost?");
    program_error(
        "[program zz]\nmax_wait = 3 parsecs\n",
        "t.ini:2: [program zz] max_wait = 3 parsecs: not a duration; write for example 250ms, "
        "1.5s, 2m, 1h, 1d");
    program_error(
        "[program zz]\ncost = 2\n[program zz]\ncost = 3\n",
        "t.ini:4: [program zz] cost = 3: given twice in this file; this one counts, remove "
        "one");
}
