/* SPDX-License-Identifier: MIT
 *
 * A pause: a server has asked for no requests until some moment. It is the part of a slot that says so,
 * and why.
 *
 *     pause_until_ns    nobody starts before then ...
 *     refuse_until_ns   ... and who cannot wait is refused until then, because the server refuses, too.
 *                       Earlier than pause_until_ns, or past, if a quota is only used up
 *
 *     if (pause_raise(slot, 3 * NS_PER_S, true, 429, "Retry-After: 3", now_ns))
 *         ... it is news ...
 *     struct pause_view v;
 *     if (pause_read(slot, now_ns, &v))
 *         ... v.until_ns, v.line ...
 *
 * Both only grow, so that a server's short hint does not cancel a longer one. A moment further ahead than
 * any configuration accepts is damaged, and no pause. What is said about a pause (length, status, line)
 * is several words: after two pauses at the same time they may be a mixture of both, which concerns
 * only what is shown. Any thread, any process; none blocks or fails. */
#ifndef ENGINE_BOARD_PAUSE_H
#define ENGINE_BOARD_PAUSE_H

#include "engine/board/slot.h"

/* The longest pause that any configuration accepts. */
#define PAUSE_MAX_NS (86400 * NS_PER_S)

/* line: the header line that asks for it. True: nobody was paused before, or for half as long at most. */
bool pause_raise(struct slot *s, int64_t length_ns, bool refuse, int status, const char *line,
                 int64_t now_ns);

struct pause_view {
    int64_t until_ns;
    int64_t refuse_until_ns; /* <= until_ns; 0: nobody is refused */
    int64_t length_ns;
};
/* False: there is no pause. */
bool pause_read(const struct slot *s, int64_t now_ns, struct pause_view *v);

/* Why: status, and the line in printable ASCII. */
struct pause_reason {
    int status;
    char line[PAUSE_LINE_SIZE];
};
void pause_read_reason(const struct slot *s, struct pause_reason *r);

#endif
