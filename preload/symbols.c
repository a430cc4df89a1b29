/* SPDX-License-Identifier: MIT
 *
 * Exports the hooks of the easy interface. */
#include "hooks.h"
#include "version_nodes.h"

#include <stdarg.h>

/* The stubs at one node. */
#define STUBS(suffix, node)                                                                        \
    EXPORT CURL *curl_easy_init__##suffix(void);                                                   \
    EXPORT CURL *curl_easy_init__##suffix(void)                                                    \
    {                                                                                              \
        return hook_easy_init(FROM(node));                                                         \
    }                                                                                              \
    EXPORT void curl_easy_cleanup__##suffix(CURL *h);                                              \
    EXPORT void curl_easy_cleanup__##suffix(CURL *h)                                               \
    {                                                                                              \
        hook_easy_cleanup(FROM(node), h);                                                          \
    }                                                                                              \
    EXPORT void curl_easy_reset__##suffix(CURL *h);                                                \
    EXPORT void curl_easy_reset__##suffix(CURL *h)                                                 \
    {                                                                                              \
        hook_easy_reset(FROM(node), h);                                                            \
    }                                                                                              \
    EXPORT CURL *curl_easy_duphandle__##suffix(CURL *h);                                           \
    EXPORT CURL *curl_easy_duphandle__##suffix(CURL *h)                                            \
    {                                                                                              \
        return hook_easy_duphandle(FROM(node), h);                                                 \
    }                                                                                              \
    EXPORT CURLcode curl_easy_setopt__##suffix(CURL *h, CURLoption o, ...);                        \
    EXPORT CURLcode curl_easy_setopt__##suffix(CURL *h, CURLoption o, ...)                         \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, o);                                                                           \
        union option_argument v = option_argument_of(o, &ap);                                      \
        va_end(ap);                                                                                \
        return hook_easy_setopt(FROM(node), h, o, v);                                              \
    }                                                                                              \
    EXPORT CURLcode curl_easy_getinfo__##suffix(CURL *h, CURLINFO i, ...);                         \
    EXPORT CURLcode curl_easy_getinfo__##suffix(CURL *h, CURLINFO i, ...)                          \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, i);                                                                           \
        void *out = va_arg(ap, void *);                                                            \
        va_end(ap);                                                                                \
        return hook_easy_getinfo(FROM(node), h, i, out);                                           \
    }                                                                                              \
    EXPORT CURLcode curl_easy_perform__##suffix(CURL *h);                                          \
    EXPORT CURLcode curl_easy_perform__##suffix(CURL *h)                                           \
    {                                                                                              \
        return hook_easy_perform(FROM(node), h);                                                   \
    }                                                                                              \
    EXPORT CURLcode curl_easy_pause__##suffix(CURL *h, int mask);                                  \
    EXPORT CURLcode curl_easy_pause__##suffix(CURL *h, int mask)                                   \
    {                                                                                              \
        return hook_easy_pause(FROM(node), h, mask);                                               \
    }                                                                                              \
    EXPORT CURLHcode curl_easy_header__##suffix(CURL *h, const char *n, size_t i, unsigned o,      \
                                                int r, struct curl_header **to);                   \
    EXPORT CURLHcode curl_easy_header__##suffix(CURL *h, const char *n, size_t i, unsigned o,      \
                                                int r, struct curl_header **to)                    \
    {                                                                                              \
        return hook_easy_header(FROM(node), h, n, i, o, r, to);                                    \
    }                                                                                              \
    EXPORT struct curl_header *curl_easy_nextheader__##suffix(CURL *h, unsigned o, int r,          \
                                                              struct curl_header *p);              \
    EXPORT struct curl_header *curl_easy_nextheader__##suffix(CURL *h, unsigned o, int r,          \
                                                              struct curl_header *p)               \
    {                                                                                              \
        return hook_easy_nextheader(FROM(node), h, o, r, p);                                       \
    }                                                                                              \
    EXPORT CURLcode curl_mime_data_cb__##suffix(curl_mimepart *p, curl_off_t n,                    \
                                                curl_read_callback r, curl_seek_callback s,        \
                                                curl_free_callback f, void *arg);                  \
    EXPORT CURLcode curl_mime_data_cb__##suffix(curl_mimepart *p, curl_off_t n,                    \
                                                curl_read_callback r, curl_seek_callback s,        \
                                                curl_free_callback f, void *arg)                   \
    {                                                                                              \
        return hook_mime_data_cb(FROM(node), p, n, r, s, f, arg);                                  \
    }                                                                                              \
    EXPORT CURLcode curl_mime_filedata__##suffix(curl_mimepart *p, const char *path);              \
    EXPORT CURLcode curl_mime_filedata__##suffix(curl_mimepart *p, const char *path)               \
    {                                                                                              \
        return hook_mime_filedata(FROM(node), p, path);                                            \
    }

#define HOOKED(X, node)                                                                            \
    X(curl_easy_init, node);                                                                       \
    X(curl_easy_cleanup, node);                                                                    \
    X(curl_easy_reset, node);                                                                      \
    X(curl_easy_duphandle, node);                                                                  \
    X(curl_easy_setopt, node);                                                                     \
    X(curl_easy_getinfo, node);                                                                    \
    X(curl_easy_perform, node);                                                                    \
    X(curl_easy_pause, node);                                                                      \
    X(curl_easy_header, node);                                                                     \
    X(curl_easy_nextheader, node);                                                                 \
    X(curl_mime_data_cb, node);                                                                    \
    X(curl_mime_filedata, node)

#define NODE(node) STUBS(node, #node) HOOKED(AT_NODE, node);
NODES(NODE)

STUBS(any, "")
HOOKED(AT_ANY, any);
