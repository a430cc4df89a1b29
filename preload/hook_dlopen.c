/* SPDX-License-Identifier: MIT
 *
 * A plug-in loaded with RTLD_DEEPBIND binds to its own libraries before this one, so no hook is
 * called. PHP loads its extensions that way. dlopen() clears the flag for absolute paths. It
 * reaches the real function by a jump, not a call, because that function searches relative names in
 * the RUNPATH of its caller, which must be the program's code.
 *
 * dlclose() pins the libcurls that tables refer to (libcurl.h). */
#include "base/compiler.h"
#include "base/env.h"
#include "engine/config/config.h"
#include "engine/engine.h"
#include "hooks_off.h"
#include "libcurl.h"
#include "next.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#ifdef RTLD_DEEPBIND /* a C library without it needs no hook */
typedef void *dlopen_function(const char *file, int flags);

static _Atomic next_function real_dlopen;

/* Called for RTLD_DEEPBIND only, so that other programs do not read the configuration for it. */
static bool masks_deepbind(void)
{
    const struct config *c = hooks_off() ? NULL : engine_config();
    return c && c->deepbind_mask && config_covers(c, env_program());
}

static __attribute__((noinline)) int flags_for(const char *file, int flags)
{
    int saved = errno;
    bool mask = file && file[0] == '/' && masks_deepbind();
    errno = saved;
    return mask ? flags & ~RTLD_DEEPBIND : flags;
}

__attribute__((visibility("default"), optimize("O2"))) void *dlopen(const char *file, int flags)
{
    dlopen_function *real = (dlopen_function *)next_of(&real_dlopen, "dlopen");
    if (unlikely(flags & RTLD_DEEPBIND))
        flags = flags_for(file, flags);
    return real(file, flags);
}

/* musl never unloads a library. */
__attribute__((visibility("default"))) int dlclose(void *library)
{
    typedef int function(void *);
    static _Atomic next_function real_dlclose;
    function *real = (function *)next_of(&real_dlclose, "dlclose");
    dlopen_function *open = (dlopen_function *)next_of(&real_dlopen, "dlopen");
    if (open)
        libcurl_pin(open);
    return real ? real(library) : -1;
}
#endif
