# SPDX-License-Identifier: MIT
"""The table of cases: a command, and what differs between a bare run and a run under the shim.

The rule for all cases: a bare run exits with `ends` and prints `recovers` failures that a retry
would have recovered. The run under the shim exits with the same status and prints the same on both
outputs, except that these failures are now successes. The snapshot has counted exactly that."""
import dataclasses
import glob
import json
import os
import re
import subprocess
import typing

import stacks
import start


@dataclasses.dataclass
class Case:
    name: str
    argv: list
    transfers: typing.Optional[int] = 0   # intercepted; None: not checked
    recovers: int = 0        # requests answered 503 in the bare run and successful under the shim
    stays: str = ""          # a pattern for the lines of requests that are not covered
    env: dict = dataclasses.field(default_factory=dict)
    shim_env: dict = dataclasses.field(default_factory=dict)
    first: list = dataclasses.field(default_factory=list)  # preloaded before the shim
    last: list = dataclasses.field(default_factory=list)   # preloaded after it
    behind: list = dataclasses.field(default_factory=list)  # right after it, if it is preloaded
    preload: bool = True     # False: the case sets LD_PRELOAD itself
    ends: int = 0            # exit status, or -signal
    internal_errors: typing.Optional[int] = 0  # None: some, each forwarded and logged once
    cut: bool = False        # a process may end while it writes a file, which stays for a minute
    probe: bool = False      # the writer of the snapshot may die or change its root
    says: str = ""           # a pattern for the lines that the shim may write to stderr
    state: str = "{scratch}/state"
    root: bool = False       # needs root
    multi: bool = False      # the transfers use libcurl's multi interface
    connects: typing.Optional[int] = None  # of blocking sockets; None: not checked
    check: typing.Optional[typing.Callable] = None  # gets the scratch directory, returns an error or None


LIB = "/usr/lib/" + subprocess.run(["cc", "-print-multiarch"], capture_output=True, text=True,
                                   check=True).stdout.strip()
ASAN = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True,
                      check=True).stdout.strip()
ASAN = os.path.realpath(ASAN)
QUICK_SNAPSHOT = {"HARDEN_SNAPSHOT_INTERVAL": "100ms"}
LONG_SLEEP = {"HARDEN_BASE_DELAY": "8s", "HARDEN_MAX_DELAY": "8s", "HARDEN_JITTER": "none"}


def loads(*plugs):
    return [word for how, plug in plugs for word in (how, "{out}/plug-%s.so" % plug)]


def hosts(name, linked, *plugs, **more):
    """Every plug-in (and the host, if it is linked with libcurl) makes four transfers."""
    n = 4 * (len(plugs) + (linked != "none"))
    host = "{out}/plughost" + ("" if linked == "none" else "-" + linked)
    more = {"transfers": n, "recovers": n} | more
    return Case(name, [host, *loads(*plugs)], **more)


TESTS = os.path.dirname(__file__)
# Libraries that are often preloaded, configured to be active and to allow local connections.
NEIGHBOURS = {
    "libfaketime": ("faketime/libfaketime.so.1", {"FAKETIME": "+1d"}),
    "libfaketime with a stopped clock":
        ("faketime/libfaketimeMT.so.1", {"FAKETIME": "2001-01-01 00:00:00"}),
    "libeatmydata": ("libeatmydata.so.1", {}),
    "fakeroot": ("libfakeroot/libfakeroot-sysv.so", {}),
    "socket_wrapper": ("libsocket_wrapper.so", {}),
    "nss_wrapper": ("libnss_wrapper.so", {"NSS_WRAPPER_HOSTS": "/etc/hosts"}),
    "uid_wrapper": ("libuid_wrapper.so", {"UID_WRAPPER": "1", "UID_WRAPPER_ROOT": "1"}),
    "proxychains": ("libproxychains.so.4", {"PROXYCHAINS_CONF_FILE": "TESTS/proxychains.conf"}),
    "stdbuf": ("/usr/libexec/coreutils/libstdbuf.so", {"_STDBUF_O": "L"}),
}


def in_threads(neighbour):
    """Returns (number of threads, number of turns). With four threads, two bare runs in a hundred
    crash in the first use of nss_wrapper."""
    return ("1", "80") if neighbour == "nss_wrapper" else ("4", "20")


UNCOVERED = {"transfers": 0, "recovers": 0, "stays": "."}


def inside(place, what, cured=False, **more):
    """The outer transfer succeeds at once or, with `cured`, needs a retry itself."""
    more = {"transfers": 2, "recovers": 1 + cured} | more
    name = f"inside the {place} callback{' of a recovered transfer' if cured else ''}: {what}"
    return Case(name, ["{out}/inside", place, what, "f2/outer" if cured else "ok/outer"], **more)


AUDIT = "{audit}"  # libharden-audit.so
FLAVOURS = [f"{LIB}/libcurl{flavour}.so.4" for flavour in ("", "-gnutls", "-nss")]


