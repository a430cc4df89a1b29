# SPDX-License-Identifier: MIT
"""What is shown of a pause that a server asked for, and of its origin."""
import calendar
import datetime
import json
import os
import re
import subprocess
import time
import unittest

import jsonschema

import bed

HARDEN = bed.LIBRARY.parent / "harden"

with open(bed.ROOT / "conf/health.schema.json", encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)


def seconds(moment):
    return datetime.datetime.fromisoformat(moment).timestamp()


class Visible(bed.Bed):
    def setUp(self):
        self.state = bed.fresh_dir("state")
        self.events = os.path.join(self.state, "events")
        self.log = os.path.join(self.state, "log")
        self.host = f"localhost:{self.http.port}"

    def curl(self, url, **options):
        env = bed.hardened_environment(self.state, **{
            "events": self.events, "log": "warn", "log_to": self.log, "retry": "off",
            "retry_after": "1h"} | options)
        return bed.run(["curl", "-sS", "-o", os.devnull, url], env)

    def harden(self, *words, config="none"):
        env = bed.environment({"HARDEN_STATE": self.state, "HARDEN_CONFIG": config})
        done = subprocess.run([HARDEN, *words], capture_output=True, text=True, env=env, check=False)
        self.assertEqual(done.stderr, "")
        return done

    def file(self, name):
        with open(os.path.join(self.state, name), encoding="utf-8") as f:
            return f.read()

    def pauses(self):
        events = [json.loads(line) for line in self.file("events").splitlines()]
        return [e for e in events if e["event"] == "pause"]

    def document(self):
        """health.json, which says the same as the command."""
        live = json.loads(self.harden("status", "--json").stdout)
        written = json.loads(self.file("health.json"))
        for d in (live, written):
            jsonschema.Draft202012Validator(SCHEMA).validate(d)
        self.assertEqual(written["checks"][self.host], live["checks"][self.host])
        return live

    def test_a_pause_and_its_origin_are_in_every_output(self):
        began = time.time()
        self.curl(self.url(bed.unique(), fail=1, how=429, ra=600))
        refused = self.curl(self.url(bed.unique()))
        origin = "Retry-After: 600"

        self.assertEqual(refused.status, 28)
        text = re.escape(f"curl: (28) harden: {self.host} asked for a pause ({origin}), needs ")
        seconds = re.fullmatch(text + r"(\d+) s, max_wait = 30s allows no more \(default\)\n",
                               refused.err.decode())
        self.assertTrue(seconds, refused.err)
        self.assertIn(int(seconds[1]), range(500, 601))

        (event,) = self.pauses()
        self.assertEqual((event["host"], event["state"], event["http"], event["hint"],
                          event["wait_ms"]), (self.host, "on", 429, origin, 600000))
        self.assertIn(f"{self.host}: pause is on (http 429), asked by the server: {origin}, "
                      "for 600000 ms\n", self.file("log"))
        self.assertRegex(self.file("log"), f"{self.host}: reject after attempt 1: gate, asked by the "
                                           fr"server: {origin}, needs [\d.]+ s, max_wait = 30s "
                                           r"allows no more \(default\)\n")
        (reject,) = [json.loads(line) for line in self.file("events").splitlines()
                     if '"reject"' in line]
        self.assertEqual((reject["reason"], reject["hint"]), ("gate", origin))

        document = self.document()
        entry = document["checks"][self.host]
        self.assertEqual((document["overall_status"], entry["status"], entry["paused_by"]),
                         ("degraded", "degraded", origin))
        until = time.strptime(entry["paused_until"][:19], "%Y-%m-%dT%H:%M:%S")
        self.assertAlmostEqual(calendar.timegm(until) - began, 600, delta=60)

        left = re.search(r'\nharden_paused_seconds\{.*host="%s"\} ([\d.]+)\n' % self.host,
                         self.file("metrics.prom"))
        self.assertTrue(500 < float(left[1]) <= 600, left[0])
        self.assertRegex(self.file("metrics.prom"),
                         r'\nharden_health_status\{.*host="%s"\} 1\n' % self.host)

        words = rf"for (10 min|9 min \d+ s), asked by the server: {origin} \(429\)"
        table = self.harden("status").stdout
        self.assertRegex(table, rf"\npaused: {self.host} {words}\n")
        self.assertRegex(table, rf"\n{self.host} +degraded ")
        health = self.harden("health")
        self.assertEqual((health.stdout, health.returncode),
                         (f"degraded: 0 of 1 host healthy; not healthy: {self.host} "
                          "(paused; throttled, http 429)\n", 1))
        health = self.harden("health", "--host", self.host)
        self.assertRegex(health.stdout, rf"^degraded: {self.host}, for \d+ s; paused {words}; "
                                       r"last error: throttled, http 429\n$")
        page = self.harden("report").stdout
        self.assertRegex(page, r"<small>paused until <time .*</time>, asked by the server: "
                               rf"{origin} \(429\)</small>")

        self.harden("reset", self.host)
        self.assertEqual(self.curl(self.url(bed.unique())).status, 0)
        self.assertIsNone(self.document()["checks"][self.host]["paused_until"])

    def test_the_end_of_a_pause_is_announced_once_by_the_next_program(self):
        self.curl(self.url(bed.unique(), fail=1, how=503, ra=1))
        time.sleep(1.1)
        for _ in range(3):
            self.assertEqual(self.curl(self.url(bed.unique())).status, 0)
        on, over = self.pauses()
        self.assertEqual((on["state"], over["state"], over["host"]), ("on", "over", self.host))
        self.assertLessEqual(over["ended"], over["time"])
        self.assertGreater(over["ended"], on["time"])
        self.assertEqual(self.file("log").count(f"{self.host}: pause is over\n"), 1)
        entry = self.document()["checks"][self.host]
        self.assertEqual((entry["status"], entry["paused_until"], entry["paused_by"]),
                         ("healthy", None, None))
        # Both follow from two clocks, which are read one after the other.
        self.assertAlmostEqual(seconds(entry["since"]), seconds(over["ended"]), delta=1)
        self.assertEqual(self.harden("health").returncode, 0)
        self.assertNotIn("paused", self.harden("status").stdout)

    def test_a_program_that_waits_for_the_end_announces_it(self):
        self.assertEqual(self.curl(self.url(bed.unique(), fail=1, how=503, ra=1),
                                   retry="normal").status, 0)
        self.assertEqual([e["state"] for e in self.pauses()], ["on", "over"])

    def test_a_pause_of_an_operation_is_shown_at_its_host(self):
        config = bed.fresh_file(f"[host {self.host}/search]\nrate = 100/s\n".encode())
        self.curl(self.url(bed.unique(), path="/search", fail=1, how=429, ra=600), config=config)
        self.assertEqual(self.curl(self.url(bed.unique(), path="/search"), config=config).status, 28)
        self.assertEqual(self.curl(self.url(bed.unique()), config=config).status, 0)
        (event,) = self.pauses()
        self.assertTrue(event["part"])
        entry = self.document()["checks"][self.host]
        self.assertEqual((entry["status"], entry["paused_until"], entry["part_paused_by"]),
                         ("healthy", None, "Retry-After: 600"))
        self.assertRegex(self.harden("status").stdout,
                         rf"\npaused: a part of {self.host} for .*, asked by the server: Retry-After")
        self.assertIn("<small>a part is paused until", self.harden("report").stdout)

    def test_explain_shows_the_fields_that_are_hints(self):
        config = bed.fresh_file(b"[host *]\nhint = X-Next epoch, X-Slow ms\n")
        shown = self.harden("config", "--explain", "http://api.example.com/x", config=config).stdout
        self.assertRegex(shown, r"\n  hint = X-Next epoch, X-Slow ms +; \[host \*\] \S+:2\n")


if __name__ == "__main__":
    unittest.main()
