/* SPDX-License-Identifier: MIT
 *
 * Our frames have cleanups that must run when a C++ exception or pthread_cancel unwinds through
 * them. The compiler makes them refer to two functions of libgcc_s. Linking with libgcc_s would
 * load it into every process, so the two are defined here. During unwinding an unwinder is already
 * loaded: they forward to it, because only that one can read its own data. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Before the compiler's header, which would make it visible. */
struct _Unwind_Exception;
void _Unwind_Resume(struct _Unwind_Exception *e) __attribute__((visibility("hidden")));
#include <unwind.h>

static void *unwinder_function(const char *name)
{
    void *p = dlsym(RTLD_DEFAULT, name);
    if (p)
        return p;
    void *library =
        dlopen("libgcc_s.so.1", RTLD_LAZY | RTLD_NOLOAD); /* loaded by pthread_cancel, RTLD_LOCAL */
    return library ? dlsym(library, name) : NULL;
}

_Unwind_Reason_Code __gcc_personality_v0(int version, _Unwind_Action actions,
                                         _Unwind_Exception_Class class, struct _Unwind_Exception *e,
                                         struct _Unwind_Context *context);
_Unwind_Reason_Code __gcc_personality_v0(int version, _Unwind_Action actions,
                                         _Unwind_Exception_Class class, struct _Unwind_Exception *e,
                                         struct _Unwind_Context *context)
{
    static _Unwind_Personality_Fn _Atomic real;
    _Unwind_Personality_Fn fn = atomic_load(&real);
    if (!fn) {
        fn = (_Unwind_Personality_Fn)unwinder_function("__gcc_personality_v0");
        atomic_store(&real, fn);
    }
    return fn ? fn(version, actions, class, e, context) : _URC_CONTINUE_UNWIND;
}

void _Unwind_Resume(struct _Unwind_Exception *e)
{
    static void (*_Atomic real)(struct _Unwind_Exception *);
    void (*fn)(struct _Unwind_Exception *) = atomic_load(&real);
    if (!fn) {
        fn = (void (*)(struct _Unwind_Exception *))unwinder_function("_Unwind_Resume");
        atomic_store(&real, fn);
    }
    if (fn)
        fn(e);
    abort(); /* not reached: only an unwinder that was found calls this */
}
