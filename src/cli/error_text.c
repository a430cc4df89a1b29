/* SPDX-License-Identifier: MIT */
#include "cli/error_text.h"

#include "base/text.h"

#include <string.h>

const char *error_text(const struct last_error *e, char out[ERROR_TEXT_SIZE])
{
    struct text t = {.p = out, .cap = ERROR_TEXT_SIZE};
    if (e->class == CLASS_SUCCESS)
        return NULL;
    text_put(&t, class_name(e->class));
    if (strcmp(class_name(e->class), reason_name(e->reason)) != 0)
        text_fmt(&t, ", %s", reason_name(e->reason));
    if (e->curl)
        text_fmt(&t, ", curl %d", e->curl);
    if (e->http)
        text_fmt(&t, ", http %d", e->http);
    if (e->os_errno)
        text_fmt(&t, ", errno %d %s", e->os_errno, strerror(e->os_errno));
    return out;
}
