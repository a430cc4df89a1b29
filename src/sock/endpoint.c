/* SPDX-License-Identifier: MIT */
#include "sock/endpoint.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <sys/un.h>

_Static_assert(ENDPOINT_LOCAL_SIZE >
                   sizeof PATTERN_LOCAL + sizeof((struct sockaddr_un *)0)->sun_path,
               "room for the longest");

bool endpoint_local(char name[ENDPOINT_LOCAL_SIZE], const struct sockaddr *a, socklen_t length)
{
    const size_t head = sizeof PATTERN_LOCAL - 1, path_at = offsetof(struct sockaddr_un, sun_path);
    if (a->sa_family != AF_UNIX || length <= path_at || length > sizeof(struct sockaddr_un))
        return false;
    const char *path = ((const struct sockaddr_un *)(const void *)a)->sun_path;
    size_t n = length - path_at;
    if (path[0])
        n = strnlen(path, n);
    memcpy(name, PATTERN_LOCAL, head);
    memcpy(name + head, path, n);
    name[head + n] = '\0';
    for (size_t i = 0; i < n; i++) /* an abstract name begins with a NUL, and may contain more */
        if (!name[head + i])
            name[head + i] = '@';
    return true;
}

void endpoint_text(const struct address *a, char *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool v4 = memcmp(a->bytes, mapped, sizeof mapped) == 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + 12 : a->bytes, out, INET6_ADDRSTRLEN);
}
