/* SPDX-License-Identifier: MIT
 *
 * The hooks of the name service, from which we learn the names behind addresses. In libcurl's own
 * resolver threads no lookup is retried, because the policy of the transfer applies; the reason of
 * a failure is noted for it. Lookups of our own checks are not remembered. */
#include "base/clock.h"
#include "base/lookup_failures.h"
#include "engine/check/thread_mark.h"
#include "hooks_off.h"
#include "libcurl.h"
#include "next.h"
#include "sock/names.h"
#include "sock/resolve.h"

#include <errno.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

static _Atomic next_function real_getaddrinfo, real_gethostbyname, real_gethostbyname2,
    real_gethostbyname_r, real_gethostbyname2_r;

static void remember_entry(const char *name, const struct hostent *entry)
{
    int saved = errno;
    if (entry && name && !hooks_off())
        names_learn_hostent(name, entry, clock_now_ns());
    errno = saved;
}

EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    resolve_function *real = (resolve_function *)next_of(&real_getaddrinfo, "getaddrinfo");
    if (unlikely(!real))
        return EAI_FAIL;
    if (hooks_off() || check_is_own_descendant())
        return real(node, service, hints, list);
    if (!libcurl_owner(__builtin_return_address(0)))
        return resolve(real, node, service, hints, list);
    int answer = real(node, service, hints, list), saved = errno;
    if (answer)
        lookup_failure_note(node, answer, clock_now_ns());
    else if (node)
        names_learn_addrinfo(node, *list, clock_now_ns());
    errno = saved;
    return answer;
}

EXPORT struct hostent *gethostbyname(const char *name)
{
    typedef struct hostent *function(const char *);
    function *real = (function *)next_of(&real_gethostbyname, "gethostbyname");
    struct hostent *entry = real ? real(name) : NULL;
    remember_entry(name, entry);
    return entry;
}

EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    typedef struct hostent *function(const char *, int);
    function *real = (function *)next_of(&real_gethostbyname2, "gethostbyname2");
    struct hostent *entry = real ? real(name, family) : NULL;
    remember_entry(name, entry);
    return entry;
}

EXPORT int gethostbyname_r(const char *name, struct hostent *entry, char *buf, size_t size,
                           struct hostent **result, int *error)
{
    typedef int function(const char *, struct hostent *, char *, size_t, struct hostent **, int *);
    function *real = (function *)next_of(&real_gethostbyname_r, "gethostbyname_r");
    int status = real ? real(name, entry, buf, size, result, error) : ENOSYS;
    remember_entry(name, status ? NULL : *result);
    return status;
}

EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buf,
                            size_t size, struct hostent **result, int *error)
{
    typedef int function(const char *, int, struct hostent *, char *, size_t, struct hostent **,
                         int *);
    function *real = (function *)next_of(&real_gethostbyname2_r, "gethostbyname2_r");
    int status = real ? real(name, family, entry, buf, size, result, error) : ENOSYS;
    remember_entry(name, status ? NULL : *result);
    return status;
}

#ifdef __GLIBC__
static void remember_answer(const struct gaicb *question)
{
    if (question && question->ar_name && question->ar_result)
        names_learn_addrinfo(question->ar_name, question->ar_result, clock_now_ns());
}

EXPORT int getaddrinfo_a(int mode, struct gaicb **list, int n, struct sigevent *event)
{
    typedef int function(int, struct gaicb **, int, struct sigevent *);
    static _Atomic next_function real_getaddrinfo_a;
    function *real = (function *)next_of(&real_getaddrinfo_a, "getaddrinfo_a");
    int status = real ? real(mode, list, n, event) : EAI_SYSTEM, saved = errno;
    for (int i = 0; i < n && mode == GAI_WAIT && !hooks_off(); i++)
        remember_answer(list[i]);
    errno = saved;
    return status;
}

/* Programs poll the result of getaddrinfo_a() with it. */
EXPORT int gai_error(struct gaicb *question)
{
    typedef int function(struct gaicb *);
    static _Atomic next_function real_gai_error;
    function *real = (function *)next_of(&real_gai_error, "gai_error");
    int status = real ? real(question) : EAI_SYSTEM, saved = errno;
    if (!status && !hooks_off())
        remember_answer(question);
    errno = saved;
    return status;
}
#endif
