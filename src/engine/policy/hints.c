/* SPDX-License-Identifier: MIT */
#include "engine/policy/hints.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/minmax.h"
#include "base/words.h"
#include "engine/policy/classify_table.h"
#include "engine/policy/hint_fields.h"

#include <string.h>

#define QUOTAS_MAX    12
#define POSITIONS_MAX 4
/* Date is up to a second old when it is sent, and somewhat older when it is read. */
#define DATE_AGREES_NS (1250 * NS_PER_MS)
/* "About 1000 times." */
#define MS_AS_S_LEAST 500
#define MS_AS_S_MOST  2000

/* ---- what they say ---------------------------------------------------------------------------- */

/* A wait and the line that says so. -1: none. */
struct ask {
    int64_t ns;
    const char *line;
};

/* Values at the same position of the lists of one quota. Counts in millionths. */
struct position {
    int64_t remaining, used, limit;
    int64_t reset_ns;
    const char *line; /* of the reset */
};

struct quota {
    uint64_t id;
    uint8_t family;
    bool stands_alone; /* its fields come one by one: a reset without a remainder says something */
    int remaining, used, limit, resets; /* length of each list */
    struct position at[POSITIONS_MAX];
    struct ask too; /* the reset in another form */
    bool too_waits; /* it is a wait, too */
};

struct reading {
    struct hint *hint;
    int64_t date_ns, wall_ns; /* date_ns -1: the response has no Date */
    struct ask wait;          /* of the fields that ask for one */
    struct ask category;      /* of those that ask some kinds of requests for one */
    int quota_count;
    struct quota quota[QUOTAS_MAX];
};

static void ask(struct ask *longest, int64_t ns, const char *line)
{
    if (ns > longest->ns)
        *longest = (struct ask){ns, line};
}

/* The server's clock, to which a moment refers. A moment in whole seconds was cut like Date. */
static int64_t server_now_ns(const struct reading *r, int64_t moment_ns)
{
    bool whole = moment_ns % NS_PER_S == 0;
    if (r->date_ns < 0)
        return whole ? r->wall_ns / NS_PER_S * NS_PER_S : r->wall_ns;
    bool agrees = r->wall_ns >= r->date_ns && r->wall_ns - r->date_ns < DATE_AGREES_NS;
    return !whole && agrees ? r->wall_ns : r->date_ns;
}

static int64_t wait_of(const struct reading *r, const struct hint_value *v)
{
    return v->is_moment ? larger(v->ns - server_now_ns(r, v->ns), 0) : v->ns;
}

static struct quota *quota_of(struct reading *r, const struct hint_field *f, uint64_t id)
{
    for (int i = 0; i < r->quota_count; i++)
        if (r->quota[i].id == id && r->quota[i].family == f->family)
            return &r->quota[i];
    if (r->quota_count == QUOTAS_MAX)
        return NULL;
    struct quota *q = &r->quota[r->quota_count++];
    *q = (struct quota){.id = id,
                        .family = f->family,
                        .stands_alone = f->kind != HINT_IS_RATELIMIT,
                        .too = {-1, NULL}};
    return q;
}

static void read_wait(struct reading *r, struct ask *longest, enum hint_unit unit,
                      struct hint_text value, const char *line)
{
    struct hint_value v;
    while (hint_value_next(&value, unit, &v))
        ask(longest, wait_of(r, &v), line);
}

static void read_resets(struct reading *r, struct quota *q, const struct hint_field *f,
                        struct hint_text value, const char *line)
{
    struct hint_value v;
    while (hint_value_next(&value, f->unit, &v)) {
        if (f->kind != HINT_IS_RESET) {
            q->too = (struct ask){wait_of(r, &v), line};
            q->too_waits = f->kind == HINT_IS_RESET_AFTER;
        } else if (q->resets < POSITIONS_MAX) {
            q->at[q->resets].reset_ns = wait_of(r, &v);
            q->at[q->resets++].line = line;
        }
    }
}

/* "rejected" or "allowed", in place of a remainder. */
static void read_verdict(struct quota *q, struct hint_text value)
{
    if (q->remaining < POSITIONS_MAX)
        q->at[q->remaining++].remaining =
            !word_is(value.p, (size_t)(value.end - value.p), "rejected");
}

static void read_counts(struct quota *q, const struct hint_field *f, struct hint_text value)
{
    int64_t n;
    while (hint_count_next(&value, &n)) {
        if (f->kind == HINT_IS_REMAINING && q->remaining < POSITIONS_MAX)
            q->at[q->remaining++].remaining = n;
        else if (f->kind == HINT_IS_LIMIT && q->limit < POSITIONS_MAX)
            q->at[q->limit++].limit = n;
        else if (f->kind == HINT_IS_USED && q->used < POSITIONS_MAX)
            q->at[q->used++].used = n;
    }
}

