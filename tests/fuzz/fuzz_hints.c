/* SPDX-License-Identifier: MIT
 *
 * Header lines as a server may send them: any bytes, and what comes out stays within its bounds. */
#include "engine/hints.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t now_s = 1769335200, ten_years_s = 3660 * 86400LL;
    struct hints h;
    hints_reset(&h);
    while (size) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) + 1 : size;
        char *line = malloc(n); /* exactly as long as it is: the sanitizer sees a step too far */
        memcpy(line, data, n);
        hints_line(&h, line, n);
        hints_date_s(line, n);
        free(line);
        data += n;
        size -= n;
    }
    int64_t wait = hints_wait_ns(&h, now_s * NS_PER_S);
    if (wait < -1 || wait > ten_years_s * NS_PER_S)
        abort();
    return 0;
}