def audited(name, argv, *numbers, **more):
    return Case("audit: " + name, argv, *numbers, behind=[AUDIT], **more)


def in_scratch(script, **more):
    return {"argv": ["sh", "-ec", script]} | more


def with_hanging_check(command, **more):
    return in_scratch('umask 077; printf "[check own]\\ntype = http\\ntarget = %s\\ntimeout = 9s\\n" '
                      '"$BASE/hang/check" > {scratch}/harden.ini\n'
                      'HARDEN_CONFIG={scratch}/harden.ini exec ' + command, **more)


def with_check(command, kind="tcp", **more):
    # The server of the board (an open port).
    target = '"${{host%%/*}}"' if kind == "tcp" else '"$BASE/ok/check"'
    return in_scratch(f'host=${{{{BASE#*://}}}}; umask 077; printf "[check own]\\ntype = {kind}\\ntarget = %s\\n" '
                      f'{target} > {{scratch}}/harden.ini\n'
                      'HARDEN_CONFIG={scratch}/harden.ini exec ' + command, **more)


def is_counted_for_localhost(run):
    with open(run + "/state/health.json", encoding="utf-8") as f:
        hosts = [name.rpartition(":")[0] for name in json.load(f)["checks"]]
    return None if hosts == ["localhost"] else f"counted for {hosts}"


# ---- checks of the files that a case left behind -------------------------------------------------
def relative_state(scratch):
    if not glob.glob(scratch + "/relative/board.*"):
        return "the state directory is not where the working directory was"
    return None


def loaded_as_root(scratch):
    with open(scratch + "/maps", encoding="utf-8") as f:
        if "libharden" not in f.read():
            return "the shim was not loaded into the setuid program: nothing was tested"
    return None


SETUID_COPY = """
cp {out}/fetch-openssl {scratch}/copy; chmod 4755 {scratch}/copy; chmod 755 {scratch}
exec setpriv --reuid 65534 --regid 65534 --clear-groups {scratch}/copy f2/secure
"""
# The loader preloads an object into a setuid program only from a system directory, by its bare
# name, and if the object itself is setuid. A private mount namespace can provide that.
SETUID_LOADED = """
mkdir {scratch}/lib; test -z "$INNER" || install -m 4755 {shim} {scratch}/lib/libharden.so
cp {out}/fetch-openssl {scratch}/copy; cp /bin/cat {scratch}/cat
chmod 4755 {scratch}/copy {scratch}/cat; chmod 755 {scratch}
mount -t overlay overlay -o lowerdir={scratch}/lib:/usr/lib /usr/lib
as_nobody() {{ env LD_PRELOAD=$INNER setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }}
as_nobody {scratch}/cat /proc/self/maps > {scratch}/maps
as_nobody {scratch}/copy f2/secure
"""

TWO_COPIES = {"argv": ["sh", "-ec", f"""
cp {LIB}/libcurl.so.4 {{scratch}}/one.so
exec {{out}}/handles each {{scratch}}/one.so {LIB}/libcurl.so.4
"""]}

ALONE = f"""
test -z "$INNER" || export LD_PRELOAD={AUDIT}
exec {{out}}/handles each {LIB}/libcurl.so.4
"""

# The disk is completely full: writing a page of the board that has no disk block would raise
# SIGBUS.
FULL_DISK = """
mkdir {scratch}/state; mount -t tmpfs -o size=16k,mode=700 none {scratch}/state
cat /dev/zero > {scratch}/state/full 2> /dev/null || true
{out}/descriptors leak {scratch}; {out}/fetch-openssl f2/full
"""

