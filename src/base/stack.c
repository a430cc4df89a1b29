/* SPDX-License-Identifier: MIT */
#include "base/stack.h"

#include <stddef.h>
#include <sys/mman.h>
#include <valgrind/valgrind.h>

#define STACK_BYTES (256 << 10) /* pages that are never touched cost nothing */
#define GUARD_BYTES (64 << 10)  /* at least one page, whatever its size */

#if defined(__x86_64__)
#define KNOWN 1
__asm__(".text\n"
        ".globl stack_switch\n"
        ".hidden stack_switch\n"
        ".type stack_switch, %function\n"
        "stack_switch:\n"
        "    .cfi_startproc\n"
        "    push %rbp\n"
        "    .cfi_def_cfa_offset 16\n"
        "    .cfi_offset %rbp, -16\n"
        "    mov %rsp, %rbp\n"
        "    .cfi_def_cfa_register %rbp\n"
        "    mov %rdx, %rsp\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    call *%rax\n"
        "    mov %rbp, %rsp\n"
        "    pop %rbp\n"
        "    .cfi_def_cfa %rsp, 8\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size stack_switch, . - stack_switch\n");
#elif defined(__aarch64__)
#define KNOWN 1
__asm__(".text\n"
        ".globl stack_switch\n"
        ".hidden stack_switch\n"
        ".type stack_switch, %function\n"
        "stack_switch:\n"
        "    .cfi_startproc\n"
        "    stp x29, x30, [sp, #-16]!\n"
        "    .cfi_def_cfa_offset 16\n"
        "    .cfi_offset x29, -16\n"
        "    .cfi_offset x30, -8\n"
        "    mov x29, sp\n"
        "    .cfi_def_cfa_register x29\n"
        "    mov sp, x2\n"
        "    mov x9, x0\n"
        "    mov x0, x1\n"
        "    blr x9\n"
        "    mov sp, x29\n"
        "    ldp x29, x30, [sp], #16\n"
        "    .cfi_def_cfa sp, 0\n"
        "    .cfi_restore x29\n"
        "    .cfi_restore x30\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size stack_switch, . - stack_switch\n");
#else
#define KNOWN 0
#endif

#if KNOWN
/* `top` is aligned to 16 bytes. */
void stack_switch(void (*run)(void *arg), void *arg, void *top)
    __attribute__((visibility("hidden")));

/* Valgrind would take the switch for a function with a large frame. Outside of valgrind a request
 * is a few instructions and an array, which is in a function of its own to keep it off the caller's
 * stack. */
static __attribute__((noinline)) unsigned register_stack(char *bottom, char *top)
{
    return VALGRIND_STACK_REGISTER(bottom, top - 1);
}

static __attribute__((noinline)) void unregister_stack(unsigned id)
{
    VALGRIND_STACK_DEREGISTER(id);
}

void stack_run(void (*run)(void *arg), void *arg)
{
    char *p = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p != MAP_FAILED && !mprotect(p + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE)) {
        char *top = p + GUARD_BYTES + STACK_BYTES;
        unsigned id = register_stack(p + GUARD_BYTES, top);
        stack_switch(run, arg, top);
        unregister_stack(id);
    } else {
        run(arg);
    }
    if (p != MAP_FAILED)
        munmap(p, GUARD_BYTES + STACK_BYTES);
}
#else
void stack_run(void (*run)(void *arg), void *arg)
{
    run(arg);
}
#endif
