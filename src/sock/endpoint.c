/* SPDX-License-Identifier: MIT */
#include "sock/endpoint.h"

#include <arpa/inet.h>

void endpoint_text(const struct address *a, char *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool v4 = memcmp(a->bytes, mapped, sizeof mapped) == 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + 12 : a->bytes, out, INET6_ADDRSTRLEN);
}
