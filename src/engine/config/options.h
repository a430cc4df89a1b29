/* SPDX-License-Identifier: MIT
 *
 * The one table of configuration keys. A row has the key's name, section, type, default, accepted
 * values, and the member of a struct that its value goes to. Files and environment are
 * read by this table; tests compare conf/harden.ini and harden.ini(5) with it.
 *
 * A key of [harden] or [host] is also the environment variable HARDEN_ and its name in capitals, so
 * no name is in both. A key of [check] has no variable, and may have the name of a key of [host].
 */
#ifndef ENGINE_CONFIG_OPTIONS_H
#define ENGINE_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_MAX 80 /* rows at most; arrays of values are indexed by row */

enum option_section { SECTION_HARDEN, SECTION_HOST, SECTION_CHECK, OPTION_SECTIONS };

/* What is written in a file; the C type of the value. */
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
    TYPE_PATH,     /* one of `choices`, or a path with a slash in it; const char * */
    TYPE_PER,      /* host+header:NAME; struct per */
    TYPE_OUTCOMES, /* dns 503 5xx; struct outcome_set */
    TYPE_METHODS,  /* GET PUT; char[METHODS_MAX][16] */
    TYPE_HINTS,    /* X-Retry-In ms, none; struct custom_hints */
    TYPE_PATTERNS, /* host patterns; const char * */
    TYPE_MODE,     /* 0644; mode_t */
    TYPE_STATUSES, /* 200-399 2xx 404; struct status_set */
    TYPE_PLACES,   /* backup.example.com 192.0.2.7:8443 [::1]:443, none; struct fallback */
    TYPE_SHARE,    /* 99.5%, none = 0; uint32_t parts per million */
};

/* Arrays, not pointers: each pointer would cost a relocation at the start of every program. */
struct option {
    char name[20];
    enum option_section section;
    enum option_type type;
    char fallback[36];      /* the default as written in a file; "": none */
    char choices[36];       /* words of a choice; words that a number may be, such as "off" */
    double min, max;        /* of a number, in its base unit (ns, bytes, percent, count) */
    uint16_t offset, width; /* the member of struct config, policy or check_config, by the section;
                               width 0: its value is not just copied */
};

extern const struct option options[];
extern const int option_count;

/* The row of a key, or -1. */
int option_find(enum option_section section, const char *name);
/* The word that is nearest to a misspelt one (edit distance <= 3), or NULL. */
const char *option_nearest(const char *name, const char *const *known, int count);

/* Whether the key describes a bucket: in the section of an operation it concerns that operation's own. */
bool option_of_bucket(const struct option *o);

/* The value of the key in a preset of `retry`, which is the word at that position of its choices;
 * NULL: the key is not part of the presets. */
const char *option_preset(const struct option *o, int word);
static inline bool option_of_preset(const struct option *o)
{
    return option_preset(o, 0) != NULL;
}

#endif
