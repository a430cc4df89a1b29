# SPDX-License-Identifier: MIT
"""connect_timeout and stall_timeout: timeouts for programs that set none."""
import os
import socket
import sys
import unittest

import bed


class Deaf:
    """A port whose accept queue is full: connections are neither refused nor accepted."""

    def __enter__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.full = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.port))
            self.full.append(s)
        return self

    def __exit__(self, *_):
        for s in [*self.full, self.listener]:
            s.close()


class Connect(unittest.TestCase):
    PYTHON = [sys.executable, "-c", """
import errno, socket, sys
s = socket.socket()
try:
    s.connect(("127.0.0.1", int(sys.argv[1])))
except OSError as e:
    print(errno.errorcode[e.errno], s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16) == bytes(16))
"""]

    def ended(self, command, **options):
        """Returns the outcome of the program; None if it does not end."""
        env = bed.hardened_environment(retry="off", **options)
        o = bed.run(["timeout", "-k1", "3", *map(str, command)], env)
        return None if o.status == 124 else o

    def test_connect_timeout_ends_an_unanswered_connection_of_libcurl(self):
        with Deaf() as deaf:
            command = ["curl", "-sS", f"http://127.0.0.1:{deaf.port}/"]
            self.assertIsNone(self.ended(command))
            o = self.ended(command, connect_timeout="300ms")
            self.assertEqual(o.status, 28, o.err)
            self.assertEqual(o.health["checks"][f"127.0.0.1:{deaf.port}"]["failures_by"]["timeout"],
                             1)

    def test_connect_timeout_ends_that_of_a_blocking_socket_and_restores_its_own_timeout(self):
        with Deaf() as deaf:
            command = [*self.PYTHON, deaf.port]
            self.assertIsNone(self.ended(command))
            o = self.ended(command, connect_timeout="300ms")
            self.assertEqual((o.out, o.err), (b"ETIMEDOUT True\n", b""))

    def test_a_shorter_timeout_of_the_program_wins(self):
        with Deaf() as deaf:
            command = ["curl", "-sS", "--connect-timeout", "1", f"http://127.0.0.1:{deaf.port}/"]
            o = self.ended(command, connect_timeout="1h")
            self.assertEqual(o.status, 28)


class Stall(bed.Bed):
    def get(self, how):
        """Returns the exit status with a timeout of one second; curl alone would continue to wait."""
        url = f"{self.http.url}/?key={bed.unique()}&fail=-1&how={how}"
        return bed.hardened(["timeout", "-k1", "20", "curl", "-sS", "-o", os.devnull, url],
                            retry="off", stall_timeout="1s").status

    def test_a_stalled_answer_is_ended(self):
        self.assertEqual(self.get("never"), 28)
        self.assertEqual(self.get("slow-body&fsize=4&step_ms=15000"), 28)

    def test_a_slow_answer_that_makes_progress_is_not_ended(self):
        self.assertEqual(self.get("slow-body&fsize=12&step_ms=200"), 0)
