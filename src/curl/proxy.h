/* SPDX-License-Identifier: MIT
 *
 * Which proxy libcurl will use for a handle, as far as its options and the environment that the
 * program was started with tell: CURLOPT_PROXY, PROXYTYPE, PROXYPORT, PRE_PROXY and NOPROXY, else
 * `<scheme>_proxy`, `all_proxy` and `no_proxy`. libcurl itself says so only from 8.7 on, and not
 * when the connection failed.
 *
 *     struct proxy p;
 *     if (proxy_find(&p, shadow, "https", "api.example.com"))
 *         ... p.scheme "http", p.host "proxy.example.com", p.port 3128
 *         proxy_release(&p);
 *
 * False: none, or none that can be told (no memory, a libcurl without a URL parser). A variable that
 * the program sets itself is not seen: what its proxy does counts for the host then. */
#ifndef CURL_PROXY_H
#define CURL_PROXY_H

#include "curl/shadow.h"

#include <stdbool.h>
#include <stdint.h>

struct proxy {
    const char *scheme; /* "http", "https", "socks4", "socks4a", "socks5", "socks5h" */
    char *host;         /* lower case, without brackets */
    uint16_t port;
    bool is_http;
    const struct curl_api *api; /* whose memory `owned` is */
    char *owned;
};

bool proxy_find(struct proxy *p, const struct shadow *s, const char *scheme, const char *host);
void proxy_release(struct proxy *p);

#endif