CASES = [
    # Programs linked with one flavour.
    *(Case(f"program linked with {f}", ["{out}/fetch-" + f, "f2/1", "ok/2", "f1/3"], 3, 2)
      for f in ("openssl", "gnutls", "nss", "unversioned", "lazy", "undebugged")),
    Case("program with LD_BIND_NOW", ["{out}/fetch-openssl", "f2/1"], 1, 1, env={"LD_BIND_NOW": "1"}),

    # Plug-ins, alone and together.
    *(hosts(f"plug-in {p}, RTLD_LOCAL, {how}", "none", (how, p))
      for p in ("openssl", "gnutls", "nss", "unversioned") for how in ("now", "lazy")),
    hosts("plug-ins of two flavours", "none", ("now", "openssl"), ("lazy", "gnutls")),
    hosts("plug-ins of three flavours", "none", ("lazy", "nss"), ("lazy", "gnutls"),
          ("lazy", "openssl")),
    hosts("host openssl, plug-in gnutls", "openssl", ("now", "gnutls")),
    hosts("host gnutls, plug-in openssl", "gnutls", ("now", "openssl")),
    hosts("host gnutls, plug-ins nss and openssl", "gnutls", ("now", "nss"), ("lazy", "openssl")),
    hosts("plug-in without a libcurl of its own uses the host's", "gnutls", ("now", "nodeps")),
    hosts("host gnutls, unversioned plug-in with openssl", "gnutls", ("now", "unversioned")),

    # RTLD_DEEPBIND, and other properties of dlopen.
    hosts("RTLD_DEEPBIND plug-in, masked", "none", ("deepbind", "openssl")),
    hosts("RTLD_DEEPBIND plug-in, left", "none", ("deepbind", "openssl"),
          env={"HARDEN_DEEPBIND": "leave"}, **UNCOVERED),
    hosts("RTLD_DEEPBIND plug-in of the other flavour, masked", "openssl", ("deepbind", "gnutls")),
    hosts("RTLD_DEEPBIND plug-in of the other flavour, left", "openssl", ("deepbind", "gnutls"),
          env={"HARDEN_DEEPBIND": "leave"}, transfers=4, recovers=4,
          stays="^plug-"),
    hosts("plug-in in its own namespace", "openssl", ("namespace", "gnutls"), transfers=4,
          recovers=4, stays="^plug-"),
    Case("dlopen keeps the caller's RUNPATH, NULL and dlerror", ["{out}/loader"]),
    Case("dlopen with RTLD_DEEPBIND keeps the caller's RUNPATH, NULL and dlerror",
         ["{out}/loader", "deep"]),
    Case("a plug-in with libcurl is loaded and unloaded repeatedly",
         ["{out}/reload", "100", "{out}/plug-openssl.so"], 100, 10),
    Case("plug-ins of two flavours are loaded and unloaded repeatedly",
         ["{out}/reload", "100", "{out}/plug-openssl.so", "{out}/plug-gnutls.so"], 100, 10),

    # Functions looked up at run time.
    Case("curl functions in a process without libcurl", ["{out}/lookup", "none"], None,
         says=r"^harden: "),
    Case("weak references to a libcurl that is preloaded after", ["{out}/lookup", "weak"], 1, 1,
         last=[LIB + "/libcurl.so.4"]),
    Case("libcurl loaded later, found by RTLD_DEFAULT",
         ["{out}/lookup", "global", LIB + "/libcurl.so.4"], 1, 1),
    # Its transfers are not seen, but its connections are.
    Case("libcurl functions looked up by handle", ["{out}/lookup", "handle", LIB + "/libcurl.so.4"],
         **UNCOVERED | {"transfers": None}),
    Case("easy handles that are not created through the shim",
         ["{out}/lookup", "mixed", LIB + "/libcurl.so.4"], None, stays="."),

    # The same with the audit object, which returns the shim's functions instead of libcurl's.
    audited("libcurl functions looked up by handle",
            ["{out}/lookup", "handle", LIB + "/libcurl.so.4"], 1, 1),
    audited("every easy handle is created through the shim",
            ["{out}/lookup", "mixed", LIB + "/libcurl.so.4"], 4, 1),
    audited("curl functions in a process without libcurl", ["{out}/lookup", "none"], None,
            says=r"^harden: "),
    *(audited(f"{flavour} functions looked up by handle",
              ["{out}/handles", "each", f"{LIB}/{file}"], 2, 2)
      for flavour, file in (("openssl", "libcurl.so.4"), ("gnutls", "libcurl-gnutls.so.4"),
                            ("nss", "libcurl-nss.so.4"))),
    audited("functions of three flavours looked up by handle",
            ["{out}/handles", "each", *FLAVOURS], 6, 6),
    audited("functions of an unversioned libcurl looked up by handle",
            ["{out}/handles", "each", "{out}/libcurl-unversioned.so"], 2, 2),
    audited("functions of libcurls without distinct version nodes are not replaced",
            ["{out}/handles", "each", "{out}/libcurl-unversioned.so", LIB + "/libcurl.so.4"],
            **UNCOVERED | {"transfers": None}),
    audited("functions of two copies with one version node are not replaced", **TWO_COPIES,
            **UNCOVERED | {"transfers": None}),
    audited("functions of a libcurl in another namespace are not replaced",
            ["{out}/handles", "apart", FLAVOURS[1]], **UNCOVERED),
    audited("functions of a plug-in's libcurl looked up by the plug-in's handle",
            ["{out}/handles", "each", "{out}/libask.so"], 2, 2),
    audited("functions of an incomplete libcurl are not replaced",
            ["{out}/handles", "names", "{out}/stub/libcurl.so.4"]),
    audited("a library with all names of libcurl", ["{out}/handles", "stubs",
            "{out}/libcurl-names.so"], shim_env={"STUBS": "1"}),
    audited("eight threads look functions up by handle",
            ["{out}/handles", "threads", LIB + "/libcurl.so.4"], 8),
    audited("a child looks functions up by handle",
            ["{out}/handles", "fork", LIB + "/libcurl.so.4"], 2, 2),
    audited("a libcurl looked up by handle is loaded and unloaded repeatedly",
            ["{out}/handles", "again", LIB + "/libcurl.so.4"], 7, 1),
    audited("plug-ins of two flavours", [
        "{out}/plughost-openssl", *loads(("now", "gnutls"), ("lazy", "nss"))], 12, 12),
    audited("HARDEN_DISABLE=1", ["{out}/handles", "each", LIB + "/libcurl.so.4"],
            env={"HARDEN_DISABLE": "1"}, **UNCOVERED),
    audited("RTLD_DEFAULT, RTLD_NEXT, version nodes and dlerror keep their meaning",
            ["{out}/handles", "keep", "{out}/libask.so", LIB + "/libcurl.so.4"]),
    *(audited(f"{sanitizer} host", [f"{{out}}/handles-{short}", "each", *FLAVOURS[:2]], 4, 4,
              first=first)
      for sanitizer, short, first in (("AddressSanitizer", "asan", [ASAN]),
                                      ("ThreadSanitizer", "tsan", []))),
    *(audited(f"{sanitizer} host with threads", [f"{{out}}/handles-{short}", "threads",
              LIB + "/libcurl.so.4"], 8, first=first)
      for sanitizer, short, first in (("AddressSanitizer", "asan", [ASAN]),
                                      ("ThreadSanitizer", "tsan", []))),
    audited("jemalloc", ["{out}/handles", "threads", LIB + "/libcurl.so.4"], 8,
            first=[LIB + "/libjemalloc.so.2"]),
    audited("a transfer in the program's preinit array", ["{out}/early"], 1, 1, stays="^early"),
    audited("a program without network has no trace of the library", ["{out}/idle"]),
    Case("audit: the second object without the first", preload=False, shim_env={"INNER": "1"},
         **in_scratch(ALONE), **UNCOVERED),

    # Before our constructor runs. That early, libc has no environment, and a dlopen would run
    # libcurl's constructor without one: calls are forwarded.
    Case("a transfer in the program's preinit array", ["{out}/early"], 1, 1, stays="^early"),
    Case("a transfer in the constructor of an object preloaded before",
         ["{out}/fetch-openssl", "f2/main"], 2, 2, first=["{out}/libearly.so"]),
    Case("a transfer in the constructor of an object preloaded after",
         ["{out}/fetch-openssl", "f2/main"], 2, 2, last=["{out}/libearly.so"]),
    Case("a transfer in the constructor of an object, the program on gnutls",
         ["{out}/fetch-gnutls", "f2/main"], 2, 2, last=["{out}/libearly.so"]),

    # perform is left without returning.
    Case("exceptions through perform", ["{out}/throw", "catch", "100"], None, 1),
    Case("longjmp out of perform", ["{out}/throw", "jump", "20"], None, None),
    Case("a thread cancelled in a transfer", ["{out}/cancel", "hang/1"], 4),
    Case("a thread cancelled in the sleep between attempts", ["{out}/cancel", "f99/1"], 4,
         shim_env=LONG_SLEEP),

    # Calls from inside callbacks.
    *(inside(place, "perform-other", transfers=3, recovers=2)
      for place in ("write", "header", "progress")),
    *(inside(place, "perform-same") for place in ("write", "header", "progress")),
    *(inside(place, "getinfo") for place in ("write", "header")),
    *(inside(place, "reset-other", transfers=3, recovers=2)
      for place in ("write", "header", "progress")),
    *(inside(place, "setopt") for place in ("write", "header", "progress")),
    *(inside(place, "duphandle", transfers=3, recovers=2)
      for place in ("write", "header", "progress")),
    inside("write", "pause"),
    inside("write", "pause", cured=True),
    inside("write", "duphandle", cured=True, transfers=3, recovers=3),
    inside("write", "perform-other", cured=True, transfers=3, recovers=3),
    inside("progress", "perform-other", cured=True, transfers=3, recovers=3),
    inside("progress", "reset-same"),

    # Forks, and ends of processes. daemon() ends the parent with _exit().
    *(Case(f"child by {way}", ["{out}/forks", way], 3, 2, probe=way == "daemon",
           cut=way in ("_Fork", "clone"))  # children that end with _exit()
      for way in ("fork", "_Fork", "clone", "grandchild", "vfork", "spawn", "system", "daemon")),
    Case("exec with its environment", ["{out}/forks", "exec"], 2, 2, probe=True),
    Case("exec without an environment", ["{out}/forks", "exec-bare"], 1, 1, stays="^child",
         probe=True),
    Case("children while threads run", ["{out}/forks", "storm"], 62, 1, env=QUICK_SNAPSHOT, cut=True),
    Case("children while other threads transfer", ["{out}/forks", "crowd"], 232, None),
    *(Case(f"ended by {way}", ["{out}/forks", way], 1, 1, ends=ends, probe=True)
      for way, ends in (("_exit", 0), ("quick_exit", 0), ("abort", -6), ("kill", -9),
                        ("term", -15))),

    # Threads.
    Case("eight threads, 200 handles each", ["{out}/threads", "8", "200"], 1600, None),
    Case("32 threads begin at once", ["{out}/threads", "32", "2"], 64, None),
    Case("the first thread ends before the others", ["{out}/late", "leave"], 41, 1, env=QUICK_SNAPSHOT),
    Case("the first thread ends before the others, while checks are run",
         **with_check("{out}/late leave"), transfers=41, recovers=1, env=QUICK_SNAPSHOT),
    Case("a lot of thread-local storage", ["{out}/late", "stay"], 41, 1, env=QUICK_SNAPSHOT),
    *(Case(f"the first thread ends last{more}", **{"argv": argv, **how}, transfers=41, recovers=1,
           env=QUICK_SNAPSHOT)
      for more, argv, how in (("", ["{out}/late", "leave-last"], {}),
                              (", while checks are run", None, with_check("{out}/late leave-last")))),

    # Descriptors, directories, rights.
    Case("no descriptor is left open", ["{out}/descriptors", "leak", "{scratch}"], 10,
         env=QUICK_SNAPSHOT),
    Case("close_range closes our descriptors, then the program opens files",
         ["{out}/descriptors", "close_range", "{scratch}"], 12, 2, env=QUICK_SNAPSHOT),
    Case("no free descriptor", ["{out}/descriptors", "exhausted", "{scratch}"], 4, 2),
    Case("no free descriptor at the first transfer",
         ["{out}/descriptors", "exhausted-first", "{scratch}"], None, 1),
    Case("chdir before the first transfer", ["{out}/descriptors", "chdir", "{scratch}"], 2, 1,
         state="./relative", check=relative_state),
    Case("chroot after the first transfer", ["{out}/descriptors", "chroot", "{scratch}"], 12, 2,
         env=QUICK_SNAPSHOT, root=True, probe=True,
         internal_errors=None, says=r"^harden: "),
    Case("rights dropped after the first transfer", ["{out}/descriptors", "drop", "{scratch}"], 12,
         2, env=QUICK_SNAPSHOT, root=True, probe=True,
         internal_errors=None, says=r"^harden: "),
    Case("capabilities dropped after the first transfer",
         ["{out}/descriptors", "capset", "{scratch}"], 12, 2, env=QUICK_SNAPSHOT, root=True),
    Case("rights dropped before the first transfer", ["{out}/descriptors", "drop-first",
         "{scratch}"], None, 1, root=True, says=r"^harden: "),

    Case("umask 0", ["sh", "-c", "umask 0; exec {out}/fetch-openssl f2/1"], 1, 1),
    Case("a file size limit of 0", ["{out}/descriptors", "file-size", "{scratch}"], None, 1,
         env=QUICK_SNAPSHOT),
    Case("a state directory on a full disk", ["unshare", "-m", "sh", "-ec", FULL_DISK], None, 1,
         env=QUICK_SNAPSHOT, root=True),
    Case("very little memory", ["{out}/descriptors", "memory", "{scratch}"], None,
         env=QUICK_SNAPSHOT, says=r"^harden: "),
    Case("no thread can be created", ["{out}/descriptors", "no-thread", "{scratch}"], None, root=True,
         says=r"^harden: "),
    Case("the program's own files as standard streams", ["{out}/descriptors", "streams", "{scratch}"],
         None, None, env=QUICK_SNAPSHOT, root=True, probe=True),

    # Signals, namespaces, system call filters.
    Case("a filter that kills on clone, from the start", ["{out}/sandbox", "filter-first"], 1, 1),
    Case("a filter that kills on clone, later", ["{out}/sandbox", "filter-later"], 2, 2),
    Case("a filter that kills on the library's own system calls, from the start",
         ["{out}/sandbox", "strict-first"], **UNCOVERED | {"stays": "^filtered"}),
    Case("a filter that kills on the library's own system calls, later",
         ["{out}/sandbox", "strict-later"], 1, 1, stays="^filtered", env=QUICK_SNAPSHOT),
    Case("a filter that kills on the library's own system calls, in a child by clone",
         ["{out}/sandbox", "strict-child"], 1, 1, stays="^filtered"),
    Case("a filter that kills on the library's own system calls, with a listener",
         ["{out}/sandbox", "strict-listener"], 1, 1, stays="^filtered"),
    Case("a child by vfork installs a filter before the first transfer", ["{out}/sandbox", "strict-vfork"],
         1, 1),
    *(Case(f"a filter that allows the library's system calls, {when}, then {does}",
           ["sh", "-ec", f"umask 077; mkdir -p {{scratch}}/state; cd {{scratch}}; (sleep 0.3; {does}) & "
            "HARDEN_CONFIG={scratch}/harden.ini exec {out}/narrow " + when], None, recovers, says=r"^harden: ",
           env=QUICK_SNAPSHOT | {"HARDEN_LOG": "debug", "HARDEN_EVENTS": "{scratch}/events",
                                 "HARDEN_METRICS": "{scratch}/metrics"})
      for when, recovers in (("first", 1), ("later", 2))
      for does in ("echo '[harden]' > harden.ini", "rm -rf state")),
    Case("sigwait gets the process's signals", ["{out}/sandbox", "sigwait"], 2, 2),
    Case("signalfd gets the process's signals", ["{out}/sandbox", "signalfd"], 2, 2),
    Case("signal mask and SIGPIPE are kept", ["{out}/sandbox", "mask"], 1, 1),
    Case("alarms and children while requests are made", ["{out}/sandbox", "handlers"], 10, 1),
    Case("setns() into namespaces before the first transfer", ["{out}/sandbox", "setns-first"], 1,
         1, root=True),
    Case("setns() into namespaces later", ["{out}/sandbox", "setns-later"], 2, 2, root=True),
    Case("setns() into a mount namespace later", ["{out}/sandbox", "setns-mounts"], 2, 2, root=True),
    Case("setns() into a mount namespace while checks are run",
         **with_check("{out}/sandbox setns-mounts"), transfers=2, recovers=2, root=True),
    Case("unshare(CLONE_NEWUSER) before the first transfer", ["{out}/sandbox", "unshare"], None),
    Case("unshare(CLONE_NEWUSER) later", ["{out}/sandbox", "unshare-later"], None,
         internal_errors=None, says=r"^harden: "),
    Case("unshare(CLONE_NEWUSER) while checks are run", **with_check("{out}/sandbox unshare-later"),
         transfers=None, internal_errors=None, says=r"^harden: "),

    Case("unshare(CLONE_NEWUSER) while a check waits for its answer",
         **with_hanging_check("{out}/sandbox unshare-later"), transfers=None, internal_errors=None,
         says=r"^harden: "),
    Case("a strict filter while a check waits for its answer",
         **with_hanging_check("{out}/sandbox strict-later"), transfers=1, recovers=1,
         stays="^filtered"),

    # Without network the library does nothing.
    Case("a program without network has no trace of the library", ["{out}/idle"]),
    Case("a shell has no trace of the library",
         ["sh", "-c", "grep -c -e '/board' -e ' ..-s ' /proc/$$/maps; ls /proc/$$/task | wc -l"]),
    Case("an interpreter has no trace of the library", ["/usr/bin/python3", "-c", """
import os
print(sum('/board' in line for line in open('/proc/self/maps')), len(os.listdir('/proc/self/task')))
"""]),
    Case("/bin/true", ["/bin/true"]),
    Case("first calls of the C library from several threads at once", ["{out}/thunks"]),
    Case("a static program", ["{out}/idle-static"]),
    Case("a static Go program", ["{out}/fetch-go-static", "f2/1", "ok/2"], **UNCOVERED),
    Case("a Go program with cgo", ["{out}/fetch-go-cgo", "f2/1", "ok/2"], **UNCOVERED),
    Case("connections by raw system calls", ["{out}/fetch-syscall", "f2/1", "ok/2"], **UNCOVERED),
    Case("HARDEN_DISABLE=1", ["{out}/fetch-openssl", "f2/1"], env={"HARDEN_DISABLE": "1"},
         **UNCOVERED),
    Case("HARDEN_DISABLE=off", ["{out}/fetch-openssl", "f2/1"], 1, 1, env={"HARDEN_DISABLE": "off"}),
    Case("HARDEN_DISABLE=1 with plug-ins", ["{out}/plughost", *loads(("now", "openssl"),
         ("deepbind", "gnutls"))], env={"HARDEN_DISABLE": "1"}, **UNCOVERED),
    Case("HARDEN_DISABLE=1 and a transfer in the preinit array", ["{out}/early"],
         env={"HARDEN_DISABLE": "1"}, **UNCOVERED),
    Case("a setuid program, the shim rejected by the loader", root=True, **UNCOVERED,
         **in_scratch(SETUID_COPY)),
    Case("a setuid program, the shim loaded", preload=False, root=True, check=loaded_as_root,
         shim_env={"INNER": "libharden.so"}, **UNCOVERED,
         argv=["unshare", "-m", "sh", "-ec", SETUID_LOADED]),

    # Other libraries in LD_PRELOAD, and instrumented hosts.
    Case("AddressSanitizer host", ["{out}/fetch-asan", "f2/1", "ok/2"], 2, 1, first=[ASAN]),
    Case("AddressSanitizer host with threads", ["{out}/threads-asan", "4", "20"], 80, None,
         first=[ASAN]),
    Case("ThreadSanitizer host", ["{out}/fetch-tsan", "f2/1", "ok/2"], 2, 1),
    Case("ThreadSanitizer host with threads", ["{out}/threads-tsan", "4", "20"], 80, None),
    *(Case(f"{name} preloaded {where}", ["{out}/threads", "4", "20"], 80, None,
           **{where: [f"{LIB}/{lib}"]})
      for name, lib in (("jemalloc", "libjemalloc.so.2"), ("tcmalloc", "libtcmalloc_minimal.so.4"))
      for where in ("first", "last")),
    # Preloaded libraries that replace functions of the C library.
    *(Case(f"{name} preloaded {where}: {words[0]}", ["{out}/" + words[0], *words[1:]], n, recovers,
           env={k: v.replace("TESTS", TESTS) for k, v in env.items()}, **{where: [os.path.join(LIB, lib)]})
      for name, (lib, env) in NEIGHBOURS.items() for where in ("first", "last")
      for n, recovers, words in ((80, None, ("threads", *in_threads(name))), (3, 2, ("forks", "fork")))),
    *(Case(f"functions of another preloaded library are not called: {words[0]}",
           ["{out}/" + words[0], *words[1:]], n, None, first=["{out}/libneighbour.so"], env=QUICK_SNAPSHOT)
      for n, words in ((80, ("threads", "4", "20")), (10, ("descriptors", "leak", "{scratch}")))),
]


