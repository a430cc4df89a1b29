/* SPDX-License-Identifier: MIT
 *
 * The base name of the executable, from /proc/self/exe or the auxiliary vector. */
#include "base/compiler.h"
#include "base/env.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* False if the name cannot be read, or is too long. */
static bool read_program(char name[NAME_MAX + 1])
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *base = base_name(path);
    size_t length = strlen(base);
    /* The kernel appends this if the file was replaced while the program was running. */
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

/* Each thread that finds the name unknown reads it itself, into a buffer of its own. If it waited
 * for another thread, it would wait for ever in the child of a fork, where that thread does not
 * exist. */
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
