/* SPDX-License-Identifier: MIT */
#include "engine/publish/place.h"

#include "base/open.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The kernel's own name of the directory. */
static bool resolve(const char *dir, char out[PLACE_SIZE])
{
    char link[32];
    struct text t = TEXT_OVER(link);
    int fd = open_file(dir, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return false;
    text_fmt(&t, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PLACE_SIZE - 1);
    close(fd);
    if (n <= 0 || out[0] != '/')
        return false;
    out[n] = '\0';
    return true;
}

const char *place_of(const struct board *b, const char *dir, unsigned user, char out[PLACE_SIZE])
{
    struct text t = {.p = out, .cap = PLACE_SIZE};
    char usual[32] = "";
    struct text u = TEXT_OVER(usual);
    if (!b->shared) {
        text_fmt(&t, "private-%d", (int)b->creator);
        return out;
    }
    text_fmt(&u, "/dev/shm/harden-%u", user);
    if (!resolve(dir, out))
        text_put(&t, dir);
    return strcmp(dir, usual) && strcmp(out, usual) ? out : NULL;
}
