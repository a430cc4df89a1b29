/* SPDX-License-Identifier: MIT
 *
 * The environment as it was when the process started. It is copied once, because programs change it
 * (setenv() races with getenv()), clear it, or overwrite it with their process title. The working
 * directory is copied with it if the environment has relative paths.
 *
 *     env_get("HARDEN_CONFIG")
 *
 * The constructor calls env_capture(). Every other function calls it itself if it must, for
 * programs whose constructors run before that of the library. Under AT_SECURE nothing is captured.
 *
 * No malloc, no lock, no waiting: any thread, also after a fork. Strings that are returned stay
 * valid until the process ends. errno is preserved. */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdbool.h>

void env_capture(void);
/* False as long as there is no environment yet: in a preinit array of the program. */
bool env_known(void);
/* Whether the process has more rights than its caller (setuid, file capabilities). Then the library
 * must do nothing. */
bool env_secure(void);
/* HARDEN_*, HOME, XDG_CONFIG_HOME, XDG_RUNTIME_DIR, and http_proxy, https_proxy, all_proxy and
 * no_proxy in lower and upper case; NULL: not set. */
const char *env_get(const char *name);
/* The kill switch: env_secure(), or HARDEN_DISABLE is set to anything but off. A value that
 * is neither on nor off counts as on: it was set to disable the library. */
bool env_disabled(void);
/* HARDEN_STRICT is on. A value that is neither on nor off is reported with the configuration. */
bool env_strict(void);
/* Any variable, as it was at execve(). Reads /proc/self/environ on first use. */
const char *env_any(const char *name);
/* The i-th captured HARDEN_* variable as "NAME=VALUE"; NULL after the last. */
const char *env_nth(int i);
/* Base name of the executable; never NULL. */
const char *env_program(void);
/* path itself if it is absolute, else joined with the working directory in `out` (size bytes): the
 * one at start if the environment had a relative path then, else the current one. NULL: too long or
 * unknown. */
const char *env_absolute(const char *path, char *out, unsigned long size);

#endif
