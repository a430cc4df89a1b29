/* SPDX-License-Identifier: MIT */
#include "engine/config/parse.h"

#include "base/words.h"
#include "engine/config/lists.h"
#include "engine/config/pattern.h"
#include "engine/config/values.h"

#include <string.h>

static bool check_patterns(const char *value, char *why, size_t size)
{
    const char *at = value, *w;
    struct pattern p;
    size_t n;
    while ((w = word_next(&at, &n)))
        if (!pattern_parse(w, n, &p, why, size))
            return false;
    return true;
}

bool option_parse(const struct option *o, const char *value, union option_value *out, char *why,
                  size_t size)
{
    if (!*value && !*o->fallback && o->type != TYPE_PATTERNS)
        return wrong(why, size, "no value; the key has no default, write %s%s",
                     *o->choices ? "one of: " : "one", o->choices);
    if (!*value && o->type != TYPE_PATTERNS)
        return wrong(why, size, "no value; leave the key out for its default, %s", o->fallback);
    switch (o->type) {
    case TYPE_DURATION:
    case TYPE_SIZE:
    case TYPE_PERCENT:
    case TYPE_COUNT:
        return value_parse_number(o, value, &out->number, why, size);
    case TYPE_MODE:
        return value_parse_mode(value, &out->number, why, size);
    case TYPE_BOOL:
        return value_parse_bool(value, &out->number, why, size);
    case TYPE_CHOICE:
        return value_parse_choice(o, value, &out->number, why, size);
    case TYPE_RATES:
        return value_parse_rates(o, value, &out->limit, why, size);
    case TYPE_RATE:
        return value_parse_rate(o, value, &out->number, why, size);
    case TYPE_PER:
        return list_parse_per(value, &out->per, why, size);
    case TYPE_OUTCOMES:
        return list_parse_outcomes(value, &out->outcomes, why, size);
    case TYPE_HINTS:
        return list_parse_hints(value, &out->hints, why, size);
    case TYPE_METHODS:
        return list_parse_methods(value, out->methods, why, size);
    case TYPE_STATUSES:
        return list_parse_statuses(value, &out->statuses, why, size);
    case TYPE_PLACES:
        return list_parse_places(value, &out->fallback, why, size);
    case TYPE_SHARE:
        return value_parse_share(o, value, &out->number, why, size);
    case TYPE_PATTERNS:
        out->text = value;
        return check_patterns(value, why, size);
    case TYPE_PATH:
        out->text = value;
        return value_parse_path(o, value, why, size);
    case TYPE_TEXT:
        out->text = value;
        return true;
    }
    return false;
}

static void store_value(const struct option *o, const union option_value *v, void *into)
{
    char *at = (char *)into + o->offset;
    uint8_t byte = (uint8_t)v->number;
    uint32_t word = (uint32_t)v->number;
    if (o->type == TYPE_OUTCOMES)
        memcpy(at, &v->outcomes, o->width);
    else if (o->type == TYPE_HINTS)
        memcpy(at, &v->hints, o->width);
    else if (o->type == TYPE_METHODS)
        memcpy(at, v->methods, o->width);
    else if (o->type == TYPE_STATUSES)
        memcpy(at, &v->statuses, o->width);
    else if (o->type == TYPE_PLACES)
        memcpy(at, &v->fallback, o->width);
    else if (o->width == sizeof(byte))
        memcpy(at, &byte, sizeof(byte));
    else if (o->width == sizeof(word))
        memcpy(at, &word, sizeof(word));
    else if (o->width == sizeof(v->number))
        memcpy(at, &v->number, sizeof(v->number));
}

void option_store_all(enum option_section section, const char *const values[OPTION_MAX], void *into)
{
    union option_value v;
    char why[400];
    for (int i = 0; i < option_count; i++) {
        const struct option *o = &options[i];
        const char *value = values[i] ? values[i] : o->fallback;
        if (o->section == section && o->width && *value &&
            option_parse(o, value, &v, why, sizeof(why)))
            store_value(o, &v, into);
    }
}
