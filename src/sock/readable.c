/* SPDX-License-Identifier: MIT */
#include "sock/readable.h"

#include "base/compiler.h"

#include <errno.h>
#include <link.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES 4096 /* or more; then a range may be tested twice */

/* Regions that stay in place as long as the process lives; 0 until find_regions. */
static struct {
    _Atomic uintptr_t data, data_end; /* of the program */
    _Atomic uintptr_t stack_end;      /* of the first thread */
    /* the lowest address below the break that was found readable */
    _Atomic uintptr_t heap;
} known;

static uintptr_t get_known(const _Atomic uintptr_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void set_known(_Atomic uintptr_t *word, uintptr_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* From the auxiliary vector: the loader's own list is locked while it loads. */
static void find_regions(void)
{
    const ElfW(Phdr) *headers =
        (const void *)getauxval(AT_PHDR); // NOLINT(performance-no-int-to-ptr)
    size_t n = headers ? getauxval(AT_PHNUM) : 0;
    uintptr_t base = 0;
    for (size_t i = 0; i < n; i++)
        if (headers[i].p_type == PT_PHDR)
            base = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; i < n; i++)
        if (headers[i].p_type == PT_LOAD && headers[i].p_flags & PF_W) {
            set_known(&known.data, base + headers[i].p_vaddr);
            set_known(&known.data_end, base + headers[i].p_vaddr + headers[i].p_memsz);
        }
    set_known(&known.stack_end, getauxval(AT_EXECFN)); /* strings, above all frames */
}

static bool within(uintptr_t at, size_t n, uintptr_t from, uintptr_t to)
{
    return at >= from && at < to && n <= to - at;
}

static bool on_first_stack(uintptr_t at, size_t n)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), end = get_known(&known.stack_end);
    /* The kernel places no other mapping this close to the first stack. */
    return within(here, 0, end - (8 << 20), end) && within(at, n, here, end);
}

/* Works on any memory: no waiter is woken or moved. */
static bool is_mapped(uintptr_t at)
{
    static int target;
    return syscall(SYS_futex, at & ~(uintptr_t)3, FUTEX_CMP_REQUEUE_PRIVATE, 0, NULL, &target, 0) >=
               0 ||
           errno != EFAULT;
}

static bool range_is_mapped(uintptr_t at, size_t n)
{
    uintptr_t last = at + n - 1;
    return last >= at && is_mapped(at) && (at / PAGE_BYTES == last / PAGE_BYTES || is_mapped(last));
}

/* Between an address in the heap and the break there is only heap. With musl, sbrk is a system
 * call, and the heap is elsewhere. */
static uintptr_t heap_end(void)
{
#ifdef __GLIBC__
    return (uintptr_t)sbrk(0);
#else
    return 0;
#endif
}

HOT bool readable_elsewhere(uintptr_t at, size_t n)
{
    int saved = errno;
    if (unlikely(!get_known(&known.stack_end)))
        find_regions();
    uintptr_t heap = get_known(&known.heap), end;
    if (on_first_stack(at, n) || within(at, n, get_known(&known.data), get_known(&known.data_end)))
        return true;
    end = heap_end();
    bool good = (heap && within(at, n, heap, end)) || range_is_mapped(at, n);
    if (good && within(at, n, get_known(&known.data_end), end) && (!heap || at < heap))
        set_known(&known.heap, at);
    errno = saved;
    return good;
}
