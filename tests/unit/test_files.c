/* SPDX-License-Identifier: MIT
 *
 * Permissions and owners of health.json and metrics.prom. */
#include "base/kernel.h"
#include "engine/publish/files.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER 54350 /* an unused user id, to which tests switch */

static char state[] = "/tmp/test_files_state.XXXXXX", out[] = "/tmp/test_files_out.XXXXXX";
static char snapshot[64], metrics[64];

static void make(void)
{
    cr_assert(mkdtemp(state) && mkdtemp(out));
    chmod(state, 0755);
    chmod(out, 0755);
    snprintf(snapshot, sizeof snapshot, "%s/health.json", out);
    snprintf(metrics, sizeof metrics, "%s/harden.prom", out);
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", state, 1);
}

static void drop(void)
{
    scratch_remove(state);
    scratch_remove(out);
}

TestSuite(files, .init = make, .fini = drop);

static void write_outside(void)
{
    setenv("HARDEN_SNAPSHOT", snapshot, 1);
    setenv("HARDEN_METRICS", metrics, 1);
}

/* Writes both files once. */
static void write_files(void)
{
    struct engine *e = engine_get();
    const struct config *c = atomic_load(&e->config);
    struct output o = files_to_write(e, c);
    files_write(e, c, &o);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : st.st_mode & 07777;
}

Test(files, outside_the_state_directory_can_be_read_by_all_whatever_the_umask)
{
    static const mode_t masks[] = {0, 077, 0777};
    write_outside();
    for (int i = 0; i < 3; i++) {
        umask(masks[i]);
        write_files();
        cr_assert_eq(mode_of(snapshot), 0644u, "%o", (unsigned)masks[i]);
        cr_assert_eq(mode_of(metrics), 0644u, "%o", (unsigned)masks[i]);
    }
}

Test(files, outside_the_state_directory_have_the_mode_that_is_set)
{
    write_outside();
    setenv("HARDEN_FILES_MODE", "0640", 1);
    umask(077);
    write_files();
    cr_assert_eq(mode_of(snapshot), 0640u);
    cr_assert_eq(mode_of(metrics), 0640u);
}

Test(files, of_a_private_board_have_the_mode_for_outside)
{
    write_outside();
    setenv("HARDEN_STATE", "private", 1);
    write_files();
    cr_assert_eq(mode_of(metrics), 0644u);
}

Test(files, in_the_state_directory_are_private_although_others_can_list_it)
{
    char path[64];
    umask(0);
    setenv("HARDEN_FILES_MODE", "0644", 1);
    write_files();
    snprintf(path, sizeof path, "%s/health.json", state);
    cr_assert_eq(mode_of(path), 0600u);
    snprintf(path, sizeof path, "%s/metrics.prom", state);
    cr_assert_eq(mode_of(path), 0600u);
}

/* ---- what cannot be written ---- */

static char said[2048];

/* Writes twice as this user, in a child; returns the size of the metrics file afterwards, and what was
 * logged in `said`. */
static long long write_as(uid_t user)
{
    int p[2], status;
    struct stat st = {0};
    cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        dup2(p[1], 2);
        if (user && (setresgid(user, user, user) || setresuid(user, user, user)))
            _exit(1);
        write_files();
        write_files();
        _exit(atomic_load(&engine_get()->board->header->internal_errors) != 2);
    }
    close(p[1]);
    ssize_t n = read(p[0], said, sizeof said - 1);
    said[n > 0 ? n : 0] = '\0';
    close(p[0]);
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0, "%s", said);
    return stat(metrics, &st) ? -1 : st.st_size;
}

static void only_metrics(void)
{
    setenv("HARDEN_STATE", "private", 1);
    setenv("HARDEN_SNAPSHOT", "none", 1);
    setenv("HARDEN_METRICS", metrics, 1);
}

static void once(const char *words)
{
    const char *line = strstr(said, "cannot be written: ");
    cr_assert(line && strstr(line, words), "%s", said);
    cr_assert_null(strstr(line + 1, "cannot be written: "), "%s", said);
}

Test(files, in_a_directory_of_root_are_reported_once_with_the_remedy)
{
    if (geteuid())
        return; /* needs a second user */
    only_metrics();
    cr_assert_eq(write_as(USER), -1);
    once("its directory is owned by user 0, with mode 0755; let user 54350 create files there");
}

Test(files, of_another_user_are_not_replaced)
{
    if (geteuid())
        return; /* needs a second user */
    only_metrics();
    chmod(out, 0777);
    close(open(metrics, O_CREAT | O_WRONLY, 0644));
    cr_assert_eq(write_as(USER), 0);
    once("it belongs to another user; remove it, or give each user a file with %u in its name");
    cr_assert_eq(chown(metrics, USER, USER), 0);
    cr_assert_eq(write_as(0), 0, "not even by root");
}

Test(files, that_are_no_regular_files_are_reported)
{
    only_metrics();
    cr_assert_eq(mkfifo(metrics, 0600), 0);
    cr_assert_eq(write_as(0), 0);
    once("it is not a regular file; name another path");
}

Test(files, with_a_u_in_their_name_are_those_of_one_user)
{
    char path[96], want[96];
    struct stat st;
    snprintf(path, sizeof path, "%s/a%%%%b-%%u.prom", out);
    snprintf(want, sizeof want, "%s/a%%b-%u.prom", out, (unsigned)kernel_euid());
    setenv("HARDEN_METRICS", path, 1);
    write_files();
    cr_assert_eq(stat(want, &st), 0, "%s", want);
}
