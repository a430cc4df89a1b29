/* SPDX-License-Identifier: MIT
 *
 * A dns check passes when getaddrinfo() finds an address of any family for the name, so it also uses
 * /etc/hosts and the other sources of nsswitch.conf, as programs on this machine do. */
#include "base/clock.h"
#include "engine/check/lookup.h"
#include "engine/check/types.h"
#include "engine/policy/curl_codes.h"

#include <errno.h>

static void try_lookup(const struct check_config *c, int64_t timeout_ns, struct check_result *out)
{
    struct addrinfo *list = NULL;
    int answer = check_lookup(c->at.host, "", clock_now_ns() + timeout_ns, &list);
    if (answer == 0) {
        out->outcome = CHECK_PASSED;
        freeaddrinfo(list);
    } else if (answer == EAI_MEMORY || answer == EAI_SYSTEM) {
        out->outcome = CHECK_UNKNOWN;
        out->why = "the name could not be looked up for lack of memory or descriptors";
    } else {
        out->outcome = CHECK_FAILED;
        out->attempt.protocol = PROTOCOL_CONNECT;
        out->attempt.curl_code = CURL_CODE_COULDNT_RESOLVE_HOST;
        out->attempt.os_errno = answer == CHECK_LOOKUP_TIMEOUT ? ETIMEDOUT : 0;
    }
}

const struct check_type check_dns = {"dns", try_lookup};
