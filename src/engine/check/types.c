/* SPDX-License-Identifier: MIT */
#include "engine/check/types.h"

#include <stdatomic.h>

static const struct check_type *_Atomic replaced[CHECK_KINDS];

/* Not a table of pointers, which would cost every program a relocation each. */
const struct check_type *check_type_of(enum check_kind kind)
{
    const struct check_type *other = atomic_load_explicit(&replaced[kind], memory_order_acquire);
    if (other)
        return other;
    switch (kind) {
    case CHECK_HTTP:
        return &check_http;
    case CHECK_DNS:
        return &check_dns;
    default:
        return &check_tcp;
    }
}

void check_type_replace(enum check_kind kind, const struct check_type *type)
{
    atomic_store(&replaced[kind], type);
}
