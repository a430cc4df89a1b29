/* SPDX-License-Identifier: MIT
 *
 * A whole transfer before main. A program's preinit array runs before the constructors of all
 * shared objects, including preloaded ones. In a shared object, which is preloaded, the transfer
 * runs in the object's own constructor. */
#include "host.h"

static void early(void)
{
    fetch("early", "f2/early");
}

#ifdef PROGRAM
/* That early, libc has no environment yet. */
static void earliest(int argc, char **argv, char **envp)
{
    (void)argc;
    (void)argv;
    for (; *envp; envp++)
        if (!strncmp(*envp, "BASE=", 5))
            base = *envp + 5;
    early();
    base = NULL;
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **,
                                                                            char **) = earliest;

int main(void)
{
    fetch("main", "f2/main");
    return 0;
}
#else
__attribute__((constructor)) static void at_load(void)
{
    early();
}
#endif
