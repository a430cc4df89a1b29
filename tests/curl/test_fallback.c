/* SPDX-License-Identifier: MIT
 *
 * Attempts at another place of the same name: what libcurl gets as CURLOPT_CONNECT_TO, and what the program
 * sees of it. */
#include "multi_loop.h"

#include "engine/board/view.h"
#include "engine/engine.h"

#include <errno.h>

#define REFUSED                                                                                    \
    {.result = CURLE_COULDNT_CONNECT, .unsent = true, .os_errno = 111, .error = "refused"}
#define ENTRIES "api.example.com:80:backup:8080 api.example.com.:80:backup:8080 "

static void settings(void)
{
    setenv("HARDEN_FALLBACK", "backup:8080", 1);
    setenv("HARDEN_BASE_DELAY", "1h", 1); /* only an attempt at another place follows at once */
    setenv("HARDEN_MAX_DELAY", "1h", 1);
    setenv("HARDEN_JITTER", "none", 1);
    setenv("HARDEN_BREAKER_AFTER", "0s", 1);
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
}

TestSuite(fallback, .init = settings, .fini = loops_end);

/* The list at the n-th perform. */
static const char *seen(const struct program *p, int n)
{
    return fake_of(p->handle)->connect_to_seen[n];
}

static struct curl_slist *on_handle(const struct program *p)
{
    return fake_of(p->handle)->connect_to;
}

static const struct slot *slot_named(const char *name)
{
    char found[VIEW_NAME_SIZE];
    const struct board *b = engine_get()->board;
    for (uint32_t i = 0; i < board_size(b); i++)
        if (board_nth(b, i, found) && !strcmp(found, name))
            return &b->slots[i];
    return NULL;
}

static uint64_t count_of(const char *name, enum counter c)
{
    const struct slot *s = slot_named(name);
    return s ? slot_counter(s, c) : 0;
}

/* ---- where attempts go ------------------------------------------------------------------------- */

Test(fallback, a_request_that_succeeds_sets_no_list)
{
    struct program p;
    START(&p, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 0), "");
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_null(slot_named("api.example.com via backup:8080"));
}

Test(fallback, the_second_attempt_goes_to_the_second_place_at_once)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 0), "");
    cr_assert_str_eq(seen(&p, 1), ENTRIES);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_null(on_handle(&p), "restored");
    cr_assert_eq(count_of("api.example.com", COUNT_FALLBACK_USED), 1);
    cr_assert_eq(count_of("api.example.com via itself", COUNT_FAILURES), 1);
    cr_assert_eq(count_of("api.example.com via backup:8080", COUNT_SUCCESSES), 1);
}

Test(fallback, the_next_transfer_begins_at_the_name_itself)
{
    struct program p;
    START(&p, REFUSED, OK_200, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 2), "");
}

Test(fallback, while_the_circuit_of_the_first_place_is_open_requests_begin_at_the_second)
{
    struct program p;
    for (int i = 0; i < 5; i++) {
        START(&p, REFUSED, OK_200);
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_str_eq(seen(&p, 0), "");
    }
    START(&p, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 0), ENTRIES);
    cr_assert_eq(count_of("api.example.com", COUNT_FALLBACK_USED), 6);
}

Test(fallback, in_an_event_loop_it_is_the_same)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, RESET, OK_200);
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.result, CURLE_OK);
    cr_assert_str_eq(seen(&p, 0), "");
    cr_assert_str_eq(seen(&p, 1), ENTRIES);
    cr_assert_null(on_handle(&p));
    cr_assert_str_eq(p.seen, seen_200);
}

Test(fallback, observe_mode_goes_nowhere_else)
{
    struct program p;
    setenv("HARDEN_MODE", "observe", 1);
    START(&p, REFUSED);
    cr_assert_eq(program_perform(&p), CURLE_COULDNT_CONNECT);
    cr_assert_eq(performs(&p), 1);
    cr_assert_str_eq(seen(&p, 0), "");
}

Test(fallback, a_place_without_a_port_serves_http_and_https)
{
    struct program p;
    setenv("HARDEN_FALLBACK", "backup", 1);
    START(&p, REFUSED, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), "api.example.com:80:backup: api.example.com.:80:backup: "
                                  "api.example.com:443:backup: api.example.com.:443:backup: ");
}

Test(fallback, the_port_of_the_request_is_that_of_the_option)
{
    struct program p;
    START(&p, REFUSED, OK_200);
    set_number(&p, CURLOPT_PORT, 8081);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1),
                     "api.example.com:8081:backup:8080 api.example.com.:8081:backup:8080 ");
}

