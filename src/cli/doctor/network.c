/* SPDX-License-Identifier: MIT
 *
 * How a program makes connections, according to the functions that it and its libraries import. */
#include "cli/doctor/doctor.h"
#include "cli/doctor/known_software.h"
#include "cli/locate.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool is_libcurl(const struct objects *o, int i)
{
    return i > 0 && o->list[i].gives & GIVES_CURL;
}

/* ---- libcurl ------------------------------------------------------------------------------- */

bool doctor_knows_node(const char *node)
{
    char path[PATH_MAX];
    struct elf library;
    if (!*node || !locate_library_file(path, sizeof path) || elf_read(&library, path))
        return true;
    bool knows = elf_defines(&library, "curl_easy_perform", node);
    elf_release(&library);
    return knows;
}

static void say_libcurl(struct diagnosis *d, const struct object *curl)
{
    if (curl->gives & GIVES_OLD_CURL)
        doctor_say(d, LEVEL_PARTLY,
                   "%s is older than 7.62: its transfers are passed through unchanged and its "
                   "connections are counted; use a newer version",
                   curl->path);
    else
        doctor_say(d, LEVEL_OK, "libcurl is %s%s%s", curl->path,
                   *curl->node ? ", version node " : "", curl->node);
}

static void say_curl_user(struct diagnosis *d, const struct object *user, const char *name)
{
    const char *interfaces = !(user->uses & USES_MULTI)  ? "easy interface"
                             : !(user->uses & USES_EASY) ? "multi interface"
                                                         : "easy and multi interfaces";
    if (!doctor_knows_node(user->node))
        doctor_say(d, LEVEL_PARTLY,
                   "%s uses libcurl's functions with the version node %s, which libharden.so does "
                   "not provide: its connections are counted, its transfers are not retried; "
                   "please report this",
                   name, user->node);
    else
        doctor_say(d, LEVEL_OK, "%s uses libcurl's %s: its transfers are covered", name,
                   interfaces);
}

/* Whether libharden-audit.so can tell the copies of libcurl apart: by their version nodes only. */
static bool nodes_differ(const struct objects *o)
{
    for (int i = 0; i < o->count; i++)
        for (int k = 0; k < i && is_libcurl(o, i); k++)
            if (is_libcurl(o, k) && (!*o->list[i].node || !*o->list[k].node ||
                                     !strcmp(o->list[i].node, o->list[k].node)))
                return false;
    return true;
}

static void say_looked_up(struct diagnosis *d, const struct objects *o)
{
    static const char *const ends[] = {
        "and only its connections are seen; restart it with harden run --audit",
        "which libharden-audit.so intercepts, but no version node distinguishes these copies of "
        "libcurl: only their connections are seen; make it load only one of them",
        "which libharden-audit.so intercepts: its transfers are covered"};
    int end = d->audit ? nodes_differ(o) ? 2 : 1 : 0;
    doctor_say(d, end == 2 ? LEVEL_OK : LEVEL_PARTLY,
               "no loaded file imports functions of this libcurl: they were looked up with "
               "dlsym(), for instance by Python's ctypes, %s",
               ends[end]);
}

/* Whether the program uses libcurl in any way. */
static bool check_curl(struct diagnosis *d, const struct objects *o)
{
    int users = 0, copies = 0;
    const struct object *self = &o->list[0];
    for (int i = 0; i < o->count; i++) {
        if (is_libcurl(o, i))
            copies++;
        else if (!(i == 0 && self->gives & GIVES_CURL) &&
                 o->list[i].uses & (USES_EASY | USES_MULTI))
            users++;
    }
    for (int i = 0; i < o->count; i++)
        if (is_libcurl(o, i))
            say_libcurl(d, &o->list[i]);
    for (int i = 0; i < o->count && users; i++)
        if (!is_libcurl(o, i) && o->list[i].uses & (USES_EASY | USES_MULTI))
            say_curl_user(d, &o->list[i], i ? object_name(&o->list[i]) : d->name);
    if (self->built_in_curl || self->gives & GIVES_CURL) {
        doctor_say(d, LEVEL_PARTLY,
                   "%s seems to contain a libcurl (%.8s): its calls cannot be intercepted, its "
                   "connections are counted; use a build that links libcurl.so",
                   d->name, self->built_in_curl ? self->built_in_curl : "exported");
        return true;
    }
    if (copies && !users && d->pid)
        say_looked_up(d, o);
    else if (copies && !users)
        doctor_say(d, LEVEL_NOTE, "nothing in it calls that libcurl by name");
    return users > 0 || (copies && d->pid);
}