# The same cases with programs that open their connections themselves. Nothing is recovered, because
# the library does not see the server's answers; each transfer is a connection.
COMPILED_AGAIN = ("forks", "descriptors", "sandbox", "threads", "early")


def compiled_as(case, kind):
    argv = list(case.argv)
    i = next(i for i, word in enumerate(argv) if word.startswith("{out}/"))
    argv[i] += "-" + kind
    return argv, [word.replace("libearly", "libearly-" + kind) for word in case.last]


def raw(case):
    argv, last = compiled_as(case, "raw")
    # Without a free descriptor there is no socket to connect.
    connects = 2 if "exhausted" in argv else case.transfers or None
    # If socket_wrapper comes first, it calls the C library's connect() directly.
    if any("socket_wrapper" in word for word in case.first):
        case, connects = dataclasses.replace(case, transfers=0), None
    return dataclasses.replace(case, name=case.name + ", by connect()", argv=argv, last=last,
                               transfers=case.transfers and 0, connects=connects, recovers=None,
                               stays=".")


# The same cases with programs that have an event loop of their own.
def multi(case):
    argv, last = compiled_as(case, "multi")
    return dataclasses.replace(case, name=case.name + ", by multi", argv=argv, last=last, multi=True)


AGAIN = [c for c in CASES
         if any(word in ["{out}/" + host for host in COMPILED_AGAIN] for word in c.argv)
         and "DISABLE" not in c.name]