/* ---- where it does not apply ------------------------------------------------------------------- */

static void without_delays(void)
{
    setenv("HARDEN_BASE_DELAY", "1ms", 1);
    setenv("HARDEN_MAX_DELAY", "1ms", 1);
}

Test(fallback, a_libcurl_without_the_option_repeats_at_the_same_place)
{
    struct program p;
    struct curl_api old = fake_curl;
    without_delays();
    old.version_num = 0x073000;
    START(&p, REFUSED, OK_200);
    p.shadow->api = &old;
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), "");
    cr_assert_eq(count_of("api.example.com via itself", COUNT_ATTEMPTS), 2);
    cr_assert_eq(count_of("api.example.com", COUNT_FALLBACK_USED), 0);
    p.shadow->api = &fake_curl;
}

Test(fallback, a_local_socket_has_no_other_place)
{
    struct program p;
    without_delays();
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_UNIX_SOCKET_PATH, "/run/app.sock");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), "");
}

static struct curl_slist pinned = {.data = (char *)"api.example.com:80:192.0.2.9"};

Test(fallback, a_program_that_gives_addresses_itself_has_no_other_place)
{
    struct program p;
    without_delays();
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_RESOLVE, &pinned);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), "");
    cr_assert_null(slot_named("api.example.com via itself"));
}

Test(fallback, the_addresses_of_the_program_outlive_its_list)
{
    struct program p;
    without_delays();
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_RESOLVE, &pinned);
    set_pointer(&p, CURLOPT_RESOLVE, NULL);
    shadow_reset(p.shadow); /* libcurl keeps its cache of addresses */
    cr_assert(p.shadow->own_addresses);
    set_pointer(&p, CURLOPT_URL, "http://api.example.com/x");
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))see_body);
    set_pointer(&p, CURLOPT_WRITEDATA, &p);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), "");
}

Test(fallback, an_address_with_a_zone_is_named_without_it)
{
    struct program p;
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_URL, "http://[fe80::1%25lo]/x");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), "[fe80::1]:80:backup:8080 ");
}

/* ---- the program's own list -------------------------------------------------------------------- */

static struct curl_slist other = {.data = (char *)"other.example.com:80:elsewhere:1"},
                         same = {.data = (char *)"api.example.com:80:elsewhere:1"};

Test(fallback, entries_of_the_program_for_other_names_stay_in_front)
{
    struct program p;
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_CONNECT_TO, &other);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 0), "other.example.com:80:elsewhere:1 ");
    cr_assert_str_eq(seen(&p, 1), "other.example.com:80:elsewhere:1 " ENTRIES);
    cr_assert_eq(on_handle(&p), &other);
    cr_assert_null(other.next);
}

Test(fallback, a_place_that_the_program_has_chosen_is_the_only_one)
{
    struct program p;
    without_delays();
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_CONNECT_TO, &same);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), "api.example.com:80:elsewhere:1 ");
    cr_assert_null(slot_named("api.example.com via itself"), "that is another place");
    cr_assert_eq(on_handle(&p), &same);
}

static struct program *changing;
static struct curl_slist *changed_to;

static int change_list(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up)
{
    (void)data, (void)total, (void)now, (void)up_total, (void)up;
    set_pointer(changing, CURLOPT_CONNECT_TO, changed_to);
    return 0;
}

/* The transfer is at another place, and waits for its third attempt: the program is called then. */
static void change_during(struct program *p, struct curl_slist *to)
{
    changing = p;
    changed_to = to;
    setenv("HARDEN_BASE_DELAY", "200ms", 1); /* the callback runs while the third attempt waits */
    setenv("HARDEN_MAX_DELAY", "200ms", 1);
    set_number(p, CURLOPT_NOPROGRESS, 0);
    set_function(p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))change_list);
}

Test(fallback, a_list_that_the_program_sets_during_the_transfer_is_kept)
{
    struct program p;
    START(&p, REFUSED, REFUSED, OK_200);
    change_during(&p, &other);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), ENTRIES);
    cr_assert_str_eq(seen(&p, 2), "other.example.com:80:elsewhere:1 " ENTRIES);
    cr_assert_eq(on_handle(&p), &other);
}

