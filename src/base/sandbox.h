/* SPDX-License-Identifier: MIT
 *
 * A seccomp filter that the program is about to install, read as the kernel will. Most forbid what a
 * worker does not need, and nobody can ask afterwards what is left: a question that is forbidden
 * kills. So it is looked at before.
 *
 *     if (!sandbox_lets_us(program->filter, program->len))
 *         engine_confine();        from here on the library makes no system call
 *
 * Pure: it reads the filter and nothing else. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sock_filter;

/* Whether every system call that the library ever makes is allowed, whatever its arguments are. Of
 * threads it makes none under a filter. False also for what the kernel will refuse. */
bool sandbox_lets_us(const struct sock_filter *code, size_t n);

#endif
