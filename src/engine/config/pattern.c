/* SPDX-License-Identifier: MIT */
#include "engine/config/pattern.h"

#include "base/idna.h"
#include "base/words.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const struct address *a)
{
    return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

static bool parse_address(const char *s, size_t n, struct address *out)
{
    char text[INET6_ADDRSTRLEN];
    if (n >= sizeof(text))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    if (inet_pton(AF_INET6, text, out->bytes) == 1)
        return true;
    memcpy(out->bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, out->bytes + sizeof(mapped)) == 1;
}

bool pattern_address(const char *host, struct address *out)
{
    return parse_address(host, strcspn(host, "%"), out); /* fe80::1%eth0 without its zone */
}

static bool is_within(const struct address *a, const struct pattern *p)
{
    int whole = p->bits / 8, rest = p->bits % 8;
    if (is_mapped(a) != is_mapped(&p->address) ||
        memcmp(a->bytes, p->address.bytes, (size_t)whole) != 0)
        return false;
    return !rest || (a->bytes[whole] ^ p->address.bytes[whole]) >> (8 - rest) == 0;
}

static const char *path_of(const struct pattern *p)
{
    return p->text + p->path_at;
}

/* `*` alone is special here, unlike in ascii_glob(): a path may have brackets and question marks.
 */
static bool glob(const char *pattern, const char *s)
{
    const char *star = NULL, *retry = NULL;
    while (*s) {
        if (*pattern == '*') {
            star = pattern++;
            retry = s;
        } else if (*pattern == *s) {
            pattern++;
            s++;
        } else if (star) {
            pattern = star + 1;
            s = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

bool pattern_matches(const struct pattern *p, const struct target *t, const struct address *literal)
{
    if (p->port && p->port != t->port)
        return false;
    if (p->is_address && !(literal && is_within(literal, p)))
        return false;
    if (p->kind == PATTERN_EXACT && !p->is_address && strcmp(p->text, t->host) != 0)
        return false;
    if (p->kind == PATTERN_GLOB && !glob(p->text, t->host))
        return false;
    return !pattern_is_operation(p) || glob(path_of(p), t->path);
}

static uint32_t literal_length(const char *glob_text)
{
    uint32_t n = 0;
    for (; *glob_text; glob_text++)
        n += *glob_text != '*';
    return n;
}

/* path > host:port > host > longer wildcard > longer prefix > *; among paths the longer one. Bit
 * 31: a path; 29-30: the kind; 21-28: length of wildcard or prefix; 20: a port; 0-19: length of the
 * path. */
static uint32_t rank(const struct pattern *p)
{
    uint32_t length = p->kind == PATTERN_PREFIX ? (uint32_t)p->bits
                      : p->kind == PATTERN_GLOB ? literal_length(p->text)
                                                : 0;
    return (uint32_t)(pattern_is_operation(p)) << 31 | (uint32_t)p->kind << 29 | length << 21 |
           (uint32_t)(p->port != 0) << 20 | literal_length(path_of(p));
}

static bool parse_port(const char *s, size_t n, struct pattern *out, char *why, size_t size)
{
    long port = whole_number(s, n);
    if (port < 1 || port > 65535)
        return wrong(why, size,
                     "the port is not a number from 1 to 65535; write for example "
                     "api.example.com:8443");
    out->port = (uint16_t)port;
    return true;
}

static bool parse_prefix(const char *s, size_t n, struct pattern *out, char *why, size_t size)
{
    int offset = is_mapped(&out->address) ? 96 : 0;
    long bits = whole_number(s, n);
    if (bits > 128 - offset)
        return wrong(why, size, "the prefix is longer than the address; write at most /%d",
                     128 - offset);
    out->bits = (int)bits + offset;
    out->kind = PATTERN_PREFIX;
    out->path_at = PATTERN_SIZE - 1;
    if (out->port)
        return wrong(why, size, "a prefix takes no port; write for example 10.0.0.0/8");
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || ascii_is_digit(c) || (c && strchr("-._*", c));
}

static bool parse_name(char *name, struct pattern *out, char *why, size_t size)
{
    size_t n = strlen(name);
    if (n > 1 && name[n - 1] == '.')
        name[--n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (!is_name_char(name[i]))
            return wrong(why, size,
                         "%c cannot be in a host's name; write for example "
                         "api.example.com, *.example.com, 10.0.0.0/8 or [::1]:8080",
                         name[i] > ' ' ? name[i] : '?');
    if (n == 0 || name[0] == '.' || strstr(name, ".."))
        return wrong(why, size,
                     "a part of the host's name is empty; write for example "
                     "*.example.com");
    if (strspn(name, "0123456789.") == n)
        return wrong(why, size, "not an IPv4 address; write for example 10.0.0.1 or 10.0.0.0/8");
    out->kind = strcmp(name, "*") == 0 ? PATTERN_ANY
                : strchr(name, '*')    ? PATTERN_GLOB
                                       : PATTERN_EXACT;
    return true;
}

/* out->text is host, host:port, an address or [address]:port. */
static bool parse_host(struct pattern *out, char *why, size_t size)
{
    char *host = out->text, *colon = strchr(host, ':');
    size_t n = strlen(host);
    if (*host == '[') {
        char *close = strchr(host, ']');
        if (!close || (close[1] && close[1] != ':') ||
            !parse_address(host + 1, (size_t)(close - host) - 1, &out->address))
            return wrong(why, size,
                         "not an IPv6 address in brackets; write for example [::1]:8080");
        out->is_address = true;
        if (close[1] && !parse_port(close + 2, strlen(close + 2), out, why, size))
            return false;
    } else if (parse_address(host, n, &out->address)) {
        out->is_address = true;
    } else if (colon) {
        if (strchr(colon + 1, ':'))
            return wrong(why, size, "not an IPv6 address; write for example ::1 or [::1]:8080");
        if (!parse_port(colon + 1, strlen(colon + 1), out, why, size))
            return false;
        *colon = '\0';
        out->is_address = parse_address(host, (size_t)(colon - host), &out->address);
    }
    out->bits = 128;
    out->kind = PATTERN_EXACT;
    return out->is_address || parse_name(host, out, why, size);
}

/* The path of a socket may have any character, colons and slashes included. */
static bool parse_local(const char *s, size_t n, struct pattern *out, char *why, size_t size)
{
    if (n == sizeof PATTERN_LOCAL - 1)
        return wrong(why, size, "no socket after unix:; write for example unix:/run/app.sock");
    memcpy(out->text, s, n);
    out->path_at = (uint16_t)(n + 1);
    out->kind = memchr(s, '*', n) ? PATTERN_GLOB : PATTERN_EXACT;
    out->rank = rank(out);
    return true;
}

/* Paths are compared byte by byte, and so are the names of local sockets. */
void pattern_name(char *out, const char *s, size_t n)
{
    size_t own = sizeof PATTERN_LOCAL - 1, host = 0;
    bool local = n >= own && pattern_is_local(s);
    while (!local && host < n && s[host] != '/')
        host++;
    for (size_t i = 0; i < n; i++)
        out[i] = i < host ? ascii_lower(s[i]) : s[i];
    out[n] = '\0';
}

bool pattern_parse(const char *s, size_t n, struct pattern *out, char *why, size_t size)
{
    memset(out, 0, sizeof(*out));
    const char *slash = memchr(s, '/', n);
    size_t host = slash ? (size_t)(slash - s) : n;
    if (n == 0)
        return wrong(why, size, "no pattern; write for example [host api.example.com]");
    if (n > PATTERN_SIZE - 2)
        return wrong(why, size, "the pattern is longer than %d characters", PATTERN_SIZE - 2);
    if (n >= sizeof PATTERN_LOCAL - 1 && pattern_is_local(s))
        return parse_local(s, n, out, why, size);
    if (slash > s && slash[-1] == ':' && n - host > 1 && slash[1] == '/')
        return wrong(why, size, "a pattern has no scheme; write for example api.example.com/v1/*");
    if (memchr(s, '?', n) || memchr(s, '#', n) || memchr(s, '@', host))
        return wrong(why, size,
                     "a pattern has no user, query or fragment; write for example "
                     "api.example.com/v1/*");
    if (!idna_encode(out->text, sizeof out->text, s, host))
        return wrong(
            why, size,
            "the host's name has letters that cannot be encoded here, or a * among letters "
            "beyond ASCII; write its ASCII form, for example xn--bcher-kva.example");
    size_t wire = strlen(out->text);
    if (wire + 1 + (n - host) > PATTERN_SIZE - 1)
        return wrong(why, size, "the pattern is longer than %d characters", PATTERN_SIZE - 2);
    if (slash)
        memcpy(out->text + wire + 1, slash, n - host);
    out->path_at = (uint16_t)(wire + 1);
    if (!parse_host(out, why, size))
        return false;
    bool digits = slash && whole_number(slash + 1, n - host - 1) >= 0;
    if (out->is_address && digits && !parse_prefix(slash + 1, n - host - 1, out, why, size))
        return false;
    out->rank = rank(out);
    return true;
}
