/* SPDX-License-Identifier: MIT */
#include "base/json.h"

void json_quote(struct text *t, const char *s)
{
    static const char hex[] = "0123456789abcdef";
    text_putn(t, "\"", 1);
    while (*s) {
        size_t plain = 0;
        for (unsigned char c;
             (c = (unsigned char)s[plain]) >= 0x20 && c < 0x7f && c != '"' && c != '\\';)
            plain++;
        text_putn(t, s, plain);
        s += plain;
        unsigned char c = (unsigned char)*s;
        if (!c)
            break;
        size_t n = text_utf8_length(s);
        if (c == '"' || c == '\\') {
            text_putn(t, (const char[]){'\\', (char)c}, 2);
        } else if (c < 0x20 || c == 0x7f) {
            text_putn(t, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        } else {
            text_putn(t, n ? s : "\xef\xbf\xbd", n ? n : 3);
        }
        s += n ? n : 1;
    }
    text_putn(t, "\"", 1);
}