/* ---- connect() ----------------------------------------------------------------------------- */

static void say_streams(struct diagnosis *d)
{
    doctor_say(
        d, LEVEL_NOTE,
        "%s's own streams (fopen() and file_get_contents() of a URL, fsockopen()) connect on "
        "non-blocking sockets: they are only counted, neither delayed nor retried; use "
        "curl_exec(), or on_limit = fail, which enforces limits on them",
        d->name);
}

static void say_connects(struct diagnosis *d, const char *name, unsigned uses, bool async)
{
    if (async)
        doctor_say(d, LEVEL_PARTLY,
                   "%s calls connect() on non-blocking sockets: such connections are only counted, "
                   "neither delayed nor retried; on_limit = fail enforces limits on them",
                   name);
    else if (uses & USES_EVENTS)
        doctor_say(d, LEVEL_PARTLY,
                   "%s calls connect() and has an event loop: blocking connections are covered, "
                   "those of the loop are only counted; on_limit = fail enforces limits on them",
                   name);
    else
        doctor_say(
            d, LEVEL_OK,
            "%s calls connect(): its connections are covered (non-blocking ones are only counted)",
            name);
}

/* Reports each library that is not fully covered, and all others in one line. */
static bool check_libraries(struct diagnosis *d, const struct objects *o)
{
    char plain[512] = "";
    size_t n = 0;
    bool found = false;
    for (int i = 1; i < o->count; i++) {
        const struct object *by = &o->list[i];
        if (!(by->uses & USES_CONNECT) || known_local(object_name(by)))
            continue;
        found = true;
        if (known_asynchronous(object_name(by)) || by->uses & USES_EVENTS)
            say_connects(d, object_name(by), by->uses, known_asynchronous(object_name(by)));
        else if (n < sizeof plain)
            n += (size_t)snprintf(plain + n, sizeof plain - n, "%s%s", n ? ", " : "",
                                  object_name(by));
    }
    if (n)
        doctor_say(d, LEVEL_OK, "these libraries call connect(), which is covered: %s", plain);
    return found;
}

/* Only those that the program uses beside its own streams. */
static void check_asynchronous(struct diagnosis *d, const struct objects *o)
{
    for (int i = 1; i < o->count; i++)
        if (o->list[i].uses & USES_CONNECT && known_asynchronous(object_name(&o->list[i])))
            say_connects(d, object_name(&o->list[i]), o->list[i].uses, true);
}

static bool check_connects(struct diagnosis *d, const struct objects *o, unsigned known, bool curl)
{
    const struct object *self = &o->list[0];
    d->check = "connect";
    if (self->uses & USES_CONNECT && known & OWN_STREAMS) {
        say_streams(d);
        check_asynchronous(d, o);
    } else if (self->uses & USES_CONNECT)
        say_connects(d, d->name, self->uses, known & CONNECTS_ASYNC && self->uses & USES_POLL);
    /* With libcurl, connections of libraries are usually part of its transfers. */
    bool libraries = !curl && !(self->uses & USES_CONNECT) && check_libraries(d, o);
    return self->uses & USES_CONNECT || libraries;
}

/* ---- connections that are not seen --------------------------------------------------------- */

