/* SPDX-License-Identifier: MIT */
#include "engine/config/builder.h"

#include "base/hash.h"
#include "base/sizes.h"
#include "base/words.h"
#include "engine/config/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *builder_keep(struct builder *b, size_t n)
{
    void *p = arena_get(&b->config->memory, n);
    b->out_of_memory |= !p;
    return p;
}

const char *builder_copy(struct builder *b, const char *s, size_t n)
{
    char *copy = builder_keep(b, n + 1);
    return copy ? memcpy(copy, s, n) : NULL;
}

void builder_error(struct builder *b, int line, const char *subject, const char *fmt, ...)
{
    char text[1024], what[512], place[16] = "";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (line)
        snprintf(place, sizeof(place), ":%d", line);
    snprintf(text, sizeof(text), "%s%s: %s%s%s", b->file, place, subject ? subject : "",
             subject ? ": " : "", what);
    for (char *p = text; *p; p++) /* no control characters of the file may reach a terminal */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    b->config->errors++;
    if (b->report)
        b->report(b->ctx, text);
}

void builder_show_value(char *out, size_t size, const char *key, const char *value)
{
    const char *scheme_end = strstr(value, "://");
    bool known = option_find(SECTION_CHECK, key) >= 0 || option_find(SECTION_HOST, key) >= 0;
    bool may_be_target = !known || strcmp(key, "target") == 0;
    bool secret = may_be_target && strpbrk(scheme_end ? scheme_end + 3 : value, "/?#@");
    snprintf(out, size, "%s", secret ? "..." : value);
}

/* The entry of this section, or the free one where it belongs. */
static uint32_t *entry_of(const struct section_index *x, const struct section *list,
                          const char *name, bool overrides, const char *file)
{
    uint32_t at = (uint32_t)hash_bytes(name, strlen(name), overrides);
    for (;; at++) {
        uint32_t *entry = &x->entries[at & (x->size - 1)];
        const struct section *s = *entry ? &list[*entry - 1] : NULL;
        if (!s || (s->overrides == overrides && (!file || s->at.file == file) &&
                   strcmp(s->name, name) == 0))
            return entry;
    }
}

/* At least half of the entries stay free. */
static bool make_room(struct builder *b, struct section_index *x, const struct section *list,
                      int count)
{
    if (2 * ((uint32_t)count + 1) <= x->size)
        return true;
    struct section_index larger = {.size = x->size ? 2 * x->size : CONFIG_INDEX_FIRST};
    if (!(larger.entries = builder_keep(b, larger.size * sizeof(*larger.entries))))
        return false;
    for (int i = 0; i < count; i++)
        *entry_of(&larger, list, list[i].name, list[i].overrides, list[i].at.file) =
            (uint32_t)i + 1;
    *x = larger;
    return true;
}

/* file: the one that the section belongs to; NULL: all files have one section of that name. */
static struct section *find_or_add(struct builder *b, struct section_index *x,
                                   struct section **list, int *count, const char *name,
                                   bool overrides, const char *file)
{
    int n = *count;
    if (!make_room(b, x, *list, n))
        return NULL;
    uint32_t *entry = entry_of(x, *list, name, overrides, file);
    if (*entry)
        return &(*list)[*entry - 1];
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct section *grown = builder_keep(b, (n ? 2 * (size_t)n : 1) * sizeof(**list));
        if (!grown)
            return NULL;
        if (n)
            memcpy(grown, *list, (size_t)n * sizeof(**list));
        *list = grown;
    }
    (*list)[n] = (struct section){.name = name, .overrides = overrides, .at.file = file};
    *entry = (uint32_t)++*count;
    return &(*list)[n];
}

struct section *builder_host_section(struct builder *b, const char *name, bool overrides)
{
    struct config *c = b->config;
    return find_or_add(b, &b->hosts, &c->sections, &c->section_count, name, overrides, NULL);
}

struct section *builder_check_section(struct builder *b, const char *name)
{
    struct config *c = b->config;
    return find_or_add(b, &b->checks, &c->check_sections, &c->check_section_count, name, false,
                       NULL);
}

struct section *builder_program_section(struct builder *b, const char *glob)
{
    struct config *c = b->config;
    return find_or_add(b, &b->programs, &c->program_sections, &c->program_section_count, glob,
                       false, b->file);
}

/* A `retry` of a stronger file replaces the keys of its preset in weaker files. */
static void apply_preset(struct section *s, const char *file)
{
    for (int i = 0; i < option_count; i++)
        if (option_of_preset(&options[i]) && s->from[i].file != file)
            s->value[i] = NULL;
}

void builder_set(struct builder *b, struct section *s, int option, const char *value, int line,
                 const char *subject)
{
    const struct option *o = &options[option];
    const char **values = s ? s->value : b->config->value;
    struct origin *from = s ? &s->from[option] : &b->config->from[option];
    union option_value parsed;
    char why[400];
    if (!option_parse(o, value, &parsed, why, sizeof(why))) {
        builder_error(b, line, subject, "%s", why);
        if (o->section == SECTION_CHECK) /* so that it is not reported as missing, too */
            *from = (struct origin){.file = b->file, .line = line};
        return;
    }
    if (s && o->type == TYPE_PATTERNS && *value && strpbrk(s->name, ".:*/")) {
        builder_error(
            b, line, subject,
            "the section's name is a pattern already; write a label, as in [host partners]");
        return;
    }
    if (values[option] && from->file == b->file)
        builder_error(b, line, subject, "given twice%s; this one counts, remove one",
                      line ? " in this file" : "");
    values[option] = builder_copy(b, value, strlen(value));
    *from = (struct origin){.file = b->file, .line = line};
    if (s && strcmp(o->name, "retry") == 0)
        apply_preset(s, b->file);
}

const char *builder_value(const struct builder *b, int option)
{
    const char *value = b->config->value[option];
    return value ? value : options[option].fallback;
}

bool builder_value_is(const struct builder *b, int option, const char *word)
{
    const char *value = builder_value(b, option);
    return word_is(value, strlen(value), word);
}
