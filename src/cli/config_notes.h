/* SPDX-License-Identifier: MIT
 *
 * Settings that contradict each other: each is valid, but one of them has not the effect that it seems to
 * have.
 *
 *     harden.ini:4: [host *] base_delay = 10s: every delay is at most max_delay = 5s
 *
 * Only what is written in a section is noted, at that line, and only if it has no effect there for any
 * request: a section may change what a less specific one says. */
#ifndef CLI_CONFIG_NOTES_H
#define CLI_CONFIG_NOTES_H

#include "engine/config/config.h"

/* Calls note() with each as one line. Returns their number. */
int config_notes(const struct config *c, config_report *note, void *ctx);

#endif