CASES += [raw(c) for c in AGAIN] + [multi(c) for c in AGAIN]
CASES += [
    Case("invalid arguments", ["{out}/arguments", "f99/1"], None, shim_env=LONG_SLEEP),
    Case("a loop over curl_multi_socket_all", ["{out}/turns", "socket_all", "f2/1"], 1, 1, multi=True),
    Case("curl_multi_wakeup while a transfer is parked", ["{out}/turns", "wakeup", "f99/1"], 1,
         shim_env=LONG_SLEEP, multi=True),
    Case("program on gnutls, by multi", ["{out}/fetch-multi-gnutls", "f2/1", "f2/2", "ok/3"], 3, 2,
         multi=True),
    Case("AddressSanitizer host with threads, by multi", ["{out}/threads-multi-asan", "4", "20"], 80,
         None, first=[ASAN], multi=True),
    Case("ThreadSanitizer host with threads, by multi", ["{out}/threads-multi-tsan", "4", "20"], 80,
         None, multi=True),
    Case("HARDEN_DISABLE=1, by multi", ["{out}/fetch-multi", "f2/1"], env={"HARDEN_DISABLE": "1"},
         **UNCOVERED),
]
CASES += [
    Case("connect() of an object preloaded after, before main", ["{out}/fetch-raw", "ok/main"], 0,
         connects=2, recovers=None, stays=".", last=["{out}/libearly-raw.so"]),
    Case("AddressSanitizer host with threads, by connect()", ["{out}/threads-raw-asan", "4", "20"],
         0, connects=80, recovers=None, stays=".", first=[ASAN]),
    Case("ThreadSanitizer host with threads, by connect()", ["{out}/threads-raw-tsan", "4", "20"],
         0, connects=80, recovers=None, stays="."),
    Case("closed standard streams that the program writes to", ["{out}/streamless", "30"], 0,
         connects=30, env=QUICK_SNAPSHOT | {"HARDEN_THREAD": "off"}),
    Case("HARDEN_DISABLE=1, by connect()", ["{out}/fetch-raw", "f2/1"],
         env={"HARDEN_DISABLE": "1"}, **UNCOVERED),
]

