/* SPDX-License-Identifier: MIT */
#include "engine/presence.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/events.h"
#include "base/shield.h"
#include "base/text.h"
#include "engine/config/settings.h"
#include "engine/config/source.h"

#include <limits.h>

struct start {
    const struct config *config;
    const struct board *board;
};

static void emit_start(void *start)
{
    const struct start *x = start;
    const struct config *c = x->config;
    struct event_process p = {.mode = mode_name(c->mode)};
    char board[PATH_MAX];
    struct text t = TEXT_OVER(board);
    size_t n = 0;
    for (int i = 0; i < c->file_count && n < array_size(p.config); i++)
        if (c->files[i].present)
            p.config[n++] = c->files[i].path;
    text_put(&t, x->board->shared ? c->state : "private");
    if (x->board->shared)
        text_put(&t, "/" BOARD_NAME);
    p.board = board;
    events_emit(&(struct event){.kind = EVENT_START, .wait_ns = -1, .process = &p});
}

void presence_start(const struct config *c, const struct board *b)
{
    if (events_are_wanted())
        shield_run(emit_start, &(struct start){c, b});
}

static void emit_off(void *config)
{
    const struct config *c = config;
    struct event_setting s;
    const char *key = c->mode == MODE_OFF ? "mode" : "programs";
    source_of_key(&s, c, NULL, key);
    events_emit(&(struct event){.kind = EVENT_OFF, .reason = key, .setting = &s, .wait_ns = -1});
}

void presence_off(const struct config *c)
{
    if (events_are_wanted())
        shield_run(emit_off, (void *)c);
}

static void emit_disabled(void *value)
{
    struct event_setting disable = {.key = "disable", .value = value, .file = "environment"};
    events_set(NULL, env_program());
    settings_trace();
    events_emit(&(struct event){
        .kind = EVENT_OFF, .reason = "disabled", .setting = &disable, .wait_ns = -1});
    events_trace(NULL);
}

void presence_disabled(void)
{
    const char *value = env_get("HARDEN_DISABLE");
    if (!env_secure() && value && env_get("HARDEN_TRACE"))
        shield_run(emit_disabled, (void *)value);
}
