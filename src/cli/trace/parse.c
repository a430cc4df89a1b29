/* SPDX-License-Identifier: MIT
 *
 * One line of the trace: a JSON object, into the members that are shown. */
#include "cli/trace/trace.h"

#include "base/clock.h"
#include "base/compiler.h"

#define JSMN_STATIC
#include <jsmn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOKENS_MAX 256

/* Writes the code point as UTF-8. Surrogates do not occur: the library escapes control characters only. */
static char *put_utf8(char *to, unsigned long code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* Resolves the escapes of a string in place; jsmn has checked them. Control characters could be commands to
 * the terminal. */
static void unescape(char *s)
{
    char *to = s;
    while (*s) {
        if (*s != '\\') {
            *to++ = *s++;
        } else if (s[1] == 'u') {
            char digits[5] = {s[2], s[3], s[4], s[5], 0};
            unsigned long code = strtoul(digits, NULL, 16);
            to = put_utf8(to, code < ' ' ? '?' : code);
            s += 6;
        } else {
            *to++ = strchr("bfnrt", s[1]) ? '?' : s[1];
            s += 2;
        }
    }
    *to = '\0';
}

/* "2026-01-25T10:00:00.123Z" */
static int64_t time_of(const char *s)
{
    struct tm tm = {0};
    const char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return -1;
    return (int64_t)timegm(&tm) * NS_PER_S + llround(strtod(rest, NULL) * NS_PER_S);
}

static int64_t scaled(const char *number, int64_t unit_ns)
{
    return llround(strtod(number, NULL) * (double)unit_ns);
}

struct member {
    const char *name;
    size_t offset;
};

#define STRING(m) {#m, offsetof(struct trace_event, m)}
static const struct member strings[] = {
    {"event", offsetof(struct trace_event, kind)},
    STRING(id),
    STRING(host),
    STRING(method),
    STRING(reason),
    STRING(state),
    STRING(hint),
    STRING(not_retried),
    STRING(refused),
    STRING(place),
    STRING(setting),
    STRING(value),
    STRING(source),
    STRING(service),
    STRING(mode),
    STRING(board),
    STRING(config),
};

static const struct member numbers[] = {
    {"attempt", offsetof(struct trace_event, attempt)},
    {"attempts", offsetof(struct trace_event, attempts)},
    {"curl", offsetof(struct trace_event, curl)},
    {"http", offsetof(struct trace_event, http)},
    {"errno", offsetof(struct trace_event, os_errno)},
};

static const struct scaled_member {
    const char *name;
    size_t offset;
    int64_t unit;
} scaled_numbers[] = {
    {"wait_ms", offsetof(struct trace_event, wait_ns), NS_PER_MS},
    {"duration_ms", offsetof(struct trace_event, duration_ns), NS_PER_MS},
    {"waited_s", offsetof(struct trace_event, waited_ns), NS_PER_S},
    {"rate", offsetof(struct trace_event, rate_milli), 1000},
};

static void *member_at(struct trace_event *e, size_t offset)
{
    return (char *)e + offset;
}

static void set_string(struct trace_event *e, const char *name, char *value)
{
    unescape(value);
    for (size_t i = 0; i < array_size(strings); i++)
        if (!strcmp(name, strings[i].name))
            *(const char **)member_at(e, strings[i].offset) = value;
    if (!strcmp(name, "time"))
        e->time_ns = time_of(value);
}

static void set_primitive(struct trace_event *e, const char *name, const char *value)
{
    for (size_t i = 0; i < array_size(numbers); i++)
        if (!strcmp(name, numbers[i].name))
            *(int *)member_at(e, numbers[i].offset) = (int)strtol(value, NULL, 10);
    for (size_t i = 0; i < array_size(scaled_numbers); i++)
        if (!strcmp(name, scaled_numbers[i].name))
            *(int64_t *)member_at(e, scaled_numbers[i].offset) =
                scaled(value, scaled_numbers[i].unit);
    if (!strcmp(name, "pid"))
        e->pid = strtoll(value, NULL, 10);
    else if (!strcmp(name, "part"))
        e->part = *value == 't';
    else if (!strcmp(name, "observed"))
        e->observed = *value == 't';
}

/* Names within "result" mean the same as outside it, so all levels are read as one. */
static void set_member(struct trace_event *e, char *line, const jsmntok_t *name, const jsmntok_t *t)
{
    line[name->end] = '\0';
    char *value = line + t->start;
    if (t->type == JSMN_ARRAY && t->size) {
        t += t->size;
        value = line + t->start;
    }
    if (t->type != JSMN_STRING && t->type != JSMN_PRIMITIVE)
        return;
    line[t->end] = '\0';
    if (t->type == JSMN_STRING)
        set_string(e, line + name->start, value);
    else
        set_primitive(e, line + name->start, value);
}

bool trace_parse(struct trace_event *e, char *line, size_t length)
{
    *e = (struct trace_event){.time_ns = -1, .wait_ns = -1, .duration_ns = -1, .waited_ns = -1};
    for (size_t i = 0; i < array_size(strings); i++)
        *(const char **)member_at(e, strings[i].offset) = "";
    jsmn_parser parser;
    jsmntok_t token[TOKENS_MAX];
    jsmn_init(&parser);
    int n = jsmn_parse(&parser, line, length, token, TOKENS_MAX);
    if (n < 1 || token[0].type != JSMN_OBJECT)
        return false;
    for (int i = 1; i + 1 < n; i++)
        if (token[i].type == JSMN_STRING && token[i].size == 1)
            set_member(e, line, &token[i], &token[i + 1]);
    return e->time_ns >= 0 && *e->kind;
}
