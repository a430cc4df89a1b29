/* SPDX-License-Identifier: MIT */
#include "curl/multi/private.h"

#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"

#include <stdlib.h>
#include <string.h>

static size_t count(const struct queue *q)
{
    return q->end - q->begin;
}

static bool reserve(struct queue *q, size_t n)
{
    if (q->end + n <= q->room)
        return true;
    size_t used = count(q);
    if (used + n > q->room / 2) {
        size_t room = (used + n) * 2 + MESSAGES_SPARE;
        void **list = realloc(q->list, room * sizeof *list);
        if (list) {
            q->list = list;
            q->room = room;
        } else if (used + n > q->room) {
            return false;
        }
    }
    memmove(q->list, q->list + q->begin, used * sizeof *q->list);
    q->begin = 0;
    q->end = used;
    return true;
}

static void *take(struct queue *q)
{
    return count(q) ? q->list[q->begin++] : NULL;
}

static void drop_at(struct queue *q, size_t i)
{
    memmove(q->list + i, q->list + i + 1, (q->end - i - 1) * sizeof *q->list);
    q->end--;
}

bool messages_reserve(struct multi *m, size_t n)
{
    return reserve(&m->messages, n) && reserve(&m->done, n);
}

void messages_put(struct multi *m, CURLMsg *msg)
{
    precondition(m->messages.end < m->messages.room && m->done.end < m->done.room);
    m->news |= !count(&m->messages);
    m->messages.list[m->messages.end++] = msg;
    m->done.list[m->done.end++] = msg->easy_handle;
}

/* There is one of a handle at most. */
void messages_drop(struct multi *m, const CURL *h)
{
    for (size_t i = m->messages.begin; i < m->messages.end; i++)
        if (((CURLMsg *)m->messages.list[i])->easy_handle == h) {
            drop_at(&m->messages, i);
            break;
        }
    for (size_t i = m->done.begin; i < m->done.end; i++)
        if (m->done.list[i] == h) {
            drop_at(&m->done, i);
            break;
        }
}

void messages_free(struct multi *m)
{
    free(m->messages.list);
    free(m->done.list);
}

CURLMsg *multi_info_read(struct multi *m, int *left)
{
    *left = 0;
    if (multi_is_forbidden(m))
        return NULL; /* as libcurl has it */
    CURLMsg *msg = take(&m->messages);
    if (!msg && unlikely(m->starved))
        msg = multi_unkept(m);
    *left = (int)count(&m->messages) + (unlikely(m->starved) ? m->unread : 0);
    return msg;
}

static void notified(struct multi **m)
{
    (*m)->in_notice = false;
}

/* In these callbacks the program may do anything to the multi handle but drive or end it. */
static void notify(struct multi *m, enum multi_notice notice, CURL *h)
{
    struct multi *calling __attribute__((cleanup(notified), unused)) = m;
    if (!m->notify_fn || !(m->notices & 1U << notice))
        return;
    m->in_notice = true;
    m->notify_fn(m->handle, notice, h, m->notify_data);
}

void messages_notify(struct multi *m)
{
    for (CURL *h; (h = take(&m->done));)
        notify(m, NOTICE_EASY_DONE, h);
    bool news = m->news;
    m->news = false;
    if (news)
        notify(m, NOTICE_INFO_READ, NULL);
}
