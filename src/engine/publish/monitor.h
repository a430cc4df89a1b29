/* SPDX-License-Identifier: MIT
 *
 * What an intercepted call does to keep the snapshot and the metrics file current, and to notice a
 * changed configuration.
 *
 *     monitor_start();              before anything is counted
 *     monitor_refresh(now_ns);      before the call reads the configuration
 *     ...
 *     monitor_update(ended_ns);     after it has ended
 *
 * When files are written:
 * - Calls write them as they end: at once after a change of a status or a circuit, otherwise once per
 *   interval. Changes that are unwritten for a twentieth of the interval are written by the next call
 *   that ends, because another one may never come.
 * - One process per board writes at a time (update.h). The rest is written at exit (flush.h).
 * - A program with several threads gets a background thread once it has run for an interval, and a
 *   program with active checks at its first call (background.h).
 *
 * Any thread. All functions preserve errno. The child of a fork starts again with monitor_start. */
#ifndef ENGINE_PUBLISH_MONITOR_H
#define ENGINE_PUBLISH_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

/* In every intercepted call, before anything is counted. */
void monitor_start(void);
/* Before a call, so that it uses a configuration that has changed since the last one. monitor_is_current
 * is one comparison: true means that monitor_refresh would do nothing. */
bool monitor_is_current(int64_t now_ns);
void monitor_refresh(int64_t now_ns);
/* After a call has ended: writes what is due, or leaves it to the background thread. */
void monitor_update(int64_t now_ns);
/* Whether monitor_start and monitor_update would both do nothing. */
bool monitor_is_idle(int64_t now_ns);

#endif
