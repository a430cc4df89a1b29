/* SPDX-License-Identifier: MIT
 *
 * From changes (engine/board/history.h) to the times in which a host's circuit was not closed, or its status
 * not healthy.
 *
 *     n = spans_from_changes(changes, count, hosts, host_count, now_ns, out);      sorted by host, then by time
 *
 * A span ends with the next change of its kind. One that nothing ended goes on until now if the
 * board still says so; if not (a reset leaves no change), its end is not known. Pure. */
#ifndef CLI_REPORT_SPANS_H
#define CLI_REPORT_SPANS_H

#include "cli/host_list.h"
#include "engine/board/history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum span_end { SPAN_ENDED, SPAN_GOES_ON, SPAN_UNKNOWN };

struct span {
    uint32_t host; /* index */
    enum history_kind kind;
    int state;
    int64_t from_ns, to_ns; /* to_ns is from_ns where the end is unknown */
    enum span_end end;
};

/* *gone: how many changes are of hosts that are not on the board any more. `out` has room for count. */
size_t spans_from_changes(const struct history_change *change, size_t count,
                          const struct host *hosts, uint32_t host_count, int64_t now_ns,
                          struct span *out, size_t *gone);

#endif
