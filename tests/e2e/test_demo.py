# SPDX-License-Identifier: MIT
"""The output of `make demo` and its notes are true."""
import pathlib
import sys
import unittest

import bed

DEMO = pathlib.Path(__file__).resolve().parent.parent / "support" / "demo.py"
# of each row: what curl got and the number of requests that the server saw, bare and hardened
ROWS = {
    "503 twice, then 200": ("503, 22 bytes", 1, "200, 5000 bytes", 3),
    "a reset twice, then 200": ("error 56: reset", 1, "200, 5000 bytes", 3),
    "429 with Retry-After: 1": ("429, 22 bytes", 1, "200, 5000 bytes", 2),
    "503 cut off, twice": ("error 18: cut off", 1, "200, 5000 bytes", 3),
    "200 cut off (a)": ("error 18: cut off", 1, "error 18: cut off", 1),
    "503 to a POST (b)": ("503, 22 bytes", 1, "503, 22 bytes", 1),
    "503 forever, 6 runs (c)": ("503, 22 bytes", 6, "error 7: breaker", 15),
}


class Demo(unittest.TestCase):
    def test_each_row_says_what_happens(self):
        out = bed.run([sys.executable, "-B", DEMO], bed.environment()).text
        for title, (plain, sent, hard, sent_hard) in ROWS.items():
            lines = [line.split(title)[1] for line in out.splitlines() if line.strip().startswith(title)]
            self.assertEqual(len(lines), 2, "http and https")
            for line in lines:
                self.assertRegex(line, rf"^\s+{plain}\s+{sent}\s+{hard}\s+{sent_hard}\s+(-|\d+\.\d s)$")
        self.assertIn("good answers: 0 of 14 without, 8 of 14 with libharden", out)
        self.assertRegex(out, r"down\.demo\.localhost:\d+ +unhealthy +6 +15 +0 .* open\n")


if __name__ == "__main__":
    unittest.main()
