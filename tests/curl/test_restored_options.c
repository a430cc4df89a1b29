/* SPDX-License-Identifier: MIT
 *
 * Options that the library changes for a transfer are restored afterwards: the last value that
 * libcurl gets for each option is the program's. */
#include "recorder.h"

#include "curl/transfer.h"

#include <criterion/criterion.h>
#include <stdarg.h>

enum { OPTIONS_MAX = 64 };

/* An option and its value as text. */
struct given {
    CURLoption option;
    intptr_t value;
};
static struct given by_all[OPTIONS_MAX], by_program[OPTIONS_MAX];

static void note_option(struct given *list, CURLoption option, intptr_t value)
{
    int i = 0;
    while (list[i].option && list[i].option != option)
        i++;
    cr_assert_lt(i, OPTIONS_MAX);
    list[i] = (struct given){option, value};
}

static CURLcode noting_setopt(CURL *h, CURLoption option, ...)
{
    va_list ap;
    va_start(ap, option);
    intptr_t value =
        option < CURLOPTTYPE_OBJECTPOINT ? va_arg(ap, long) : (intptr_t)va_arg(ap, void *);
    va_end(ap);
    note_option(by_all, option, value);
    if (option < CURLOPTTYPE_OBJECTPOINT)
        return fake_curl.easy_setopt(h, option, (long)value);
    return fake_curl.easy_setopt(h, option, (void *)value);
}

static struct curl_api api;

static void put(const struct program *p, CURLoption option, union option_argument v)
{
    note_option(by_program, option, (intptr_t)v.pointer);
    if (option < CURLOPTTYPE_OBJECTPOINT)
        api.easy_setopt(p->handle, option, v.number);
    else
        api.easy_setopt(p->handle, option, v.pointer);
    shadow_setopt(p->shadow, option, v);
}

#define POINTER(p, option, v) put(p, option, (union option_argument){.pointer = (void *)(v)})
#define NUMBER(p, option, v)  put(p, option, (union option_argument){.number = (v)})

static size_t read_nothing(char *to, size_t size, size_t n, void *data)
{
    (void)to, (void)size, (void)n, (void)data;
    return 0;
}

static int seek_well(void *data, curl_off_t offset, int origin)
{
    (void)data, (void)offset, (void)origin;
    return CURL_SEEKFUNC_OK;
}

static curlioerr restart_well(CURL *h, int command, void *data)
{
    (void)h, (void)command, (void)data;
    return CURLIOE_OK;
}

static void begin(struct program *p, const struct fake_attempt *script, int n)
{
    program_start(p, script, n);
    api = fake_curl;
    api.easy_setopt = noting_setopt;
    shadow_remove(p->handle);
    p->shadow = shadow_add(p->handle, &api);
    POINTER(p, CURLOPT_URL, "http://api.example.com/x");
    POINTER(p, CURLOPT_WRITEFUNCTION, see_body);
    POINTER(p, CURLOPT_WRITEDATA, p);
    POINTER(p, CURLOPT_HEADERFUNCTION, see_header);
    POINTER(p, CURLOPT_HEADERDATA, p);
    POINTER(p, CURLOPT_ERRORBUFFER, p->error);
}

static void with_time_limits(const struct program *p)
{
    NUMBER(p, CURLOPT_TIMEOUT_MS, 20000);
    NUMBER(p, CURLOPT_CONNECTTIMEOUT_MS, 7000);
}

static void check_restored(void)
{
    for (const struct given *g = by_program; g->option; g++)
        for (const struct given *last = by_all; last->option; last++)
            cr_assert(last->option != g->option || last->value == g->value, "option %d",
                      (int)g->option);
}

TestSuite(restored_options, .fini = programs_end);

static const struct fake_attempt busy_then_ok[] = {BUSY_503, OK_200};

Test(restored_options, callbacks_and_their_data_are_restored_after_an_upload)
{
    static char data[4];
    struct program p;
    begin(&p, busy_then_ok, 2);
    NUMBER(&p, CURLOPT_UPLOAD, 1);
    POINTER(&p, CURLOPT_READFUNCTION, read_nothing);
    POINTER(&p, CURLOPT_READDATA, &data[0]);
    POINTER(&p, CURLOPT_SEEKFUNCTION, seek_well);
    POINTER(&p, CURLOPT_SEEKDATA, &data[1]);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    check_restored();
}

Test(restored_options, the_older_rewind_callback_and_its_data_are_restored)
{
    static char data[4];
    struct program p;
    begin(&p, busy_then_ok, 2);
    NUMBER(&p, CURLOPT_UPLOAD, 1);
    POINTER(&p, CURLOPT_READFUNCTION, read_nothing);
    POINTER(&p, CURLOPT_READDATA, &data[0]);
    POINTER(&p, CURLOPT_IOCTLFUNCTION, restart_well);
    POINTER(&p, CURLOPT_IOCTLDATA, &data[1]);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    check_restored();
}

Test(restored_options, shortened_time_limits_are_restored)
{
    struct program p;
    setenv("HARDEN_CONNECT_TIMEOUT", "3s", 1);
    setenv("HARDEN_ATTEMPT_TIMEOUT", "9s", 1);
    setenv("HARDEN_STALL_TIMEOUT", "4s", 1);
    begin(&p, busy_then_ok, 2);
    with_time_limits(&p);
    NUMBER(&p, CURLOPT_LOW_SPEED_LIMIT, 0);
    NUMBER(&p, CURLOPT_LOW_SPEED_TIME, 0);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    cr_assert_leq(fake_of(p.handle)->timeouts_seen[0], 9000);
    check_restored();
}

/* The program set no option, so none may be set afterwards. */
Test(restored_options, an_error_buffer_is_removed_where_there_was_none)
{
    struct program p;
    begin(&p, busy_then_ok, 2);
    POINTER(&p, CURLOPT_ERRORBUFFER, NULL);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    check_restored();
    cr_assert_null(fake_of(p.handle)->error_buffer);
}

Test(restored_options, the_url_is_restored_after_a_refusal)
{
    struct program p;
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    begin(&p, busy_then_ok + 1, 1);
    CURLU *url = curl_url();
    curl_url_set(url, CURLUPART_URL, "http://api.example.com/y", 0);
    POINTER(&p, CURLOPT_CURLU, url);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OK);
    cr_assert_eq(easy_perform(p.shadow), CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(fake_of(p.handle)->url, "http://api.example.com/x");
    for (const struct given *last = by_all; last->option; last++)
        cr_assert(last->option != CURLOPT_CURLU || last->value == (intptr_t)url);
    curl_url_cleanup(url);
}
