/* SPDX-License-Identifier: MIT
 *
 * A plug-in that is linked with a libcurl (or, as `nodeps`, uses the host's). With -O2 the one-line
 * functions are jumps, so libcurl sees a return address in the host. */
#include "host.h"

CURL *plug_init(void)
{
    return curl_easy_init();
}

CURL *plug_duphandle(CURL *h)
{
    return curl_easy_duphandle(h);
}

CURLcode plug_perform(CURL *h)
{
    return curl_easy_perform(h);
}

void plug_reset(CURL *h)
{
    curl_easy_reset(h);
}

void plug_cleanup(CURL *h)
{
    curl_easy_cleanup(h);
}

void plug_prepare(CURL *h, const char *path, struct answer *a)
{
    prepare(h, path, a);
}

void plug_tell(CURL *h, const char *what, CURLcode rc, const struct answer *a)
{
    tell(h, what, rc, a);
}

CURLcode plug_fetch(const char *what, const char *path)
{
    CURLcode rc = fetch(what, path);
    return rc;
}

/* Prints which TLS library getinfo and setopt reach: it must belong to the libcurl that made h. */
void plug_backend(CURL *h, const char *what)
{
    struct curl_tlssessioninfo *info = NULL;
    CURLcode got = curl_easy_getinfo(h, CURLINFO_TLS_SSL_PTR, &info);
    CURLcode set = curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, NULL);
    printf("%s: backend %d, getinfo %d, setopt %d\n", what, info ? (int)info->backend : -1, got,
           set);
    fflush(stdout);
}
