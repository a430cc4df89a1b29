/* SPDX-License-Identifier: MIT */
#include "engine/check/lookup.h"

#include "base/clock.h"
#include "base/minmax.h"
#include "base/process.h"
#include "base/thread.h"
#include "engine/check/fork_guard.h"
#include "engine/check/thread_mark.h"
#include "engine/config/check_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Shared by the caller and the thread that waits for the resolver. The last one frees it. */
struct lookup {
    _Atomic uint32_t done;
    _Atomic int owners;
    int answer;
    struct addrinfo *list;
    char host[CHECK_HOST_SIZE], port[6];
};

static void release_lookup(struct lookup *l)
{
    if (atomic_fetch_sub(&l->owners, 1) > 1)
        return;
    if (l->list)
        freeaddrinfo(l->list);
    free(l);
}

static void leave_turn(void)
{
    struct process *p = process_self();
    atomic_fetch_sub(&p->lookups, 1);
    process_wake(&p->lookups);
}

static void *ask_resolver(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    check_own_thread = true;
    l->answer = getaddrinfo(l->host, *l->port ? l->port : NULL, &hints, &list);
    l->list = l->answer ? NULL : list;
    atomic_store(&l->done, 1);
    process_wake(&l->done);
    release_lookup(l);
    leave_turn();
    return NULL;
}

/* False: the deadline has passed. */
static bool wait_for_turn(int64_t deadline_ns)
{
    struct process *p = process_self();
    uint32_t lookups = atomic_load(&p->lookups);
    for (;;) {
        if (lookups < CHECK_LOOKUPS_MAX) {
            if (atomic_compare_exchange_strong(&p->lookups, &lookups, lookups + 1))
                return true;
        } else {
            if (clock_now_ns() >= deadline_ns)
                return false;
            process_wait(&p->lookups, lookups, deadline_ns);
            lookups = atomic_load(&p->lookups);
        }
    }
}

/* A numeric address needs no resolver. */
static bool parse_address(const char *host, const char *port, struct addrinfo **list)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    return getaddrinfo(host, *port ? port : NULL, &hints, list) == 0;
}

int check_lookup(const char *host, const char *port, int64_t deadline_ns, struct addrinfo **list)
{
    if (parse_address(host, port, list))
        return 0;
    if (!wait_for_turn(deadline_ns))
        return CHECK_LOOKUP_TIMEOUT;
    struct lookup *l = calloc(1, sizeof *l);
    if (!l) {
        leave_turn();
        return EAI_MEMORY;
    }
    atomic_store(&l->owners, 2);
    snprintf(l->host, sizeof l->host, "%s", host);
    snprintf(l->port, sizeof l->port, "%s", port);
    if (thread_start(ask_resolver, l)) {
        free(l);
        leave_turn();
        return EAI_MEMORY;
    }
    while (!atomic_load(&l->done) && clock_now_ns() < deadline_ns && !check_is_ending()) {
        process_wait(&l->done, 0, smaller(clock_now_ns() + CHECK_STEP_NS, deadline_ns));
    }
    int answer = CHECK_LOOKUP_TIMEOUT;
    if (atomic_load(&l->done)) {
        answer = l->answer;
        *list = l->list;
        l->list = NULL;
    }
    release_lookup(l);
    return answer;
}
