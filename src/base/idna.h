/* SPDX-License-Identifier: MIT
 *
 * Host names with letters beyond ASCII in their ASCII form (Punycode: RFC 3492, UTS 46), so that
 * bücher.example, BÜCHER.example and xn--bcher-kva.example are the same host and match the same
 * rule.
 *
 *     char wire[256];
 *     if (idna_encode(wire, sizeof wire, "BÜCHER.Example", 15)) ... "xn--bcher-kva.example"
 *
 * Rules, connect() and the command cannot use libcurl for this. This function knows the letters that libcurl
 * (libidn2, non-transitional) is certain to encode in the same way: of the Latin, Greek, Cyrillic,
 * Armenian, Georgian, Hebrew, Arabic and Japanese scripts, Chinese and Korean, in composed form. A
 * test compares each of them with libcurl. Names with other letters must be written in their ASCII
 * form.
 *
 * Pure functions, independent of the locale. */
#ifndef BASE_IDNA_H
#define BASE_IDNA_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is anything to encode. */
bool idna_needed(const char *host, size_t n);
/* Encodes n bytes of host, which need not be followed by a NUL; ASCII letters become lower case.
 * host may also contain a port, and stars in labels of ASCII. False: an unknown letter, not UTF-8,
 * or no room. */
bool idna_encode(char *out, size_t size, const char *host, size_t n);

#endif
