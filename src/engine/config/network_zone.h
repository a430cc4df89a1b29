/* SPDX-License-Identifier: MIT
 *
 * Zone: distinguishes hosts of the same name in different network namespaces. 127.0.0.1 in a
 * container is not that of the machine. This applies to loopback, private and link-local addresses,
 * localhost and names below it, and abstract sockets. All other hosts are the same everywhere.
 *
 *     t.network = zone_applies(t.host) ? netns_of_thread() : 0;      before call_bind
 *
 * In the namespace that uses a board first, hosts keep their plain names. In others they get a
 * zone, like link-local addresses: "127.0.0.1%net4099", and with it slots of their own. Rules match
 * the name without the zone. Any thread, also after fork; no allocation, no system call. */
#ifndef ENGINE_CONFIG_NETWORK_ZONE_H
#define ENGINE_CONFIG_NETWORK_ZONE_H

#include "engine/board/board.h"

#include <stdbool.h>
#include <stdint.h>

#define ZONE_HOST_SIZE 288 /* any name with its zone */

bool zone_applies(const char *host);
/* The host's name on the board, as reached from that network namespace (0: unknown). Written to
 * out if it has a zone, otherwise host itself. */
const char *zone_host(char out[ZONE_HOST_SIZE], struct board *b, const char *host,
                      uint64_t network);

#endif
