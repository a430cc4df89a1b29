/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <criterion/criterion.h>
#include <string.h>

static char buf[256];
static struct text t;

static void fresh(void)
{
    t = TEXT_OVER(buf);
    buf[0] = '\0';
}

TestSuite(json, .init = fresh);

static const char *quoted(const char *s)
{
    fresh();
    json_quote(&t, s);
    return buf;
}

Test(json, puts_commas_between_members_and_elements_only)
{
    json_open(&t, '{');
    json_object(&t, "empty");
    json_close(&t, '}');
    json_u64(&t, "n", UINT64_MAX);
    json_fixed(&t, "s", -1500, 3);
    json_array(&t, "list");
    json_element(&t, "a");
    json_open(&t, '{');
    json_bool(&t, "yes", true);
    json_bool(&t, "no", false);
    json_close(&t, '}');
    json_close(&t, ']');
    json_array(&t, "none");
    json_close(&t, ']');
    json_null(&t, "nothing");
    json_string(&t, "quoted", "\"");
    json_time(&t, "time", 0);
    json_close(&t, '}');
    json_end(&t);
    cr_assert_str_eq(buf, "{\"empty\":{},\"n\":18446744073709551615,\"s\":-1.5,"
                          "\"list\":[\"a\",{\"yes\":true,\"no\":false}],\"none\":[],"
                          "\"nothing\":null,\"quoted\":\"\\\"\","
                          "\"time\":\"1970-01-01T00:00:00.000Z\"}\n");
}

Test(json, escapes_what_json_forbids_in_a_string)
{
    cr_assert_str_eq(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
    cr_assert_str_eq(quoted("\n\t\x01\x7f"), "\"\\u000a\\u0009\\u0001\\u007f\"");
    cr_assert_str_eq(quoted(""), "\"\"");
}

Test(json, keeps_utf8_and_replaces_invalid_bytes)
{
    cr_assert_str_eq(quoted("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
                     "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
#define NO "\xef\xbf\xbd"
    cr_assert_str_eq(quoted("\xff"), "\"" NO "\"");
    cr_assert_str_eq(quoted("\xc0\xaf"), "\"" NO NO "\"", "overlong");
    cr_assert_str_eq(quoted("\xe0\x80\x80"), "\"" NO NO NO "\"", "overlong");
    cr_assert_str_eq(quoted("\xed\xa0\x80"), "\"" NO NO NO "\"", "surrogate");
    cr_assert_str_eq(quoted("\xf4\x90\x80\x80"), "\"" NO NO NO NO "\"", "above the last");
    cr_assert_str_eq(quoted("\xe2\x82"), "\"" NO NO "\"", "cut short");
    cr_assert_str_eq(quoted("\xe2\x82x"), "\"" NO NO "x\"", "cut short");
}