static bool check_unseen(struct diagnosis *d, const struct objects *o, bool seen)
{
    const unsigned uses = o->list[0].uses;
    bool found = false;
    if (uses & USES_RAW && uses & USES_NAMES && !seen) {
        doctor_say(d, LEVEL_NO,
                   "%s creates sockets but does not call connect(): if it connects, it uses raw "
                   "system calls, which the library does not see",
                   d->name);
        found = true;
    }
    for (int i = 0; i < o->count; i++)
        if (o->list[i].uses & USES_URING) {
            doctor_say(d, LEVEL_PARTLY,
                       "%s uses io_uring: the library does not see connections made through it",
                       object_name(&o->list[i]));
            return true;
        }
    return found;
}

static void check_plugins(struct diagnosis *d, const struct objects *o, const struct config *c)
{
    const struct object *self = &o->list[0];
    d->check = "plug_ins";
    bool php = self->gives & GIVES_PHP;
    for (int i = 1; i < o->count; i++)
        php = php || o->list[i].gives & GIVES_PHP;
    if (php && c && !c->deepbind_mask)
        doctor_say(
            d, LEVEL_PARTLY,
            "PHP may load its extensions with RTLD_DEEPBIND (usual before 8.5), and deepbind = "
            "leave permits that: then curl_exec() is not covered; set deepbind = mask");
    else if (php)
        doctor_say(d, LEVEL_OK,
                   "PHP may load its extensions with RTLD_DEEPBIND, which deepbind = mask removes: "
                   "the libcurl that they load is covered");
    else if (self->uses & USES_DLOPEN && !d->pid)
        doctor_say(d, LEVEL_NOTE,
                   "%s can load plug-ins (dlopen), which its file does not list: a plug-in that "
                   "links libcurl is covered, one that looks up the functions with dlsym() only "
                   "under harden run --audit; check the running process to see which it loads",
                   d->name);
}

/* With weak references and no libcurl, the loader resolves them to the functions of
 * libharden.so. */
static void check_optional(struct diagnosis *d, const struct objects *o)
{
    struct elf_symbol s;
    bool wanted = false;
    for (int i = 0; i < o->count; i++)
        if (o->list[i].gives & GIVES_CURL)
            return;
    for (size_t i = 0; !wanted && elf_symbol(&o->list[0].elf, i, &s); i++)
        wanted = !s.defined && s.weak &&
                 (!strncmp(s.name, "curl_easy_", 10) || !strncmp(s.name, "curl_multi_", 11));
    if (wanted)
        doctor_say(d, LEVEL_NO,
                   "%s uses libcurl only if it is present (weak references), and would mistake "
                   "libharden.so for it: its transfers would fail, or it would crash. Preload "
                   "libcurl after libharden.so, or do not preload libharden.so",
                   d->name);
}

void doctor_network(struct diagnosis *d, const struct objects *o, const struct config *c)
{
    const unsigned known = known_traits(d->name);
    d->check = "libcurl";
    if (*o->missing)
        doctor_say(d, LEVEL_PARTLY,
                   "%s is not found in the search path of the loader, so it cannot be checked; set "
                   "LD_LIBRARY_PATH as for the program",
                   o->missing);
    check_optional(d, o);
    bool curl = check_curl(d, o);
    bool seen = check_connects(d, o, known, curl) || curl;
    seen = check_unseen(d, o, seen) || seen;
    check_plugins(d, o, c);
    const char *note;
    d->check = "network";
    for (int i = 0; (note = known_note(d->name, i)); i++)
        doctor_say(d, LEVEL_NOTE, "%s", note);
    if (!seen) {
        d->connects_nowhere = true;
        doctor_say(d, LEVEL_NOTE,
                   "%s calls neither libcurl nor connect(): it makes no connections itself",
                   d->name);
    }
    if (o->list[0].uses & USES_EXEC && (!seen || d->script || known & STARTS_OTHERS))
        doctor_say(d, LEVEL_NOTE,
                   "the programs that %s starts inherit the library; check each of them",
                   d->script ? "the script" : d->name);
}
