/* SPDX-License-Identifier: MIT
 *
 * Keeps the lines of a response that may be hints, until its status is known. */
#include "engine/policy/hints.h"

#include "base/words.h"
#include "engine/policy/hint_fields.h"

#include <string.h>

void hints_reset(struct hint_lines *lines)
{
    lines->date[0] = '\0';
    lines->used = 0;
    lines->open = lines->may_empty = false;
}

/* Adds bytes and a NUL. */
static bool keep(struct hint_lines *lines, struct hint_text t)
{
    size_t n = (size_t)(t.end - t.p);
    if (n >= sizeof lines->text - lines->used)
        return false;
    memcpy(lines->text + lines->used, t.p, n);
    lines->used += (uint16_t)(n + 1);
    lines->text[lines->used - 1] = '\0';
    return true;
}

static void keep_date(struct hint_lines *lines, struct hint_text value)
{
    /* Every response has one: it is read if a hint is a moment. */
    size_t n = (size_t)(value.end - value.p);
    if (n < sizeof lines->date) {
        memcpy(lines->date, value.p, n);
        lines->date[n] = '\0';
    }
}

/* So that the fields of a quota that is not empty, which some servers send with every response, are not
 * read after a success. */
static bool may_be_empty(const struct hint_field *f, struct hint_text value)
{
    switch (f->kind) {
    case HINT_IS_REMAINING:
        return memchr(value.p, '0', (size_t)(value.end - value.p)) != NULL;
    case HINT_IS_VERDICT:
        return value.p < value.end && ascii_lower(*value.p) == 'r';
    case HINT_IS_RATELIMIT:
    case HINT_IS_USED:
    case HINT_IS_USED_OF:
        return true;
    default:
        return false;
    }
}

void hints_line(struct hint_lines *lines, const struct policy *p, const char *line, size_t n)
{
    struct hint_text whole = {line, line + n};
    size_t name_length;
    if (n && (line[0] == ' ' || line[0] == '\t')) {
        if (lines->open && lines->used) {
            lines->text[lines->used - 1] = ' '; /* in place of the NUL */
            lines->open = keep(lines, hint_trim(whole));
            lines->text[lines->used - 1] = '\0';
            lines->may_empty = true;
        }
        return;
    }
    lines->open = false;
    const struct hint_field *f = hint_field_find(p, line, n, &name_length);
    if (!f)
        return;
    whole = hint_trim(whole);
    struct hint_text value = hint_trim((struct hint_text){line + name_length + 1, whole.end});
    if (f->kind == HINT_IS_DATE) {
        keep_date(lines, value);
        return;
    }
    lines->open = keep(lines, whole);
    lines->may_empty |= may_be_empty(f, value);
}
