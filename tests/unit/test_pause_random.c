/* SPDX-License-Identifier: MIT
 *
 * Random answers with random hints, and what the requests behind them are told. A model of the pauses knows
 * who may set one, for how long, and who has to obey. */
#include "call_steps.h"

#include "base/compiler.h"
#include "base/minmax.h"

#include <stdio.h>
#include <time.h>

#define ANSWERS   100000
#define DAY_NS    (86400 * NS_PER_S)
#define MAX_WAIT  (30 * NS_PER_S)
#define MAX_DELAY (5 * NS_PER_S)

static int round_no;
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cr_assert(false, "answer %d: %s", round_no, #condition);                               \
    } while (0)

static uint64_t random_word(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15ULL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int64_t below(int64_t n)
{
    return (int64_t)(random_word() >> 1) % n;
}

static bool one_in(int64_t n)
{
    return !below(n);
}

/* ---- an answer -------------------------------------------------------------------------------- */

struct answer_model {
    struct hint_lines lines;
    struct hint hint;   /* as read */
    int64_t date_s;     /* the server's clock */
    int64_t longest_ns; /* of all that the fields say */
    int64_t reset_ns;   /* longest of quotas */
    int64_t asked_ns;   /* by waits; -1: there is none */
    bool quota, empty;  /* there is a quota; nothing is left of one */
    bool scoped, never, throttled;
};

static void add(struct answer_model *m, const char *name, const char *value)
{
    char line[120];
    int n = snprintf(line, sizeof line, "%s: %s\r\n", name, value);
    hints_line(&m->lines, &policy, line, (size_t)n);
}

/* A time in one of its forms. */
static int64_t time_as_text(const struct answer_model *m, char text[64])
{
    int64_t s = one_in(8) ? below(100000) : one_in(4) ? below(400) : below(40), ms = 0;
    time_t then = m->date_s + s;
    struct tm tm;
    gmtime_r(&then, &tm);
    switch (below(10)) {
    case 0:
        ms = below(1000);
        snprintf(text, 64, "%lld.%03lld", (long long)s, (long long)ms);
        break;
    case 1:
        snprintf(text, 64, "%lldm%llds", (long long)s / 60, (long long)s % 60);
        break;
    case 2:
        snprintf(text, 64, "PT%lldS", (long long)s);
        break;
    case 3:
        snprintf(text, 64, "%lld", (long long)then);
        break;
    case 4:
        snprintf(text, 64, "%lld000", (long long)then);
        break;
    case 5:
        snprintf(text, 64, "%lld000000000", (long long)then);
        break;
    case 6:
        strftime(text, 64, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        break;
    case 7:
        strftime(text, 64, "%Y-%m-%dT%H:%M:%SZ", &tm);
        break;
    default:
        snprintf(text, 64, "%lld", (long long)s);
    }
    return s * NS_PER_S + ms * NS_PER_MS;
}

static void add_quota(struct answer_model *m)
{
    static const char *const names[][2] = {
        {"X-RateLimit-Remaining", "X-RateLimit-Reset"},
        {"RateLimit-Remaining", "RateLimit-Reset"},
        {"x-ratelimit-remaining-tokens", "X-RateLimit-Reset-Tokens"},
        {"anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"}};
    const char *const *name = names[below(array_size(names))];
    char text[64];
    bool empty = one_in(2);
    int64_t ns = time_as_text(m, text);
    add(m, name[0], empty ? "0" : "17");
    if (!one_in(5)) {
        add(m, name[1], text);
        m->reset_ns = larger(m->reset_ns, ns);
        m->longest_ns = larger(m->longest_ns, ns);
    }
    m->quota = true;
    m->empty |= empty;
}

static void add_field(struct answer_model *m)
{
    char text[64];
    switch (below(12)) {
    case 0:
        m->scoped = true;
        add(m, "X-RateLimit-Resource", "search");
        break;
    case 1:
        if (one_in(4)) {
            m->never = true;
            add(m, "x-should-retry", "false");
        }
        break;
    case 2:
        if (one_in(4)) {
            m->throttled = true;
            add(m, "x-amzn-ErrorType", "ThrottlingException:");
        }
        break;
    case 3:
        add(m, one_in(2) ? "Retry-After" : "X-RateLimit-Policy", "soon");
        break;
    case 4:
    case 5:
    case 6:
        add_quota(m);
        break;
    default:
        m->asked_ns = larger(m->asked_ns, time_as_text(m, text));
        m->longest_ns = larger(m->longest_ns, m->asked_ns);
        add(m, one_in(3) ? "X-Retry-In" : "Retry-After", text);
    }
}

static void check_reading(const struct answer_model *m, bool success)
{
    const struct hint *h = &m->hint;
    REQUIRE(h->wait_ns >= 0 && h->wait_ns <= HINT_MAX_NS);
    REQUIRE(h->wait_ns <= m->longest_ns);
    if (success)
        REQUIRE(h->wait_ns == 0 || (m->empty && h->wait_ns <= m->reset_ns));
    else
        REQUIRE(h->never == m->never && h->throttled == m->throttled);
    if (!success && !m->quota)
        REQUIRE(h->wait_ns == (m->asked_ns > DAY_NS ? 0 : larger(m->asked_ns, 0)));
}

static void make_answer(struct answer_model *m, int status)
{
    memset(m, 0, sizeof *m);
    m->asked_ns = -1;
    m->date_s = WALL / NS_PER_S + (one_in(2) ? below(7200) - 3600 : 0);
    hints_reset(&m->lines);
    time_t now = m->date_s;
    struct tm tm;
    char text[64];
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    add(m, "Date", text);
    for (int64_t n = below(5); n-- > 0;)
        add_field(m);
    hints_read(&m->lines, &policy, status, WALL, &m->hint);
    check_reading(m, status >= 200 && status < 300);
}

/* ---- pauses ----------------------------------------------------------------------------------- */

enum { HOST, SCOPE, PROXY, SLOTS };

static struct slot *slots[SLOTS];
static struct model {
    int64_t until_ns, refuse_ns;
} models[SLOTS];
static struct binding bindings[4]; /* with a scope, with a proxy */

static void make_bindings(void)
{
    one_host();
    policy.max_wait_ns = MAX_WAIT;
    policy.max_delay_ns = MAX_DELAY;
    policy.max_elapsed_ns = 2 * DAY_NS;
    policy.max_attempts = 20;
    policy.jitter = JITTER_FULL;
    policy.retry_budget_percent = 0;
    policy.breaker = BREAKER_OFF;
    slots[HOST] = binding.slot;
    slots[SCOPE] = board_slot(board, 77, "h", SLOT_BUCKET, NOW);
    slots[PROXY] = board_slot(board, 78, "http://p:1", SLOT_PROXY, NOW);
    for (int i = 0; i < 4; i++) {
        bindings[i] = binding;
        if (i & 1) {
            bindings[i].scope = slots[SCOPE];
            bindings[i].scope_key = 77;
        }
        if (i & 2) {
            bindings[i].proxy =
                (struct proxy_binding){.slot = slots[PROXY], .key = 78, .policy = &policy};
            bindings[i].special = true;
        }
    }
}

TestSuite(pause_random, .init = make_bindings, .fini = no_host);

static bool concerns(const struct binding *b, int slot)
{
    return slot == HOST || (slot == SCOPE && b->scope) || (slot == PROXY && b->proxy.slot);
}

static bool may_pause(const struct answer_model *m, int status)
{
    static const int throttling[] = {403, 413, 420, 429, 503, 509, 529};
    if (status >= 200 && status < 300)
        return m->empty && !m->scoped;
    for (size_t i = 0; i < array_size(throttling); i++)
        if (status == throttling[i])
            return true;
    return (status >= 400 && m->throttled) || (status >= 500 && status < 600 && m->asked_ns >= 0);
}

static void expect_pauses(int target, const struct answer_model *m, int status, int64_t now_ns)
{
    int64_t length_ns = smaller(m->hint.wait_ns, policy.retry_after_max_ns);
    if (length_ns > 0 && target >= 0 && may_pause(m, status)) {
        struct model *one = &models[target];
        int64_t end_ns = now_ns + length_ns;
        end_ns += end_ns & 1; /* odd: the end is announced (board/pause.c) */
        one->until_ns = larger(one->until_ns, end_ns);
        if (status >= 300)
            one->refuse_ns = larger(one->refuse_ns, end_ns);
    }
    for (int i = 0; i < SLOTS; i++) {
        REQUIRE(slots[i]->pause_until_ns == models[i].until_ns);
        REQUIRE(slots[i]->refuse_until_ns == models[i].refuse_ns);
    }
    if (target >= 0 && length_ns > 0)
        REQUIRE(slots[target]->pause_until_ns - now_ns <= 300 * NS_PER_S + 1);
}

/* What a new request is told. */
static void check_admission(struct binding *b, int64_t now_ns)
{
    struct call c;
    call_begin(&c, b, 0, now_ns);
    struct admission ad = call_admit(&c, now_ns);
    int64_t most_ns = policy.retry_after_max_ns, until_ns = now_ns, refuse_ns = 0;
    for (int i = 0; i < SLOTS; i++)
        if (concerns(b, i)) {
            until_ns = larger(until_ns, smaller(models[i].until_ns, now_ns + most_ns));
            refuse_ns = larger(refuse_ns, smaller(models[i].refuse_ns, now_ns + most_ns));
        }
    if (until_ns <= now_ns) {
        REQUIRE(ad.answer == ANSWER_GO);
    } else if (refuse_ns > now_ns + MAX_WAIT) {
        REQUIRE(ad.answer == ANSWER_REFUSE && ad.why == REFUSED_PAUSE);
        REQUIRE(ad.at_ns >= refuse_ns && ad.at_ns <= until_ns);
    } else {
        REQUIRE(ad.answer == ANSWER_WAIT && ad.why == REFUSED_PAUSE);
        REQUIRE(ad.at_ns >= smaller(until_ns, now_ns + MAX_WAIT));
        REQUIRE(ad.at_ns <= smaller(until_ns + most_ns / 2, now_ns + MAX_WAIT));
        REQUIRE(call_admit(&c, ad.at_ns).answer == ANSWER_GO);
    }
    call_abandon(&c, now_ns);
}

/* ---- retries ---------------------------------------------------------------------------------- */

static void check_retry(const struct call *c, const struct answer_model *m, int status, bool again,
                        int64_t wait_ns)
{
    int64_t asked_ns = policy.retry_after_max_ns ? m->hint.wait_ns : 0;
    bool too_long = asked_ns > policy.retry_after_max_ns;
    if (again) {
        REQUIRE(!m->hint.never && !too_long && c->attempts < policy.max_attempts);
        REQUIRE(wait_ns >= asked_ns);
        REQUIRE(wait_ns <= (asked_ns ? asked_ns + asked_ns / 2 : MAX_DELAY));
    } else if (status == 429 || status == 503) {
        REQUIRE(m->never || too_long || c->attempts == policy.max_attempts);
    }
}

/* A request that started before the pauses gets the answer, and perhaps further ones. Returns when. */
static int64_t answer_request(struct binding *b, int status, int64_t now_ns)
{
    struct answer_model m;
    struct call c;
    bool again = true, by_proxy = b->proxy.slot && one_in(2);
    call_begin(&c, b, 0, now_ns);
    c.cannot_wait = true;
    while (again) {
        REQUIRE(call_admit(&c, now_ns).answer == ANSWER_GO);
        make_answer(&m, status);
        struct attempt a = get(0, status);
        if (by_proxy) {
            a.curl_code = 56;
            a.http_status = 0;
            a.proxy_status = status;
        }
        a.hint = m.hint;
        int64_t at_ns = 0;
        again = call_report(&c, &a, now_ns, WALL, random_word(), &at_ns);
        check_retry(&c, &m, by_proxy ? 0 : status, again, at_ns - now_ns);
        expect_pauses(by_proxy   ? (status >= 400 ? PROXY : -1)
                      : b->scope ? SCOPE
                                 : HOST,
                      &m, status, now_ns);
        if (again)
            now_ns = at_ns;
        again &= !one_in(3);
    }
    call_end(&c, now_ns, WALL);
    return now_ns;
}

Test(pause_random, hints_pause_whom_they_concern_and_for_no_longer_than_they_say, .timeout = 120)
{
    static const int usual[] = {200, 429, 503, 403, 413, 404, 500, 502, 302, 401};
    static const int64_t most[] = {300, 300, 300, 60, 10, 0};
    int64_t now_ns = NOW;
    for (round_no = 0; round_no < ANSWERS; round_no++) {
        int status = one_in(4) ? (int)(100 + below(899)) : usual[below(array_size(usual))];
        policy.retry_after_max_ns = most[below(array_size(most))] * NS_PER_S;
        now_ns += one_in(50) ? 400 * NS_PER_S : below(8 * NS_PER_S);
        check_admission(&bindings[below(4)], now_ns);
        now_ns = answer_request(&bindings[below(4)], status, now_ns);
    }
}
