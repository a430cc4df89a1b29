/* SPDX-License-Identifier: MIT */
#include "engine/policy/hint_text.h"

struct hint_text hint_trim(struct hint_text t)
{
    while (t.p < t.end && hint_is_blank(*t.p))
        t.p++;
    while (t.p < t.end && hint_is_blank(t.end[-1]))
        t.end--;
    return t;
}

struct hint_text hint_piece(struct hint_text *rest, char separator)
{
    struct hint_text piece = {rest->p, rest->p};
    bool quoted = false;
    for (; piece.end < rest->end; piece.end++) {
        char c = *piece.end;
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\' && piece.end + 1 < rest->end)
            piece.end++;
        else if (!quoted && c == separator)
            break;
    }
    rest->p = piece.end < rest->end ? piece.end + 1 : rest->end;
    return hint_trim(piece);
}
