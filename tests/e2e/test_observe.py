# SPDX-License-Identifier: MIT
"""mode = observe: its figures are those of enforcing, and it changes nothing for programs that enforce."""
import json
import os
import subprocess
import time
import unittest

import jsonschema

import bed
import windows

HARDEN = bed.LIBRARY.parent / "harden"
CURL = ["curl", "-sS", "-o", os.devnull]

with open(bed.ROOT / "conf/health.schema.json", encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)


class Observe(windows.Timed):
    def span(self, key):
        times = self.times(key)
        return times[-1] - times[0]

    def entry(self, outcome):
        jsonschema.Draft202012Validator(SCHEMA).validate(outcome.health)
        return outcome.health["checks"][self.host]

    def both(self, command, **options):
        """Runs it with both modes. The entries of health.json, and by how much the server saw the
        enforced requests arrive later."""
        entries, spans = {}, {}
        for mode in ("observe", "enforce"):
            key = bed.unique()
            words = [w.replace("URL", f"{self.url}/x?key={key}") for w in command]
            env = bed.hardened_environment(bed.fresh_dir("state"), mode=mode, **options)
            outcome = bed.run(words, env)
            self.assertEqual((outcome.status, outcome.err), (0, b""))
            self.assertEqual(outcome.health["mode"], mode)
            entries[mode], spans[mode] = self.entry(outcome), self.span(key)
        self.assertIsNone(entries["enforce"]["observed"])
        return entries["observe"], entries["enforce"], spans["enforce"] - spans["observe"]

    def test_the_predicted_wait_of_sequential_requests_is_what_enforcing_waits(self):
        observe, enforce, waited_s = self.both([*CURL, "URL&n=[1-300]"], rate="50/1s")
        self.assertEqual((observe["requests"], observe["rate"]["waited"]), (300, 0))
        self.assertEqual(observe["observed"]["would_reject"], 0)
        self.assertAlmostEqual(observe["observed"]["would_wait_s"], waited_s, delta=0.15 * waited_s)
        self.assertAlmostEqual(observe["observed"]["would_wait"], enforce["rate"]["waited"], delta=45)

    def test_so_is_that_of_a_script_that_runs_a_program_for_each_request(self):
        script = "for i in $(seq 60); do curl -sS -o /dev/null 'URL'; done"
        observe, _, waited_s = self.both(["sh", "-c", script], rate="10/1s")
        self.assertEqual(observe["observed"]["would_reject"], 0)
        self.assertAlmostEqual(observe["observed"]["would_wait_s"], waited_s, delta=0.15 * waited_s)

    def test_so_is_that_of_parallel_transfers(self):
        command = [*CURL, "--no-progress-meter", "-Z", "--parallel-max", "10", "URL&n=[1-300]"]
        observe, enforce, _ = self.both(command, rate="50/1s")
        waited_s = enforce["rate"]["waited_s"]
        self.assertEqual(observe["observed"]["would_reject"], 0)
        self.assertAlmostEqual(observe["observed"]["would_wait_s"], waited_s, delta=0.15 * waited_s)

    def test_every_output_says_what_would_have_been_done(self):
        state = bed.fresh_dir("state")
        env = bed.hardened_environment(state, mode="observe", rate="1/1h", on_limit="fail")
        bed.run([*CURL, f"{self.url}/x?key={bed.unique()}&n=[1-3]"], env)
        outcome = bed.run([*CURL, f"{self.url}/x?key={bed.unique()}&fail=1"], env)
        observed = {"would_wait": 0, "would_wait_s": 0, "would_reject": 3, "would_retry": 1,
                    "would_fall_back": 0, "would_adapt_to": None}
        self.assertEqual(self.entry(outcome)["observed"], observed)
        says = {w: self.harden(state, w) for w in ("status", "report")}
        words = "would have waited 0 s in 0 requests, refused 3 and repeated 1"
        self.assertIn(f"\nobserve: {self.host} {words}\n", says["status"])
        self.assertIn(f"<small>observe: {words}</small>", says["report"])
        for text in says.values():
            self.assertIn("mode = observe: programs decide and count, but change nothing", text)
        row = says["status"].splitlines()[-1].split()
        self.assertEqual(row[2:7], ["4", "75.0", "%", "0", "0"])
        document = json.loads(self.harden(state, "status", "--json"))
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
        self.assertEqual((document["mode"], document["checks"][self.host]["observed"]),
                         ("observe", observed))
        with open(os.path.join(state, "metrics.prom"), encoding="utf-8") as f:
            metrics = f.read()
        labels = f'user="{os.geteuid()}",board="{state}"'
        self.assertIn(f'\nharden_observed_total{{{labels},host="{self.host}",action="reject"}} 3\n',
                      metrics)
        self.assertIn(f'\nharden_service_info{{{labels},service="curl",mode="observe",', metrics)
        self.assertEqual(bed.run([HARDEN, "health"], env).status, 0)

        self.harden(state, "reset", self.host)
        self.assertIn(f"\nobserve: {self.host} would not have been limited or repeated\n",
                      self.harden(state, "status"))

    def test_status_lists_five_observed_hosts(self):
        state = bed.fresh_dir("state")
        env = bed.hardened_environment(state, mode="observe", retry="off")
        for i in range(7):
            bed.run([*CURL, f"http://127.0.0.1:{i + 1}/"], env)
        text = self.harden(state, "status")
        self.assertEqual(text.count("\nobserve: 127.0.0.1:"), 5)
        self.assertIn("\nobserve: and 2 more\n", text)

    def harden(self, state, *words):
        env = bed.environment({"HARDEN_STATE": state, "HARDEN_CONFIG": "none",
                               "HARDEN_MODE": "observe"})
        done = subprocess.run([HARDEN, *words], capture_output=True, text=True, env=env, check=True)
        return done.stdout

    def test_a_program_that_enforces_is_admitted_as_if_it_were_alone(self):
        state = bed.fresh_dir("state")
        options = {"rate": "20/1h", "on_limit": "fail", "breaker_after": "0"}
        observe = bed.hardened_environment(state, mode="observe", **options)
        enforce = bed.hardened_environment(state, **options)
        for query in ("n=[1-200]", "fail=-1&how=502&n=[1-20]"):
            self.assertEqual(bed.run([*CURL, f"{self.url}/x?key={bed.unique()}&{query}"],
                                     observe).status, 0)
        key = bed.unique()
        beside = bed.start([*CURL, f"{self.url}/x?key={bed.unique()}&n=[1-500]"], observe)
        outcome = bed.run([*CURL, f"{self.url}/x?key={key}&n=[1-30]"], enforce)
        self.assertEqual(bed.finish(beside, observe).status, 0)
        self.assertEqual(len(self.times(key)), 20)
        self.assertEqual(outcome.err.count(b"harden:"), 10)
        outcome = bed.run([*CURL, f"{self.url}/x?key={key}"], observe)
        entry = self.entry(outcome)
        self.assertEqual(entry["rate"]["rejected"], 10)
        self.assertEqual((entry["breaker"]["state"], entry["breaker"]["opened"]), ("closed", 0))

    def test_after_a_switch_to_enforce_nothing_is_refused(self):
        """Under load, by the file."""
        path = bed.fresh_file(b"", "ini")

        def write(mode):
            with open(path + ".new", "w", encoding="utf-8") as f:
                f.write(f"[harden]\nmode = {mode}\nsnapshot_interval = 1s\n"
                        "[host *]\nrate = 50/1s\nmax_wait = 2s\n")
            os.rename(path + ".new", path)

        write("observe")
        env = bed.hardened_environment(config=path)
        key = bed.unique()
        loads = [bed.start([self.load, f"{self.url}/x?key={key}&size=10", "4", "7", "1000000"], env)
                 for _ in range(2)]
        time.sleep(1.5)
        write("enforce")
        outcomes = [bed.finish(p, env) for p in loads]
        for outcome in outcomes:
            self.assertEqual(json.loads(outcome.out)["bad"], 0)
        times = self.times(key)
        self.assertGreater(len(times), 50 * 7 + 50, "the load did not exceed the limit at first")
        windows.check_windows(self, [t for t in times if t > times[-1] - 2], 50, 50)
        self.assertEqual(self.entry(outcomes[-1])["rate"]["rejected"], 0)


if __name__ == "__main__":
    unittest.main()
