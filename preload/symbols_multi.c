/* SPDX-License-Identifier: MIT
 *
 * Exports the hooks of the multi interface. */
#include "hooks.h"
#include "version_nodes.h"

/* One stub: its type, name, parameters and arguments. libcurl itself calls these functions, mainly
 * for curl_easy_perform(): such calls go straight back to it. */
#define STUB(type, name, suffix, node, parameters, ...)                                            \
    EXPORT type curl_multi_##name##__##suffix parameters;                                          \
    EXPORT type curl_multi_##name##__##suffix parameters                                           \
    {                                                                                              \
        const struct curl_api *self = libcurl_owner(__builtin_return_address(0));                  \
        if (likely(self))                                                                          \
            return self->multi_##name(__VA_ARGS__);                                                \
        return hook_multi_##name(FROM(node), ##__VA_ARGS__);                                       \
    }

#define STUBS(suffix, node)                                                                        \
    STUB(CURLM *, init, suffix, node, (void))                                                      \
    STUB(CURLMcode, cleanup, suffix, node, (CURLM * m), m)                                         \
    STUB(CURLMcode, add_handle, suffix, node, (CURLM * m, CURL * h), m, h)                         \
    STUB(CURLMcode, remove_handle, suffix, node, (CURLM * m, CURL * h), m, h)                      \
    STUB(CURLMcode, perform, suffix, node, (CURLM * m, int *n), m, n)                              \
    STUB(CURLMcode, socket_action, suffix, node, (CURLM * m, curl_socket_t s, int ev, int *n), m,  \
         s, ev, n)                                                                                 \
    STUB(CURLMcode, socket_all, suffix, node, (CURLM * m, int *n), m, n)                           \
    STUB(CURLMcode, wait, suffix, node,                                                            \
         (CURLM * m, struct curl_waitfd * e, unsigned n, int ms, int *r), m, e, n, ms, r)          \
    STUB(CURLMcode, poll, suffix, node,                                                            \
         (CURLM * m, struct curl_waitfd * e, unsigned n, int ms, int *r), m, e, n, ms, r)          \
    STUB(CURLMcode, timeout, suffix, node, (CURLM * m, long *ms), m, ms)                           \
    STUB(CURLMsg *, info_read, suffix, node, (CURLM * m, int *n), m, n)                            \
    STUB(CURL **, get_handles, suffix, node, (CURLM * m), m)                                       \
    STUB(CURLMcode, get_offt, suffix, node, (CURLM * m, int i, curl_off_t *v), m, i, v)            \
    STUB(CURLMcode, notify_enable, suffix, node, (CURLM * m, unsigned t), m, t)                    \
    STUB(CURLMcode, notify_disable, suffix, node, (CURLM * m, unsigned t), m, t)                   \
    EXPORT CURLMcode curl_multi_socket__##suffix(CURLM *m, curl_socket_t s, int *n);               \
    EXPORT CURLMcode curl_multi_socket__##suffix(CURLM *m, curl_socket_t s, int *n)                \
    {                                                                                              \
        return hook_multi_socket_action(FROM(node), m, s, 0, n);                                   \
    }                                                                                              \
    EXPORT CURLMcode curl_multi_setopt__##suffix(CURLM *m, CURLMoption o, ...);                    \
    EXPORT CURLMcode curl_multi_setopt__##suffix(CURLM *m, CURLMoption o, ...)                     \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, o);                                                                           \
        union option_argument v = option_argument_of((int)o, &ap);                                 \
        va_end(ap);                                                                                \
        return hook_multi_setopt(FROM(node), m, o, v);                                             \
    }

#define HOOKED(X, node)                                                                            \
    X(curl_multi_init, node);                                                                      \
    X(curl_multi_cleanup, node);                                                                   \
    X(curl_multi_add_handle, node);                                                                \
    X(curl_multi_remove_handle, node);                                                             \
    X(curl_multi_perform, node);                                                                   \
    X(curl_multi_socket_action, node);                                                             \
    X(curl_multi_socket_all, node);                                                                \
    X(curl_multi_wait, node);                                                                      \
    X(curl_multi_poll, node);                                                                      \
    X(curl_multi_timeout, node);                                                                   \
    X(curl_multi_info_read, node);                                                                 \
    X(curl_multi_get_handles, node);                                                               \
    X(curl_multi_get_offt, node);                                                                  \
    X(curl_multi_notify_enable, node);                                                             \
    X(curl_multi_notify_disable, node);                                                            \
    X(curl_multi_socket, node);                                                                    \
    X(curl_multi_setopt, node)

#define NODE(node) STUBS(node, #node) HOOKED(AT_NODE, node);
NODES(NODE)

STUBS(any, "")
HOOKED(AT_ANY, any);
