/* SPDX-License-Identifier: MIT */
#include "cli/doctor/known_software.h"

#include "base/compiler.h"
#include "base/words.h"

#include <string.h>

static const struct {
    const char *program;
    unsigned known;
    const char *note;
} programs[] = {
    {"git", STARTS_OTHERS,
     "for http and https, git starts git-remote-http: check that too (it is in git --exec-path)"},
    {"rsync", CONNECTS_ASYNC, NULL},
    {"php*", OWN_STREAMS, "curl_exec() and curl_multi_exec() of PHP are covered"},
    {"python*", 0,
     "pycurl is covered, and so are blocking connections (urllib, requests); asyncio is only "
     "counted; for functions that ctypes looks up only the connections are seen, unless it is "
     "started with harden run --audit"},
    {"bash", STARTS_OTHERS, NULL},
    {"zsh*", STARTS_OTHERS, NULL},
    {"ksh*", STARTS_OTHERS, NULL},
    {"busybox", STARTS_OTHERS, NULL},
};

static const char *const asynchronous[] = {"libpq.so", "libhiredis.so", "libuv.so", "libevent"};

static const char *const local[] = {"libc.so",     "ld-",      "libsystemd.so", "libselinux.so",
                                    "libaudit.so", "libdbus-", "libnss_",       "libresolv.so",
                                    "libudev.so",  "libX11",   "libxcb.so",     "libcap-ng.so"};

unsigned known_traits(const char *program)
{
    unsigned known = 0;
    for (size_t i = 0; i < array_size(programs); i++)
        if (ascii_glob(programs[i].program, program))
            known |= programs[i].known;
    return known;
}

const char *known_note(const char *program, int n)
{
    for (size_t i = 0; i < array_size(programs); i++)
        if (programs[i].note && ascii_glob(programs[i].program, program) && !n--)
            return programs[i].note;
    return NULL;
}

static bool begins(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strncmp(name, list[i], strlen(list[i])))
            return true;
    return false;
}

bool known_asynchronous(const char *library)
{
    return begins(library, asynchronous, array_size(asynchronous));
}

bool known_local(const char *library)
{
    return begins(library, local, array_size(local));
}
