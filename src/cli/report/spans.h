/* SPDX-License-Identifier: MIT
 *
 * Computes, from the changes in the history (engine/board/history.h), the times in which the
 * circuit of a host was not closed, its status not healthy, or its error budget burning.
 *
 *     n = spans_from_changes(changes, count, hosts, host_count, now_ns, out, &gone);
 *     ... out[0..n) are sorted by host, then by kind, then by time ...
 *
 * A span ends with the next change of the same kind. Without one, it lasts until now if the host
 * still has that state; otherwise its end is unknown, because a reset is not recorded as a change.
 * No side effects. */
#ifndef CLI_REPORT_SPANS_H
#define CLI_REPORT_SPANS_H

#include "cli/host_list.h"
#include "engine/board/history.h"

#include <stddef.h>
#include <stdint.h>

enum span_end { SPAN_ENDED, SPAN_CONTINUES, SPAN_UNKNOWN };

struct span {
    uint32_t host; /* index in hosts[] */
    enum history_kind kind;
    int state;
    int64_t from_ns, to_ns; /* to_ns is from_ns if the end is unknown */
    enum span_end end;
};

/* Returns the number of spans; out has room for count. *gone: number of changes of hosts that are
 * no longer on the board. */
size_t spans_from_changes(const struct history_change *change, size_t count,
                          const struct host *hosts, uint32_t host_count, int64_t now_ns,
                          struct span *out, size_t *gone);

#endif
