/* SPDX-License-Identifier: MIT */
#include "engine/board/view.h"

#include "base/minmax.h"
#include "base/text.h"
#include "engine/board/bulkhead.h"
#include "engine/board/check_slot.h"
#include "engine/board/holder.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"

static const char hex[] = "0123456789ABCDEF";

static int slot_kind_of(const struct slot *s)
{
    return atomic_load_explicit(&s->kind, memory_order_relaxed);
}

static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_mark(struct text *t, uint64_t key)
{
    text_putn(t, "~", 1);
    for (int shift = 20; shift >= 0; shift -= 4)
        text_putn(t, &hex[key >> shift & 15], 1);
}

/* Whether the name was cut by board_cut_name(). */
static bool is_cut(const char name[SLOT_NAME_SIZE], uint64_t key)
{
    char cut[SLOT_NAME_SIZE];
    memcpy(cut, name, sizeof cut);
    board_cut_name(cut, key);
    return strlen(name) == SLOT_NAME_SIZE - 1 && strcmp(name, cut) == 0;
}

/* A host's name that looks like a marked one, or like the overflow slot, is marked, too. Only a place has
 * blanks in its name. */
static void show_name(char out[VIEW_NAME_SIZE], const char name[SLOT_NAME_SIZE], uint64_t key,
                      bool blanks)
{
    enum { MARK = 7, ESCAPE = 3 };
    struct text t = {.p = out, .cap = VIEW_NAME_SIZE};
    size_t i = 0, n = strlen(name);
    bool whole = strcmp(name, BOARD_OVERFLOW_NAME) != 0 && n < SLOT_NAME_SIZE - 1;
    if (!whole && is_cut(name, key))
        n -= MARK;
    while (i < n && (is_plain(name[i]) || (blanks && name[i] == ' ')) && name[i] != '~')
        i++;
    text_putn(&t, name, i);
    for (; i < n && t.n < VIEW_NAME_SIZE - MARK - ESCAPE; i++) {
        unsigned char c = (unsigned char)name[i];
        bool plain = is_plain(name[i]) || (blanks && name[i] == ' ');
        if (plain)
            text_putn(&t, name + i, 1);
        else
            text_putn(&t, (const char[]){'%', hex[c >> 4], hex[c & 15]}, ESCAPE);
        whole &= plain && c != '~';
    }
    if (whole && i == n)
        return;
    put_mark(&t, key);
}

static bool is_host(const struct slot *s)
{
    return slot_kind_of(s) == SLOT_HOST || view_is_counted_twice(s);
}

const struct slot *view_host(const struct board *b, uint32_t i, char name[VIEW_NAME_SIZE])
{
    char raw[SLOT_NAME_SIZE];
    const struct slot *s = board_nth(b, i, raw);
    if (!s || !is_host(s))
        return NULL;
    if (s == board_overflow(b))
        memcpy(name, raw, sizeof raw);
    else
        show_name(name, raw, atomic_load_explicit(&s->key, memory_order_relaxed), view_is_place(s));
    return s;
}

struct view_state view_state(const struct board *b, const struct slot *s, int64_t now_ns)
{
    struct view_state v = {.status = status_of(s),
                           .breaker = breaker_state_at(&s->breaker, now_ns),
                           .slo_burns = slo_slot_burns(b, s, now_ns)};
    bool held = v.breaker != BREAKER_CLOSED || v.slo_burns || pause_is_on(s, now_ns);
    if (held && v.status == STATUS_HEALTHY)
        v.status = STATUS_DEGRADED;
    return v;
}

enum health_status view_status(const struct board *b, const struct slot *s, int64_t now_ns)
{
    return view_state(b, s, now_ns).status;
}

/* A pause ends by time: no process notes since when the host is healthy again. An SLO may begin and cease to
 * burn by time while no process runs. */
int64_t view_since_ms(const struct board *b, const struct slot *s, enum health_status status,
                      int64_t now_ns, int64_t wall_ns)
{
    int64_t slo_ns = slo_slot_unnoticed_ns(b, s, now_ns);
    int64_t since_ms = atomic_load_explicit(&s->status_since_ms, memory_order_relaxed);
    int64_t ended_ns = pause_ended_ns(s, PAUSE_OF_ALL, now_ns);
    if (status == STATUS_HEALTHY && ended_ns)
        since_ms = larger(since_ms, (wall_ns - (now_ns - ended_ns)) / NS_PER_MS);
    if (slo_ns)
        since_ms = larger(since_ms, (wall_ns - (now_ns - slo_ns)) / NS_PER_MS);
    return since_ms;
}

