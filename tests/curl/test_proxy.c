/* SPDX-License-Identifier: MIT */
#include "curl/proxy.h"
#include "recorder.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static CURL *handle;
static struct shadow *s;
static char found[128];

static void make(void)
{
    unsetenv("NO_PROXY");
    unsetenv("no_proxy");
    setenv("http_proxy", "http://by-environment:80", 1);
    setenv("HTTPS_PROXY", "upper:81", 1);
    setenv("all_proxy", "socks5://other:82", 1);
    handle = fake_new(NULL, 0);
    s = shadow_add(handle, &fake_curl);
}

static void unmake(void)
{
    shadow_remove(handle);
    fake_curl.easy_cleanup(handle);
}

TestSuite(proxy_of_a_handle, .init = make, .fini = unmake);

static void text(CURLoption option, const char *v)
{
    shadow_setopt(s, option, (union option_argument){.pointer = (void *)v});
}

static void number(CURLoption option, long v)
{
    shadow_setopt(s, option, (union option_argument){.number = v});
}

/* Returns "scheme://host:port", or "" for none. */
static const char *find(const char *scheme, const char *host)
{
    struct proxy p;
    found[0] = '\0';
    if (proxy_find(&p, s, scheme, host)) {
        snprintf(found, sizeof found, "%s://%s:%u", p.scheme, p.host, p.port);
        cr_assert_eq(p.is_http, p.scheme[0] == 'h');
        proxy_release(&p);
    }
    return found;
}

Test(proxy_of_a_handle, comes_from_the_environment_by_scheme)
{
    cr_assert_str_eq(find("http", "a.example"), "http://by-environment:80");
    cr_assert_str_eq(find("https", "a.example"), "http://upper:81");
    cr_assert_str_eq(find("ftp", "a.example"), "socks5://other:82");
}

Test(proxy_of_a_handle, is_taken_from_the_options_before_the_environment)
{
    text(CURLOPT_PROXY, "https://Own.Example:3128/");
    cr_assert_str_eq(find("http", "a.example"), "https://own.example:3128");
    text(CURLOPT_PROXY, "");
    cr_assert_str_eq(find("http", "a.example"), "");
    text(CURLOPT_PROXY, NULL);
    cr_assert_str_eq(find("http", "a.example"), "http://by-environment:80");
}

Test(proxy_of_a_handle, has_libcurls_default_port_and_type)
{
    text(CURLOPT_PROXY, "p.example");
    cr_assert_str_eq(find("http", "a"), "http://p.example:1080");
    text(CURLOPT_PROXY, "https://p.example");
    cr_assert_str_eq(find("http", "a"), "https://p.example:443");
    text(CURLOPT_PROXY, "user:word@p.example");
    number(CURLOPT_PROXYTYPE, CURLPROXY_SOCKS5_HOSTNAME);
    number(CURLOPT_PROXYPORT, 8118);
    cr_assert_str_eq(find("http", "a"), "socks5h://p.example:8118");
    text(CURLOPT_PROXY, "socks4a://p.example:1");
    cr_assert_str_eq(find("http", "a"), "socks4a://p.example:1");
    number(CURLOPT_PROXYTYPE, 99);
    text(CURLOPT_PROXY, "p.example");
    cr_assert_str_eq(find("http", "a"), "");
    text(CURLOPT_PROXY, "gopher://p.example");
    cr_assert_str_eq(find("http", "a"), "");
}

Test(proxy_of_a_handle, is_the_first_of_two_proxies)
{
    text(CURLOPT_PROXY, "http://second.example:1");
    text(CURLOPT_PRE_PROXY, "socks5://first.example:2");
    cr_assert_str_eq(find("http", "a"), "socks5://first.example:2");
}

Test(proxy_of_a_handle, is_none_if_no_proxy_matches_the_host)
{
    static const struct {
        const char *list, *host;
        bool covered;
    } cases[] = {
        {"*", "a.example", true},
        {"b.example a.example", "a.example", true},
        {"example", "a.example", true},
        {".example,x", "a.example", true},
        {"A.Example.", "a.example", true},
        {"ample", "a.example", false},
        {"a.example.org", "a.example", false},
        {"", "a.example", false},
        {", ,", "a.example", false},
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "11.1.2.3", false},
        {"10.1.2.3", "10.1.2.3", true},
        {"2.3", "10.1.2.3", false},
        {"::1", "::1", true},
        {"[::1]", "::1", true},
        {"fd00::/8", "fd12::1", true},
        {"localhost,127.0.0.1", "a.example", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text(CURLOPT_NOPROXY, cases[i].list);
        cr_assert_eq(!*find("http", cases[i].host), cases[i].covered, "%s: %s", cases[i].list,
                     cases[i].host);
    }
}

Test(proxy_of_a_handle, is_none_with_a_unix_socket)
{
    text(CURLOPT_UNIX_SOCKET_PATH, "/run/x");
    cr_assert_str_eq(find("http", "a"), "");
}

Test(proxy_of_a_handle, is_copied_and_reset_with_it)
{
    text(CURLOPT_PROXY, "http://own.example:1");
    text(CURLOPT_NOPROXY, "");
    CURL *other = fake_new(NULL, 0);
    struct shadow *copy = shadow_copy(other, s), *original = s;
    shadow_reset(s);
    cr_assert_str_eq(find("http", "a"), "http://by-environment:80");
    s = copy;
    cr_assert_str_eq(find("http", "a"), "http://own.example:1");
    s = original;
    shadow_remove(other);
    fake_curl.easy_cleanup(other);
}

Test(proxy_of_a_handle, an_empty_noproxy_option_exempts_no_host)
{
    setenv("no_proxy", "a.example", 1);
    cr_assert_str_eq(find("http", "a.example"), "");
    text(CURLOPT_NOPROXY, "");
    cr_assert_str_eq(find("http", "a.example"), "http://by-environment:80");
}

static void with_upper_case(void)
{
    make();
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    setenv("HTTP_PROXY", "from-a-header:66", 1);
}

Test(proxy_of_a_handle, is_not_taken_from_http_proxy_in_upper_case, .init = with_upper_case)
{
    cr_assert_str_eq(find("http", "a.example"), "");
    cr_assert_str_eq(find("https", "a.example"), "http://upper:81");
}
