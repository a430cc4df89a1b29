/* SPDX-License-Identifier: MIT */
#include "base/idna.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(idna);

static char wire[256];

/* Returns "" if the name is refused. */
static const char *encode(const char *host)
{
    return idna_encode(wire, sizeof wire, host, strlen(host)) ? wire : "";
}

Test(idna, all_forms_of_a_name_have_the_same_encoding)
{
    cr_assert_str_eq(encode("bücher.example"), "xn--bcher-kva.example");
    cr_assert_str_eq(encode("BÜCHER.Example"), "xn--bcher-kva.example");
    cr_assert_str_eq(encode("XN--BCHER-KVA.example"), "xn--bcher-kva.example");
}

Test(idna, labels_are_encoded_one_by_one_and_the_rest_stays)
{
    cr_assert_str_eq(encode("*.bücher.example:8443"), "*.xn--bcher-kva.example:8443");
    cr_assert_str_eq(encode("faß.EXAMPLE."), "xn--fa-hia.example.");
    cr_assert_str_eq(encode("api.example.com"), "api.example.com");
    cr_assert_str_eq(encode("[FD00::1]:80"), "[fd00::1]:80");
    cr_assert(idna_encode(wire, sizeof wire, "bücher.example", 7));
    cr_assert_str_eq(wire, "xn--bcher-kva", "no more than n bytes");
    cr_assert(idna_encode(wire, sizeof wire, "x", 0));
    cr_assert_str_eq(wire, "");
}

Test(idna, capitals_of_other_scripts_become_small_letters)
{
    cr_assert_str_eq(encode("ΣΊΣΥΦΟΣ"), "xn--kxa6akbbkh");
    cr_assert_str_eq(encode("ПОЧТА.рф"), "xn--80a1acny.xn--p1ai");
    cr_assert_str_eq(encode("例え.テスト"), "xn--r8jz45g.xn--zckzah");
    cr_assert_str_eq(encode("ŽLUŤOUČKÝ"), encode("žluťoučký"));
    cr_assert_str_neq(encode("žluťoučký"), "");
}

Test(idna, a_name_with_an_uncertain_encoding_is_refused)
{
    cr_assert_str_eq(encode("İ.example"), "", "becomes two characters");
    cr_assert_str_eq(encode("bu\xcc\x88"
                            "cher.example"),
                     "", "not composed");
    cr_assert_str_eq(encode("b\xfc"
                            "cher.example"),
                     "", "no UTF-8");
    cr_assert_str_eq(encode("b\xc3.example"), "", "cut short");
    cr_assert_str_eq(encode("bü*.example"), "", "ASCII that is not allowed in a label");
    cr_assert_str_eq(encode("☃.example"), "");
    char label[3 * 64 + 1] = "";
    for (int i = 0; i < 64; i++)
        strcat(label, "ü");
    cr_assert_str_eq(encode(label), "", "longer than any label");
}

/* AddressSanitizer detects a read beyond the end of an allocation. */
Test(idna, does_not_read_beyond_the_name)
{
    static const char *const names[] = {"bücher", "example", "b\xc3", "b\xf0\x9f"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        char *host = malloc(n);
        memcpy(host, names[i], n);
        cr_expect_eq(idna_encode(wire, sizeof wire, host, n), i < 2, "%s", names[i]);
        free(host);
    }
}

Test(idna, a_result_that_does_not_fit_is_refused)
{
    char out[22];
    memset(out, 'x', sizeof out);
    cr_assert(idna_encode(out, 22, "bücher.example", strlen("bücher.example")));
    cr_assert_not(idna_encode(out, 21, "bücher.example", strlen("bücher.example")));
    cr_assert_eq(out[20], '\0');
}
