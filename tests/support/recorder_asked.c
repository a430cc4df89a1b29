/* SPDX-License-Identifier: MIT
 *
 * Records everything that a program can query inside a callback: each value of this libcurl's
 * curl_easy_getinfo, found by its number, and the headers. Prints only values that changed since
 * the previous callback. */
#include "recorder_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define NUMBERS 96
#define TYPES   6

static char *before[NUMBERS][TYPES + 1];
static char *before_cookies, *before_headers;

/* Values that vary between runs: only record whether they are set. */
static int varies_between_runs(int number)
{
    switch (number) {
    case CURLINFO_LOCAL_PORT &CURLINFO_MASK:
    case CURLINFO_ACTIVESOCKET &CURLINFO_MASK:
    case CURLINFO_LASTSOCKET &CURLINFO_MASK:
        return 1;
    default:
        return (number >= 3 && number <= 6) || number == 17 || number == 19 || number == 33 ||
               (number >= 50 && number <= 56) || number == 65;
    }
}

/* Rates, elapsed times and whether the request was sent (67, POSTTRANSFER_TIME_T) depend on when
 * libcurl last looked. XFER_ID and CONN_ID count libcurl's own operations. */
static int is_omitted(int number)
{
    return number == 3 || number == 9 || number == 10 || number == 50 || number == 63 ||
           number == 64 || number == 67;
}

static char *text_of(int number, int type)
{
    char *text = NULL, *s = NULL;
    long l = 0;
    double d = 0;
    curl_off_t o = 0;
    curl_socket_t fd = CURL_SOCKET_BAD;
    CURLINFO info = (CURLINFO)((type << 20) + number);
    CURLcode r = CURLE_UNKNOWN_OPTION;
    int n = -1;
    switch (type << 20) {
    case CURLINFO_STRING:
        if ((r = curl_easy_getinfo(rec.handle, info, &s)) == CURLE_OK)
            n = asprintf(&text, "%s", s ? s : "(null)");
        break;
    case CURLINFO_LONG:
        if ((r = curl_easy_getinfo(rec.handle, info, &l)) == CURLE_OK)
            n = varies_between_runs(number) ? asprintf(&text, "%s",
                                                       l < 0 ? "-"
                                                       : l   ? "+"
                                                             : "0")
                                            : asprintf(&text, "%ld", l);
        break;
    case CURLINFO_DOUBLE:
        if ((r = curl_easy_getinfo(rec.handle, info, &d)) == CURLE_OK)
            n = varies_between_runs(number) ? asprintf(&text, "%s", d > 0 ? "+" : "0")
                                            : asprintf(&text, "%.0f", d);
        break;
    case CURLINFO_OFF_T:
        if ((r = curl_easy_getinfo(rec.handle, info, &o)) == CURLE_OK)
            n = varies_between_runs(number) ? asprintf(&text, "%s",
                                                       o < 0 ? "-"
                                                       : o   ? "+"
                                                             : "0")
                                            : asprintf(&text, "%lld", (long long)o);
        break;
    case CURLINFO_SOCKET:
        if ((r = curl_easy_getinfo(rec.handle, info, &fd)) == CURLE_OK)
            n = asprintf(&text, "%s", fd == CURL_SOCKET_BAD ? "none" : "one");
        break;
    default: /* lists, each of which needs its own function to free it */
        break;
    }
    return n < 0 ? NULL : text;
}

static void compare(char **old, char *now, const char *what, int number, int type)
{
    if (now && (!*old || strcmp(*old, now) != 0)) {
        if (what)
            printf("  asked %s %s\n", what, now);
        else
            printf("  asked %d/%d %s\n", number, type, now);
    }
    free(*old);
    *old = now;
}

static char *cookies(void)
{
    char *text = NULL;
    size_t length;
    struct curl_slist *list = NULL;
    FILE *f = open_memstream(&text, &length);
    curl_easy_getinfo(rec.handle, CURLINFO_COOKIELIST, &list);
    for (struct curl_slist *c = list; c; c = c->next)
        fprintf(f, "[%s]", c->data);
    curl_slist_free_all(list);
    fclose(f);
    return text;
}

static void one_header(FILE *f, const char *name, size_t index, int request)
{
    struct curl_header *h = NULL;
    CURLHcode r = curl_easy_header(rec.handle, name, index, 0x1f, request, &h);
    fprintf(f, " %s:%d", name, r);
    if (!r)
        fprintf(f, "=%s %zu/%zu@%u", h->value, h->index, h->amount, h->origin & 0x1f);
}

static char *headers(void)
{
    char *text = NULL;
    size_t length;
    FILE *f = open_memstream(&text, &length);
    for (int request = -1; request < 4; request++) {
        struct curl_header *h = NULL;
        fprintf(f, "%s%d:", request < 0 ? "" : " | ", request);
        while ((h = curl_easy_nextheader(rec.handle, 0x1f, request, h)))
            fprintf(f, " %s=%s %zu/%zu@%u", h->name, h->value, h->index, h->amount,
                    h->origin & 0x1f);
        h = curl_easy_nextheader(rec.handle, CURLH_CONNECT | CURLH_1XX, request, NULL);
        fprintf(f, " (%s)", h ? h->name : "-");
        one_header(f, "content-type", 0, request);
        one_header(f, "Link", 1, request);
        one_header(f, "X-No", 0, request);
    }
    struct curl_header *none = NULL;
    fprintf(f, " bad:%d", curl_easy_header(rec.handle, "x", 0, 0, 0, &none));
    fclose(f);
    return text;
}

void ask_everything(void)
{
    for (int number = 1; number < NUMBERS; number++)
        for (int type = 1; type <= TYPES; type++)
            if (!is_omitted(number))
                compare(&before[number][type], text_of(number, type), NULL, number, type);
    compare(&before_cookies, cookies(), "cookies", 0, 0);
    compare(&before_headers, headers(), "headers", 0, 0);
}

void forget_answers(void)
{
    for (int number = 1; number < NUMBERS; number++)
        for (int type = 1; type <= TYPES; type++) {
            free(before[number][type]);
            before[number][type] = NULL;
        }
    free(before_cookies);
    free(before_headers);
    before_cookies = before_headers = NULL;
}
