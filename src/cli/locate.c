/* SPDX-License-Identifier: MIT */
#include "cli/locate.h"

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
#define AUDIT   "libharden-audit.so"

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

bool locate_program(const char *name, char *out, size_t size)
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

/* DIR/$LIB/libharden.so if the library exists in DIR/lib/TRIPLET for several architectures. The
 * loader expands $LIB for each program. */
static bool multiarch_path(const char *path, char *out, size_t size)
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

/* Where `make install` puts the library relative to `dir`, the directory of this command. This
 * works below DESTDIR and after the tree was moved. False: `dir` does not end in BINDIR. */
static bool installed_path(const char *dir, char *out, size_t size)
{
    size_t n = strlen(dir), bin = sizeof BINDIR - 1;
    if (n < bin || strcmp(dir + n - bin, BINDIR) != 0)
        return false;
    return snprintf(out, size, "%.*s" LIBDIR "/" LIBRARY, (int)(n - bin), dir) < (int)size;
}

static bool resolve_readable(const char *path, char *out, size_t size)
{
    char whole[PATH_MAX];
    return realpath(path, whole) && access(whole, R_OK) == 0 &&
           snprintf(out, size, "%s", whole) < (int)size;
}

bool locate_library_file(char *out, size_t size)
{
    char dir[PATH_MAX], path[PATH_MAX * 2];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    dir[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
    snprintf(path, sizeof path, "%s/" LIBRARY, dir); /* the build directory */
    if (slash && resolve_readable(path, out, size))
        return true;
    if (slash && installed_path(dir, path, sizeof path) && resolve_readable(path, out, size))
        return true;
    snprintf(path, sizeof path, "%s/../lib/" LIBRARY, dir);
    return (slash && resolve_readable(path, out, size)) ||
           resolve_readable(LIBDIR "/" LIBRARY, out, size);
}

bool locate_library(char *out, size_t size)
{
    char file[PATH_MAX];
    if (!locate_library_file(file, sizeof file))
        return false;
    if (!multiarch_path(file, out, size))
        snprintf(out, size, "%s", file);
    return true;
}

static bool replace_with_audit(char *path, size_t size)
{
    size_t n = strlen(path) - strlen(LIBRARY);
    return snprintf(path + n, size - n, AUDIT) < (int)(size - n);
}

bool locate_audit(char *out, size_t size)
{
    char file[PATH_MAX];
    return locate_library_file(file, sizeof file) && replace_with_audit(file, sizeof file) &&
           access(file, R_OK) == 0 && locate_library(out, size) && replace_with_audit(out, size);
}
