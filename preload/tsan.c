/* SPDX-License-Identifier: MIT
 *
 * A program built with ThreadSanitizer sees our calls of the C library but not our atomics, and
 * would report false races. The sanitizer calls this function for suppressions. A definition in the
 * program itself takes precedence. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"), used)) const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libharden.so\n";
}
