/* SPDX-License-Identifier: MIT
 *
 * The names of libcurl without a version, to link against: never loaded. */
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
