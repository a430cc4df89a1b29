# SPDX-License-Identifier: MIT
"""Programs with event loops of their own around libcurl's multi interface."""
import os
import unittest

import bed
import loops


class PycurlWithPerform(bed.Bed):
    """The tests for this loop also apply to all other loops, in the classes below."""
    command = ["/usr/bin/python3", "-c", loops.PERFORM]

    def transfers(self, run, queries, **options):
        """Returns (outcome, [log]) of one transfer per query, each with a key of its own."""
        keys = [bed.unique("loop") for _ in queries]
        urls = [self.url(key, **query) for key, query in zip(keys, queries)]
        return run(self.command + urls, **options), [self.http.log(key) for key in keys]

    def recovers(self, healthy, faults, attempts):
        """Under the shim, transfers that fail at first end like healthy ones; without it they do
        not."""
        failing = [{**query, **fault} for query, fault in zip(healthy, faults)]
        wanted, _ = self.transfers(bed.bare, healthy)
        self.assertEqual((wanted.status, wanted.err), (0, b""))
        self.assertNotIn("lost", wanted.text)
        plain, _ = self.transfers(bed.bare, failing)
        self.assertNotEqual(plain.out, wanted.out)
        shim, logs = self.transfers(bed.hardened, failing, **bed.PATIENT)
        self.assertEqual((shim.status, shim.err, shim.text), (0, b"", wanted.text))
        self.assertEqual([len(log) for log in logs], attempts)
        coverage = shim.health["coverage"]
        self.assertEqual((coverage["transfers_easy"], coverage["transfers_multi"]),
                         (0, len(failing)))

    def test_two_failures_of_each_transfer(self):
        sizes = [{"size": 50 + 1000 * i} for i in range(12)]
        self.recovers(sizes, [{"fail": 2}] * 12, [3] * 12)

    def test_two_resets_of_each_transfer(self):
        sizes = [{"size": 50 + 1000 * i} for i in range(12)]
        self.recovers(sizes, [{"fail": 2, "how": "rst"}] * 12, [3] * 12)

    def test_failures_of_many_kinds(self):
        healthy = [{"size": 1}, {"status": 404, "size": 2}, {"size": 3}, {"size": 4}, {"size": 5},
                   {"size": 6, "te": "chunked"}, {"size": 0}, {"size": 70000}]
        faults = [{}, {}, {"fail": 1, "how": "429", "ra": 1}, {"fail": 2, "how": "fin"},
                  {"fail": 2, "how": "rst-head"}, {"fail": 1, "how": "502", "fsize": 9000},
                  {"fail": 2, "how": "504"}, {"fail": 1, "how": "partial503"}]
        self.recovers(healthy, faults, [1, 1, 2, 3, 3, 2, 3, 2])

    def test_a_lasting_failure_is_seen_as_without_the_shim(self):
        queries = [{"fail": -1, "fsize": 10 + i} for i in range(3)]
        queries += [{"fail": -1, "how": how} for how in ("404", "501", "partial", "rst", "fin")]
        plain, _ = self.transfers(bed.bare, queries)
        shim, logs = self.transfers(bed.hardened, queries, **bed.PATIENT)
        self.assertEqual((shim.status, shim.err), (plain.status, plain.err))
        seen, wanted = shim.text.splitlines(), plain.text.splitlines()
        self.assertEqual(seen[:6], wanted[:6])
        self.assertEqual([len(log) for log in logs[:6]], [3] * 3 + [1] * 3)
        # A reused connection may turn out to be closed on writing or on reading; after that libcurl
        # itself retries.
        for line, log in zip(seen[6:], logs[6:]):
            number, result, *rest = line.split()
            self.assertIn(result, ("52", "55", "56"), number)
            self.assertEqual(rest[:2], ["0", "0"])
            self.assertGreaterEqual(len(log), 3)

    def test_the_loop_keeps_running_while_a_transfer_waits(self):
        """One waits for seconds because of its server's hint. Transfers of another server, which
        fail at first, end before that."""
        other = bed.server()
        self.addCleanup(other.stop)
        key, others = bed.unique("wait"), [bed.unique("other") for _ in range(5)]
        urls = [self.url(key, fail=1, how="429", ra=4)]
        urls += [f"{other.url}/get?key={k}&fail=2&delay_ms=20" for k in others]
        shim = bed.hardened(self.command + urls, **bed.PATIENT)
        self.assertEqual((shim.status, shim.err), (0, b""))
        self.assertEqual([line.split()[2] for line in shim.text.splitlines()], ["200"] * 6)
        log = self.http.log(key)
        self.assertEqual(len(log), 2)
        self.assertGreaterEqual(log[1]["time"] - log[0]["time"], 4)
        for k in others:
            self.assertEqual(len(other.log(k)), 3)
            self.assertLess(other.log(k)[2]["time"], log[1]["time"])

    def test_the_loop_keeps_running_while_a_transfer_waits_for_a_token(self):
        """The tokens of one server come late; the other server has no limit."""
        other = bed.server()
        self.addCleanup(other.stop)
        config = os.path.join(bed.fresh_dir("conf"), "harden.ini")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[host localhost:{self.http.port}]\nrate = 1/3s\nburst = 1\n")
        slow, fast = bed.unique("slow"), bed.unique("fast")
        urls = [self.url(slow), self.url(slow)] + [f"{other.url}/get?key={fast}"] * 5
        shim = bed.hardened(self.command + urls, config=config)
        self.assertEqual((shim.status, shim.err), (0, b""))
        log = self.http.log(slow)
        self.assertEqual((len(log), len(other.log(fast))), (2, 5))
        self.assertGreater(log[1]["time"] - log[0]["time"], 1)
        self.assertTrue(all(e["time"] < log[1]["time"] for e in other.log(fast)))

    def test_refusals(self):
        shim, logs = self.transfers(bed.hardened, [{}] * 8, rate="3/1h", on_limit="fail")
        results = [line.split()[1:3] for line in shim.text.splitlines()]
        self.assertEqual(sorted(results), [["0", "200"]] * 3 + [["28", "0"]] * 5)
        self.assertEqual(sum(len(log) for log in logs), 3)


class PycurlWithFdset(PycurlWithPerform):
    command = ["/usr/bin/python3", "-c", loops.FDSET]


class PycurlWithSocketAction(PycurlWithPerform):
    command = ["/usr/bin/python3", "-c", loops.SOCKET_ACTION]


class Php(PycurlWithPerform):
    command = ["php", "-r", loops.PHP]


if __name__ == "__main__":
    unittest.main()
