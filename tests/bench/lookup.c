/* SPDX-License-Identifier: MIT
 *
 * Measures the cost of a look-up with dlsym().
 *
 *     lookup NAME N       N look-ups of a function by library handle; prints ns per look-up */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int n = atoi(argv[2]);
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    void *function = library ? dlsym(library, argv[1]) : NULL;
    if (!function || n < 1) {
        fprintf(stderr, "%s is not found\n", argv[1]);
        return 1;
    }
    double begun = now_ns();
    for (int i = 0; i < n; i++)
        if (dlsym(library, argv[1]) != function)
            return 1;
    printf("%.1f\n", (now_ns() - begun) / n);
    return 0;
}
