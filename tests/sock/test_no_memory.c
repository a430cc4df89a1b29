/* SPDX-License-Identifier: MIT
 *
 * connect() and getaddrinfo() while memory is short: the real call is made, and the program gets
 * its result. */
#include "scarce.h"

#include "base/clock.h"
#include "sock/dial.h"
#include "sock/names.h"
#include "sock/resolve.h"
#include "sock_test.h"

#include <arpa/inet.h>
#include <stdio.h>

static int answers[4], calls;

static int scripted_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd, (void)address, (void)length;
    int error = answers[calls++];
    errno = error ? error : errno;
    return error ? -1 : 0;
}

static int scripted_lookup(const char *node, const char *service, const struct addrinfo *hints,
                           struct addrinfo **list)
{
    (void)node, (void)service, (void)hints, (void)list;
    return answers[calls++];
}

static void with_a_limit(void)
{
    private_engine();
    setenv("HARDEN_RATE", "1000/1s", 1);
}

TestSuite(no_memory, .init = private_engine, .timeout = 120);

static const char *connect_with(int fd, int first)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(5432)};
    struct endpoint to;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    endpoint_of(&to, (struct sockaddr *)&a, sizeof a);
    answers[0] = first;
    errno = EXDEV;
    scarce_begin();
    int r = dial(&(struct dial_request){scripted_connect, fd, (struct sockaddr *)&a, sizeof a, &to,
                                        (void *)connect_with});
    scarce_end();
    if (!calls)
        return "the real call was not made";
    int last = answers[calls - 1];
    if (r != (last ? -1 : 0) || errno != (last ? last : EXDEV))
        return "the answer is not that of the last call";
    return last && !scarce.failed ? "a failure was not repeated" : NULL;
}

static const char *connect_successfully(void)
{
    return connect_with(socket(AF_INET, SOCK_STREAM, 0), 0);
}

static const char *connect_unsuccessfully(void)
{
    return connect_with(socket(AF_INET, SOCK_STREAM, 0), ECONNREFUSED);
}

Test(no_memory, a_connection_is_made_as_usual)
{
    scarce_each_child(connect_successfully);
}

Test(no_memory, a_connection_to_a_limited_host_is_made_as_usual, .init = with_a_limit)
{
    scarce_each_child(connect_successfully);
}

Test(no_memory, a_failure_is_repeated_or_reported)
{
    scarce_each_child(connect_unsuccessfully);
}

static const char *look_up(void)
{
    struct addrinfo *list = NULL;
    answers[0] = EAI_AGAIN;
    scarce_begin();
    int r = resolve(scripted_lookup, "db.example", "80", NULL, &list);
    scarce_end();
    if (!calls || r != answers[calls - 1])
        return "the answer is not that of the last question";
    return r && !scarce.failed ? "the question was not repeated" : NULL;
}

Test(no_memory, a_name_is_looked_up_as_usual)
{
    scarce_each_child(look_up);
}
