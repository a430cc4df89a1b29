/* SPDX-License-Identifier: MIT
 *
 * Programs that change their descriptors, directories and rights: descriptors WHAT DIRECTORY. */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *dir;

static int open_count(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    REQUIRE(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void fetch_many(int n)
{
    char path[32];
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "ok/%d", i);
        fetch(path, path);
        usleep(30 * 1000);
    }
}

static void leave_none(void)
{
    int before = open_count();
    fetch_many(10);
    printf("%d more descriptors\n", open_count() - before);
}

static void closed_under_us(void)
{
    enum { FILES = 32 };
    static const char text[] = "the program's own words\n";
    int fd[FILES];
    char buf[64], path[512];
    fetch("before", "f2/before");
    REQUIRE(!syscall(SYS_close_range, 3, ~0U, 0));
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/own-%d", dir, i);
        fd[i] = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        REQUIRE(fd[i] == 3 + i && write(fd[i], text, sizeof text) == (ssize_t)sizeof text);
    }
    fetch_many(10);
    fetch("after", "f2/after");
    for (int i = 0; i < FILES; i++) {
        struct stat st;
        REQUIRE(!fstat(fd[i], &st) && st.st_size == (off_t)sizeof text);
        REQUIRE(pread(fd[i], buf, sizeof buf, 0) == (ssize_t)sizeof text);
        REQUIRE(!memcmp(buf, text, sizeof text) && !close(fd[i]));
        snprintf(path, sizeof path, "%s/own-%d", dir, i);
        unlink(path);
    }
}

static void exhausted(void)
{
    int fd, last = -1;
    struct rlimit few = {64, 64};
    REQUIRE(!setrlimit(RLIMIT_NOFILE, &few));
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    REQUIRE(errno == EMFILE && last == 63);
    fetch("with none left", "ok/none");
    fetch("with none left", "ok/none");
    for (; last > 30; last--)
        close(last);
    fetch("with some again", "f2/some");
}

static void exhausted_later(void)
{
    fetch("before", "f2/before");
    exhausted();
}

static void relative_state(void)
{
    REQUIRE(!chdir("/"));
    fetch("elsewhere", "f2/elsewhere");
    REQUIRE(!chdir("/tmp"));
    fetch("elsewhere", "ok/elsewhere");
}

static void in_a_cell(void)
{
    fetch("free", "f2/free");
    usleep(100 * 1000); /* a file that is being written during the change would be left in the old
                         * place */
    REQUIRE(!chroot(dir) && !chdir("/"));
    fetch_many(10);
    fetch("captive", "f2/captive");
}

static void become_nobody(void)
{
    REQUIRE(!setgroups(0, NULL) && !setresgid(65534, 65534, 65534) &&
            !setresuid(65534, 65534, 65534));
}

static void dropped(void)
{
    fetch("root", "f2/root");
    become_nobody();
    fetch_many(10);
    fetch("nobody", "f2/nobody");
}

/* Root without its capabilities. */
static void powerless(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    fetch("able", "f2/able");
    REQUIRE(!syscall(SYS_capset, &header, none));
    fetch_many(10);
    fetch("powerless", "f2/powerless");
}

static void dropped_first(void)
{
    become_nobody();
    fetch("nobody", "f2/nobody");
}

/* Writing to a file beyond the limit raises SIGXFSZ. */
static void no_file_size(void)
{
    struct rlimit none = {0, 0};
    REQUIRE(!setrlimit(RLIMIT_FSIZE, &none));
    fetch("limited", "f2/limited");
    fetch_many(10);
}

/* Enough for libcurl, but not for much more. */
static void little_memory(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    REQUIRE(f && fscanf(f, "%lu", &pages) == 1 && !fclose(f));
    rlim_t limit = pages * 4096 + 1536 * 1024;
    REQUIRE(!setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}));
    fetch_many(10);
}

static void no_thread(void)
{
    become_nobody();
    REQUIRE(!setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}));
    fetch_many(10);
}

/* A daemon that uses descriptors 0 to 2 for its own files. The library then has a message to log,
 * because the state directory is inaccessible. */
static void own_standard_streams(void)
{
    char path[512], buf[64];
    int out = dup(1);
    struct stat st;
    fetch("before", "f2/before");
    for (int i = 0; i < 3; i++)
        close(i);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/own-%d", dir, i);
        REQUIRE(open(path, O_RDWR | O_CREAT, 0600) == i && write(i, "own", 3) == 3);
    }
    lines = fopen("/dev/null", "w");
    REQUIRE(!chroot("/proc"));
    fetch_many(10);
    for (int i = 0; i < 3; i++)
        if (fstat(i, &st) || st.st_size != 3 || pread(i, buf, 3, 0) != 3 || memcmp(buf, "own", 3))
            dprintf(out, "file %d was written to\n", i);
    dprintf(out, "done\n");
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {{"leak", leave_none},
            {"close_range", closed_under_us},
            {"exhausted", exhausted_later},
            {"exhausted-first", exhausted},
            {"chdir", relative_state},
            {"chroot", in_a_cell},
            {"drop", dropped},
            {"capset", powerless},
            {"drop-first", dropped_first},
            {"file-size", no_file_size},
            {"memory", little_memory},
            {"no-thread", no_thread},
            {"streams", own_standard_streams}};

int main(int argc, char **argv)
{
    REQUIRE(argc > 2);
    dir = argv[2];
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (!strcmp(acts[i].name, argv[1]))
            acts[i].act();
    return 0;
}
