# SPDX-License-Identifier: MIT
"""A program's own event loop with many transfers: it keeps turning, and every limit holds."""
import collections
import itertools
import json
import re
import threading
import time
import unittest

import bed
from scenarios import LOOPS
from test_lives import VALGRIND
from windows import LATENESS_S, WINDOWS_S, most_in_window

GOOD = (0, 200, 1, 64)  # result, status, messages, bytes


class Report:
    """The output of tests/support/loops.c."""

    def __init__(self, outcome):
        if outcome.status or outcome.err:
            raise AssertionError(f"loops: {outcome.status} {outcome.err[-500:]!r}")
        self.outcome, report = outcome, json.loads(outcome.out)
        self.transfers = report.pop("transfers")
        self.__dict__.update(report)

    def results(self):
        keys = ("code", "status", "messages", "bytes")
        return collections.Counter(tuple(t[k] for k in keys) for t in self.transfers)


class Loops(bed.Bed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = bed.compile_client("loops")

    def bare(self, *words):
        return Report(bed.bare([self.client, *words]))

    def shim(self, *words, prefix=(), **options):
        return Report(bed.hardened([*prefix, self.client, *words], **{**bed.PATIENT, **options}))

    def many(self, **query):
        """Returns a URL with a key for each transfer. It has an address, because names are resolved
        in threads."""
        key = bed.unique("many")
        parts = "".join(f"&{name}={value}" for name, value in query.items())
        return f"http://127.0.0.1:{self.http.port}/x?key={key}-%1$d{parts}"

    def in_each_style(self, check):
        for style, result in zip(LOOPS, bed.in_parallel(check, LOOPS)):
            with self.subTest(style=style):
                if isinstance(result, Exception):
                    raise result


class Cost(Loops):
    """Compares 100 parked transfers with 100 that wait as long for a slow server.

    A heartbeat turns the loop every 5 ms. Compared are the processor time of the process, the
    number of callbacks, and the longest time between two turns. The best of several runs counts,
    because the noise of the machine is larger than the bar and only adds time."""
    alone = True
    N, PARKED_MS, RUNS, TRIES = 100, 500, 3, 5
    GAP_MS = 5

    def measure(self, style, slow, parked, options):
        words = [style, f"n={self.N}", "beat=5"]
        bare, shim = [], []
        for _ in range(self.RUNS):
            bare.append(self.bare(*words, *slow()))
            shim.append(self.shim(*words, *parked(), **options))
        for report in (*bare, *shim):
            self.assertEqual(report.results(), {GOOD: self.N})
            self.assertEqual(report.wrong, 0)
        return bare, shim

    def check(self, slow, parked, **options):
        for style in LOOPS:
            with self.subTest(style=style):
                for last in [False] * (self.TRIES - 1) + [True]:
                    bare, shim = self.measure(style, slow, parked, options)
                    # Since 8.10 libcurl itself sets almost no timeouts; each parked transfer has
                    # one.
                    for name, more in (("cpu_ms", 0), ("timer_calls", self.RUNS * self.N)):
                        ours, theirs = (sum(getattr(t, name) for t in report)
                                        for report in (shim, bare))
                        self.assertLessEqual(ours, theirs + max(theirs, more), name)
                    # At most: it is due, its name is resolved, it is connected, it is answered.
                    self.assertLessEqual(max(t.turns for t in shim),
                                         max(t.turns for t in bare) + 4 * self.N)
                    gap = [min(t.gap_ms for t in report) for report in (bare, shim)]
                    if last:
                        self.assertLess(gap[1], gap[0] + self.GAP_MS, "longest gap")
                    elif gap[1] < gap[0] + self.GAP_MS:
                        break

    def test_transfers_that_wait_for_another_attempt_cost_the_loop_nothing(self):
        # As many requests: without the shim each follows a redirect first.
        def slow():
            to = f"/x%%3Fkey={bed.unique()}%%26delay_ms={self.PARKED_MS}"
            return [self.many(to=to).replace("/x?", "/hop?")]
        wait = f"{self.PARKED_MS}ms"
        self.check(slow, lambda: [self.many(fail=1)], base_delay=wait, max_delay=wait,
                   jitter="none")

    def test_transfers_that_wait_for_a_token_cost_the_loop_nothing(self):
        # Without the shim the server answers one after the other, at the rate of the limit.
        step = self.PARKED_MS // self.N
        self.check(lambda: [self.many(delay_ms=i * step) for i in range(self.N)],
                   lambda: [self.many()], rate=f"{1000 // step}/1s", burst="1")


class Oversleep:
    """How late a thread of this process, like the server's threads, wakes up."""
    STEP_S = 0.005

    def __enter__(self):
        self.most_s, self.over = 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()

    def run(self):
        while not self.over:
            began = time.monotonic()
            time.sleep(self.STEP_S)
            self.most_s = max(self.most_s, time.monotonic() - began - self.STEP_S)


class Limits(Loops):
    """Requests of many multi handles as the server sees them."""
    alone = True

    def times(self, server):
        return [entry["time"] for key in list(server.keys) for entry in server.log(key)]

    def check_windows(self, times, rate, burst, oversleep):
        for window in WINDOWS_S:
            self.assertLessEqual(most_in_window(times, window),
                                 burst + rate * (window + LATENESS_S + oversleep.most_s),
                                 f"requests within {window} s")

    def test_threads_with_multi_handles_of_their_own_share_one_limit_and_recover(self):
        rate, burst, state = 250, 25, bed.fresh_dir("state")
        self.http.reset()

        def run(style):
            return self.shim(style, "threads=4", "n=25", self.many(fail=2), state=state,
                             rate=f"{rate}/1s", burst=str(burst), base_delay="10ms",
                             max_delay="10ms", max_elapsed="60s", max_wait="60s")
        with Oversleep() as oversleep:
            results = bed.in_parallel(run, LOOPS)
        for style, report in zip(LOOPS, results):
            with self.subTest(style=style):
                if isinstance(report, Exception):
                    raise report
                self.assertEqual(report.results(), {GOOD: 100})
                self.assertEqual(report.wrong, 0)
        times = self.times(self.http)
        self.assertEqual(len(times), 4 * 100 * 3)
        self.check_windows(times, rate, burst, oversleep)

    def check_connections(self, most, *options):
        """Many transfers fail at first, and the first ones are slow: transfers that wait for a
        connection must not all start at once later. Where connections are kept, the transfers
        fail with an answer: if a kept connection ends without one, libcurl repeats the request
        without a token."""
        rate, burst, n = 100, 5, 36
        kept = [(0, "503", "cl"), (1, "503", "cl"), (1, "500", "chunked")]
        closed = [(0, "503", "close"), (1, "503", "close"), (1, "rst", "close"), (1, "fin", "close")]

        def check(kinds, style):
            server, urls = bed.server(), []
            for i, (fail, how, te) in zip(range(n), itertools.cycle(kinds)):
                slow = "&fail=0&delay_ms=400" if i < most else f"&fail={fail}"
                urls.append(f"http://127.0.0.1:{server.port}/x?key=k{i}&how={how}&te={te}{slow}")
            with Oversleep() as oversleep:
                report = self.shim(style, f"n={n}", *options, *urls, rate=f"{rate}/1s",
                                 burst=str(burst))
            server.stop()
            self.assertEqual(report.results(), {GOOD: n})
            self.assertEqual(report.wrong, 0)
            self.assertLessEqual(server.most_open, most)
            times = self.times(server)
            self.assertEqual(len(times), n + sum("fail=1" in url for url in urls))
            self.check_windows(times, rate, burst, oversleep)
        self.in_each_style(lambda style: check(kept, style))
        self.in_each_style(lambda style: check(closed, style))

    def test_no_more_connections_at_once_than_the_program_allows_and_the_limit_holds(self):
        self.check_connections(3, "host=3")
        self.check_connections(4, "total=4")
        self.check_connections(2, "total=4", "host=2")
        self.check_connections(1, "total=1")

    def test_no_more_connections_are_kept_than_the_program_allows(self):
        for style in LOOPS:
            with self.subTest(style=style):
                words = [style, "n=30", "rounds=3", "keep=2", self.many(fail=1)]
                bare, shim = self.bare(*words), self.shim(*words)
                self.assertEqual(shim.results(), {GOOD: 90})
                kept = [[n - report.fds[0] for n in report.fds] for report in (bare, shim)]
                self.assertLessEqual(max(kept[1]), max(kept[0]))
                self.assertEqual(kept[1][3], 0)


class Together(Loops):
    """Transfers side by side in one multi handle."""

    def test_a_parked_transfer_does_not_hold_up_one_that_streams(self):
        def check(style):
            parked = f"{self.http.url}/x?key={bed.unique()}&fail=1"
            stream = f"{self.http.url}/x?key={bed.unique()}&fail=-1&how=slow-body&fsize=16&step_ms=50"
            report = self.shim(style, "n=2", parked, stream, base_delay="2s", max_delay="2s",
                             jitter="none")
            first, second = report.transfers
            self.assertEqual((first["status"], first["bytes"]), (200, 64))
            self.assertEqual((second["status"], second["bytes"]), (200, 16))
            self.assertGreaterEqual(first["done_ms"], 2000)
            self.assertLess(second["done_ms"], 2000)
            self.assertLess(report.gap_ms, 1500, "the loop was blocked")
        self.in_each_style(check)

    def test_a_parked_transfer_starts_by_itself_in_a_loop_that_only_waits(self):
        def check(style):
            words = [self.many(delay_ms=4000), self.many(fail=2), self.many(fail=2)]
            report = self.shim(style, "n=3", "beat=20000", *words, base_delay="100ms",
                             max_delay="100ms", jitter="none")
            first, *others = report.transfers
            self.assertEqual(report.results(), {GOOD: 3})
            self.assertLess(max(t["done_ms"] for t in others), first["done_ms"])
        self.in_each_style(check)

    def test_handles_that_share_cookies_names_and_connections(self):
        def check(style):
            words = [style, "n=20", "rounds=2", "share=1"]
            bare = self.bare(*words, self.many(cookie="c"))
            for how in ("503", "rst"):
                shim = self.shim(*words, self.many(cookie="c", fail=1, how=how))
                for report in (bare, shim):
                    self.assertEqual(report.results(), {GOOD: 40})
                    self.assertEqual((report.wrong, report.share, report.cookies), (0, 0, 1), how)
                self.assertEqual({t["hash"] for t in shim.transfers},
                                 {t["hash"] for t in bare.transfers})
                self.assertGreaterEqual(shim.locks, bare.locks)
        self.in_each_style(check)

    def test_no_descriptor_stays_open_after_a_thousand_transfers(self):
        def check(style):
            report = self.shim(style, "n=50", "rounds=20", "keep=10", self.many(),
                             self.many(fail=1), self.many(fail=1, how="rst"), self.many(te="close"),
                             base_delay="1ms", max_delay="1ms")
            before, early, late, after = report.fds
            self.assertEqual(report.results(), {GOOD: 1000})
            self.assertLessEqual(late, early + 5)
            self.assertEqual(after, before)
            self.assertEqual(report.outcome.transfers("multi"), 1000)
        self.in_each_style(check)

    def test_threads_that_recover_and_are_refused_have_no_memory_errors(self):
        def check(style):
            report = self.shim(style, "threads=2", "n=6", "rounds=2", "share=1", "total=3",
                             self.many(fail=1), self.many(fail=1, how="rst"), self.many(fail=-1),
                             prefix=VALGRIND, rate="12/60s", on_limit="fail")
            self.assertEqual((len(report.transfers), report.wrong, report.share), (24, 0, 0))
            self.assertEqual({t["messages"] for t in report.transfers}, {1})
            self.assertIn(28, {t["code"] for t in report.transfers})
            self.assertIn(200, {t["status"] for t in report.transfers})
        self.in_each_style(check)

    def test_transfers_without_a_token_are_refused_next_to_others(self):
        def check(style):
            report = self.shim(style, "n=10", self.many(), rate="4/60s", on_limit="fail")
            self.assertEqual(report.results(), {GOOD: 4, (28, 0, 1, 0): 6})
            for t in report.transfers:
                self.assertTrue(t["error"].startswith("harden: ") or t["code"] == 0, t["error"])
        self.in_each_style(check)

    def test_an_open_circuit_refuses_without_a_connection(self):
        def check(style):
            server = bed.server()
            report = self.shim(style, "rounds=5", f"http://127.0.0.1:{server.port}/x?fail=-1",
                             breaker="on", breaker_failures="2", retry="off")
            self.assertEqual([t["code"] for t in report.transfers], [0, 0, 7, 7, 7])
            self.assertEqual([t["status"] for t in report.transfers], [503, 503, 0, 0, 0])
            self.assertTrue(all(t["error"].startswith("harden: ") for t in report.transfers[2:]))
            self.assertEqual(len(server.log("/x")), 2)
            server.stop()
        self.in_each_style(check)


class Refusals(bed.Bed):
    """A refusal leaves the same state behind with each interface: nothing of an earlier transfer."""

    def after_refusal(self, driver, code, **options):
        key = bed.unique("refused")
        fail = {"fail": -1} if code == 7 else {}
        outcome = bed.hardened([bed.compile_client("recorder"), f"driver={driver}", "COOKIEFILE=",
                                f"URL={self.url(key, cookie='c', **fail)}", "perform", "perform"],
                               **options)
        self.assertEqual(outcome.err, b"")
        self.assertEqual(len(self.http.log(key)), 1)
        _, first, second = re.split("(?m)^perform ", outcome.text)
        self.assertTrue(first.startswith('0 ""\ninfo RESPONSE_CODE 0 ' + ("503" if fail else "200")))
        self.assertTrue(second.startswith(f'{code} "harden: '), second)
        return [re.sub(r"key=\S+", "", re.sub(r"in \S+ m?s", "in N s", line))
                for line in second.splitlines()
                if not re.match("running |remove |message |multi ", line)]

    def check(self, code, **options):
        easy = self.after_refusal("easy", code, **options)
        for line in ("info RESPONSE_CODE 0 0", "info CONTENT_TYPE 0 (null)",
                     "info HEADER_SIZE 0 0", "info SIZE_DOWNLOAD_T 0 0",
                     "info NUM_CONNECTS 0 0", "info PRIMARY_IP 0 "):
            self.assertIn(line, easy)
        self.assertFalse([line for line in easy if line.startswith("nextheader")])
        for loop in LOOPS:
            with self.subTest(loop=loop):
                self.assertEqual(self.after_refusal(loop, code, **options), easy)

    def test_by_the_limit(self):
        self.check(28, rate="1/60s", on_limit="fail")

    def test_by_a_limit_that_would_keep_it_too_long(self):
        self.check(28, rate="1/60s", max_wait="1s")

    def test_by_the_breaker(self):
        self.check(7, breaker_failures="1", retry="off")


if __name__ == "__main__":
    unittest.main()
