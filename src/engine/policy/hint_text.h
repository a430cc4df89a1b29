/* SPDX-License-Identifier: MIT
 *
 * A piece of a header line, and how to take it apart. It needs no NUL.
 *
 *     struct hint_text t = {line, line + n};
 *     struct hint_text item = hint_piece(&t, ',');
 *
 * Pure functions; no locale. */
#ifndef ENGINE_POLICY_HINT_TEXT_H
#define ENGINE_POLICY_HINT_TEXT_H

#include <stdbool.h>

/* [p, end) */
struct hint_text {
    const char *p, *end;
};

static inline bool hint_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Moves behind the character if it is the next one. */
static inline bool hint_take(struct hint_text *t, char c)
{
    if (t->p == t->end || *t->p != c)
        return false;
    t->p++;
    return true;
}

/* Without blanks at both ends. */
struct hint_text hint_trim(struct hint_text t);
/* Splits off the text before the next separator that is not within quotes, trimmed. */
struct hint_text hint_piece(struct hint_text *rest, char separator);

#endif
