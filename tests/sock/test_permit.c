/* SPDX-License-Identifier: MIT
 *
 * connect() under a concurrency limit, with a scripted system call: when its permit is taken and given back. */
#include "engine/board/bulkhead.h"
#include "sock/dial.h"
#include "sock_test.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <setjmp.h>
#include <unistd.h>

/* With this option, local variables are not where the calls of the stack are. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_stack_use_after_return=0";
}

static void (*meanwhile)(void); /* what happens while the real call blocks */
static jmp_buf left;

static int scripted(int fd, const struct sockaddr *address, socklen_t length)
{
    void (*run)(void) = meanwhile;
    (void)fd, (void)address, (void)length;
    meanwhile = NULL;
    if (run)
        run();
    return 0;
}

static void make(void)
{
    private_engine();
    setenv("HARDEN_CONCURRENCY", "1", 1);
    setenv("HARDEN_ON_CONCURRENCY", "fail", 1);
}

TestSuite(permit, .init = make, .timeout = 60);

/* 0, or the errno. */
static __attribute__((noinline)) int dial_once(int kind)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5432)};
    struct endpoint at;
    int fd = socket(AF_INET, SOCK_STREAM | kind, 0);
    to.sin_addr.s_addr = htonl(0x0a000001);
    cr_assert(endpoint_of(&at, (struct sockaddr *)&to, sizeof to));
    struct dial_request r = {scripted, fd, (struct sockaddr *)&to, sizeof to, &at, NULL};
    int error = dial(&r) ? errno : 0;
    close(fd);
    return error;
}

static int in_flight(void)
{
    const struct board *b = engine_peek()->board;
    const struct slot *host = slot_named("10.0.0.1:5432");
    return bulkhead_in_flight(bulkhead_page(&b->slots[host->bulkhead_index - 1]));
}

static int during; /* the result of what happened meanwhile */

static void dial_too(void)
{
    during = dial_once(0);
}

static void dial_without_blocking(void)
{
    during = dial_once(SOCK_NONBLOCK);
}

static void leave(void)
{
    cr_assert(eq(int, in_flight(), 1));
    longjmp(left, 1);
}

Test(permit, is_held_until_the_call_returns)
{
    meanwhile = dial_too;
    cr_assert(zero(int, dial_once(0)));
    cr_assert(eq(int, during, ETIMEDOUT),
              "a handler's call takes no permit of the one it interrupts");
    cr_assert(zero(int, in_flight()));
    cr_assert(zero(int, dial_once(0)));
}

Test(permit, a_call_that_does_not_block_is_refused_only_while_none_is_free)
{
    cr_assert(zero(int, dial_once(SOCK_NONBLOCK)));
    cr_assert(zero(int, in_flight()));
    meanwhile = dial_without_blocking;
    cr_assert(zero(int, dial_once(0)));
    cr_assert(eq(int, during, ETIMEDOUT));
}

Test(permit, a_call_that_was_left_by_a_jump_gives_it_back_at_the_next_one)
{
    cr_assert(zero(int, dial_once(0)));
    meanwhile = leave;
    if (!setjmp(left))
        dial_once(0);
    cr_assert(eq(int, in_flight(), 1));
    cr_assert(zero(int, dial_once(0)));
    cr_assert(zero(int, in_flight()));
}
