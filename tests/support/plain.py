# SPDX-License-Identifier: MIT
"""Puts the process into the same known state for every test, wherever it was started: in a login
shell, with nohup, in the background, by cron, a build daemon or a container.

    plain.settle()                      the runners in Python
    python3 plain.py COMMAND...         settles, then executes COMMAND

Signals have their default actions and none is blocked. The umask is 022. Standard input is empty;
descriptors 0 to 2 are open and no others. Limits have their usual values, as far as they may be
raised. The environment keeps only the variables that control the build and the selection of tests;
the caller's locale, proxy, terminal, XDG_RUNTIME_DIR and TMPDIR are removed."""
import os
import pwd
import resource
import signal
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / "build" / "home"
KEPT = {"PATH", "BUILD", "CC", "CXX", "EMULATOR", "LD_LIBRARY_PATH", "LIBHARDEN",
        "PYTHONPATH", "QEMU_LD_PREFIX", "SKIP_TESTS", "TARGET"}
KEPT_ENDINGS = ("SAN_OPTIONS",)
# Some test programs leak hundreds of descriptors, as libcurl does when a callback throws.
LIMITS = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 4096, resource.RLIMIT_STACK: 8 << 20,
          resource.RLIMIT_FSIZE: resource.RLIM_INFINITY, resource.RLIMIT_AS: resource.RLIM_INFINITY}


def settle_environment():
    kept = {k: v for k, v in os.environ.items() if k in KEPT or k.endswith(KEPT_ENDINGS)}
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    os.environ.clear()
    os.environ.update({"PATH": os.defpath, **kept,
                       "HOME": str(HOME), "USER": user, "LOGNAME": user, "LC_ALL": "C",
                       "TERM": "dumb", "TZ": "UTC0"})


def settle_signals():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def restore_python_signals():
    """Restores Python's signal handlers. subprocess resets them in its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def is_open(fd):
    return os.path.exists(f"/proc/self/fd/{fd}")


def settle_descriptors():
    os.closerange(3, 1 << 16)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    for fd in range(3):
        if not is_open(fd):
            os.dup2(null, fd)
        os.set_inheritable(fd, True)
    if null > 2:
        os.close(null)


def settle_limits():
    for limit, wanted in LIMITS.items():
        _, most = resource.getrlimit(limit)
        fits = most == resource.RLIM_INFINITY or (wanted != resource.RLIM_INFINITY and wanted <= most)
        resource.setrlimit(limit, (wanted if fits else most, most))


def settle():
    settle_environment()
    settle_signals()
    restore_python_signals()
    settle_descriptors()
    settle_limits()
    os.umask(0o022)


if __name__ == "__main__":
    settle()
    settle_signals()
    os.execvp(sys.argv[1], sys.argv[1:])
