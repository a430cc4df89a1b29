/* SPDX-License-Identifier: MIT
 *
 * What servers send when they throttle or announce a pause (tests/answers), and what it asks for. The
 * clocks are fixed. */
#include "engine/policy/classify.h"
#include "engine/policy/curl_codes.h"
#include "engine/policy/hints.h"
#include "engine/policy/repeatable.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* For its table of rows. */
#include "../../src/engine/policy/hint_fields.c" // NOLINT(bugprone-suspicious-include)

#define FOLDER "tests/answers/"
/* A Saturday in 2026, at 18:13:20. */
#define SERVER_S 1795889600LL
/* An expected wait has six decimals at most. */
#define ROUNDED_NS 1000
#define LINES_MAX  24

struct answer {
    char file[80], title[512];
    int at_line; /* of the title */
    bool connect;
    int status;
    struct custom_hints hints;
    char line[LINES_MAX][400];
    int lines;
    char retry[20], others[20];
};

static void end_of_line(char *text)
{
    text[strcspn(text, "\n")] = '\0';
}

static void read_hint(struct answer *a, const char *text)
{
    static const char *const units[] = {"s", "ms", "date", "epoch"};
    char unit[8] = "";
    cr_assert_lt(a->hints.count, HINTS_MAX);
    struct custom_hint *h = &a->hints.at[a->hints.count++];
    cr_assert_eq(sscanf(text, "hint %63s %7s", h->name, unit), 2, "%s: %s", a->file, text);
    while (strcmp(units[h->unit], unit))
        cr_assert_lt(++h->unit, array_size(units), "%s: %s", a->file, text);
}

static void read_line_of(struct answer *a, const char *text)
{
    if (!strncmp(text, "# ", 2)) {
        if (!a->title[0])
            snprintf(a->title, sizeof a->title, "%s", text + 2);
    } else if (!strncmp(text, "status CONNECT ", 15)) {
        a->connect = true;
        a->status = atoi(text + 15);
    } else if (!strncmp(text, "status ", 7)) {
        a->status = atoi(text + 7);
    } else if (!strncmp(text, "hint ", 5)) {
        read_hint(a, text);
    } else if (sscanf(text, "> retry %19s", a->retry) != 1 &&
               sscanf(text, "> others %19s", a->others) != 1) {
        cr_assert_lt(a->lines, LINES_MAX);
        cr_assert_lt(strlen(text), sizeof a->line[0]);
        cr_assert_neq(text[0], '>', "%s: %s", a->file, text);
        strcpy(a->line[a->lines++], text);
    }
}

static void each_in(const char *path, void (*f)(const struct answer *a))
{
    static struct answer a;
    char text[512];
    int line = 0;
    FILE *in = fopen(path, "r");
    cr_assert(in != NULL, "%s", path);
    for (bool more = true; more;) {
        memset(&a, 0, sizeof a);
        snprintf(a.file, sizeof a.file, "%s", path);
        a.at_line = line + 1;
        while ((more = fgets(text, sizeof text, in)) && ++line && text[0] != '\n') {
            end_of_line(text);
            read_line_of(&a, text);
        }
        cr_assert(a.title[0] && a.status && a.retry[0] && a.others[0], "%s:%d is not complete",
                  path, a.at_line);
        f(&a);
    }
    fclose(in);
}

static void each(void (*f)(const struct answer *a))
{
    glob_t found;
    cr_assert_eq(glob(FOLDER "*.txt", 0, NULL, &found), 0, FOLDER ": run from the source tree");
    for (size_t i = 0; i < found.gl_pathc; i++)
        each_in(found.gl_pathv[i], f);
    globfree(&found);
}

/* ---- as the server sends it ------------------------------------------------------------------- */

/* A placeholder: seconds from the server's now, and a form. */
static size_t write_moment(char *to, size_t size, const char *text, int64_t now_ns)
{
    int64_t ns = now_ns + strtoll(text, NULL, 10) * NS_PER_S;
    long long s = ns / NS_PER_S, ms = ns / NS_PER_MS;
    const char *form = strchr(text, '|') + 1;
    if (!strcmp(form, "s"))
        return (size_t)snprintf(to, size, "%lld", s);
    if (!strcmp(form, "ms"))
        return (size_t)snprintf(to, size, "%lld", ms);
    if (!strcmp(form, "us"))
        return (size_t)snprintf(to, size, "%lld", (long long)ns / 1000);
    if (!strcmp(form, "ns"))
        return (size_t)snprintf(to, size, "%lld", (long long)ns);
    if (!strcmp(form, "s.fff"))
        return (size_t)snprintf(to, size, "%lld.%03lld", s, ms % 1000);
    struct tm tm;
    time_t t = s;
    return strftime(to, size, form, gmtime_r(&t, &tm));
}

/* A header line with its placeholders replaced. */
static void expand(char *to, size_t size, const char *line, int64_t now_ns)
{
    size_t n = 0;
    while (*line && n + 1 < size) {
        const char *bar = *line == '{' ? strpbrk(line + 1, "|}\"") : NULL;
        const char *end = bar && *bar == '|' ? strchr(bar, '}') : NULL;
        if (end) {
            char inside[100];
            snprintf(inside, sizeof inside, "%.*s", (int)(end - line - 1), line + 1);
            n += write_moment(to + n, size - n, inside, now_ns);
            line = end + 1;
        } else {
            to[n++] = *line++;
        }
    }
    to[n] = '\0';
}

