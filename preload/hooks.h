/* SPDX-License-Identifier: MIT
 *
 * The hooks of libcurl: hook_X() replaces curl_X(), with the caller as an additional argument.
 * symbols.c and symbols_multi.c export a stub of each hook under every version node. A hook looks
 * up our state of the handle, or else the real function, and calls one function of the layer below.
 *
 * Threads: as libcurl's functions, one at a time per handle. */
#ifndef PRELOAD_HOOKS_H
#define PRELOAD_HOOKS_H

#include "curl/shadow.h"
#include "libcurl.h"

#include <stdarg.h>

CURL *hook_easy_init(struct caller from);
void hook_easy_cleanup(struct caller from, CURL *h);
void hook_easy_reset(struct caller from, CURL *h);
CURL *hook_easy_duphandle(struct caller from, CURL *h);
CURLcode hook_easy_setopt(struct caller from, CURL *h, CURLoption option, union option_argument v);
CURLcode hook_easy_getinfo(struct caller from, CURL *h, CURLINFO info, void *out);
CURLcode hook_easy_perform(struct caller from, CURL *h);
CURLcode hook_easy_pause(struct caller from, CURL *h, int bitmask);
CURLHcode hook_easy_header(struct caller from, CURL *h, const char *name, size_t index,
                           unsigned origin, int request, struct curl_header **out);
struct curl_header *hook_easy_nextheader(struct caller from, CURL *h, unsigned origin, int request,
                                         struct curl_header *previous);
CURLcode hook_mime_data_cb(struct caller from, curl_mimepart *part, curl_off_t size,
                           curl_read_callback read_fn, curl_seek_callback seek_fn,
                           curl_free_callback free_fn, void *arg);
CURLcode hook_mime_filedata(struct caller from, curl_mimepart *part, const char *path);

CURLM *hook_multi_init(struct caller from);
CURLMcode hook_multi_cleanup(struct caller from, CURLM *m);
CURLMcode hook_multi_add_handle(struct caller from, CURLM *m, CURL *h);
CURLMcode hook_multi_remove_handle(struct caller from, CURLM *m, CURL *h);
CURLMcode hook_multi_perform(struct caller from, CURLM *m, int *running);
CURLMcode hook_multi_socket_action(struct caller from, CURLM *m, curl_socket_t fd, int events,
                                   int *running);
CURLMcode hook_multi_socket_all(struct caller from, CURLM *m, int *running);
CURLMcode hook_multi_wait(struct caller from, CURLM *m, struct curl_waitfd *extra, unsigned n,
                          int timeout_ms, int *ready);
CURLMcode hook_multi_poll(struct caller from, CURLM *m, struct curl_waitfd *extra, unsigned n,
                          int timeout_ms, int *ready);
CURLMcode hook_multi_timeout(struct caller from, CURLM *m, long *timeout_ms);
CURLMsg *hook_multi_info_read(struct caller from, CURLM *m, int *left);
CURLMcode hook_multi_setopt(struct caller from, CURLM *m, CURLMoption option,
                            union option_argument v);
CURL **hook_multi_get_handles(struct caller from, CURLM *m);
CURLMcode hook_multi_get_offt(struct caller from, CURLM *m, int info, curl_off_t *out);
CURLMcode hook_multi_notify_enable(struct caller from, CURLM *m, unsigned type);
CURLMcode hook_multi_notify_disable(struct caller from, CURLM *m, unsigned type);

/* libcurl_find(). NULL: there is no libcurl, which is counted as an internal error. */
const struct curl_api *hook_find_libcurl(struct caller from);

/* Reads the argument of curl_*_setopt. Its type follows from the range of the option's number. */
static inline union option_argument option_argument_of(int option, va_list *ap)
{
    union option_argument v = {0};
    if (option < CURLOPTTYPE_OBJECTPOINT)
        v.number = va_arg(*ap, long);
    else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        v.offset = va_arg(*ap, curl_off_t);
    else
        v.pointer = va_arg(*ap, void *);
    return v;
}

#endif