/* "40/40" */
static void read_used_of(struct quota *q, struct hint_text value)
{
    struct hint_text used = hint_piece(&value, '/');
    if (q->used || !hint_count_next(&used, &q->at[0].used) ||
        !hint_count_next(&value, &q->at[0].limit))
        return;
    q->used = q->limit = 1;
}

/* A parameter of RateLimit: r=0, t=3 (and q, the size), or in older drafts remaining=0, reset=3. */
static void read_parameter(struct reading *r, struct quota *q, struct hint_text t, const char *line)
{
    static const struct hint_field fields[] = {
        {.name = "r", .kind = HINT_IS_REMAINING},
        {.name = "t", .kind = HINT_IS_RESET},
        {.name = "remaining", .kind = HINT_IS_REMAINING},
        {.name = "reset", .kind = HINT_IS_RESET},
        {.name = "resets", .kind = HINT_IS_RESET},
        {.name = "limit", .kind = HINT_IS_LIMIT},
        {.name = "q", .kind = HINT_IS_LIMIT},
    };
    struct hint_text name = hint_piece(&t, '=');
    for (size_t i = 0; i < array_size(fields); i++) {
        if (!word_is(name.p, (size_t)(name.end - name.p), fields[i].name))
            continue;
        if (fields[i].kind == HINT_IS_RESET)
            read_resets(r, q, &fields[i], t, line);
        else
            read_counts(q, &fields[i], t);
    }
}

/* "policy";r=50;t=30, "other";r=0;t=5     Each item is a quota.
 * limit=5, remaining=0, reset=3           The whole field is one. */
static void read_ratelimit(struct reading *r, const struct hint_field *f, struct hint_text value,
                           const char *line)
{
    struct quota *q = NULL;
    while (value.p < value.end) {
        struct hint_text item = hint_piece(&value, ','), first = hint_piece(&item, ';');
        bool named = first.p == first.end || !memchr(first.p, '=', (size_t)(first.end - first.p)) ||
                     *first.p == '"';
        if ((named || !q) && !(q = quota_of(r, f, (uint64_t)r->quota_count + 1)))
            return;
        if (!named)
            read_parameter(r, q, first, line);
        while (item.p < item.end)
            read_parameter(r, q, hint_piece(&item, ';'), line);
    }
}

/* "60:error:organization, 2700::project" */
static void read_categories(struct reading *r, struct hint_text value, const char *line)
{
    r->hint->of_resource = true;
    while (value.p < value.end) {
        struct hint_text item = hint_piece(&value, ',');
        read_wait(r, &r->category, HINT_S, hint_piece(&item, ':'), line);
    }
}

static bool says_throttled(struct hint_text value)
{
    static const char words[][30] = {"Throttling",           "Throttled",
                                     "TooManyRequests",      "ProvisionedThroughputExceeded",
                                     "RequestLimitExceeded", "SlowDown"};
    for (const char *p = value.p; p < value.end; p++)
        for (size_t i = 0; i < array_size(words); i++)
            if ((size_t)(value.end - p) >= strlen(words[i]) &&
                ascii_same_n(words[i], p, strlen(words[i])))
                return true;
    return false;
}

/* Without case, because a name may be written differently in each field. */
static uint64_t quota_id(struct hint_text name)
{
    uint64_t id = 0;
    for (; name.p < name.end; name.p++)
        id = id * 31 + (unsigned char)ascii_lower(*name.p);
    return id;
}

static void read_line(struct reading *r, const struct policy *p, const char *line)
{
    size_t n = strlen(line), name_length;
    const struct hint_field *f = hint_field_find(p, line, n, &name_length);
    if (!f)
        return;
    struct hint_text value = hint_trim((struct hint_text){line + name_length + 1, line + n});
    struct quota *q = NULL;
    switch (f->kind) {
    case HINT_IS_PUSHBACK:
        r->hint->never |= value.p < value.end && *value.p == '-';
        /* fall through */
    case HINT_IS_WAIT:
        read_wait(r, &r->wait, f->unit, value, line);
        break;
    case HINT_IS_RETRY:
        r->hint->never |= word_is(value.p, (size_t)(value.end - value.p), "false");
        break;
    case HINT_IS_RATELIMIT:
        read_ratelimit(r, f, value, line);
        break;
    case HINT_IS_CATEGORY:
        read_categories(r, value, line);
        break;
    case HINT_IS_SCOPE:
        r->hint->of_resource = true;
        break;
    case HINT_IS_ERROR:
        r->hint->throttled |= says_throttled(value);
        break;
    default:
        q = quota_of(r, f, quota_id(hint_field_quota(f, line, name_length)));
    }
    if (!q)
        return;
    if (f->kind == HINT_IS_USED_OF)
        read_used_of(q, value);
    else if (f->kind == HINT_IS_VERDICT)
        read_verdict(q, value);
    else if (f->kind == HINT_IS_REMAINING || f->kind == HINT_IS_LIMIT || f->kind == HINT_IS_USED)
        read_counts(q, f, value);
    else
        read_resets(r, q, f, value, line);
}

