/* SPDX-License-Identifier: MIT
 *
 * A circle, triangle or square beside the name of a status, for readers who cannot tell the colours
 * apart. */
#ifndef CLI_REPORT_SHAPE_H
#define CLI_REPORT_SHAPE_H

#include "engine/board/status.h"

#include <stdio.h>

void report_shape(FILE *f, enum health_status s);

#endif
