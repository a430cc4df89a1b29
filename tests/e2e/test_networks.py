# SPDX-License-Identifier: MIT
"""One board, several network namespaces: 127.0.0.1 is another machine in each of them."""
import os
import unittest

import bed

PYTHON = "/usr/bin/python3"
ELSEWHERE = """
import ctypes, fcntl, os, socket, struct, sys
def leave():
    "Enters a new network namespace with a working loopback device and no listeners."
    assert ctypes.CDLL(None).unshare(0x40000000) == 0
    up = struct.pack("16sh14x", b"lo", 1)
    fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, up)
def dial(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port))
"""
EIGHT_TIMES = ELSEWHERE + """
import subprocess
leave()
print([subprocess.call(sys.argv[1:], stderr=subprocess.DEVNULL) for _ in range(8)])
"""
MOVE = ELSEWHERE + """
port = int(sys.argv[1])
print([dial(port) for _ in range(3)])
leave()
print([dial(port) for _ in range(8)])
"""


@unittest.skipIf(os.getuid(), "needs the right to create namespaces")
class Networks(bed.Bed):
    def setUp(self):
        self.state = bed.fresh_dir("state")
        self.port = int(self.url("x").split(":")[2].split("/")[0])

    def hosts(self, outcome):
        """Returns the entry of our port in this namespace, and that of the same port in another
        one."""
        checks = outcome.health["checks"]
        there = [v for name, v in checks.items()
                 if name.startswith("127.0.0.1%net") and name.endswith(f":{self.port}")]
        self.assertEqual(len(there), 1, checks.keys())
        return checks.get(f"127.0.0.1:{self.port}"), there[0]

    def run_here(self, command, **more):
        return bed.hardened(command, state=self.state, reached=False, retry="off", **more)

    def check_apart(self, command, refused, connection):
        good = self.run_here(command)
        self.assertEqual(good.status, 0, good.err)
        there = self.run_here([PYTHON, "-c", EIGHT_TIMES, *command])
        self.assertEqual(there.out, str([refused] * 8).encode() + b"\n", there.err)
        good = self.run_here(command)
        self.assertEqual(good.status, 0, good.err)
        here, there = self.hosts(good)
        self.assertEqual((here["requests"], here["failures"], here["breaker"]["state"]),
                         (2, 0, "closed"))
        self.assertEqual(there["breaker"]["state"], "open", "it has its own circuit")
        self.assertEqual(connection, good.transfers() == 0)

    def test_a_refusing_host_elsewhere_does_not_open_the_circuit_of_transfers_here(self):
        url = f"http://127.0.0.1:{self.port}/get?key={bed.unique('net')}"
        self.check_apart(["curl", "-sS", "-o", "/dev/null", url], 7, False)

    def test_a_refusing_host_elsewhere_does_not_open_the_circuit_of_connections_here(self):
        self.check_apart(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.port}"], 1, True)

    def test_a_program_that_moves_elsewhere_leaves_its_hosts_behind(self):
        moved = self.run_here([PYTHON, "-c", MOVE, self.port])
        self.assertEqual(moved.out, b"[0, 0, 0]\n" + b"[111, 111, 111, 111, 111, 111, 111, 111]\n",
                         moved.err)
        here, there = self.hosts(moved)
        self.assertEqual((here["requests"], here["failures"], here["status"]), (3, 0, "healthy"))
        self.assertEqual(there["requests"], 8)


if __name__ == "__main__":
    unittest.main()
