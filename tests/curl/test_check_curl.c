/* SPDX-License-Identifier: MIT
 *
 * Compares the constants and structures of src/engine/check/curl.h with libcurl's own header. */
#include "engine/check/curl.h"

#include "curl/api.h"

#include <criterion/criterion.h>
#include <stddef.h>

#define SAME(name) cr_assert_eq((int)CHECK_##name, (int)name, #name)

Test(check_curl, has_the_numbers_of_the_header)
{
    SAME(CURLOPT_URL);
    SAME(CURLOPT_WRITEFUNCTION);
    SAME(CURLOPT_USERAGENT);
    SAME(CURLOPT_FOLLOWLOCATION);
    SAME(CURLOPT_FORBID_REUSE);
    SAME(CURLOPT_NOSIGNAL);
    SAME(CURLOPT_TIMEOUT_MS);
    SAME(CURLOPT_QUICK_EXIT);
    SAME(CURLINFO_RESPONSE_CODE);
    SAME(CURLINFO_OS_ERRNO);
    SAME(CURL_GLOBAL_DEFAULT);
    SAME(CURL_VERSION_THREADSAFE);
}

Test(check_curl, has_the_structures_of_the_header)
{
    typedef struct check_curl_version version;
    typedef struct check_curl_message message;
    cr_assert_eq(offsetof(version, version_num), offsetof(curl_version_info_data, version_num));
    cr_assert_eq(offsetof(version, features), offsetof(curl_version_info_data, features));
    cr_assert_eq(offsetof(message, easy), offsetof(CURLMsg, easy_handle));
    cr_assert_eq(offsetof(message, result), offsetof(CURLMsg, data.result));
    cr_assert_eq(sizeof(message), sizeof(CURLMsg));
}
