/* SPDX-License-Identifier: MIT */
#include "cli/status_rows.h"

#include "engine/board/status.h"

#include <stdio.h>

static const char *status_colour(enum health_status s)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    return colours[s];
}

/* ---- hosts ----------------------------------------------------------------------------------- */

enum host_column {
    HOST_NAME,
    HOST_STATUS,
    HOST_REQUESTS,
    HOST_PER_S,
    HOST_SUCCESS,
    HOST_RETRIES,
    HOST_REJECTED,
    HOST_WAITED,
    HOST_P50,
    HOST_P99,
    HOST_BREAKER,
    HOST_TOKENS,
    HOST_COLUMNS,
};

static const struct column host_columns[HOST_COLUMNS] = {
    [HOST_NAME] = {"HOST", .shrinks = true},
    [HOST_STATUS] = {"STATUS"},
    [HOST_REQUESTS] = {"REQUESTS", .right = true, .drop = 4},
    [HOST_PER_S] = {"REQ/S", .right = true, .drop = 3},
    [HOST_SUCCESS] = {"SUCCESS", .right = true, .drop = 2},
    [HOST_RETRIES] = {"RETRIES", .right = true, .drop = 8},
    [HOST_REJECTED] = {"REJECTED", .right = true, .drop = 7},
    [HOST_WAITED] = {"WAITED", .right = true, .drop = 6},
    [HOST_P50] = {"P50", .right = true, .drop = 10},
    [HOST_P99] = {"P99", .right = true, .drop = 5},
    [HOST_BREAKER] = {"BREAKER", .drop = 1},
    [HOST_TOKENS] = {"TOKENS", .drop = 9},
};

static const char *number_text(uint64_t n, char out[TABLE_CELL])
{
    snprintf(out, TABLE_CELL, "%llu", (unsigned long long)n);
    return out;
}

static const char *rate_text(double per_s, char out[TABLE_CELL])
{
    if (per_s < 0)
        return "-";
    snprintf(out, TABLE_CELL, "%.*f", per_s < 100, per_s);
    return out;
}

static const char *tokens_text(const struct host *h, char out[TABLE_CELL])
{
    if (!h->limited)
        return "-";
    snprintf(out, TABLE_CELL, "%.1f/%u", h->available, h->burst);
    return out;
}

/* A pause is another reason why requests are held or refused. */
static const char *breaker_text(const struct host *h)
{
    bool paused = h->breaker == BREAKER_CLOSED && h->paused.until_ns;
    return paused ? "paused" : breaker_state_name(h->breaker);
}

static const char *host_cell(const void *rows, uint32_t row, int column, char out[TABLE_CELL])
{
    const struct host *h = (const struct host *)rows + row;
    switch ((enum host_column)column) {
    case HOST_NAME:
        return h->name;
    case HOST_STATUS:
        return status_name(h->status);
    case HOST_REQUESTS:
        return number_text(h->count[COUNT_REQUESTS], out);
    case HOST_PER_S:
        return rate_text(h->per_s, out);
    case HOST_SUCCESS:
        return host_success(h, out);
    case HOST_RETRIES:
        return number_text(h->count[COUNT_RETRIES], out);
    case HOST_REJECTED:
        return number_text(host_rejected(h), out);
    case HOST_WAITED:
        return host_time(host_waited_ns(h), out);
    case HOST_P50:
        return host_time(h->p50_ns, out);
    case HOST_P99:
        return host_time(h->p99_ns, out);
    case HOST_BREAKER:
        return breaker_text(h);
    case HOST_TOKENS:
        return tokens_text(h, out);
    case HOST_COLUMNS:
        break;
    }
    return "";
}

static const char *host_colour(const void *rows, uint32_t row, int column)
{
    const struct host *h = (const struct host *)rows + row;
    return column == HOST_STATUS ? status_colour(h->status) : NULL;
}

struct table status_rows_of_hosts(const struct host *hosts, uint32_t n, bool per_s, bool colours)
{
    return (struct table){.columns = host_columns,
                          .count = HOST_COLUMNS,
                          .left_out = per_s ? 0 : 1u << HOST_PER_S,
                          .rows = hosts,
                          .n = n,
                          .cell = host_cell,
                          .colour = colours ? host_colour : NULL};
}

/* ---- active checks --------------------------------------------------------------------------- */

enum check_column {
    CHECK_NAME,
    CHECK_STATUS,
    CHECK_RUNS,
    CHECK_SUCCESS,
    CHECK_LAST,
    CHECK_P50,
    CHECK_P95,
    CHECK_KIND,
    CHECK_TARGET,
    CHECK_COLUMNS,
};

static const struct column check_columns[CHECK_COLUMNS] = {
    [CHECK_NAME] = {"CHECK", .shrinks = true},
    [CHECK_STATUS] = {"STATUS"},
    [CHECK_RUNS] = {"RUNS", .right = true, .drop = 6},
    [CHECK_SUCCESS] = {"SUCCESS", .right = true, .drop = 1},
    [CHECK_LAST] = {"LAST", .right = true, .drop = 3},
    [CHECK_P50] = {"P50", .right = true, .drop = 7},
    [CHECK_P95] = {"P95", .right = true, .drop = 5},
    [CHECK_KIND] = {"KIND", .drop = 4},
    [CHECK_TARGET] = {"TARGET", .shrinks = true, .drop = 2},
};

static const char *check_success(const struct check *c, char out[TABLE_CELL])
{
    struct host settled = {
        .count = {[COUNT_SUCCESSES] = c->successes, [COUNT_FAILURES] = c->failures}};
    return host_success(&settled, out);
}

static const char *check_cell(const void *rows, uint32_t row, int column, char out[TABLE_CELL])
{
    const struct check *c = (const struct check *)rows + row;
    switch ((enum check_column)column) {
    case CHECK_NAME:
        return c->view.name;
    case CHECK_STATUS:
        return c->view.known ? status_name(c->view.status) : "unknown";
    case CHECK_RUNS:
        return number_text(c->runs, out);
    case CHECK_SUCCESS:
        return check_success(c, out);
    case CHECK_LAST:
        return host_time(c->last_ns, out);
    case CHECK_P50:
        return host_time(c->p50_ns, out);
    case CHECK_P95:
        return host_time(c->p95_ns, out);
    case CHECK_KIND:
        return c->view.kind;
    case CHECK_TARGET:
        return c->view.target;
    case CHECK_COLUMNS:
        break;
    }
    return "";
}

static const char *check_colour(const void *rows, uint32_t row, int column)
{
    const struct check *c = (const struct check *)rows + row;
    return column == CHECK_STATUS && c->view.known ? status_colour(c->view.status) : NULL;
}

struct table status_rows_of_checks(const struct check *checks, uint32_t n, bool colours)
{
    return (struct table){.columns = check_columns,
                          .count = CHECK_COLUMNS,
                          .rows = checks,
                          .n = n,
                          .cell = check_cell,
                          .colour = colours ? check_colour : NULL};
}