/* ---- what it comes to ------------------------------------------------------------------------- */

static bool is_throttling(int status)
{
    return outcome_of_http(status)->class == CLASS_C;
}

/* Of a list with one value, that one is meant everywhere. */
static int index_in(int i, int length)
{
    return i < length ? i : length == 1 ? 0 : -1;
}

struct quotas {
    struct ask empty; /* longest reset of a quota with nothing left */
    struct ask other; /* of one whose remainder is not said */
};

static void add_position(struct reading *r, const struct quota *q, int i, bool success,
                         struct quotas *all)
{
    int reset = index_in(i, q->resets), limit = index_in(i, q->limit);
    bool counted = i < q->remaining, derived = !counted && i < q->used && limit >= 0;
    bool empty = counted ? q->at[i].remaining == 0 : derived && q->at[i].used >= q->at[limit].limit;
    int64_t ns = reset >= 0 ? q->at[reset].reset_ns : q->too.ns;
    const char *line = reset >= 0 ? q->at[reset].line : q->too.line;
    if (q->too_waits && (empty || !(counted || derived)))
        ask(&r->wait, q->too.ns, q->too.line);
    if (empty) {
        /* "0 of 0" is no quota that was used up. */
        if (success && limit >= 0 && q->at[limit].limit == 0)
            return;
        r->hint->exhausted = true;
        ask(&all->empty, ns, line);
    } else if (!counted && !derived && q->stands_alone) {
        ask(&all->other, ns, line);
    }
}

static void add_quotas(struct reading *r, bool success, struct quotas *all)
{
    for (const struct quota *q = r->quota; q < r->quota + r->quota_count; q++) {
        int n = q->remaining ? q->remaining : q->used ? q->used : q->resets ? q->resets : 1;
        for (int i = 0; i < n; i++)
            add_position(r, q, i, success, all);
    }
}

/* Of a wait and the reset of a quota. */
static struct ask choose(struct ask wait, struct ask reset)
{
    if (reset.ns <= 0)
        return wait.ns > 0 ? wait : reset;
    bool ms_as_s = wait.ns / MS_AS_S_LEAST >= reset.ns && wait.ns / MS_AS_S_MOST <= reset.ns;
    return wait.ns <= 0 || wait.ns > HINT_MAX_NS || ms_as_s ? reset : wait;
}

void hints_read(const struct hint_lines *lines, const struct policy *p, int status, int64_t wall_ns,
                struct hint *h)
{
    *h = (struct hint){0};
    bool success = status >= 200 && status < 300;
    if (likely(!lines->used) || (success && !lines->may_empty))
        return;
    struct reading r;
    r.hint = h;
    r.wall_ns = larger(wall_ns, 0);
    r.date_ns = -1;
    r.quota_count = 0;
    r.wait = r.category = (struct ask){-1, NULL};
    struct hint_text date = {lines->date, lines->date + strlen(lines->date)};
    struct hint_value v;
    if (hint_value_next(&date, HINT_DATE, &v))
        r.date_ns = v.ns;
    for (size_t at = 0; at < lines->used; at += strlen(lines->text + at) + 1)
        read_line(&r, p, lines->text + at);

    struct quotas all = {{-1, NULL}, {-1, NULL}};
    add_quotas(&r, success, &all);
    struct ask reset = all.empty;
    if (is_throttling(status) && all.empty.ns < 0)
        reset = all.other.ns > 0 ? all.other : r.category;
    if (success)
        r.wait.ns = -1; /* "come back for the result" */
    struct ask best = choose(r.wait, reset);
    h->asked = r.wait.ns >= 0;
    h->misread = best.ns > HINT_MAX_NS;
    if (best.ns > 0 && !h->misread) {
        h->wait_ns = best.ns;
        h->line = best.line;
    } else if (h->misread) {
        h->asked = false;
        h->line = best.line;
    }
}

enum hint_scope hint_scope(const struct hint *h, int status)
{
    if (h->wait_ns <= 0)
        return HINT_OF_REQUEST;
    if (status >= 200 && status < 300)
        return h->exhausted && !h->of_resource ? HINT_OF_QUOTA : HINT_OF_REQUEST;
    if (is_throttling(status) || status == 503 || status == 403 || status == 413)
        return HINT_OF_HOST;
    if (h->throttled && status >= 400)
        return HINT_OF_HOST;
    return status >= 500 && status < 600 && h->asked ? HINT_OF_HOST : HINT_OF_REQUEST;
}
