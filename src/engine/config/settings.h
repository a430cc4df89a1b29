/* SPDX-License-Identifier: MIT
 *
 * Loading the configuration into a running program: says what is wrong with it, each error once,
 * and puts log and events where it wants them. One thread at a time: the opener of the engine, then
 * whoever writes the snapshot. */
#ifndef ENGINE_CONFIG_SETTINGS_H
#define ENGINE_CONFIG_SETTINGS_H

#include "engine/config/config.h"

/* The first one of this process, good or bad; NULL for lack of memory. */
const struct config *settings_first(void);
/* A newer one when a file changed and nothing new is wrong with it; else NULL: go on as before. The
 * board of the current one stays, which is said. */
const struct config *settings_newer(const struct config *current);
/* For HARDEN_STRICT: whatever is wrong is said, even with log = off. True when something is. */
bool settings_wrong(const struct config *c);
/* Log and events are off until they are as the configuration wants them again. */
void settings_silence(bool silent);

#endif
