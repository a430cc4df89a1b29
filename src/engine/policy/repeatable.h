/* SPDX-License-Identifier: MIT
 *
 * Whether a request may be sent again, by its method and by what its last attempt has come to: a POST
 * that the server may have received is not repeated, a GET is.
 *
 *     struct verdict v = classify(&attempt, policy);
 *     if (repeatable_after(&v, &attempt, policy))
 *         ... another attempt is safe
 *
 * A method is idempotent if `retry_methods` lists it, or if the request has an Idempotency-Key. The
 * caller also checks that nothing was committed and that the body is replayable. Pure. */
#ifndef ENGINE_POLICY_REPEATABLE_H
#define ENGINE_POLICY_REPEATABLE_H

#include "engine/policy/classify.h"

bool repeatable_after(const struct verdict *v, const struct attempt *a, const struct policy *p);

#endif
