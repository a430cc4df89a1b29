/* SPDX-License-Identifier: MIT
 *
 * The last write of a process: before it exits, or before it installs a filter of system calls under
 * which it can no longer write. Takes 100 ms at most, plus the time of a write that has begun. What
 * cannot be written in that time is left to the process that has the lease of the board. */
#ifndef ENGINE_PUBLISH_FLUSH_H
#define ENGINE_PUBLISH_FLUSH_H

/* By the thread that exits. Calls that the program makes after this write their changes themselves. */
void flush_at_exit(void);
/* The process continues. Does nothing while the background thread runs. */
void flush_now(void);

#endif
