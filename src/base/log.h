/* SPDX-License-Identifier: MIT
 *
 * The log: one line per call, to stderr, syslog or a file.
 *
 *     log_set(LOG_INFO, "stderr", "legacy-client");
 *     log_info("%s: waits %lld ms for a token", host, ms);
 *
 * 1. A line never contains a path, query, user name, header or body.
 * 2. A line is one write(), so lines of several threads never mix.
 * 3. The descriptor is opened for one line and closed again: one that stays open in a foreign
 *    process may end up referring to another file.
 * 4. Nothing is ever written to stdout. If descriptor 2 no longer refers to the file it did at the
 *    first log_set(), it is the program's own, and nothing is written to it.
 * 5. If stderr would block, the line is lost; the program neither blocks nor gets a signal.
 *
 * A line below the level costs a comparison. Any thread; errors are ignored; errno is preserved. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level_now;

/* to: "stderr", "syslog", or a path, in which %p is replaced by the pid, %n by the program, %u by
 * the uid, %% by %. The strings must stay valid until the process ends. */
void log_set(enum log_level level, const char *to, const char *program);

/* To be called by a thread that has left the process's descriptor table (unshare(CLONE_FILES)): it
 * fetches the process's stderr for each line. */
void log_own_descriptors(void);
bool log_has_own_descriptors(void);

/* Appends by one write() to a file that is opened for it. 0 or -errno. Symbolic links are followed
 * only directly in /dev, /dev/fd and /proc/self/fd; /dev/stderr is the "stderr" of log_set(). To be
 * called between shield_begin() and shield_end(). */
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
