/* SPDX-License-Identifier: MIT
 *
 * A board with one host and default settings, for tests of a call.
 *
 *     TestSuite(admit, .init = one_host, .fini = no_host);
 *     ...                          call_begin(&call, &binding, 0, NOW) */
#ifndef TESTS_ONE_HOST_H
#define TESTS_ONE_HOST_H

#include "base/hash.h"
#include "engine/call/private.h"

#include <string.h>

#define NOW  (100000 * NS_PER_S)
#define WALL (1750000000 * NS_PER_S)

static struct policy policy;
static struct config config;
static struct board *board;
static struct binding binding;
static struct call call;

/* The defaults that matter here, but without jitter, so that times are exact. */
static void one_host(void)
{
    policy = (struct policy){
        .cost = 1,
        .max_wait_ns = 30 * NS_PER_S,
        .max_attempts = 3,
        .base_delay_ns = 500 * NS_PER_MS,
        .max_delay_ns = 5 * NS_PER_S,
        .jitter = JITTER_NONE,
        .max_elapsed_ns = 30 * NS_PER_S,
        .retry_methods = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"},
        .retry_after_max_ns = 300 * NS_PER_S,
        .retry_budget_percent = 20,
        .retry_reserve_ns = 6 * NS_PER_S,
        .breaker = BREAKER_ON,
        .breaker_failures = 5,
        .breaker_ratio_percent = 50,
        .breaker_open_ns = 30 * NS_PER_S,
        .breaker_max_open_ns = 300 * NS_PER_S,
        .breaker_successes = 2,
        .unhealthy_after = 3,
        .healthy_after = 1,
    };
    config = (struct config){.mode = MODE_ENFORCE};
    board = board_open(NULL, 16, NULL);
    uint64_t key = board_key(hash_bytes("h", 1, 0));
    binding = (struct binding){.config = &config, .board = board, .policy = &policy, .key = key};
    memcpy(binding.name, "h", 2);
    binding.slot = board_slot(board, key, "h", SLOT_HOST, NOW);
}

static void no_host(void)
{
    board_close(board);
}

#endif