/* ---- as the library takes it ------------------------------------------------------------------ */

static struct policy policy_for(const struct answer *a)
{
    return (struct policy){.max_attempts = 3, .retry_methods = {"GET"}, .hints = a->hints};
}

static struct attempt get(const struct answer *a)
{
    struct attempt t = {.protocol = PROTOCOL_HTTP, .method = "GET", .replayable = true};
    if (a->connect) {
        t.curl_code = CURL_CODE_RECV_ERROR;
        t.proxy_status = a->status;
        t.via_proxy = t.nothing_sent = true;
    } else {
        t.http_status = a->status;
    }
    return t;
}

static int64_t ns_of(const char *wait)
{
    return (int64_t)(strtod(wait, NULL) * 1e9 + 0.5);
}

static bool is_wait(const char *expected)
{
    return ascii_is_digit(expected[0]);
}

static void expect_wait(const struct answer *a, const char *whose, int64_t wait_ns,
                        const char *expected)
{
    int64_t off_ns = wait_ns - (is_wait(expected) ? ns_of(expected) : 0);
    cr_expect(off_ns > -ROUNDED_NS && off_ns < ROUNDED_NS, "%s:%d: %s: %s: %.6f s, expected %s",
              a->file, a->at_line, a->title, whose, (double)wait_ns / 1e9, expected);
}

/* What the same request does: "once", "-", or it is retried. */
static const char *decision(const struct answer *a, struct attempt *t, const struct policy *p)
{
    struct verdict v = classify(t, p);
    if (v.class == CLASS_SUCCESS)
        return "-";
    return !repeatable_after(&v, t, p) ? "once" : is_wait(a->retry) ? a->retry : "back-off";
}

static void check_at(const struct answer *a, int64_t server_ns, int64_t wall_ns)
{
    static struct hint_lines lines;
    struct policy p = policy_for(a);
    struct attempt t = get(a);
    char line[512];
    hints_reset(&lines);
    expand(line, sizeof line, "Date: {0|%a, %d %b %Y %H:%M:%S GMT}\r\n", server_ns);
    hints_line(&lines, &p, line, strlen(line));
    for (int i = 0; i < a->lines; i++) {
        expand(line, sizeof line, a->line[i], server_ns);
        strcat(line, "\r\n");
        hints_line(&lines, &p, line, strlen(line));
    }
    hints_read(&lines, &p, a->status, wall_ns, &t.hint);

    const char *decided = decision(a, &t, &p);
    cr_expect_str_eq(decided, a->retry, "%s:%d: %s: %s, expected %s", a->file, a->at_line, a->title,
                     decided, a->retry);
    if (is_wait(a->retry) || !strcmp(a->retry, "back-off"))
        expect_wait(a, "retry", t.hint.wait_ns, a->retry);
    enum hint_scope scope = hint_scope(&t.hint, a->status);
    expect_wait(a, "others", scope == HINT_OF_REQUEST ? 0 : t.hint.wait_ns, a->others);
    /* After a success nobody is refused. */
    if (is_wait(a->others))
        cr_expect_eq(scope, a->status < 300 ? HINT_OF_QUOTA : HINT_OF_HOST, "%s:%d: %s", a->file,
                     a->at_line, a->title);
}

static int checked;

static void check(const struct answer *a)
{
    int64_t now_ns = SERVER_S * NS_PER_S;
    check_at(a, now_ns, now_ns);
    check_at(a, now_ns + 700 * NS_PER_MS, now_ns + 700 * NS_PER_MS);
    check_at(a, now_ns, now_ns + 3600 * NS_PER_S); /* one of the clocks is wrong */
    checked++;
}

Test(answers, each_is_understood)
{
    each(check);
    cr_assert_geq(checked, 350);
}

/* ---- every row has an answer ------------------------------------------------------------------ */

static const struct hint_field *sent[256];
static size_t sent_count;

static bool was_sent(const struct hint_field *f)
{
    for (size_t i = 0; i < sent_count; i++)
        if (sent[i] == f)
            return true;
    return f->kind == HINT_IS_DATE; /* with each answer */
}

static void note_fields(const struct answer *a)
{
    struct policy p = policy_for(a);
    for (int i = 0; i < a->lines; i++) {
        size_t n;
        const struct hint_field *f = hint_field_find(&p, a->line[i], strlen(a->line[i]), &n);
        if (f && !was_sent(f) && sent_count < array_size(sent))
            sent[sent_count++] = f;
    }
}

Test(answers, every_field_of_the_table_occurs)
{
    each(note_fields);
    for (const struct group *g = groups[0]; g < groups[array_size(groups)]; g++)
        for (const struct hint_field *f = g->fields; f < g->fields + g->count; f++)
            cr_expect(was_sent(f), "%s: no answer in " FOLDER " has it", f->name);
}
