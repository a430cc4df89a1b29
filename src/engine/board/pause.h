/* SPDX-License-Identifier: MIT
 *
 * A pause: a server has asked for no requests until some moment. It is the part of a slot that says so,
 * and why.
 *
 *     pause_until_ns    nobody starts before then ...
 *     refuse_until_ns   ... and who cannot wait is refused until then, because the server refuses, too.
 *                       Earlier than pause_until_ns, or past, if a quota is only used up
 *     part_until_ns     for display only: some part of this host, which has a slot of its own for its
 *                       pauses, is paused until then
 *
 *     if (pause_raise(slot, 3 * NS_PER_S, true, 429, "Retry-After: 3", now_ns))
 *         ... it is news ...
 *     struct pause_view v;
 *     if (pause_read(slot, now_ns, &v))
 *         ... v.until_ns ...
 *     struct pause_shown p;
 *     if (pause_show(slot, PAUSE_OF_ALL, now_ns, &p))
 *         ... p.until_ns, p.line ...
 *
 * All three only grow, so that a server's short hint does not cancel a longer one. A moment further ahead
 * than any configuration accepts is damaged, and no pause. What is said about a pause (length, status,
 * line) is several words: after two pauses at the same time they may be a mixture of both, which concerns
 * only what is shown. A moment is an even number of ns; it becomes odd when its end is announced. Any
 * thread, any process; none blocks or fails. */
#ifndef ENGINE_BOARD_PAUSE_H
#define ENGINE_BOARD_PAUSE_H

#include "engine/board/slot.h"

/* The longest pause that any configuration accepts. */
#define PAUSE_MAX_NS (86400 * NS_PER_S)

/* line: the header line that asks for it. True: nobody was paused before, or for half as long at most. */
bool pause_raise(struct slot *s, int64_t length_ns, bool refuse, int status, const char *line,
                 int64_t now_ns);
/* Notes in the slot of the host that a part of it is paused. */
void pause_raise_part(struct slot *host, int64_t length_ns, int status, const char *line,
                      int64_t now_ns);

struct pause_view {
    int64_t until_ns;
    int64_t refuse_until_ns; /* <= until_ns; 0: nobody is refused */
    int64_t length_ns;
};
/* False: there is no pause. */
bool pause_read(const struct slot *s, int64_t now_ns, struct pause_view *v);
static inline bool pause_is_on(const struct slot *s, int64_t now_ns)
{
    struct pause_view v;
    return pause_read(s, now_ns, &v);
}

enum pause_extent { PAUSE_OF_ALL, PAUSE_OF_PART };

/* What readers show. */
struct pause_shown {
    int64_t until_ns;           /* 0: no pause */
    int status;                 /* of the response that asked for it */
    char line[PAUSE_LINE_SIZE]; /* the same in printable ASCII; ends in "..." if it was cut */
};
/* False: there is no pause. */
bool pause_show(const struct slot *s, enum pause_extent extent, int64_t now_ns,
                struct pause_shown *p);

/* When the last pause ended; 0: there was none, or it is not over. */
int64_t pause_ended_ns(const struct slot *s, enum pause_extent extent, int64_t now_ns);
/* The same, but only once for each pause, whichever process asks; then 0. */
int64_t pause_take_end(struct slot *s, enum pause_extent extent, int64_t now_ns);

#endif
