/* SPDX-License-Identifier: MIT
 *
 * Which version of the library a process has loaded, and which one is in its place now. */
#include "base/version.h"
#include "cli/locate.h"
#include "cli/ps/private.h"
#include "engine/board/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY_LARGEST (64 << 20)

static void copy_version(char out[48], const char *at, const char *end)
{
    size_t n = 0;
    while (at + n < end && n < 47 && at[n] > ' ' && at[n] < 0x7f)
        n++;
    snprintf(out, 48, "%.*s", (int)n, at);
}

/* -1: not a regular file. It is looked at before it is opened: another user can have put a link to a device
 * in its place, whose opening would have an effect. */
static int open_regular(const char *path)
{
    struct stat st;
    char same[64];
    int fd = -1, place = open(path, O_PATH | O_CLOEXEC);
    snprintf(same, sizeof same, "/proc/self/fd/%d", place);
    if (place >= 0 && !fstat(place, &st) && S_ISREG(st.st_mode) && st.st_size < LIBRARY_LARGEST)
        fd = open(same, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (place >= 0)
        close(place);
    return fd;
}

/* The version that is marked in a file; "": none. The file is not mapped: its owner may cut it meanwhile. */
static void read_version(const char *path, char out[48])
{
    static const char mark[] = VERSION_MARK;
    const size_t length = sizeof mark - 1, kept = length + 48;
    char part[65536];
    size_t have = 0, sum = 0;
    ssize_t n;
    int fd = open_regular(path);
    out[0] = '\0';
    const char *at = NULL;
    while (fd >= 0 && (!at || at + kept > part + have) && sum < LIBRARY_LARGEST &&
           (n = read(fd, part + have, sizeof part - have)) > 0) {
        have += (size_t)n;
        sum += (size_t)n;
        at = memmem(part, have, mark, length);
        if (have == sizeof part && (!at || at + kept > part + have)) {
            memmove(part, part + have - kept, kept);
            have = kept;
            at = NULL;
        }
    }
    at = memmem(part, have, mark, length);
    if (at)
        copy_version(out, at + length, part + have);
    if (fd >= 0)
        close(fd);
}

/* A process in a container has other files, and what is installed here does not concern it. */
static bool has_our_root(pid_t pid)
{
    char path[64];
    struct stat own, theirs;
    snprintf(path, sizeof path, "/proc/%d/root/", (int)pid);
    return !stat("/", &own) && !stat(path, &theirs) && own.st_dev == theirs.st_dev &&
           own.st_ino == theirs.st_ino;
}

/* Whether it has loaded, from another place than that of this command's library, another version. */
static bool is_elsewhere(const struct ps_process *p, const struct ps_maps *m)
{
    char own[PATH_MAX], version[48];
    if (!has_our_root(p->pid) || !locate_library_file(own, sizeof own) || !strcmp(own, m->library))
        return false;
    read_version(own, version);
    return strcmp(version, p->version) || ps_has_other_layout(p);
}

void ps_read_library(struct ps_process *p, const struct ps_maps *m)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)p->pid, m->library);
    read_version(path, p->next);
    bool there = !access(path, F_OK), gone = !there && errno == ENOENT;
    if (!p->version[0] && m->library_deleted) {
        snprintf(path, sizeof path, "/proc/%d/map_files/%s", (int)p->pid, m->library_range);
        read_version(path, p->version); /* only for root */
    } else if (!p->version[0]) {
        snprintf(p->version, sizeof p->version, "%s", p->next);
    }
    if (gone)
        p->reason = PS_REMOVED;
    else if (m->library_deleted || (p->next[0] && strcmp(p->next, p->version)))
        p->reason = PS_REPLACED;
    else if (is_elsewhere(p, m))
        p->reason = PS_ELSEWHERE;
}

bool ps_has_other_layout(const struct ps_process *p)
{
    return p->board && p->layout != BOARD_LAYOUT;
}

const char *ps_reason_text(const struct ps_process *p, char *out, size_t size)
{
    char own[PATH_MAX] = "";
    const char *was = p->version[0] ? p->version : "an unknown version";
    int n = 0;
    if (p->reason == PS_REMOVED)
        n = snprintf(out, size, "%s was removed", p->library);
    else if (p->reason == PS_REPLACED && p->next[0] && !strcmp(p->next, p->version))
        n = snprintf(out, size, "libharden.so was replaced by another build of %s", p->next);
    else if (p->reason == PS_REPLACED)
        n = snprintf(out, size, "libharden.so was replaced: it has loaded %s%s%s", was,
                     p->next[0] ? ", now there is " : "", p->next);
    else if (p->reason == PS_ELSEWHERE && locate_library_file(own, sizeof own))
        n = snprintf(out, size, "it has loaded %s (%s), not %s", p->library, was, own);
    if (n > 0 && (size_t)n < size && ps_has_other_layout(p))
        snprintf(out + n, size - (size_t)n, "; its board has limits of its own");
    return out;
}
