/* SPDX-License-Identifier: MIT
 *
 * The hooks: one function for each that libcurl has, with the caller in front. symbols.c exports a
 * stub of each under every version node. A hook finds the handle's shadow or the real function,
 * calls one function of the layer below, and that is all. */
#ifndef PRELOAD_HOOKS_H
#define PRELOAD_HOOKS_H

#include "curl/shadow.h"
#include "real.h"

CURL *hook_easy_init(struct from from);
void hook_easy_cleanup(struct from from, CURL *h);
void hook_easy_reset(struct from from, CURL *h);
CURL *hook_easy_duphandle(struct from from, CURL *h);
CURLcode hook_easy_setopt(struct from from, CURL *h, CURLoption option, union option_argument v);
CURLcode hook_easy_getinfo(struct from from, CURL *h, CURLINFO info, void *out);
CURLcode hook_easy_perform(struct from from, CURL *h);
CURLcode hook_easy_pause(struct from from, CURL *h, int bitmask);
CURLcode hook_mime_data_cb(struct from from, curl_mimepart *part, curl_off_t size,
                           curl_read_callback read_fn, curl_seek_callback seek_fn,
                           curl_free_callback free_fn, void *arg);
CURLcode hook_mime_filedata(struct from from, curl_mimepart *part, const char *path);

/* HARDEN_DISABLE, AT_SECURE, a thread of our own checks: forward everything, remember nothing. */
bool hooks_off(void);

#endif
