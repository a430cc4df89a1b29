/* SPDX-License-Identifier: MIT */
#include "sock/resolve.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/idna.h"
#include "base/rng.h"
#include "base/shield.h"
#include "base/thread.h"
#include "engine/call/call.h"
#include "engine/config/rules.h"
#include "engine/engine.h"
#include "engine/policy/curl_codes.h"
#include "engine/publish/monitor.h"
#include "sock/names.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct question {
    resolve_function *real;
    const char *node, *service;
    const struct addrinfo *hints;
    struct addrinfo **list;
};

static int ask_once(const struct question *q)
{
    return q->real(q->node, q->service, q->hints, q->list);
}

static void remember(const struct question *q, int answer)
{
    int saved = errno;
    if (!answer && q->list && q->node)
        names_learn_addrinfo(q->node, *q->list, clock_now_ns());
    errno = saved;
}

/* Name servers are not hosts of the rules, so a look-up takes no token and no permit: its binding has no
 * lanes, but room for those of one bucket in case it is bound again. */
struct binding_room {
    _Alignas(struct binding) char bytes[BINDING_BYTES(RATES_MAX)];
};

struct bind_request {
    struct engine *engine;
    const char *node;
    int64_t now_ns;
    struct binding_room *room;
    bool ok;
};

static void bind_node(void *arg)
{
    struct bind_request *x = arg;
    struct binding b;
    char host[NAMES_HOST_SIZE];
    size_t n = strnlen(x->node, sizeof host);
    if (!n || n == sizeof host || !idna_encode(host, sizeof host, x->node, n))
        return;
    n = strlen(host);
    if (n > 1 && host[n - 1] == '.')
        host[n - 1] = '\0';
    struct target t = {.scheme = "", .host = host, .default_port = true, .path = ""};
    struct header_source no_headers = {0};
    struct engine *e = x->engine;
    memset(&b, 0, sizeof b);
    if (!call_bind(&b, atomic_load(&e->config), e->board, &t, &no_headers, x->now_ns) ||
        b.lane_count > RATES_MAX)
        return;
    b.lane_count = b.bulkheads = 0;
    b.special &= (uint8_t)~SPECIAL_PERMITS;
    memcpy(x->room->bytes, &b, sizeof x->room->bytes);
    x->ok = true;
}

static bool report_answer(struct call *c, int answer, int64_t begun_ns, int64_t *at_ns)
{
    int64_t now_ns = clock_now_ns();
    struct attempt a = {.protocol = PROTOCOL_CONNECT,
                        .curl_code = answer ? CURL_CODE_COULDNT_RESOLVE_HOST : 0,
                        .lookup = answer,
                        .nothing_sent = true,
                        .replayable = true,
                        .duration_ns = now_ns - begun_ns};
    return call_report(c, &a, now_ns, clock_wall_ns(), rng_next(), at_ns);
}

static void end_call(void *call)
{
    int saved = errno;
    call_end(call, clock_now_ns(), clock_wall_ns());
    monitor_update(clock_now_ns());
    errno = saved;
}

/* After a first EAI_AGAIN. */
static int ask_again(const struct question *q, struct engine *e, int64_t begun_ns)
{
    struct binding_room room;
    struct bind_request x = {.engine = e, .node = q->node, .now_ns = begun_ns, .room = &room};
    int answer = EAI_AGAIN, saved = errno;
    shield_run(bind_node, &x);
    if (!x.ok)
        return answer;
    struct call c;
    int64_t at_ns;
    thread_forbid(false); /* a signal handler may have left a connect() by longjmp */
    monitor_start();
    call_begin(&c, (struct binding *)(void *)room.bytes, 0, begun_ns);
    c.lookup_only = true;
    c.places = 0;
    c.method = "getaddrinfo";
    pthread_cleanup_push(end_call, &c);
    while (report_answer(&c, answer, begun_ns, &at_ns)) {
        if (clock_sleep_until(at_ns) == EINTR)
            break;
        begun_ns = clock_now_ns();
        if (call_admit(&c, begun_ns).answer != ANSWER_GO)
            break;
        answer = ask_once(q);
        saved = errno;
    }
    pthread_cleanup_pop(1);
    errno = saved;
    return answer;
}

int resolve(resolve_function *real, const char *node, const char *service,
            const struct addrinfo *hints, struct addrinfo **list)
{
    struct question q = {real, node, service, hints, list};
    int64_t begun_ns = clock_now_ns();
    int answer = ask_once(&q);
    if (unlikely(answer == EAI_AGAIN && node)) {
        struct engine *e = engine_get();
        if (e)
            answer = ask_again(&q, e, begun_ns);
    }
    remember(&q, answer);
    return answer;
}
