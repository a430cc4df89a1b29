/* SPDX-License-Identifier: MIT
 *
 * Decides what a lookup of a libcurl function returns: libharden.so's stub, if a call of the stub
 * is certain to reach the function that was found; otherwise that function. A stub knows only a
 * version node (libcurl.h), so it is certain if the library that contains the function
 *
 *   - has at that node all functions that libharden.so needs of a libcurl, and
 *   - is the only one in the process that has.
 *
 * A copy that is loaded later can come first, as it can for ordinary calls.
 *
 * A function that libharden.so does not export at that node is returned as it was found; its symbol
 * table decides, there is no list of names. The same holds for libharden.so's own lookups, whose
 * results its stubs call.
 *
 *     void *p = real_dlsym(library, "curl_easy_init");
 *     return stub_of("curl_easy_init", p, __builtin_return_address(0));
 *
 * Any thread. Takes the loader's lock, as dlsym() does; allocates nothing, and preserves errno and
 * dlerror(). */
#ifndef PRELOAD_AUDIT_STUB_H
#define PRELOAD_AUDIT_STUB_H

/* `found` may be NULL, and is returned then. */
void *stub_of(const char *name, void *found, const void *caller);

#endif
