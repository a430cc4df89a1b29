/* SPDX-License-Identifier: MIT
 *
 * A program without network: the library may not map, start or open anything. Prints what the
 * library could have created. Also built statically. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char line[1024];
    int shared = 0, threads = -2, files = -3; /* minus ".", "..", and the descriptor of the
                                               * directory itself */
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
