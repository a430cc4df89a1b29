/* SPDX-License-Identifier: MIT
 *
 * Every row of board/counters.h and publish/metrics_table.h appears in every output and in the
 * documents. The tests iterate over the tables, so new rows are covered automatically. */
#include "base/clock.h"
#include "base/compiler.h"
#include "cli/host_list.h"
#include "engine/board/slo_slot.h"
#include "engine/publish/metrics_table.h"
#include "engine/publish/snapshot.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW      (1000 * NS_PER_S)
#define ATTEMPTS 7
#define FAILED   5

/* ---- the tables, as data --------------------------------------------------------------------- */

static const struct row {
    enum counter counter;
    enum counter_unit unit;
    const char *object, *key, *total;
    enum metric metric;
    const char *label;
} rows[] = {
#define ROW(NAME, UNIT, OBJECT, KEY, TOTAL, METRIC, LABEL)                                         \
    {COUNT_##NAME, UNIT_##UNIT, #OBJECT, KEY, #TOTAL, METRIC_##METRIC, LABEL},
    COUNTERS(ROW)
#undef ROW
};

static const struct metric_row {
    const char *name, *type, *of, *help;
} metrics[] = {
#define ROW(NAME, name, type, of, samples, help) {name, #type, #of, help},
    METRICS(ROW)
#undef ROW
};

static const struct {
    size_t offset;
    const char *key;
    enum metric metric;
    const char *label;
} by_reason[] = {
#define ROW(member, KEY, METRIC, LABEL)                                                            \
    {offsetof(struct slot, member), KEY, METRIC_##METRIC, LABEL},
    COUNTERS_BY_REASON(ROW)
#undef ROW
};

static const struct {
    size_t offset;
    const char *key;
    enum metric metric;
} of_header[] = {
#define ROW(member, KEY, METRIC) {offsetof(struct board_header, member), KEY, METRIC_##METRIC},
    COUNTERS_OF_HEADER(ROW)
#undef ROW
};

static const struct {
    const char *name, *key;
} totals[] = {
#define ROW(NAME, KEY) {#NAME, KEY},
    TOTALS(ROW)
#undef ROW
};

/* ---- a board on which each counter has a different value ------------------------------------- */

static struct board *board;
static char *json, *prom;

/* Whole seconds, so that counters of nanoseconds are whole numbers in the files. */
static uint64_t value_of(enum counter c)
{
    return c == COUNT_ATTEMPTS          ? ATTEMPTS
           : c == COUNT_FAILED_ATTEMPTS ? FAILED
                                        : (uint64_t)(c + 11) * NS_PER_S;
}

static uint32_t value_of_reason(size_t word, int group)
{
    return (uint32_t)(1000 + 100 * word + (unsigned)group);
}

static uint64_t value_of_header(size_t word)
{
    return 500 + word;
}

static char *render(void (*draw)(struct text *, const struct snapshot_context *))
{
    struct snapshot_context c = {.board = board,
                                 .user = 1000,
                                 .service = "s",
                                 .pid = 1,
                                 .now_ns = NOW,
                                 .wall_ns = 1769335200123 * NS_PER_MS,
                                 .interval_ns = NS_PER_S};
    size_t size = snapshot_size(board);
    struct text t = {.p = malloc(size), .cap = size};
    draw(&t, &c);
    cr_assert(!t.full);
    return t.p;
}

static void throttle(struct slot *s)
{
    struct adaptive_view v;
    for (int i = 0; i < 50; i++)
        adaptive_accepted(&s->adaptive, NOW - (50 - i) * (NS_PER_S / 10));
    cr_assert(adaptive_throttled(&s->adaptive, 0, NOW, &v));
}

static void make(void)
{
    board = board_open(NULL, 64, NULL);
    struct slot *s = board_slot(board, 5, "h", SLOT_HOST, NOW);
    for (enum counter c = 0; c < COUNTER_COUNT; c++)
        slot_count(s, c, value_of(c));
    for (int i = 0; i < ATTEMPTS; i++)
        slot_attempt(s, 0);
    s->failed_attempts = FAILED;
    for (size_t i = 0; i < array_size(by_reason); i++)
        for (int g = 0; g < REASON_GROUPS; g++)
            ((_Atomic uint32_t *)((char *)s + by_reason[i].offset))[g] = value_of_reason(i, g);
    for (size_t i = 0; i < array_size(of_header); i++)
        *(_Atomic uint64_t *)((char *)board->header + of_header[i].offset) = value_of_header(i);
    struct slot *o = board_slot(board, board_observed_key(5), "h", SLOT_OBSERVED, NOW);
    slot_count(o, COUNT_WAITED, 3);
    throttle(s);
    throttle(o);
    s->shown_concurrency = 8;
    s->bulkhead_index = board_index(board, board_slot(board, 9, "h", SLOT_BULKHEAD, NOW)) + 1;
    s->shown_slo_ppm = 995000;
    s->shown_slo_latency_ms = 800;
    slo_count(slo_slot_claim(board, s->key, "h", NOW), false, NOW);
    board_slot(board, 7, "h via itself", SLOT_PLACE, NOW);
    json = render(snapshot_render);
    prom = render(metrics_render);
}

TestSuite(counters, .init = make);

/* ---- health.json ----------------------------------------------------------------------------- */

/* The text of an object from its key to its end, without nested objects. */
static const char *object(const char *key)
{
    static char own[8192];
    char head[64];
    size_t n = 0;
    snprintf(head, sizeof head, "\"%s\":{", key);
    const char *p = strstr(json, head);
    cr_assert_not_null(p, "no %s in %s", head, json);
    p += strlen(head);
    for (int depth = 1; depth; p++) {
        depth += (*p == '{') - (*p == '}');
        if (depth == 1 && *p != '}')
            own[n++] = *p;
    }
    own[n++] = ',';
    own[n] = '\0';
    return own;
}

static void expect_member(const char *key_of_object, const char *key, uint64_t v)
{
    char member[96];
    const char *text = object(key_of_object);
    snprintf(member, sizeof member, "\"%s\":%llu,", key, (unsigned long long)v);
    cr_assert_not_null(strstr(text, member), "no %s in %s: %s", member, key_of_object, text);
}

static const char *key_of_object(const char *token)
{
    static const char *const keys[][2] = {{"EVERY", "h"},
                                          {"HOST", "h"},
                                          {"RATE", "rate"},
                                          {"BUDGET", "budget"},
                                          {"BREAKER", "breaker"},
                                          {"CONCURRENCY", "concurrency"},
                                          {"DURATION", "duration_ms"}};
    for (size_t i = 0; i < array_size(keys); i++)
        if (!strcmp(token, keys[i][0]))
            return keys[i][1];
    return NULL;
}

Test(counters, each_is_the_member_of_health_json_in_its_row)
{
    for (const struct row *r = rows; r < rows + array_size(rows); r++) {
        uint64_t v = value_of(r->counter);
        if (!strcmp(r->object, "NONE"))
            cr_assert_str_empty(r->key);
        else if (!strcmp(r->object, "DURATION"))
            cr_assert(strstr(object("duration_ms"), r->key));
        else
            expect_member(key_of_object(r->object), r->key, r->unit == UNIT_NS ? v / NS_PER_S : v);
    }
    for (size_t i = 0; i < array_size(by_reason); i++)
        for (int g = 0; *by_reason[i].key && g < REASON_GROUPS; g++)
            expect_member(by_reason[i].key, reason_group_name(g), value_of_reason(i, g));
    for (size_t i = 0; i < array_size(of_header); i++)
        if (*of_header[i].key)
            expect_member("coverage", of_header[i].key, value_of_header(i));
}

Test(counters, each_is_added_to_the_total_in_its_row)
{
    for (size_t i = 0; i < array_size(totals); i++) {
        uint64_t sum = 0;
        for (const struct row *r = rows; r < rows + array_size(rows); r++)
            sum += strcmp(r->total, totals[i].name) ? 0 : value_of(r->counter);
        cr_assert_gt(sum, 0u, "no counter is part of the total %s", totals[i].key);
        expect_member("totals", totals[i].key, sum);
    }
}

/* The schema allows and requires exactly the members of health.json. Python reads both. */
Test(counters, the_schema_has_the_members_of_health_json_and_no_others)
{
    static const char program[] =
        "import json, sys\n"
        "document = json.load(open(sys.argv[1]))\n"
        "schema = json.load(open('conf/health.schema.json'))\n"
        "def resolve(s):\n"
        "    return schema['$defs'][s['$ref'].split('/')[-1]] if '$ref' in s else s\n"
        "def compare(value, s, path):\n"
        "    s = resolve(s)\n"
        "    if not isinstance(value, dict):\n"
        "        return\n"
        "    if path == '/checks':\n"
        "        return compare(value['h'], schema['$defs']['passive'], path + '/h')\n"
        "    for what in (s['properties'], s['required']):\n"
        "        if set(what) != set(value):\n"
        "            sys.exit(f'{path}: {sorted(set(what) ^ set(value))}')\n"
        "    for key in value:\n"
        "        compare(value[key], s['properties'][key], f'{path}/{key}')\n"
        "compare(document, schema, '')\n";
    char path[] = "/tmp/harden-test-XXXXXX";
    int fd = mkstemp(path), status;
    cr_assert_eq(write(fd, json, strlen(json)), (ssize_t)strlen(json));
    close(fd);
    pid_t child = fork();
    if (!child) {
        execlp("python3", "python3", "-c", program, path, NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    unlink(path);
    cr_assert_eq(status, 0);
}

/* ---- metrics.prom ---------------------------------------------------------------------------- */

static void expect_sample(enum metric m, const char *suffix, const char *labels, uint64_t v)
{
    char line[256];
    snprintf(line, sizeof line, "\n%s%s{user=\"1000\"%s} %llu\n", metrics[m].name, suffix, labels,
             (unsigned long long)v);
    cr_assert_not_null(strstr(prom, line), "no %s in %s", line, prom);
}

Test(counters, each_is_the_sample_of_metrics_prom_in_its_row)
{
    char labels[128];
    for (const struct row *r = rows; r < rows + array_size(rows); r++) {
        uint64_t v = value_of(r->counter);
        if (r->metric == METRIC_NONE)
            continue;
        bool histogram = !strcmp(metrics[r->metric].type, "histogram");
        snprintf(labels, sizeof labels, ",host=\"h\"%s", r->label);
        expect_sample(r->metric,
                      !histogram           ? ""
                      : r->unit == UNIT_NS ? "_sum"
                                           : "_count",
                      labels, r->unit == UNIT_NS ? v / NS_PER_S : v);
    }
    for (size_t i = 0; i < array_size(by_reason); i++)
        for (int g = 0; by_reason[i].metric != METRIC_NONE && g < REASON_GROUPS; g++) {
            snprintf(labels, sizeof labels, ",host=\"h\",%s=\"%s\"", by_reason[i].label,
                     reason_group_name(g));
            expect_sample(by_reason[i].metric, "", labels, value_of_reason(i, g));
        }
    for (size_t i = 0; i < array_size(of_header); i++)
        if (of_header[i].metric != METRIC_NONE)
            expect_sample(of_header[i].metric, "", "", value_of_header(i));
}

Test(counters, each_metric_has_its_help_and_type_once_and_samples_after_them)
{
    char head[256], sample[80];
    for (const struct metric_row *m = metrics; m < metrics + array_size(metrics); m++) {
        snprintf(head, sizeof head, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                 m->type);
        const char *at = strstr(prom, head);
        cr_assert_not_null(at, "no %s", head);
        cr_assert_null(strstr(at + 1, head), "%s twice", m->name);
        if (!strcmp(m->name, "harden_rate_tokens_available"))
            continue; /* without a limit */
        snprintf(sample, sizeof sample, "%s%s{", m->name,
                 strcmp(m->type, "histogram") ? "" : "_bucket");
        cr_assert_eq(strncmp(at + strlen(head), sample, strlen(sample)), 0, "%s", m->name);
    }
}

/* ---- the command, and the documents ---------------------------------------------------------- */

Test(counters, the_command_accepts_each_name)
{
    uint32_t n;
    struct host *hosts = host_list_read(board, NOW, &n);
    cr_assert_eq(n, 2u);
    for (const struct row *r = rows; r < rows + array_size(rows); r++)
        cr_assert_eq(hosts[0].count[r->counter], value_of(r->counter), "%d", r->counter);
    free(hosts);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    char *text = calloc(1, 1 << 20);
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, f), 0u);
    fclose(f);
    return text;
}

static const char *line_of(const char *text, const char *start)
{
    static char line[256];
    const char *at = strstr(text, start);
    cr_assert_not_null(at, "no %s", start);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
    return line;
}

static int occurrences(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static void expect_label(const char *reference, enum metric m, const char *name, size_t length)
{
    char start[80], quoted[40];
    snprintf(start, sizeof start, "\n| `%s` |", metrics[m].name);
    snprintf(quoted, sizeof quoted, "`%.*s`", (int)length, name);
    const char *line = line_of(reference, start);
    cr_assert_not_null(strstr(line, quoted), "no %s in %s", quoted, line);
}

Test(counters, the_quick_reference_has_each_metric_with_its_labels)
{
    char *text = read_file("docs/quick-reference.md"), start[80];
    for (size_t i = 0; i < array_size(metrics); i++) {
        snprintf(start, sizeof start, "\n| `%s` |", metrics[i].name);
        line_of(text, start);
    }
    cr_assert_eq(occurrences(text, "\n| `harden_"), (int)array_size(metrics));
    expect_label(text, METRIC_OBSERVED, "action", strlen("action"));
    for (const char *const *l = (const char *const[]){"service", "mode", "version", NULL}; *l; l++)
        expect_label(text, METRIC_SERVICE_INFO, *l, strlen(*l));
    for (const struct row *r = rows; r < rows + array_size(rows); r++)
        if (r->metric != METRIC_NONE && *r->label)
            expect_label(text, r->metric, r->label + 1, strcspn(r->label, "=") - 1);
    for (size_t i = 0; i < array_size(by_reason); i++)
        if (by_reason[i].metric != METRIC_NONE)
            expect_label(text, by_reason[i].metric, by_reason[i].label, strlen(by_reason[i].label));
    free(text);
}

Test(counters, the_manual_has_each_metric)
{
    char *text = read_file("docs/libharden.7"), start[80];
    for (size_t i = 0; i < array_size(metrics); i++) {
        snprintf(start, sizeof start, "\n.It Li %s\n", metrics[i].name);
        line_of(text, start);
    }
    cr_assert_eq(occurrences(text, "\n.It Li harden_"), (int)array_size(metrics));
    free(text);
}

Test(counters, the_manual_has_each_member_of_what_was_observed)
{
    char *text = read_file("docs/libharden.7"), item[80];
    const char *members = object("observed");
    int n = 0;
    for (const char *m = members; (m = strchr(m, '"')); n++) {
        size_t length = strcspn(++m, "\"");
        snprintf(item, sizeof item, "\n.Li %.*s", (int)length, m);
        line_of(text, item);
        m += length + 1;
    }
    cr_assert_eq(n, 6);
    free(text);
}
