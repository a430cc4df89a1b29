/* SPDX-License-Identifier: MIT
 *
 * Whether a seccomp filter that the program is about to install allows what the library does. It is
 * evaluated before it is installed, because afterwards a forbidden call may kill the process.
 *
 *     if (!sandbox_allows_library(program->filter, program->len))
 *         engine_confine();        from here on the library makes no system call
 *
 * Pure function of the filter. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sock_filter;

/* Whether the filter allows every system call that the library ever makes, whatever the arguments. Calls
 * that create threads are not needed: the library creates none under a filter. False also for a filter
 * that the kernel would reject. */
bool sandbox_allows_library(const struct sock_filter *code, size_t n);

#endif
