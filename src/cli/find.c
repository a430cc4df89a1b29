/* SPDX-License-Identifier: MIT */
#include "cli/find.h"

#include "base/compiler.h"
#include "base/env.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "libharden.so"

static bool is_program(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return false;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    return access(path, X_OK) == 0;
}

bool find_program(const char *name, char *out, size_t size)
{
    const char *path = env_any("PATH");
    int error = ENOENT;
    if (strchr(name, '/') || !*name) {
        snprintf(out, size, "%s", name);
        return is_program(out);
    }
    if (!path || !*path)
        path = "/bin:/usr/bin";
    for (const char *dir = path; dir; dir = strchr(dir, ':') ? strchr(dir, ':') + 1 : NULL) {
        int n = (int)strcspn(dir, ":");
        if (snprintf(out, size, "%.*s%s%s", n, dir, n ? "/" : "", name) >= (int)size)
            continue;
        if (is_program(out))
            return true;
        if (errno != ENOENT && errno != ENOTDIR)
            error = errno;
    }
    errno = error;
    return false;
}

/* DIR/lib/TRIPLET/libharden.so with another TRIPLET beside it, which the loader chooses from. */
static bool for_several(const char *path, char *out, size_t size)
{
    char pattern[PATH_MAX];
    const char *lib = strstr(path, "/lib/");
    glob_t found;
    if (!lib || snprintf(pattern, sizeof pattern, "%.*s/lib/*/" LIBRARY, (int)(lib - path), path) >=
                    (int)sizeof pattern)
        return false;
    bool several = glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 1;
    if (several)
        snprintf(out, size, "%.*s/$LIB/" LIBRARY, (int)(lib - path), path);
    globfree(&found);
    return several;
}

bool find_library(char *out, size_t size)
{
    static const char *const beside[] = {"/" LIBRARY, "/../lib/" LIBRARY};
    char self[PATH_MAX], path[PATH_MAX * 2], whole[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i <= array_size(beside); i++) {
        if (i < array_size(beside))
            snprintf(path, sizeof path, "%s%s", self, beside[i]);
        else
            snprintf(path, sizeof path, "%s", LIBDIR "/" LIBRARY);
        if (!realpath(path, whole) || access(whole, R_OK) < 0)
            continue;
        if (!for_several(whole, out, size))
            snprintf(out, size, "%s", whole);
        return true;
    }
    return false;
}