# The kernel is the first to read the addresses that a program passes.
CASES += [Case("connect() with addresses that cannot be read", ["{out}/pointers"], 0)]

# Arguments of cases that another target cannot run. qemu-user has no system call filters and no
# namespaces, cannot execute a program of its own architecture, implements vfork as fork, keeps
# memory in the child that should be wiped, has a thread of its own, and exits at an invalid
# pointer. A forked child may hang there on a lock that another thread held. The shell of system()
# is linked with glibc.
LACKING = {"aarch64": {"vfork", "spawn", "system", "exec", "exec-bare", "daemon", "filter-first",
                       "filter-later", "strict-first", "strict-later", "strict-child", "strict-listener",
                       "strict-vfork", "unshare",
                       "unshare-later", "setns-first", "setns-mounts",
                       "fork", "_Fork", "clone", "grandchild", "storm", "crowd",
                       "{out}/pointers"},
           "musl": {"system"}}


# The first call in places where it must not allocate or wait for a lock.
FORBIDDEN = (("a signal handler that interrupts malloc()", "handler"), ("malloc() itself", "malloc"))


def with_file(command, **more):
    return in_scratch('umask 077; printf "[harden]\\nservice = of\\n a file\\n[host *]\\nretry = quick\\n" '
                      '> {scratch}/harden.ini\n'
                      'HARDEN_CONFIG={scratch}/harden.ini exec ' + command, **more)


