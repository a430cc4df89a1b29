/* SPDX-License-Identifier: MIT */
#include "base/sandbox.h"

#include "base/compiler.h"
#include "base/syscalls.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#define OWN_ARCH 0 /* unknown: no filter counts as allowing us */
#endif

/* The system calls of the library. Those that filters forbid most often come first. */
static const int needed[] = {
    SYS_getsockopt,
    SYS_openat,
    SYS_readlinkat,
    SYS_flock,
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_fallocate,
    SYS_getrandom,
    SYS_madvise,
    SYS_socket,
    SYS_connect,
    SYS_setsockopt,
    SYS_sendto,
    SYS_fcntl,
    SYS_getdents64,
    SYS_prctl,
    SYS_tgkill,
    SYS_kill,
    SYS_fchmodat,
    SYS_fchmod,
    SYS_fstatfs,
    SYS_ioctl,
    SYS_getcwd,
    SYS_times,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_getsockname,
    SYS_futex_waitv,
    SYS_gettid,
    SYS_getpid,
    SYS_getuid,
    SYS_geteuid,
    SYS_pread64,
    SYS_pwrite64,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_brk,
    SYS_read,
    SYS_write,
    SYS_close,
    SYS_fstat,
    SYS_futex,
    SYS_lseek,
    SYS_kcmp,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_ppoll,
    SYS_rt_sigprocmask,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_rt_sigaction,
    SYS_newfstatat,
    SYS_getppid,
#ifdef SYS_readlink /* C libraries use the older calls where they exist */
    SYS_readlink,
    SYS_mkdir,
    SYS_unlink,
    SYS_rename,
    SYS_poll,
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_chmod,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
};

struct machine {
    uint32_t a, x;
    uint32_t memory[BPF_MEMWORDS];
};

static bool load_field(uint32_t *word, uint32_t offset, int call)
{
    *word = offset == offsetof(struct seccomp_data, nr) ? (uint32_t)call : OWN_ARCH;
    return offset == offsetof(struct seccomp_data, nr) ||
           offset == offsetof(struct seccomp_data, arch);
}

static bool calculate(struct machine *m, uint16_t code, uint32_t k)
{
    uint32_t by = BPF_SRC(code) == BPF_X ? m->x : k;
    switch (BPF_OP(code)) {
    case BPF_ADD:
        m->a += by;
        return true;
    case BPF_SUB:
        m->a -= by;
        return true;
    case BPF_AND:
        m->a &= by;
        return true;
    case BPF_OR:
        m->a |= by;
        return true;
    case BPF_XOR:
        m->a ^= by;
        return true;
    default:
        return false; /* filters that only compare call numbers need no other */
    }
}

static bool is_jump_taken(const struct machine *m, uint16_t code, uint32_t k)
{
    uint32_t with = BPF_SRC(code) == BPF_X ? m->x : k;
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return m->a == with;
    case BPF_JGT:
        return m->a > with;
    case BPF_JGE:
        return m->a >= with;
    default:
        return m->a & with; /* BPF_JSET */
    }
}

/* Executes one instruction other than a return. False: it is invalid, or it reads what is only known
 * when the call is made. */
static bool step(struct machine *m, const struct sock_filter *f, size_t *at, int call)
{
    switch (f->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return load_field(&m->a, f->k, call);
    case BPF_LD | BPF_IMM:
        m->a = f->k;
        return true;
    case BPF_LDX | BPF_IMM:
        m->x = f->k;
        return true;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
        *(BPF_CLASS(f->code) == BPF_LD ? &m->a : &m->x) = m->memory[f->k % BPF_MEMWORDS];
        return true;
    case BPF_ST:
    case BPF_STX:
        m->memory[f->k % BPF_MEMWORDS] = f->code == BPF_ST ? m->a : m->x;
        return true;
    case BPF_MISC | BPF_TAX:
        m->x = m->a;
        return true;
    case BPF_MISC | BPF_TXA:
        m->a = m->x;
        return true;
    case BPF_JMP | BPF_JA:
        *at += f->k;
        return true;
    default:
        break;
    }
    if (BPF_CLASS(f->code) == BPF_ALU)
        return calculate(m, f->code, f->k);
    if (BPF_CLASS(f->code) != BPF_JMP)
        return false;
    *at += is_jump_taken(m, f->code, f->k) ? f->jt : f->jf;
    return true;
}

static bool allows(const struct sock_filter *code, size_t n, int call)
{
    struct machine m = {0};
    for (size_t at = 0; at < n; at++) {
        const struct sock_filter *f = &code[at];
        if (BPF_CLASS(f->code) == BPF_RET)
            return (BPF_RVAL(f->code) == BPF_A ? m.a : f->k) == SECCOMP_RET_ALLOW;
        if (!step(&m, f, &at, call))
            return false;
    }
    return false;
}

bool sandbox_allows_library(const struct sock_filter *code, size_t n)
{
    if (!OWN_ARCH || !n || n > BPF_MAXINSNS)
        return false;
    for (size_t i = 0; i < array_size(needed); i++)
        if (!allows(code, n, needed[i]))
            return false;
    return true;
}
