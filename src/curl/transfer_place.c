/* SPDX-License-Identifier: MIT
 *
 * Attempts at another place of the same name (fallback): CURLOPT_CONNECT_TO on the handle. */
#include "curl/connect_to.h"
#include "curl/target.h"
#include "curl/transfer.h"

#include <stdlib.h>

/* What the program's own lists of places or addresses send elsewhere is at none of our places. */
void transfer_limit_places(struct transfer *t)
{
    const struct shadow *s = t->shadow;
    struct connect_name name;
    char *owned = NULL;
    if (s->unix_socket || s->api->version_num < VERSION_CONNECT_TO)
        t->call.places = 1;
    else if (s->own_addresses)
        t->call.places = 0;
    else if (s->connect_to && target_name(s, &name, &owned) &&
             connect_to_covers(s->connect_to, &name))
        t->call.places = 0;
    s->api->free(owned);
}

/* NULL: the name's own, or it cannot be done. */
static struct curl_slist *list_for(struct transfer *t, int place)
{
    const struct shadow *s = t->shadow;
    const struct place_name *at = &t->call.policy->fallback.at[place - 1];
    struct connect_name name;
    char *owned = NULL;
    struct curl_slist *list = NULL;
    if (!s->target_known || s->own_addresses) {
        t->call.places = 0; /* another name or other addresses since the transfer began */
    } else if (target_name(s, &name, &owned)) {
        if (s->connect_to && connect_to_covers(s->connect_to, &name))
            t->call.places = 0; /* set since the transfer began */
        else
            list = connect_to_list(s->connect_to, &name,
                                   &(struct connect_place){.host = at->host, .port = at->port});
    }
    s->api->free(owned);
    return list;
}

void transfer_set_place(struct transfer *t, int64_t now_ns)
{
    const struct shadow *s = t->shadow;
    int place = call_place(&t->call);
    struct curl_slist *list = place ? list_for(t, place) : NULL, *before = t->connect_to;
    if (place && !list)
        call_stay(&t->call, now_ns);
    if (list || before)
        s->api->easy_setopt(s->handle, CURLOPT_CONNECT_TO, list ? list : s->connect_to);
    t->connect_to = list;
    t->set_for_retry |= list != NULL;
    free(before);
}
