# SPDX-License-Identifier: MIT
"""Measures how much more stack a call needs under the library: compares the host "stack" bare and
preloaded. The program is bound at start, so that the loader's own need does not hide ours."""
import os
import subprocess
import tempfile

import server

MOST = 2048  # bytes

CONNECTS = ("connect", "refused", "nonblocking", "local", "datagram")
NAMES = ("resolve", "by-name")
EASY = ("init", "setopt", "getinfo", "duphandle", "reset", "perform=ok/a", "perform=f1/b", "perform=f9/c",
        "perform-refused=ok/d")
MULTI = ("multi-init", "add=ok/e", "run", "info-read", "remove", "add=f1/f", "run", "info-read", "remove")
FIRST = (*CONNECTS, *NAMES, "load", "init", "multi-init", "setopt", "perform=ok/a", "perform=f1/b")
SEQUENCES = [*((name,) for name in FIRST), CONNECTS, (*reversed(CONNECTS),), (*NAMES, *CONNECTS), EASY,
             (*CONNECTS, *EASY)]

TALKATIVE = {"HARDEN_EVENTS": "{scratch}/events", "HARDEN_LOG": "debug", "HARDEN_LOG_TO": "{scratch}/log"}
INLINE = {"HARDEN_THREAD": "off", "HARDEN_SNAPSHOT_INTERVAL": "100ms"}
SETTINGS = {
    "as it is": {},
    "with events and log": TALKATIVE,
    "without a thread": TALKATIVE | INLINE,
    "with a limit": TALKATIVE | {"HARDEN_RATE": "1000/1s 5000/1m 50000/1h 500000/1d", "HARDEN_BREAKER": "off"},
    "refused by a limit": TALKATIVE | {"HARDEN_RATE": "1/1h", "HARDEN_ON_LIMIT": "fail"},
    "refused by the circuit": TALKATIVE | {"HARDEN_BREAKER_AFTER": "0", "HARDEN_BREAKER_FAILURES": "1"},
    "observing": TALKATIVE | {"HARDEN_MODE": "observe"},
    "with a fallback": TALKATIVE | {"HARDEN_FALLBACK": "127.0.0.2 127.0.0.3", "HARDEN_BREAKER_AFTER": "0",
                                    "HARDEN_BREAKER_FAILURES": "1"},
    "with a concurrency": TALKATIVE | {"HARDEN_CONCURRENCY": "8"},
    "refused by a concurrency": TALKATIVE | {"HARDEN_CONCURRENCY": "1", "HARDEN_ON_CONCURRENCY": "fail"},
    "with wrong settings": TALKATIVE | {"HARDEN_RATE": "many", "HARDEN_NO_SUCH": "1"},
    "disabled": {"HARDEN_DISABLE": "1"},
}


def depths(host, calls, base, env):
    with tempfile.TemporaryDirectory() as scratch:
        env = {k: v.format(scratch=scratch) for k, v in env.items()}
        p = subprocess.run([host, *calls], check=False, timeout=120, capture_output=True, text=True,
                           env=env | {"BASE": f"{base}/{os.path.basename(scratch)}", "PATH": os.defpath,
                                      "no_proxy": "*"})
    if p.returncode:
        return None, f"ends with {p.returncode}: {p.stdout}{p.stderr}"
    lines = [line.split() for line in p.stdout.splitlines()]
    return [(f"{name} ({time}. time)", int(n)) for name, time, n in lines], None


def compare(host, shim, base, calls, settings):
    bare, error = depths(host, calls, base, {})
    if error:
        return "bare " + error
    env = {"LD_PRELOAD": shim, "HARDEN_CONFIG": "none", "HARDEN_STATE": "{scratch}/state",
           "HARDEN_BASE_DELAY": "1ms", "HARDEN_MAX_DELAY": "2ms"} | settings
    ours, error = depths(host, calls, base, env)
    if error:
        return error
    worst, name = max((o[1] - b[1], o[0]) for o, b in zip(ours, bare))
    if worst > MOST:
        return f"{name}: {worst} bytes more than bare (calls: {' '.join(calls)})"
    return None


def check_with(settings):
    def run(shim):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        host, httpd = root + "/build/preload/stack", server.Server()
        base = f"http://127.0.0.1:{httpd.server_address[1]}"
        wrong = [compare(host, shim, base, calls, settings) for calls in SEQUENCES]
        return "; ".join(w for w in wrong if w) or None
    return run


CHECKS = {f"stack, {name}": check_with(settings) for name, settings in SETTINGS.items()}
