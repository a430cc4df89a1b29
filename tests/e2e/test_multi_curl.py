# SPDX-License-Identifier: MIT
"""curl --parallel: many transfers in one multi handle, each of which fails at first.

Depending on its version, curl exits with the status of a failed transfer, or of the last one."""
import os
import unittest

import bed
import servers
from windows import check_windows

CURL = ["curl", "-sS", "--no-progress-meter", "--parallel"]
WRITE_OUT = r"%{urlnum} %{http_code} %{exitcode} %{errormsg}\n"
RATE, BURST = 20, 5


class ParallelBed(bed.Bed):
    def fetch(self, run, queries, more=(), tls=False, each=(), **options):
        """Makes one transfer per query, each with a key and a file of its own. Returns (outcome,
        [(status, exit code)], [body], [log])."""
        directory = bed.fresh_dir("parallel")
        keys = [bed.unique("z") for _ in queries]
        command = CURL + ["-w", WRITE_OUT, "--cacert", self.ca, *more]
        files = [os.path.join(directory, str(i)) for i in range(len(queries))]
        for file, key, query in zip(files, keys, queries):
            command += [*each, "-o", file, self.url(key, tls=tls, **query)]
        outcome = run(command, timeout=240, **options)
        bodies = []
        for file in files:
            bodies.append(None)
            if os.path.exists(file):
                with open(file, "rb") as f:
                    bodies[-1] = f.read()
        reports = {int(n): (int(status), int(code)) for n, status, code, *_ in
                (line.split(" ") for line in outcome.text.splitlines())}
        self.assertEqual(len(reports), len(queries), outcome.text)
        server = self.https if tls else self.http
        return (outcome, [reports[i] for i in range(len(queries))], bodies,
                [server.log(key) for key in keys])


