# SPDX-License-Identifier: MIT
"""Shared by the tests of `harden doctor`: hosts of every kind, and one query."""
import fcntl
import os
import struct
import subprocess

import bed

HARDEN = bed.LIBRARY.with_name("harden")
HOSTS = bed.BUILD / "hosts"
REMOTE_HTTP = "/usr/lib/git-core/git-remote-http"
NAMES = ("fetch-openssl fetch-gnutls fetch-unversioned fetch-asan fetch-raw fetch-syscall "
         "fetch-go-static fetch-go-cgo idle-static plughost plug-openssl.so").split()
if not bed.packages.lacks(bed.packages.NSS):
    NAMES.append("fetch-nss")


def make_hosts():
    HOSTS.mkdir(parents=True, exist_ok=True)
    with open(HOSTS / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-C", bed.ROOT / "tests" / "preload", f"OUT={HOSTS}",
                        *(f"{HOSTS}/{name}" for name in NAMES)], check=True,
                       env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"})


def host(name):
    return str(HOSTS / name)


def compiled(directory, name, source, *flags, compiler="cc"):
    path, text = os.path.join(directory, name), os.path.join(directory, name + ".c")
    with open(text, "w", encoding="ascii") as f:
        f.write(source)
    subprocess.run([compiler, "-o", path, text, *flags], check=True)
    return path


def executable(data, mode=0o755):
    path = bed.fresh_file(data)
    os.chmod(path, mode)
    return path


def doctor(subject, command=HARDEN, **env):
    env = bed.environment({"HARDEN_CONFIG": "none", **env})
    return bed.run([command, "doctor", subject], env, timeout=20)


def elf_head(machine, bits=64, big=False):
    order = ">" if big else "<"
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 2 if big else 1, 1]) + bytes(9)
    return ident + struct.pack(order + "HHI", 2, machine, 1) + bytes(40)


class Case(bed.Bed):
    @classmethod
    def setUpClass(cls):
        make_hosts()
        super().setUpClass()

    def says(self, subject, status, *words, command=HARDEN, **env):
        """Checks the exit status, all of the words, and that the verdict agrees with the findings."""
        o = doctor(subject, command, **env)
        self.assertEqual(o.status, status, o.text + repr(o.err))
        for word in words:
            self.assertIn(word, o.text)
        lines = o.text.splitlines()
        worst = max([("ok", "note", "partly", "no").index(line.split(":")[0])
                     for line in lines[:-1]], default=0)
        self.assertEqual(max(worst - 1, 0), status, o.text)
        self.assertRegex(lines[-1], "^verdict: ")
        return o.text
