/* SPDX-License-Identifier: MIT
 *
 * Heap sort. */
#include "base/sort.h"

static void swap(char *a, char *b, size_t size)
{
    for (; size > 0; size--, a++, b++) {
        char c = *a;
        *a = *b;
        *b = c;
    }
}

/* Moves the item at `at` down until neither of its children, at 2 at + 1 and + 2, comes after it. */
static void sift_down(char *items, size_t at, size_t n, size_t size,
                      bool (*before)(const void *a, const void *b))
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(items + child * size, items + (child + 1) * size))
            child++;
        if (!before(items + at * size, items + child * size))
            return;
        swap(items + at * size, items + child * size, size);
    }
}

void sort_array(void *items, size_t n, size_t size, bool (*before)(const void *a, const void *b))
{
    char *first = items;
    for (size_t i = n / 2; i > 0; i--)
        sift_down(first, i - 1, n, size, before);
    for (size_t i = n; i > 1; i--) { /* the last of the remaining items goes to their end */
        swap(first, first + (i - 1) * size, size);
        sift_down(first, 0, i - 1, size, before);
    }
}
