/* SPDX-License-Identifier: MIT */
#include "curl/connect_to.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct connect_name api = {.host = "api.example.com", .port = 443, .web = true};

static bool covers(const char *entry, const struct connect_name *name)
{
    struct curl_slist list = {.data = (char *)entry};
    return connect_to_covers(&list, name);
}

/* The entries of a list, each ended by a blank. */
static const char *text_of(const struct curl_slist *programs, const struct connect_name *name,
                           const char *host, uint16_t port)
{
    static char text[2048];
    struct curl_slist *list = connect_to_list(programs, name, &(struct connect_place){host, port});
    text[0] = '\0';
    for (const struct curl_slist *l = list; l; l = l->next)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", l->data);
    free(list);
    return text;
}

#define LIST(want, ...) cr_assert(eq(str, (char *)text_of(__VA_ARGS__), (char *)(want)))

Test(connect_to, an_entry_of_the_program_that_matches_the_name_decides)
{
    cr_assert(covers("api.example.com:443:other:8443", &api));
    cr_assert(covers("API.Example.COM:443:other:8443", &api));
    cr_assert(covers("api.example.com.:443:other:", &api), "the URL may end with a dot");
    cr_assert(covers("::other:", &api), "without host and port it matches all");
    cr_assert(covers(":443:other:", &api));
    cr_assert(covers("api.example.com::other:", &api));
    cr_assert(covers("api.example.com:443::", &api), "it says: no other place");
}

Test(connect_to, another_entry_of_the_program_does_not)
{
    cr_assert_not(connect_to_covers(NULL, &api));
    cr_assert_not(covers("api.example.com:8443:other:1", &api));
    cr_assert_not(covers("example.com:443:other:1", &api));
    cr_assert_not(covers("api.example.com.evil:443:other:1", &api));
    cr_assert_not(covers("api.example.comx443:443:other:1", &api));
    cr_assert_not(covers("api.example.co", &api));
    cr_assert_not(covers("api.example.com", &api));
    cr_assert_not(covers("api.example.com:", &api));
    cr_assert_not(covers("api.example.com:443", &api));
    cr_assert_not(covers("api.example.com:x:other:1", &api));
    cr_assert_not(covers("", &api));
}

Test(connect_to, an_address_with_colons_has_brackets)
{
    const struct connect_name v6 = {.host = "2001:db8::1", .port = 443, .web = true};
    cr_assert(covers("[2001:DB8::1]:443:other:1", &v6));
    cr_assert_not(covers("2001:db8::1:443:other:1", &v6));
    cr_assert_not(covers("[2001:db8::10]:443:other:1", &v6));
    LIST("[2001:db8::1]:443:[2001:db8::2]:8443 ", NULL, &v6, "2001:db8::2", 8443);
}

Test(connect_to, our_entries_match_the_name_with_and_without_a_dot_and_nothing_else)
{
    LIST("api.example.com:443:backup:8443 api.example.com.:443:backup:8443 ", NULL, &api, "backup",
         8443);
    LIST("api.example.com:443:backup: api.example.com.:443:backup: ", NULL, &api, "backup", 0);
}

Test(connect_to, a_redirect_from_http_to_https_stays_at_a_place_without_a_port)
{
    const struct connect_name plain = {.host = "api", .port = 80, .web = true},
                              other = {.host = "api", .port = 8080};
    LIST("api:80:backup: api.:80:backup: api:443:backup: api.:443:backup: ", NULL, &plain, "backup",
         0);
    LIST("api:80:backup:81 api.:80:backup:81 ", NULL, &plain, "backup", 81);
    LIST("api:8080:backup: api.:8080:backup: ", NULL, &other, "backup", 0);
}

Test(connect_to, the_entries_of_the_program_come_first)
{
    struct curl_slist second = {.data = (char *)"b:1:c:2"},
                      first = {.data = (char *)"a:1:b:2", .next = &second};
    LIST("a:1:b:2 b:1:c:2 api.example.com:443:x:65535 api.example.com.:443:x:65535 ", &first, &api,
         "x", 65535);
}

Test(connect_to, names_of_every_length_fit)
{
    char host[300], place[300];
    for (size_t n = 1; n < sizeof host; n++) {
        memset(host, 'h', n);
        memset(place, 'p', n);
        host[n] = place[n] = '\0';
        const struct connect_name name = {.host = host, .port = 65535, .web = true};
        struct curl_slist *list =
            connect_to_list(NULL, &name, &(struct connect_place){place, 65535});
        for (const struct curl_slist *l = list; l; l = l->next)
            cr_assert(eq(str, strrchr(l->data, ':'), (char *)":65535"));
        free(list);
    }
}
