/* SPDX-License-Identifier: MIT */
#include "engine/config/network_zone.h"

#include "base/compiler.h"
#include "engine/config/pattern.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* IPv4 as mapped into IPv6. */
static const struct prefix {
    uint8_t bytes[16];
    int bits;
} local_prefixes[] = {
#define V4(a, b) {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), 0, 0}
    {V4(0, 0), 96 + 8},      {V4(10, 0), 96 + 8},
    {V4(100, 64), 96 + 10},  {V4(127, 0), 96 + 8},
    {V4(169, 254), 96 + 16}, {V4(172, 16), 96 + 12},
    {V4(192, 168), 96 + 16}, {{[15] = 0}, 128},
    {{[15] = 1}, 128},       {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
};

static bool has_prefix(const struct address *a, const struct prefix *p)
{
    int whole = p->bits / 8, rest = p->bits % 8;
    return !memcmp(a->bytes, p->bytes, (size_t)whole) &&
           (!rest || (a->bytes[whole] ^ p->bytes[whole]) >> (8 - rest) == 0);
}

static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t n = strlen(host), own = sizeof name - 1;
    return n >= own && !strcmp(host + n - own, name) && (n == own || host[n - own - 1] == '.');
}

bool zone_applies(const char *host)
{
    struct address a;
    if (pattern_is_local(host))
        return host[sizeof PATTERN_LOCAL - 1] == '@';
    bool digits = (host[0] >= '0' && host[0] <= '9') || strchr(host, ':');
    if (likely(!digits || !pattern_address(host, &a)))
        return is_localhost(host);
    for (size_t i = 0; i < array_size(local_prefixes); i++)
        if (has_prefix(&a, &local_prefixes[i]))
            return true;
    return false;
}

/* The network namespace that uses the board first is its home. */
static bool is_home(struct board *b, uint64_t network)
{
    uint64_t home = atomic_load_explicit(&b->header->network, memory_order_relaxed);
    if (!home)
        atomic_compare_exchange_strong(&b->header->network, &home, network);
    return !home || home == network;
}

const char *zone_host(char out[ZONE_HOST_SIZE], struct board *b, const char *host, uint64_t network)
{
    if (likely(!network) || is_home(b, network))
        return host;
    snprintf(out, ZONE_HOST_SIZE, "%.255s%%net%llu", host, (unsigned long long)network);
    return out;
}
