/* SPDX-License-Identifier: MIT
 *
 * Which memory is known to be readable without a system call, and what the kernel reports for
 * the rest. */
#include "sock/readable.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ADDRESS = 28, PAGE = 4096 };

TestSuite(readable, .timeout = 60);

static char *pages(int n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p =
        mmap(NULL, (size_t)n * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(p != MAP_FAILED);
    return p;
}

Test(readable, an_invalid_address_is_not_read)
{
    errno = 77;
    cr_assert_not(readable(NULL, ADDRESS));
    cr_assert_not(readable((void *)8, ADDRESS));
    cr_assert_not(readable((void *)-1, ADDRESS));
    cr_assert_not(readable((void *)-(intptr_t)ADDRESS, ADDRESS));
    cr_assert_not(readable((void *)0x8000000000000000, ADDRESS));
    cr_assert(errno == 77);
}

Test(readable, a_mapping_is_readable_while_it_exists)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = pages(2);
    cr_assert(readable(p + page - ADDRESS / 2, ADDRESS));
    munmap(p + page, page);
    cr_assert(readable(p + page - ADDRESS, ADDRESS));
    cr_assert_not(readable(p + page - ADDRESS / 2, ADDRESS), "half of it");
    cr_assert_not(readable(p + page - ADDRESS + 1, ADDRESS), "all but one byte");
    mprotect(p, page, PROT_NONE);
    cr_assert_not(readable(p, ADDRESS));
    munmap(p, page);
    cr_assert_not(readable(p, ADDRESS));
}

Test(readable, a_range_that_begins_before_a_mapping_is_not_readable)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = pages(2);
    munmap(p, page);
    cr_assert_not(readable(p + page - 8, ADDRESS));
}

#ifdef __GLIBC__ /* musl does not allow changes of the break */
Test(readable, memory_above_the_break_is_not_heap)
{
    char *heap = sbrk(16 * PAGE);
    if (heap == (void *)-1)
        return; /* other memory is above the break */
    cr_assert(readable(heap, ADDRESS));
    cr_assert(readable(heap + 15 * PAGE, ADDRESS));
    sbrk(-8 * PAGE);
    cr_assert(readable(heap + 7 * PAGE, ADDRESS));
    cr_assert_not(readable(heap + 15 * PAGE, ADDRESS));
}
#endif

/* From here on the kernel reports all memory as unreadable. False without seccomp filters. */
static bool deny_system_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EFAULT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static bool own_frame_is_readable(void)
{
    return readable(__builtin_frame_address(0), 16);
}

static __attribute__((unused)) void *in_a_thread(void *good)
{
    *(bool *)good = own_frame_is_readable();
    return NULL;
}

Test(readable, stack_data_and_heap_need_no_system_call)
{
    static char data[ADDRESS] = "data", zeros[ADDRESS];
    char *mapping = pages(1);
    bool good __attribute__((unused)) = false;
    pthread_t t __attribute__((unused));
#ifdef __GLIBC__
    char *heap = sbrk(PAGE);
    bool has_heap = heap != (void *)-1;              /* otherwise other memory is above the break */
    cr_assert(!has_heap || readable(heap, ADDRESS)); /* the first use makes a system call */
#endif
    if (!deny_system_calls())
        return;
    cr_assert_not(readable(mapping, ADDRESS), "readable, but unknown");
    cr_assert(own_frame_is_readable());
    cr_assert(readable(data, ADDRESS) && readable(zeros, ADDRESS));
#ifndef __SANITIZE_THREAD__ /* it keeps a lot between a stack and the control block */
    pthread_create(&t, NULL, in_a_thread, &good);
    pthread_join(t, NULL);
    cr_assert(good, "the stack of a thread");
#endif
#ifdef __GLIBC__
    cr_assert(!has_heap || readable(heap, ADDRESS));
    cr_assert(!has_heap || readable(heap + PAGE - ADDRESS, ADDRESS));
#endif
}