class Parallel(ParallelBed):
    def recovers(self, more=(), count=50, how="503", bare_told=(503, 0), tls=False):
        """Each of the transfers fails twice: without the shim all fail, with it none."""
        sizes = [100 + 37 * i for i in range(count)]
        queries = [{"fail": 2, "how": how, "size": size, "fsize": 30} for size in sizes]
        plain, reports, _, logs = self.fetch(bed.bare, queries, more, tls)
        self.assertEqual(reports, [bare_told] * count)
        # If a reused connection is reset, libcurl itself retries once.
        self.assertTrue(all(len(log) in ((1, 2) if how == "rst" else (1,)) for log in logs))
        shim, reports, bodies, logs = self.fetch(bed.hardened, queries, more, tls, **bed.PATIENT)
        self.assertEqual((shim.status, shim.err), (0, b""))
        self.assertEqual(reports, [(200, 0)] * count)
        self.assertEqual(bodies, [bed.body_of(size) for size in sizes])
        self.assertEqual([len(log) for log in logs], [3] * count)
        self.assertEqual(shim.health["coverage"]["transfers_multi"], count)
        (host,) = shim.health["checks"].values()
        self.assertEqual((host["requests"], host["successes"]), (count, count))
        return plain, shim

    def test_fifty_transfers_outlast_two_failures_each(self):
        self.recovers()

    def test_fifty_transfers_outlast_two_failures_each_with_fail(self):
        plain, _ = self.recovers(["--fail"], bare_told=(503, 22))
        self.assertEqual(plain.status, 22)

    def test_fifty_transfers_five_at_a_time_outlast_two_failures_each(self):
        self.recovers(["--parallel-max", "5"])

    def test_fifty_transfers_one_at_a_time_outlast_two_failures_each(self):
        self.recovers(["--parallel-max", "1"])

    def test_fifty_transfers_at_once_outlast_two_failures_each(self):
        self.recovers(["--parallel-immediate"])

    def test_fifty_transfers_outlast_two_resets_each(self):
        self.recovers(how="rst", bare_told=(0, 56))

    def test_fifty_transfers_outlast_two_empty_replies_each(self):
        self.recovers(how="fin", bare_told=(0, 52))

    def test_transfers_over_tls_outlast_two_failures_each(self):
        self.recovers(count=12, tls=True)

    def test_each_transfer_gets_its_own_result(self):
        queries = [{"size": 500}, {"status": 404, "size": 9}, {"fail": 1, "size": 600},
                   {"fail": 1, "how": "429", "ra": 1, "size": 700}, {"fail": -1, "fsize": 33},
                   {"fail": 2, "how": "rst", "size": 800}, {"fail": -1, "how": "501", "fsize": 44}]
        _, reports, _, _ = self.fetch(bed.bare, queries)
        # The sixth may succeed: libcurl itself retries after a reset of a reused connection.
        self.assertEqual(reports[:5], [(200, 0), (404, 0), (503, 0), (429, 0), (503, 0)])
        good = [{"size": q["size"], "delay_ms": 1000} if q.get("fail", -1) > 0 else q for q in queries]
        for more, codes in ([], [0] * 7), (["--fail"], [0, 22, 0, 0, 22, 0, 22]):
            plain, plain_told, _, _ = self.fetch(bed.bare, good, more)
            shim, reports, bodies, logs = self.fetch(bed.hardened, queries, more, **bed.PATIENT)
            self.assertEqual(reports, list(zip([200, 404, 200, 200, 503, 200, 501], codes)))
            self.assertEqual(reports, plain_told)
            self.assertIn(shim.status, {plain.status, max(codes)})
            failed = [b"" if more else bed.body_of(size) for size in (9, 33, 44)]
            self.assertEqual([body or b"" for body in bodies],
                             [bed.body_of(500), failed[0], bed.body_of(600), bed.body_of(700),
                              failed[1], bed.body_of(800), failed[2]])
            self.assertEqual([len(log) for log in logs], [1, 1, 2, 2, 3, 3, 1])
            # Never before Retry-After.
            self.assertGreaterEqual(logs[3][1]["time"] - logs[3][0]["time"], 1)

    def test_transfers_that_never_succeed_end_as_without_the_shim(self):
        for more in [], ["--fail"], ["--fail-with-body"]:
            queries = [{"fail": -1, "fsize": 50 + i} for i in range(10)]
            plain, reports, bodies, _ = self.fetch(bed.bare, queries, more)
            shim, shim_told, shim_bodies, logs = self.fetch(bed.hardened, queries, more,
                                                            **bed.PATIENT)
            self.assertEqual((shim.status, shim.err), (plain.status, plain.err))
            self.assertEqual((shim_told, shim_bodies), (reports, bodies))
            self.assertEqual([len(log) for log in logs], [3] * 10)

    def test_transfers_that_succeed_at_once_are_as_without_the_shim(self):
        queries = [{"size": 1000 * i} for i in range(20)]
        plain, reports, bodies, logs = self.fetch(bed.bare, queries, ["-i"])
        shim, shim_told, shim_bodies, shim_logs = self.fetch(bed.hardened, queries, ["-i"])
        self.assertEqual((shim.status, shim.err), (plain.status, plain.err))
        self.assertEqual((shim_told, shim_bodies), (reports, bodies))
        self.assertEqual([[e["headers"] for e in log] for log in shim_logs],
                         [[e["headers"] for e in log] for log in logs])

    def test_uploads_are_sent_again_in_full(self):
        path = bed.fresh_file(bed.body_of(30000))
        queries = [{"fail": 2, "how": how} for how in ("503", "rst") * 3]
        shim, reports, bodies, logs = self.fetch(bed.hardened, queries, each=["-T", path],
                                              **bed.PATIENT)
        self.assertEqual((shim.status, reports), (0, [(200, 0)] * 6), shim.err)
        self.assertEqual(bodies, [bed.body_of(64)] * 6)
        self.assertEqual([[(e["method"], e["length"]) for e in log] for log in logs],
                         [[("PUT", 30000)] * 3] * 6)

    def test_posts_are_not_repeated(self):
        queries = [{"fail": 2, "how": how, "fsize": 20} for how in ("503", "500", "502")]
        plain, reports, bodies, _ = self.fetch(bed.bare, queries, ["-d", "a=b"])
        shim, shim_told, shim_bodies, logs = self.fetch(bed.hardened, queries, ["-d", "a=b"])
        self.assertEqual((shim.status, shim_told, shim_bodies), (plain.status, reports, bodies))
        self.assertEqual([len(log) for log in logs], [1] * 3)

    def test_redirects_are_followed_to_targets_that_fail_at_first(self):
        keys = [bed.unique("to") for _ in range(6)]
        targets = [self.url(key, fail=2).replace("&", "%26").replace("?", "%3F") for key in keys]
        shim, reports, bodies, _ = self.fetch(bed.hardened, [{"to": to} for to in targets], ["-L"],
                                           **bed.PATIENT)
        self.assertEqual((shim.status, reports), (0, [(200, 0)] * 6), shim.err)
        self.assertEqual(bodies, [bed.body_of(64)] * 6)
        self.assertEqual([len(self.http.log(key)) for key in keys], [3] * 6)

    def test_retries_of_curl_itself_are_covered_too(self):
        queries = [{"fail": 4, "size": 200}, {"fail": 0, "size": 300}]
        shim, _, bodies, logs = self.fetch(bed.hardened, queries,
                                           ["--retry", "1", "--retry-delay", "1"], **bed.PATIENT)
        self.assertEqual(shim.status, 0, shim.err)
        self.assertEqual(bodies, [bed.body_of(200), bed.body_of(300)])
        self.assertEqual([len(log) for log in logs], [5, 1])

    def test_a_time_limit_of_the_program_applies_to_one_transfer(self):
        queries = [{"fail": -1, "how": "never"}, {"fail": 1, "size": 100}]
        more = ["--parallel-immediate", "-m", "3"]  # otherwise one waits for the other's connection
        plain, reports, _, _ = self.fetch(bed.bare, queries, more)
        self.assertEqual((plain.status, reports), (28, [(0, 28), (503, 0)]))
        shim, reports, bodies, logs = self.fetch(bed.hardened, queries, more)
        self.assertEqual((shim.status, reports), (28, [(0, 28), (200, 0)]), shim.err)
        self.assertEqual(bodies[1], bed.body_of(100))
        self.assertEqual(len(logs[1]), 2)

    def test_a_closed_port_is_reported_as_without_the_shim(self):
        command = CURL + ["-w", WRITE_OUT, f"http://127.0.0.1:{servers.free_port()}/", "-o", os.devnull]
        plain, shim = bed.bare(command), bed.hardened(command)
        self.assertEqual((plain.status, shim.status), (7, 7))
        self.assertIn(b"000 7 Failed to connect", plain.out)
        self.assertIn(b"000 7 Failed to connect", shim.out)

    def test_an_open_circuit_sends_nothing(self):
        queries = [{"fail": -1, "fsize": 10}] * 20
        for at_once in 1, 4:
            shim, reports, _, logs = self.fetch(
                bed.hardened, queries, ["--parallel-max", str(at_once)], retry="off",
                breaker_failures="5", breaker_ratio="100%")
            sent = sum(len(log) for log in logs)
            self.assertGreaterEqual(sent, 5)
            self.assertLess(sent, 5 + at_once, "only transfers in progress")
            self.assertEqual(reports.count((503, 0)), sent)
            self.assertEqual(reports.count((0, 7)), 20 - sent)
            self.assertEqual(shim.text.count("harden: circuit open"), 20 - sent)
            self.assertIn(shim.status, (7, 0))


