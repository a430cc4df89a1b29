/* SPDX-License-Identifier: MIT
 *
 * A program that installs a seccomp filter. It allows the program's own system calls and those that
 * the library declares, and kills on all others. This detects calls that are missing in the
 * declaration. */
#include "host.h"

#include "../../src/base/sandbox.c"

#include <sys/prctl.h>
#include <unistd.h>

/* System calls of this program, its libcurl and its C library. */
static const int own[] = {
    SYS_exit_group,      SYS_eventfd2,    SYS_socketpair, SYS_pipe2,
    SYS_recvfrom,        SYS_getpeername, SYS_uname,      SYS_rt_sigreturn,
    SYS_rt_sigaction,    SYS_nanosleep,   SYS_lseek,      SYS_setitimer,
    SYS_set_robust_list, SYS_mremap,      SYS_sysinfo,    SYS_shutdown,
#ifdef SYS_alarm
    SYS_alarm,           SYS_pipe,
#endif
};

enum { OURS = array_size(ours), ALL = OURS + array_size(own) };

static void forbid_all_else(void)
{
    struct sock_filter code[1 + 2 * ALL + 1] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    for (size_t i = 0; i < ALL; i++) {
        unsigned call = (unsigned)(i < OURS ? ours[i] : own[i - OURS]);
        code[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
        code[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[1 + 2 * ALL] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {array_size(code), code};
    REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    REQUIRE(sandbox_lets_us(code, array_size(code)));
    REQUIRE(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* Installs the filter at the start, or after the library has opened everything. The state directory
 * may vanish and the configuration may change while it runs. */
int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    if (!strcmp(argv[1], "later"))
        fetch("free", "f2/free");
    forbid_all_else();
    for (int i = 0; i < 8; i++) {
        fetch("narrow", i ? "ok/narrow" : "f2/narrow");
        usleep(100 * 1000);
    }
    return 0;
}
