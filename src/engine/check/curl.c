/* SPDX-License-Identifier: MIT */
#include "engine/check/curl.h"

#include "base/compiler.h"
#include "engine/check/fork_guard.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

static bool find_functions(struct check_curl *api, void *library)
{
    struct {
        void *pointer;
        const char *name;
    } const wanted[] = {
        {&api->global_init, "curl_global_init"},
        {&api->version_info, "curl_version_info"},
        {&api->easy_init, "curl_easy_init"},
        {&api->easy_setopt, "curl_easy_setopt"},
        {&api->easy_getinfo, "curl_easy_getinfo"},
        {&api->easy_cleanup, "curl_easy_cleanup"},
        {&api->multi_init, "curl_multi_init"},
        {&api->multi_add_handle, "curl_multi_add_handle"},
        {&api->multi_remove_handle, "curl_multi_remove_handle"},
        {&api->multi_perform, "curl_multi_perform"},
        {&api->multi_poll, "curl_multi_poll"},
        {&api->multi_info_read, "curl_multi_info_read"},
        {&api->multi_cleanup, "curl_multi_cleanup"},
    };
    for (size_t i = 0; i < array_size(wanted); i++) {
        void *p = dlsym(library, wanted[i].name);
        if (!p)
            return false;
        memcpy(wanted[i].pointer, &p, sizeof p);
    }
    return true;
}

/* If the program exports parts of a TLS or HTTP/2 library (node does), they would replace those of the
 * libraries that a libcurl loaded later needs. */
static bool program_exports_parts(void)
{
    static const char *const parts[] = {"SSL_CTX_new", "OPENSSL_init_crypto", "gnutls_init",
                                        "nghttp2_session_client_new"};
    Dl_info program, in;
    if (!dladdr((const void *)getauxval(AT_ENTRY), &program)) // NOLINT(performance-no-int-to-ptr)
        return true;
    for (size_t i = 0; i < array_size(parts); i++) {
        void *p = dlsym(RTLD_DEFAULT, parts[i]);
        if (p && dladdr(p, &in) && in.dli_fbase == program.dli_fbase)
            return true;
    }
    return false;
}

static void *open_any(int more_flags)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"};
    void *library = NULL;
    for (size_t i = 0; i < array_size(names) && !library; i++)
        library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL | more_flags);
    return library;
}

static void *open_library(const char **why)
{
    void *library = open_any(RTLD_NOLOAD);
    if (library)
        return library;
    *why = "the program has its own TLS library, so no libcurl can be loaded";
    if (program_exports_parts())
        return NULL;
    *why = "no libcurl is installed";
    return open_any(0);
}

/* At exit OpenSSL frees what a handshake of this thread may still use, unless this flag is set before its
 * first use. */
static void keep_openssl_at_exit(void *library)
{
    enum { NO_ATEXIT = 0x80000 };
    int (*init)(uint64_t, const void *) =
        (int (*)(uint64_t, const void *))dlsym(library, "OPENSSL_init_crypto");
    if (init)
        init(NO_ATEXIT, NULL);
}

/* Before 7.84 libcurl must not be initialised while the program may be doing so. libcurl counts the
 * initialisations; as this one is never undone, the program's clean-up does not affect it. */
static bool initialise(const struct check_curl *api, const char **why)
{
    if (!(api->version_info(0)->features & CHECK_CURL_VERSION_THREADSAFE)) {
        *why = "this libcurl is not thread-safe; 7.84 or later is needed";
        return false;
    }
    *why = "libcurl could not be initialised";
    return api->global_init(CHECK_CURL_GLOBAL_DEFAULT) == 0;
}

/* False: the process ends. Exit handlers free the state of libraries, so each step is guarded. An exit
 * waits for the loader, and runs the guard's handler before OpenSSL's if the guard's was registered
 * later. */
static bool find_libcurl(struct check_curl *api, bool *found, const char **why)
{
    if (!check_guard_install() || !check_guard_enter())
        return false;
    void *library = open_library(why);
    check_guard_leave();
    if (!library)
        return true;
    if (!check_guard_enter())
        return false;
    bool complete = find_functions(api, library);
    if (complete)
        keep_openssl_at_exit(library);
    else
        *why = "this libcurl lacks functions; 7.84 or later is needed";
    check_guard_leave();
    if (!complete)
        return true;
    if (!check_guard_install() || !check_guard_enter())
        return false;
    *found = initialise(api, why);
    check_guard_leave();
    return true;
}

const struct check_curl *check_curl_find(const char **why)
{
    static struct check_curl api;
    /* Used by one thread. The child of a fork keeps what was found, or searches itself. */
    static bool searched, found;
    static const char *lack;
    if (!searched && !find_libcurl(&api, &found, &lack))
        return NULL;
    searched = true;
    *why = found ? NULL : lack;
    return found ? &api : NULL;
}
