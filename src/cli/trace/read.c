/* SPDX-License-Identifier: MIT
 *
 * Reads the trace, and gathers the events of each request. */
#include "cli/trace/trace.h"

#include <stdlib.h>
#include <string.h>

static char *read_all(FILE *f, size_t *size)
{
    char *text = NULL, part[65536];
    FILE *all = open_memstream(&text, size);
    if (!all)
        return NULL;
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        fwrite(part, 1, n, all);
    if (fclose(all)) {
        free(text);
        return NULL;
    }
    return text;
}

static size_t count_lines(const char *text, size_t size)
{
    size_t lines = 0;
    for (const char *end; (end = memchr(text, '\n', size)) != NULL; lines++) {
        size -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    return lines;
}

/* A last line without its end was being written. */
static void parse_lines(struct trace *t, size_t size)
{
    char *line = t->text;
    for (char *end; (end = memchr(line, '\n', size)) != NULL; line = end + 1) {
        size -= (size_t)(end + 1 - line);
        *end = '\0';
        if (trace_parse(&t->event[t->count], line, (size_t)(end - line)))
            t->count++;
        else
            t->unreadable++;
    }
}

/* Orders indexes by id, then by place in the file. */
static int by_id(const void *a, const void *b, void *trace)
{
    const struct trace *t = trace;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int order = strcmp(t->event[i].id, t->event[j].id);
    return order ? order : (i > j) - (i < j);
}

static int by_begin(const void *a, const void *b)
{
    const struct trace_request *r = a, *s = b;
    if (r->begun_ns != s->begun_ns)
        return r->begun_ns < s->begun_ns ? -1 : 1;
    return (r->event[0] > s->event[0]) - (r->event[0] < s->event[0]);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void add_event(struct trace_request *r, const struct trace_event *e)
{
    int64_t begun_ns = e->time_ns - later(e->duration_ns, 0);
    if (!r->count || begun_ns < r->begun_ns)
        r->begun_ns = begun_ns;
    r->ended_ns = later(r->ended_ns, e->time_ns);
    r->count++;
    bool harmless = !strcmp(e->kind, "attempt") || !strcmp(e->kind, "health");
    if (!strcmp(e->kind, "end")) {
        r->end = e;
        harmless = e->attempts == 1 && e->waited_ns <= 0 && !*e->not_retried && !*e->refused;
    }
    r->clean &= harmless;
}

/* Events with the same id are neighbours in t->order. */
static void gather(struct trace *t)
{
    const char *id = "";
    for (size_t i = 0; i < t->count; i++) {
        const struct trace_event *e = &t->event[t->order[i]];
        if (!*e->id)
            continue;
        if (strcmp(id, e->id) != 0)
            t->request[t->requests++] =
                (struct trace_request){.id = e->id, .event = &t->order[i], .clean = true};
        id = e->id;
        add_event(&t->request[t->requests - 1], e);
    }
}

bool trace_read(struct trace *t, FILE *f)
{
    size_t size = 0;
    *t = (struct trace){.text = read_all(f, &size)};
    size_t lines = t->text ? count_lines(t->text, size) : 0;
    t->event = calloc(lines + 1, sizeof *t->event);
    t->request = calloc(lines + 1, sizeof *t->request);
    t->order = calloc(lines + 1, sizeof *t->order);
    if (!t->text || !t->event || !t->request || !t->order) {
        trace_release(t);
        return false;
    }
    parse_lines(t, size);
    for (size_t i = 0; i < t->count; i++)
        t->order[i] = i;
    qsort_r(t->order, t->count, sizeof *t->order, by_id, t);
    gather(t);
    if (t->requests)
        qsort(t->request, t->requests, sizeof *t->request, by_begin);
    return true;
}

void trace_release(struct trace *t)
{
    free(t->text);
    free(t->event);
    free(t->request);
    free(t->order);
    *t = (struct trace){0};
}
