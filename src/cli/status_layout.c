/* SPDX-License-Identifier: MIT */
#include "cli/status_layout.h"

#define LOW 14 /* rows below which there are no empty lines; below half of it only hosts */

static uint32_t smaller_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Of a table: its title, and the empty line before it. */
static uint32_t extra(const struct status_layout *l, uint32_t rows)
{
    return rows ? 1 + l->gaps : 0;
}

static uint32_t height(const struct status_layout *l)
{
    return 1 + l->lines + extra(l, l->hosts) + l->hosts + extra(l, l->checks) + l->checks + l->last;
}

/* The hosts get what the others leave. */
static void fill_with_hosts(struct status_layout *l, uint32_t rows, uint32_t hosts)
{
    l->hosts = 0;
    uint32_t used = height(l) + extra(l, hosts);
    l->hosts = used < rows ? smaller_of(hosts, rows - used) : 0;
}

struct status_layout status_layout_fit(uint32_t rows, struct status_layout want)
{
    struct status_layout l = want;
    l.gaps = !rows || rows >= LOW;
    if (!rows || height(&l) <= rows)
        return l;
    l.last = rows > 1;
    l.lines = rows < LOW / 2 ? 0 : smaller_of(want.lines, rows / 4);
    l.checks = rows < LOW / 2 ? 0 : smaller_of(want.checks, 1 + rows / 8);
    fill_with_hosts(&l, rows, want.hosts);
    while (height(&l) < rows && l.lines < want.lines)
        l.lines++;
    while (l.checks && height(&l) < rows && l.checks < want.checks)
        l.checks++;
    return l;
}
