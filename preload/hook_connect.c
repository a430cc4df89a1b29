/* SPDX-License-Identifier: MIT */
#include "alloc_safe.h"
#include "base/thread.h"
#include "curl/inside.h"
#include "engine/config/rules.h"
#include "engine/engine.h"
#include "engine/publish/monitor.h"
#include "hooks_off.h"
#include "next.h"
#include "sock/dial.h"
#include "sock/readable.h"

#include <errno.h>

static _Atomic next_function real_connect;

/* A connection that libcurl makes for a transfer that was admitted is part of it. */
static bool belongs_to_transfer(const void *caller)
{
    const struct curl_api *api = inside_now();
    return api && curl_api_owns(api, caller);
}

/* It was not started within, for there a lock of the caller's may be held. Nor is it while something of
 * the program may be interrupted: then the next call is in time. */
static __attribute__((noinline)) void start_background_thread(const void *caller)
{
    if (!alloc_is_safe(caller))
        return;
    thread_forbid(false); /* a handler may have jumped out of an earlier call */
    monitor_start_thread();
}

static int dial_and_start(const struct dial_request *r)
{
    int value = dial(r);
    if (unlikely(monitor_thread_waits()))
        start_background_thread(r->caller);
    return value;
}

/* Local sockets are left alone, unless a rule names this one. Apart, for its name takes room. */
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

/* Apart from connect(), whose frame stays so small that it can end in a jump: behind a copy of us that
 * only forwards, the caller is still whoever called it. */
static HOT __attribute__((noinline)) int dial_or_forward(dial_function *real, int fd,
                                                         const struct sockaddr *address,
                                                         socklen_t length, const void *caller)
{
    struct endpoint to;
    /* The kernel takes all of it or refuses. */
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
