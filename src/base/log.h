/* SPDX-License-Identifier: MIT
 *
 * The log: silent unless something is wrong or the user asked. The level is looked at before
 * anything is formatted; a line is one write(), so lines of several threads never mix; the
 * descriptor is opened for that line and closed again, because a descriptor kept open in a foreign
 * process ends up in the wrong file. Never on stdout. Preserves errno. Never fails to the outside.
 * A reader of stderr who does not read loses lines; the program is not stopped, nor hit by a
 * signal. When descriptor 2 has become another file than it was at the first log_set, it is the
 * program's own, and nothing is written.
 *
 * A line never carries a path, query, user name, header or body.
 *
 *     log_set(LOG_INFO, "stderr", "legacy-client");
 *     log_info("%s: waits %lld ms for a token", host, ms);
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct text;

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level_now;

/* to: "stderr", "syslog", or a path in which %p is the pid, %n the program, %u the uid. The strings
 * must live as long as the process. */
void log_set(enum log_level level, const char *to, const char *program);

/* This thread has a descriptor table of its own: the process's stderr is fetched for each line. */
void log_own_descriptors(void);
bool log_has_own_descriptors(void);

/* The path that a pattern with %p, %n, %u (and %% for %) means; false when it does not fit. */
bool log_expand(struct text *out, const char *pattern);
/* Appends by one write() to a file opened for it; 0 or -errno. A link is followed only directly in
 * /dev, /dev/fd and /proc/self/fd; /dev/stderr is what log_set's "stderr" is. For use within quiet_begin/_end. */
int log_append(const char *path, const char *p, size_t n);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *fmt, ...);

#define log_at(level, ...)                                                                         \
    do {                                                                                           \
        if (__builtin_expect((level) <= log_level_now, 0))                                         \
            log_line((level), __VA_ARGS__);                                                        \
    } while (0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
