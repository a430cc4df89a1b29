/* SPDX-License-Identifier: MIT
 *
 * syscall(): the system calls that hook_confine.c handles go to hook_syscall(), and so does the
 * first call of any. The others reach the real function by a jump, because a system call may return
 * twice or on another stack. */
#include <asm/unistd.h>

#if defined(__x86_64__)

    .text
    .globl syscall
    .protected syscall
    .type syscall, %function
syscall:
    .cfi_startproc
    .irp number, __NR_seccomp, __NR_prctl, __NR_unshare, __NR_setns, __NR_exit
    cmp $\number, %rdi
    je hook_syscall
    .endr
    mov hook_next_syscall(%rip), %rax
    test %rax, %rax
    jz hook_syscall
    jmp *%rax
    .cfi_endproc
    .size syscall, . - syscall

#elif defined(__aarch64__)

    .text
    .globl syscall
    .protected syscall
    .type syscall, %function
syscall:
    .cfi_startproc
    .irp number, __NR_seccomp, __NR_prctl, __NR_unshare, __NR_setns, __NR_exit
    cmp x0, #\number
    b.eq 1f
    .endr
    adrp x16, hook_next_syscall
    ldr x16, [x16, :lo12:hook_next_syscall]
    cbz x16, 1f
    br x16
1:  b hook_syscall
    .cfi_endproc
    .size syscall, . - syscall

#endif

    .section .note.GNU-stack, "", %progbits
