/* SPDX-License-Identifier: MIT */
#include "curl/proxy.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/scheme.h"
#include "base/words.h"
#include "curl/url.h"
#include "engine/config/pattern.h"
#include "engine/config/rules.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* By CURLOPT_PROXYTYPE; a scheme in the proxy string wins. */
static const char *const schemes[] = {
    [CURLPROXY_HTTP] = "http",       [CURLPROXY_HTTP_1_0] = "http",
    [CURLPROXY_HTTPS] = "https",     [3] = "https", /* CURLPROXY_HTTPS2, 8.2 */
    [CURLPROXY_SOCKS4] = "socks4",   [CURLPROXY_SOCKS5] = "socks5",
    [CURLPROXY_SOCKS4A] = "socks4a", [CURLPROXY_SOCKS5_HOSTNAME] = "socks5h",
};

static const char *proxy_scheme(const struct shadow *s, const char *text, const char *parsed)
{
    if (!strstr(text, "://"))
        return (unsigned long)s->proxy_type < array_size(schemes) ? schemes[s->proxy_type] : NULL;
    if (ascii_same(parsed, "socks"))
        return "socks4";
    for (size_t i = 0; i < array_size(schemes); i++)
        if (ascii_same(parsed, schemes[i]))
            return schemes[i];
    return NULL;
}

static bool parse_proxy(struct proxy *p, const struct shadow *s, const char *text)
{
    const struct curl_api *api = s->api;
    CURLU *u = api->url();
    char *scheme = NULL, *port = NULL;
    *p = (struct proxy){.api = api};
    if (u && !api->url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) &&
        !api->url_get(u, CURLUPART_SCHEME, &scheme, 0) && (p->owned = url_host(api, u))) {
        api->url_get(u, CURLUPART_PORT, &port, 0);
        p->scheme = proxy_scheme(s, text, scheme);
        p->host = url_plain_host(p->owned);
    }
    if (p->scheme) {
        p->is_http = p->scheme[0] == 'h';
        long usual = !strcmp(p->scheme, "https") ? scheme_port("https") : 1080;
        p->port = (uint16_t)(port ? ascii_number(port) : s->proxy_port ? s->proxy_port : usual);
    }
    api->free(scheme);
    api->free(port);
    if (u)
        api->url_cleanup(u);
    if (!p->scheme)
        proxy_release(p);
    return p->scheme;
}

void proxy_release(struct proxy *p)
{
    p->api->free(p->owned);
    p->owned = p->host = NULL;
}

/* ---- no_proxy ------------------------------------------------------------------------------- */

/* example.com covers itself and its subdomains, with or without a leading dot. */
static bool covers_name(const char *word, size_t n, const char *host)
{
    if (n && word[n - 1] == '.')
        n--;
    if (n && word[0] == '.') {
        word++;
        n--;
    }
    size_t length = strlen(host);
    return n && length >= n && ascii_same_n(host + length - n, word, n) &&
           (length == n || host[length - n - 1] == '.');
}

static bool covers_address(const char *word, size_t n, const struct target *t,
                           const struct address *literal)
{
    struct pattern pattern;
    char why[160];
    return pattern_parse(word, n, &pattern, why, sizeof why) && pattern.is_address &&
           pattern_matches(&pattern, t, literal);
}

static bool is_exempt(const char *list, const char *host)
{
    struct target t = {.scheme = "", .host = host, .path = ""};
    struct address literal;
    bool is_literal = pattern_address(host, &literal);
    if (!strcmp(list, "*"))
        return true;
    for (const char *at = list; *(at += strspn(at, " ,")); at += strcspn(at, " ,")) {
        size_t n = strcspn(at, " ,");
        if (is_literal ? covers_address(at, n, &t, &literal) : covers_name(at, n, host))
            return true;
    }
    return false;
}

/* ---- from options and the environment ------------------------------------------------------- */

static const char *env_either(const char *lower, const char *upper)
{
    const char *value = env_get(lower);
    return value ? value : env_get(upper);
}

/* env_get reads the environment of the program's start, so one look is enough. */
static bool environment_has_one(void)
{
    static const char names[][16] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                     "ALL_PROXY"};
    static _Atomic int has; /* 0: unknown, 1: no, 2: yes */
    int known = atomic_load_explicit(&has, memory_order_relaxed);
    if (likely(known))
        return known == 2;
    known = 1;
    for (size_t i = 0; i < array_size(names); i++)
        if (env_get(names[i]))
            known = 2;
    atomic_store_explicit(&has, known, memory_order_relaxed);
    return known == 2;
}

/* HTTP_PROXY is ignored: for a CGI program, a web server sets it from a header of the request. */
static const char *proxy_of_environment(const char *scheme)
{
    const char *value;
    if (likely(!environment_has_one()))
        return NULL;
    if (!strcmp(scheme, "http") || !strcmp(scheme, "ws"))
        value = env_get("http_proxy");
    else if (!strcmp(scheme, "https") || !strcmp(scheme, "wss"))
        value = env_either("https_proxy", "HTTPS_PROXY");
    else
        value = NULL;
    return value ? value : env_either("all_proxy", "ALL_PROXY");
}

bool proxy_find(struct proxy *p, const struct shadow *s, const char *scheme, const char *host)
{
    const char *text = s->pre_proxy && *s->pre_proxy ? s->pre_proxy : s->proxy;
    if (!text)
        text = proxy_of_environment(scheme);
    if (!text || !*text || s->unix_socket || !s->api->url)
        return false;
    const char *except = s->no_proxy ? s->no_proxy : env_either("no_proxy", "NO_PROXY");
    if (except && is_exempt(except, host))
        return false;
    return parse_proxy(p, s, text);
}
