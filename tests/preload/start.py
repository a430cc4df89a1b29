# SPDX-License-Identifier: MIT
"""Measures the cost of a program that makes no transfer: instructions at start. Also checks that
the first intercepted call, and no earlier one, binds the functions of the C library
(preload/imports.h)."""
import os
import re
import subprocess
import tempfile

INSTRUCTIONS = 22_000  # above a bare /bin/true: the limit of docs/performance.md
BARE = 111_000         # of a bare run on Debian 12; other loaders may need more

# The slots by their address, before and after a transfer that cannot connect.
SLOTS = """
import ctypes, sys
first, shim = int(sys.argv[1], 16), sys.argv[2]
maps = [line.split() for line in open("/proc/self/maps")]
base = min(int(m[0].split("-")[0], 16) for m in maps if m[-1] == shim)

def slot():
    return ctypes.c_size_t.from_address(base + first).value

def rights():
    for line in open("/proc/self/maps"):
        begin, end = (int(a, 16) for a in line.split()[0].split("-"))
        if begin <= base + first < end:
            return line.split()[1]

before = slot(), rights()
import pycurl # which asks for its own machine's name
handle = pycurl.Curl()
handle.setopt(pycurl.URL, "http://127.0.0.1:1/")
try:
    handle.perform()
except pycurl.error as e:
    print(e.args[0])
after = slot(), rights()
print(before[1], after[1], "bound" if before[0] != after[0] else "unbound")
"""


def environment(shim, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HARDEN_", "LD_"))}
    return env | {"LD_PRELOAD": shim, "HARDEN_CONFIG": "none"} | more


def slots(shim):
    """Returns their address, or None if the library is linked directly."""
    symbols = subprocess.run(["nm", shim], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^([0-9a-f]+) \w import_slots$", symbols, re.M)
    return found and found[1]


def transfer(shim, address):
    """Returns the output of SLOTS: the result of the transfer, page rights before and after, bound
    or not."""
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.run(["/usr/bin/python3", "-c", SLOTS, address, shim], check=False, timeout=60,
                           capture_output=True, text=True,
                           env=environment(shim, HARDEN_STATE=d + "/state", HARDEN_RETRY="off"))
        left = os.listdir(d)
    return (p.stdout + p.stderr).split() + left


def bound_by_the_first_transfer(shim):
    address = slots(shim)
    if not address:
        return None
    seen = transfer(shim, address)
    if seen != ["7", "r--p", "r--p", "bound", "state"]:
        return f"expected slots bound by a transfer, and read-only: {' '.join(seen)}"
    return None


def closed_without_a_function(shim):
    """With a C library that lacks one of the functions, everything is forwarded and nothing else is
    done."""
    address = slots(shim)
    if not address:
        return None
    with open(shim, "rb") as f:
        image = f.read()
    record = b"posix_fallocate".ljust(40, b"\0")
    if image.count(record) != 1:
        return "the name to remove does not occur exactly once"
    with tempfile.TemporaryDirectory() as d:
        broken = d + "/libharden.so"
        with open(broken, "wb") as f:
            f.write(image.replace(record, b"no" + record[2:]))
        seen = transfer(broken, address)
    if seen != ["7", "r--p", "r--p", "bound"]:
        return f"expected a transfer without the library: {' '.join(seen)}"
    return None


def instructions(preload):
    env = {"PATH": os.environ["PATH"], "LD_PRELOAD": preload, "HOME": "/nonexistent"}
    p = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                        "/bin/true"], capture_output=True, text=True, check=True, env=env)
    return int(re.search(r"Collected : (\d+)", p.stderr)[1])


def cheap_start(shim):
    if not slots(shim):
        return None
    bare = instructions("")
    cost, bar = instructions(shim) - bare, INSTRUCTIONS * max(bare, BARE) // BARE
    return f"{cost:,} instructions, not {bar:,}" if cost > bar else None


CHECKS = {"the first intercepted call binds the C library": bound_by_the_first_transfer,
          "a C library that lacks a function": closed_without_a_function,
          "a start without network is cheap": cheap_start}
