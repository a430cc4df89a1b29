/* SPDX-License-Identifier: MIT
 *
 * The copies of libcurl that the loader knows. */
#include "cli/doctor/machine.h"

#include "cli/elf/ld_cache.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define COPIES_MAX 32

static void say_copy(struct diagnosis *d, const char *path, const struct object *curl)
{
    char version[32] = "of an unknown version";
    if (curl->built_in_curl)
        snprintf(version, sizeof version, "%.*s", (int)strcspn(curl->built_in_curl, " "),
                 curl->built_in_curl);
    if (curl->gives & GIVES_OLD_CURL)
        doctor_say(d, LEVEL_PARTLY,
                   "libcurl %s (%s) is older than 7.62: its transfers are passed through unchanged "
                   "and its connections are counted; use a newer version",
                   version, path);
    else if (!doctor_knows_node(curl->node))
        doctor_say(d, LEVEL_PARTLY,
                   "libcurl %s (%s) has the version node %s, which libharden.so does not provide: "
                   "its connections are counted, its transfers are not retried; please report this",
                   version, path, curl->node);
    else
        doctor_say(d, LEVEL_OK, "libcurl %s is %s%s%s: its transfers are covered", version, path,
                   *curl->node ? ", version node " : "", curl->node);
}

/* False: not a libcurl of this architecture. */
static bool check_copy(struct diagnosis *d, const char *path)
{
    struct objects o = {.count = 0};
    bool is_curl =
        !objects_of_program(&o, path) && o.list[0].elf.native && o.list[0].gives & GIVES_CURL;
    if (is_curl)
        say_copy(d, path, &o.list[0]);
    objects_release(&o);
    return is_curl;
}

void machine_libcurls(struct diagnosis *d)
{
    char seen[COPIES_MAX][PATH_MAX], whole[PATH_MAX];
    struct ld_cache cache;
    const char *name, *path;
    int copies = 0, found = 0;
    d->check = "libcurl";
    if (!ld_cache_open(&cache, d->root)) {
        doctor_say(
            d, LEVEL_NOTE,
            "the loader has no cache (/etc/ld.so.cache): it is not known which libcurls there "
            "are");
        return;
    }
    for (size_t i = 0; ld_cache_entry(cache.bytes, cache.size, i, &name, &path); i++) {
        bool again = strncmp(name, "libcurl", 7) != 0 || !strstr(name, ".so") ||
                     !realpath(path, whole) || copies == COPIES_MAX;
        for (int k = 0; k < copies && !again; k++)
            again = !strcmp(seen[k], whole);
        if (again)
            continue;
        snprintf(seen[copies++], PATH_MAX, "%s", whole);
        found += check_copy(d, whole);
    }
    ld_cache_close(&cache);
    if (!found)
        doctor_say(d, LEVEL_NOTE,
                   "the loader knows no libcurl: programs may have copies of their own (harden "
                   "doctor PROGRAM), and connections are covered without it");
}
