/* SPDX-License-Identifier: MIT
 *
 * A plug-in that is linked with a libcurl and looks up functions. RTLD_NEXT and RTLD_DEFAULT depend
 * on the caller's object and find libraries that other objects do not see. The asm statements
 * prevent tail calls, which would appear to come from the host. */
#include <curl/curl.h>
#include <dlfcn.h>

const char *only_in_ask(void);
const char *only_in_ask(void)
{
    return curl_easy_strerror(CURLE_OK);
}

void *ask_dlsym(void *where, const char *name, const char *node);
void *ask_dlsym(void *where, const char *name, const char *node)
{
    (void)node;
    void *p = dlsym(where, name);
    __asm__ volatile("" : "+r"(p));
    return p;
}

void *ask_dlvsym(void *where, const char *name, const char *node);
void *ask_dlvsym(void *where, const char *name, const char *node)
{
    void *p = dlvsym(where, name, node);
    __asm__ volatile("" : "+r"(p));
    return p;
}
