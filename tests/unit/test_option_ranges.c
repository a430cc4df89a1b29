/* SPDX-License-Identifier: MIT
 *
 * The minimum and maximum of every numeric key, as in the manual. */
#include "engine/config/options.h"

#include "base/compiler.h"
#include "engine/config/parse.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct range {
    enum option_section section;
    const char *key;
    const char *below, *min, *max, *above;
} ranges[] = {
    {SECTION_HARDEN, "max_hosts", "0", "1", "1048576", "1048577"},
    {SECTION_HARDEN, "snapshot_interval", "99ms", "100ms", "1d", "86401s"},
    {SECTION_HOST, "burst", "0", "1", "1000000", "1000001"},
    {SECTION_HOST, "cost", "0", "1", "1000", "1001"},
    {SECTION_HOST, "max_wait", NULL, "0", "1h", "3601s"},
    {SECTION_HOST, "max_attempts", "0", "1", "20", "21"},
    {SECTION_HOST, "base_delay", "0", "1ms", "1h", "3601s"},
    {SECTION_HOST, "max_delay", "0", "1ms", "1h", "3601s"},
    {SECTION_HOST, "max_elapsed", "0", "1ms", "1d", "86401s"},
    {SECTION_HOST, "retry_after", "999ms", "1s", "1d", "86401s"},
    {SECTION_HOST, "retry_budget", "0%", "1%", "100%", "101%"},
    {SECTION_HOST, "hold_limit", NULL, "0", "64MiB", "65MiB"},
    {SECTION_HOST, "connect_timeout", NULL, "0", "1d", "86401s"},
    {SECTION_HOST, "attempt_timeout", NULL, "0", "1d", "86401s"},
    {SECTION_HOST, "stall_timeout", NULL, "0", "1d", "86401s"},
    {SECTION_HOST, "breaker_failures", "0", "1", "100", "101"},
    {SECTION_HOST, "breaker_ratio", "0%", "1%", "100%", "101%"},
    {SECTION_HOST, "breaker_after", NULL, "0", "1h", "3601s"},
    {SECTION_HOST, "breaker_open", "99ms", "100ms", "1d", "86401s"},
    {SECTION_HOST, "breaker_max_open", "99ms", "100ms", "1d", "86401s"},
    {SECTION_HOST, "breaker_successes", "0", "1", "100", "101"},
    {SECTION_HOST, "concurrency", "0", "1", "512", "513"},
    {SECTION_HOST, "slow_after", "0", "1ms", "1d", "86401s"},
    {SECTION_HOST, "slo", "49.9%", "50%", "99.999%", "99.9999%"},
    {SECTION_HOST, "slo_latency", "0", "1ms", "1d", "86401s"},
    {SECTION_HOST, "unhealthy_after", "0", "1", "100", "101"},
    {SECTION_HOST, "healthy_after", "0", "1", "100", "101"},
    {SECTION_CHECK, "interval", "99ms", "100ms", "1d", "86401s"},
    {SECTION_CHECK, "timeout", "9ms", "10ms", "60s", "61s"},
    {SECTION_CHECK, "unhealthy_after", "0", "1", "100", "101"},
    {SECTION_CHECK, "healthy_after", "0", "1", "100", "101"},
};

static bool takes(int option, const char *value)
{
    union option_value v;
    char why[400];
    return option_parse(&options[option], value, &v, why, sizeof why);
}

Test(option_ranges, numbers_from_minimum_to_maximum_are_accepted)
{
    for (size_t i = 0; i < array_size(ranges); i++) {
        const struct range *r = &ranges[i];
        int option = option_find(r->section, r->key);
        cr_assert_geq(option, 0, "%s", r->key);
        cr_assert(!r->below || !takes(option, r->below), "%s = %s", r->key, r->below);
        cr_assert(takes(option, r->min), "%s = %s", r->key, r->min);
        cr_assert(takes(option, r->max), "%s = %s", r->key, r->max);
        cr_assert_not(takes(option, r->above), "%s = %s", r->key, r->above);
    }
}

static bool is_number(enum option_type t)
{
    return t == TYPE_DURATION || t == TYPE_SIZE || t == TYPE_PERCENT || t == TYPE_COUNT;
}

Test(option_ranges, every_key_with_a_number_is_in_the_table_above)
{
    for (int i = 0; i < option_count; i++) {
        bool listed = false;
        for (size_t k = 0; k < array_size(ranges) && !listed; k++)
            listed = option_find(ranges[k].section, ranges[k].key) == i;
        cr_assert(listed || !is_number(options[i].type), "%s", options[i].name);
    }
}
