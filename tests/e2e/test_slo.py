# SPDX-License-Identifier: MIT
"""What is counted for an objective, and what is shown of its error budget."""
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


class Objective(bed.Bed):
    def setUp(self):
        self.state = bed.fresh_dir("state")
        self.host = f"localhost:{self.http.port}"

    def curl(self, *urls, **options):
        env = bed.hardened_environment(self.state, **{
            "slo": "99%", "retry": "off", "breaker": "off", "unhealthy_after": "100",
            "events": os.path.join(self.state, "events"),
            "log": "warn", "log_to": os.path.join(self.state, "log")} | options)
        sinks = [word for url in urls for word in ("-o", os.devnull, url)]
        return bed.run(["curl", "-sS", *sinks], env)

    def good(self, n, **options):
        return self.curl(*(self.url(bed.unique()) for _ in range(n)), **options)

    def bad(self, n, **options):
        return self.curl(*(self.url(bed.unique(), fail=1, how=500) for _ in range(n)), **options)

    def harden(self, *words, **variables):
        env = bed.environment({"HARDEN_STATE": self.state, "HARDEN_CONFIG": "none"} | variables)
        done = subprocess.run([HARDEN, *words], capture_output=True, text=True, env=env, check=False)
        self.assertEqual(done.stderr, "")
        return done

    def file(self, name):
        with open(os.path.join(self.state, name), encoding="utf-8") as f:
            return f.read()

    def document(self):
        """health.json, which says the same as the command."""
        live = json.loads(self.harden("status", "--json").stdout)
        written = json.loads(self.file("health.json"))
        for d in (live, written):
            jsonschema.Draft202012Validator(SCHEMA).validate(d)
        self.assertEqual(written["checks"][self.host], live["checks"][self.host])
        return live

    def entry(self):
        return self.document()["checks"][self.host]

    def counted(self):
        slo = self.entry()["slo"]
        return slo["good"], slo["bad"]

    def events(self):
        events = [json.loads(line) for line in self.file("events").splitlines()]
        for e in events:
            jsonschema.Draft202012Validator(EVENTS).validate(e)
        return [e for e in events if e["event"] == "slo"]

    def metric(self, name, label):
        found = re.search(rf'\nharden_{name}\{{.*host="{self.host}",{label}\}} (\S+)\n',
                          self.file("metrics.prom"))
        return float(found[1])

    def test_a_budget_that_burns_is_in_every_output(self):
        self.good(6)
        self.bad(1)  # 1 of 7: the burn rate is 14.3
        entry = self.entry()
        self.assertEqual((entry["status"], entry["slo"]["burns"]),
                         ("healthy", {"fast": False, "slow": True}))
        self.assertEqual(self.harden("health").returncode, 0)
        self.assertIn("; burns slowly\n", self.harden("status").stdout)
        self.assertIn("burns slowly", self.harden("report").stdout)
        self.bad(1)  # 2 of 8: 25

        document = self.document()
        entry = document["checks"][self.host]
        self.assertEqual((document["overall_status"], document["failed"], entry["status"]),
                         ("degraded", [], "degraded"))
        self.assertEqual(entry["slo"], {
            "objective": 0.99, "latency_ms": None, "good": 6, "bad": 2,
            "budget_left": {"1h": -24, "24h": -24},
            "burn_rate": {"5m": 25, "30m": 25, "1h": 25, "6h": 25},
            "burns": {"fast": True, "slow": True}})
        for name, label, value in (
                ("slo_requests_total", 'outcome="good"', 6), ("slo_requests_total", 'outcome="bad"', 2),
                ("slo_budget_left_ratio", 'window="24h"', -24), ("slo_burn_rate", 'window="5m"', 25),
                ("slo_burning", 'pair="fast"', 1), ("slo_burning", 'pair="slow"', 1)):
            self.assertEqual(self.metric(name, label), value, name)
        self.assertIn(f'harden_health_status{{user="{os.getuid()}",host="{self.host}"}} 1\n',
                      re.sub(r',board="[^"]*"', "", self.file("metrics.prom")))

        (event,) = self.events()
        self.assertEqual((event["host"], event["state"]), (self.host, "burning"))
        self.assertIn(f"{self.host}: slo is burning\n", self.file("log"))

        table = self.harden("status").stdout
        self.assertIn(f"\nslo: {self.host} 99 %: error budget left -2400 % (1h), -2400 % (24h); "
                      "burn rate 25 (5m), 25 (30m), 25 (1h), 25 (6h); burns fast\n", table)
        self.assertRegex(table, rf"\n{self.host} +degraded ")
        health = self.harden("health")
        self.assertEqual((health.stdout, health.returncode),
                         (f"degraded: 0 of 1 host healthy; not healthy: {self.host} "
                          "(error budget burns fast; transient, http_5xx, http 500)\n", 1))
        health = self.harden("health", "--host", self.host)
        self.assertRegex(health.stdout, rf"^degraded: {self.host}, 2 failures in a row, for \d+ s; error "
                                       r"budget burns fast: 25 \(5m\), 25 \(1h\); last error: .*\n$")
        self.assertEqual(health.returncode, 1)
        explained = self.harden("config", "--explain", f"http://{self.host}/", HARDEN_SLO="99%").stdout
        self.assertIn("\n  slo 99 %: error budget left -2400 % (1h)", explained)
        self.assertIn("\n  status degraded\n", explained)
        page = self.harden("report").stdout
        self.assertRegex(page, "<h1>.*1 of 1 host not healthy")
        self.assertIn("<small>objective 99 %: left -2400 % (1h), -2400 % (24h); burns fast</small>",
                      page)
        self.assertIn('<section id="slo"', page)
        self.assertIn("burning since", page)

        self.harden("reset", self.host)
        self.good(1)
        entry = self.entry()
        self.assertEqual((entry["status"], entry["slo"]["good"], entry["slo"]["bad"]),
                         ("healthy", 1, 0))

    def test_a_refused_request_is_bad(self):
        self.good(1, rate="1/1h", on_limit="fail")
        self.assertNotEqual(self.good(1, rate="1/1h", on_limit="fail").status, 0)
        self.assertEqual(self.counted(), (1, 1))

    def test_a_request_that_succeeds_after_a_retry_is_good(self):
        self.assertEqual(self.bad(1, retry="normal", retry_on="5xx").status, 0)
        self.assertEqual(self.counted(), (1, 0))

    def test_an_answer_that_begins_late_is_bad(self):
        late, prompt = self.url(bed.unique(), delay_ms=400), self.url(bed.unique())
        self.assertEqual(self.curl(prompt, late, slo_latency="200ms").status, 0)
        self.assertEqual(self.counted(), (1, 1))
        self.assertEqual(self.entry()["slo"]["latency_ms"], 200)
        self.assertIn(f"slo: {self.host} 99 % within 200 ms: ", self.harden("status").stdout)

    def test_parallel_transfers_count_once_each(self):
        urls = [self.url(bed.unique()) for _ in range(5)]
        urls.append(self.url(bed.unique(), fail=1, how=500))
        env = bed.hardened_environment(self.state, slo="99%", retry="normal", retry_on="none",
                                       rate="6/1h", on_limit="fail", breaker="off")
        sinks = [word for url in [*urls, self.url(bed.unique())] for word in ("-o", os.devnull, url)]
        bed.run(["curl", "-sS", "-Z", *sinks], env)
        self.assertEqual(self.counted(), (5, 2), "one failed, one was refused")

    def test_a_program_that_observes_counts_what_happens(self):
        limits = {"rate": "1/1h", "on_limit": "fail", "mode": "observe"}
        self.assertEqual(self.good(3, **limits).status, 0)
        self.bad(1, **limits)
        self.assertEqual(self.counted(), (3, 1))
        self.assertEqual(self.entry()["status"], "degraded")

    def test_without_an_objective_nothing_is_counted_or_shown(self):
        self.bad(5, slo="none")
        self.assertIsNone(self.entry()["slo"])
        self.assertEqual(self.entry()["status"], "healthy")
        self.assertNotIn("\nslo", self.harden("status").stdout)
        self.assertNotIn("harden_slo_burning{", self.file("metrics.prom"))
        self.assertNotIn('id="slo"', self.harden("report").stdout)

    def test_only_the_requests_of_a_section_with_the_objective_count(self):
        config = bed.fresh_file(f"[host {self.host}/search]\nslo = 99%\n".encode())
        for _ in range(2):
            self.curl(self.url(bed.unique(), path="/search"), config=config, slo=None)
            self.curl(self.url(bed.unique(), fail=1, how=500), config=config, slo=None)
        self.assertEqual(self.counted(), (2, 0))
        self.assertEqual(self.entry()["status"], "healthy")

    def test_connections_count_too(self):
        code = ("import socket, sys\n"
                "for port in sys.argv[1:]:\n"
                "    try:\n"
                "        socket.create_connection(('localhost', int(port))).close()\n"
                "    except OSError:\n"
                "        pass\n")
        env = bed.hardened_environment(self.state, slo="99%", retry="off", breaker="off")
        bed.run(["python3", "-c", code, str(self.http.port)], env)
        slo = self.entry()["slo"]
        self.assertEqual((slo["good"], slo["bad"]), (1, 0))


if __name__ == "__main__":
    unittest.main()
