/* SPDX-License-Identifier: MIT
 *
 * Connections that the program allows. Beyond them libcurl would keep a transfer waiting that has its
 * token already; many such would start at once later on, and the limit be missed. So where there is a
 * limit a token is taken only once there is room for a connection. */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"

#include <stdlib.h>

static bool bounded(const struct multi *m)
{
    return m->max_total > 0 || m->max_host > 0;
}

static bool is_full(const struct multi *m, long max, size_t in_use)
{
    size_t streams = m->multiplexes ? (size_t)m->max_streams : 1;
    return max > 0 && in_use / streams >= (size_t)max;
}

/* NULL: no memory. */
static struct load *load_of(struct multi *m, const struct slot *host)
{
    for (size_t i = 0; i < m->load_count; i++)
        if (m->loads[i].host == host)
            return &m->loads[i];
    if (m->load_count == m->load_room) {
        size_t room = m->load_room * 2 + LOADS_SPARE;
        struct load *loads = realloc(m->loads, room * sizeof *loads);
        if (!loads)
            return NULL;
        m->loads = loads;
        m->load_room = room;
    }
    m->loads[m->load_count] = (struct load){.host = host};
    return &m->loads[m->load_count++];
}

bool room_for(struct member *x)
{
    struct multi *m = x->multi;
    const struct binding *b = &x->shadow->binding;
    if (likely(!b->lane_count || !bounded(m)) || x->shadow->transfer->call.observe)
        return true;
    const struct load *load = m->max_host > 0 ? load_of(m, b->slot) : NULL;
    return !is_full(m, m->max_total, m->live + m->let_in) &&
           !(load && is_full(m, m->max_host, load->live + load->let_in));
}

void room_take(struct member *x)
{
    precondition(!x->counted);
    struct multi *m = x->multi;
    struct load *load = m->max_host > 0 ? load_of(m, x->shadow->binding.slot) : NULL;
    x->counted = true;
    x->counted_for = load ? load->host : NULL;
    m->live++;
    if (load)
        load->live++;
}

void room_leave(struct member *x)
{
    struct multi *m = x->multi;
    struct load *load = x->counted_for ? load_of(m, x->counted_for) : NULL;
    if (!x->counted)
        return;
    x->counted = false;
    x->counted_for = NULL;
    m->live--;
    if (load)
        load->live--;
    m->has_room = true;
}

void room_let_in(struct multi *m)
{
    if (likely(!m->has_room))
        return;
    m->has_room = false;
    int64_t now_ns = clock_now_ns();
    for (struct member *x = m->first; x; x = x->next) {
        if (!x->queued || !room_for(x))
            continue;
        struct load *load = m->max_host > 0 ? load_of(m, x->shadow->binding.slot) : NULL;
        m->let_in++;
        if (load)
            load->let_in++;
        multi_park(x, MEMBER_PARKED, now_ns);
    }
    m->let_in = 0;
    for (size_t i = 0; i < m->load_count; i++)
        m->loads[i].let_in = 0;
}

void room_recount(struct multi *m)
{
    m->load_count = 0;
    for (struct member *x = m->first; x; x = x->next)
        if (x->counted) {
            struct load *load = load_of(m, x->shadow->binding.slot);
            x->counted_for = load ? load->host : NULL;
            if (load)
                load->live++;
        }
    m->has_room = true;
}

void room_note_version(struct member *x)
{
    struct multi *m = x->multi;
    long version = 0;
    if (likely(!bounded(m)) || m->multiplexes)
        return;
    m->multiplexes = !m->api->easy_getinfo(x->handle, CURLINFO_HTTP_VERSION, &version) &&
                     version >= CURL_HTTP_VERSION_2_0;
}
