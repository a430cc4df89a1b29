/* SPDX-License-Identifier: MIT */
#include "base/sandbox.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#define LOAD(member)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define IF(number)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(number), 0, 1)
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, (answer))

#define allows_library(...)                                                                        \
    ({                                                                                             \
        struct sock_filter code[] = {__VA_ARGS__};                                                 \
        sandbox_allows_library(code, array_size(code));                                            \
    })

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

Test(sandbox, a_filter_that_allows_everything_allows_the_library)
{
    cr_assert(allows_library(ANSWER(SECCOMP_RET_ALLOW)));
}

Test(sandbox, a_filter_that_kills_on_new_threads_allows_the_library)
{
    cr_assert(allows_library(LOAD(nr), IF(SYS_clone), ANSWER(SECCOMP_RET_KILL_PROCESS),
                             IF(SYS_clone3), ANSWER(SECCOMP_RET_KILL_PROCESS),
                             ANSWER(SECCOMP_RET_ALLOW)));
}

Test(sandbox, a_filter_that_forbids_one_needed_call_does_not_allow_the_library)
{
    static const int calls[] = {SYS_openat, SYS_getsockopt, SYS_futex, SYS_clock_gettime};
    for (size_t i = 0; i < array_size(calls); i++)
        cr_assert(!allows_library(LOAD(nr), IF(calls[i]), ANSWER(SECCOMP_RET_KILL_PROCESS),
                                  ANSWER(SECCOMP_RET_ALLOW)));
}

Test(sandbox, a_filter_that_allows_few_calls_does_not_allow_the_library)
{
    cr_assert(!allows_library(LOAD(nr), IF(SYS_read), ANSWER(SECCOMP_RET_ALLOW), IF(SYS_write),
                              ANSWER(SECCOMP_RET_ALLOW), ANSWER(SECCOMP_RET_ERRNO | 1)));
}

Test(sandbox, a_filter_that_notifies_a_supervisor_or_logs_does_not_allow_the_library)
{
    cr_assert(!allows_library(ANSWER(SECCOMP_RET_LOG)));
    cr_assert(!allows_library(ANSWER(SECCOMP_RET_TRACE)));
    cr_assert(!allows_library(ANSWER(SECCOMP_RET_USER_NOTIF)));
}

Test(sandbox, a_filter_that_reads_arguments_of_needed_calls_does_not_allow_the_library)
{
    cr_assert(!allows_library(LOAD(nr), IF(SYS_socket), LOAD(args[0]), ANSWER(SECCOMP_RET_ALLOW)));
    cr_assert(!allows_library(LOAD(instruction_pointer), ANSWER(SECCOMP_RET_ALLOW)));
}

Test(sandbox, a_filter_that_reads_arguments_of_other_calls_allows_the_library)
{
    cr_assert(allows_library(LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2),
                             LOAD(args[0]), ANSWER(SECCOMP_RET_KILL_PROCESS),
                             ANSWER(SECCOMP_RET_ALLOW)));
}

Test(sandbox, filters_are_evaluated_for_this_architecture)
{
    cr_assert(allows_library(LOAD(arch), IF(ARCH), ANSWER(SECCOMP_RET_ALLOW),
                             ANSWER(SECCOMP_RET_KILL_PROCESS)));
    cr_assert(!allows_library(LOAD(arch), IF(ARCH), ANSWER(SECCOMP_RET_KILL_PROCESS),
                              ANSWER(SECCOMP_RET_ALLOW)));
}

Test(sandbox, a_filter_may_branch_calculate_and_use_memory)
{
    cr_assert(allows_library(
        LOAD(nr), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_IMM, 0), BPF_STMT(BPF_LD | BPF_MEM, 3),
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 0, 1),
        ANSWER(SECCOMP_RET_KILL_PROCESS), BPF_STMT(BPF_JMP | BPF_JA, 1),
        ANSWER(SECCOMP_RET_KILL_PROCESS), BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_A, 0)));
    cr_assert(allows_library(LOAD(nr), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0),
                             BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1),
                             ANSWER(SECCOMP_RET_KILL_PROCESS), ANSWER(SECCOMP_RET_ALLOW)));
}

Test(sandbox, a_filter_that_the_kernel_would_reject_does_not_allow_the_library)
{
    cr_assert(!sandbox_allows_library(NULL, 0));
    cr_assert(!allows_library(LOAD(nr)), "no end");
    cr_assert(!allows_library(BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), ANSWER(SECCOMP_RET_ALLOW)));
    cr_assert(!allows_library(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 200, 200),
                              ANSWER(SECCOMP_RET_ALLOW)));
    cr_assert(!allows_library(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), ANSWER(SECCOMP_RET_ALLOW)));
    cr_assert(!allows_library(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ANSWER(SECCOMP_RET_ALLOW)));
}
