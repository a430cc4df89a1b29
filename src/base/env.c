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
    char vars[];     /* "NAME=VALUE\0..." and an empty string; then the working directory */
};

static union {
    struct capture capture;
    char room[4096];
} first;
static atomic_bool first_taken;
static const struct capture *_Atomic captured;

/* Other names than HARDEN_*. */
static const char also[][17] = {
    "HOME=",       "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "http_proxy=",
    "HTTP_PROXY=", "https_proxy=",     "HTTPS_PROXY=",     "all_proxy=",
    "ALL_PROXY=",  "no_proxy=",        "NO_PROXY=",
};

static const char *_Atomic at_exec; /* the whole environment as the kernel has it, when asked for */

/* The capture runs at the start of every program, where a first call of the C library would bind a
 * hundred functions: no call of it up to env_get. NOT_LIBC keeps the compiler from making one of a
 * loop. */
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

/* Terminated, whatever happens to the original meanwhile. */
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
    /* Most variables are left at their first byte: this runs at the start of every program. */
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
    for (size_t i = 0; i < array_size(also); i++)
        if (starts_with(var, also[i]))
            return true;
    return false;
}

/* The words that stand in place of a path do not need the working directory either. */
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
                                     "HARDEN_SNAPSHOT", "HARDEN_METRICS", "HARDEN_LOG_TO"};
    for (size_t i = 0; i < array_size(paths); i++) {
        const char *value = value_of(var, paths[i]);
        if (value)
            return is_relative(value);
    }
    return false;
}

/* The first comer takes the static room, a racing second one its own, and one of them is
 * published: nobody waits for anybody, so neither a fork nor a re-entry in between can hang. */
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
            continue; /* it grew in between: the program changes it under us */
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
    if (!environ) /* a preinit array: the C library does not know it yet */
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

/* Two empty strings at the end. NULL: not to be had. */
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

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* False when the kernel does not tell, or too much. */
static bool read_program(char name[NAME_MAX + 1])
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *base = base_name(path);
    size_t length = strlen(base);
    /* What the kernel appends when the file was replaced under the running program. */
    static const char deleted[] = " (deleted)";
    const size_t tail = sizeof deleted - 1;
    if (length > tail && strcmp(base + length - tail, deleted) == 0)
        length -= tail;
    if (!length || length > NAME_MAX)
        return false;
    memcpy(name, base, length);
    name[length] = '\0';
    return true;
}

/* Each who finds it unknown looks for itself, in a room of its own: one that waited for another
 * would wait for ever in the child of a fork, where that other is not. */
const char *env_program(void)
{
    static char rooms[4][NAME_MAX + 1];
    static _Atomic unsigned taken;
    static const char *_Atomic known;
    const char *name = atomic_load_explicit(&known, memory_order_acquire);
    if (name)
        return name;

    const char *path = (const char *)getauxval(AT_EXECFN), *found = path ? base_name(path) : "";
    int saved = errno;
    unsigned room = atomic_load(&taken) < array_size(rooms) ? atomic_fetch_add(&taken, 1)
                                                            : (unsigned)array_size(rooms);
    if (room >= array_size(rooms))
        return found;
    if (read_program(rooms[room]))
        found = rooms[room];
    errno = saved;
    return atomic_compare_exchange_strong(&known, &name, found) ? found : name;
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
