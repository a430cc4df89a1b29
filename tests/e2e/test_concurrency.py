# SPDX-License-Identifier: MIT
"""By the server's own count, no more requests are in flight than the concurrency limit allows."""
import json
import random
import signal
import subprocess
import sys
import time
import unittest

import bed

HARDEN = bed.LIBRARY.parent / "harden"
LIMIT = 8
DELAY_MS = 100


class Crowd(unittest.TestCase):
    """With a server in a process of its own, which the load of the test does not delay."""
    alone = True

    def setUp(self):
        self.load = bed.compile_client("load")
        self.server = subprocess.Popen(
            [sys.executable, str(bed.ROOT / "tests" / "support" / "crowd_server.py")],
            stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.server.stdout.readline())}"

    def tearDown(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def counts(self, what="counts"):
        return json.loads(bed.bare(["curl", "-sS", f"{self.url}/-/{what}"]).out)

    def begin(self, env, seconds, threads=4):
        return bed.start([self.load, f"{self.url}/x?delay_ms={DELAY_MS}", threads, seconds, 100000],
                         env)

    def use(self):
        counts = self.counts()
        return counts["busy_s"] / counts["seconds"] / LIMIT

    def use_of_8_threads(self):
        """Without the library and without anybody who waits: as much as this machine can do now."""
        eight = bed.start([self.load, f"{self.url}/x?delay_ms={DELAY_MS}", LIMIT, 4, 100000],
                          bed.environment())
        time.sleep(1)
        self.counts("reset")
        time.sleep(2)
        use = self.use()
        bed.finish(eight, bed.environment())
        return use

    def test_64_processes_of_4_threads_share_8_permits_though_some_are_killed(self):
        possible = self.use_of_8_threads()
        env = bed.hardened_environment(concurrency=str(LIMIT), max_wait="60s")
        first, killed, chance = [self.begin(env, 20) for _ in range(64)], [], random.Random(7)
        processes = list(first)
        time.sleep(4)
        self.counts("reset")
        ends = time.monotonic() + 10
        while time.monotonic() < ends:
            victim = chance.choice(processes)
            processes.remove(victim)
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            killed.append(victim)
            processes.append(self.begin(env, 12))
            time.sleep(0.4)
        counts, use = self.counts(), self.use()
        reports = [json.loads(bed.finish(p, env).out) for p in processes]
        self.assertGreater(len(killed), 10)
        self.assertLessEqual(self.counts()["most"], LIMIT)
        # A permit that a killed process has kept would leave at most seven for the rest of the time.
        self.assertLess(counts["longest_s"], 5, f"{counts}")
        self.assertGreater(use / possible, 0.9, f"{use:.3f} of {possible:.3f}")
        self.assertEqual(sum(r["bad"] for r in reports), 0)
        # Those that were there from the beginning have had their turns like all others.
        fair = self.counts()["served"] / (64 * 4)
        old = [good for p, r in zip(processes, reports) if p in first for good in r["good"]]
        self.assertGreaterEqual(min(old), int(fair / 4), "a starved thread")

    def test_an_event_loop_and_threads_share_the_permits(self):
        env = bed.hardened_environment(concurrency="3", max_wait="60s")
        threads = self.begin(env, 4, threads=6)
        urls = [f"{self.url}/{n}?delay_ms=30" for n in range(60)]
        loop = bed.run(["curl", "-sS", "--parallel", "--parallel-max", "30",
                        *[a for u in urls for a in ("-o", "/dev/null", u)]], env)
        report = json.loads(bed.finish(threads, env).out)
        self.assertEqual(loop.status, 0)
        self.assertEqual(report["bad"], 0)
        self.assertTrue(all(good > 0 for good in report["good"]), "a starved thread")
        self.assertEqual(self.counts()["most"], 3)

    def test_an_event_loop_alone_uses_all_permits(self):
        env = bed.hardened_environment(concurrency="4", max_wait="60s")
        urls = [f"{self.url}/{n}?delay_ms=50" for n in range(80)]
        loop = bed.run(["curl", "-sS", "--parallel", "--parallel-immediate", "--parallel-max", "40",
                        *[a for u in urls for a in ("-o", "/dev/null", u)]], env)
        counts = self.counts()
        self.assertEqual(loop.status, 0)
        self.assertEqual((counts["most"], counts["served"]), (4, 80))

    def harden(self, env, *words):
        bare = {k: v for k, v in env.items() if k != "LD_PRELOAD"}
        return subprocess.run([HARDEN, *words], capture_output=True, text=True, env=bare,
                              check=False).stdout

    def test_every_output_says_who_is_in_flight_and_who_waits(self):
        env = bed.hardened_environment(concurrency="1", max_wait="60s")
        commands = [bed.start(["curl", "-sS", f"{self.url}/{n}?delay_ms=3000"], env) for n in (1, 2)]
        words = "1 of 1 in flight, 1 waiting"
        while words not in self.harden(env, "status"):
            time.sleep(0.01)
        self.assertIn(f"<small>concurrency: {words}; 1 waited and 0 were refused</small>",
                      self.harden(env, "report"))
        self.assertIn("1 of 1 in flight", self.harden(env, "config", "--explain", self.url))
        for command in commands:
            self.assertEqual(bed.finish(command, env).status, 0)
        (host,) = json.loads(self.harden(env, "status", "--json"))["checks"].values()
        waited_s = host["concurrency"].pop("waited_s")
        self.assertEqual(host["concurrency"], {"limit": 1, "in_flight": 0, "waiting": 0, "waited": 1,
                                               "rejected": 0})
        self.assertTrue(0 < waited_s < 60)

    def test_a_refusal_names_the_key_and_sends_nothing(self):
        env = bed.hardened_environment(concurrency="1", on_concurrency="fail")
        holder = bed.start(["curl", "-sS", f"{self.url}/x?delay_ms=2000"], env)
        while not json.loads(bed.bare(["curl", "-sS", f"{self.url}/-/counts"]).out)["most"]:
            time.sleep(0.01)
        refused = bed.run(["curl", "-sS", f"{self.url}/y"], env)
        self.assertEqual(refused.status, 28)
        self.assertIn(b"harden: concurrency limit of 127.0.0.1", refused.err)
        self.assertIn(b"on_concurrency = fail", refused.err)
        self.assertEqual(bed.finish(holder, env).status, 0)
        self.assertEqual(bed.run(["curl", "-sS", f"{self.url}/y"], env).status, 0)
        self.assertEqual(self.counts()["most"], 1)

    def test_what_a_killed_process_holds_is_free_within_a_second(self):
        env = bed.hardened_environment(concurrency="1", max_wait="1s")
        holder = bed.start(["curl", "-sS", f"{self.url}/x?delay_ms=60000"], env)
        while not json.loads(bed.bare(["curl", "-sS", f"{self.url}/-/counts"]).out)["most"]:
            time.sleep(0.01)
        holder.kill()
        holder.communicate()
        self.assertEqual(bed.run(["curl", "-sS", f"{self.url}/y"], env).status, 0)


if __name__ == "__main__":
    unittest.main()
