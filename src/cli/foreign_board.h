/* SPDX-License-Identifier: MIT
 *
 * The board of another user, for root. Its owner may be hostile: he may replace the directory or the
 * file by a link, a pipe or anything else, fill the file with garbage, and cut it at any time. So nothing
 * is followed, nothing waits, nothing is written, the owner is verified on the open descriptors, and the
 * content is a copy.
 *
 *     struct board *b = foreign_board_open("/run/user/1000/harden", 1000, &why);
 *     ...
 *     board_close(b);
 *
 * Its content is as little trusted as that of any board. */
#ifndef CLI_FOREIGN_BOARD_H
#define CLI_FOREIGN_BOARD_H

#include "engine/board/board.h"

#include <sys/types.h>

#define FOREIGN_BOARD_MAX_BYTES ((off_t)256 << 20)

/* NULL: *why is the reason, and errno is ENOENT if there is no board. */
struct board *foreign_board_open(const char *dir, uid_t owner, const char **why);

#endif
