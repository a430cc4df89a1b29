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

void json_fixed(struct text *t, const char *key, int64_t v, int decimals)
{
    json_key(t, key);
    text_fixed(t, v, decimals);
    text_put(t, ",");
}

void json_string(struct text *t, const char *key, const char *s)
{
    json_key(t, key);
    json_quote(t, s);
    text_put(t, ",");
}

void json_bool(struct text *t, const char *key, bool v)
{
    json_key(t, key);
    text_put(t, v ? "true," : "false,");
}

void json_null(struct text *t, const char *key)
{
    json_key(t, key);
    text_put(t, "null,");
}

void json_time(struct text *t, const char *key, int64_t wall_ns)
{
    json_key(t, key);
    text_put(t, "\"");
    text_time(t, wall_ns);
    text_put(t, "\",");
}

void json_element(struct text *t, const char *s)
{
    json_quote(t, s);
    text_put(t, ",");
}
