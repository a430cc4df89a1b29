/* SPDX-License-Identifier: MIT
 *
 * libcurl as a table of function pointers. Everything in src/curl/ calls libcurl through such a
 * table: preload/libcurl.c fills it from the library that created the handle, tests fill it by hand.
 * A process may contain two libcurls whose handles are not interchangeable, so the table is stored
 * with the handle.
 *
 * Optional members are NULL if the running libcurl is too old; the others are never NULL. A table
 * and its library stay valid for the life of the process (the library is pinned). */
#ifndef CURL_API_H
#define CURL_API_H

#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_easy_perform
#undef curl_multi_setopt

struct curl_api {
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    void (*easy_reset)(CURL *);
    CURL *(*easy_duphandle)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*easy_perform)(CURL *);
    CURLcode (*easy_pause)(CURL *, int);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_perform)(CURLM *, int *);
    CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int, int *);
    CURLMcode (*multi_socket_all)(CURLM *, int *);
    CURLMcode (*multi_fdset)(CURLM *, fd_set *, fd_set *, fd_set *, int *);
    CURLMcode (*multi_timeout)(CURLM *, long *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    CURLMcode (*multi_wait)(CURLM *, struct curl_waitfd *, unsigned, int, int *); /* 7.28 */
    CURLMcode (*multi_poll)(CURLM *, struct curl_waitfd *, unsigned, int,
                            int *);                          /* optional, 7.66 */
    CURL **(*multi_get_handles)(CURLM *);                    /* optional, 8.4 */
    CURLMcode (*multi_get_offt)(CURLM *, int, curl_off_t *); /* optional, 8.16 */
    CURLMcode (*multi_notify_enable)(CURLM *, unsigned);     /* optional, 8.17 */
    CURLMcode (*multi_notify_disable)(CURLM *, unsigned);    /* optional, 8.17 */
    CURLcode (*mime_data_cb)(curl_mimepart *, curl_off_t, curl_read_callback, curl_seek_callback,
                             curl_free_callback, void *);     /* optional, 7.56 */
    CURLcode (*mime_filedata)(curl_mimepart *, const char *); /* optional, 7.56 */
    CURLU *(*url)(void);                                      /* optional, 7.62, like url_* */
    void (*url_cleanup)(CURLU *);
    CURLUcode (*url_get)(CURLU *, CURLUPart, char **, unsigned int);
    CURLUcode (*url_set)(CURLU *, CURLUPart, const char *, unsigned int);
    CURLHcode (*easy_header)(CURL *, const char *, size_t, unsigned, int,
                             struct curl_header **); /* optional, 7.83, with the next */
    struct curl_header *(*easy_nextheader)(CURL *, unsigned, int, struct curl_header *);
    struct curl_slist *(*slist_append)(struct curl_slist *,
                                       const char *); /* optional, with the next */
    void (*slist_free_all)(struct curl_slist *);
    void (*free)(void *);
    char *(*maprintf)(const char *, ...); /* optional: the result is freed with `free` */
    curl_version_info_data *(*version_info)(CURLversion);

    unsigned version_num; /* 0x075801 for 7.88.1 */
    const char *version;
    const char *path;                  /* of the shared object */
    const char *node;                  /* its symbol version node; "": none */
    const void *text_begin, *text_end; /* the mapping of its code */
};

/* Whether a return address is in the code of the library. libcurl calls its own functions. */
static inline int curl_api_owns(const struct curl_api *api, const void *address)
{
    return address >= api->text_begin && address < api->text_end;
}

#endif
