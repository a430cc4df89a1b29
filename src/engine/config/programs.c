/* SPDX-License-Identifier: MIT
 *
 * From the [program GLOB] sections to [harden] and [host *], for one program. */
#include "base/words.h"
#include "engine/config/builder.h"

#include <string.h>

/* As in [host *] of a later file: `retry` replaces the keys of its preset. */
static void apply_to_hosts(struct section *all, const struct section *program)
{
    bool preset = program->value[option_find(SECTION_HOST, "retry")] != NULL;
    for (int i = 0; i < option_count; i++) {
        if (options[i].section != SECTION_HOST)
            continue;
        if (program->value[i] || (preset && option_of_preset(&options[i]))) {
            all->value[i] = program->value[i];
            all->from[i] = program->from[i];
        }
    }
}

static void apply_program(struct builder *b, const struct section *program)
{
    bool hosts = false;
    for (int i = 0; i < option_count; i++) {
        hosts |= options[i].section == SECTION_HOST && program->value[i];
        if (options[i].section == SECTION_HARDEN && program->value[i]) {
            b->config->value[i] = program->value[i];
            b->config->from[i] = program->from[i];
        }
    }
    struct section *all = hosts ? builder_host_section(b, "*", false) : NULL;
    if (all)
        apply_to_hosts(all, program);
}

void builder_apply_programs(struct builder *b)
{
    const struct config *c = b->config;
    for (int i = 0; i < c->program_section_count && b->program; i++)
        if (ascii_glob(c->program_sections[i].name, b->program))
            apply_program(b, &c->program_sections[i]);
}
