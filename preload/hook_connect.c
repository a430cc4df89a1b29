/* SPDX-License-Identifier: MIT */
#include "curl/easy.h"
#include "hooks.h"
#include "next.h"
#include "sock/dial.h"

#include <errno.h>

static _Atomic next_function real_connect;

/* A connection that libcurl makes for a transfer that was admitted is part of it. */
static bool belongs_to_transfer(const void *caller)
{
    const struct curl_api *api = easy_performing();
    return api && curl_api_owns(api, caller);
}

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address,
                                                   socklen_t length)
{
    dial_function *real = (dial_function *)next_of(&real_connect, "connect");
    const void *caller = __builtin_return_address(0);
    struct endpoint to;
    if (unlikely(!real)) {
        errno = ENOSYS;
        return -1;
    }
    if (!endpoint_of(&to, address, length) || hooks_off() || belongs_to_transfer(caller))
        return real(fd, address, length);
    return dial(&(struct dial_request){real, fd, address, length, &to, caller});
}
