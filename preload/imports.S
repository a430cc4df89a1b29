/* SPDX-License-Identifier: MIT
 *
 * The functions of the C library that imports.h binds. The build generates "imports.list", with a
 * line "import NAME VERSION" for each. libc_NAME is one jump through a slot. The slot first leads
 * to first_call, which preserves every register that may hold an argument. */

/* The layout is that of struct import in imports.c. It has no pointers, because each would be
 * relocated at the start of every program. A name that is too long does not assemble. */
.macro import name, version
    thunk \name
    .pushsection .data.rel.ro.imports, "aw", %progbits
slot_\name: .dc.a first_\name
    .popsection
    .pushsection .bss.imports, "aw", %nobits
    .skip __SIZEOF_POINTER__
    .popsection
    .pushsection .rodata.imports, "a", %progbits
1:  .asciz "\name"
    .org 1b + 40
    .asciz "\version"
    .org 1b + 64
    .popsection
    .set next, next + 1
.endm

.macro table name
    .globl \name
    .hidden \name
    .balign 16
\name:
.endm

#if defined(__x86_64__)

/* rax is the number of vector arguments of a variadic call, r10 the static chain. */
.macro thunk name
    .globl libc_\name
    .hidden libc_\name
    .type libc_\name, %function
libc_\name:
    jmp *slot_\name(%rip)
    .size libc_\name, . - libc_\name
first_\name:
    push $next
    .cfi_adjust_cfa_offset 8
    jmp first_call
    .cfi_adjust_cfa_offset -8
.endm

#define GENERAL rax, rdi, rsi, rdx, rcx, r8, r9, r10
#define VECTOR  0, 1, 2, 3, 4, 5, 6, 7

    .text
    .cfi_startproc
    .cfi_def_cfa_offset 16
first_call:
    .set below, 0
    sub $0xc0, %rsp
    .cfi_adjust_cfa_offset 0xc0
    .irp r, GENERAL
    mov %\r, below(%rsp)
    .set below, below + 8
    .endr
    .irp n, VECTOR
    movups %xmm\n, below(%rsp)
    .set below, below + 16
    .endr
    mov 0xc0(%rsp), %rdi
    call imports_first
    mov %rax, %r11
    .set below, 0
    .irp r, GENERAL
    mov below(%rsp), %\r
    .set below, below + 8
    .endr
    .irp n, VECTOR
    movups below(%rsp), %xmm\n
    .set below, below + 16
    .endr
    add $0xc8, %rsp
    .cfi_adjust_cfa_offset -0xc8
    jmp *%r11

#elif defined(__aarch64__)

.macro thunk name
    .globl libc_\name
    .hidden libc_\name
    .type libc_\name, %function
libc_\name:
    adrp x16, slot_\name
    ldr x16, [x16, :lo12:slot_\name]
    br x16
    .size libc_\name, . - libc_\name
first_\name:
    mov x17, #next
    b first_call
.endm

    .text
    .cfi_startproc
first_call:
    stp x29, x30, [sp, #-224]!
    .cfi_adjust_cfa_offset 224
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    str x8, [sp, #80]
    stp q0, q1, [sp, #96]
    stp q2, q3, [sp, #128]
    stp q4, q5, [sp, #160]
    stp q6, q7, [sp, #192]
    mov x0, x17
    bl imports_first
    mov x16, x0
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldr x8, [sp, #80]
    ldp q0, q1, [sp, #96]
    ldp q2, q3, [sp, #128]
    ldp q4, q5, [sp, #160]
    ldp q6, q7, [sp, #192]
    ldp x29, x30, [sp], #224
    .cfi_adjust_cfa_offset -224
    .cfi_restore x29
    .cfi_restore x30
    br x16

#endif

    .set next, 0
    .pushsection .data.rel.ro.imports, "aw", %progbits
    table import_slots
    .popsection
    .pushsection .bss.imports, "aw", %nobits
    table import_found
    .popsection
    .pushsection .rodata.imports, "a", %progbits
    table import_names
    .popsection

#include "imports.list"
    .cfi_endproc

    .pushsection .rodata.imports, "a", %progbits
    table import_count
    .dc.a next
    .popsection

    .section .note.GNU-stack, "", %progbits
