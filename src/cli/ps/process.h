/* SPDX-License-Identifier: MIT
 *
 * What /proc and the boards say about the processes that have loaded the library. Nothing of it is
 * trusted, and nothing is guessed: what cannot be found out is empty.
 *
 *     struct ps_list list = {0};
 *     struct ps_wanted want = {.uid = getuid()};
 *     if (ps_read(&list, &want)) ... out of memory
 *     for (i = 0; i < list.count; i++) ... list.process[i]
 *     ps_release(&list);
 *
 * The version comes from the board's table of attached processes (engine/board/attached.h), which is
 * right even if the file of the library has been replaced since; for a process without a board, from the
 * file that it has loaded. The mode comes from the table. */
#ifndef CLI_PS_PROCESS_H
#define CLI_PS_PROCESS_H

#include "engine/policy/policy.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Why a process must be restarted to use what is installed. */
enum ps_reason {
    PS_CURRENT,
    PS_REPLACED,  /* there is another file in the place of the one that it has loaded */
    PS_REMOVED,   /* there is none */
    PS_ELSEWHERE, /* it has loaded another version than this command's, from another place */
};

struct ps_process {
    pid_t pid;
    uid_t uid;        /* effective */
    int64_t since_ms; /* wall time of its start; 0: not known */
    uint32_t layout;  /* of its board; 0: it has none in a file, or none yet */
    bool mode_known;
    enum mode mode;
    enum ps_reason reason;
    char program[256]; /* base name of its file */
    char version[48];  /* of the library that it has loaded */
    char next[48];     /* of the library that it would load after a restart */
    char service[128]; /* HARDEN_SERVICE */
    char unit[128];    /* of systemd */
    char *board;       /* path, as this process sees it; NULL: none */
    char *library;     /* likewise; never NULL */
};

struct ps_list {
    struct ps_process *process;
    size_t count, room;
};

struct ps_wanted {
    bool everybody;
    uid_t uid;         /* unless everybody */
    const char *state; /* only boards in this directory; NULL: all */
};

/* In the order of /proc. False: out of memory, or no /proc. */
bool ps_read(struct ps_list *list, const struct ps_wanted *want);
void ps_release(struct ps_list *list);

/* Whether it uses a board of another layout than this command's. */
bool ps_has_other_layout(const struct ps_process *p);
/* One line without a newline for a process that must be restarted: why. */
const char *ps_reason_text(const struct ps_process *p, char *out, size_t size);

#endif
