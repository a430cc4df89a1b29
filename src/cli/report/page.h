/* SPDX-License-Identifier: MIT
 *
 * A page of HTML that is whole by itself: its style is in it, it fetches nothing and runs nothing,
 * and says so to the browser, so that not even a hostile name on the board could.
 *
 *     page_begin(f, "title");
 *     page_text(f, host->name);          escaped; the only way for a text that is not ours
 *     page_end(f);
 *
 * Numbers are <data>, with the exact value beside the one for people; moments are <time>. What goes
 * wrong with f is seen by who closes it. */
#ifndef CLI_REPORT_PAGE_H
#define CLI_REPORT_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

extern const char page_style[];

/* To the opened <body>, and from there. */
void page_begin(FILE *f, const char *title);
void page_end(FILE *f);

/* For text and for attributes in double quotes; bytes that are not UTF-8, and controls, become
 * U+FFFD. */
void page_text(FILE *f, const char *s);
/* The same for the name of a host, which may be broken before its parts. */
void page_host(FILE *f, const char *name);

/* 1234567: <data value="1234567">1,234,567</data> */
void page_count(FILE *f, uint64_t n);
/* A duration: the value in ms with all its digits, and "81 ms"; "-" for nothing. */
void page_duration(FILE *f, int64_t ns);
/* 2 or 3 significant digits: "0.031", "12.4", "1,240" */
const char *page_number(double v, char out[32]);

/* All in UTC, which the page says. */
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

/* <section> with its heading, to be closed with </section>. */
void page_section(FILE *f, const char *id, const char *heading);
/* A table in a box that scrolls by itself, by keyboard as well: to <tbody>, and from there. Columns
 * are names, the first of which heads the rows, and those of words instead of numbers begin with "<";
 * NULL ends them. The caption may be hidden from sight. */
void page_table(FILE *f, const char *caption, bool hidden, const char *const *columns);
void page_table_end(FILE *f);
/* The same, folded in. */
void page_folded_table(FILE *f, const char *id, const char *summary, const char *const *columns);
void page_folded_table_end(FILE *f);

#endif
