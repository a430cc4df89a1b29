/* SPDX-License-Identifier: MIT */
#include "cli/destination.h"

#include "base/idna.h"
#include "base/scheme.h"
#include "base/words.h"
#include "engine/board/board.h"

#include <stdio.h>
#include <string.h>

static bool copy_lower(char *out, size_t size, const char *s, size_t n)
{
    if (n >= size)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = ascii_lower(s[i]);
    out[n] = '\0';
    return true;
}

static bool parse_port(const char *s, size_t n, uint16_t *port)
{
    long number = n ? whole_number(s, n) : 0;
    if (number < 0 || number > 65535)
        return false;
    *port = (uint16_t)number;
    return true;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT, or a bare IPv6 address. */
static bool parse_authority(struct destination *d, const char *s, size_t n, uint16_t *port,
                            char *why, size_t size)
{
    const char *at = memrchr(s, '@', n);
    if (at) {
        n -= (size_t)(at + 1 - s);
        s = at + 1;
    }
    const char *end = s + n, *colon = memrchr(s, ':', n), *host_end = end;
    if (*s == '[') {
        const char *close = memchr(s, ']', n);
        if (!close || (close + 1 < end && close[1] != ':'))
            return wrong(why, size, "the closing bracket of the address is missing");
        host_end = close++;
        s++;
        colon = close < end ? close : NULL;
    } else if (colon && memchr(s, ':', (size_t)(colon - s))) {
        colon = NULL; /* several: an IPv6 address without a port */
    } else if (colon) {
        host_end = colon;
    }
    if (colon && !parse_port(colon + 1, (size_t)(end - colon - 1), port))
        return wrong(why, size, "invalid port: %.*s", (int)(end - colon - 1), colon + 1);
    if (host_end > s + 1 && host_end[-1] == '.')
        host_end--;
    if (host_end == s)
        return wrong(why, size, "it contains no host");
    if (!idna_encode(d->host, sizeof d->host, s, (size_t)(host_end - s)))
        return wrong(why, size,
                     "the host is too long, or contains unsupported characters; "
                     "write it in its encoded form, xn--...");
    return true;
}

const char *destination_board_name(char *out, size_t size, const char *host)
{
    bool local = pattern_is_local(host);
    bool encoded = !local && idna_encode(out, size, host, strlen(host));
    const char *name = encoded ? out : host, *colon = local ? NULL : strrchr(name, ':');
    if (strlen(name) < SLOT_NAME_SIZE)
        return name;
    char whole[PATTERN_SIZE];
    size_t n = colon ? (size_t)(colon - name) : strlen(name);
    snprintf(whole, sizeof whole, "%.*s", (int)n, name);
    uint64_t key = board_host_key(whole, colon ? (uint16_t)ascii_number(colon + 1) : 0);
    memmove(out, name, SLOT_NAME_SIZE);
    board_cut_name(out, key);
    return out;
}

bool destination_parse(const char *text, struct destination *d, char *why, size_t size)
{
    *d = (struct destination){0};
    d->target = (struct target){.scheme = d->scheme, .host = d->host, .path = d->path};
    if (pattern_is_local(text)) {
        d->target.default_port = true;
        if (snprintf(d->host, sizeof d->host, "%s", text) >= (int)sizeof d->host)
            return wrong(why, size, "the path is too long");
        return true;
    }
    const char *colon = strstr(text, "://"), *s = colon ? colon + 3 : text;
    if (colon && !copy_lower(d->scheme, sizeof d->scheme, text, (size_t)(colon - text)))
        return wrong(why, size, "the scheme is too long");
    size_t n = strcspn(s, "/?#");
    uint16_t own = scheme_port(d->scheme);
    d->target.port = own;
    if (!parse_authority(d, s, n, &d->target.port, why, size))
        return false;
    /* Without a scheme, 80 and 443 are the default ports, as in the library. */
    d->target.default_port =
        colon ? d->target.port == own : !d->target.port || scheme_is_web_port(d->target.port);
    size_t path = strcspn(s + n, "?#");
    if (path >= sizeof d->path)
        return wrong(why, size, "the path is too long");
    memcpy(d->path, s + n, path);
    d->path[path] = '\0';
    if (colon && !path)
        strncpy(d->path, "/", sizeof d->path - 1);
    return true;
}