void view_add(struct overall *all, enum health_status one)
{
    all->hosts++;
    all->healthy += one == STATUS_HEALTHY;
    all->unhealthy += one == STATUS_UNHEALTHY;
}

enum health_status view_overall(const struct overall *all)
{
    return all->healthy == all->hosts     ? STATUS_HEALTHY
           : all->unhealthy == all->hosts ? STATUS_UNHEALTHY
                                          : STATUS_DEGRADED;
}

/* The next word of "NAME TYPE ORIGIN", without bytes that are not plain. */
static const char *take_word(const char *s, char *out, size_t size)
{
    struct text t = {.p = out, .cap = size};
    *out = '\0';
    for (; *s && *s != ' '; s++)
        if (is_plain(*s))
            text_putn(&t, s, 1);
    return *s ? s + 1 : s;
}

static bool is_taken(const struct board *b, const char *name)
{
    const struct slot *host = board_find(b, board_host_key(name, 0));
    return host && is_host(host);
}

const struct slot *view_check(const struct board *b, uint32_t i, int64_t now_ns,
                              struct check_view *v)
{
    char raw[SLOT_NAME_SIZE];
    const struct slot *s = board_nth(b, i, raw);
    if (!s || !check_slot_is_shown(s, now_ns))
        return NULL;
    const char *rest = take_word(raw, v->name, sizeof v->name);
    rest = take_word(rest, v->kind, sizeof v->kind);
    take_word(rest, v->target, sizeof v->target);
    struct text t = {.p = v->name, .n = strlen(v->name), .cap = sizeof v->name};
    if (is_taken(b, v->name))
        put_mark(&t, atomic_load_explicit(&s->key, memory_order_relaxed));
    v->known = check_slot_is_known(s);
    v->status = status_of(s);
    return s;
}

bool view_name(const struct board *b, uint32_t i, int64_t now_ns, char name[VIEW_NAME_SIZE])
{
    struct check_view check;
    if (view_host(b, i, name))
        return true;
    if (!view_check(b, i, now_ns, &check))
        return false;
    memcpy(name, check.name, sizeof check.name);
    return true;
}

uint32_t view_count(const struct board *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < board_size(b); i++)
        n += atomic_load_explicit(&b->slots[i].key, memory_order_relaxed) &&
             (is_host(&b->slots[i]) || slot_kind_of(&b->slots[i]) == SLOT_CHECK);
    return n;
}

bool view_is_place(const struct slot *s)
{
    return slot_kind_of(s) == SLOT_PLACE;
}

bool view_is_counted_twice(const struct slot *s)
{
    return slot_kind_of(s) == SLOT_PROXY || view_is_place(s);
}

bool view_observed(const struct board *b, const struct slot *s, struct observed_view *v)
{
    uint64_t key = atomic_load_explicit(&s->key, memory_order_relaxed);
    const struct slot *o = board_find(b, board_observed_key(key));
    if (!o || slot_kind_of(o) != SLOT_OBSERVED)
        return false;
    *v = (struct observed_view){
        .waits = slot_counter(o, COUNT_WAITED) + slot_counter(o, COUNT_CONCURRENCY_WAITED),
        .rejected = slot_counter(o, COUNT_RATE_REJECTED) + slot_counter(o, COUNT_BREAKER_REJECTED) +
                    slot_counter(o, COUNT_CONCURRENCY_REJECTED),
        .retries = slot_counter(o, COUNT_RETRIES),
        .fallbacks = slot_counter(o, COUNT_FALLBACK_USED),
    };
    uint64_t waited_ns = slot_counter(o, COUNT_WAITED_NS);
    v->waited_ns = waited_ns < INT64_MAX ? (int64_t)waited_ns : INT64_MAX;
    return true;
}

struct last_error view_error(const struct slot *s)
{
    struct last_error e =
        last_error_unpack(atomic_load_explicit(&s->last_error, memory_order_relaxed));
    e.class = e.class <= CLASS_E ? e.class : CLASS_E;
    e.reason = e.reason < REASON_COUNT ? e.reason : REASON_OTHER;
    return e;
}

