/* SPDX-License-Identifier: MIT
 *
 * The files that make up a program: itself and its libraries, found as the loader would find them, but
 * only read; nothing is run. Or those that a process has mapped.
 *
 *     struct objects o = {0};
 *     if (objects_of_program(&o, "/usr/bin/curl") == 0)
 *         for (int i = 0; i < o.count; i++) ... o.list[i].uses & USES_EASY ...
 *     objects_release(&o);
 *
 * The first one is the program. */
#ifndef CLI_ELF_OBJECTS_H
#define CLI_ELF_OBJECTS_H

#include "cli/elf/elf.h"

#include <stdbool.h>
#include <sys/types.h>

/* What an object calls of others. */
enum object_uses {
    USES_EASY = 1 << 0,    /* curl_easy_perform */
    USES_MULTI = 1 << 1,   /* curl_multi_perform and its like */
    USES_CONNECT = 1 << 2, /* connect */
    USES_EVENTS = 1 << 3,  /* an event loop: epoll, libuv, libevent */
    USES_RAW = 1 << 4,     /* socket and syscall */
    USES_DLOPEN = 1 << 5,
    USES_EXEC = 1 << 6,
    USES_URING = 1 << 7,
    USES_CURL = 1 << 8,  /* any curl_ function */
    USES_NAMES = 1 << 9, /* getaddrinfo */
    USES_POLL = 1 << 10, /* poll */
};

/* What an object brings. */
enum object_gives {
    GIVES_CURL = 1 << 0,     /* it is a libcurl, or has one in it */
    GIVES_OLD_CURL = 1 << 1, /* and one of before 7.62 */
    GIVES_PHP = 1 << 2,
};

struct object {
    char *path;
    struct elf elf;
    unsigned uses, gives;
    char node[32]; /* the version of the curl_ functions that it wants, or gives; "" */
    const char
        *built_in_curl; /* the version of a libcurl that is inside a program: "8.5.0 "; NULL */
    int needed_by;      /* index; -1: the program */
};

struct objects {
    struct object *list;
    int count, room;
    char missing[128]; /* the first library that was not found; "" */
};

/* 0 or -errno, as elf_read of the program. */
int objects_of_program(struct objects *o, const char *path);
/* `maps` is the text of /proc/PID/maps; paths are looked for below `root`. The library's own are
 * left out. */
int objects_of_maps(struct objects *o, const char *maps, const char *exe, const char *root);
void objects_release(struct objects *o);

/* Whether the program's C library is musl, whatever its loader is called. */
bool objects_on_musl(const struct objects *o);
/* The file that the loader would take for that name, of the same kind as the object that wants it. */
bool objects_search(const struct objects *o, int needed_by, const char *name, char *out,
                    size_t size);
const char *object_name(const struct object *o);

#endif
