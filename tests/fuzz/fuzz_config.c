/* SPDX-License-Identifier: MIT
 *
 * A whole configuration file, and then the policies of a few destinations. Configurations live as
 * long as the process, by design, so leaks are not looked for. */
#include "engine/config.h"
#include "engine/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void one_line(void *ctx, const char *line)
{
    (void)ctx;
    if (!line[0] || strchr(line, '\n'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct target targets[] = {
        {"http", "api.example.com", 80, true, "/v1/search"},
        {"https", "10.1.2.3", 8443, false, "/"},
        {"", "::1", 25, false, ""},
    };
    static char path[64];
    if (!path[0]) {
        snprintf(path, sizeof path, "/dev/shm/harden-fuzz-%d.ini", (int)getpid());
    }
    FILE *f = fopen(path, "w");
    if (!f)
        abort();
    fwrite(data, 1, size, f);
    fclose(f);
    const struct config *c = config_load_file(path, one_line, NULL);
    unlink(path);
    for (size_t i = 0; c && i < sizeof targets / sizeof *targets; i++) {
        const struct policy *p = rules_find(c, &targets[i]);
        if (p && (p->limit_count < 0 || p->limit_count > LIMITS_MAX || p->max_attempts < 1))
            abort();
    }
    return 0;
}