def has_read_the_file(run):
    with open(run + "/state/health.json", encoding="utf-8") as f:
        service = json.load(f)["service"]
    return None if service == "of a file" else f"the service is {service}"


CASES += [
    *(Case(f"the first call in {where}, {what}", ["{out}/firstcall", way, what], 0,
           connects=1 if what == "inet" else None)
      for where, way in FORBIDDEN
      for what in ("inet", "local")),
    *(Case(f"the first call in {where}, with a configuration file", transfers=0, connects=1,
           **with_file("{out}/firstcall " + way + " inet", check=has_read_the_file))
      for where, way in FORBIDDEN),
    Case("the first calls in handlers, while threads allocate", ["{out}/firstcall", "handlers"], None),
    *(Case(f"the first call in {where}, with active checks configured",
           **with_check("{out}/firstcall-apart " + way + " inet"), transfers=None)
      for where, way in FORBIDDEN),
    Case("a filter that kills on futex, after a check with libcurl",
         **with_check("{out}/sandbox-raw no-futex", "http"), transfers=None, recovers=None, stays="^free"),
    Case("a plug-in's constructor waits for a thread's transfer",
         ["{out}/firstcall", "plug-in", "{out}/waiter.so"], 1, 1),
    Case("a plug-in's constructor waits for a thread's transfer, with another flavour",
         ["{out}/firstcall", "plug-in", "{out}/waiter-gnutls.so"], 1, 1),
    Case("a plug-in's constructor waits for a thread's connection",
         ["{out}/firstcall", "plug-in", "{out}/waiter-raw.so"], 0, connects=1, recovers=0,
         stays="^waiter"),
]

