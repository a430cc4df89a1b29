/* SPDX-License-Identifier: MIT
 *
 * `harden run --trace`: the file that the library writes, and what becomes of it. */
#include "cli/trace/trace.h"

#include "base/env.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NO_EXEC 126
#define COLUMNS      100 /* of a file */

/* In a directory of its own: the library opens the file by its name for each line, and programs that outlive
 * the traced one must not create it again. */
static FILE *create_file(char directory[PATH_MAX], char path[PATH_MAX])
{
    const char *temporary = env_any("TMPDIR");
    if (snprintf(directory, PATH_MAX, "%s/harden-trace-XXXXXX",
                 temporary && *temporary == '/' ? temporary : "/tmp") >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    if (!mkdtemp(directory))
        return NULL;
    FILE *f = NULL;
    if (snprintf(path, PATH_MAX, "%s/lines", directory) >= PATH_MAX)
        errno = ENAMETOOLONG;
    else if (!setenv("HARDEN_TRACE", path, 1))
        f = fopen(path, "w+ex");
    int error = errno;
    if (!f)
        rmdir(directory);
    errno = error;
    return f;
}

static int columns_of(FILE *f)
{
    struct winsize size;
    return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : COLUMNS;
}

static void print_trace(const struct command *c, FILE *lines, FILE *out, const char *program)
{
    struct trace t;
    if (trace_read(&t, lines))
        trace_print(&t, out, columns_of(out), program);
    else
        cli_say(c, "the trace cannot be read: out of memory");
    trace_release(&t);
}

/* Ends this process as the program has ended, so that a shell sees the same. A core file of the program
 * must not be overwritten by one of this process. */
static int end_like(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    int number = WTERMSIG(status);
    sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
    return 128 + number;
}

/* Returns the exit status for this process, or ends it. */
static int run_traced(const struct command *c, trace_execute *execute, char *path, char **words,
                      FILE *out)
{
    char directory[PATH_MAX], lines_path[PATH_MAX];
    const char *program = *words;
    FILE *lines = create_file(directory, lines_path);
    if (!lines) {
        cli_say(c, "%.200s: %s", directory, strerror(errno));
        return EXIT_WRITE;
    }
    int status = trace_supervise(execute, path, words);
    int error = errno;
    unlink(lines_path);
    rmdir(directory);
    /* A reader of the time line that is gone must not change the status. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (status < 0)
        cli_say(c, "%s: %s", path, strerror(error));
    else
        print_trace(c, lines, out, program);
    fclose(lines);
    if (status >= 0 && out != stderr && fflush(out)) {
        cli_say(c, "the trace cannot be written: %s", strerror(errno));
        return EXIT_WRITE;
    }
    return status < 0 ? EXIT_NO_EXEC : end_like(status);
}

int trace_run(const struct command *c, trace_execute *execute, char *path, char **words,
              const char *output)
{
    FILE *out = output ? fopen(output, "we") : stderr;
    if (!out) {
        cli_say(c, "%s: %s", output, strerror(errno));
        return EXIT_WRITE;
    }
    int status = run_traced(c, execute, path, words, out);
    if (output)
        fclose(out);
    return status;
}
