/* SPDX-License-Identifier: MIT
 *
 * The messages that curl_multi_info_read() returns: libcurl's, and those of refused or delivered members. */
#include "curl/multi/private.h"

#include "base/precondition.h"
#include "base/sizes.h"

#include <stdlib.h>
#include <string.h>

static size_t queue_length(const struct queue *q)
{
    return q->end - q->begin;
}

static bool queue_reserve(struct queue *q, size_t n)
{
    if (q->end + n <= q->room)
        return true;
    size_t used = queue_length(q);
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

static void *queue_take(struct queue *q)
{
    return queue_length(q) ? q->list[q->begin++] : NULL;
}

static void queue_drop_at(struct queue *q, size_t i)
{
    memmove(q->list + i, q->list + i + 1, (q->end - i - 1) * sizeof *q->list);
    q->end--;
}

bool messages_reserve(struct multi *m, size_t n)
{
    return queue_reserve(&m->messages, n) && queue_reserve(&m->done, n);
}

void messages_put(struct multi *m, CURLMsg *msg)
{
    precondition(m->messages.end < m->messages.room && m->done.end < m->done.room);
    m->first_message |= !queue_length(&m->messages);
    m->messages.list[m->messages.end++] = msg;
    m->done.list[m->done.end++] = msg->easy_handle;
}

/* A handle has one message at most. */
void messages_drop(struct multi *m, const CURL *h)
{
    for (size_t i = m->messages.begin; i < m->messages.end; i++)
        if (((CURLMsg *)m->messages.list[i])->easy_handle == h) {
            queue_drop_at(&m->messages, i);
            break;
        }
    for (size_t i = m->done.begin; i < m->done.end; i++)
        if (m->done.list[i] == h) {
            queue_drop_at(&m->done, i);
            break;
        }
}

void messages_free(struct multi *m)
{
    free(m->messages.list);
    free(m->done.list);
}

CURLMsg *messages_take(struct multi *m)
{
    return queue_take(&m->messages);
}

size_t messages_count(const struct multi *m)
{
    return queue_length(&m->messages);
}

static void notify_ended(struct multi **m)
{
    (*m)->in_notify = false;
}

/* In this callback the program may do all with the multi handle but drive it or clean it up. */
static void notify_program(struct multi *m, enum multi_notification notification, CURL *h)
{
    struct multi *calling __attribute__((cleanup(notify_ended), unused)) = m;
    if (!m->notify_fn || !(m->notify_mask & 1U << notification))
        return;
    m->in_notify = true;
    m->notify_fn(m->handle, notification, h, m->notify_data);
}

void messages_notify(struct multi *m)
{
    for (CURL *h; (h = queue_take(&m->done));)
        notify_program(m, NOTIFY_EASY_DONE, h);
    bool first = m->first_message;
    m->first_message = false;
    if (first)
        notify_program(m, NOTIFY_INFO_READ, NULL);
}
