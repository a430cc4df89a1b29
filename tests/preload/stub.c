/* SPDX-License-Identifier: MIT
 *
 * libcurl's functions without a version, to link against or to look up; never called. */
#define STUB(name)                                                                                 \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
    }

STUB(curl_easy_init)
STUB(curl_easy_cleanup)
STUB(curl_easy_reset)
STUB(curl_easy_duphandle)
STUB(curl_easy_setopt)
STUB(curl_easy_getinfo)
STUB(curl_easy_perform)
#ifdef ALL_NAMES
STUB(curl_easy_pause)
STUB(curl_multi_init)
STUB(curl_multi_cleanup)
STUB(curl_multi_add_handle)
STUB(curl_multi_remove_handle)
STUB(curl_multi_perform)
STUB(curl_multi_socket_action)
STUB(curl_multi_socket_all)
STUB(curl_multi_fdset)
STUB(curl_multi_timeout)
STUB(curl_multi_info_read)
STUB(curl_multi_setopt)
STUB(curl_multi_wait)
STUB(curl_free)
STUB(curl_version_info)
#endif
