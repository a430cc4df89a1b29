/* SPDX-License-Identifier: MIT */
#include "sock/dial_place.h"

#include "engine/config/pattern.h"

#include <string.h>

#define MAPPED_BYTES 12 /* before the IPv4 address */

static bool is_v4(const struct address *a)
{
    static const uint8_t mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

static bool is_same(const struct endpoint *to, const struct address *a, uint16_t port)
{
    return to->port == port && memcmp(&to->address, a, sizeof *a) == 0;
}

/* False: a connection to this endpoint cannot go there. */
static bool find_place(struct address *a, uint16_t *port, const struct place_name *name,
                       const struct endpoint *to)
{
    *port = name->port ? name->port : to->port;
    return !to->local && pattern_address(name->host, a) && is_v4(a) == is_v4(&to->address) &&
           !is_same(to, a, *port);
}

bool dial_place(struct dial_place *out, const struct fallback *f, int n, const struct endpoint *to,
                int domain)
{
    struct address a;
    uint16_t port;
    if (!find_place(&a, &port, &f->at[n - 1], to))
        return false;
    memset(out, 0, sizeof *out);
    out->any.sa_family = (sa_family_t)domain;
    if (domain == AF_INET) {
        out->v4.sin_port = htons(port);
        memcpy(&out->v4.sin_addr, a.bytes + MAPPED_BYTES, sizeof out->v4.sin_addr);
        out->length = sizeof out->v4;
    } else {
        out->v6.sin6_port = htons(port);
        memcpy(&out->v6.sin6_addr, a.bytes, sizeof out->v6.sin6_addr);
        out->length = sizeof out->v6;
    }
    return true;
}

unsigned dial_places(const struct fallback *f, const struct endpoint *to)
{
    struct address a;
    uint16_t port;
    unsigned places = 1;
    for (int n = 1; n <= f->count; n++)
        places |= find_place(&a, &port, &f->at[n - 1], to) ? 1u << n : 0;
    return places;
}
