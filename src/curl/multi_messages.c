/* SPDX-License-Identifier: MIT */
#include "curl/multi_parts.h"

#include <stdlib.h>
#include <string.h>

size_t messages_count(const struct messages *q)
{
    return q->end - q->begin;
}

bool messages_reserve(struct messages *q, size_t n)
{
    size_t count = messages_count(q);
    if (q->end + n <= q->room)
        return true;
    if (count + n > q->room / 2) {
        size_t room = (count + n) * 2 + 14;
        CURLMsg **list = realloc(q->list, room * sizeof *list);
        if (!list)
            return false;
        q->list = list;
        q->room = room;
    }
    memmove(q->list, q->list + q->begin, count * sizeof *q->list);
    q->begin = 0;
    q->end = count;
    return true;
}

void messages_put(struct messages *q, CURLMsg *msg)
{
    q->list[q->end++] = msg;
    q->news++;
}

static void drop_at(struct messages *q, size_t i)
{
    if (i + q->news >= q->end)
        q->news--;
    if (i == q->begin) {
        q->begin++;
        return;
    }
    memmove(q->list + i, q->list + i + 1, (q->end - i - 1) * sizeof *q->list);
    q->end--;
}

void messages_drop(struct messages *q, const CURL *h)
{
    for (size_t i = q->begin; i < q->end; i++)
        if (q->list[i]->easy_handle == h) {
            drop_at(q, i);
            return; /* there is one of a handle at most */
        }
}

CURLMsg *multi_info_read(struct multi *m, int *left)
{
    struct messages *q = &m->messages;
    CURLMsg *msg = NULL;
    *left = 0;
    if (m->in_callback)
        return NULL; /* as libcurl has it */
    if (messages_count(q)) {
        msg = q->list[q->begin];
        drop_at(q, q->begin);
    }
    *left = (int)messages_count(q);
    return msg;
}

/* The program may do anything to the multi handle in these callbacks but drive it. */
void messages_notify(struct multi *m)
{
    struct messages *q = &m->messages;
    bool was_empty = q->news && q->news == messages_count(q);
    while (q->news) {
        CURL *h = q->list[q->end - q->news]->easy_handle;
        q->news--;
        if (m->notify_fn && m->notices & 1U << NOTICE_EASY_DONE)
            m->notify_fn(m->handle, NOTICE_EASY_DONE, h, m->notify_data);
    }
    if (was_empty && messages_count(q) && m->notify_fn && m->notices & 1U << NOTICE_INFO_READ)
        m->notify_fn(m->handle, NOTICE_INFO_READ, NULL, m->notify_data);
}