# Ways to resolve a name before the connection that is counted for it.
CASES += [
    Case(f"names: {way}", ["{out}/names", way], 0, connects=1, recovers=None,
         check=is_counted_for_localhost)
    for way in ("getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r",
                "gethostbyname2_r", "getaddrinfo_a-wait", "getaddrinfo_a")
]

# ---- checks of the library file ------------------------------------------------------------------
def ends_in_a_jump(library, symbol):
    text = subprocess.run(["objdump", "-d", f"--disassemble={symbol}", library],
                          capture_output=True, text=True, check=True).stdout
    code = re.findall(r"^\s+[0-9a-f]+:\t[0-9a-f ]+\t(.+)$", text, re.M)
    if not code:
        return f"no code at the symbol {symbol}"
    if any(re.match(r"(repz )?ret", line) for line in code):
        return "the hook returns"
    if not any(re.match(r"(notrack |bnd )*jmp\s+\*", line) for line in code):
        return "the hook has no indirect jump"
    return None


def dlopen_ends_in_a_jump(shim):
    """glibc finds RUNPATH by dlopen's return address, so the hook must jump to the real dlopen."""
    return ends_in_a_jump(shim, "dlopen")


def dlsym_ends_in_a_jump(shim):
    """The meaning of RTLD_NEXT and RTLD_DEFAULT depends on the return address."""
    return ends_in_a_jump(audit_of(shim), "dlsym") or ends_in_a_jump(audit_of(shim), "dlvsym")


def audit_of(shim):
    return shim.replace("libharden.so", "libharden-audit.so")


def needs_libc_alone(shim):
    for library in shim, audit_of(shim):
        text = subprocess.run(["readelf", "-d", library], capture_output=True, text=True,
                              check=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", text)) - {"libc.so.6", "libc.so"}
        if needed:
            return f"{library} needs " + " ".join(sorted(needed))
    return None


TARGET_CHECKS = {"the libraries need only libc": needs_libc_alone}
FILE_CHECKS = TARGET_CHECKS | {"dlopen's hook ends in a jump": dlopen_ends_in_a_jump,
                               "dlsym's and dlvsym's hooks end in a jump": dlsym_ends_in_a_jump} \
    | start.CHECKS | stacks.CHECKS
