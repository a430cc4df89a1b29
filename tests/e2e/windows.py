# SPDX-License-Identifier: MIT
"""A rate limit by a server's own clock: at most burst + rate * W requests in any window W."""
import json
import subprocess
import sys
import unittest

import bed

# After the admission by the shim, the request travels, and the server's thread has to wake up: an
# arrival is late by this time, never early. So a window can contain requests that were admitted
# shortly before it began. On two cores with 32 busy clients the delay stays below this.
LATENESS_S = 0.060
WINDOWS_S = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 10)


def most_in_window(times, window):
    times, most, first = sorted(times), 0, 0
    for last, t in enumerate(times):
        while t - times[first] > window:
            first += 1
        most = max(most, last - first + 1)
    return most


def check_windows(test, times, rate, burst):
    """Fails the test if the server saw more requests than that within any window."""
    for window in WINDOWS_S:
        test.assertLessEqual(most_in_window(times, window), burst + rate * (window + LATENESS_S),
                             f"requests within {window} s")


class Timed(unittest.TestCase):
    """With a server in a process of its own, whose time stamps the load of the test does not delay."""
    alone = True

    @classmethod
    def setUpClass(cls):
        cls.load = bed.compile_client("load")
        cls.server = subprocess.Popen(
            [sys.executable, str(bed.ROOT / "tests" / "support" / "fault_server.py")],
            stdout=subprocess.PIPE, text=True)
        cls.host = f"127.0.0.1:{int(cls.server.stdout.readline())}"
        cls.url = f"http://{cls.host}"

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.server.stdout.close()

    def times(self, key):
        log = json.loads(bed.bare(["curl", "-sS", f"{self.url}/-/log?key={key}"]).out)
        return [entry["time"] for entry in log]
