/* SPDX-License-Identifier: MIT
 *
 * Properties of dlopen that callers rely on: a plain name is searched along the caller's RUNPATH,
 * NULL means the program, and dlerror() describes a failed load. */
#include "host.h"

#include <errno.h>

int main(int argc, char **argv)
{
    int deep = argc > 1 && !strcmp(argv[1], "deep") ? RTLD_DEEPBIND : 0;
    void *self = dlopen(NULL, RTLD_NOW | deep);
    REQUIRE(self && dlsym(self, "main") == (void *)main);
    void *lib = dlopen("librunpath.so", RTLD_NOW | deep);
    printf("by the caller's RUNPATH: %s\n", lib ? "found" : dlerror());
    REQUIRE(lib && dlsym(lib, "plug_init"));
    REQUIRE(!dlclose(lib));

    static const char *const bad[] = {"/nonexistent/lib.so", "nonexistent.so", "/dev/null", "/etc"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REQUIRE(!dlopen(bad[i], RTLD_NOW | deep));
        printf("%s\n", dlerror());
        REQUIRE(!dlerror());
    }
    REQUIRE(!dlopen("/nonexistent/lib.so", 0));
    printf("%s\n", dlerror());
    errno = 77;
    self = dlopen(NULL, RTLD_LAZY | RTLD_GLOBAL);
    REQUIRE(self && errno == 77 && !dlerror());
    return 0;
}
