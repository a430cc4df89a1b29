/* SPDX-License-Identifier: MIT
 *
 * Measures the start of a program that never uses the network.
 *
 *     spawn N PRELOAD PROGRAM...      prints the median in microseconds; PRELOAD "" is none */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int n = atoi(argv[1]);
    char preload[4096];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", argv[2]);
    char *env[] = {"PATH=/usr/bin:/bin", "HOME=/", "PROXYCHAINS_QUIET_MODE=1",
                   argv[2][0] ? preload : NULL, NULL};
    double *us = calloc((size_t)n, sizeof *us);
    if (!us || n < 1)
        return 1;
    for (int i = 0; i < n; i++) {
        pid_t pid;
        int status;
        double begun = now_us();
        if (posix_spawn(&pid, argv[3], NULL, NULL, argv + 3, env) != 0 ||
            waitpid(pid, &status, 0) != pid || status != 0) {
            fprintf(stderr, "%s did not run\n", argv[3]);
            return 1;
        }
        us[i] = now_us() - begun;
    }
    qsort(us, (size_t)n, sizeof *us, ascending);
    printf("%.2f\n", us[n / 2]);
    free(us);
    return 0;
}
