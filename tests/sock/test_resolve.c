/* SPDX-License-Identifier: MIT */
#include "sock/resolve.h"

#include "base/clock.h"
#include "engine/board/bulkhead.h"
#include "engine/engine.h"
#include "sock/endpoint.h"
#include "sock/names.h"
#include "sock_test.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static int script[16], calls;
static struct sockaddr_in found;
static struct addrinfo answer;

static int scripted(const char *node, const char *service, const struct addrinfo *hints,
                    struct addrinfo **list)
{
    (void)node, (void)service, (void)hints;
    int status = script[calls++];
    if (!status)
        *list = &answer;
    else
        errno = 1000 + calls;
    return status;
}

static void make(void)
{
    private_engine();
    found.sin_family = AF_INET;
    inet_pton(AF_INET, "10.0.0.1", &found.sin_addr);
    answer = (struct addrinfo){.ai_addr = (struct sockaddr *)&found, .ai_addrlen = sizeof found};
}

TestSuite(resolve, .init = make, .timeout = 60);

static int look_up(const char *node)
{
    struct addrinfo *list = NULL;
    int status = resolve(scripted, node, "80", NULL, &list);
    if (!status)
        cr_assert(list == &answer);
    return status;
}

static const char *name_of_result(void)
{
    static struct name name;
    struct address a;
    endpoint_address(&a, answer.ai_addr, answer.ai_addrlen);
    return names_find(&a, clock_now_ns(), &name) ? name.host : "";
}

Test(resolve, a_result_is_learnt_without_a_slot_on_the_board)
{
    cr_assert(eq(int, look_up("Db.Example"), 0));
    cr_assert(eq(str, (char *)name_of_result(), "db.example"));
    cr_assert(engine_peek() == NULL);
}

Test(resolve, a_temporary_failure_gets_all_attempts_of_the_policy)
{
    setenv("HARDEN_MAX_ATTEMPTS", "4", 1);
    for (int i = 0; i < 8; i++)
        script[i] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), EAI_AGAIN));
    cr_assert(eq(int, calls, 4));
    const struct slot *s = slot_named("db.example");
    cr_assert(eq(u64, slot_counter(s, COUNT_ATTEMPTS), 4));
    cr_assert(eq(int, (int)s->retries_by[GROUP_DNS], 3));
}

Test(resolve, a_result_does_not_change_errno)
{
    errno = 4321;
    cr_assert(eq(int, look_up("db.example"), 0));
    cr_assert(eq(int, errno, 4321));
    script[calls = 0] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), 0), "the second look-up");
}

Test(resolve, the_last_attempt_may_still_succeed)
{
    script[0] = script[1] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), 0));
    cr_assert(eq(int, calls, 3));
}

Test(resolve, a_recovered_look_up_is_counted_as_dns)
{
    script[0] = EAI_AGAIN;
    cr_assert(eq(int, look_up("Db.Example."), 0));
    cr_assert(eq(int, calls, 2));
    cr_assert(eq(str, (char *)name_of_result(), "db.example"));
    const struct slot *s = slot_named("db.example");
    cr_assert(eq(u64, slot_counter(s, COUNT_RECOVERED), 1));
    cr_assert(eq(int, (int)s->retries_by[GROUP_DNS], 1));
}

Test(resolve, the_last_result_is_returned_with_its_errno)
{
    script[0] = script[1] = script[2] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), EAI_AGAIN));
    cr_assert(eq(int, errno, 1000 + calls));
    cr_assert(eq(int, (int)slot_named("db.example")->failures_by[GROUP_DNS], 1));
}

Test(resolve, any_other_result_is_not_retried)
{
    static const int answers[] = {EAI_NONAME, EAI_FAIL, EAI_SERVICE, EAI_MEMORY, EAI_SYSTEM};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        script[calls = 0] = answers[i];
        cr_assert(eq(int, look_up("db.example"), answers[i]));
        cr_assert(eq(int, calls, 1));
        cr_assert(eq(int, errno, 1001));
    }
    cr_assert(engine_peek() == NULL);
    script[calls = 0] = EAI_AGAIN;
    cr_assert(eq(int, look_up(NULL), EAI_AGAIN), "no name");
    cr_assert(eq(int, calls, 1));
}

