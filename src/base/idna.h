/* SPDX-License-Identifier: MIT
 *
 * Host names with letters beyond ASCII, in the form that goes over the wire (RFC 3492, UTS 46), so
 * that bücher.example, BÜCHER.example and xn--bcher-kva.example are one host and one rule.
 *
 *     char wire[256];
 *     if (idna_encode(wire, sizeof wire, "BÜCHER.Example", 15)) ... "xn--bcher-kva.example"
 *
 * Rules, connect() and the command have no libcurl to ask. This knows the letters of which it is certain that
 * libcurl (libidn2, non-transitional) does the same with them: of the Latin, Greek, Cyrillic,
 * Armenian, Georgian, Hebrew, Arabic and Japanese scripts, Chinese and Korean, in composed form. A
 * test compares every one of them with libcurl's. False for all others, for what is no UTF-8, and for
 * lack of room; the name must be written as xn-- then.
 *
 * Pure functions; no locale has a say. */
#ifndef BASE_IDNA_H
#define BASE_IDNA_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is anything to encode. */
bool idna_needed(const char *host, size_t n);
/* n bytes of host, which may also hold a port or stars (in labels of ASCII), and which need no NUL
 * behind them. Letters become small. */
bool idna_encode(char *out, size_t size, const char *host, size_t n);

#endif
