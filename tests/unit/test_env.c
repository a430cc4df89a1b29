/* SPDX-License-Identifier: MIT */
#include "base/env.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(env, is_captured_once_and_not_affected_by_later_changes)
{
    setenv("HARDEN_RATE", "60/1m", 1);
    setenv("HOME", "/home/x", 1);
    env_capture();
    setenv("HARDEN_RATE", "1/1m", 1);
    clearenv();
    cr_assert_str_eq(env_get("HARDEN_RATE"), "60/1m");
    cr_assert_str_eq(env_get("HOME"), "/home/x");
}

Test(env, captures_at_the_first_look_up_if_nothing_did_before)
{
    setenv("HARDEN_LOG", "debug", 1);
    cr_assert_str_eq(env_get("HARDEN_LOG"), "debug");
}

Test(env, matches_whole_names_only)
{
    clearenv();
    setenv("HARDEN_LOG_TO", "x", 1);
    setenv("PATH", "/bin", 1);
    setenv("HARDENED", "1", 1);
    setenv("https_proxy", "http://p", 1);
    cr_assert_null(env_get("HARDEN_LOG"));
    cr_assert_null(env_get("PATH"));
    cr_assert_str_eq(env_get("https_proxy"), "http://p");
    cr_assert_str_eq(env_nth(0), "HARDEN_LOG_TO=x");
    cr_assert_null(env_nth(1));
}

Test(env, captures_more_than_its_static_buffer)
{
    clearenv();
    char name[32], *value = malloc(3001);
    memset(value, 'x', 3000);
    value[3000] = '\0';
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "HARDEN_K%d", i);
        setenv(name, value, 1);
    }
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "HARDEN_K%d", i);
        cr_assert_str_eq(env_get(name), value);
    }
    cr_assert_not_null(env_nth(39));
    cr_assert_null(env_nth(40));
    free(value);
}

Test(env, works_in_an_empty_environment)
{
    char *none[] = {NULL};
    environ = none;
    cr_assert_null(env_get("HOME"));
    cr_assert_null(env_nth(0));
    cr_assert(!env_secure());
    cr_assert(env_known());
}

Test(env, is_not_captured_before_the_c_library_has_it)
{
    char *later[] = {(char *)"HARDEN_X=1", NULL};
    environ = NULL; /* as in the preinit array of a program */
    cr_assert(!env_known());
    cr_assert(env_secure());
    cr_assert_null(env_get("HARDEN_X"));
    environ = later;
    cr_assert(env_known());
    cr_assert(!env_secure());
    cr_assert_str_eq(env_get("HARDEN_X"), "1");
}

Test(env, gives_the_name_of_the_executable)
{
    errno = EXDEV;
    cr_assert_str_eq(env_program(), "test_env");
    program_invocation_short_name = (char *)"disguise";
    cr_assert_str_eq(env_program(), "test_env");
    cr_assert_eq(errno, EXDEV);
}

static void *name(void *arg)
{
    pthread_barrier_wait(arg);
    return (void *)env_program();
}

Test(env, gives_the_name_to_racing_threads_and_their_children)
{
    pthread_t thread[8];
    pthread_barrier_t b;
    void *got;
    pthread_barrier_init(&b, NULL, 8);
    for (int i = 0; i < 8; i++)
        pthread_create(&thread[i], NULL, name, &b);
    for (int i = 0; i < 8; i++) {
        pthread_join(thread[i], &got);
        cr_assert_str_eq(got, "test_env");
    }
}

Test(env, reads_any_variable_as_it_was_at_exec)
{
    char *at_exec = getenv("PATH");
    cr_assert_not_null(at_exec);
    char *copy = strdup(at_exec);
    setenv("PATH", "/other", 1);
    cr_assert_str_eq(env_any("PATH"), copy);
    cr_assert_null(env_any("NOT_THERE_AT_ALL"));
    free(copy);
}

Test(env, joins_relative_paths_with_the_directory_at_start)
{
    char out[PATH_MAX];
    chdir("/usr");
    setenv("HARDEN_EVENTS", "events.log", 1);
    env_capture();
    chdir("/");
    cr_assert_str_eq(env_absolute("events.log", out, sizeof out), "/usr/events.log");
    cr_assert_str_eq(env_absolute("/abs", out, sizeof out), "/abs");
    cr_assert_null(env_absolute("events.log", out, 10));
}

Test(env, keeps_the_directory_at_start_for_a_relative_trace)
{
    char out[PATH_MAX];
    clearenv();
    chdir("/usr");
    setenv("HARDEN_TRACE", "trace.jsonl", 1);
    env_capture();
    chdir("/");
    cr_assert_str_eq(env_absolute("trace.jsonl", out, sizeof out), "/usr/trace.jsonl");
}

Test(env, joins_with_the_current_directory_when_the_environment_has_no_relative_path)
{
    char out[PATH_MAX];
    clearenv();
    env_capture();
    chdir("/usr");
    cr_assert_str_eq(env_absolute("x", out, sizeof out), "/usr/x");
    chdir("/");
    cr_assert_str_eq(env_absolute("x", out, sizeof out), "/x");
}

static void *look(void *arg)
{
    pthread_barrier_wait(arg);
    return (void *)env_get("HARDEN_RATE");
}

Test(env, returns_the_same_to_racing_threads)
{
    pthread_t thread[8];
    pthread_barrier_t b;
    void *first = NULL, *value;
    setenv("HARDEN_RATE", "60/1m", 1);
    pthread_barrier_init(&b, NULL, 8);
    for (int i = 0; i < 8; i++)
        pthread_create(&thread[i], NULL, look, &b);
    for (int i = 0; i < 8; i++) {
        pthread_join(thread[i], &value);
        cr_assert_str_eq(value, "60/1m");
        first = first ? first : value;
    }
    cr_assert_eq(env_get("HARDEN_RATE"), first);
}
