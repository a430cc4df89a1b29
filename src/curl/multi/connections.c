/* SPDX-License-Identifier: MIT
 *
 * The limits that the program sets for connections (CURLMOPT_MAX_TOTAL_CONNECTIONS and
 * _MAX_HOST_CONNECTIONS). Above them libcurl queues a transfer, which would have taken its token of
 * the rate limit already; many queued transfers would then start at once, faster than the limit. So
 * with such a limit, a member takes a token only when a connection is free. */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"

#include <stdlib.h>

static bool has_limit(const struct multi *m)
{
    return m->max_total > 0 || m->max_host > 0;
}

static bool is_full(const struct multi *m, long max, size_t in_use)
{
    size_t streams = m->multiplexes ? (size_t)m->max_streams : 1;
    return max > 0 && in_use / streams >= (size_t)max;
}

/* NULL: no memory. */
static struct host_connections *find_host(struct multi *m, const struct slot *host, int place)
{
    for (size_t i = 0; i < m->host_count; i++)
        if (m->hosts[i].host == host && m->hosts[i].place == place)
            return &m->hosts[i];
    if (m->host_count == m->host_room) {
        size_t room = m->host_room * 2 + HOSTS_SPARE;
        struct host_connections *hosts = realloc(m->hosts, room * sizeof *hosts);
        if (!hosts)
            return NULL;
        m->hosts = hosts;
        m->host_room = room;
    }
    m->hosts[m->host_count] = (struct host_connections){.host = host, .place = place};
    return &m->hosts[m->host_count++];
}

/* Where the next attempt of the member will probably go. NULL: hosts are not counted, or no memory. */
static struct host_connections *next_host(struct member *x, int64_t now_ns)
{
    struct shadow *s = x->shadow;
    return x->multi->max_host > 0
               ? find_host(x->multi, s->binding.slot, call_next_place(&s->transfer->call, now_ns))
               : NULL;
}

static __attribute__((noinline)) bool has_room(struct member *x, int64_t now_ns)
{
    const struct multi *m = x->multi;
    const struct host_connections *host = next_host(x, now_ns);
    return !is_full(m, m->max_total, m->used + m->reserved) &&
           !(host && is_full(m, m->max_host, host->used + host->reserved));
}

bool connections_has_room(struct member *x, int64_t now_ns)
{
    const struct call *c = &x->shadow->transfer->call;
    return likely(!has_limit(x->multi)) || c->observe || !call_is_limited(c, now_ns) ||
           has_room(x, now_ns);
}

static __attribute__((noinline)) void take_of_host(struct member *x)
{
    struct host_connections *host =
        find_host(x->multi, x->shadow->binding.slot, x->connection_place);
    if (!host)
        return;
    x->connection_host = host->host;
    host->used++;
}

void connections_take(struct member *x)
{
    precondition(!x->has_connection);
    struct multi *m = x->multi;
    x->connection_place = x->refused ? 0 : call_place(&x->shadow->transfer->call);
    x->has_connection = true;
    x->connection_host = NULL;
    m->used++;
    if (unlikely(m->max_host > 0))
        take_of_host(x);
}

void connections_release(struct member *x)
{
    struct multi *m = x->multi;
    struct host_connections *host =
        x->connection_host ? find_host(m, x->connection_host, x->connection_place) : NULL;
    if (!x->has_connection)
        return;
    x->has_connection = false;
    x->connection_host = NULL;
    m->used--;
    if (host)
        host->used--;
    m->may_have_room |= 1 << QUEUE_CONNECTION | 1 << QUEUE_PERMIT;
}

/* From the first queued member on. */
static __attribute__((noinline)) void start_queued(struct multi *m, struct member *first,
                                                   unsigned room)
{
    int64_t now_ns = clock_now_ns();
    for (struct member *x = first; x; x = x->next) {
        if (x->queue == QUEUE_PERMIT && (room >> QUEUE_PERMIT & 1) &&
            x->shadow->transfer->call.turn.soon)
            member_park(x, MEMBER_PARKED, now_ns); /* if others are faster, it waits again */
        if (x->queue != QUEUE_CONNECTION || !connections_has_room(x, now_ns))
            continue;
        struct host_connections *host = next_host(x, now_ns);
        m->reserved++;
        if (host)
            host->reserved++;
        member_park(x, MEMBER_PARKED, now_ns);
    }
    m->reserved = 0;
    for (size_t i = 0; i < m->host_count; i++)
        m->hosts[i].reserved = 0;
}

void connections_start_queued(struct multi *m)
{
    const unsigned room = m->may_have_room;
    if (likely(!room))
        return;
    m->may_have_room = 0;
    for (struct member *x = m->first; x; x = x->next)
        if (unlikely(x->queue)) {
            start_queued(m, x, room);
            return;
        }
}

void connections_recount(struct multi *m)
{
    m->host_count = 0;
    for (struct member *x = m->first; x; x = x->next)
        if (x->has_connection) {
            x->connection_host = NULL;
            take_of_host(x);
        }
    m->may_have_room |= 1 << QUEUE_CONNECTION;
}

void connections_note_version(struct member *x)
{
    struct multi *m = x->multi;
    long version = 0;
    if (likely(!has_limit(m)) || m->multiplexes)
        return;
    m->multiplexes = !m->api->easy_getinfo(x->handle, CURLINFO_HTTP_VERSION, &version) &&
                     version >= CURL_HTTP_VERSION_2_0;
}
