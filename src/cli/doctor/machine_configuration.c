/* SPDX-License-Identifier: MIT
 *
 * The configuration that a program of this user gets, and whether its files can be written. */
#include "cli/doctor/machine.h"

#include "base/env.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say_error(void *diagnosis, const char *line)
{
    doctor_say(diagnosis, env_strict() ? LEVEL_NO : LEVEL_PARTLY, "%s%s", line,
               env_strict() ? ". With HARDEN_STRICT=1, no program starts until it is corrected"
                            : "");
}

static void say_files(struct diagnosis *d, const struct config *c)
{
    char list[1024] = "";
    size_t n = 0;
    for (int i = 0; i < c->file_count; i++)
        if (c->files[i].present && n < sizeof list)
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "",
                                  c->files[i].path);
    if (n)
        doctor_say(d, LEVEL_OK, "the configuration is %s", list);
    else
        doctor_say(
            d, LEVEL_NOTE,
            "there is no configuration file: failed requests are repeated and circuits open, "
            "but nothing is limited; harden.ini(5) describes the keys");
    if (n && !config_has_limits(c))
        doctor_say(d, LEVEL_NOTE, "no section sets a rate: nothing is limited");
}

/* Set in this shell, and perhaps not for cron or a service. */
static void say_environment(struct diagnosis *d)
{
    char list[1024] = "";
    size_t n = 0;
    const char *v;
    for (int i = 0; (v = env_nth(i)); i++)
        if (n < sizeof list)
            n += (size_t)snprintf(list + n, sizeof list - n, " %s", v);
    if (n)
        doctor_say(d, LEVEL_NOTE,
                   "this environment sets%s, which applies to programs started from it", list);
}

static void say_mode(struct diagnosis *d, const struct config *c)
{
    if (env_disabled())
        doctor_say(d, LEVEL_NO,
                   "HARDEN_DISABLE is set: all calls are passed through unchanged; unset it");
    if (c->mode == MODE_OFF)
        doctor_say(d, LEVEL_NO,
                   "mode = off: all calls are passed through unchanged; set mode = enforce");
    else if (c->mode == MODE_OBSERVE)
        doctor_say(d, LEVEL_NOTE,
                   "mode = observe: decisions are only counted and logged, nothing is changed");
    if (strcmp(c->programs, "*") != 0)
        doctor_say(d, LEVEL_NOTE, "programs = %s: other programs are left alone", c->programs);
}

/* A file outside of the state directory; files are replaced, so the directory must be writable. The
 * library also appends to an existing file that it can write. */
static void check_output(struct diagnosis *d, const struct config *c, const char *key,
                         const char *path, bool appends)
{
    char directory[PATH_MAX];
    size_t n = c->state ? strlen(c->state) : 0;
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash || (n && !strncmp(path, c->state, n) && path[n] == '/'))
        return;
    snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    bool writable =
        appends && !access(path, F_OK) ? !access(path, W_OK) : !access(directory, W_OK | X_OK);
    if (!writable)
        doctor_say(
            d, LEVEL_PARTLY,
            "%s = %s cannot be written: %s; create its directory, and let this user write to "
            "it",
            key, path, strerror(errno));
    else
        doctor_say(d, LEVEL_OK, "%s = %s can be written", key, path);
}

/* As under sudo or su, which keep HOME. */
static void check_home(struct diagnosis *d)
{
    struct stat st;
    const char *home = env_get("HOME");
    if (home && !stat(home, &st) && st.st_uid != geteuid())
        doctor_say(d, LEVEL_NOTE,
                   "HOME is %s, the home of user %u: this user's configuration is searched for "
                   "there, and a file that another user could have written is refused; sudo -H and "
                   "su - set HOME",
                   home, (unsigned)st.st_uid);
}

const struct config *machine_configuration(struct diagnosis *d)
{
    d->check = "configuration";
    env_capture();
    const struct config *c = config_load(say_error, d);
    if (!c) {
        doctor_say(d, LEVEL_NO, "out of memory");
        return NULL;
    }
    say_files(d, c);
    say_environment(d);
    say_mode(d, c);
    check_home(d);
    check_output(d, c, "snapshot", c->snapshot, false);
    check_output(d, c, "metrics", c->metrics, false);
    check_output(d, c, "events", c->events, true);
    check_output(d, c, "log_to", c->log_to, true);
    return c;
}
