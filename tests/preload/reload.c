/* SPDX-License-Identifier: MIT
 *
 * Repeatedly loads and unloads a plug-in that links libcurl: reload ROUNDS PLUG... */
#include "host.h"

#include <sys/mman.h>

int main(int argc, char **argv)
{
    REQUIRE(argc > 2);
    int rounds = atoi(argv[1]);
    for (int i = 0; i < rounds; i++) {
        void *lib = dlopen(argv[2 + i % (argc - 2)], RTLD_NOW | RTLD_LOCAL);
        REQUIRE(lib);
        CURLcode (*get)(const char *, const char *) =
            (CURLcode(*)(const char *, const char *))dlsym(lib, "plug_fetch");
        char path[64];
        snprintf(path, sizeof path, "%s/%d", i % 10 ? "ok" : "f2", i);
        REQUIRE(get && !get(path, path));
        REQUIRE(!dlclose(lib));
        /* Occupies the address range, so that libcurl is loaded at another address. */
        size_t size = (size_t)(i % 7 + 1) << 18;
        REQUIRE(mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    }
    return 0;
}