Test(fallback, a_place_that_the_program_chooses_during_the_transfer_wins)
{
    struct program p;
    START(&p, REFUSED, REFUSED, OK_200);
    change_during(&p, &same);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 2), "api.example.com:80:elsewhere:1 ");
    cr_assert_eq(on_handle(&p), &same);
    cr_assert_eq(count_of("api.example.com via backup:8080", COUNT_ATTEMPTS), 1);
}

/* What other processes have found out, while this one waits for its third attempt. */
static int open_circuit_of_backup(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total,
                                  curl_off_t up)
{
    struct slot *s = (struct slot *)slot_named("api.example.com via backup:8080");
    struct breaker_result gone = {.unreachable = true, .operation = BREAKER_EVERYTHING};
    (void)data, (void)total, (void)now, (void)up_total, (void)up;
    for (int i = 0; s && i < 5; i++)
        breaker_report(&s->breaker, changing->shadow->binding.policy, &gone, clock_now_ns(), 0);
    return 0;
}

Test(fallback, back_at_the_name_itself_libcurl_has_the_list_of_the_program_again)
{
    struct program p;
    START(&p, REFUSED, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_CONNECT_TO, &other);
    change_during(&p, NULL);
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))open_circuit_of_backup);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 2), "other.example.com:80:elsewhere:1 ");
}

static int change_url(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total,
                      curl_off_t up)
{
    (void)data, (void)total, (void)now, (void)up_total, (void)up;
    set_pointer(changing, CURLOPT_URL, "http://other.example.com/x");
    return 0;
}

Test(fallback, a_name_that_the_program_sets_during_the_transfer_has_no_places_of_another)
{
    struct program p;
    START(&p, REFUSED, REFUSED, OK_200);
    change_during(&p, NULL);
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))change_url);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), ENTRIES);
    cr_assert_str_eq(seen(&p, 2), "");
    cr_assert_null(on_handle(&p));
}

static CURL *copy;

static size_t copy_handle(char *bytes, size_t size, size_t n, void *data)
{
    struct program *p = data;
    (void)bytes;
    if (!copy) {
        copy = fake_curl.easy_duphandle(p->handle);
        transfer_unwrap_copy(p->shadow->transfer, copy);
    }
    return size * n;
}

Test(fallback, a_copy_of_the_handle_has_the_list_of_the_program)
{
    struct program p;
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_CONNECT_TO, &other);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))copy_handle);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(fake_of(copy)->connect_to, &other);
    fake_curl.easy_cleanup(copy);
}

static size_t reset_handle(char *bytes, size_t size, size_t n, void *data)
{
    struct program *p = data;
    (void)bytes;
    fake_curl.easy_reset(p->handle);
    p->shadow->transfer->reset = true;
    shadow_reset(p->shadow);
    return size * n;
}

Test(fallback, after_a_reset_of_the_options_there_is_no_list)
{
    struct program p;
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_CONNECT_TO, &other);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))reset_handle);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_null(on_handle(&p));
    cr_assert_null(p.shadow->connect_to);
}

Test(fallback, a_transfer_that_the_program_removes_leaves_its_list)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, REFUSED, OK_200);
    set_pointer(&p, CURLOPT_CONNECT_TO, &other);
    add(&l, &p);
    fake(&l)->slow = 2;
    while (performs(&p) < 1 || on_handle(&p) == &other)
        turn(&l);
    remove_from(&l, &p);
    cr_assert_eq(on_handle(&p), &other);
}

/* A sanitizer shows what is not freed. */
Test(fallback, a_handle_that_is_freed_at_another_place_leaves_nothing)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, REFUSED, OK_200);
    add(&l, &p);
    fake(&l)->slow = 2;
    while (!on_handle(&p))
        turn(&l);
    shadow_remove(p.handle);
    cr_assert_eq(fake(&l)->count, 1, "the library lets the handle alone");
}

/* ---- what the program gets --------------------------------------------------------------------- */

Test(fallback, a_place_with_a_wrong_certificate_shows_the_result_of_the_place_before)
{
    struct program p;
    long status = 0;
    START(&p, BUSY_503,
          {.result = CURLE_PEER_FAILED_VERIFICATION, .unsent = true, .error = "no match"});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert(easy_getinfo(p.shadow, CURLINFO_RESPONSE_CODE, &status) && status == 503);
    cr_assert_eq(count_of("api.example.com via backup:8080", COUNT_FAILURES), 1);
}

#define LEADS_TO(url)                                                                              \
    {.result = CURLE_PEER_FAILED_VERIFICATION, .redirects = 1, .led_to = url, .error = "no match"}