class ParallelLimits(ParallelBed):
    alone = True  # it measures when requests arrive

    def times(self, logs):
        return [e["time"] for log in logs for e in log]

    def test_fifty_transfers_keep_their_limit(self):
        for more in [], ["--parallel-max", "5"]:
            shim, reports, _, logs = self.fetch(bed.hardened, [{"size": 10}] * 50, more,
                                             rate=f"{RATE}/1s", burst=str(BURST))
            self.assertEqual((shim.status, reports), (0, [(200, 0)] * 50), shim.err)
            check_windows(self, self.times(logs), RATE, BURST)

    def test_retries_are_paid_for(self):
        shim, reports, _, logs = self.fetch(
            bed.hardened, [{"fail": 1, "size": 10}] * 30, rate=f"{RATE}/1s", burst=str(BURST),
            **bed.PATIENT)
        self.assertEqual((shim.status, reports), (0, [(200, 0)] * 30), shim.err)
        self.assertEqual(len(self.times(logs)), 60)
        check_windows(self, self.times(logs), RATE, BURST)

    def test_transfers_beyond_the_limit_can_be_refused(self):
        shim, reports, _, logs = self.fetch(bed.hardened, [{"size": 10}] * 12, rate="5/1h",
                                         on_limit="fail")
        self.assertEqual(sorted(reports), [(0, 28)] * 7 + [(200, 0)] * 5)
        self.assertEqual(shim.text.count(" 28 harden:"), 7)
        self.assertEqual(len(self.times(logs)), 5)
        self.assertIn(shim.status, (28, 0))


if __name__ == "__main__":
    unittest.main()
