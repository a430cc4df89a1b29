/* SPDX-License-Identifier: MIT
 *
 * The files of a configuration: which are accepted, and whether one has changed since. */
#include "base/clock.h"
#include "base/open.h"
#include "base/text.h"
#include "engine/config/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LARGEST (1 << 20)

/* As ssh does, a file that another user could have written is not obeyed. NULL: it is accepted. */
static const char *why_refused(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "refused, it is not a regular file; name a regular file, or none";
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return "refused, it belongs to another user; make it yours or root's with chown";
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return "refused, its group or others can write it; remove that permission with chmod go-w";
    if (st->st_size > FILE_LARGEST)
        return "refused, it is larger than 1 MiB";
    return NULL;
}

/* strerror() would answer in the language of the program's user. */
static const char *error_text(int error)
{
    switch (error) {
    case ENOENT:
        return "No such file or directory";
    case ENOTDIR:
        return "Not a directory";
    case EISDIR:
        return "Is a directory";
    case EACCES:
        return "Permission denied";
    case ELOOP:
        return "Too many levels of symbolic links";
    case EMFILE:
    case ENFILE:
        return "Too many open files";
    case EIO:
        return "Input/output error";
    default:
        return "system error";
    }
}

static void read_open_file(struct builder *b, int fd)
{
    size_t n = 0;
    ssize_t got = 0;
    struct arena scratch = {NULL};
    char *text = arena_get(&scratch, FILE_LARGEST);
    if (!text) {
        b->out_of_memory = true;
        return;
    }
    while (n < FILE_LARGEST &&
           ((got = read(fd, text + n, FILE_LARGEST - n)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (size_t)got : 0;
    if (got < 0)
        builder_error(b, 0, NULL, "cannot be read: %s", error_text(errno));
    else
        builder_read_text(b, text, n);
    arena_drop(&scratch);
}

/* st NULL: the file does not exist. */
static void note_state(struct config_file *f, const struct stat *st)
{
    f->present = st != NULL;
    if (st) {
        f->dev = st->st_dev;
        f->ino = st->st_ino;
        f->changed_ns = st->st_ctim.tv_sec * NS_PER_S + st->st_ctim.tv_nsec;
        f->size = st->st_size;
    }
}

/* A service, a cron job or sudo may have the HOME of another user. His file is not ours, whether it can be
 * read or not. But our file that we cannot read is a mistake, as is a foreign file in our directory. */
static bool is_another_users(const struct config_file *f, uid_t owner)
{
    char dir[PATH_MAX];
    struct stat st;
    struct text t = TEXT_OVER(dir);
    if (!f->present)
        return true;
    text_putn(&t, f->path, (size_t)(strrchr(f->path, '/') - f->path));
    return owner != geteuid() && (stat(dir, &st) || st.st_uid != geteuid());
}

void builder_read_file(struct builder *b, const char *path, enum file_need need)
{
    struct stat st = {0};
    struct config_file *f = &b->config->files[b->config->file_count++];
    f->path = b->file = builder_copy(b, path, strlen(path));
    if (!f->path)
        return;
    int fd = open_file(path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
    if (fd < 0) {
        int error = errno;
        /* Noted although it cannot be opened, or else it would count as changed. */
        note_state(f, stat(path, &st) == 0 ? &st : NULL);
        bool absent = error == ENOENT || error == ENOTDIR;
        f->passed_over = error == EACCES && need == FILE_OF_USER && is_another_users(f, st.st_uid);
        if (need == FILE_MUST_EXIST || (!absent && !f->passed_over))
            builder_error(b, 0, NULL, "cannot be opened: %s", error_text(error));
        return;
    }
    if (fstat(fd, &st) == 0) {
        note_state(f, &st);
        const char *why = why_refused(&st);
        f->passed_over = need == FILE_OF_USER && st.st_uid && is_another_users(f, st.st_uid);
        if (why && !f->passed_over)
            builder_error(b, 0, NULL, "%s", why);
        else if (!why)
            read_open_file(b, fd);
    }
    close(fd);
}

bool config_is_stale(const struct config *c)
{
    int saved = errno;
    bool stale = false;
    for (int i = 0; i < c->file_count && !stale; i++) {
        const struct config_file *then = &c->files[i];
        struct config_file now = {.path = then->path};
        struct stat st;
        note_state(&now, stat(then->path, &st) == 0 ? &st : NULL);
        stale = now.present != then->present || now.dev != then->dev || now.ino != then->ino ||
                now.changed_ns != then->changed_ns || now.size != then->size;
    }
    errno = saved;
    return stale;
}
