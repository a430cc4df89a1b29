# SPDX-License-Identifier: MIT
"""The initial state of a test is the same wherever it is started."""
import os
import re
import resource
import signal
import subprocess
import sys
import unittest

import bed

PLAIN = str(bed.ROOT / "tests/support/plain.py")
# Only the output of the shell, coreutils and the kernel, so that no runtime changes the values.
TELL = """
grep -E '^(SigBlk|SigIgn|SigCgt)' /proc/self/status
umask
env | sort | grep -v ^_=
ls /proc/self/fd | head -n -1
readlink /proc/self/fd/0
ulimit -n; ulimit -c
"""


# Signals 32 and 33 belong to the C library: a program that inherits them ignored cannot reset them.
OF_LIBC = 3 << 31


def without_libcs(state):
    return re.sub(r"(?m)^(Sig...:\t)(.*)", lambda m: f"{m[1]}{int(m[2], 16) & ~OF_LIBC:016x}", state)


def hostile():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 4096))
    for fd in range(3, 20):
        os.dup2(2, fd)
    os.close(0)


class Plain(unittest.TestCase):
    def initial_state(self, env, before=None):
        p = subprocess.run([sys.executable, PLAIN, "sh", "-c", TELL], env=env, preexec_fn=before,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True,
                           restore_signals=False, close_fds=before is None)
        self.assertEqual(p.stderr, "")
        return without_libcs(p.stdout)

    def test_the_initial_state_is_the_same_wherever_a_test_is_run(self):
        path = {"PATH": os.environ["PATH"]}
        strange = {"LC_ALL": "tr_TR.UTF-8", "XDG_RUNTIME_DIR": "/nonexistent", "TERM": "xterm",
                   "http_proxy": "http://127.0.0.1:1", "TMPDIR": "/nonexistent", "HOME": "/",
                   "HARDEN_RATE": "1/1h", "LD_PRELOAD": "", "POSIXLY_CORRECT": "1"}
        plain = self.initial_state(path)
        self.assertEqual(plain, self.initial_state(path | strange, hostile))
        for line in ("SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "0022", "/dev/null",
                     "LC_ALL=C"):
            self.assertIn(line, plain.splitlines())


if __name__ == "__main__":
    unittest.main()
