/* SPDX-License-Identifier: MIT */
#include "cli/destination.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

struct example {
    char text[80], scheme[8], host[40], path[24];
    int port;
    int default_port;
};

ParameterizedTestParameters(destination, is_parsed_as_for_rules)
{
    static struct example all[] = {
        {"https://api.example.com/v1/search?q=x#y", "https", "api.example.com", "/v1/search", 443,
         1},
        {"HTTP://API.Example.COM", "http", "api.example.com", "/", 80, 1},
        {"http://api.example.com:8080/", "http", "api.example.com", "/", 8080, 0},
        {"https://api.example.com:443", "https", "api.example.com", "/", 443, 1},
        {"https://user:p@ss@api.example.com./x", "https", "api.example.com", "/x", 443, 1},
        {"https://[fd00::1]:8443/x", "https", "fd00::1", "/x", 8443, 0},
        {"https://[fd00::1]", "https", "fd00::1", "/", 443, 1},
        {"api.example.com", "", "api.example.com", "", 0, 1},
        {"api.example.com:5432", "", "api.example.com", "", 5432, 0},
        {"10.0.0.1:443", "", "10.0.0.1", "", 443, 1},
        {"fd00::1", "", "fd00::1", "", 0, 1},
        {"[::1]:6379", "", "::1", "", 6379, 0},
        {"api.example.com/v1/x", "", "api.example.com", "/v1/x", 0, 1},
        {"unix:/run/App.sock", "", "unix:/run/App.sock", "", 0, 1},
        {"ftp://files.example/a;type=i", "ftp", "files.example", "/a;type=i", 21, 1},
        {"smbs://files.example/a", "smbs", "files.example", "/a", 445, 1},
    };
    return cr_make_param_array(struct example, all, sizeof all / sizeof *all);
}

ParameterizedTest(struct example *e, destination, is_parsed_as_for_rules)
{
    struct destination w;
    char why[200] = "";
    cr_assert(destination_parse(e->text, &w, why, sizeof why), "%s: %s", e->text, why);
    cr_assert_str_eq(w.target.scheme, e->scheme, "%s: scheme %s", e->text, w.target.scheme);
    cr_assert_str_eq(w.target.host, e->host, "%s: host %s", e->text, w.target.host);
    cr_assert_str_eq(w.target.path, e->path, "%s: path %s", e->text, w.target.path);
    cr_assert(eq(int, w.target.port, e->port), "%s", e->text);
    cr_assert(eq(int, w.target.default_port, e->default_port), "%s", e->text);
}

Test(destination, an_invalid_one_is_refused_with_a_reason)
{
    static const char *const wrong[][2] = {
        {"", "no host"},
        {"http://", "no host"},
        {"http:///path", "no host"},
        {"http://user@/", "no host"},
        {"http://[::1", "bracket"},
        {"http://[::1]x/", "bracket"},
        {"host:99999", "port"},
        {"host:8o", "port"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct destination w;
        char why[200] = "";
        cr_assert(not(destination_parse(wrong[i][0], &w, why, sizeof why)), "%s", wrong[i][0]);
        cr_assert(strstr(why, wrong[i][1]) != NULL, "%s: %s", wrong[i][0], why);
    }
}

Test(destination, one_that_is_too_long_is_refused)
{
    char text[3000], why[200];
    struct destination w;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert(not(destination_parse(text, &w, why, sizeof why)));
    memcpy(text, "http://h/", 9);
    cr_assert(not(destination_parse(text, &w, why, sizeof why)));
    memcpy(text, "unix:/aaa", 9);
    cr_assert(not(destination_parse(text, &w, why, sizeof why)));
    memset(text, 'a', 40);
    memcpy(text + 40, "://h", 5);
    cr_assert(not(destination_parse(text, &w, why, sizeof why)));
}
