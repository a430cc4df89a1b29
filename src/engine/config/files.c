/* SPDX-License-Identifier: MIT
 *
 * The files of a configuration: which are accepted, and whether one has changed since. */
#include "engine/config/files.h"

#include "base/clock.h"
#include "base/open.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LARGEST     (1 << 20)
#define INCLUDES_DEEPEST 8

/* A file that is being read, and the one that includes it. */
struct reading {
    const struct reading *outer;
    dev_t dev;
    ino_t ino;
};

/* As ssh does, a file that another user could have written is not obeyed. */
const char *input_refused(const struct input *i, mode_t type)
{
    const struct stat *st = &i->st;
    if (type == S_IFREG && !S_ISREG(st->st_mode))
        return "refused, it is not a regular file; name a regular file, or none";
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return "refused, it belongs to another user; make it yours or root's with chown";
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return "refused, its group or others can write it; remove that permission with chmod go-w";
    if (type == S_IFREG && st->st_size > FILE_LARGEST)
        return "refused, it is larger than 1 MiB";
    return NULL;
}

/* strerror() would answer in the language of the program's user. */
const char *input_error_text(int error)
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
    case ENAMETOOLONG:
        return "File name too long";
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
        builder_error(b, 0, NULL, "cannot be read: %s", input_error_text(errno));
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
static bool is_another_users(const struct input *i)
{
    char dir[PATH_MAX];
    struct stat st;
    struct text t = TEXT_OVER(dir);
    if (!i->known)
        return true;
    text_putn(&t, i->path, (size_t)(strrchr(i->path, '/') - i->path));
    return i->st.st_uid != geteuid() && (stat(dir, &st) || st.st_uid != geteuid());
}

/* Another user's file in the HOME of that user. */
static bool is_passed_over(const struct input *i, enum file_need need)
{
    bool hidden = i->fd < 0 ? i->error == EACCES : i->st.st_uid != 0;
    return need == FILE_OF_USER && hidden && is_another_users(i);
}

static void note_input(struct builder *b, struct config_file **list, int *count,
                       const struct input *i, bool passed_over)
{
    size_t n = (size_t)*count;
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct config_file *grown = builder_keep(b, (n ? 2 * n : 1) * sizeof(**list));
        if (!grown)
            return;
        if (n)
            memcpy(grown, *list, n * sizeof(**list));
        *list = grown;
    }
    (*list)[n] = (struct config_file){.path = i->path, .passed_over = passed_over};
    note_state(&(*list)[n], i->known ? &i->st : NULL);
    ++*count;
}

struct input input_open(struct builder *b, const char *path, int flags, enum file_need need)
{
    struct config *c = b->config;
    struct input i = {.path = builder_copy(b, path, strlen(path)), .fd = -1, .error = ENOMEM};
    if (!i.path)
        return i;
    i.fd = open_file(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | flags, 0);
    i.error = errno;
    i.known = (i.fd >= 0 ? fstat(i.fd, &i.st) : stat(path, &i.st)) == 0;
    bool missing = i.fd < 0 && !i.known && (i.error == ENOENT || i.error == ENOTDIR);
    bool passed_over = !missing && is_passed_over(&i, need);
    i.absent = passed_over || (missing && need != FILE_MUST_EXIST);
    /* Noted although it cannot be opened, or else it would count as changed. */
    if (flags & O_DIRECTORY)
        note_input(b, &c->directories, &c->directory_count, &i, passed_over);
    else
        note_input(b, &c->files, &c->file_count, &i, passed_over);
    return i;
}

void input_close(const struct input *i)
{
    if (i->fd >= 0)
        close(i->fd);
}

/* Why the file cannot be read within those that are being read already; NULL: it can. */
static const char *why_nested_wrong(const struct builder *b, const struct stat *st)
{
    int depth = 0;
    for (const struct reading *r = b->reading; r; r = r->outer, depth++)
        if (r->dev == st->st_dev && r->ino == st->st_ino)
            return r == b->reading
                       ? "the file includes itself; remove the line"
                       : "a cycle: that file includes this one; remove one of the lines";
    return depth > INCLUDES_DEEPEST
               ? "more than 8 files that include each other; include the file further out"
               : NULL;
}

void input_read(struct builder *b, const struct input *i, int line, const char *subject)
{
    const struct reading now = {b->reading, i->st.st_dev, i->st.st_ino};
    const char *outer = b->file, *why = input_refused(i, S_IFREG);
    if (why || (why = why_nested_wrong(b, &i->st))) {
        builder_error(b, line, subject, "%s", why);
        return;
    }
    b->reading = &now;
    b->file = i->path;
    read_open_file(b, i->fd);
    b->file = outer;
    b->reading = now.outer;
}

void builder_read_file(struct builder *b, const char *path, enum file_need need)
{
    const struct input i = input_open(b, path, 0, need);
    b->file = i.path;
    if (i.fd >= 0 && !i.absent)
        input_read(b, &i, 0, NULL);
    else if (i.path && !i.absent)
        builder_error(b, 0, NULL, "cannot be opened: %s", input_error_text(i.error));
    input_close(&i);
}

static bool has_changed(const struct config_file *then)
{
    struct config_file now = {.path = then->path};
    struct stat st;
    note_state(&now, stat(then->path, &st) == 0 ? &st : NULL);
    return now.present != then->present || now.dev != then->dev || now.ino != then->ino ||
           now.changed_ns != then->changed_ns || now.size != then->size;
}

bool config_is_stale(const struct config *c)
{
    int saved = errno;
    bool stale = false;
    for (int i = 0; i < c->file_count && !stale; i++)
        stale = has_changed(&c->files[i]);
    for (int i = 0; i < c->directory_count && !stale; i++)
        stale = has_changed(&c->directories[i]);
    errno = saved;
    return stale;
}
