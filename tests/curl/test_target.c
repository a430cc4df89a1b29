/* SPDX-License-Identifier: MIT
 *
 * Which host a transfer counts for, by its options: libcurl's own parser, the real one. */
#include "curl/target.h"
#include "recorder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(target, .fini = programs_end, .timeout = 60);

static struct program p;

static void make(void)
{
    program_start(&p, NULL, 0);
}

/* What is shown of the host; "" for none. */
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
                 "the key that a connection to it has");
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, NULL);
    cr_assert_str_eq(name(), "other.example:8443");
}

Test(target, an_abstract_socket_is_one_too_and_takes_the_others_place, .init = make)
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

Test(target, rules_for_local_sockets_hold_for_transfers)
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
