/* SPDX-License-Identifier: MIT
 *
 * Host names of URLs that libcurl's own parser (CURLU) has read. Any thread. */
#ifndef CURL_URL_H
#define CURL_URL_H

#include "curl/api.h"

/* The host as it is looked up (idna.h), to be freed with api->free; NULL: none. */
char *url_host(const struct curl_api *api, CURLU *u);
/* Makes it plain, in place: "[::1%25eth0]" becomes "::1", "Example.COM." becomes "example.com". */
char *url_plain_host(char *host);
/* ASCII letters to lower case, in place. */
void url_lower(char *text);

#endif
