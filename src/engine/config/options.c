/* SPDX-License-Identifier: MIT */
#include "engine/config/options.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/board/gcra.h"
#include "engine/config/config.h"

#include <string.h>

#define MS      ((double)NS_PER_MS)
#define SECOND  ((double)NS_PER_S)
#define HOUR    (3600 * SECOND)
#define DAY     (24 * HOUR)
#define MIB     (1024.0 * 1024.0)
#define HORIZON ((double)GCRA_HORIZON_NS)

#define NO_RANGE     0, 0
#define MEMBER(s, m) offsetof(struct s, m), sizeof(((struct s *)0)->m)
#define NO_MEMBER    0, 0 /* finish.c, paths.c, checks.c and merge.c deal with these keys */

/* clang-format off */
const struct option options[] = {
    /* Whether decisions are carried out, only counted and logged, or not made. */
    {"mode", SECTION_HARDEN, TYPE_CHOICE, "enforce", "enforce observe off", NO_RANGE,
     MEMBER(config, mode)},
    /* Which programs are covered: globs on the executable's base name, !glob excludes. */
    {"programs", SECTION_HARDEN, TYPE_TEXT, "*", "", NO_RANGE, NO_MEMBER},
    /* The label in snapshots, metrics and events; auto is the program's base name. */
    {"service", SECTION_HARDEN, TYPE_TEXT, "auto", "", NO_RANGE, NO_MEMBER},
    /* How much is logged. */
    {"log", SECTION_HARDEN, TYPE_CHOICE, "error", "off error warn info debug", NO_RANGE,
     MEMBER(config, log)},
    /* Where the log goes: stderr, syslog or a file (%p pid, %n program, %u uid). */
    {"log_to", SECTION_HARDEN, TYPE_PATH, "stderr", "stderr syslog", NO_RANGE, NO_MEMBER},
    /* File that gets one JSON line per retry, wait, rejection, pause and change of state. */
    {"events", SECTION_HARDEN, TYPE_PATH, "none", "none", NO_RANGE, NO_MEMBER},
    /* Directory of the state that a user's processes share; private: not shared. */
    {"state", SECTION_HARDEN, TYPE_PATH, "auto", "auto private", NO_RANGE, NO_MEMBER},
    /* Slots on the board; about 1.3 KB each. */
    {"max_hosts", SECTION_HARDEN, TYPE_COUNT, "1024", "", 1, 1048576, MEMBER(config, max_hosts)},
    /* Path of the JSON health snapshot; auto is health.json in the state directory. */
    {"snapshot", SECTION_HARDEN, TYPE_PATH, "auto", "auto none", NO_RANGE, NO_MEMBER},
    /* Path of the Prometheus text file; auto is metrics.prom in the state directory. */
    {"metrics", SECTION_HARDEN, TYPE_PATH, "auto", "auto none", NO_RANGE, NO_MEMBER},
    /* Permissions of these two files outside the state directory. */
    {"files_mode", SECTION_HARDEN, TYPE_MODE, "0644", "", NO_RANGE, MEMBER(config, files_mode)},
    /* Time between two snapshots. */
    {"snapshot_interval", SECTION_HARDEN, TYPE_DURATION, "10s", "", 100 * MS, DAY,
     MEMBER(config, snapshot_interval_ns)},
    /* Whether plug-ins loaded with RTLD_DEEPBIND are covered too. */
    {"deepbind", SECTION_HARDEN, TYPE_CHOICE, "mask", "leave mask", NO_RANGE,
     MEMBER(config, deepbind_mask)},
    /* Whether a background thread writes the snapshots. */
    {"thread", SECTION_HARDEN, TYPE_BOOL, "on", "", NO_RANGE, MEMBER(config, thread)},

    /* Patterns of the section, if its name is only a label. */
    {"match", SECTION_HOST, TYPE_PATTERNS, "", "", NO_RANGE, NO_MEMBER},
    /* Requests per window; all of them apply. */
    {"rate", SECTION_HOST, TYPE_RATES, "none", "none", 1 * MS, 31 * DAY, NO_MEMBER},
    /* Capacity of the bucket; auto is N of each rate. */
    {"burst", SECTION_HOST, TYPE_COUNT, "auto", "auto", 1, 1e6, NO_MEMBER},
    /* Tokens that a request takes. */
    {"cost", SECTION_HOST, TYPE_COUNT, "1", "", 1, 1000, MEMBER(policy, cost)},
    /* What shares a bucket: host, origin, rule, uid, header:NAME, env:NAME, joined by +. */
    {"per", SECTION_HOST, TYPE_PER, "host", "", NO_RANGE, NO_MEMBER},
    /* Whether a request above the rate waits for its turn or fails. */
    {"on_limit", SECTION_HOST, TYPE_CHOICE, "wait", "wait fail", NO_RANGE,
     MEMBER(policy, on_limit)},
    /* Longest wait for the rate limit; a request that would wait longer fails at once. */
    {"max_wait", SECTION_HOST, TYPE_DURATION, "30s", "", 0, HORIZON, MEMBER(policy, max_wait_ns)},
    /* Requests in flight at a time, over all processes together. */
    {"concurrency", SECTION_HOST, TYPE_COUNT, "none", "none", 1, PERMITS_MAX, NO_MEMBER},
    /* Whether a request beyond that waits until another one ends, or fails. */
    {"on_concurrency", SECTION_HOST, TYPE_CHOICE, "wait", "wait fail", NO_RANGE,
     MEMBER(policy, on_concurrency)},
    /* Whether a rate is found and kept after the server has throttled without a hint. */
    {"adaptive", SECTION_HOST, TYPE_BOOL, "off", "", NO_RANGE, MEMBER(policy, adaptive)},
    /* Preset of max_attempts, base_delay and max_delay. */
    {"retry", SECTION_HOST, TYPE_CHOICE, "normal", "normal expensive off quick",
     NO_RANGE, NO_MEMBER},
    /* Attempts of one request, the first one included. */
    {"max_attempts", SECTION_HOST, TYPE_COUNT, "3", "", 1, 20, MEMBER(policy, max_attempts)},
    /* Longest delay before the second attempt; doubles with each attempt. */
    {"base_delay", SECTION_HOST, TYPE_DURATION, "500ms", "", 1 * MS, HOUR,
     MEMBER(policy, base_delay_ns)},
    /* Limit of the growing delay. */
    {"max_delay", SECTION_HOST, TYPE_DURATION, "5s", "", 1 * MS, HOUR,
     MEMBER(policy, max_delay_ns)},
    /* How the delay is randomised. */
    {"jitter", SECTION_HOST, TYPE_CHOICE, "full", "full equal decorrelated none", NO_RANGE,
     MEMBER(policy, jitter)},
    /* Time for all attempts and waits of one request. */
    {"max_elapsed", SECTION_HOST, TYPE_DURATION, "30s", "", 1 * MS, DAY,
     MEMBER(policy, max_elapsed_ns)},
    /* Failures that may be retried, instead of the built-in choice. */
    {"retry_on", SECTION_HOST, TYPE_OUTCOMES, "default", "default none", NO_RANGE,
     MEMBER(policy, retry_on)},
    /* Failures that are never retried. */
    {"never_on", SECTION_HOST, TYPE_OUTCOMES, "none", "none default", NO_RANGE,
     MEMBER(policy, never_on)},
    /* Methods that may be sent again after they have reached the server. */
    {"retry_methods", SECTION_HOST, TYPE_METHODS, "GET HEAD OPTIONS TRACE PUT DELETE", "none",
     NO_RANGE, MEMBER(policy, retry_methods)},
    /* Longest pause that a server may demand; off ignores its hints. */
    {"retry_after", SECTION_HOST, TYPE_DURATION, "300s", "off", 1 * SECOND, DAY,
     MEMBER(policy, retry_after_max_ns)},
    /* Further header fields that say when to come back: NAME s, ms, date or epoch. */
    {"hint", SECTION_HOST, TYPE_HINTS, "none", "none", NO_RANGE, MEMBER(policy, hints)},
    /* Retries per success in the long run; off: unlimited. */
    {"retry_budget", SECTION_HOST, TYPE_PERCENT, "20%", "off", 1, 100,
     MEMBER(policy, retry_budget_percent)},
    /* Retries that are added to the budget over time. */
    {"retry_reserve", SECTION_HOST, TYPE_RATE, "10/1m", "none", 1 * MS, 31 * DAY,
     MEMBER(policy, retry_reserve_ns)},
    /* How much of a failed response is held so that it can still be delivered. */
    {"hold_limit", SECTION_HOST, TYPE_SIZE, "512KiB", "", 0, 64 * MIB, MEMBER(policy, hold_limit)},
    /* When a good response begins to be delivered to the program. */
    {"commit", SECTION_HOST, TYPE_CHOICE, "headers", "headers late", NO_RANGE,
     MEMBER(policy, commit)},
    /* Timeout for connecting, for programs that set none. */
    {"connect_timeout", SECTION_HOST, TYPE_DURATION, "none", "none", 0, DAY,
     MEMBER(policy, connect_timeout_ns)},
    /* Timeout for one attempt, for programs that set none. */
    {"attempt_timeout", SECTION_HOST, TYPE_DURATION, "0", "none", 0, DAY,
     MEMBER(policy, attempt_timeout_ns)},
    /* Timeout for receiving no data, for programs that set none. */
    {"stall_timeout", SECTION_HOST, TYPE_DURATION, "0", "none", 0, DAY,
     MEMBER(policy, stall_timeout_ns)},
    /* Whether requests to a failing host are refused for a while. */
    {"breaker", SECTION_HOST, TYPE_CHOICE, "on", "on off observe", NO_RANGE,
     MEMBER(policy, breaker)},
    /* Consecutive failures that open the circuit. */
    {"breaker_failures", SECTION_HOST, TYPE_COUNT, "5", "", 1, 100,
     MEMBER(policy, breaker_failures)},
    /* How long there must have been no success before the circuit opens. */
    {"breaker_after", SECTION_HOST, TYPE_DURATION, "10s", "", 0, HOUR,
     MEMBER(policy, breaker_after_ns)},
    /* Share of failures within 30 s that opens the circuit. */
    {"breaker_ratio", SECTION_HOST, TYPE_PERCENT, "50%", "", 1, 100,
     MEMBER(policy, breaker_ratio_percent)},
    /* How long the circuit stays open at first. */
    {"breaker_open", SECTION_HOST, TYPE_DURATION, "30s", "", 100 * MS, DAY,
     MEMBER(policy, breaker_open_ns)},
    /* How long the circuit stays open at most. */
    {"breaker_max_open", SECTION_HOST, TYPE_DURATION, "300s", "", 100 * MS, DAY,
     MEMBER(policy, breaker_max_open_ns)},
    /* Successful probes that close the circuit. */
    {"breaker_successes", SECTION_HOST, TYPE_COUNT, "2", "", 1, 100,
     MEMBER(policy, breaker_successes)},
    /* A success whose response begins later counts as a failure in breaker_ratio. */
    {"slow_after", SECTION_HOST, TYPE_DURATION, "none", "none", 1 * MS, DAY,
     MEMBER(policy, slow_after_ns)},
    /* Whether an active check of the host that is unhealthy opens its circuit. */
    {"check_opens", SECTION_HOST, TYPE_BOOL, "off", "", NO_RANGE, MEMBER(policy, check_opens)},
    /* Other places of the same name, for the attempts after the first: HOST[:PORT] ... */
    {"fallback", SECTION_HOST, TYPE_PLACES, "none", "none", NO_RANGE, MEMBER(policy, fallback)},
    /* Share of the requests that are promised to succeed. */
    {"slo", SECTION_HOST, TYPE_SHARE, "none", "none", 50, 99.999, MEMBER(policy, slo_ppm)},
    /* Within what time. */
    {"slo_latency", SECTION_HOST, TYPE_DURATION, "none", "none", 1 * MS, DAY,
     MEMBER(policy, slo_latency_ns)},
    /* Consecutive failures after which the host is unhealthy. */
    {"unhealthy_after", SECTION_HOST, TYPE_COUNT, "3", "", 1, 100, MEMBER(policy, unhealthy_after)},
    /* Consecutive successes after which the host is healthy again. */
    {"healthy_after", SECTION_HOST, TYPE_COUNT, "1", "", 1, 100, MEMBER(policy, healthy_after)},

    /* What is checked: a connection, a request, or the resolution of a name. */
    {"type", SECTION_CHECK, TYPE_CHOICE, "", "tcp http dns", NO_RANGE, MEMBER(check_config, kind)},
    /* host:port, a URL, or a name. */
    {"target", SECTION_CHECK, TYPE_TEXT, "", "", NO_RANGE, NO_MEMBER},
    /* Time from the beginning of one check to the beginning of the next. */
    {"interval", SECTION_CHECK, TYPE_DURATION, "30s", "", 100 * MS, DAY,
     MEMBER(check_config, interval_ns)},
    /* A check that takes longer has failed. */
    {"timeout", SECTION_CHECK, TYPE_DURATION, "5s", "", 10 * MS, 60 * SECOND,
     MEMBER(check_config, timeout_ns)},
    /* HTTP statuses that pass the check. */
    {"expect", SECTION_CHECK, TYPE_STATUSES, "200-399", "", NO_RANGE, MEMBER(check_config, expect)},
    /* Consecutive failures after which the target is unhealthy. */
    {"unhealthy_after", SECTION_CHECK, TYPE_COUNT, "3", "", 1, 100,
     MEMBER(check_config, unhealthy_after)},
    /* Consecutive successes after which the target is healthy again. */
    {"healthy_after", SECTION_CHECK, TYPE_COUNT, "1", "", 1, 100,
     MEMBER(check_config, healthy_after)},
};
/* clang-format on */
const int option_count = array_size(options);
_Static_assert(array_size(options) <= OPTION_MAX, "arrays of values are too short");

