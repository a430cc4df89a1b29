/* SPDX-License-Identifier: MIT
 *
 * The last step of building a configuration: from the values of all sections, as text, to the
 * members of struct config and the patterns of the hosts. */
#include "base/env.h"
#include "base/words.h"
#include "engine/board/gcra.h"
#include "engine/config/builder.h"
#include "engine/config/parse.h"
#include "engine/config/rules.h"

#include <stdio.h>
#include <string.h>

static void finish_harden(struct builder *b)
{
    struct config *c = b->config;
    option_store_all(SECTION_HARDEN, c->value, c);
    int service = option_find(SECTION_HARDEN, "service");
    c->programs = builder_value(b, option_find(SECTION_HARDEN, "programs"));
    c->service = !builder_value_is(b, service, "auto") ? builder_value(b, service)
                 : b->program                          ? b->program
                                                       : env_program();
}

static void split_patterns(struct builder *b, struct section *s)
{
    const char *list = s->value[option_find(SECTION_HOST, "match")], *w;
    size_t n, count = 0;
    if (!list || !*list)
        list = s->name;
    /* Each pattern takes at least two characters of the list; the last entry is NULL. */
    s->patterns = builder_keep(b, (strlen(list) / 2 + 2) * sizeof(*s->patterns));
    while (s->patterns && (w = word_next(&list, &n)))
        s->patterns[count++] = builder_copy(b, w, n);
}

/* Reports a burst or cost that, at a rate of the same section, represents a longer time than the
 * largest debt of a bucket. If rate and burst come from two sections, merge.c cuts the burst silently.
 */
static void check_debt(struct builder *b, const struct section *s, const char *key)
{
    int rate = option_find(SECTION_HOST, "rate"), own = option_find(SECTION_HOST, key);
    union option_value r, n;
    char why[400], subject[BUILDER_SUBJECT_SIZE];
    if (!s->value[rate] || !s->value[own] ||
        !option_parse(&options[rate], s->value[rate], &r, why, sizeof(why)) ||
        !option_parse(&options[own], s->value[own], &n, why, sizeof(why)))
        return;
    for (int i = 0; i < r.limit.rate_count; i++) {
        int64_t most = GCRA_DEBT_MAX_NS / r.limit.rates[i].interval_ns;
        if (n.number <= most)
            continue;
        snprintf(subject, sizeof(subject), "[host %.200s] %s = %.40s", s->name, key, s->value[own]);
        b->file = s->from[own].file;
        builder_error(b, s->from[own].line, subject,
                      "at rate = %.100s that is more than 62 days' worth, and counts as %lld; "
                      "write at most %lld",
                      s->value[rate], (long long)most, (long long)most);
        return;
    }
}

bool builder_finish(struct builder *b)
{
    struct config *c = b->config;
    finish_harden(b);
    builder_finish_paths(b);
    for (int i = 0; i < c->section_count; i++)
        split_patterns(b, &c->sections[i]);
    for (int i = 0; i < c->section_count; i++) {
        check_debt(b, &c->sections[i], "burst");
        check_debt(b, &c->sections[i], "cost");
    }
    builder_finish_checks(b);
    return !b->out_of_memory && rules_prepare(c);
}
