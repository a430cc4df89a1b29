/* SPDX-License-Identifier: MIT */
#include "cli/terminal.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/env.h"
#include "base/words.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* The other screen, without a cursor; and back. */
#define ENTER_SCREEN "\033[?1049h\033[?25l"
#define LEAVE_SCREEN "\033[?25h\033[?1049l"
#define LEAVE_MS     100 /* for a terminal whose output is stopped (Ctrl-S) */

static const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const int noted[] = {SIGTSTP, SIGCONT, SIGWINCH};

static volatile sig_atomic_t ended_by, stopped, continued, redraw;
static bool has_screen, has_keys, has_before;
static struct termios before;
static sigset_t outside; /* the signal mask of the process */

/* ---- size ------------------------------------------------------------------------------------ */

static int number_from(const char *name, int otherwise)
{
    const char *text = env_any(name);
    long n = text ? whole_number(text, strlen(text)) : 0;
    return n > 0 && n <= 10000 ? (int)n : otherwise;
}

bool terminal_size(struct terminal_size *s)
{
    struct winsize w;
    if (!isatty(STDOUT_FILENO))
        return false;
    bool known = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col && w.ws_row;
    s->columns = known ? w.ws_col : number_from("COLUMNS", 80);
    s->rows = known ? w.ws_row : number_from("LINES", 24);
    return true;
}

/* ---- the screen ------------------------------------------------------------------------------ */

/* In the background the terminal belongs to another job. Without job control it is always ours. */
static bool is_in_foreground(void)
{
    pid_t group = tcgetpgrp(STDOUT_FILENO);
    return group < 0 || group == getpgrp();
}

/* False: the terminal is gone, or the process is to end. */
static bool write_all(const char *text, size_t size)
{
    while (size) {
        ssize_t n = write(STDOUT_FILENO, text, size);
        if (n < 0 && errno != EINTR)
            return false;
        if (ended_by)
            return false;
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* After a SIGCONT the modes may still be those set here. */
static void set_keys(void)
{
    struct termios now;
    has_keys = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp() &&
               !tcgetattr(STDIN_FILENO, &now);
    if (!has_keys)
        return;
    if (!has_before || (now.c_lflag & ICANON))
        before = now;
    has_before = true;
    now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    now.c_cc[VMIN] = 0;
    now.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

static void enter_screen(void)
{
    if (has_screen || !is_in_foreground())
        return;
    set_keys();
    has_screen = true;
    write_all(ENTER_SCREEN, sizeof ENTER_SCREEN - 1);
}

/* In the background the shell has restored the modes, and another program may have set its own. */
static void leave_screen(void)
{
    static const char leave[] = LEAVE_SCREEN;
    if (!has_screen)
        return;
    has_screen = false;
    if (!is_in_foreground())
        return;
    if (has_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    ssize_t n = poll(&out, 1, LEAVE_MS) > 0 ? write(STDOUT_FILENO, leave, sizeof leave - 1) : 0;
    (void)n;
}

/* ---- signals --------------------------------------------------------------------------------- */

static void note_signal(int sig)
{
    if (sig == SIGTSTP)
        stopped = 1;
    else if (sig == SIGCONT)
        continued = 1;
    else if (sig == SIGWINCH)
        redraw = 1;
    else
        ended_by = sig;
}

/* Without SA_RESTART, so that a write to a terminal that does not read ends too. A signal that is ignored
 * (nohup) stays ignored. */
static void handle(int sig)
{
    struct sigaction now, act = {.sa_handler = note_signal};
    if (!sigaction(sig, NULL, &now) && now.sa_handler == SIG_IGN)
        return;
    sigemptyset(&act.sa_mask);
    sigaction(sig, &act, NULL);
}

/* Ends or stops the process as if the signal had no handler. */
static void raise_as_default(int sig)
{
    const struct sigaction act = {.sa_handler = SIG_DFL};
    sigset_t one;
    sigaction(sig, &act, NULL);
    sigemptyset(&one);
    sigaddset(&one, sig);
    raise(sig);
    sigprocmask(SIG_UNBLOCK, &one, NULL); /* it takes effect here */
}

static void obey_signals(void)
{
    if (ended_by) {
        leave_screen();
        raise_as_default(ended_by);
    }
    if (stopped) {
        stopped = 0;
        leave_screen();
        raise_as_default(SIGTSTP);
        handle(SIGTSTP);
        continued = 1;
    }
    if (continued) { /* the shell has changed the modes */
        continued = 0;
        has_screen = false;
        redraw = 1;
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

void terminal_begin(void)
{
    for (size_t i = 0; i < array_size(fatal); i++)
        handle(fatal[i]);
    for (size_t i = 0; i < array_size(noted); i++)
        handle(noted[i]);
    enter_screen();
}

void terminal_end(void)
{
    leave_screen();
    if (ended_by)
        raise_as_default(ended_by);
}

/* Each line erases what was in its place; the last one does not end, so that nothing scrolls. */
bool terminal_draw(const char *text, size_t size)
{
    char *frame = NULL;
    size_t n;
    obey_signals();
    enter_screen();
    struct terminal_size window = {.rows = 0};
    FILE *f = has_screen && is_in_foreground() ? open_memstream(&frame, &n) : NULL;
    if (!f)
        return true;
    terminal_size(&window);
    fputs("\033[H", f);
    for (size_t at = 0, length; at < size; at += length + 1, window.rows--) {
        const char *end = memchr(text + at, '\n', size - at);
        length = end ? (size_t)(end - text) - at : size - at;
        fprintf(f, "%s\033[K%.*s", at ? "\r\n" : "", (int)length, text + at);
    }
    /* In a full line, erasing the rest would take the last character. */
    if (window.rows > 0)
        fputs("\r\n\033[J", f);
    bool good = fclose(f) == 0 && write_all(frame, n);
    free(frame);
    obey_signals();
    return good;
}

static bool wants_to_quit(void)
{
    char keys[64];
    ssize_t n = read(STDIN_FILENO, keys, sizeof keys);
    for (ssize_t i = 0; i < n; i++)
        if (keys[i] == 'q' || keys[i] == 'Q')
            return true;
    return n < 0 && errno != EINTR && errno != EAGAIN;
}

/* Signals are blocked between the look at their flags and ppoll(), which lets them through. Returns what
 * happened to the keys. */
static short wait_once(int64_t until_ns)
{
    struct pollfd in = {.fd = has_screen && has_keys ? STDIN_FILENO : -1, .events = POLLIN};
    int64_t left_ns = until_ns - clock_now_ns();
    left_ns = left_ns > 0 ? left_ns : 0;
    const struct timespec left = {left_ns / NS_PER_S, left_ns % NS_PER_S};
    if (ended_by || stopped || continued || redraw || ppoll(&in, 1, &left, &outside) <= 0)
        return 0;
    return in.revents;
}

bool terminal_wait(int64_t until_ns)
{
    sigset_t all;
    sigemptyset(&all);
    for (size_t i = 0; i < array_size(fatal); i++)
        sigaddset(&all, fatal[i]);
    for (size_t i = 0; i < array_size(noted); i++)
        sigaddset(&all, noted[i]);
    bool stay = true, waiting = true;
    while (stay && waiting) {
        sigprocmask(SIG_BLOCK, &all, &outside);
        short keys = wait_once(until_ns);
        sigprocmask(SIG_SETMASK, &outside, NULL);
        stay = !(keys & ~POLLIN) && !(keys && wants_to_quit());
        obey_signals();
        waiting = !redraw && clock_now_ns() < until_ns;
    }
    redraw = 0;
    return stay;
}
