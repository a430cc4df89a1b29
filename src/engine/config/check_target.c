/* SPDX-License-Identifier: MIT */
#include "engine/config/check_target.h"

#include "base/compiler.h"
#include "base/scheme.h"
#include "base/words.h"

#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535

static bool is_host(const char *s, size_t n, bool bracketed)
{
    if (!n || n >= CHECK_HOST_SIZE)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        bool plain = ascii_is_letter(c) || ascii_is_digit(c) || c == '.' || c == '-' || c == '_';
        if (!plain && !(bracketed && (c == ':' || c == '%')))
            return false;
    }
    return true;
}

static void keep_host(struct check_target *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out->host[i] = ascii_lower(s[i]);
    out->host[n] = '\0';
}

/* Splits "host:port" or "[::1]:port"; the rest after the host, or NULL when there is no host. */
static const char *take_host(struct check_target *out, const char *s, size_t n)
{
    if (n && *s == '[') {
        const char *end = memchr(s, ']', n);
        size_t inner = end ? (size_t)(end - s) - 1 : 0;
        if (!end || !is_host(s + 1, inner, true) || !memchr(s + 1, ':', inner))
            return NULL;
        keep_host(out, s + 1, inner);
        return end + 1;
    }
    const char *colon = memchr(s, ':', n);
    size_t host = colon ? (size_t)(colon - s) : n;
    if (!is_host(s, host, false))
        return NULL;
    keep_host(out, s, host);
    return s + host;
}

/* Of ":5432", in n bytes. */
static bool take_port(struct check_target *out, const char *s, size_t n)
{
    long port = n > 1 && *s == ':' ? whole_number(s + 1, n - 1) : -1;
    if (port < 1 || port > PORT_MAX)
        return false;
    snprintf(out->port, sizeof(out->port), "%u", (unsigned)port & PORT_MAX);
    return true;
}

bool host_port_parse(const char *s, size_t n, struct check_target *out)
{
    *out = (struct check_target){.port = ""};
    const char *rest = take_host(out, s, n);
    size_t left = rest ? n - (size_t)(rest - s) : 0;
    return rest && (!left || take_port(out, rest, left));
}

static void put_origin(struct check_target *out, const char *scheme)
{
    bool v6 = strchr(out->host, ':') != NULL;
    snprintf(out->origin, sizeof(out->origin), "%s%s%s%s%s%s", scheme, v6 ? "[" : "", out->host,
             v6 ? "]" : "", *out->port ? ":" : "", out->port);
}

/* "host:port", "[::1]:port"; without a port "host" alone. */
static bool parse_address(const char *s, bool with_port, struct check_target *out, char *why,
                          size_t size)
{
    size_t n = strlen(s);
    const char *right = with_port ? "host:port, for example db.example.com:5432"
                                  : "a host's name, for example db.example.com";
    *out = (struct check_target){.port = ""};
    if (memchr(s, '/', n))
        return wrong(why, size, "not an address but a URL or path; write %s", right);
    const char *rest = take_host(out, s, n);
    if (!rest)
        return wrong(why, size, "not an address; write %s", right);
    size_t left = n - (size_t)(rest - s);
    if (with_port && !left)
        return wrong(why, size, "the port is missing; write %s", right);
    if (!with_port && left)
        return wrong(why, size, "a dns check takes a name without a port; write %s", right);
    if (with_port && !take_port(out, rest, left))
        return wrong(why, size, "not a port; write a number from 1 to %d after the colon",
                     PORT_MAX);
    put_origin(out, "");
    return true;
}

/* "http://user@host:port/path?query" and https. */
static bool parse_url(const char *value, struct check_target *out, char *why, size_t size)
{
    static const struct {
        char name[6], prefix[9];
    } known[] = {{"http", "http://"}, {"https", "https://"}};
    *out = (struct check_target){.port = ""};
    for (size_t i = 0; i < array_size(known); i++) {
        size_t n = strlen(known[i].prefix);
        if (strlen(value) < n || !word_is(value, n, known[i].prefix))
            continue;
        const char *s = value + n;
        size_t length = strcspn(s, "/?#");
        const char *at = memrchr(s, '@', length);
        if (at) {
            length -= (size_t)(at + 1 - s);
            s = at + 1;
        }
        const char *rest = take_host(out, s, length);
        size_t left = rest ? length - (size_t)(rest - s) : 0;
        if (!rest || (left && !take_port(out, rest, left)) || strpbrk(value, " \t"))
            break;
        if (ascii_number(out->port) == scheme_port(known[i].name))
            out->port[0] = '\0';
        put_origin(out, known[i].prefix);
        return true;
    }
    return wrong(why, size,
                 "not an http or https URL; write for example https://api.example.com/health");
}

bool check_target_parse(enum check_kind kind, const char *value, struct check_target *out,
                        char *why, size_t size)
{
    switch (kind) {
    case CHECK_HTTP:
        return parse_url(value, out, why, size);
    case CHECK_DNS:
        return parse_address(value, false, out, why, size);
    default:
        return parse_address(value, true, out, why, size);
    }
}
