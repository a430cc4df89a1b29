/* SPDX-License-Identifier: MIT
 *
 * Sorts an array in place, in n log n steps, without memory: qsort() may allocate. Equal items may change
 * their order.
 *
 *     sort_array(names, count, sizeof *names, is_before);
 *
 * Pure; any thread. */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>

void sort_array(void *items, size_t n, size_t size, bool (*before)(const void *a, const void *b));

#endif
