/* SPDX-License-Identifier: MIT
 *
 * The current configuration of this process: loads it, reloads it when a file has changed, logs its
 * errors, and sets up log and events.
 *
 *     const struct config *c = settings_load();         once
 *     const struct config *n = settings_reload(c);      from time to time
 *     if (n)
 *         c = n;                                        the old one stays valid
 *
 * Each error is logged once, not at each reload. A reload that brings new errors is refused as a
 * whole. One thread at a time: the one that opens the engine, later the one that writes the
 * snapshot. */
#ifndef ENGINE_CONFIG_SETTINGS_H
#define ENGINE_CONFIG_SETTINGS_H

#include "engine/config/config.h"

/* The first configuration of this process, with or without errors; NULL without memory. */
const struct config *settings_load(void);
/* The new configuration, if a file has changed and brings no new error; else NULL. state, max_hosts
 * and thread stay those of the current one, because the board is not opened again; that is logged.
 */
const struct config *settings_reload(const struct config *current);
/* For HARDEN_STRICT: logs all errors of c to stderr if its log level has suppressed them. False:
 * there are none. */
bool settings_report_errors(const struct config *c);
/* Turns log, events and trace off, and on again as configured. */
void settings_silence(bool silent);
/* Of a configuration that does not cover this program: calls say() with its events, and its log if that is
 * at level debug, and turns them off again. */
void settings_lend(const struct config *c, void (*say)(const struct config *c));
/* Turns on the trace that HARDEN_TRACE names, if it names one. */
void settings_trace(void);

#endif
