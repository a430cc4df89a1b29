/* SPDX-License-Identifier: MIT
 *
 * A program that goes into a sandbox of its own making: what it needs itself is allowed, and what the
 * library says that it makes; all else is death. So a call that is missing in that list shows. */
#include "host.h"

#include "../../src/base/sandbox.c"

#include <sys/prctl.h>
#include <unistd.h>

/* Of this program, its libcurl and its C library. */
static const int own[] = {
    SYS_exit_group,      SYS_eventfd2,    SYS_socketpair, SYS_pipe2,
    SYS_recvfrom,        SYS_getpeername, SYS_uname,      SYS_rt_sigreturn,
    SYS_rt_sigaction,    SYS_nanosleep,   SYS_lseek,      SYS_setitimer,
    SYS_set_robust_list, SYS_mremap,      SYS_sysinfo,    SYS_shutdown,
#ifdef SYS_alarm
    SYS_alarm,           SYS_pipe,
#endif
};

enum { NEEDED = array_size(needed), ALL = NEEDED + array_size(own) };

static void forbid_all_else(void)
{
    struct sock_filter code[1 + 2 * ALL + 1] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    for (size_t i = 0; i < ALL; i++) {
        unsigned call = (unsigned)(i < NEEDED ? needed[i] : own[i - NEEDED]);
        code[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
        code[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[1 + 2 * ALL] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {array_size(code), code};
    REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    REQUIRE(sandbox_allows_library(code, array_size(code)));
    REQUIRE(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* Narrow now, or when everything is open. Meanwhile the state directory may vanish and the
 * configuration change. */
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
