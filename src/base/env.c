/* SPDX-License-Identifier: MIT */
#include "base/env.h"

#include "base/compiler.h"
#include "base/open.h"
#include "base/words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

struct capture {
    bool secure;
    size_t size;     /* of vars */
    const char *cwd; /* in vars; NULL: not needed */
    char vars[];     /* "NAME=VALUE" strings, an empty one, and the working directory */
};

static union {
    struct capture capture;
    char room[4096];
} first;
static atomic_bool first_taken;
static const struct capture *_Atomic captured;

/* Variables that are captured besides HARDEN_*. */
static const char others[][17] = {
    "HOME=",       "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "http_proxy=",
    "HTTP_PROXY=", "https_proxy=",     "HTTPS_PROXY=",     "all_proxy=",
    "ALL_PROXY=",  "no_proxy=",        "NO_PROXY=",
};

static const char *_Atomic at_exec; /* the whole environment at execve(), once read */

/* The capture runs at the start of every program, where the first call of a C library function
 * would bind about a hundred of them (preload/imports.h). So nothing down to env_get() calls one on
 * the usual path. NOT_LIBC keeps the compiler from turning a loop into such a call. */
#define NOT_LIBC __asm__ volatile("")

static size_t length(const char *s)
{
    size_t n = 0;
    while (s[n]) {
        NOT_LIBC;
        n++;
    }
    return n;
}

/* The copy is terminated even if the original changes meanwhile. */
static char *copy(char *to, const char *from, size_t n)
{
    for (; n > 1; n--) {
        NOT_LIBC;
        *to++ = *from++;
    }
    *to++ = '\0';
    return to;
}

static const char *value_of(const char *var, const char *name)
{
    while (*name && *var == *name) {
        var++;
        name++;
    }
    return !*name && *var == '=' ? var + 1 : NULL;
}

static bool starts_with(const char *s, const char *prefix)
{
    while (*prefix && *s == *prefix) {
        s++;
        prefix++;
    }
    return !*prefix;
}

static bool is_harden(const char *var)
{
    return starts_with(var, "HARDEN_");
}

static bool wanted(const char *var)
{
    /* Most variables can be rejected by their first byte. */
    switch (var[0]) {
    case 'H':
    case 'X':
    case 'h':
    case 'a':
    case 'A':
    case 'n':
    case 'N':
        break;
    default:
        return false;
    }
    if (is_harden(var))
        return true;
    for (size_t i = 0; i < array_size(others); i++)
        if (starts_with(var, others[i]))
            return true;
    return false;
}

/* Words that are accepted in place of a path do not need the working directory. */
static bool is_relative(const char *value)
{
    static const char words[][8] = {"none", "auto", "private", "stderr", "syslog"};
    for (size_t i = 0; i < array_size(words); i++)
        if (starts_with(value, words[i]) && !value[length(words[i])])
            return false;
    return *value && *value != '/';
}

static bool is_relative_path(const char *var)
{
    static const char paths[][16] = {"HARDEN_CONFIG",   "HARDEN_STATE",   "HARDEN_EVENTS",
                                     "HARDEN_SNAPSHOT", "HARDEN_METRICS", "HARDEN_LOG_TO",
                                     "HARDEN_TRACE"};
    for (size_t i = 0; i < array_size(paths); i++) {
        const char *value = value_of(var, paths[i]);
        if (value)
            return is_relative(value);
    }
    return false;
}

/* The first thread takes the static buffer, a second one that races with it maps its own, and one
 * of the two is published. No thread waits, so a fork or a signal handler in between cannot hang.
 */
static struct capture *capture_room(size_t size)
{
    size_t all = sizeof(struct capture) + size;
    if (all <= sizeof first && !atomic_exchange(&first_taken, true)) {
        first.capture.size = sizeof first - sizeof(struct capture);
        return &first.capture;
    }
    int saved = errno;
    struct capture *c = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c != MAP_FAILED)
        c->size = size;
    errno = saved;
    return c != MAP_FAILED ? c : NULL;
}

static const char *working_directory(char *room, size_t size)
{
    int saved = errno;
    const char *cwd = size ? getcwd(room, size) : NULL;
    errno = saved;
    return cwd;
}

