/* SPDX-License-Identifier: MIT */
#include "engine/config/options.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/board/gcra.h"
#include "engine/config/config.h"

#include <string.h>

#define MS        ((double)NS_PER_MS)
#define SECOND    ((double)NS_PER_S)
#define HOUR      (3600 * SECOND)
#define DAY       (24 * HOUR)
#define MIB       (1024.0 * 1024.0)
#define HORIZON   ((double)GCRA_HORIZON_NS)
#define IN(s, m)  offsetof(struct s, m), sizeof(((struct s *)0)->m)
#define SPECIAL   0, 0
#define NO_LIMITS 0, 0

/* clang-format off */
const struct option options[] = {
    {"mode", SECTION_HARDEN, TYPE_CHOICE, "enforce", "enforce observe off", NO_LIMITS,
     IN(config, mode), "Whether decisions are carried out, only counted and logged, or not made."},
    {"programs", SECTION_HARDEN, TYPE_TEXT, "*", "", NO_LIMITS, SPECIAL,
     "Which programs are covered: globs on the executable's base name, !glob excludes."},
    {"service", SECTION_HARDEN, TYPE_TEXT, "auto", "", NO_LIMITS, SPECIAL,
     "The label in snapshots, metrics and events; auto is the program's base name."},
    {"log", SECTION_HARDEN, TYPE_CHOICE, "error", "off error warn info debug", NO_LIMITS,
     IN(config, log), "How much is logged."},
    {"log_to", SECTION_HARDEN, TYPE_PATH, "stderr", "stderr syslog", NO_LIMITS, SPECIAL,
     "Where the log goes: stderr, syslog or a file (%p pid, %n program, %u uid)."},
    {"events", SECTION_HARDEN, TYPE_PATH, "none", "none", NO_LIMITS, SPECIAL,
     "File that gets one JSON line per retry, wait, rejection and change of state."},
    {"state", SECTION_HARDEN, TYPE_PATH, "auto", "auto private", NO_LIMITS, SPECIAL,
     "Directory of what the processes of a user share; private keeps it in this process."},
    {"max_hosts", SECTION_HARDEN, TYPE_COUNT, "1024", "", 1, 1048576,
     IN(config, max_hosts), "Slots on the board; 1 KiB each."},
    {"snapshot", SECTION_HARDEN, TYPE_PATH, "auto", "auto none", NO_LIMITS, SPECIAL,
     "Path of the JSON health snapshot; auto is health.json in the state directory."},
    {"metrics", SECTION_HARDEN, TYPE_PATH, "auto", "auto none", NO_LIMITS, SPECIAL,
     "Path of the Prometheus text file; auto is metrics.prom in the state directory."},
    {"snapshot_interval", SECTION_HARDEN, TYPE_DURATION, "10s", "", 100 * MS, DAY,
     IN(config, snapshot_interval_ns), "Time between two snapshots."},
    {"deepbind", SECTION_HARDEN, TYPE_CHOICE, "mask", "leave mask", NO_LIMITS,
     IN(config, deepbind_mask), "Whether plug-ins loaded with RTLD_DEEPBIND are covered too."},
    {"thread", SECTION_HARDEN, TYPE_BOOL, "on", "", NO_LIMITS,
     IN(config, thread), "Whether a background thread writes the snapshots."},

    {"match", SECTION_HOST, TYPE_PATTERNS, "", "", NO_LIMITS, SPECIAL,
     "Patterns that the section is for, when its name is only a label."},
    {"rate", SECTION_HOST, TYPE_RATES, "none", "none", 1 * MS, 31 * DAY, SPECIAL,
     "Requests per window; several rates all hold."},
    {"burst", SECTION_HOST, TYPE_COUNT, "auto", "auto", 1, 1e6, SPECIAL,
     "Capacity of the bucket; auto is N of each rate."},
    {"cost", SECTION_HOST, TYPE_COUNT, "1", "", 1, 1000, IN(policy, cost),
     "Tokens that a request takes."},
    {"per", SECTION_HOST, TYPE_PER, "host", "", NO_LIMITS, SPECIAL,
     "What shares a bucket: host, origin, rule, uid, header:NAME, env:NAME, joined by +."},
    {"on_limit", SECTION_HOST, TYPE_CHOICE, "wait", "wait fail", NO_LIMITS,
     IN(policy, on_limit), "Whether a request above the rate waits for its turn or fails."},
    {"max_wait", SECTION_HOST, TYPE_DURATION, "30s", "", 0, HORIZON,
     IN(policy, max_wait_ns), "Longest wait for the rate limit; who would wait longer fails at once."},
    {"retry", SECTION_HOST, TYPE_CHOICE, "normal", "normal expensive off quick", NO_LIMITS, SPECIAL,
     "Preset of max_attempts, base_delay and max_delay."},
    {"max_attempts", SECTION_HOST, TYPE_COUNT, "3", "", 1, 20, IN(policy, max_attempts),
     "Attempts of one request, the first one included."},
    {"base_delay", SECTION_HOST, TYPE_DURATION, "500ms", "", 1 * MS, HOUR,
     IN(policy, base_delay_ns), "Bound of the delay before the second attempt; doubles each time."},
    {"max_delay", SECTION_HOST, TYPE_DURATION, "5s", "", 1 * MS, HOUR,
     IN(policy, max_delay_ns), "What the growing delay never exceeds."},
    {"jitter", SECTION_HOST, TYPE_CHOICE, "full", "full equal decorrelated none", NO_LIMITS,
     IN(policy, jitter), "How the delay is randomised."},
    {"max_elapsed", SECTION_HOST, TYPE_DURATION, "30s", "", 1 * MS, DAY,
     IN(policy, max_elapsed_ns), "All attempts and waits of one request together."},
    {"retry_on", SECTION_HOST, TYPE_OUTCOMES, "default", "default none", NO_LIMITS,
     IN(policy, retry_on), "The failures that may be retried, in place of the built-in choice."},
    {"never_on", SECTION_HOST, TYPE_OUTCOMES, "none", "none default", NO_LIMITS,
     IN(policy, never_on), "Failures that are not retried, whatever else is said."},
    {"retry_methods", SECTION_HOST, TYPE_METHODS, "GET HEAD OPTIONS TRACE PUT DELETE", "none",
     NO_LIMITS, IN(policy, retry_methods), "Methods that may be sent twice after reaching the server."},
    {"retry_after", SECTION_HOST, TYPE_DURATION, "300s", "off", 1 * SECOND, DAY,
     IN(policy, retry_after_max_ns), "Longest hint of a server that is obeyed; off ignores hints."},
    {"retry_budget", SECTION_HOST, TYPE_PERCENT, "20%", "off", 1, 100,
     IN(policy, retry_budget_percent), "Retries per success in the long run; off is unlimited."},
    {"retry_reserve", SECTION_HOST, TYPE_RATE, "10/1m", "none", 1 * MS, 31 * DAY,
     IN(policy, retry_reserve_ns), "Retries that the budget gets back with time."},
    {"hold_limit", SECTION_HOST, TYPE_SIZE, "512KiB", "", 0, 64 * MIB, IN(policy, hold_limit),
     "How much of a failed response is kept so that it can still be delivered."},
    {"commit", SECTION_HOST, TYPE_CHOICE, "headers", "headers late", NO_LIMITS,
     IN(policy, commit), "When a good response starts to stream to the program."},
    {"connect_timeout", SECTION_HOST, TYPE_DURATION, "none", "none", 0, DAY,
     IN(policy, connect_timeout_ns), "Bound on connecting, for programs that set none."},
    {"attempt_timeout", SECTION_HOST, TYPE_DURATION, "0", "none", 0, DAY,
     IN(policy, attempt_timeout_ns), "Bound on one attempt, for programs that set none."},
    {"stall_timeout", SECTION_HOST, TYPE_DURATION, "0", "none", 0, DAY,
     IN(policy, stall_timeout_ns), "Bound on the time without a byte, for programs that set none."},
    {"breaker", SECTION_HOST, TYPE_CHOICE, "on", "on off observe", NO_LIMITS,
     IN(policy, breaker), "Whether a failing host is left alone for a while."},
    {"breaker_failures", SECTION_HOST, TYPE_COUNT, "5", "", 1, 100,
     IN(policy, breaker_failures), "Consecutive failures that open the circuit."},
    {"breaker_after", SECTION_HOST, TYPE_DURATION, "10s", "", 0, HOUR,
     IN(policy, breaker_after_ns), "How long nothing must have gone well before a circuit opens."},
    {"breaker_ratio", SECTION_HOST, TYPE_PERCENT, "50%", "", 1, 100,
     IN(policy, breaker_ratio_percent), "Share of failures within 30 s that opens the circuit."},
    {"breaker_open", SECTION_HOST, TYPE_DURATION, "30s", "", 100 * MS, DAY,
     IN(policy, breaker_open_ns), "How long a circuit stays open at first."},
    {"breaker_max_open", SECTION_HOST, TYPE_DURATION, "300s", "", 100 * MS, DAY,
     IN(policy, breaker_max_open_ns), "How long it stays open at most."},
    {"breaker_successes", SECTION_HOST, TYPE_COUNT, "2", "", 1, 100,
     IN(policy, breaker_successes), "Successful probes that close the circuit."},
    {"unhealthy_after", SECTION_HOST, TYPE_COUNT, "3", "", 1, 100,
     IN(policy, unhealthy_after), "Consecutive failures after which a host is unhealthy."},
    {"healthy_after", SECTION_HOST, TYPE_COUNT, "1", "", 1, 100,
     IN(policy, healthy_after), "Consecutive successes after which it is healthy again."},

    {"type", SECTION_CHECK, TYPE_CHOICE, "", "tcp http dns", NO_LIMITS, IN(check_config, kind),
     "What is tried: a connection, a request, or the resolution of a name."},
    {"target", SECTION_CHECK, TYPE_TEXT, "", "", NO_LIMITS, SPECIAL,
     "What it is tried on: host:port, a URL, or a name."},
    {"interval", SECTION_CHECK, TYPE_DURATION, "30s", "", 100 * MS, DAY,
     IN(check_config, interval_ns), "Time from one check to the next."},
    {"timeout", SECTION_CHECK, TYPE_DURATION, "5s", "", 10 * MS, 60 * SECOND,
     IN(check_config, timeout_ns), "What takes longer has failed."},
    {"expect", SECTION_CHECK, TYPE_STATUSES, "200-399", "", NO_LIMITS, IN(check_config, expect),
     "HTTP statuses that are good."},
    {"unhealthy_after", SECTION_CHECK, TYPE_COUNT, "3", "", 1, 100,
     IN(check_config, unhealthy_after), "Failures in a row after which it is unhealthy."},
    {"healthy_after", SECTION_CHECK, TYPE_COUNT, "1", "", 1, 100,
     IN(check_config, healthy_after), "Successes in a row after which it is healthy again."},
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

#define NAME_LONGEST 32
#define DISTANCE_MAX 3

/* Levenshtein's distance, two rows at a time. */
static int edit_distance(const char *a, const char *b)
{
    int row[NAME_LONGEST + 1];
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
    /* With more than half of it wrong it is another word, not a slip. */
    int least = (length / 2 < DISTANCE_MAX ? length / 2 : DISTANCE_MAX) + 1;
    if (length > NAME_LONGEST)
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

const char *option_suggest(enum option_section section, const char *name)
{
    const char *known[OPTION_MAX];
    int n = 0;
    for (int i = 0; i < option_count; i++)
        if (options[i].section == section)
            known[n++] = options[i].name;
    // cppcheck-suppress uninitvar ; n of them are read
    return option_nearest(name, known, n);
}

/* What the words of `retry` stand for. */
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
