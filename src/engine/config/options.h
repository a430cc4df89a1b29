/* SPDX-License-Identifier: MIT
 *
 * The one table of keys. INI files, the environment, man page and conf/harden.ini come from it or
 * are tested against it. A key is a row: name, section, type, default, accepted values, help.
 *
 * An environment variable is HARDEN_ and the name in capitals; it is in the table only by that
 * rule. Checks have none, so a key of theirs may have the name of another section's. */
#ifndef ENGINE_CONFIG_OPTIONS_H
#define ENGINE_CONFIG_OPTIONS_H

#include <stdint.h>

#define OPTION_MAX 64 /* rows of the table at most; arrays of values are indexed by row */

enum option_section { SECTION_HARDEN, SECTION_HOST, SECTION_CHECK, OPTION_SECTIONS };

enum option_type {
    TYPE_DURATION, /* 250ms 1.5s 2m 1h 1d; int64_t ns */
    TYPE_RATES,    /* 60/1m 5/1s, none; struct limit (rates, rate_count) */
    TYPE_RATE,     /* 10/1m, none; int64_t ns from one to the next */
    TYPE_SIZE,     /* 64KiB; int64_t bytes */
    TYPE_PERCENT,  /* 20%, off = 0; int */
    TYPE_COUNT,    /* whole number; int or uint32_t */
    TYPE_BOOL,     /* on off yes no true false 1 0; bool */
    TYPE_CHOICE,   /* one of `choices`; an enum, by position */
    TYPE_TEXT,     /* anything; const char * */
    TYPE_PATH,     /* one of `choices` or a path with a slash in it; const char * */
    TYPE_PER,      /* struct per */
    TYPE_OUTCOMES, /* struct outcome_set */
    TYPE_METHODS,  /* char[METHODS_MAX][16] */
    TYPE_PATTERNS, /* list of host patterns, for `match` */
    TYPE_STATUSES, /* 200-399 2xx 404; struct status_set */
};

/* Text in place, not pointers: each of those is a relocation at the start of every program. */
struct option {
    char name[20];
    enum option_section section;
    enum option_type type;
    char fallback[36];  /* the default as it would be written in a file; "": there is none */
    char choices[36];   /* "wait fail"; extra words of a number such as "off" or "none" */
    double min, max;    /* of a number, in its base unit (ns, bytes, percent, count) */
    uint16_t at, width; /* the member of struct policy, config or check_config; 0 wide: needs
                           more than a copy */
    char help[96];      /* one sentence */
};

extern const struct option options[];
extern const int option_count;

/* Index in the table, or -1. No name is both in [harden] and in [host]. */
int option_find(enum option_section section, const char *name);
/* The known name nearest to a misspelt one (edit distance <= 3), or NULL. */
const char *option_suggest(enum option_section section, const char *name);

/* The same among any words. */
const char *option_nearest(const char *name, const char *const *known, int count);

#endif
