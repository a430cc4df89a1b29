/* SPDX-License-Identifier: MIT */
#include "curl/current_api.h"

#include "base/compiler.h"

static _Thread_local const struct curl_api *current;

const struct curl_api *current_api_enter(const struct curl_api *api)
{
    const struct curl_api *outer = current;
    current = api;
    return outer;
}

void current_api_leave(const struct curl_api *outer)
{
    current = outer;
}

HOT const struct curl_api *current_api_get(void)
{
    return current;
}
