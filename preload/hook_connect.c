/* SPDX-License-Identifier: MIT
 *
 * The hook of connect(): hands stream connections of the program to sock/dial.h. */
#include "alloc_safe.h"
#include "base/thread.h"
#include "curl/current_api.h"
#include "engine/config/rules.h"
#include "engine/engine.h"
#include "engine/publish/background.h"
#include "hooks_off.h"
#include "next.h"
#include "sock/dial.h"
#include "sock/readable.h"

#include <errno.h>

static _Atomic next_function real_connect;

/* libcurl's connection for an admitted transfer is part of that transfer. */
static bool belongs_to_transfer(const void *caller)
{
    const struct curl_api *api = current_api_get();
    return api && curl_api_owns(api, caller);
}

/* dial() starts no thread, because it may run in a signal handler or an allocator, and a new thread
 * allocates and takes locks. If that is not safe after the call either, a later call starts it. */
static __attribute__((noinline)) void start_background_thread(const void *caller)
{
    if (!alloc_is_safe(caller))
        return;
    thread_forbid(false); /* a signal handler may have jumped out of a call that forbade it */
    background_start_pending();
}

static int dial_and_start(const struct dial_request *r)
{
    int value = dial(r);
    if (unlikely(background_is_pending()))
        start_background_thread(r->caller);
    return value;
}

/* Local sockets are forwarded, unless a rule names this one. Not inlined, because the name takes
 * stack space. */
static __attribute__((noinline)) int connect_local(dial_function *real, int fd,
                                                   const struct sockaddr *address, socklen_t length,
                                                   const void *caller)
{
    const struct config *c = hooks_off() ? NULL : engine_config();
    char name[ENDPOINT_LOCAL_SIZE];
    struct endpoint to = {.local = name};
    if (!c || likely(!rules_have_locals(c)) || !endpoint_local(name, address, length) ||
        !rules_name_local(c, name) || belongs_to_transfer(caller))
        return real(fd, address, length);
    return dial_and_start(&(struct dial_request){real, fd, address, length, &to, caller});
}

static bool is_local(const struct sockaddr *address, socklen_t length)
{
    return length >= (socklen_t)sizeof(sa_family_t) && address->sa_family == AF_UNIX;
}

/* Not inlined into connect(), which can then forward by a jump: where this copy of the library is
 * spare, the active one still sees the program's return address. */
static HOT __attribute__((noinline)) int dial_or_forward(dial_function *real, int fd,
                                                         const struct sockaddr *address,
                                                         socklen_t length, const void *caller)
{
    struct endpoint to;
    /* The kernel refuses a bad length or pointer. */
    if (unlikely(length > sizeof(struct sockaddr_storage) || !readable(address, length)))
        return real(fd, address, length);
    if (!endpoint_of(&to, address, length))
        return is_local(address, length) ? connect_local(real, fd, address, length, caller)
                                         : real(fd, address, length);
    if (hooks_off() || belongs_to_transfer(caller))
        return real(fd, address, length);
    return dial_and_start(&(struct dial_request){real, fd, address, length, &to, caller});
}

__attribute__((visibility("default"))) HOT int connect(int fd, const struct sockaddr *address,
                                                       socklen_t length)
{
    dial_function *real = (dial_function *)next_of(&real_connect, "connect");
    if (unlikely(!real)) {
        errno = ENOSYS;
        return -1;
    }
    if (unlikely(hooks_spare() || engine_is_confined()))
        return real(fd, address, length);
    return dial_or_forward(real, fd, address, length, __builtin_return_address(0));
}
