/* SPDX-License-Identifier: MIT */
#include "base/replace.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/harden-test-XXXXXX";
static char file[64];

static void make_dir(void)
{
    mkdtemp(dir);
    snprintf(file, sizeof file, "%s/file", dir);
}

static int files(void)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void drop_dir(void)
{
    unlink(file);
    rmdir(dir);
}

TestSuite(replace, .init = make_dir, .fini = drop_dir);

static const char *content(const char *path)
{
    static char got[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    close(fd);
    return got;
}

Test(replace, makes_the_file_accessible_for_its_owner_only)
{
    struct stat st;
    umask(0);
    cr_assert_eq(replace_file(file, "one", 3), 0);
    cr_assert_eq(replace_file(file, "two", 3), 0);
    cr_assert_str_eq(content(file), "two");
    stat(file, &st);
    cr_assert_eq(st.st_mode & 0777, 0600u);
    cr_assert_eq(files(), 1);
}

Test(replace, writes_a_text_of_any_length_through_a_small_buffer)
{
    char room[16];
    struct replacement f;
    replacement_open(&f, file, room, sizeof room);
    text_put(&f.text, "0123456789abc");
    text_put(&f.text, "a text that is longer than the room, ");
    text_fmt(&f.text, "%d or %d,", 123, 678);
    cr_assert_eq(f.text.p[f.text.n - 1], ',', "the last byte can be removed again");
    f.text.n--;
    text_put(&f.text, "!");
    cr_assert_eq(replacement_close(&f), 0);
    cr_assert_str_eq(content(file),
                     "0123456789abca text that is longer than the room, 123 or 678!");
}

Test(replace, does_not_publish_an_incomplete_file)
{
    struct replacement f;
    char room[8];
    cr_assert_eq(replace_file(file, "old", 3), 0);
    replacement_open(&f, file, room, sizeof room);
    text_fmt(&f.text, "%s", "longer than the room");
    cr_assert_lt(replacement_close(&f), 0);
    cr_assert_str_eq(content(file), "old");
    cr_assert_eq(files(), 1);
}

Test(replace, allows_two_concurrent_writers_with_the_same_pid)
{
    struct replacement a, b;
    char room[2][64];
    replacement_open(&a, file, room[0], sizeof room[0]);
    replacement_open(&b, file, room[1], sizeof room[1]);
    text_put(&a.text, "from a");
    text_put(&b.text, "from b");
    cr_assert_eq(files(), 2);
    cr_assert_eq(replacement_close(&a), 0);
    cr_assert_str_eq(content(file), "from a");
    cr_assert_eq(replacement_close(&b), 0);
    cr_assert_str_eq(content(file), "from b");
    cr_assert_eq(files(), 1);
}

Test(replace, replaces_regular_files_only)
{
    struct stat st;
    cr_assert_eq(mkfifo(file, 0600), 0);
    cr_assert_lt(replace_file(file, "x", 1), 0);
    cr_assert(lstat(file, &st) == 0 && S_ISFIFO(st.st_mode));
    unlink(file);
    cr_assert_eq(symlink("/dev/null", file), 0);
    cr_assert_lt(replace_file(file, "x", 1), 0);
    cr_assert(lstat(file, &st) == 0 && S_ISLNK(st.st_mode));
    cr_assert_eq(files(), 1);
}

Test(replace, keeps_the_old_file_and_no_temporary_one_when_it_fails)
{
    char sub[80];
    errno = EXDEV;
    cr_assert_eq(replace_file("/nonexistent/file", "x", 1), -ENOENT);
    cr_assert_eq(errno, EXDEV);
    mkdir(file, 0700); /* a directory cannot be replaced by a file */
    snprintf(sub, sizeof sub, "%s/x", file);
    cr_assert_lt(replace_file(file, "x", 1), 0);
    cr_assert_eq(files(), 1);
    rmdir(file);
}
