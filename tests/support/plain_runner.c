/* SPDX-License-Identifier: MIT
 *
 * A small stand-in for Criterion's runner, linked in front of it with SANITIZE=thread: Criterion's
 * own sandbox needs memory at addresses that ThreadSanitizer keeps for itself and does not start
 * under it. The tests are the same objects; Test, TestSuite, ParameterizedTest, assertions, signal,
 * exit_code and timeout mean the same here. Each test runs in a child of its own. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED       101
#define TIME_LIMIT_S 120

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

static const struct criterion_test *test;
static const struct criterion_suite *suite;
static void *parameter;
static bool failed;

/* ---- what the macros call -------------------------------------------------------------------- */

void criterion_internal_test_setup(void)
{
    if (suite && suite->data->init)
        suite->data->init();
    if (test->data->init)
        test->data->init();
}

void criterion_internal_test_main(void (*fn)(void))
{
    if (test->data->kind_ == CR_TEST_PARAMETERIZED)
        ((void (*)(void *))(void *)fn)(parameter);
    else
        fn();
}

void criterion_internal_test_teardown(void)
{
    if (test->data->fini)
        test->data->fini();
    if (suite && suite->data->fini)
        suite->data->fini();
}

static void complain(const char *file, unsigned long line, const char *what)
{
    failed = true;
    fprintf(stderr, "[----] %s:%lu: %s\n", file, line, what ? what : "assertion failed");
}

void criterion_send_assert(struct criterion_assert_stats *s)
{
    if (!s->passed)
        complain(s->file, (unsigned long)s->line, s->message);
}

static void tell(const struct cri_assert_node *n)
{
    if (n->pass)
        return;
    fprintf(stderr, "[----]   %s\n", n->repr ? n->repr : "");
    for (int i = 0; i < CRI_ASSERT_MAX_PARAMS && n->params[i].name; i++)
        if (n->params[i].type == CRI_ASSERT_RT_STR)
            fprintf(stderr, "[----]     %s: %s\n", n->params[i].name, (char *)n->params[i].data);
    for (uint32_t i = 0; i < n->nchild; i++)
        tell(&n->children[i]);
}

void cri_assert_node_send(const char *file, size_t line, struct cri_assert_node *tree)
{
    if (tree->pass)
        return;
    complain(file, line, tree->message);
    tell(tree);
}

void criterion_abort_test(void)
{
    exit(FAILED);
}

void criterion_continue_test(void)
{
}

void cri_asserts_passed_incr(void)
{
}

/* ---- the runner ------------------------------------------------------------------------------ */

static const struct criterion_suite *suite_of(const struct criterion_test *t)
{
    for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts; s++)
        if (strcmp((*s)->name, t->category) == 0)
            return *s;
    return NULL;
}

static bool run(void)
{
    double limit = test->data->timeout > 0 ? test->data->timeout : TIME_LIMIT_S;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        alarm((unsigned)(limit * 10 + 1)); /* everything is slower under the sanitizer */
        test->test();
        exit(failed ? FAILED : 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    bool good = test->data->signal
                    ? WIFSIGNALED(status) && WTERMSIG(status) == test->data->signal
                    : WIFEXITED(status) && WEXITSTATUS(status) == test->data->exit_code;
    if (!good)
        fprintf(stderr, "[FAIL] %s::%s: %s %d\n", test->category, test->name,
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return good;
}

int main(void)
{
    int passing = 0, failing = 0;
    for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst; t++) {
        test = *t;
        suite = suite_of(test);
        struct criterion_test_params p = {.length = 1};
        if (test->data->kind_ == CR_TEST_PARAMETERIZED)
            p = test->data->param_();
        for (size_t i = 0; i < p.length; i++) {
            parameter = p.params ? (char *)p.params + i * p.size : NULL;
            if (run())
                passing++;
            else
                failing++;
        }
    }
    printf("[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: 0\n",
           passing + failing, passing, failing);
    return failing > 0;
}
