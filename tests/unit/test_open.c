/* SPDX-License-Identifier: MIT */
#include "base/open.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(open);

static int state_of_standard(void)
{
    int open = 0;
    for (int fd = 0; fd < 3; fd++)
        open |= (fcntl(fd, F_GETFD) >= 0) << fd;
    return open;
}

/* For every combination of closed standard descriptors. The test runner writes to another one. */
Test(open, descriptors_never_have_standard_numbers_and_those_stay_closed)
{
    int kept[3];
    for (int i = 0; i < 3; i++)
        kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 50);
    for (int choice = 0; choice < 8; choice++) {
        for (int i = 0; i < 3; i++)
            if (choice >> i & 1)
                dup2(kept[i], i);
            else
                close(i);
        int file = open_file("/proc/self/status", O_RDONLY, 0);
        int dir = open_file("/", O_RDONLY | O_DIRECTORY, 0);
        int at = open_at(dir, "proc", O_RDONLY, 0);
        int socket = open_socket(AF_INET, SOCK_STREAM, 0);
        int after = state_of_standard();
        int flags = fcntl(file, F_GETFD) & fcntl(at, F_GETFD) & fcntl(socket, F_GETFD);
        close(file);
        close(dir);
        close(at);
        close(socket);
        for (int i = 0; i < 3; i++)
            dup2(kept[i], i);
        cr_assert_eq(after, choice);
        cr_assert(file > 2 && dir > 2 && at > 2 && socket > 2, "%d %d %d %d", file, dir, at,
                  socket);
        cr_assert_eq(flags, FD_CLOEXEC);
    }
}

Test(open, a_failure_has_the_errno_of_the_system_and_leaves_nothing_open)
{
    int kept = fcntl(0, F_DUPFD_CLOEXEC, 50);
    close(0);
    errno = 0;
    int fd = open_file("/nonexistent", O_RDONLY, 0);
    int error = errno, after = state_of_standard() & 1;
    dup2(kept, 0);
    cr_assert_eq(fd, -1);
    cr_assert_eq(error, ENOENT);
    cr_assert_eq(after, 0);
    cr_assert_eq(open_socket(AF_INET, SOCK_STREAM, 99), -1);
    cr_assert_eq(errno, EPROTONOSUPPORT);
}

Test(open, fails_where_no_number_above_the_standard_ones_is_free)
{
    struct rlimit limit;
    int kept = fcntl(0, F_DUPFD_CLOEXEC, 50);
    getrlimit(RLIMIT_NOFILE, &limit);
    close(0);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){1, limit.rlim_max});
    int fd = open_file("/", O_RDONLY, 0), error = errno;
    setrlimit(RLIMIT_NOFILE, &limit);
    int after = state_of_standard() & 1;
    dup2(kept, 0);
    cr_assert_eq(fd, -1);
    cr_assert_eq(error, EMFILE);
    cr_assert_eq(after, 0);
}

Test(open, in_a_private_descriptor_table_every_number_is_used)
{
    int kept = fcntl(0, F_DUPFD_CLOEXEC, 50);
    close(0);
    open_in_own_table();
    int fd = open_file("/", O_RDONLY, 0);
    dup2(kept, 0);
    cr_assert_eq(fd, 0);
}
