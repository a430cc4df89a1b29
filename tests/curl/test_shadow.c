/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include <criterion/criterion.h>
#include <pthread.h>

enum { MANY = 10000 };
static CURL *made[MANY + 4];
static int made_count;

static CURL *handle(void)
{
    return made[made_count++] = fake_new(NULL, 0);
}

static void free_all(void)
{
    while (made_count) {
        shadow_remove(made[--made_count]);
        fake_curl.easy_cleanup(made[made_count]);
    }
}

TestSuite(shadow, .fini = free_all);

static struct shadow *fresh(void)
{
    return shadow_add(handle(), &fake_curl);
}

static void number(struct shadow *s, CURLoption option, long v)
{
    shadow_setopt(s, option, (union option_argument){.number = v});
}

static void pointer(struct shadow *s, CURLoption option, const void *v)
{
    shadow_setopt(s, option, (union option_argument){.pointer = (void *)v});
}

Test(shadow, only_handles_whose_creation_was_seen_are_known)
{
    CURL *h = handle();
    cr_assert_null(shadow_find(h));
    cr_assert_null(shadow_find(NULL));
    struct shadow *s = shadow_add(h, &fake_curl);
    cr_assert_eq(shadow_find(h), s);
    shadow_remove(h);
    cr_assert_null(shadow_find(h));
}

Test(shadow, ten_thousand_handles_are_found_while_others_come_and_go)
{
    CURL **h = made;
    for (int i = 0; i < MANY; i++)
        cr_assert_not_null(shadow_add(handle(), &fake_curl));
    for (int i = 0; i < MANY; i += 2)
        shadow_remove(h[i]);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(shadow_find(h[i]) != NULL, i % 2 == 1);
    for (int i = 0; i < MANY; i += 2)
        cr_assert_not_null(shadow_add(h[i], &fake_curl));
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(shadow_find(h[i])->handle, h[i]);
}

Test(shadow, a_reused_address_starts_with_defaults)
{
    struct shadow *s = fresh();
    CURL *h = s->handle;
    number(s, CURLOPT_TIMEOUT, 5);
    s = shadow_add(h, &fake_curl);
    cr_assert_eq(s->timeout_ms, 0);
    cr_assert_eq(shadow_find(h), s);
}

static void *churn(void *unused)
{
    for (int i = 0; i < 20000; i++) {
        CURL *h = fake_new(NULL, 0);
        struct shadow *s = shadow_add(h, &fake_curl);
        cr_assert_eq(shadow_find(h), s);
        shadow_remove(h);
        cr_assert_null(shadow_find(h));
        fake_curl.easy_cleanup(h);
    }
    return unused;
}

Test(shadow, threads_do_not_see_each_others_handles)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, churn, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
}

Test(shadow, the_last_option_decides_the_kind_of_request)
{
    struct shadow *s = fresh();
    cr_assert_eq(s->request, REQUEST_GET);
    pointer(s, CURLOPT_POSTFIELDS, NULL);
    cr_assert_eq(s->request, REQUEST_POST);
    cr_assert_not(s->fields);
    number(s, CURLOPT_POST, 0);
    cr_assert_eq(s->request, REQUEST_GET);
    number(s, CURLOPT_POST, 1);
    number(s, CURLOPT_NOBODY, 1);
    cr_assert_eq(s->request, REQUEST_HEAD);
    number(s, CURLOPT_NOBODY, 0);
    cr_assert_eq(s->request, REQUEST_GET);
    number(s, CURLOPT_POST, 1);
    number(s, CURLOPT_NOBODY, 0);
    cr_assert_eq(s->request, REQUEST_POST);
    number(s, CURLOPT_UPLOAD, 1);
    cr_assert_eq(s->request, REQUEST_PUT);
    number(s, CURLOPT_UPLOAD, 0);
    cr_assert_eq(s->request, REQUEST_GET);
    pointer(s, CURLOPT_MIMEPOST, s);
    cr_assert_eq(s->request, REQUEST_MIME);
    number(s, CURLOPT_HTTPGET, 1);
    cr_assert_eq(s->request, REQUEST_GET);
}

Test(shadow, seconds_and_milliseconds_set_the_same_field)
{
    struct shadow *s = fresh();
    number(s, CURLOPT_TIMEOUT, 5);
    cr_assert_eq(s->timeout_ms, 5000);
    number(s, CURLOPT_TIMEOUT_MS, 70);
    cr_assert_eq(s->timeout_ms, 70);
}

Test(shadow, reset_restores_every_default)
{
    struct shadow *s = fresh();
    number(s, CURLOPT_TIMEOUT, 5);
    number(s, CURLOPT_POST, 1);
    pointer(s, CURLOPT_URL, "http://a/");
    pointer(s, CURLOPT_WRITEDATA, s);
    shadow_reset(s);
    cr_assert_eq(s->timeout_ms, 0);
    cr_assert_eq(s->request, REQUEST_GET);
    cr_assert_null(s->url);
    cr_assert_eq(s->write_data, stdout);
    cr_assert(s->noprogress);
}

Test(shadow, a_copy_has_the_same_options_and_its_own_url)
{
    struct shadow *s = fresh();
    number(s, CURLOPT_TIMEOUT, 5);
    pointer(s, CURLOPT_URL, "http://a/");
    struct shadow *c = shadow_copy(handle(), s);
    cr_assert_eq(c->timeout_ms, 5000);
    cr_assert_str_eq(c->url, "http://a/");
    cr_assert_neq(c->url, s->url);
    shadow_remove(s->handle);
    cr_assert_str_eq(c->url, "http://a/");
}

Test(shadow, setting_the_same_url_again_keeps_its_host)
{
    struct shadow *s = fresh();
    pointer(s, CURLOPT_URL, "http://a/");
    s->target_known = true;
    pointer(s, CURLOPT_URL, "http://a/");
    cr_assert(s->target_known);
    pointer(s, CURLOPT_URL, "http://b/");
    cr_assert_not(s->target_known);
    s->target_known = true;
    number(s, CURLOPT_PORT, 81);
    cr_assert_not(s->target_known);
}

Test(shadow, a_method_that_is_too_long_matches_no_other)
{
    struct shadow *s = fresh();
    pointer(s, CURLOPT_CUSTOMREQUEST, "BASELINE-CONTROL");
    cr_assert_str_eq(s->method, "BASELINE-CONTRO");
}

Test(shadow, a_larger_size_drops_the_copied_fields)
{
    struct shadow *s = fresh();
    number(s, CURLOPT_POSTFIELDSIZE, 3);
    pointer(s, CURLOPT_COPYPOSTFIELDS, "abc");
    cr_assert(s->fields);
    number(s, CURLOPT_POSTFIELDSIZE, 2);
    cr_assert(s->fields);
    number(s, CURLOPT_POSTFIELDSIZE, 10);
    cr_assert_not(s->fields);
    pointer(s, CURLOPT_POSTFIELDS, "abc");
    number(s, CURLOPT_POSTFIELDSIZE, 20);
    cr_assert(s->fields, "these belong to the program");
}
