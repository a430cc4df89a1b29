/* SPDX-License-Identifier: MIT
 *
 * A program built with ThreadSanitizer sees our calls of the C library, but not our atomics, and
 * would report races that are none. The sanitizer asks this function for suppressions; one that the
 * program itself defines comes before ours. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"), used)) const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libharden.so\n";
}
