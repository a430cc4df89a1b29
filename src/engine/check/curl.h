/* SPDX-License-Identifier: MIT
 *
 * The libcurl that http checks use: the one that the program has loaded, otherwise one that the loader
 * finds. It is searched at the first http check, in the thread of the checks, and never unloaded.
 *
 *     const struct check_curl *api = check_curl_find(&why);     NULL: none, and why
 *
 * This file declares what it needs of libcurl's ABI itself, so that it can be built without libcurl. The
 * values have not changed since they were introduced; tests/curl/test_check_curl.c compares them with
 * libcurl's header.
 *
 * The functions are looked up in the library itself, so they are not the hooks. What libcurl calls from
 * there passes through the hooks, because the caller is the thread of the checks, or a resolver thread
 * with the same name. All calls of the functions are made between check_guard_enter and
 * check_guard_leave; check_curl_find itself is called outside. The search takes a second at most. If the
 * process ends in that time, it returns NULL, and *why is NULL too. */
#ifndef ENGINE_CHECK_CURL_H
#define ENGINE_CHECK_CURL_H

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
