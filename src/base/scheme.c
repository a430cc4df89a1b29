/* SPDX-License-Identifier: MIT */
#include "base/scheme.h"

#include "base/compiler.h"

#include <stddef.h>
#include <string.h>

static const struct scheme schemes[] = {
    {"http", 80, SCHEME_HTTP},    {"https", 443, SCHEME_HTTP},  {"ws", 80, SCHEME_HTTP},
    {"wss", 443, SCHEME_HTTP},    {"ftp", 21, SCHEME_FTP},      {"ftps", 990, SCHEME_FTP},
    {"sftp", 22, SCHEME_OTHER},   {"scp", 22, SCHEME_OTHER},    {"smtp", 25, SCHEME_OTHER},
    {"smtps", 465, SCHEME_OTHER}, {"imap", 143, SCHEME_OTHER},  {"imaps", 993, SCHEME_OTHER},
    {"pop3", 110, SCHEME_OTHER},  {"pop3s", 995, SCHEME_OTHER}, {"ldap", 389, SCHEME_OTHER},
    {"ldaps", 636, SCHEME_OTHER}, {"mqtt", 1883, SCHEME_OTHER}, {"dict", 2628, SCHEME_OTHER},
    {"telnet", 23, SCHEME_OTHER}, {"tftp", 69, SCHEME_OTHER},   {"gopher", 70, SCHEME_OTHER},
    {"rtsp", 554, SCHEME_OTHER},  {"smb", 445, SCHEME_OTHER},   {"smbs", 445, SCHEME_UNCOVERED},
};

static const struct scheme *find_row(const char *name)
{
    for (size_t i = 0; i < array_size(schemes); i++)
        if (!strcmp(schemes[i].name, name))
            return &schemes[i];
    return NULL;
}

const struct scheme *scheme_find(const char *name)
{
    const struct scheme *s = find_row(name);
    return s && s->family != SCHEME_UNCOVERED ? s : NULL;
}

uint16_t scheme_port(const char *name)
{
    const struct scheme *s = find_row(name);
    return s ? s->port : 0;
}
