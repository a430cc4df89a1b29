# SPDX-License-Identifier: MIT
"""In each scenario, a program sees the same of libcurl with the shim as without."""
import difflib
import re
import socket
import unittest
import urllib.parse

import bed
from scenarios import (DIFFERENCES, FIRST, HOPELESS, LOOP_SCENARIOS, LOOPS, NOISE, SCENARIOS,
                       differences)

VARIANTS = {"recovers": 2, "never": -1, "at_once": 0}
ALL = SCENARIOS + LOOP_SCENARIOS
FILE_BODY = bed.body_of(5000)


def normal(text):
    text = re.sub(r"after \d+ m(illi)?s(econds)?", "after N ms", text)
    return text.splitlines()


class Case:
    """One scenario in one variant by one driver: the address, the client's arguments, both runs."""

    def __init__(self, test, scenario, variant, driver):
        self.test, self.s, self.variant, self.driver = test, scenario, variant, driver
        self.key = bed.unique(scenario.name)
        self.server = test.https if scenario.tls else test.http
        self.fail = VARIANTS[variant]

    def arguments(self):
        s, fault = self.s, {"fail": 0 if self.s.proxy else self.fail, "how": self.s.how}

        def url(key, **query):
            return self.test.url(key, tls=s.tls, **{**query, **fault, **s.query})

        def away(to, code=302):
            to = urllib.parse.quote(to, "")
            return self.test.url(self.key + "-hop", tls=s.tls, path="/hop", to=to, code=code)

        def hop(code):
            return away(url(self.key), code)

        names = {"url": url(self.key), "url2": url(self.key + "-2"),
                 "key": self.key, "loop": LOOPS[0] if self.driver == "easy" else self.driver,
                 "plain": self.test.url(self.key + "-plain", size=11), "ca": self.test.ca,
                 "ftp": away(f"ftp://127.0.0.1:{self.test.ftp.port}/file"),
                 "ftp_missing": away(f"ftp://127.0.0.1:{self.test.ftp.port}/none"),
                 "to_file": away("file://" + self.test.file), "to_unknown": away("nosuch://x/"),
                 "hop": hop(302), "hop303": hop(303), "hop307": hop(307),
                 "proxy": f"http://127.0.0.1:{self.test.http.port}", "file": self.test.file}
        return [f"driver={self.driver}", *(a.format(**names) for a in s.client)]

    def faults(self, active):
        """Sets the servers to the failing or to the recovered state."""
        seen = 0 if active else 1000
        for key in (self.key, self.key + "-2"):
            self.server.seen(key, seen)
        if self.s.proxy:
            forever = self.fail < 0
            self.test.http.proxy(self.key, self.fail if active or forever else 0, self.s.how)

    def attempts(self):
        if self.s.proxy:
            port = self.server.port
            return len(self.test.http.log(f"CONNECT {self.key}")) or port
        return len(self.server.log(self.key))

    def performs(self):
        """Returns the number of transfers that the client makes with the easy and the multi
        interface."""
        easy, multi, by_easy = 0, 0, True
        for word in self.arguments():
            if word.startswith("driver="):
                by_easy = word == "driver=easy"
            easy += word.startswith("nested=") or (word == "perform" and by_easy)
            multi += word == "perform" and not by_easy
        return easy, multi

    def run(self):
        """Returns the hardened and the bare outcome, and the requests that the server saw in each."""
        command = [self.test.recorder, *self.arguments()]
        self.faults(True)
        shim = bed.hardened(command, **self.test.settings(self))
        attempts = self.attempts()
        self.faults(self.s.expects == FIRST)
        plain = bed.bare(command)
        self.test.assertEqual((shim.transfers("easy"), shim.transfers("multi")), self.performs())
        return shim, plain, attempts, self.attempts() - attempts


class Matrix(bed.Bed):
    """Shared by the classes that run scenarios."""
    splittable = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recorder = bed.compile_client("recorder")
        cls.file = bed.fresh_file(FILE_BODY)
        cls.ftp = bed.ftp_server()

    @classmethod
    def tearDownClass(cls):
        cls.ftp.stop()
        super().tearDownClass()

    def settings(self, case):
        """Returns the library's options in this run."""
        return case.s.options

    def compare(self, shim, plain, must=(), may=()):
        """Checks equality except for the differences. A difference in `must` has to show."""
        a, b = normal(plain.text), normal(shim.text)
        for change in may:
            a, b = change(a), change(b)
        for change in must:
            x, y = a, b
            for other in must:
                x, y = (x, y) if other is change else (other(x), other(y))
            self.assertNotEqual(x, y, "a listed difference does not show")
        for change in must:
            a, b = change(a), change(b)
        diff = "\n".join(difflib.unified_diff(a, b, "bare", "hardened", lineterm="", n=2))
        self.assertEqual(diff, "", "\n" + diff)
        self.assertEqual(shim.status, plain.status)
        self.assertEqual(shim.err, plain.err)
        self.assertGreater(len(a), 5, "an empty transcript proves nothing")

    def check(self, scenario, variant, driver):
        shim, plain, attempts, once = Case(self, scenario, variant, driver).run()
        retried = scenario.expects != FIRST and variant != "at_once"
        self.compare(shim, plain, *differences(scenario, variant))
        wanted_attempts = once
        if retried:
            # The good attempt comes in addition to the requests that one run needs (auth rounds,
            # performs).
            wanted_attempts = once + (2 if variant == "recovers" else scenario.attempts - 1)
            if variant == "never" and once > 1:
                wanted_attempts = once * scenario.attempts
        self.assertEqual(attempts, wanted_attempts, "requests that the server saw")


