/* SPDX-License-Identifier: MIT
 *
 * Writes a self-contained HTML page: its style is embedded, and it loads and runs nothing. A
 * content security policy enforces that, in case a hostile name on the board is not escaped.
 *
 *     page_begin(f, "title");
 *     page_text(f, host->name);          escaped; required for all text from outside
 *     page_end(f);
 *
 * Numbers are <data> elements with the exact value as an attribute; times are <time> elements.
 * Write errors are detected by the caller when it closes f. */
#ifndef CLI_REPORT_PAGE_H
#define CLI_REPORT_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

extern const char page_style[];

/* Everything up to and including <body>; and everything from </body>. */
void page_begin(FILE *f, const char *title);
void page_end(FILE *f);

/* Escapes text for elements and for attributes in double quotes. Invalid UTF-8 and control
 * characters become U+FFFD. */
void page_text(FILE *f, const char *s);
/* The same for a host name, with line break opportunities before dots and colons. */
void page_host(FILE *f, const char *name);

/* 1234567: <data value="1234567">1,234,567</data> */
void page_count(FILE *f, uint64_t n);
/* A duration: <data value="81.25">81 ms</data>, the value in ms; a dash for 0. */
void page_duration(FILE *f, int64_t ns);
/* Formats a number with 3 significant digits: "0.0312", "12.4", "1,240". */
const char *page_number(double v, char out[32]);

/* All times are UTC. */
enum page_time {
    TIME_CLOCK,   /* 10:00:05 */
    TIME_SHORT,   /* 10:00 */
    TIME_DATE,    /* 25 Jan */
    TIME_DAY,     /* 25 Jan 10:00 */
    TIME_SECONDS, /* 25 Jan 10:00:05 */
    TIME_WHOLE,   /* 2026-01-25 10:00:05 UTC */
};
const char *page_time_text(int64_t wall_ns, enum page_time form, char out[32]);
void page_time(FILE *f, int64_t wall_ns, enum page_time form);

/* <section> with its heading; the caller writes </section>. */
void page_section(FILE *f, const char *id, const char *heading);
/* A table in a scrollable box that can be focused by keyboard: everything up to <tbody>, and
 * everything from </tbody>. `columns` are headings, terminated by NULL; "<" as the first character
 * left-aligns a column of words. hidden: the caption is only for screen readers. */
void page_table(FILE *f, const char *caption, bool hidden, const char *const *columns);
void page_table_end(FILE *f);
/* The same within <details>, initially closed. */
void page_folded_table(FILE *f, const char *id, const char *summary, const char *const *columns);
void page_folded_table_end(FILE *f);

#endif
