/* SPDX-License-Identifier: MIT */
#include "curl/url.h"

#include "base/compiler.h"
#include "base/idna.h"
#include "base/words.h"

#include <string.h>

void url_lower(char *p)
{
    for (; *p; p++)
        *p = ascii_lower(*p);
}

char *url_plain_host(char *host)
{
    url_lower(host);
    size_t n = strlen(host);
    if (host[0] == '[' && n > 2 && host[n - 1] == ']') {
        host[n - 1] = '\0';
        host++;
        host[strcspn(host, "%")] = '\0';
    } else if (n > 1 && host[n - 1] == '.') {
        host[n - 1] = '\0';
    }
    return host;
}

/* Since 7.88; older versions ignore it. Our headers may not have it. */
#define URL_PUNYCODE (1u << 12) /* CURLU_PUNYCODE */

/* libcurl encodes only the names that idna_encode does not. If libcurl cannot either, 7.88 leaks
 * memory, and the transfer fails. */
char *url_host(const struct curl_api *api, CURLU *u)
{
    char *host = NULL, *encoded = NULL, wire[256];
    if (api->url_get(u, CURLUPART_HOST, &host, 0))
        return NULL;
    size_t n = strlen(host);
    if (likely(!idna_needed(host, n)))
        return host;
    if (api->maprintf && idna_encode(wire, sizeof wire, host, n))
        encoded = api->maprintf("%s", wire);
    else if (api->url_get(u, CURLUPART_HOST, &encoded, URL_PUNYCODE))
        encoded = NULL;
    if (!encoded)
        return host;
    api->free(host);
    return encoded;
}
