/* SPDX-License-Identifier: MIT */
#include "cli/report/shape.h"

void report_shape(FILE *f, enum health_status s)
{
    const char *path = s == STATUS_HEALTHY    ? "M6 0a6 6 0 1 0 0 12a6 6 0 1 0 0-12"
                       : s == STATUS_DEGRADED ? "M6 0L12 11.5H0Z"
                                              : "M1 1H11V11H1Z";
    fprintf(
        f, "<svg class=\"shape\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path d=\"%s\"/></svg>",
        path);
}
