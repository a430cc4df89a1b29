/* SPDX-License-Identifier: MIT
 *
 * Hosts that are other ones in each network name space: 127.0.0.1 of a container is not that of the
 * machine. These are loopback, private and link-local addresses, localhost and names below it, and
 * abstract sockets. Everything else is one host for all.
 *
 *     t.network = zone_applies(t.host) ? network_of_thread() : 0;      before call_bind
 *
 * The name space that uses a board first has them by their plain names; in others they get a zone, as
 * link-local addresses have one: "127.0.0.1%net4099", and with it slots of their own. Rules do not
 * see the zone. */
#ifndef ENGINE_CALL_ZONE_H
#define ENGINE_CALL_ZONE_H

#include "engine/board/board.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_HOST_SIZE 288 /* any name, with its zone */

bool zone_applies(const char *host);
/* The host as the board has it, reached in that name space; 0: not known. In out where it has a zone,
 * else host itself. */
const char *zone_host(char out[ZONE_HOST_SIZE], struct board *b, const char *host,
                      uint64_t network);

#endif