Test(resolve, a_final_result_of_the_second_attempt_is_returned)
{
    static const int answers[] = {EAI_NONAME, EAI_FAIL, EAI_SERVICE, EAI_MEMORY, EAI_SYSTEM};
    setenv("HARDEN_BREAKER", "off", 1);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        script[calls = 0] = EAI_AGAIN;
        script[1] = answers[i];
        cr_assert(eq(int, look_up("db.example"), answers[i]));
        cr_assert(eq(int, calls, 2));
        cr_assert(eq(int, errno, 1002));
        const struct slot *s = slot_named("db.example");
        cr_assert(eq(u64, slot_counter(s, COUNT_RECOVERED), 0));
        cr_assert(eq(u64, slot_counter(s, COUNT_ATTEMPTS), 2 * (i + 1)),
                  "both attempts are counted");
    }
}

Test(resolve, never_on_dns_looks_up_once)
{
    setenv("HARDEN_NEVER_ON", "dns", 1);
    script[0] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), EAI_AGAIN));
    cr_assert(eq(int, calls, 1));
}

Test(resolve, a_look_up_takes_no_token)
{
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    for (int i = 0; i < 3; i++) {
        script[calls = 0] = EAI_AGAIN;
        script[1] = 0;
        cr_assert(eq(int, look_up("db.example"), 0));
    }
    cr_assert(eq(u64, slot_counter(slot_named("db.example"), COUNT_RATE_REJECTED), 0));
}

static int in_flight;

static int counting(const char *node, const char *service, const struct addrinfo *hints,
                    struct addrinfo **list)
{
    char name[SLOT_NAME_SIZE];
    const struct board *b = engine_peek() ? engine_peek()->board : NULL;
    for (uint32_t i = 0; b && i < board_size(b); i++) {
        struct slot *s = board_nth(b, i, name);
        if (s && s->kind == SLOT_BULKHEAD)
            in_flight += bulkhead_in_flight(bulkhead_page(s));
    }
    return scripted(node, service, hints, list);
}

Test(resolve, a_look_up_takes_no_permit)
{
    struct addrinfo *list;
    setenv("HARDEN_CONCURRENCY", "1", 1);
    script[0] = script[1] = EAI_AGAIN;
    cr_assert(eq(int, resolve(counting, "db.example", "80", NULL, &list), 0));
    cr_assert(eq(int, calls, 3));
    cr_assert(eq(int, in_flight, 0));
}

Test(resolve, a_successful_look_up_does_not_close_the_hosts_circuit)
{
    script[0] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), 0));
    struct breaker *b = (struct breaker *)&slot_named("db.example")->breaker;
    struct policy p = {.breaker_failures = 1, .breaker_open_ns = 60 * NS_PER_S};
    p.breaker_max_open_ns = p.breaker_open_ns;
    struct breaker_result refused = {.unreachable = true, .operation = 7};
    cr_assert(breaker_report(b, &p, &refused, clock_now_ns(), 0));
    script[calls = 0] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), 0));
    cr_assert(ne(int, breaker_state_at(b, clock_now_ns()), BREAKER_CLOSED));
}

Test(resolve, a_look_up_is_an_attempt_at_no_place)
{
    setenv("HARDEN_FALLBACK", "10.0.0.2", 1);
    script[0] = script[1] = EAI_AGAIN;
    cr_assert(eq(int, look_up("db.example"), 0));
    cr_assert(eq(u64, slot_counter(slot_named("db.example"), COUNT_FALLBACK_USED), 0));
    const struct board *b = engine_peek()->board;
    char name[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(b); i++)
        if (board_nth(b, i, name))
            cr_assert(ne(int, b->slots[i].kind, SLOT_PLACE));
}

Test(resolve, a_signal_ends_the_back_off)
{
    interrupt_the_back_off();
    script[0] = EAI_AGAIN;
    int64_t begun = clock_now_ns();
    cr_assert(eq(int, look_up("db.example"), EAI_AGAIN));
    cr_assert(lt(i64, clock_now_ns() - begun, 4 * NS_PER_S));
}
