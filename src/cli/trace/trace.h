/* SPDX-License-Identifier: MIT
 *
 * The time line of `harden run --trace`: what the library did with each request of a program, and which
 * setting decided.
 *
 *     struct trace t = {0};
 *     if (trace_read(&t, file))        the lines that HARDEN_TRACE names
 *         trace_print(&t, stderr, columns, program);
 *     trace_release(&t);
 *
 * The library appends one JSON line per event to the file (base/events.h); libharden(7) describes them.
 * Lines that cannot be read are counted, not shown. Not thread safe. */
#ifndef CLI_TRACE_TRACE_H
#define CLI_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One line of the file. Strings are never NULL: "" means that the line has no such member. Numbers that
 * are missing are 0, times -1. */
struct trace_event {
    int64_t time_ns; /* of the day, since 1970 */
    const char *kind, *id, *host, *method, *reason, *state, *hint, *place;
    const char *not_retried, *refused, *setting, *value, *source;
    const char *service, *mode, *board;
    const char *config; /* of several files, the last one */
    int64_t pid;
    int attempt, attempts, curl, http, os_errno;
    int64_t wait_ns, duration_ns, waited_ns;
    int64_t rate_milli; /* requests in 1000 s */
    bool part, observed;
};

/* The events of one request, in the order of the file. */
struct trace_request {
    const char *id;
    size_t *event; /* indexes into trace.event */
    size_t count;
    const struct trace_event *end; /* NULL: it was under way when the program ended */
    int64_t begun_ns, ended_ns;
    bool clean; /* one attempt, not delayed, and the result was no failure */
};

struct trace {
    char *text; /* the file; all strings are in it */
    struct trace_event *event;
    size_t count;
    struct trace_request *request; /* in the order of their begin */
    size_t requests;
    size_t *order;     /* indexes of events, those of a request together */
    size_t unreadable; /* lines */
};

/* Parses one line in place. False: it is no event. The strings are in the line, or static. */
bool trace_parse(struct trace_event *e, char *line, size_t length);
/* False: out of memory. */
bool trace_read(struct trace *t, FILE *f);
void trace_release(struct trace *t);
/* program: as the user named it. columns: width of the output. */
void trace_print(const struct trace *t, FILE *out, int columns, const char *program);

/* Replaces this process; returns if that fails, with errno. */
typedef void trace_execute(char *path, char **words);
/* Runs the program as a child process, and waits for its end. Signals that a process sends to this one are
 * passed on. Returns the status as waitpid() does. -1: not started, see errno. */
int trace_supervise(trace_execute *execute, char *path, char **words);

struct command;
/* Runs the program, and prints its trace to the file, NULL: stderr. Returns the exit status for this
 * process, or ends it by the signal that ended the program. */
int trace_run(const struct command *c, trace_execute *execute, char *path, char **words,
              const char *output);

#endif
