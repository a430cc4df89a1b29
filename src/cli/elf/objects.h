/* SPDX-License-Identifier: MIT
 *
 * The ELF files that make up a program: the executable and its libraries, located as the loader
 * would, or the files that a process has mapped. Files are only read, nothing is run.
 *
 *     struct objects o = {0};
 *     if (objects_of_program(&o, "/usr/bin/curl") == 0)
 *         for (int i = 0; i < o.count; i++) ... o.list[i].uses & USES_EASY ...
 *     objects_release(&o);
 *
 * list[0] is the program. */
#ifndef CLI_ELF_OBJECTS_H
#define CLI_ELF_OBJECTS_H

#include "cli/elf/elf.h"

#include <stdbool.h>

/* What an object imports. */
enum object_uses {
    USES_EASY = 1 << 0,    /* curl_easy_perform */
    USES_MULTI = 1 << 1,   /* curl_multi_perform and similar functions */
    USES_CONNECT = 1 << 2, /* connect */
    USES_EVENTS = 1 << 3,  /* an event loop: epoll, libuv, libevent */
    USES_RAW = 1 << 4,     /* socket and syscall: it may connect without connect() */
    USES_DLOPEN = 1 << 5,
    USES_EXEC = 1 << 6,
    USES_URING = 1 << 7,
    USES_CURL = 1 << 8,  /* any curl_ function */
    USES_NAMES = 1 << 9, /* getaddrinfo */
    USES_POLL = 1 << 10, /* poll */
};

/* What an object defines. */
enum object_gives {
    GIVES_CURL = 1 << 0,     /* it is a libcurl, or contains one */
    GIVES_OLD_CURL = 1 << 1, /* and that is older than 7.62 */
    GIVES_PHP = 1 << 2,
};

struct object {
    char *path;
    struct elf elf;
    unsigned uses, gives;
    char node[32];             /* version of the curl_ functions that it imports or defines; "" */
    const char *built_in_curl; /* version of a statically linked libcurl: "8.5.0 "; NULL: none */
    int needed_by;             /* index in the list; -1: this is the program */
};

struct objects {
    struct object *list;
    int count, room;
    char missing[128]; /* the first library that was not found; "": none */
};

/* 0, or -errno of elf_read for the program. */
int objects_of_program(struct objects *o, const char *path);
/* The executable mappings in `maps`, the text of /proc/PID/maps. Paths are relative to `root`.
 * libharden.so and libharden-audit.so are left out. 0 or -errno. */
int objects_of_maps(struct objects *o, const char *maps, const char *exe, const char *root);
void objects_release(struct objects *o);

/* Whether the C library of the program is musl. */
bool objects_on_musl(const struct objects *o);
/* The file that the loader would use for a library name that object `needed_by` needs. False:
 * none. */
bool objects_search(const struct objects *o, int needed_by, const char *name, char *out,
                    size_t size);
/* The base name of its file. */
const char *object_name(const struct object *o);

#endif
