/* SPDX-License-Identifier: MIT
 *
 * Values of configuration keys: the first byte selects the key, the rest is the value. An accepted
 * value is within the limits of the table; a rejected one has an error message. */
#include "engine/config/parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const struct option *o = &options[data[0] % option_count];
    char *value = malloc(size);
    memcpy(value, data + 1, size - 1);
    value[size - 1] = '\0';
    union option_value out;
    char why[160] = "";
    memset(&out, 0, sizeof out);
    bool ok = option_parse(o, value, &out, why, sizeof why);
    if (!ok && !why[0])
        abort();
    if (ok && o->type == TYPE_DURATION && out.number && (double)out.number > o->max)
        abort();
    if (ok && o->type == TYPE_RATES)
        for (int i = 0; i < out.limit.rate_count; i++)
            if (!out.limit.rates[i].tokens || out.limit.rates[i].interval_ns < 1)
                abort();
    const char *known[] = {o->name};
    option_nearest(value, known, 1);
    free(value);
    return 0;
}
