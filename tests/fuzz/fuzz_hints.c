/* SPDX-License-Identifier: MIT
 *
 * Header lines of a hostile server: for any input, a wait is -1 or between 0 and ten years. */
#include "fuzz.h"

#include "base/clock.h"
#include "engine/policy/hints.h"

#include <string.h>

#define TEN_YEARS_NS (10LL * 365 * 86400 * NS_PER_S)

const char *const fuzz_seeds[] = {
    "Retry-After: 120\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sunday, 06-Nov-94 08:49:30 GMT\r\n",
    "RateLimit: \"a\";r=0;t=30, \"b\\\"\";r=7;t=5\r\nRateLimit-Policy: \"a\";q=100;w=60\r\n",
    "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000000.5\r\n",
    "RateLimit-Remaining: 0\r\nRateLimit-Reset: 99999999999999999999\r\n",
    "Date: Sun Nov  6 08:49:37 1994\r\nRetry-After: Fri, 31 Dec 9999 23:59:60 GMT\r\n",
    NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hints h;
    hints_reset(&h);
    for (const char *p = (const char *)data, *end = p + size; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol + 1 : end) - p);
        hints_line(&h, p, n);
        p += n;
    }
    static const int64_t walls[] = {-1, 0, 1700000000 * NS_PER_S, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        int64_t wait = hints_wait_ns(&h, walls[i]);
        if (wait < -1 || wait > TEN_YEARS_NS)
            __builtin_trap();
    }
    if (hints_date_s((const char *)data, size) < -1)
        __builtin_trap();
    return 0;
}
