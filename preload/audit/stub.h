/* SPDX-License-Identifier: MIT
 *
 * What a look-up of a function of libcurl gives: libharden.so's stub of it, where a call of the stub
 * certainly comes to the function that was found; otherwise that function itself. A stub knows no
 * more than a version node (real.h), so that is certain when the library that the function is of
 *
 *   - has at that node all that libharden.so asks of a libcurl, and
 *   - is the only one in the process that has it.
 *
 * A copy that is loaded later can come between, as it can for plain calls.
 *
 * What libharden.so does not export, at that node or at all, stays as it is; it is asked, and no list
 * of names is kept. So does everything that it looks up itself, which is for its stubs to call.
 *
 *     void *p = real_dlsym(library, "curl_easy_init");
 *     return stub_of("curl_easy_init", p, __builtin_return_address(0));
 *
 * Any thread. Takes the loader's lock, which dlsym() has taken too; allocates nothing, and touches
 * neither errno nor dlerror(). */
#ifndef PRELOAD_AUDIT_STUB_H
#define PRELOAD_AUDIT_STUB_H

/* `found` may be NULL, and is returned then. */
void *stub_of(const char *name, void *found, const void *caller);

#endif
