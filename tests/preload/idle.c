/* SPDX-License-Identifier: MIT
 *
 * No network at all: nothing may be mapped, started or opened. Prints what of the process could be
 * ours. Also built static. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char line[1024];
    int shared = 0, threads = -2, files = -3; /* ".", "..", and the directory's own descriptor */
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        shared += !!strstr(line, "s 00000000") || !!strstr(line, "/board");
    fclose(maps);
    DIR *d = opendir("/proc/self/task");
    while (d && readdir(d))
        threads++;
    closedir(d);
    d = opendir("/proc/self/fd");
    while (d && readdir(d))
        files++;
    closedir(d);
    printf("%d shared mappings, %d thread, %d files\n", shared, threads, files);
    return 0;
}