bool view_rate(const struct board *b, const struct slot *s, struct rate *r, int64_t *tat_ns)
{
    uint64_t shown = atomic_load_explicit(&s->shown_rate, memory_order_relaxed);
    int64_t window =
        NS_PER_MS * (int64_t)atomic_load_explicit(&s->shown_window_ms, memory_order_relaxed);
    uint32_t tokens = (uint32_t)(shown >> 32), burst = (uint32_t)shown;
    if (!tokens || !burst || window <= 0)
        return false;
    *r = (struct rate){.tokens = tokens,
                       .burst = burst,
                       .window_ns = window,
                       .interval_ns = window / tokens + (window % tokens != 0)};
    uint32_t bucket = atomic_load_explicit(&s->bucket_index, memory_order_relaxed);
    if (bucket && bucket <= board_size(b)) {
        s = &b->slots[bucket - 1];
        if (slot_kind_of(s) != SLOT_BUCKET && slot_kind_of(s) != SLOT_OBSERVED)
            s = NULL; /* given to a host, so the bucket was idle, which means full */
    }
    int word = s ? slot_window(s, window) : -1;
    *tat_ns = word >= 0 ? atomic_load_explicit(&s->tat_ns[word], memory_order_relaxed) : 0;
    return true;
}

double view_budget(const struct slot *s, int64_t now_ns)
{
    float fill_ms = atomic_load_explicit(&s->budget_fill_ms, memory_order_relaxed);
    bool possible = fill_ms > 0 && fill_ms < (float)BUDGET_FILL_MAX_MS; /* false for NaN, too */
    return budget_available(&s->budget, possible ? (uint64_t)fill_ms : 0, now_ns);
}

uint64_t view_latency(const struct slot *s, uint64_t counts[LATENCY_BUCKETS])
{
    uint64_t n = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        n += counts[i] = slot_latency(s, i);
    return n;
}

int64_t view_quantile_ns(const struct slot *s, const uint64_t counts[LATENCY_BUCKETS], uint64_t n,
                         double q)
{
    int64_t max_ns = atomic_load_explicit(&s->max_ns, memory_order_relaxed);
    int64_t ns = latency_quantile_ns(counts, n, q);
    return max_ns > 0 && ns > max_ns ? max_ns : ns;
}

bool view_adaptive(const struct board *b, const struct slot *s, bool observed, int64_t now_ns,
                   struct adaptive_view *v)
{
    struct rate r;
    int64_t tat_ns;
    uint64_t ceiling_milli = view_rate(b, s, &r, &tat_ns) && r.interval_ns > 0
                                 ? 1000 * (uint64_t)NS_PER_S / (uint64_t)r.interval_ns
                                 : 0;
    if (observed)
        s = board_find(b, board_observed_key(atomic_load_explicit(&s->key, memory_order_relaxed)));
    return s && (!observed || slot_kind_of(s) == SLOT_OBSERVED) &&
           adaptive_read(&s->adaptive, ceiling_milli, now_ns, v);
}

void view_bulkhead(const struct board *b, uint64_t key, uint32_t limit, int64_t now_ns,
                   struct concurrency_view *v)
{
    struct holder_check k;
    *v = (struct concurrency_view){.limit = limit};
    holder_check_begin(&k, b);
    for (unsigned i = 0; i * BULKHEAD_PERMITS < limit && i < BULKHEAD_PAGES; i++) {
        struct slot *s = board_find(b, bulkhead_page_key(key, i));
        if (!s || slot_kind_of(s) != SLOT_BULKHEAD)
            continue;
        v->in_flight += (uint32_t)bulkhead_in_flight_now(bulkhead_page(s), &k);
        if (!i)
            v->waiting = (uint32_t)bulkhead_waiting(bulkhead_page(s), now_ns);
    }
    holder_check_end(&k);
}

bool view_concurrency(const struct board *b, const struct slot *s, int64_t now_ns,
                      struct concurrency_view *v)
{
    uint32_t limit = atomic_load_explicit(&s->shown_concurrency, memory_order_relaxed);
    uint32_t index = atomic_load_explicit(&s->bulkhead_index, memory_order_relaxed);
    *v = (struct concurrency_view){.limit = 0};
    if (!limit || limit > PERMITS_MAX || !index || index > b->slot_count)
        return false;
    uint64_t key = atomic_load_explicit(&b->slots[index - 1].key, memory_order_relaxed);
    view_bulkhead(b, key, limit, now_ns, v);
    return true;
}
