/* SPDX-License-Identifier: MIT
 *
 * The fast path of a request that nothing restricts. */
#include "call_steps.h"

#include "engine/call/fast_path.h"

TestSuite(fast_path, .init = one_host, .fini = no_host);

static struct fast_path path_of_binding(void)
{
    return (struct fast_path){board, &policy, binding.slot, binding.key};
}

static bool pass(int64_t now)
{
    struct fast_path p = path_of_binding();
    return fast_path_is_clear(&p, now) && fast_path_count(&p, 20 * NS_PER_MS, now, WALL);
}

Test(fast_path, counts_the_same_as_call_begin_report_and_end)
{
    static struct slot by_steps, by_one;
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .duration_ns = 20 * NS_PER_MS};
    request(get(0, 200), NOW);
    slot_reset(binding.slot);
    request(a, NOW);
    struct slot fresh_slot = *binding.slot;
    for (int i = 1; i < 9; i++) {
        uint64_t changes = board->header->changes;
        request(a, NOW + i * NS_PER_S);
        cr_assert(eq(u64, board->header->changes, changes + 1));
    }
    by_steps = *binding.slot;
    *binding.slot = fresh_slot;
    for (int i = 1; i < 9; i++) {
        uint64_t changes = board->header->changes;
        cr_assert(pass(NOW + i * NS_PER_S));
        cr_assert(eq(u64, board->header->changes, changes + 1));
    }
    by_one = *binding.slot;
    /* The stripe depends on the CPU. */
    for (int c = 0; c <= COUNT_ATTEMPTS; c++)
        cr_assert(eq(u64, slot_counter(&by_steps, c), slot_counter(&by_one, c)));
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        cr_assert(eq(u64, slot_latency(&by_steps, i), slot_latency(&by_one, i)));
    memset(by_steps.stripe, 0, sizeof by_steps.stripe);
    memset(by_one.stripe, 0, sizeof by_one.stripe);
    cr_assert(eq(int, memcmp(&by_steps, &by_one, sizeof by_one), 0));
}

Test(fast_path, is_not_clear_where_a_success_changes_a_state)
{
    struct fast_path p = path_of_binding();
    policy.max_attempts = 1;
    cr_assert(not(pass(NOW)), "the first result changes the status");
    request(get(0, 200), NOW);
    cr_assert(pass(NOW));
    cr_assert(not(pass(NOW + 3600 * NS_PER_S)), "the window of the breaker is over");
    request(get(0, 200), NOW);
    request(get(7, 0), NOW);
    cr_assert(not(pass(NOW)), "the first success after a failure changes the status");
    request(get(0, 200), NOW);
    cr_assert(pass(NOW));
    policy.breaker = BREAKER_OFF;
    cr_assert(not(pass(NOW)), "not clear without a breaker");
    policy.breaker = BREAKER_ON;
    binding.slot->pause_until_ns = NOW + 1;
    cr_assert(not(fast_path_is_clear(&p, NOW)));
    cr_assert(fast_path_is_clear(&p, NOW + 1));
    for (int i = 0; i < 5 && breaker_is_calm(&binding.slot->breaker); i++)
        request(get(7, 0), NOW + 1);
    cr_assert(not(fast_path_is_clear(&p, NOW + 1)), "the circuit is open");
}

Test(fast_path, is_not_clear_for_a_reused_slot)
{
    struct fast_path p = path_of_binding();
    request(get(0, 200), NOW);
    binding.slot->key = 12345;
    struct slot before = *binding.slot;
    cr_assert(not(fast_path_is_clear(&p, NOW)));
    cr_assert(not(fast_path_count(&p, 1, NOW, WALL)), "also when it is reused during the attempt");
    cr_assert(eq(int, memcmp(&before, binding.slot, sizeof before), 0));
}
