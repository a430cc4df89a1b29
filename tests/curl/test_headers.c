/* SPDX-License-Identifier: MIT */
#include "curl/gate/headers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(headers);

/* libcurl's headers: two requests, the second with 1xx headers and names in both cases. */
static struct arrived {
    int request;
    struct curl_header h;
} arrived[] = {
    {0, {.name = "Location", .value = "/next", .origin = CURLH_HEADER}},
    {1, {.name = "Link", .value = "hint", .origin = CURLH_1XX}},
    {1, {.name = "Link", .value = "a", .origin = CURLH_HEADER}},
    {1, {.name = "X-Id", .value = "7", .origin = CURLH_HEADER}},
    {1, {.name = "link", .value = "b", .origin = CURLH_HEADER}},
};
#define ARRIVED (sizeof arrived / sizeof *arrived)

static struct curl_header *next(CURL *unused, unsigned origin, int request,
                                struct curl_header *previous)
{
    static struct curl_header answer;
    (void)unused;
    for (struct arrived *a = previous ? (struct arrived *)previous->anchor + 1 : arrived;
         a < arrived + ARRIVED; a++)
        if (a->request == request && a->h.origin & origin) {
            answer = a->h;
            answer.anchor = a;
            return &answer;
        }
    return NULL;
}

static struct curl_header *nothing(CURL *handle, unsigned origin, int request,
                                   struct curl_header *previous)
{
    (void)handle, (void)origin, (void)request, (void)previous;
    return NULL;
}

static const struct curl_api api = {.easy_nextheader = next};
static struct headers *all;

static void copy_all(void)
{
    all = headers_copy(&api, NULL, 1);
    cr_assert(all);
}

/* "value index/amount", or "error N" */
static const char *found(const char *name, size_t index, unsigned origin, int request)
{
    static char text[64];
    struct curl_header *h = NULL;
    CURLHcode r = headers_find(all, name, index, origin, request, &h);
    if (r)
        snprintf(text, sizeof text, "error %d", r);
    else
        snprintf(text, sizeof text, "%s %zu/%zu", h->value, h->index, h->amount);
    return text;
}

Test(headers, are_found_by_name_number_and_origin)
{
    copy_all();
    cr_expect_str_eq(found("LINK", 0, CURLH_HEADER, 1), "a 0/2");
    cr_expect_str_eq(found("Link", 1, CURLH_HEADER, 1), "b 1/2");
    cr_expect_str_eq(found("Link", 0, CURLH_1XX, 1), "hint 0/1");
    cr_expect_str_eq(found("Link", 2, CURLH_HEADER | CURLH_1XX, 1), "b 2/3");
    cr_expect_str_eq(found("Location", 0, CURLH_HEADER, 0), "/next 0/1");
    cr_expect_str_eq(found("x-id", 0, CURLH_HEADER, -1), "7 0/1", "the last request");
    headers_free(all);
}

Test(headers, a_missing_header_has_libcurls_error_code)
{
    struct curl_header *h = NULL;
    copy_all();
    cr_expect_str_eq(found("Link", 2, CURLH_HEADER, 1), "error 1", "CURLHE_BADINDEX");
    cr_expect_str_eq(found("Lin", 0, CURLH_HEADER, 1), "error 2", "CURLHE_MISSING");
    cr_expect_str_eq(found("Link", 0, CURLH_TRAILER, 1), "error 2");
    cr_expect_str_eq(found("Link", 0, CURLH_HEADER, 2), "error 4", "CURLHE_NOREQUEST");
    headers_free(all);
    struct headers *none = headers_copy(&(struct curl_api){.easy_nextheader = nothing}, NULL, 0);
    cr_expect_eq(headers_find(none, "Link", 0, CURLH_HEADER, -1, &h), CURLHE_NOHEADERS);
    cr_expect_null(h);
    headers_free(none);
}

Test(headers, are_listed_in_order_of_arrival)
{
    char walked[64] = "";
    copy_all();
    for (struct curl_header *h = NULL; (h = headers_next(all, CURLH_HEADER, -1, h));)
        snprintf(walked + strlen(walked), sizeof walked - strlen(walked), "%s=%s %zu/%zu;", h->name,
                 h->value, h->index, h->amount);
    cr_expect_str_eq(walked, "Link=a 0/2;X-Id=7 0/1;link=b 1/2;");
    cr_expect_null(headers_next(all, CURLH_TRAILER, -1, NULL));
    cr_expect_null(headers_next(all, CURLH_HEADER, 2, NULL));
    headers_free(all);
}

Test(headers, a_copy_outlives_libcurls_own_headers)
{
    char value[] = "then";
    arrived[0].h.value = value;
    copy_all();
    strcpy(value, "now");
    cr_expect_str_eq(found("Location", 0, CURLH_HEADER, 0), "then 0/1");
    headers_free(all);
}

Test(headers, are_read_from_the_start_of_a_list_only)
{
    struct header_list l;
    struct curl_header h;
    cr_assert(header_list_read(&l, &api, NULL, 1));
    cr_expect_eq(header_list_find(&l, 2, "Link", 0, CURLH_HEADER, &h), CURLHE_OK);
    cr_expect_eq(h.amount, 1);
    cr_expect_eq(header_list_find(&l, 2, "Link", 1, CURLH_HEADER, &h), CURLHE_BADINDEX);
    cr_expect(header_list_next(&l, 2, CURLH_HEADER, NULL, &h));
    cr_expect_str_eq(h.value, "a");
    cr_expect_not(header_list_next(&l, 2, CURLH_HEADER, h.anchor, &h));
    header_list_free(&l);
}
