/* SPDX-License-Identifier: MIT
 *
 * Threads of ours in a foreign process: detached, with a small stack and all signals blocked, for a
 * thread that takes the program's signals breaks its sigwait and signalfd loops. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

/* 0 or an errno. */
int thread_start(void *(*run)(void *), void *arg);

#endif