Test(fallback, a_wrong_certificate_of_another_host_is_not_that_of_the_place)
{
    struct program p;
    setenv("HARDEN_BREAKER_FAILURES", "1", 1);
    START(&p, BUSY_503, LEADS_TO("https://other.example.com/"));
    cr_assert_eq(program_perform(&p), CURLE_PEER_FAILED_VERIFICATION);
    cr_assert_str_eq(p.error, "no match");
    const struct slot *s = slot_named("api.example.com via backup:8080");
    cr_assert_eq(breaker_state_at(&s->breaker, clock_now_ns()), BREAKER_CLOSED);
}

Test(fallback, a_redirect_within_the_name_does_not_leave_the_place)
{
    struct program p;
    START(&p, BUSY_503, LEADS_TO("https://api.example.com/"));
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
}

Test(fallback, a_place_that_is_not_found_shows_the_result_of_the_place_before)
{
    struct program p;
    START(&p, REFUSED,
          {.result = CURLE_COULDNT_RESOLVE_HOST,
           .unsent = true,
           .os_errno = -1,
           .asked = "backup",
           .answer = -2,
           .error = "Could not resolve host: backup"});
    cr_assert_eq(program_perform(&p), CURLE_COULDNT_CONNECT);
    cr_assert_str_eq(p.error, "refused");
}

#define NO_TUNNEL                                                                                  \
    {.head = "~HTTP/1.1 403 No\n\n", .result = CURLE_RECV_ERROR, .unsent = true, .error = "403"}
#define NO_ROUTE                                                                                   \
    {.result = CURLE_COULDNT_CONNECT, .unsent = true, .os_errno = ENETUNREACH, .error = "no route"}

Test(fallback, after_a_place_that_the_proxy_refuses_the_name_itself_is_tried_again)
{
    struct program p;
    without_delays();
    START(&p, BUSY_503, NO_TUNNEL, OK_200);
    set_pointer(&p, CURLOPT_PROXY, "http://proxy.example.com:3128");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 1), ENTRIES);
    cr_assert_str_eq(seen(&p, 2), "");
    cr_assert_str_eq(p.seen, seen_200);
}

Test(fallback, after_a_place_without_a_route_the_name_itself_is_tried_again)
{
    struct program p;
    without_delays();
    START(&p, BUSY_503, NO_ROUTE, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(seen(&p, 2), "");
    cr_assert_str_eq(p.seen, seen_200);
}

Test(fallback, a_place_that_the_proxy_refuses_shows_the_result_of_the_place_before)
{
    struct program p;
    setenv("HARDEN_MAX_ATTEMPTS", "2", 1);
    START(&p, BUSY_503, NO_TUNNEL);
    set_pointer(&p, CURLOPT_PROXY, "http://proxy.example.com:3128");
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
}

Test(fallback, a_result_that_is_shown_survives_two_places_that_cannot_be_reached)
{
    struct program p;
    setenv("HARDEN_FALLBACK", "backup third", 1);
    START(&p, BUSY_503, NO_ROUTE, NO_ROUTE);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 3);
    cr_assert_str_eq(p.seen, seen_503);
}

Test(fallback, a_place_that_never_fits_is_skipped)
{
    for (int i = 0; i < 5; i++) {
        struct program p;
        START(&p, BUSY_503, {.result = CURLE_PEER_FAILED_VERIFICATION, .unsent = true});
        program_perform(&p);
    }
    const struct slot *s = slot_named("api.example.com via backup:8080");
    cr_assert_eq(breaker_state_at(&s->breaker, clock_now_ns()), BREAKER_OPEN);
}

/* ---- connections that the program allows ------------------------------------------------------- */

Test(fallback, connections_are_counted_by_place)
{
    struct loop l;
    struct program first, second;
    setenv("HARDEN_RATE", "1000/1s", 1);
    loop_start(&l);
    set_multi(&l, CURLMOPT_MAX_HOST_CONNECTIONS, (union option_argument){.number = 1});
    START(&first, REFUSED, OK_200);
    START(&second, OK_200);
    add(&l, &first);
    turn(&l);
    fake(&l)->slow = 1 << 30;
    while (performs(&first) < 1 || !on_handle(&first))
        turn(&l); /* now it is at the other place */
    add(&l, &second);
    turn(&l);
    turn(&l);
    cr_assert_eq(fake(&l)->count, 2, "the name itself has a free connection");
}
