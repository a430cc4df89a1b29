/* SPDX-License-Identifier: MIT */
#include "fake_multi.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct fake_multi *fake_multi_of(CURLM *m)
{
    return (struct fake_multi *)m;
}

CURLM *fake_multi_init(void)
{
    struct fake_multi *f = calloc(1, sizeof *f);
    f->timer_told = f->own_timeout_ms = -1;
    return (CURLM *)f;
}

CURLMcode fake_multi_cleanup(CURLM *m)
{
    free(m);
    return CURLM_OK;
}

static int index_of(const struct fake_multi *f, const CURL *h)
{
    for (int i = 0; i < f->count; i++)
        if (f->handles[i] == h)
            return i;
    return -1;
}

static int alive(const struct fake_multi *f)
{
    int n = 0;
    for (int i = 0; i < f->count; i++)
        n += !f->done[i];
    return n;
}

static long timeout_of(const struct fake_multi *f)
{
    if (f->dead)
        return 0;
    for (int i = 0; i < f->count; i++)
        if (f->fresh[i])
            return 0;
    return f->own_timeout_ms;
}

static CURLMcode update_timer(struct fake_multi *f)
{
    if (!alive(f))
        f->own_timeout_ms = -1;
    long ms = timeout_of(f);
    bool is_known = ms == f->timer_told && (ms < 0 || !f->timer_spent);
    if (!f->timer_fn || f->dead || is_known)
        return CURLM_OK;
    f->timer_told = ms;
    f->timer_spent = false;
    f->in_callback = !f->unguarded;
    f->dead = f->timer_fn((CURLM *)f, ms, f->timer_data) == -1 && !f->ignores_timer_result;
    f->in_callback = false;
    return f->dead ? CURLM_ABORTED_BY_CALLBACK : CURLM_OK;
}

void fake_multi_expire(CURLM *m, long timeout_ms)
{
    fake_multi_of(m)->own_timeout_ms = timeout_ms;
    update_timer(fake_multi_of(m));
}

static void remove_at(struct fake_multi *f, int at)
{
    f->count--;
    for (int i = at; i < f->count; i++) {
        f->handles[i] = f->handles[i + 1];
        f->done[i] = f->done[i + 1];
        f->fresh[i] = f->fresh[i + 1];
        f->turns_left[i] = f->turns_left[i + 1];
    }
}

