/* SPDX-License-Identifier: MIT */
#include "cli/report/page.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <string.h>
#include <time.h>

void page_begin(FILE *f, const char *title)
{
    /* An empty icon, because a browser would otherwise request one. */
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; img-src data:\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
          f);
    page_text(f, title);
    fputs("</title>\n<style>\n", f);
    fputs(page_style, f);
    fputs("</style>\n</head>\n<body>\n", f);
}

void page_end(FILE *f)
{
    fputs("</body>\n</html>\n", f);
}

static const char *entity(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Includes the C1 controls, U+0080 to U+009F. */
static bool is_control(const char *s, size_t n)
{
    unsigned char c = (unsigned char)s[0];
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ||
           (n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

/* Writes one character and returns the start of the next one. */
static const char *put_letter(FILE *f, const char *s)
{
    size_t n = text_utf8_length(s);
    const char *e = n == 1 ? entity(*s) : NULL;
    if (e)
        fputs(e, f);
    else if (!n || is_control(s, n))
        fputs("\xef\xbf\xbd", f);
    else
        fwrite(s, 1, n, f);
    return s + (n ? n : 1);
}

void page_text(FILE *f, const char *s)
{
    while (*s)
        s = put_letter(f, s);
}

void page_host(FILE *f, const char *name)
{
    for (const char *s = name; *s; s = put_letter(f, s))
        if (s > name && (*s == '.' || *s == ':'))
            fputs("<wbr>", f);
}

/* ---- numbers ------------------------------------------------------------------------------- */

static void group_digits(char out[32], uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), k = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            out[k++] = ',';
        out[k++] = digits[i];
    }
    out[k] = '\0';
}

void page_count(FILE *f, uint64_t n)
{
    char grouped[32];
    group_digits(grouped, n);
    fprintf(f, "<data value=\"%llu\">%s</data>", (unsigned long long)n, grouped);
}

void page_duration(FILE *f, int64_t ns)
{
    char value[32] = "";
    struct text t = TEXT_OVER(value);
    double ms = (double)ns / (double)NS_PER_MS;
    text_fixed(&t, ns > 0 ? ns / NS_PER_US : 0, 3);
    fprintf(f, "<data value=\"%s\">", value);
    if (ns <= 0)
        fputs("–", f);
    else if (ms < 10)
        fprintf(f, "%.1f ms", ms);
    else if (ms < 999.5)
        fprintf(f, "%.0f ms", ms);
    else
        fprintf(f, ms < 9995 ? "%.2f s" : "%.1f s", ms / 1000);
    fputs("</data>", f);
}

const char *page_number(double v, char out[32])
{
    if (v >= 999.5 && v < 1e18)
        group_digits(out, (uint64_t)(v + .5));
    else
        snprintf(out, 32, "%.3g", fabs(v) < 1e-9 ? 0 : v);
    return out;
}

/* ---- times --------------------------------------------------------------------------------- */

const char *page_time_text(int64_t wall_ns, enum page_time form, char out[32])
{
    static const char *const forms[] = {
        [TIME_CLOCK] = "%H:%M:%S",
        [TIME_SHORT] = "%H:%M",
        [TIME_DATE] = "%d %b",
        [TIME_DAY] = "%d %b %H:%M",
        [TIME_SECONDS] = "%d %b %H:%M:%S",
        [TIME_WHOLE] = "%Y-%m-%d %H:%M:%S UTC",
    };
    time_t s = (time_t)(wall_ns / NS_PER_S);
    struct tm tm;
    if (!gmtime_r(&s, &tm) || !strftime(out, 32, forms[form], &tm))
        out[0] = '\0';
    return out[0] == '0' && form >= TIME_DATE && form <= TIME_SECONDS ? out + 1 : out;
}

void page_time(FILE *f, int64_t wall_ns, enum page_time form)
{
    char exact[32] = "", shown[32];
    struct text t = TEXT_OVER(exact);
    text_time(&t, wall_ns);
    fprintf(f, "<time datetime=\"%s\">%s</time>", exact, page_time_text(wall_ns, form, shown));
}

/* ---- structure ----------------------------------------------------------------------------- */

void page_section(FILE *f, const char *id, const char *heading)
{
    fprintf(f,
            "<section id=\"%s\" aria-labelledby=\"%s-heading\">\n<h2 id=\"%s-heading\">%s</h2>\n",
            id, id, id, heading);
}

static void table_head(FILE *f, const char *const *columns)
{
    fputs("<thead><tr>", f);
    for (; *columns; columns++)
        fprintf(f, "<th scope=\"col\"%s>%s</th>", **columns == '<' ? " class=\"word\"" : "",
                *columns + (**columns == '<'));
    fputs("</tr></thead>\n<tbody>\n", f);
}

void page_table(FILE *f, const char *caption, bool hidden, const char *const *columns)
{
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", f);
    page_text(f, caption);
    fprintf(f, "\">\n<table>\n<caption%s>", hidden ? " class=\"unseen\"" : "");
    page_text(f, caption);
    fputs("</caption>\n", f);
    table_head(f, columns);
}

void page_table_end(FILE *f)
{
    fputs("</tbody>\n</table>\n</div>\n", f);
}

void page_folded_table(FILE *f, const char *id, const char *summary, const char *const *columns)
{
    fprintf(f, "<details id=\"%s\">\n<summary>", id);
    page_text(f, summary);
    fputs("</summary>\n", f);
    page_table(f, summary, true, columns);
}

void page_folded_table_end(FILE *f)
{
    page_table_end(f);
    fputs("</details>\n", f);
}
