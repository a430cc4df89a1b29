/* SPDX-License-Identifier: MIT */
#include "engine/policy/repeatable.h"

#include <string.h>

static bool idempotent(const struct attempt *a, const struct policy *p)
{
    switch (a->protocol) {
    case PROTOCOL_FTP:
        return !a->upload;
    case PROTOCOL_OTHER:
        return false;
    case PROTOCOL_CONNECT:
        return true;
    case PROTOCOL_HTTP:
    default:
        break;
    }
    if (a->idempotency_key && (!strcmp(a->method, "POST") || !strcmp(a->method, "PATCH")))
        return true;
    for (int i = 0; i < METHODS_MAX && p->retry_methods[i][0]; i++)
        if (!strcmp(a->method, p->retry_methods[i]))
            return true;
    return false;
}

bool repeatable_after(const struct verdict *v, const struct attempt *a, const struct policy *p)
{
    if (v->max_tries == 1)
        return false;
    switch (v->class) {
    case CLASS_A:
    case CLASS_C:
        /* After a redirect an earlier hop may have acted on the request. */
        return (!v->idempotent_only && !a->redirected) || idempotent(a, p);
    case CLASS_B:
        return idempotent(a, p);
    default:
        return false;
    }
}