CURLMcode fake_multi_add(CURLM *m, CURL *h)
{
    struct fake_multi *f = fake_multi_of(m);
    if (index_of(f, h) >= 0)
        return CURLM_ADDED_ALREADY;
    if (f->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    if (f->refuses)
        return f->refuses;
    if (f->dead && alive(f))
        return CURLM_ABORTED_BY_CALLBACK;
    f->dead = false;
    f->handles[f->count] = h;
    f->fresh[f->count] = true;
    f->done[f->count++] = false;
    if (f->timer == TIMER_FORGETS)
        f->timer_told = -1;
    CURLMcode r = update_timer(f);
    if (r) {
        remove_at(f, f->count - 1);
        f->added_in_failure++;
        return r;
    }
    f->adds++;
    if (alive(f) > f->most_at_once)
        f->most_at_once = alive(f);
    return CURLM_OK;
}

CURLMcode fake_multi_remove(CURLM *m, CURL *h)
{
    struct fake_multi *f = fake_multi_of(m);
    int at = index_of(f, h);
    if (at < 0)
        return CURLM_OK;
    if (f->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    f->removes++;
    remove_at(f, at);
    return update_timer(f);
}

static CURLcode attempt(struct fake_multi *f, CURL *h)
{
    if (f->dead)
        return CURLE_ABORTED_BY_CALLBACK;
    f->in_callback = true;
    CURLcode r = fake_curl.easy_perform(h);
    f->in_callback = false;
    return r;
}

CURLMcode fake_multi_perform(CURLM *m, int *running)
{
    struct fake_multi *f = fake_multi_of(m);
    f->turns++;
    for (int i = 0; i < f->count; i++) {
        if (f->fresh[i])
            f->turns_left[i] = f->slow;
        f->fresh[i] = false;
        if (f->done[i] || (f->turns_left[i]-- > 0 && !f->dead))
            continue;
        CURLcode r = attempt(f, f->handles[i]);
        f->done[i] = true;
        f->messages[f->message_end % FAKE_HANDLES] =
            (CURLMsg){.msg = CURLMSG_DONE, .easy_handle = f->handles[i], .data = {.result = r}};
        f->message_end++;
        if (f->notify_fn)
            f->notify_fn(m, 1, f->handles[i], f->notify_data);
    }
    if (f->socket_refuses) {
        f->socket_refuses = false;
        f->dead = true;
        return CURLM_ABORTED_BY_CALLBACK; /* as in 7.88, without setting *running */
    }
    *running = alive(f);
    return update_timer(f);
}

CURLMcode fake_multi_socket_action(CURLM *m, curl_socket_t fd, int events, int *running)
{
    struct fake_multi *f = fake_multi_of(m);
    (void)events;
    if (fd == CURL_SOCKET_TIMEOUT && f->timer == TIMER_FORGETS)
        f->timer_told = -1;
    f->timer_spent |= fd == CURL_SOCKET_TIMEOUT && f->timer == TIMER_TELLS_ALL;
    return fake_multi_perform(m, running);
}

CURLMcode fake_multi_timeout(CURLM *m, long *timeout_ms)
{
    if (fake_multi_of(m)->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    *timeout_ms = timeout_of(fake_multi_of(m));
    return CURLM_OK;
}

CURLMcode fake_multi_fdset(CURLM *m, fd_set *in, fd_set *out, fd_set *err, int *highest)
{
    (void)m, (void)in, (void)out, (void)err;
    *highest = -1;
    return CURLM_OK;
}

CURLMsg *fake_multi_info_read(CURLM *m, int *left)
{
    struct fake_multi *f = fake_multi_of(m);
    *left = 0;
    if (f->message_begin == f->message_end)
        return NULL;
    *left = f->message_end - f->message_begin - 1;
    return &f->messages[f->message_begin++ % FAKE_HANDLES];
}

CURLMcode fake_multi_setopt(CURLM *m, CURLMoption option, ...)
{
    struct fake_multi *f = fake_multi_of(m);
    va_list ap;
    va_start(ap, option);
    void *v = (int)option < CURLOPTTYPE_OBJECTPOINT ? (void *)va_arg(ap, long) : va_arg(ap, void *);
    va_end(ap);
    switch ((int)option) {
    case CURLMOPT_TIMERFUNCTION:
        f->timer_fn = (curl_multi_timer_callback)v;
        break;
    case CURLMOPT_TIMERDATA:
        f->timer_data = v;
        break;
    case CURLMOPT_PUSHFUNCTION:
        f->push_fn = (curl_push_callback)v;
        break;
    case CURLMOPT_PUSHDATA:
        f->push_data = v;
        break;
    case CURLOPTTYPE_FUNCTIONPOINT + 18:
        f->notify_fn = (void (*)(CURLM *, unsigned, CURL *, void *))v;
        break;
    case CURLOPTTYPE_OBJECTPOINT + 19:
        f->notify_data = v;
        break;
    default:
        break;
    }
    return CURLM_OK;
}

CURLMcode fake_multi_wait(CURLM *m, struct curl_waitfd *extra, unsigned n, int ms, int *ready)
{
    (void)extra;
    (void)n;
    (void)ready;
    fake_multi_of(m)->waits++;
    fake_multi_of(m)->timeout_seen = ms;
    return CURLM_OK;
}

CURLMcode fake_multi_poll(CURLM *m, struct curl_waitfd *extra, unsigned n, int ms, int *ready)
{
    (void)extra;
    (void)n;
    (void)ready;
    fake_multi_of(m)->polls++;
    fake_multi_of(m)->timeout_seen = ms;
    return CURLM_OK;
}

CURL **fake_multi_get_handles(CURLM *m)
{
    struct fake_multi *f = fake_multi_of(m);
    CURL **list = calloc((size_t)f->count + 1, sizeof *list);
    memcpy(list, f->handles, (size_t)f->count * sizeof *list);
    return list;
}

CURLMcode fake_multi_get_offt(CURLM *m, int info, curl_off_t *out)
{
    struct fake_multi *f = fake_multi_of(m);
    const curl_off_t answers[] = {0, f->count, alive(f), 0, f->count - alive(f), f->adds};
    *out = answers[info];
    return CURLM_OK;
}

CURLMcode fake_multi_notify(CURLM *m, unsigned type)
{
    (void)m;
    return type > 1 ? CURLM_UNKNOWN_OPTION : CURLM_OK;
}
