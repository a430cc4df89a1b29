/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <string.h>

#define DOTS "..."
#define TAIL 9 /* .com:8443 */

/* The end is the domain, the port, or the mark of a name that was cut. The beginning tells hosts of one
 * domain apart: in a longer name it has up to two thirds. */
static int head_length(int shown)
{
    int head = shown * 2 / 3 < shown - TAIL ? shown * 2 / 3 : shown - TAIL;
    return head > shown / 2 ? head : shown / 2;
}

const char *table_shorten(const char *text, int width, char out[TABLE_CELL])
{
    int length = (int)strlen(text), dots = (int)sizeof DOTS - 1;
    if (length <= width)
        return text;
    width = width < TABLE_CELL ? width : TABLE_CELL - 1;
    dots = width >= dots + 2 ? dots : width > 2;
    int head = head_length(width - dots), tail = width - dots - head;
    snprintf(out, TABLE_CELL, "%.*s%.*s%s", head, text, dots, DOTS, text + length - tail);
    return out;
}

/* ---- widths ---------------------------------------------------------------------------------- */

static void measure(struct table *t)
{
    char room[TABLE_CELL];
    for (int c = 0; c < t->count; c++) {
        if (t->left_out >> c & 1)
            continue;
        size_t widest = strlen(t->columns[c].title);
        for (uint32_t i = 0; i < t->n; i++) {
            size_t n = strlen(t->cell(t->rows, i, c, room));
            widest = n > widest ? n : widest;
        }
        t->width[c] = (int)widest;
    }
}

/* Of a line whose names have at most `name` characters. */
static int line_width(const struct table *t, int name)
{
    int sum = -1;
    for (int c = 0; c < t->count; c++)
        if (t->width[c])
            sum += 1 + (t->columns[c].shrinks && t->width[c] > name ? name : t->width[c]);
    return sum;
}

static bool drop_column(struct table *t)
{
    int least = -1;
    for (int c = 0; c < t->count; c++)
        if (t->width[c] && t->columns[c].drop &&
            (least < 0 || t->columns[c].drop > t->columns[least].drop))
            least = c;
    if (least >= 0)
        t->width[least] = 0;
    return least >= 0;
}

/* The longest name at which the line fits, at least 1. */
static void shrink_names(struct table *t)
{
    int name = TABLE_CELL;
    while (name > 1 && line_width(t, name) > t->window)
        name--;
    for (int c = 0; c < t->count; c++)
        if (t->columns[c].shrinks && t->width[c] > name)
            t->width[c] = name;
}

void table_fit(struct table *t, int window)
{
    t->window = window;
    measure(t);
    if (!window)
        return;
    while (line_width(t, TABLE_NAME) > window && drop_column(t))
        ;
    shrink_names(t);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* One line; `left` is how many characters of it still fit. */
struct line {
    FILE *f;
    int left, gap;
};

static void put_cell(struct line *l, const char *text, int width, bool right, const char *colour)
{
    int pad = width - (int)strlen(text), space = l->gap + (right ? pad : 0);
    space = space < l->left ? space : l->left;
    l->left -= space;
    int shown = (int)strlen(text) < l->left ? (int)strlen(text) : l->left;
    l->left -= shown;
    fprintf(l->f, "%*s%s%.*s%s", space, "", colour ? colour : "", shown, text,
            colour ? "\033[0m" : "");
    l->gap = 1 + (right ? 0 : pad); /* no spaces at the end of a line */
}

static void put_line(FILE *f, const struct table *t, uint32_t row, bool title)
{
    char room[TABLE_CELL], shortened[TABLE_CELL];
    struct line l = {.f = f, .left = t->window ? t->window : INT32_MAX};
    for (int c = 0; c < t->count; c++) {
        if (!t->width[c])
            continue;
        const char *text = title ? t->columns[c].title : t->cell(t->rows, row, c, room);
        const char *colour = !title && t->colour ? t->colour(t->rows, row, c) : NULL;
        put_cell(&l, table_shorten(text, t->width[c], shortened), t->width[c], t->columns[c].right,
                 colour);
    }
    fputc('\n', f);
}

void table_title(FILE *f, const struct table *t)
{
    put_line(f, t, 0, true);
}

void table_row(FILE *f, const struct table *t, uint32_t row)
{
    put_line(f, t, row, false);
}
