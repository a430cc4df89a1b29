/* SPDX-License-Identifier: MIT
 *
 * A small replacement for the Criterion library. It is linked where Criterion does not start
 * (ThreadSanitizer reserves the memory that Criterion's sandbox needs) or is not available (another
 * architecture or C library). The test objects stay the same; Test, TestSuite, ParameterizedTest,
 * assertions, signal, exit_code and timeout mean the same. Each test runs in its own child process.
 *
 * SKIP_TESTS: names ("suite::name") of tests that cannot run here; each one is reported. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/options.h>
#include <criterion/parameterized.h>

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED       101
#define TIME_LIMIT_S 12 /* of a test that sets none; multiplied by ten like every limit */

struct criterion_options criterion_options;

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

static const struct criterion_test *test;
static const struct criterion_suite *suite;
static void *parameter;
static bool failed;

/* ---- functions that the macros call ---------------------------------------------------------- */

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

static void print_failed(const char *file, unsigned long line, const char *what)
{
    failed = true;
    fprintf(stderr, "[----] %s:%lu: %s\n", file, line, what ? what : "assertion failed");
}

void criterion_send_assert(struct criterion_assert_stats *s)
{
    if (!s->passed)
        print_failed(s->file, (unsigned long)s->line, s->message);
}

static void print_failures(const struct cri_assert_node *n)
{
    if (n->pass)
        return;
    fprintf(stderr, "[----]   %s\n", n->repr ? n->repr : "");
    for (int i = 0; i < CRI_ASSERT_MAX_PARAMS && n->params[i].name; i++)
        if (n->params[i].type == CRI_ASSERT_RT_STR)
            fprintf(stderr, "[----]     %s: %s\n", n->params[i].name, (char *)n->params[i].data);
    for (uint32_t i = 0; i < n->nchild; i++)
        print_failures(&n->children[i]);
}

void cri_assert_node_send(const char *file, size_t line, struct cri_assert_node *tree)
{
    if (tree->pass)
        return;
    print_failed(file, line, tree->message);
    print_failures(tree);
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

/* ---- texts and trees of assertions ----------------------------------------------------------- */

int cr_asprintf(char **out, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(out, format, ap);
    va_end(ap);
    return n;
}

void cr_asprintf_free(char *text)
{
    free(text);
}

/* The first argument is the source text of the assertion. */
char *cr_translate_assert_msg(int message, ...)
{
    va_list ap;
    (void)message;
    va_start(ap, message);
    char *text = strdup(va_arg(ap, const char *));
    va_end(ap);
    return text;
}

/* The macros put an "x" in front, so that a format is never empty. */
char *cri_assert_message(const char *format, ...)
{
    char *text;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format + 1, ap);
    va_end(ap);
    return n > 0 ? text : NULL;
}

int cr_user_str_eq(char **a, char **b)
{
    return *a && *b ? strcmp(*a, *b) == 0 : *a == *b;
}

char *cr_user_str_tostr(char **text)
{
    return strdup(*text ? *text : "(null)");
}

void cri_assert_node_init(struct cri_assert_node *n)
{
    memset(n, 0, sizeof *n);
}

struct cri_assert_node *cri_assert_node_add(struct cri_assert_node *tree, struct cri_assert_node *n)
{
    if (tree->nchild == tree->maxchild) {
        tree->maxchild = tree->maxchild ? tree->maxchild * 2 : 4;
        tree->children = realloc(tree->children, tree->maxchild * sizeof *n);
        if (!tree->children)
            abort();
    }
    tree->children[tree->nchild] = *n;
    return &tree->children[tree->nchild++];
}

void cri_assert_node_negate(struct cri_assert_node *n)
{
    n->pass = !n->pass;
    for (uint32_t i = 0; i < n->nchild; i++)
        cri_assert_node_negate(&n->children[i]);
}

void cri_assert_node_term(struct cri_assert_node *n)
{
    for (uint32_t i = 0; i < n->nchild; i++)
        cri_assert_node_term(&n->children[i]);
    for (int i = 0; i < CRI_ASSERT_MAX_PARAMS && n->params[i].name; i++)
        if (n->params[i].type == CRI_ASSERT_RT_STR)
            free(n->params[i].data);
    free(n->children);
    n->children = NULL;
}

/* ---- runner ---------------------------------------------------------------------------------- */

static const struct criterion_suite *suite_of(const struct criterion_test *t)
{
    for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts; s++)
        if (strcmp((*s)->name, t->category) == 0)
            return *s;
    return NULL;
}

/* A forked child can deadlock on a lock of the sanitizer that another thread of the parent held.
 * That says nothing about the tested code, so the test runs once more. */
static bool hung(pid_t pid, int status)
{
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM || test->data->signal == SIGALRM)
        return false;
    kill(-pid, SIGKILL);
    printf("[----] %s::%s hung\n", test->category, test->name);
    return true;
}

static bool run(int tries)
{
    double limit = test->data->timeout > 0 ? test->data->timeout : TIME_LIMIT_S;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        alarm((unsigned)(limit * 10 + 1)); /* everything is slower under the sanitizer */
        test->test();
        exit(failed ? FAILED : 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    if (hung(pid, status) && tries > 1)
        return run(tries - 1);
    bool good = test->data->signal
                    ? WIFSIGNALED(status) && WTERMSIG(status) == test->data->signal
                    : WIFEXITED(status) && WEXITSTATUS(status) == test->data->exit_code;
    if (!good)
        fprintf(stderr, "[FAIL] %s::%s: %s %d\n", test->category, test->name,
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return good;
}

static bool is_to_skip(void)
{
    char name[256];
    const char *skip = getenv("SKIP_TESTS");
    snprintf(name, sizeof name, " %s::%s ", test->category, test->name);
    if (!skip || !strstr(skip, name))
        return false;
    printf("[SKIP]%s\n", name);
    return true;
}

int main(void)
{
    int passing = 0, failing = 0;
    setlinebuf(stdout); /* otherwise each child prints the buffered output again */
    for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst; t++) {
        test = *t;
        suite = suite_of(test);
        if (is_to_skip())
            continue;
        struct criterion_test_params p = {.length = 1};
        if (test->data->kind_ == CR_TEST_PARAMETERIZED)
            p = test->data->param_();
        for (size_t i = 0; i < p.length; i++) {
            parameter = p.params ? (char *)p.params + i * p.size : NULL;
            if (run(2))
                passing++;
            else
                failing++;
        }
    }
    printf("[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: 0\n",
           passing + failing, passing, failing);
    return failing > 0;
}
