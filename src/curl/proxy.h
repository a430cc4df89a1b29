/* SPDX-License-Identifier: MIT
 *
 * Which proxy libcurl will use for a handle, by its options and by the environment with which the
 * program was started: CURLOPT_PROXY, PROXYTYPE, PROXYPORT, PRE_PROXY and NOPROXY, else
 * `<scheme>_proxy`, `all_proxy` and `no_proxy`. libcurl itself reports it only since 8.7, and not
 * after a failed connection.
 *
 *     struct proxy p;
 *     if (proxy_find(&p, shadow, "https", "api.example.com"))
 *         ... p.scheme "http", p.host "proxy.example.com", p.port 3128
 *         proxy_release(&p);
 *
 * False: none, or it cannot be determined (no memory, a libcurl without a URL parser). A variable
 * that the program sets itself is not seen: failures of that proxy then count for the host.
 * Any thread. */
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
    const struct curl_api *api; /* frees `owned` */
    char *owned;
};

bool proxy_find(struct proxy *p, const struct shadow *s, const char *scheme, const char *host);
void proxy_release(struct proxy *p);

#endif
