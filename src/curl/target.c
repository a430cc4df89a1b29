/* SPDX-License-Identifier: MIT */
#include "curl/target.h"

#include "base/compiler.h"
#include "base/netns.h"
#include "base/scheme.h"
#include "base/words.h"
#include "curl/proxy.h"
#include "curl/url.h"
#include "engine/config/network_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum protocol protocol_of(const struct scheme *s)
{
    return s->family == SCHEME_HTTP  ? PROTOCOL_HTTP
           : s->family == SCHEME_FTP ? PROTOCOL_FTP
                                     : PROTOCOL_OTHER;
}

struct parts {
    char *scheme, *host, *port, *path;
};

static inline __attribute__((always_inline)) CURLU *parse_url(const struct shadow *s)
{
    const struct curl_api *api = s->api;
    unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME | CURLU_URLENCODE;
    CURLU *u = api->url();
    if (!u)
        return NULL;
    CURLUcode bad;
    if (s->default_protocol[0] && !strstr(s->url, "://")) {
        size_t n = strlen(s->default_protocol) + 3 + strlen(s->url) + 1;
        char *whole = malloc(n);
        if (whole)
            snprintf(whole, n, "%s://%s", s->default_protocol, s->url);
        bad = whole ? api->url_set(u, CURLUPART_URL, whole, flags) : CURLUE_OUT_OF_MEMORY;
        free(whole);
    } else {
        bad = api->url_set(u, CURLUPART_URL, s->url, flags);
    }
    if (!bad)
        return u;
    api->url_cleanup(u);
    return NULL;
}

static const char *header_for_binding(void *shadow, const char *name)
{
    return target_request_header(shadow, name);
}

static uint64_t network_for(const char *host)
{
    return zone_applies(host) ? netns_of_thread() : 0;
}

static void bind_proxy(struct shadow *s, const struct target *t, int64_t now_ns)
{
    struct proxy p;
    s->binding.proxy_name[0] = '\0';
    if (!proxy_find(&p, s, t->scheme, t->host))
        return;
    s->proxy_is_http = p.is_http;
    call_bind_proxy(&s->binding,
                    &(struct target){.scheme = p.scheme,
                                     .host = p.host,
                                     .port = p.port,
                                     .path = "",
                                     .network = network_for(p.host)},
                    now_ns);
    proxy_release(&p);
}

static long port_of(const struct shadow *s, const struct parts *part, const struct scheme *scheme)
{
    return s->port ? s->port : part->port ? ascii_number(part->port) : scheme->port;
}

static bool bind_parts(struct shadow *s, struct engine *e, struct parts *part, int64_t now_ns)
{
    url_lower(part->scheme);
    const struct scheme *scheme = scheme_find(part->scheme);
    if (!scheme || !part->host || !part->host[0]) {
        s->target_known = s->no_target = true; /* file:, or an unknown scheme */
        return false;
    }
    long port = port_of(s, part, scheme);
    struct target t = {
        .scheme = scheme->name,
        .host = url_plain_host(part->host),
        .port = (uint16_t)port,
        .default_port = port == scheme->port,
        .path = part->path ? part->path : "",
    };
    if (s->unix_socket) { /* the host in the URL is not contacted then */
        t.host = s->unix_socket;
        t.default_port = true;
    }
    t.network = network_for(t.host);
    /* libcurl uses the list of headers only for HTTP. */
    bool has_headers = scheme->family == SCHEME_HTTP;
    struct header_source source = {.header = has_headers ? header_for_binding : NULL, .ctx = s};
    s->protocol = protocol_of(scheme);
    if (!call_bind(&s->binding, atomic_load(&e->config), e->board, &t, &source, now_ns))
        return false;
    bind_proxy(s, &t, now_ns);
    return true;
}

/* A CURLU may change without our seeing it; headers and variables may change with each request. */
static bool is_still_valid(const struct shadow *s, const struct config *config,
                           const struct board *board)
{
    if (!s->target_known || s->curlu)
        return false;
    return s->no_target ||
           (binding_is_current(&s->binding, config, board) && !s->binding.per_request);
}

/* False: *part may have some of them. */
static inline __attribute__((always_inline)) bool read_parts(const struct shadow *s,
                                                             struct parts *part)
{
    const struct curl_api *api = s->api;
    CURLU *parsed = s->curlu ? s->curlu : parse_url(s); /* CURLOPT_CURLU wins if both are set */
    if (!parsed)
        return false;
    bool ok = !api->url_get(parsed, CURLUPART_SCHEME, &part->scheme, 0);
    if (ok) {
        part->host = url_host(api, parsed);
        api->url_get(parsed, CURLUPART_PORT, &part->port, 0);
        api->url_get(parsed, CURLUPART_PATH, &part->path, 0);
    }
    if (parsed != s->curlu)
        api->url_cleanup(parsed);
    return ok;
}

static bool bind_anew(struct shadow *s, struct engine *e, int64_t now_ns)
{
    const struct curl_api *api = s->api;
    s->target_known = s->no_target = false;
    if (!api->url || (!s->url && !s->curlu))
        return false;
    struct parts part = {0};
    bool ok = read_parts(s, &part) && bind_parts(s, e, &part, now_ns);
    api->free(part.scheme);
    api->free(part.host);
    api->free(part.port);
    api->free(part.path);
    s->target_known |= ok;
    return ok;
}

bool target_bind(struct shadow *s, struct engine *e, int64_t now_ns)
{
    const struct config *config = atomic_load_explicit(&e->config, memory_order_acquire);
    return likely(is_still_valid(s, config, e->board)) ? !s->no_target : bind_anew(s, e, now_ns);
}

bool target_name(const struct shadow *s, struct connect_name *name, char **owned)
{
    const struct curl_api *api = s->api;
    const struct scheme *scheme = NULL;
    struct parts part = {0};
    if (read_parts(s, &part)) {
        url_lower(part.scheme);
        scheme = scheme_find(part.scheme);
    }
    bool ok = scheme && part.host && part.host[0];
    if (ok) {
        long port = port_of(s, &part, scheme);
        *name = (struct connect_name){.host = url_plain_host(part.host),
                                      .port = (uint16_t)port,
                                      .web = scheme->family == SCHEME_HTTP && port == scheme->port};
    }
    *owned = part.host;
    api->free(part.scheme);
    api->free(part.port);
    api->free(part.path);
    return ok;
}

const char *target_request_header(const struct shadow *s, const char *name)
{
    size_t n = strlen(name);
    for (const struct curl_slist *l = s->headers; l; l = l->next) {
        if (!ascii_same_n(l->data, name, n) || l->data[n] != ':')
            continue;
        const char *value = l->data + n + 1;
        value += strspn(value, " \t");
        if (*value)
            return value;
    }
    return NULL;
}
