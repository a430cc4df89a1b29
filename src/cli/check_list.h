/* SPDX-License-Identifier: MIT
 *
 * The active checks on the board at one moment, failing ones first; like host_list.h for hosts. */
#ifndef CLI_CHECK_LIST_H
#define CLI_CHECK_LIST_H

#include "engine/board/view.h"

struct check {
    struct check_view view;
    int64_t since_ms; /* start of the status, wall clock; 0: unknown */
    struct last_error error;
    uint64_t runs, successes, failures;
    int64_t last_ns, p50_ns, p95_ns; /* 0: no run yet */
};

/* NULL: out of memory; to be freed. */
struct check *check_list_read(const struct board *b, int64_t now_ns, uint32_t *n);

static inline bool check_fails(const struct check *c)
{
    return c->view.known && c->view.status != STATUS_HEALTHY;
}

#endif
