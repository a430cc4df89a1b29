/* SPDX-License-Identifier: MIT
 *
 * A table of text that fits its window: columns are dropped in the order of their importance, and names
 * are shortened in the middle, but no line is ever wrapped. Without a window every column is as wide as
 * its content.
 *
 *     static const struct column columns[] = {{"HOST", .shrinks = true},
 *                                             {"STATUS"},
 *                                             {"RETRIES", .right = true, .drop = 1}};
 *     struct table t = {.columns = columns, .count = 3, .rows = hosts, .n = n, .cell = host_cell};
 *     table_fit(&t, 80);
 *     table_title(f, &t);
 *     for (uint32_t i = 0; i < n; i++)
 *         table_row(f, &t, i);
 *
 * All text is printable ASCII, so that a character is a column of the window. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS 16
#define TABLE_CELL    168 /* room for one */
#define TABLE_NAME    24  /* columns are dropped before names become shorter than this */

struct column {
    const char *title;
    bool right;   /* aligned */
    bool shrinks; /* a name, which may be shortened */
    int drop;     /* the largest is dropped first; 0: never */
};

struct table {
    const struct column *columns;
    int count;
    unsigned left_out; /* bits of columns that are not wanted */
    const void *rows;
    uint32_t n;
    /* The text of a cell; it may be written to out. */
    const char *(*cell)(const void *rows, uint32_t row, int column, char out[TABLE_CELL]);
    /* An escape sequence for the cell, or NULL; the member NULL: no colours. */
    const char *(*colour)(const void *rows, uint32_t row, int column);
    int window;               /* characters in a line; 0: no window */
    int width[TABLE_COLUMNS]; /* by table_fit(); 0: dropped */
};

/* Chooses the widths for the first t->n rows. */
void table_fit(struct table *t, int window);
void table_title(FILE *f, const struct table *t);
void table_row(FILE *f, const struct table *t, uint32_t row);

/* "a-rather-long-...example.com": the whole text if it has at most `width` characters. */
const char *table_shorten(const char *text, int width, char out[TABLE_CELL]);

#endif
