/* SPDX-License-Identifier: MIT
 *
 * The tables of `harden status`: which columns there are, and in which order they are dropped. */
#ifndef CLI_STATUS_ROWS_H
#define CLI_STATUS_ROWS_H

#include "cli/check_list.h"
#include "cli/host_list.h"
#include "cli/table.h"

#include <stdbool.h>
#include <stdint.h>

/* per_s: with the requests per second of each host. */
struct table status_rows_of_hosts(const struct host *hosts, uint32_t n, bool per_s, bool colours);
struct table status_rows_of_checks(const struct check *checks, uint32_t n, bool colours);

#endif
