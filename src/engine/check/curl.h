/* SPDX-License-Identifier: MIT
 *
 * The libcurl of http checks: the one that the program has loaded, else one that the loader finds.
 * Looked for at the first http check, in the thread of the checks, and never given back. The numbers
 * are libcurl's ABI, which has not changed since they exist; a test compares them with its header.
 *
 *     const struct check_curl *api = check_curl_find(&why);     NULL: none here, and why
 *
 * Functions come from the library's handle, so they are the real ones. Its own calls of ours come
 * from the thread of the checks, or from a resolver's thread that bears its name, and pass. What is
 * looked for takes a second, in which the process may end; NULL then, and why too. Not between
 * check_guard_enter and check_guard_leave, but all calls of the functions are. */
#ifndef ENGINE_CHECK_CURL_H
#define ENGINE_CHECK_CURL_H

#include <stddef.h>

enum {
    CHECK_CURLOPT_URL = 10002,
    CHECK_CURLOPT_WRITEFUNCTION = 20011,
    CHECK_CURLOPT_USERAGENT = 10018,
    CHECK_CURLOPT_FOLLOWLOCATION = 52,
    CHECK_CURLOPT_FORBID_REUSE = 75,
    CHECK_CURLOPT_NOSIGNAL = 99,
    CHECK_CURLOPT_TIMEOUT_MS = 155,
    CHECK_CURLOPT_QUICK_EXIT = 322,
    CHECK_CURLINFO_RESPONSE_CODE = 0x200002,
    CHECK_CURLINFO_OS_ERRNO = 0x200019,
    CHECK_CURL_GLOBAL_DEFAULT = 3,
    CHECK_CURL_VERSION_THREADSAFE = 1 << 30,
};

/* struct CURLMsg */
struct check_curl_message {
    int message;
    void *easy;
    union {
        void *whatever;
        int result;
    };
};

/* The beginning of curl_version_info_data, of CURLVERSION_FIRST. */
struct check_curl_version {
    int age;
    const char *version;
    unsigned int version_num;
    const char *host;
    int features;
};

struct check_curl {
    int (*global_init)(long flags);
    struct check_curl_version *(*version_info)(int age);
    void *(*easy_init)(void);
    int (*easy_setopt)(void *h, int option, ...);
    int (*easy_getinfo)(void *h, int info, ...);
    void (*easy_cleanup)(void *h);
    void *(*multi_init)(void);
    int (*multi_add_handle)(void *m, void *h);
    int (*multi_remove_handle)(void *m, void *h);
    int (*multi_perform)(void *m, int *running);
    int (*multi_poll)(void *m, void *extra, unsigned int n, int timeout_ms, int *ready);
    struct check_curl_message *(*multi_info_read)(void *m, int *left);
    int (*multi_cleanup)(void *m);
};

const struct check_curl *check_curl_find(const char **why);

#endif
