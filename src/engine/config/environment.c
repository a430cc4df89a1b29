/* SPDX-License-Identifier: MIT
 *
 * The strongest source: HARDEN_KEY for each key. Keys of [host] go to [override] sections: `*`, and one
 * for each pattern in HARDEN_RATE. */
#include "base/compiler.h"
#include "base/env.h"
#include "base/words.h"
#include "engine/config/builder.h"
#include "engine/config/pattern.h"

#include <stdio.h>
#include <string.h>

#define PREFIX      "HARDEN_"
#define KEY_LONGEST 49

/* Variables that are not keys of a file. otherwise: what a switch counts as if it says neither on
 * nor off (base/env.h); NULL: no switch. */
static const struct {
    const char *name, *otherwise;
} no_keys[] = {{"config", NULL}, {"disable", "on"}, {"strict", "off"}, {"trace", NULL}};

static void report_unknown(struct builder *b, const char *key, const char *subject)
{
    const char *known[OPTION_MAX + array_size(no_keys)];
    char capitals[KEY_LONGEST + 1] = "";
    int n = 0;
    for (size_t i = 0; i < array_size(no_keys); i++)
        known[n++] = no_keys[i].name;
    for (int i = 0; i < option_count; i++)
        if (options[i].section != SECTION_CHECK && options[i].type != TYPE_PATTERNS)
            known[n++] = options[i].name;
    const char *near = option_nearest(key, known, n);
    for (size_t i = 0; near && near[i]; i++)
        capitals[i] = ascii_upper(near[i]);
    if (near)
        builder_error(b, 0, subject, "unknown variable; did you mean " PREFIX "%s?", capitals);
    else
        builder_error(b, 0, subject, "unknown variable; see harden.ini(5) for all");
}

static void set_for(struct builder *b, const char *pattern, int option, const char *value,
                    const char *subject)
{
    struct section *s = builder_host_section(b, pattern, true);
    if (s)
        builder_set(b, s, option, value, 0, subject);
}

/* One PATTERN=RATE of HARDEN_RATE, without surrounding blanks. */
static void set_pattern_rate(struct builder *b, int option, const char *s, size_t n,
                             const char *subject)
{
    char why[256];
    struct pattern p;
    const char *equals = memrchr(s, '=', n);
    size_t length = equals ? (size_t)(equals - s) : 0;
    while (length && s[length - 1] == ' ')
        length--;
    if (!equals) {
        builder_error(b, 0, subject, "%.*s has no pattern; write PATTERN=RATE,PATTERN=RATE",
                      (int)(n < 80 ? n : 80), s);
        return;
    }
    if (!pattern_parse(s, length, &p, why, sizeof(why))) {
        builder_error(b, 0, subject, "%.*s: %s", (int)(length < 80 ? length : 80), s, why);
        return;
    }
    for (equals++; *equals == ' '; equals++)
        ;
    char *pattern = builder_keep(b, length + 1);
    const char *value = builder_copy(b, equals, n - (size_t)(equals - s));
    if (!pattern || !value)
        return;
    pattern_name(pattern, s, length);
    set_for(b, pattern, option, value, subject);
}

static void set_rates(struct builder *b, int option, const char *value, const char *subject)
{
    if (!strchr(value, '=')) {
        set_for(b, "*", option, value, subject);
        return;
    }
    for (const char *s = value; *s;) {
        size_t n = strcspn(s, ","), used = n;
        const char *item = s;
        for (; used && *item == ' '; item++)
            used--;
        while (used && item[used - 1] == ' ')
            used--;
        if (used)
            set_pattern_rate(b, option, item, used, subject);
        s += n + (s[n] == ',');
    }
}

static void set_variable(struct builder *b, const char *name, size_t n, const char *value)
{
    char key[KEY_LONGEST + 1] = "", subject[BUILDER_SUBJECT_SIZE], variable[KEY_LONGEST + 8];
    size_t length = n - strlen(PREFIX);
    snprintf(subject, sizeof(subject), "%.*s = %.200s", (int)(n < 80 ? n : 80), name, value);
    snprintf(variable, sizeof(variable), "%.*s", (int)n,
             name); /* without the value, which may be secret */
    for (size_t i = 0; i < length && length < sizeof(key); i++)
        key[i] = ascii_lower(name[strlen(PREFIX) + i]);
    for (size_t i = 0; i < array_size(no_keys); i++) {
        if (strcmp(key, no_keys[i].name) != 0)
            continue;
        if (no_keys[i].otherwise && ascii_switch(value) < 0)
            builder_error(b, 0, subject, "neither on nor off, counts as %s; write on or off",
                          no_keys[i].otherwise);
        return;
    }
    int harden = option_find(SECTION_HARDEN, key), host = option_find(SECTION_HOST, key);
    for (size_t i = 0; i < n; i++)
        if (name[i] != ascii_upper(name[i]))
            harden = host = -1;
    if (harden >= 0)
        builder_set(b, NULL, harden, value, 0, subject);
    else if (host >= 0 && options[host].type == TYPE_PATTERNS)
        builder_error(b, 0, subject, "only a file has sections; write HARDEN_RATE=PATTERN=RATE");
    else if (host >= 0 && options[host].type == TYPE_RATES)
        set_rates(b, host, value, subject);
    else if (host >= 0)
        set_for(b, "*", host, value, subject);
    else if (option_find(SECTION_CHECK, key) >= 0)
        builder_error(b, 0, variable,
                      "only a file has checks; write the key into [check NAME] there");
    else
        report_unknown(b, key, subject);
}

void builder_read_environment(struct builder *b)
{
    const char *variable;
    b->file = "environment";
    for (int i = 0; (variable = env_nth(i)); i++) {
        const char *equals = strchr(variable, '=');
        /* An empty variable counts as unset, as in shell scripts. */
        if (equals && equals[1] && strncmp(variable, PREFIX, strlen(PREFIX)) == 0)
            set_variable(b, variable, (size_t)(equals - variable), equals + 1);
    }
}
