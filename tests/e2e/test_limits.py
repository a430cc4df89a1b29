# SPDX-License-Identifier: MIT
"""By the server's own clock, no window W contains more than burst + rate * W requests."""
import json
import random
import signal
import time
import unittest

import bed
import windows

RATE, BURST = 50, 50


class Limits(windows.Timed):
    def crowd(self, key, seconds, processes=8, threads=4, **options):
        """Starts the load; all processes share one state directory."""
        env = bed.hardened_environment(rate=f"{RATE}/1s", max_wait="20s", **options)
        command = [self.load, f"{self.url}/x?key={key}&size=10", threads, seconds, 1000000]
        return env, [bed.start(command, env) for _ in range(processes)]

    def test_eight_processes_of_four_threads_share_one_limit_and_none_starves(self):
        env, processes = self.crowd("crowd", 10)
        outcomes = [bed.finish(p, env) for p in processes]
        times = self.times("crowd")
        windows.check_windows(self, times, RATE, BURST)
        # The limit is also used up: at the end one request per thread is waiting.
        self.assertGreater(len(times), 0.9 * (BURST + RATE * 10))
        reports = [json.loads(o.out) for o in outcomes]
        share = len(times) / 8
        for t in reports:
            self.assertEqual(t["bad"], 0)
            self.assertGreater(sum(t["good"]), share / 3, "a starved process")
        self.assertTrue(all(good > 0 for t in reports for good in t["good"]), "a starved thread")
        self.assertEqual(sum(sum(t["good"]) for t in reports), len(times))
        health = outcomes[-1].health
        (host,) = health["checks"].values()
        self.assertEqual(host["requests"], len(times))
        self.assertEqual(host["rate"]["limit"], RATE)
        self.assertGreater(host["rate"]["waited"], 0)

    def test_killed_processes_neither_stop_the_others_nor_break_the_limit(self):
        env, processes = self.crowd("killed", 8, processes=6)
        chance, victims = random.Random(7), []
        time.sleep(1.5)
        while len(victims) < 4:
            victim = chance.choice([p for p in processes if p not in victims])
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            victims.append(victim)
            more = bed.start(processes[0].args, env)
            processes.append(more)
            time.sleep(0.4)
            if len(processes) > 9:
                break
        for p in processes:
            if p not in victims:
                outcome = bed.finish(p, env)
                self.assertEqual(outcome.status, 0, outcome.err)
                self.assertEqual(json.loads(outcome.out)["bad"], 0)
                self.assertGreater(sum(json.loads(outcome.out)["good"]), 10)
        times = self.times("killed")
        windows.check_windows(self, times, RATE, BURST)
        # At most the reservations of a killed process's threads are lost.
        self.assertGreater(len(times), 0.8 * (BURST + RATE * 8))

    def test_the_limit_outlives_every_process(self):
        env = bed.hardened_environment(rate="5/10s", on_limit="fail")
        command = ["curl", "-sS", "-o", "/dev/null", f"{self.url}/x?key=outlives"]
        statuses = [bed.run(command, env).status for _ in range(8)]
        self.assertEqual(statuses, [0] * 5 + [28] * 3)
        self.assertEqual(len(self.times("outlives")), 5)

    def test_each_value_of_a_variable_or_header_has_a_bucket_of_its_own(self):
        state = bed.fresh_dir("state")
        limit = {"rate": "1/1h", "on_limit": "fail", "per": "host+env:TENANT+header:X-Org-Id"}

        def status(tenant, org):
            env = bed.hardened_environment(state, **limit) | {"TENANT": tenant}
            return bed.run(["curl", "-sS", "-H", f"X-Org-Id: {org}",
                            f"{self.url}/x?key={bed.unique()}"], env).status
        self.assertEqual([status("a", "1"), status("b", "1"), status("a", "2")], [0, 0, 0])
        self.assertEqual([status("a", "1"), status("b", "1"), status("a", "2")], [28, 28, 28])

    def test_a_refusal_names_harden_and_sends_nothing(self):
        env = bed.hardened_environment(rate="1/60s", on_limit="fail")
        command = ["curl", "-sS", f"{self.url}/x?key=refusal"]
        bed.run(command, env)
        outcome = bed.run(command, env)
        self.assertEqual(outcome.status, 28)
        self.assertTrue(outcome.err.startswith(b"curl: (28) harden:"), outcome.err)
        self.assertEqual(len(self.times("refusal")), 1)

    def test_retries_pay_for_their_requests(self):
        env = bed.hardened_environment(rate="10/1s", burst="1")
        command = ["curl", "-sS", f"{self.url}/x?key=pay&fail=2"]
        self.assertEqual(bed.run(command, env).status, 0)
        times = self.times("pay")
        self.assertEqual(len(times), 3)
        self.assertGreater(times[2] - times[0], 0.2 - windows.LATENESS_S)

    def test_a_waiting_program_keeps_its_own_time_limit(self):
        env = bed.hardened_environment(rate="1/60s")
        command = ["curl", "-sS", "-m", "1", f"{self.url}/x?key=own"]
        bed.run(command, env)
        began = time.monotonic()
        self.assertEqual(bed.run(command, env).status, 28)
        self.assertLess(time.monotonic() - began, 1.5)

    def test_an_open_breaker_sends_nothing_and_is_shared(self):
        env = bed.hardened_environment(breaker_failures="4", retry="off")
        command = ["curl", "-sS", "-o", "/dev/null", f"{self.url}/x?key=breaker&fail=-1"]
        statuses = [bed.run(command, env).status for _ in range(7)]
        self.assertEqual(statuses, [0] * 4 + [7] * 3)
        self.assertEqual(len(self.times("breaker")), 4)

    def test_retry_after_pauses_the_other_processes_too(self):
        env = bed.hardened_environment()
        paused = bed.start(["curl", "-sS", f"{self.url}/x?key=gate&fail=1&how=429&ra=2"], env)
        time.sleep(0.7)
        began = time.monotonic()
        other = bed.run(["curl", "-sS", f"{self.url}/x?key=other"], env)
        self.assertGreater(time.monotonic() - began, 1.0)
        self.assertEqual((other.status, bed.finish(paused, env).status), (0, 0))


if __name__ == "__main__":
    unittest.main()
