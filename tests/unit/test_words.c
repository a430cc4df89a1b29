/* SPDX-License-Identifier: MIT */
#include "base/words.h"

#include <criterion/criterion.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

TestSuite(words);

Test(words, only_the_case_of_letters_is_ignored)
{
    for (int a = 1; a < 256; a++)
        for (int b = 1; b < 256; b++) {
            char x[] = {(char)a, 0}, y[] = {(char)b, 0};
            cr_assert_eq(ascii_same(x, y), !strcasecmp(x, y), "%d and %d", a, b);
            cr_assert_eq(ascii_same_n(x, y, 1), !strcasecmp(x, y), "%d and %d", a, b);
        }
    cr_assert(ascii_same("", ""));
    cr_assert(ascii_same("INFO.example", "info.EXAMPLE"));
    cr_assert_not(ascii_same("info", "info.example"));
    cr_assert_not(ascii_same("info.example", "info"));
    cr_assert(ascii_same_n("Upgrade: h2c", "upgrade:", 8));
    cr_assert_not(ascii_same_n("Upgrad", "upgrade:", 8));
    cr_assert_not(ascii_same_n("info", "info", 5), "ends before");
}

Test(words, a_number_is_parsed_from_the_start_of_a_text)
{
    cr_assert_eq(ascii_number("8443"), 8443);
    cr_assert_eq(ascii_number("80x"), 80);
    cr_assert_eq(ascii_number(""), 0);
    cr_assert_eq(ascii_number(" 80"), 0);
    cr_assert_eq(ascii_number("-1"), 0);
    cr_assert_eq(ascii_number("999999999"), 999999999);
    cr_assert_eq(ascii_number("99999999999999999999999"), 1000000000);
}

Test(words, a_glob_matches_as_in_the_shell)
{
    static const char *const patterns[] = {
        "*",       "**",    "",      "a",      "a*",    "*a",    "*a*b*",  "a?c",
        "?",       "[abc]", "[a-c]", "[!a-c]", "[^a]*", "[]a]",  "[!]a]",  "a[",
        "[a",      "[a-]",  "\\*",   "a\\?c",  "*.py",  "py*3*", "x[0-9]", "[a-c]*[0-9]",
        "*[!0-9]", "a*b*c", "\\[a]", "[-a]"};
    static const char *const texts[] = {
        "",    "a",  "b",  "abc", "a?c",   "*",    "]",   "-",          "a[",  "[a",   "x5",
        "b12", "c9", "ab", "aab", "xaxbx", "f.py", "py3", "python3.11", "[a]", "aXbYc"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            cr_assert_eq(ascii_glob(patterns[i], texts[k]), !fnmatch(patterns[i], texts[k], 0),
                         "%s and %s", patterns[i], texts[k]);
}

Test(words, a_boolean_has_four_words_for_on_and_four_for_off)
{
    static const char *const on[] = {"on", "yes", "true", "1", "ON", "True"};
    static const char *const off[] = {"off", "no", "false", "0", "Off", "FALSE"};
    static const char *const neither[] = {"", "o", "onn", "2", "01", "-1", "enable", "on ", "ja"};
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(ascii_switch(on[i]), 1, "%s", on[i]);
        cr_assert_eq(ascii_switch(off[i]), 0, "%s", off[i]);
    }
    for (int i = 0; i < 9; i++)
        cr_assert_eq(ascii_switch(neither[i]), -1, "%s", neither[i]);
}

Test(words, a_list_is_separated_by_blanks_and_commas)
{
    const char *at = " one,two\t, three", *w;
    size_t n, count = 0;
    static const char *const words[] = {"one", "two", "three"};
    for (; (w = word_next(&at, &n)); count++)
        cr_assert(count < 3 && word_is(w, n, words[count]), "%.*s", (int)n, w);
    cr_assert_eq(count, 3);
    at = " ,";
    cr_assert_null(word_next(&at, &n));
}

Test(words, a_word_is_compared_as_a_whole)
{
    cr_assert(word_is("None, or", 4, "none"));
    cr_assert_not(word_is("None, or", 3, "none"));
    cr_assert_not(word_is("nonesuch", 8, "none"));
}

Test(words, a_whole_number_uses_all_bytes)
{
    cr_assert_eq(whole_number("0080", 4), 80);
    cr_assert_eq(whole_number("80x", 2), 80);
    cr_assert_eq(whole_number("80x", 3), -1);
    cr_assert_eq(whole_number("", 0), -1);
    cr_assert_eq(whole_number("-1", 2), -1);
    cr_assert_eq(whole_number("1000000000", 10), 1000000000);
    cr_assert_eq(whole_number("1000000001", 10), -1);
}
