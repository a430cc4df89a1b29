/* SPDX-License-Identifier: MIT
 *
 * What the kernel, the limits of the user, the clock and the security modules mean for the library. */
#include "cli/doctor/machine.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define FEW_DESCRIPTORS 64
#define YEAR_OF_RELEASE 2026

bool machine_read(const struct diagnosis *d, const char *path, char *text, size_t size)
{
    char whole[PATH_MAX];
    text[0] = '\0';
    if (snprintf(whole, sizeof whole, "%s%s", d->root, path) >= (int)sizeof whole)
        return false;
    int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    if (n > 0 && text[n - 1] == '\n')
        text[n - 1] = '\0';
    return n >= 0;
}

static bool file_exists(const struct diagnosis *d, const char *path)
{
    char whole[PATH_MAX];
    return snprintf(whole, sizeof whole, "%s%s", d->root, path) < (int)sizeof whole &&
           !access(whole, F_OK);
}

/* ---- kernel -------------------------------------------------------------------------------- */

/* Invalid arguments: a kernel that has the call answers EINVAL, and nothing happens. */
static bool has_call(long number, long first, long second)
{
    return !syscall(number, first, second, 0L, 0L, 0L) || errno == EINVAL;
}

static void check_kernel(struct diagnosis *d)
{
    static const struct {
        long number, first, second;
        const char *name, *without;
    } calls[] = {
        {SYS_futex_waitv, 0, 0, "futex_waitv() of Linux 5.16",
         "a wait that a signal interrupts is continued by the library instead of the kernel"},
        {SYS_close_range, 1, 0, "close_range() of Linux 5.9",
         "the background thread opens its files among the program's descriptors"},
    };
    struct utsname u;
    char status[4096];
    d->check = "kernel";
    if (!uname(&u))
        doctor_say(d, LEVEL_OK, "the kernel is %s %s for %s", u.sysname, u.release, u.machine);
    for (size_t i = 0; i < array_size(calls); i++)
        if (!has_call(calls[i].number, calls[i].first, calls[i].second))
            doctor_say(d, LEVEL_NOTE, "the kernel, or a filter, does not permit %s: %s",
                       calls[i].name, calls[i].without);
    if (!machine_read(d, "/proc/self/status", status, sizeof status))
        doctor_say(
            d, LEVEL_NOTE,
            "/proc is not mounted: harden status and harden doctor PID cannot see processes");
    else if (strstr(status, "\nSeccomp:\t2"))
        doctor_say(d, LEVEL_NOTE,
                   "a seccomp filter applies to this process (of a container or service): under "
                   "one, the library starts no background thread, and requests write its files");
}

static void check_limits(struct diagnosis *d)
{
    struct rlimit files;
    d->check = "limits";
    if (getrlimit(RLIMIT_NOFILE, &files))
        return;
    if (files.rlim_cur < FEW_DESCRIPTORS)
        doctor_say(d, LEVEL_PARTLY,
                   "only %llu open files are permitted (ulimit -n): a program that needs them all "
                   "leaves none to the library, which then cannot open its board; raise the limit",
                   (unsigned long long)files.rlim_cur);
    else
        doctor_say(d, LEVEL_OK, "%llu open files are permitted",
                   (unsigned long long)files.rlim_cur);
}

/* ---- clock --------------------------------------------------------------------------------- */

static void check_clock(struct diagnosis *d)
{
    static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"};
    char source[64];
    struct timex now = {.modes = 0};
    struct tm tm;
    time_t t = time(NULL);
    d->check = "clock";
    int state = adjtimex(&now);
    if (gmtime_r(&t, &tm) && tm.tm_year + 1900 < YEAR_OF_RELEASE)
        doctor_say(d, LEVEL_PARTLY,
                   "the clock says %d: dates that servers send (Retry-After) are misread, and TLS "
                   "fails; set it",
                   tm.tm_year + 1900);
    else if (state == TIME_ERROR || (state >= 0 && now.status & STA_UNSYNC))
        doctor_say(d, LEVEL_NOTE,
                   "the clock is not known to be synchronised: a pause until a date (Retry-After) "
                   "is wrong by its error; use an NTP service, on the host of a container");
    else
        doctor_say(d, LEVEL_OK, "the clock is synchronised");
    machine_read(d, "/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
                 sizeof source);
    for (size_t i = 0; i < array_size(slow); i++)
        if (!strcmp(source, slow[i]))
            doctor_say(d, LEVEL_NOTE,
                       "the clock source is %s: reading the time takes a system call, which makes "
                       "each request a little slower",
                       source);
}

/* ---- security modules and containers ------------------------------------------------------- */

static void check_apparmor(struct diagnosis *d)
{
    char profile[256];
    if (!machine_read(d, "/proc/self/attr/apparmor/current", profile, sizeof profile))
        machine_read(d, "/proc/self/attr/current", profile, sizeof profile);
    if (*profile && strcmp(profile, "unconfined") != 0)
        doctor_say(d, LEVEL_NOTE,
                   "AppArmor confines this shell (%s): the findings are those of its profile",
                   profile);
    doctor_say(d, LEVEL_NOTE,
               "AppArmor is active: a profile must permit a program that it confines to map the "
               "library (mr) and to use the state directory (rwk); aa-status lists the profiles");
}

static void check_security(struct diagnosis *d)
{
    char text[16];
    bool apparmor = machine_read(d, "/sys/module/apparmor/parameters/enabled", text, sizeof text) &&
                    *text == 'Y';
    d->check = "security";
    if (apparmor)
        check_apparmor(d);
    if (machine_read(d, "/sys/fs/selinux/enforce", text, sizeof text) && *text == '1')
        doctor_say(
            d, LEVEL_NOTE,
            "SELinux is enforcing: a service whose domain changes at its start ignores "
            "LD_PRELOAD unless the policy permits noatsecure, and its domain needs access to "
            "the library and the state directory; ausearch -m avc shows refusals");
    else if (*text)
        doctor_say(d, LEVEL_OK, "SELinux is permissive: it refuses nothing");
    else if (!apparmor)
        doctor_say(d, LEVEL_OK, "neither AppArmor nor SELinux is active");
}

static void check_container(struct diagnosis *d)
{
    const char *kind = env_any("container");
    if (!kind && !file_exists(d, "/.dockerenv") && !file_exists(d, "/run/.containerenv"))
        return;
    d->check = "container";
    doctor_say(
        d, LEVEL_NOTE,
        "this is a container: its programs share limits among each other, but not with those "
        "of the machine or of other containers; mount one directory into all that are to "
        "share them, and name it with state =");
}

void machine_system(struct diagnosis *d)
{
    check_kernel(d);
    check_limits(d);
    check_clock(d);
    check_security(d);
    check_container(d);
}
