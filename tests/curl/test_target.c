/* SPDX-License-Identifier: MIT
 *
 * The host for which a transfer is counted, by its options, with the real parser of libcurl. */
#include "curl/target.h"
#include "recorder.h"

#include "base/idna.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(target, .fini = programs_end, .timeout = 60);

static struct program p;

static void make(void)
{
    program_start(&p, NULL, 0);
}

/* The name that is shown of the host; "" for none. */
static const char *name(void)
{
    return target_bind(p.shadow, engine_get(), 1) ? p.shadow->binding.name : "";
}

static const char *name_of(const char *url)
{
    set_pointer(&p, CURLOPT_URL, url);
    return name();
}

static void configure(const char *ini)
{
    char path[] = "/tmp/harden-target-XXXXXX";
    int fd = mkstemp(path);
    ssize_t n = (ssize_t)strlen(ini);
    cr_assert_eq(write(fd, ini, (size_t)n), n);
    close(fd);
    setenv("HARDEN_CONFIG", path, 1);
    cr_assert_not_null(engine_get());
    unlink(path);
}

/* ---- local sockets ---- */

Test(target, a_local_socket_is_the_host_whatever_the_url_says, .init = make)
{
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, "/run/App.sock");
    cr_assert_str_eq(name_of("http://localhost/v1"), "unix:/run/App.sock");
    cr_assert_str_eq(name_of("https://other.example:8443/v1"), "unix:/run/App.sock");
    cr_assert_eq(p.shadow->binding.key, board_host_key("unix:/run/App.sock", 0),
                 "the same key as for connect()");
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, NULL);
    cr_assert_str_eq(name(), "other.example:8443");
}

Test(target, an_abstract_socket_is_a_host_and_replaces_a_path, .init = make)
{
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, "/run/app.sock");
    set_pointer(&p, CURLOPT_ABSTRACT_UNIX_SOCKET, "app");
    cr_assert_str_eq(name_of("http://localhost/"), "unix:@app");
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, "/run/app.sock");
    cr_assert_str_eq(name(), "unix:/run/app.sock");
    set_pointer(&p, CURLOPT_ABSTRACT_UNIX_SOCKET, NULL);
    cr_assert_str_eq(name(), "localhost");
}

Test(target, a_local_socket_is_copied_and_reset_with_the_handle, .init = make)
{
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, "/run/app.sock");
    CURL *other = fake_new(NULL, 0);
    struct shadow *copy = shadow_copy(other, p.shadow);
    shadow_reset(p.shadow);
    cr_assert_null(p.shadow->unix_socket);
    cr_assert(target_bind(copy, engine_get(), 1));
    cr_assert_str_eq(copy->binding.name, "unix:/run/app.sock");
    shadow_remove(other);
    fake_curl.easy_cleanup(other);
}

Test(target, rules_for_local_sockets_apply_to_transfers)
{
    make();
    configure("[host unix:/run/app.sock]\nmax_attempts = 7\n"
              "[host unix:@app*]\nmax_attempts = 8\n[host localhost]\nmax_attempts = 9\n");
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, "/run/app.sock");
    name_of("http://localhost/");
    cr_assert_eq(p.shadow->binding.policy->max_attempts, 7);
    set_pointer(&p, CURLOPT_ABSTRACT_UNIX_SOCKET, "app-2");
    name();
    cr_assert_eq(p.shadow->binding.policy->max_attempts, 8);
}

/* ---- names beyond ASCII ---- */

/* libcurl's encoder reads names in the character set of the locale. */
static bool libcurl_encodes(void)
{
    return setlocale(LC_ALL, "C.UTF-8") &&
           curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_IDN;
}

static void expect_one_host(void)
{
    static const char *const forms[] = {
        "http://bücher.example/", "http://BÜCHER.Example/", "http://b%C3%BCcher.example./",
        "http://xn--bcher-kva.example/", "http://XN--BCHER-KVA.EXAMPLE/"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        cr_assert_str_eq(name_of(forms[i]), "xn--bcher-kva.example", "%s", forms[i]);
}

Test(target, all_forms_of_a_name_are_one_host, .init = make)
{
    if (!libcurl_encodes())
        return;
    expect_one_host();
    set_pointer(&p, CURLOPT_PROXY, "http://PROXÝ.example:3128");
    cr_assert_str_eq(name_of("http://☃.example/"), "xn--n3h.example", "left to libcurl");
    cr_assert_str_eq(p.shadow->binding.proxy_name, "http://xn--prox-8ra.example:3128");
}

Test(target, all_forms_of_a_name_are_one_host_where_libcurl_cannot_encode, .init = make)
{
    expect_one_host();
}

Test(target, a_rule_applies_to_all_forms_of_its_name)
{
    make();
    configure(
        "[host bücher.example]\nmax_attempts = 7\n[host *.Ümlaut.example]\nmax_attempts = 8\n");
    expect_one_host();
    cr_assert_eq(p.shadow->binding.policy->max_attempts, 7);
    name_of("http://a.xn--mlaut-jva.example/");
    cr_assert_eq(p.shadow->binding.policy->max_attempts, 8);
}

static size_t put_utf8(char *out, unsigned c)
{
    size_t n = 0;
    if (c >= 0x800) {
        out[n++] = (char)(0xe0 | c >> 12);
        out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        out[n++] = (char)(0xc0 | c >> 6);
    }
    out[n++] = (char)(0x80 | (c & 0x3f));
    out[n] = '\0';
    return n;
}

/* A name that libcurl rejects is not a host. */
Test(target, the_librarys_encoder_treats_each_letter_as_libcurls_does)
{
    int compared = 0;
    if (!libcurl_encodes())
        return;
    for (unsigned c = 0x80; c < 0xffff; c++) {
        char host[8], ours[64], url[32], *theirs = NULL;
        size_t n = put_utf8(host, c);
        if ((c >= 0xd800 && c < 0xe000) || !idna_encode(ours, sizeof ours, host, n))
            continue;
        snprintf(url, sizeof url, "http://%s/", host);
        CURLU *u = curl_url();
        cr_assert_eq(curl_url_set(u, CURLUPART_URL, url, 0), 0);
        if (!curl_url_get(u, CURLUPART_HOST, &theirs, 1 << 12)) {
            cr_assert_str_eq(ours, theirs, "U+%04X", c);
            curl_free(theirs);
            compared++;
        }
        curl_url_cleanup(u);
    }
    cr_assert_geq(compared, 30000);
}