static void capture_fill(struct capture *c, bool with_cwd)
{
    char *to = c->vars, *end = c->vars + c->size;
    for (char **e = environ; e && *e; e++) {
        size_t n = wanted(*e) ? length(*e) + 1 : 0;
        if (!n || n >= (size_t)(end - to))
            continue; /* it has grown since: the program is changing it */
        to = copy(to, *e, n);
    }
    *to++ = '\0';
    if (with_cwd)
        c->cwd = working_directory(to, (size_t)(end - to));
}

static const struct capture *env_captured(void)
{
    static const struct capture nothing = {.secure = true};
    const struct capture *known = atomic_load_explicit(&captured, memory_order_acquire);
    if (likely(known))
        return known;

    const struct capture *c = &nothing;
    if (!environ) /* in a preinit array the C library has not set it yet */
        return c;
    if (!getauxval(AT_SECURE)) {
        size_t size = 1;
        bool relative = false;
        for (char **e = environ; e && *e; e++) {
            if (wanted(*e)) {
                size += length(*e) + 1;
                relative |= is_relative_path(*e);
            }
        }
        struct capture *room = capture_room(size + (relative ? PATH_MAX : 0));
        if (room) {
            capture_fill(room, relative);
            c = room;
        }
    }
    if (!atomic_compare_exchange_strong(&captured, &known, c))
        c = known;
    return c;
}

void env_capture(void)
{
    env_captured();
}

bool env_known(void)
{
    env_captured();
    return atomic_load_explicit(&captured, memory_order_acquire) != NULL;
}

bool env_secure(void)
{
    return env_captured()->secure;
}

static const char *next_var(const struct capture *c, const char *var)
{
    if (c->secure)
        return NULL;
    var = var ? var + length(var) + 1 : c->vars;
    return *var ? var : NULL;
}

const char *env_get(const char *name)
{
    const struct capture *c = env_captured();
    for (const char *var = NULL; (var = next_var(c, var));) {
        const char *value = value_of(var, name);
        if (value)
            return value;
    }
    return NULL;
}

bool env_disabled(void)
{
    const char *value = env_secure() ? "on" : env_get("HARDEN_DISABLE");
    return value && *value && ascii_switch(value) != 0;
}

bool env_strict(void)
{
    const char *value = env_get("HARDEN_STRICT");
    return value && ascii_switch(value) == 1;
}

/* Ends in two NULs. NULL: it cannot be read. */
static char *read_environment(size_t size)
{
    int fd = open_file("/proc/self/environ", O_RDONLY, 0);
    if (fd < 0)
        return NULL;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t n = 0;
    ssize_t got = 1;
    while (p != MAP_FAILED && got > 0 && n < size - 2) {
        got = read(fd, p + n, size - 2 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return p == MAP_FAILED ? NULL : p;
}

const char *env_any(const char *name)
{
    const char *value = env_get(name);
    if (value || env_secure() || is_harden(name))
        return value;
    const size_t size = 256 << 10;
    const char *known = atomic_load_explicit(&at_exec, memory_order_acquire);
    if (!known) {
        int saved = errno;
        char *mine = read_environment(size);
        if (mine && !atomic_compare_exchange_strong(&at_exec, &known, mine))
            munmap(mine, size);
        known = atomic_load(&at_exec);
        errno = saved;
    }
    for (const char *var = known; var && *var; var += strlen(var) + 1)
        if (value_of(var, name))
            return value_of(var, name);
    return NULL;
}

const char *env_nth(int i)
{
    const struct capture *c = env_captured();
    for (const char *var = NULL; (var = next_var(c, var));)
        if (is_harden(var) && i-- == 0)
            return var;
    return NULL;
}

const char *env_absolute(const char *path, char *out, unsigned long size)
{
    if (path[0] == '/')
        return path;
    int saved = errno;
    char now[PATH_MAX];
    const char *cwd = env_captured()->cwd;
    if (!cwd)
        cwd = getcwd(now, sizeof now);
    errno = saved;
    if (!cwd)
        return NULL;
    size_t n = strlen(cwd), m = strlen(path);
    bool slash = n > 0 && cwd[n - 1] != '/';
    if (n + slash + m + 1 > size)
        return NULL;
    memcpy(out, cwd, n);
    if (slash)
        out[n] = '/';
    memcpy(out + n + slash, path, m + 1);
    return out;
}
