/* SPDX-License-Identifier: MIT
 *
 * The environment as it was when the process started. It is copied once, because programs change
 * it (setenv races with getenv), clear it, or write their title over it; and the working directory
 * is remembered while it is still the one that relative paths in the environment meant.
 *
 * env_capture is called from the constructor; every other function calls it first where needed, so
 * a host whose own constructor runs before ours is served too. Under AT_SECURE env_secure() is true
 * and nothing is captured. Never calls malloc. No lock, no waiting: any thread, also after fork. */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdbool.h>

void env_capture(void);
/* False as long as there is no environment to capture: in a program's preinit array. */
bool env_known(void);
/* Started with more rights than the caller has (setuid, capabilities): stay out altogether. */
bool env_secure(void);
/* HARDEN_*, HOME, XDG_CONFIG_HOME, XDG_RUNTIME_DIR, and http_proxy, https_proxy, all_proxy,
 * no_proxy in both cases; NULL when unset. Valid for ever. */
const char *env_get(const char *name);
/* The kill switch: env_secure(), or HARDEN_DISABLE says anything but off. Who sets it wants us out of
 * the way, so what is neither on nor off counts as on. */
bool env_disabled(void);
/* HARDEN_STRICT says on. What is neither on nor off is reported with the configuration. */
bool env_strict(void);
/* Any variable as it was when the program was executed. Reads /proc/self/environ the first time. */
const char *env_any(const char *name);
/* The i-th captured HARDEN_ variable as "NAME=VALUE"; NULL past the end. */
const char *env_nth(int i);
/* Base name of the executable, for `programs`, `service` and log lines. Never NULL. */
const char *env_program(void);
/* path itself when absolute, else joined with the working directory: the one at start when a path
 * in the environment was relative, otherwise the one of now. NULL when too long or unknown. out has
 * room for size bytes. */
const char *env_absolute(const char *path, char *out, unsigned long size);

#endif
