/* SPDX-License-Identifier: MIT
 *
 * A terminal on standard output: its size, and a screen of its own that is drawn again and again, with keys
 * read at once. On every way out (a signal, a stop, a closed terminal) the terminal is as it was before.
 *
 *     terminal_begin();
 *     do
 *         terminal_draw(text, size);
 *     while (terminal_wait(clock_now_ns() + NS_PER_S));      at once after a resize and after a stop
 *     terminal_end();
 *
 * For one thread, which installs signal handlers. A signal that ends the process does so, after the terminal
 * was restored, in terminal_wait() or terminal_draw(). A process in the background draws nothing. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct terminal_size {
    int columns, rows;
};

/* False: standard output is no terminal. */
bool terminal_size(struct terminal_size *s);

void terminal_begin(void);
void terminal_end(void);
/* Lines that end in \n, not more than the terminal has rows. False: the terminal is gone. */
bool terminal_draw(const char *text, size_t size);
/* False: the user wants to quit (q), or the terminal is gone. */
bool terminal_wait(int64_t until_ns);

#endif
