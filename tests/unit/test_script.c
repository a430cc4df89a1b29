/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "cli/doctor/script.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char by[64];

static enum script parse(const char *head)
{
    return script_parse(head, strlen(head), by, sizeof by);
}

#define EXPECT(head, kind, name)                                                                   \
    do {                                                                                           \
        cr_assert_eq(parse(head), kind, "%s", head);                                               \
        cr_assert_str_eq(by, name);                                                                \
    } while (0)

Test(script, is_run_by_the_interpreter_in_its_first_line)
{
    EXPECT("#!/bin/sh\necho\n", SCRIPT_DIRECT, "/bin/sh");
    EXPECT("#! \t/usr/bin/perl -w\n", SCRIPT_DIRECT, "/usr/bin/perl");
    EXPECT("#!/bin/sh", SCRIPT_DIRECT, "/bin/sh");
}

Test(script, is_run_by_the_program_that_env_finds)
{
    EXPECT("#!/usr/bin/env python3\n", SCRIPT_ENV, "python3");
    EXPECT("#!/usr/bin/env -S A=b C=d node --flag\n", SCRIPT_ENV, "node");
    EXPECT("#!/usr/bin/env -Sruby x\n", SCRIPT_ENV, "ruby");
    EXPECT("#!/usr/bin/env\n", SCRIPT_DIRECT, "/usr/bin/env");
}

Test(script, plain_text_is_a_shell_script_and_other_data_is_not)
{
    EXPECT("echo hello\n", SCRIPT_PLAIN, "");
    EXPECT("#", SCRIPT_PLAIN, "");
    EXPECT("", SCRIPT_NONE, "");
    EXPECT("#!\n", SCRIPT_NONE, "");
    cr_assert_eq(script_parse("MZ\0\1", 4, by, sizeof by), SCRIPT_NONE);
    cr_assert_eq(script_parse("#!/bin\0sh\n", 10, by, sizeof by), SCRIPT_NONE);
}

Test(script, a_first_line_that_is_too_long_is_truncated)
{
    char head[256];
    memset(head, 'x', sizeof head);
    memcpy(head, "#!/", 3);
    cr_assert_eq(script_parse(head, sizeof head, by, sizeof by), SCRIPT_DIRECT);
    cr_assert_eq(strlen(by), sizeof by - 1);
}

Test(script, never_reads_beyond_its_input)
{
    static const char bytes[] = "#!/env -S=\t \n\0x";
    unsigned long random = 12345;
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)round % 24;
        char *head = malloc(n ? n : 1);
        for (size_t i = 0; i < n; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            head[i] = i < 2 && round % 2 ? "#!"[i] : bytes[(random >> 33) % (sizeof bytes - 1)];
        }
        script_parse(head, n, by, sizeof by);
        free(head);
    }
}
