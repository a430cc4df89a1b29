/* SPDX-License-Identifier: MIT */
#include "curl/connect_to.h"

#include "base/scheme.h"
#include "base/text.h"
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

/* ---- whether an entry of the program applies -------------------------------------------------- */

/* Moves *at to the colon behind the host of an entry. As in libcurl: an empty host matches all names, and an
 * address with colons has brackets. */
static bool matches_host(const char **at, const char *host)
{
    bool v6 = strchr(host, ':') != NULL;
    const char *p = *at;
    if (*p == ':')
        return true;
    if ((v6 && *p++ != '[') || !ascii_same_n(p, host, strlen(host)))
        return false;
    p += strlen(host);
    if (v6 ? *p == ']' : *p == '.') /* the name in the URL may end with a dot, too */
        p++;
    *at = p;
    return *p == ':';
}

static bool matches_port(const char *port, uint16_t number)
{
    size_t n = strcspn(port, ":");
    return port[n] && (!n || whole_number(port, n) == number);
}

bool connect_to_covers(const struct curl_slist *programs, const struct connect_name *name)
{
    for (; programs; programs = programs->next) {
        const char *at = programs->data;
        if (matches_host(&at, name->host) && matches_port(at + 1, name->port))
            return true;
    }
    return false;
}

/* ---- our entries ------------------------------------------------------------------------------ */

/* The name is written as in the URL, with or without a dot at its end. A redirect may lead from http to
 * https. */
struct variants {
    const char *dot[2];
    uint16_t port[2];
    size_t dots, ports;
};

static struct variants variants_of(const struct connect_name *name, uint16_t place_port)
{
    uint16_t secure = scheme_port("https");
    bool both = name->web && !place_port && name->port != secure;
    return (struct variants){.dot = {"", "."},
                             .port = {name->port, secure},
                             .dots = strchr(name->host, ':') ? 1 : 2,
                             .ports = both ? 2 : 1};
}

static void put_host(struct text *t, const char *host)
{
    text_fmt(t, strchr(host, ':') ? "[%s]" : "%s", host);
}

static void put_entry(struct text *t, const char *host, const char *dot, uint16_t port,
                      const struct connect_place *place)
{
    put_host(t, host);
    text_fmt(t, "%s:%u:", dot, port);
    put_host(t, place->host);
    text_put(t, ":");
    if (place->port)
        text_u64(t, place->port);
}

/* Room for an entry: two ports, four brackets, three colons, a dot and a NUL. */
static size_t entry_size(const char *host, const char *place)
{
    return strlen(host) + strlen(place) + sizeof "65535:65535:[][]:.";
}

struct curl_slist *connect_to_list(const struct curl_slist *programs,
                                   const struct connect_name *name,
                                   const struct connect_place *place)
{
    struct variants v = variants_of(name, place->port);
    size_t own = v.dots * v.ports, count = own, n = 0;
    size_t size = entry_size(name->host, place->host);
    for (const struct curl_slist *l = programs; l; l = l->next)
        count++;
    struct curl_slist *list = malloc(count * sizeof *list + own * size);
    if (!list)
        return NULL;
    for (const struct curl_slist *l = programs; l; l = l->next)
        list[n++].data = l->data;
    char *room = (char *)(list + count);
    for (size_t i = 0; i < own; i++, room += size) {
        struct text t = {.p = room, .cap = size};
        put_entry(&t, name->host, v.dot[i % v.dots], v.port[i / v.dots], place);
        list[n++].data = room;
    }
    for (size_t i = 0; i < n; i++)
        list[i].next = i + 1 < n ? &list[i + 1] : NULL;
    return list;
}
