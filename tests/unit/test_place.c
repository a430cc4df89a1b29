/* SPDX-License-Identifier: MIT */
#include "engine/publish/place.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char out[PLACE_SIZE];

Test(place, the_usual_one_of_a_user_needs_no_name)
{
    struct board b = {.shared = true};
    cr_assert_null(place_of(&b, "/dev/shm/harden-4294967295", 4294967295U, out));
    cr_assert_str_eq(place_of(&b, "/dev/shm/harden-4294967295.1", 4294967295U, out),
                     "/dev/shm/harden-4294967295.1");
    cr_assert_str_eq(place_of(&b, "/dev/shm/harden-4294967295", 0, out),
                     "/dev/shm/harden-4294967295");
}

Test(place, is_the_same_however_the_directory_is_spelled)
{
    struct board b = {.shared = true};
    char dir[] = "/tmp/harden-test-XXXXXX", other[64];
    cr_assert(mkdtemp(dir));
    cr_assert_str_eq(place_of(&b, dir, 1, out), dir);
    snprintf(other, sizeof other, "/tmp//./%s/", dir + strlen("/tmp/"));
    cr_assert_str_eq(place_of(&b, other, 1, out), dir);
    snprintf(other, sizeof other, "%s.link", dir);
    cr_assert_eq(symlink(dir, other), 0);
    cr_assert_str_eq(place_of(&b, other, 1, out), dir);
    unlink(other);
    rmdir(dir);
}

Test(place, of_private_memory_is_the_process_that_made_it_also_for_its_children)
{
    char want[32];
    struct board *b = board_open(NULL, 16, NULL);
    int status;
    snprintf(want, sizeof want, "private-%d", (int)getpid());
    cr_assert_str_eq(place_of(b, NULL, 1, out), want);
    pid_t child = fork();
    if (!child)
        _exit(strcmp(place_of(b, NULL, 1, out), want) != 0);
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}