int option_find(enum option_section section, const char *name)
{
    for (int i = 0; i < option_count; i++)
        if (options[i].section == section && strcmp(options[i].name, name) == 0)
            return i;
    return -1;
}

#define WORD_LONGEST 32
#define DISTANCE_MAX 3

/* Levenshtein's distance, two rows at a time. */
static int edit_distance(const char *a, const char *b)
{
    int row[WORD_LONGEST + 1];
    int m = (int)strlen(b);
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int least = row[j - 1] < row[j] ? row[j - 1] + 1 : row[j] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[m];
}

const char *option_nearest(const char *name, const char *const *known, int count)
{
    const char *best = NULL;
    int length = (int)strlen(name);
    /* If more than half of it is wrong, it is another word, not a misspelling. */
    int least = (length / 2 < DISTANCE_MAX ? length / 2 : DISTANCE_MAX) + 1;
    if (length > WORD_LONGEST)
        return NULL;
    for (int i = 0; i < count; i++) {
        int d = edit_distance(name, known[i]);
        if (d < least) {
            least = d;
            best = known[i];
        }
    }
    return best;
}

bool option_of_bucket(const struct option *o)
{
    static const char names[][12] = {"rate", "burst", "per", "concurrency"};
    for (size_t i = 0; i < array_size(names); i++)
        if (o->section == SECTION_HOST && strcmp(o->name, names[i]) == 0)
            return true;
    return false;
}

/* The presets of `retry`. */
static const struct {
    char key[16];
    char value[4][8]; /* normal, expensive, off, quick */
} presets[] = {
    {"max_attempts", {"3", "5", "1", "3"}},
    {"base_delay", {"500ms", "1s", "500ms", "50ms"}},
    {"max_delay", {"5s", "10s", "5s", "20s"}},
};

const char *option_preset(const struct option *o, int word)
{
    for (size_t i = 0; i < array_size(presets) && o->section == SECTION_HOST; i++)
        if (strcmp(presets[i].key, o->name) == 0)
            return presets[i].value[word];
    return NULL;
}