class Transcripts(Matrix):
    """With curl_easy_perform."""


class Loops(Matrix):
    """With the multi interface, for each style of event loop, all at the same time."""

    def check_all(self, scenario, variant):
        self.raise_each(bed.in_parallel(lambda loop: self.check(scenario, variant, loop), LOOPS))

    def raise_each(self, results):
        for loop, result in zip(LOOPS, results):
            with self.subTest(loop=loop):
                if isinstance(result, Exception):
                    raise result


def method_name(name, variant):
    return "test_" + re.sub(r"\W", "_", name) + "__" + variant


class Hopeless(bed.Bed):
    def check(self, client, driver):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            names = {"closed": s.getsockname()[1], "file": bed.fresh_file(FILE_BODY)}
            command = [bed.compile_client("recorder"), f"driver={driver}",
                       *(a.format(**names) for a in client)]
            shim, plain = bed.hardened(command, reached=False), bed.bare(command)
        Matrix.compare(self, shim, plain)

    def check_all(self, client):
        Loops.raise_each(self, bed.in_parallel(lambda loop: self.check(client, loop), LOOPS))


class Mutants(bed.Bed):
    """Answers with random damage: whatever libcurl makes of them, the program sees the same."""
    splittable = True
    count = 120

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recorder = bed.compile_client("recorder")

    def check(self, seed, driver):
        key = bed.unique("mutant")
        url = self.url(key, fail=-1, how="mutant", seed=seed)
        command = [self.recorder, f"driver={driver}", "HTTP09_ALLOWED=1", "FOLLOWLOCATION=1", "MAXREDIRS=2",
                   "TIMEOUT_MS=1500", "HEADER=%d" % (seed % 2), f"URL={url}", "perform"]
        # libcurl's result for damaged input depends on how the bytes arrive: two bare runs
        # sometimes differ. A difference caused by the shim shows every time.
        for last in (False, False, True):
            plain, shim = bed.bare(command), bed.hardened(command)
            try:
                return Matrix.compare(self, shim, plain)
            except AssertionError:
                if last:
                    raise


class Documented(unittest.TestCase):
    """docs/differences.md lists exactly the entries of scenarios.py."""

    def rows(self, first, last=None):
        """Returns the cells of the table rows from one heading to another."""
        text = (bed.ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
        part = text[text.index("## " + first):text.index("## " + last) if last else None]
        rows = [line.strip("| ").split(" | ") for line in part.splitlines()
                if line.startswith("| ") and not line.startswith("| ---")]
        return [row for row in rows if row[0] not in ("name", "why")]

    def test_every_deliberate_difference_has_its_reason(self):
        rows = self.rows("Differences after a retry", "One attempt only")
        self.assertEqual(sorted(row[0] for row in rows), sorted(f"`{d}`" for d in DIFFERENCES))
        self.assertTrue(all(len(row) == 3 and all(row) for row in rows))

    def test_every_kind_of_noise_is_documented(self):
        self.assertEqual(sorted(row[0] for row in self.rows("Chance")),
                         sorted(f"`{d}`" for d in NOISE))

    def test_every_scenario_with_one_attempt_only_has_its_reason(self):
        listed = [name for row in self.rows("One attempt only", "Chance")
                  for name in re.findall("`([a-z0-9-]+)`", row[1])]
        self.assertEqual(sorted(listed),
                         sorted(s.name for s in ALL if s.expects == FIRST))

    def test_the_matrix_has_at_least_45_scenarios(self):
        self.assertGreaterEqual(len(SCENARIOS), 45)
        self.assertEqual(len(ALL), len({s.name for s in ALL}))


def add_methods():
    for scenario in ALL:
        for variant in VARIANTS:
            def method(self, scenario=scenario, variant=variant):
                self.check(scenario, variant, "easy")

            def loops(self, scenario=scenario, variant=variant):
                self.check_all(scenario, variant)
            if scenario in SCENARIOS:
                setattr(Transcripts, method_name(scenario.name, variant), method)
            setattr(Loops, method_name(scenario.name, variant), loops)
    for seed in range(Mutants.count):
        for driver in ("easy", LOOPS[seed % len(LOOPS)]):
            def mutant(self, seed=seed, driver=driver):
                self.check(seed, driver)
            setattr(Mutants, f"test_mutant_{seed}__{driver}", mutant)
    for name, client in HOPELESS:
        def hopeless(self, client=client):
            self.check(client, "easy")

        def hopeless_loops(self, client=client):
            self.check_all(client)
        setattr(Hopeless, method_name(name, "easy"), hopeless)
        setattr(Hopeless, method_name(name, "loops"), hopeless_loops)


add_methods()

if __name__ == "__main__":
    unittest.main()
