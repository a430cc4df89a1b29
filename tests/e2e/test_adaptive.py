# SPDX-License-Identifier: MIT
"""The adaptive rate with real processes: a throttle that one gets makes the others wait, and every output
says so."""
import json
import os
import re
import subprocess
import unittest

import jsonschema

import bed

HARDEN = bed.LIBRARY.parent / "harden"

with open(bed.ROOT / "conf/health.schema.json", encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)
with open(bed.ROOT / "conf/events.schema.json", encoding="utf-8") as schema_file:
    EVENTS = json.load(schema_file)


class Adaptive(bed.Bed):
    def setUp(self):
        self.state = bed.fresh_dir("state")
        self.host = f"localhost:{self.http.port}"

    def environment(self, **options):
        return bed.hardened_environment(self.state, **{
            "adaptive": "on", "retry": "off", "breaker": "off",
            "events": os.path.join(self.state, "events"),
            "log": "info", "log_to": os.path.join(self.state, "log")} | options)

    def curl(self, *urls, parallel=False, **options):
        sinks = [word for url in urls for word in ("-o", os.devnull, url)]
        return bed.run(["curl", "-sS", *(["-Z"] if parallel else []), *sinks],
                       self.environment(**options))

    def throttle(self, **options):
        """Twelve answers in more than a second, and then a 429."""
        self.curl(*(self.url(bed.unique(), delay_ms=100) for _ in range(12)),
                  self.url(bed.unique(), fail=1, how=429), **options)

    def burst(self, n=12, **options):
        self.curl(*(self.url(bed.unique()) for _ in range(n)), parallel=True, **options)

    def harden(self, *words, **variables):
        env = bed.environment({"HARDEN_STATE": self.state, "HARDEN_CONFIG": "none",
                               "HARDEN_ADAPTIVE": "on"} | variables)
        done = subprocess.run([HARDEN, *words], capture_output=True, text=True, env=env, check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def file(self, name):
        with open(os.path.join(self.state, name), encoding="utf-8") as f:
            return f.read()

    def entry(self):
        document = json.loads(self.harden("status", "--json"))
        for d in (document, json.loads(self.file("health.json"))):
            jsonschema.Draft202012Validator(SCHEMA).validate(d)
        return document["checks"][self.host]

    def events(self, kind):
        events = [json.loads(line) for line in self.file("events").splitlines()]
        for e in events:
            jsonschema.Draft202012Validator(EVENTS).validate(e)
        return [e for e in events if e["event"] == kind]

    def test_another_process_waits_after_a_throttle_without_a_hint(self):
        self.throttle()
        first, = self.events("adaptive")
        self.assertEqual((first["state"], first["http"], first["host"]), ("on", 429, self.host))
        self.assertLess(first["rate"], 10, "the server has accepted less than ten a second")
        self.burst()
        entry = self.entry()
        self.assertGreaterEqual(entry["rate"]["waited"], 1)
        self.assertEqual((entry["failures"], entry["rate"]["rejected"]), (1, 0))
        self.assertEqual({e["setting"] for e in self.events("wait")}, {"adaptive"})

    def test_the_rate_is_in_every_output(self):
        self.throttle()
        entry = self.entry()["adaptive"]
        self.assertAlmostEqual(entry["cut_to"], 0.95 * entry["goodput"], delta=0.02)
        self.assertGreaterEqual(entry["rate"], entry["cut_to"])
        status = re.search(rf"\nadaptive: {self.host} [\d.]+/s; ([\d.]+)/s were accepted before the last "
                           r"cut, to ([\d.]+)/s, \d+ s ago; off in \d min\n", self.harden("status"))
        self.assertAlmostEqual(float(status[1]), entry["goodput"], delta=0.02)
        self.assertAlmostEqual(float(status[2]), entry["cut_to"], delta=0.02)
        self.assertRegex(self.file("metrics.prom"),
                         rf'\nharden_adaptive_rate\{{.*host="{self.host}"\}} [\d.]+\n')
        self.assertRegex(self.harden("report"), r"<small>adaptive rate [\d.]+/s; ")
        self.assertRegex(self.harden("config", "--explain", f"http://{self.host}/"),
                         r"\n  adaptive rate [\d.]+/s; ")
        self.assertIn(f"{self.host}: adaptive is on (http 429), to ", self.file("log"))

    def test_without_a_throttle_explain_says_that_it_is_off(self):
        self.burst(1)
        self.assertIn("\n  adaptive rate off: the host has not throttled lately\n",
                      self.harden("config", "--explain", f"http://{self.host}/"))
        self.assertIsNone(self.entry()["adaptive"])

    def test_a_hint_sets_no_rate(self):
        self.curl(*(self.url(bed.unique(), delay_ms=100) for _ in range(12)),
                  self.url(bed.unique(), fail=1, how=429, ra=1))
        self.assertIsNone(self.entry()["adaptive"])
        self.assertEqual(len(self.events("pause")), 1)

    def test_observed_it_shows_the_rate_that_it_would_set_and_delays_nothing(self):
        self.throttle(mode="observe")
        self.burst(mode="observe")
        entry = self.entry()
        self.assertIsNone(entry["adaptive"])
        self.assertGreater(entry["observed"]["would_adapt_to"], 1)
        self.assertGreaterEqual(entry["observed"]["would_wait"], 1)
        self.assertEqual(entry["rate"]["waited"], 0)
        self.assertRegex(self.harden("status", HARDEN_MODE="observe"),
                         rf"\nadaptive: {self.host} would be limited to [\d.]+/s; ")
        self.assertRegex(self.file("metrics.prom"), r"\nharden_observed_adaptive_rate\{")
        self.assertRegex(self.harden("report"), r"<small>observe: adaptive rate [\d.]+/s; ")
        self.assertRegex(self.harden("config", "--explain", f"http://{self.host}/",
                                     HARDEN_MODE="observe"), r"\n  adaptive rate [\d.]+/s; ")
        self.assertEqual([e["observed"] for e in self.events("adaptive")], [True])


if __name__ == "__main__":
    unittest.main()
