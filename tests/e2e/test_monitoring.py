# SPDX-License-Identifier: MIT
"""The files and commands for monitoring, read with the tools that users have."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

import jsonschema

import bed

HARDEN = bed.LIBRARY.parent / "harden"
CURL = ["curl", "-sS", "-o", os.devnull]
READS = 100_000

with open(bed.ROOT / "conf/health.schema.json", encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)


def eventful(test, **options):
    """Returns a state directory with successes, failures, retries, waits and refusals."""
    state = bed.fresh_dir("state")
    key = bed.unique()
    script = f"""
curl -sS '{test.http.url}/?key={key}'
curl -sS '{test.http.url}/?key={key}f&fail=1'
curl -sS 'http://127.0.0.1:1/'
curl -sS --retry 0 'http://127.0.0.1:1/'
curl -sS 'http://no-such-name.invalid/'
for i in 1 2 3 4; do curl -sS '{test.http.url}/?key={key}'; done
"""
    bed.run(["sh", "-c", script], bed.hardened_environment(
        state, **{"rate": "127.0.0.1=1/1h,localhost=20/1s", "on_limit": "fail"} | options))
    return state


class Snapshot(bed.Bed):
    def test_the_schema_describes_the_whole_snapshot(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        validator = jsonschema.Draft202012Validator(SCHEMA)
        for options in ({}, {"service": "über \"quoted\"\\", "rate": None}, {"retry": "off"},
                        {"slo": "99.5%", "slo_latency": "1s"}):
            state = eventful(self, **options)
            with open(state + "/health.json", encoding="utf-8") as f:
                document = json.load(f)
            validator.validate(document)
            self.assertGreaterEqual(len(document["checks"]), 2)
            live = subprocess.run([HARDEN, "status", "--json"], capture_output=True, check=True,
                                  env=bed.environment({"HARDEN_STATE": state,
                                                       "HARDEN_CONFIG": "none"}))
            validator.validate(json.loads(live.stdout))

    def test_the_schema_describes_active_checks(self):
        validator = jsonschema.Draft202012Validator(SCHEMA)
        file = bed.fresh_file(f"""
[check well]
type = tcp
target = 127.0.0.1:{self.http.port}
interval = 100ms
[check sick]
type = http
target = http://127.0.0.1:1/secret/path?key=secret
interval = 100ms
[check later]
type = dns
target = localhost
""".encode())
        env = bed.hardened_environment(config=file, snapshot_interval="100ms", events="none")
        program = [sys.executable, "-c", "import socket, sys, time\n"
                   "socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()\n"
                   "time.sleep(60)\n", str(self.http.port)]
        p = bed.start(program, env)
        try:
            statuses = {}
            for _ in range(200):
                time.sleep(0.05)
                with contextlib.suppress(OSError):
                    with open(env["HARDEN_STATE"] + "/health.json", encoding="utf-8") as f:
                        text = f.read()
                    document = json.loads(text)
                    validator.validate(document)
                    self.assertNotIn("secret", text)
                    statuses = {name: c["status"] for name, c in document["checks"].items()
                                if c["kind"] != "passive"}
                    if statuses.get("sick") == "unhealthy" and statuses.get("well") == "healthy":
                        break
            self.assertEqual((statuses["well"], statuses["sick"]), ("healthy", "unhealthy"))
            self.assertIn("later", statuses)
            self.assertIn("sick", document["failed"])
        finally:
            p.kill()
            p.communicate()

    def test_the_schema_rejects_other_documents(self):
        validator = jsonschema.Draft202012Validator(SCHEMA)
        with open(eventful(self) + "/health.json", encoding="utf-8") as f:
            text = f.read()
        for wrong in (('"seq":', '"sequence":'), ('"kind":"passive"', '"kind":"psychic"'),
                      ('"healthy":true', '"healthy":1'), ('"p99":', '"p98":'),
                      ('"overall_status":"', '"overall_status":"very ')):
            self.assertIn(wrong[0], text)
            self.assertFalse(validator.is_valid(json.loads(text.replace(*wrong))), wrong)


class TornReads(bed.Bed):
    alone = True

    def test_a_reader_never_sees_half_a_file(self):
        """Half of the reads are of each file, while two programs write both as often as they can."""
        env = bed.hardened_environment(snapshot_interval="100ms")
        # Each change of a host's status is written at once.
        loop = (f"while :; do curl -sS -o {os.devnull} '{self.http.url}/?key={bed.unique()}'; "
                "curl -sS http://127.0.0.1:1/; done 2>/dev/null")
        env |= {"HARDEN_UNHEALTHY_AFTER": "1", "HARDEN_BREAKER": "off", "HARDEN_RETRY": "off"}
        writers = [bed.start(["sh", "-c", loop], env, start_new_session=True) for _ in range(2)]
        paths = [env["HARDEN_STATE"] + "/" + name for name in ("health.json", "metrics.prom")]
        try:
            while not all(os.path.exists(path) for path in paths):
                time.sleep(0.01)
            seen = [set(), set()]
            for i in range(READS):
                with open(paths[i % 2], "rb") as f:
                    text = f.read()
                if text in seen[i % 2]:
                    continue
                seen[i % 2].add(text)
                if i % 2:
                    self.assertRegex(text, rb"\nharden_snapshot_timestamp_seconds\S* [\d.e+]+\n$")
                else:
                    self.assertEqual(json.loads(text)["schema"], "harden.health/1")
            self.assertGreater(len(seen[0]), 10)
        finally:
            for p in writers:
                os.killpg(p.pid, signal.SIGKILL)
                p.communicate()


class Metrics(bed.Bed):
    CONTRACT = """harden_requests_total harden_failures_total harden_attempts_total harden_retries_total
        harden_rate_limited_total harden_rate_wait_seconds_total harden_rate_tokens_available
        harden_concurrency_limited_total harden_concurrency_wait_seconds_total harden_concurrency_limit
        harden_requests_in_flight harden_requests_waiting
        harden_retry_budget_available harden_retry_budget_denied_total harden_breaker_open
        harden_breaker_rejected_total harden_slow_attempts_total harden_paused_seconds
        harden_adaptive_rate harden_observed_adaptive_rate
        harden_health_status harden_request_duration_seconds harden_hosts
        harden_fallback_used_total harden_place_attempts_total
        harden_slo_objective_ratio harden_slo_requests_total harden_slo_budget_left_ratio
        harden_slo_burn_rate harden_slo_burning
        harden_observed_total harden_observed_wait_seconds_total harden_service_info
        harden_internal_errors_total harden_snapshot_timestamp_seconds""".split()
    BUCKETS = ".005 .01 .025 .05 .075 .1 .25 .5 .75 1 2.5 5 7.5 10".split()

    def text(self, **options):
        with open(eventful(self, **options) + "/metrics.prom", encoding="utf-8") as f:
            return f.read()

    def test_promtool_accepts_them(self):
        for options in ({}, {"service": "über \"quoted\"\\"}, {"rate": None}, {"mode": "observe"},
                        {"slo": "99.5%"}):
            done = subprocess.run(["promtool", "check", "metrics"], input=self.text(**options),
                                  text=True, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_they_are_exactly_those_of_the_contract(self):
        text = self.text()
        self.assertEqual(set(re.findall(r"(?m)^# TYPE (\S+)", text)), set(self.CONTRACT))
        self.assertEqual(set(re.findall(r"(?m)^# HELP (\S+)", text)), set(self.CONTRACT))
        bounds = set(re.findall(r'le="([\d.]+)"', text))
        self.assertEqual({float(b) for b in bounds}, {float(b) for b in self.BUCKETS})

    def served(self, directory):
        """Returns the metrics that node_exporter makes of the files in a directory."""
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        exporter = subprocess.Popen(
            ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}",
             "--collector.disable-defaults", "--collector.textfile",
             f"--collector.textfile.directory={directory}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as r:
                        served = r.read().decode()
                    break
                except OSError:
                    time.sleep(0.05)
            else:
                self.fail("node_exporter does not answer")
        finally:
            exporter.terminate()
            exporter.wait()
        self.assertIn("node_textfile_scrape_error 0", served)
        return "".join(re.findall(r"(?m)^(?:# (?:HELP|TYPE) )?harden_.*\n", served))

    def test_node_exporter_serves_them(self):
        state = eventful(self)
        served = self.served(state)
        with open(state + "/metrics.prom", encoding="utf-8") as f:
            own = [line for line in f.read().splitlines() if not line.startswith("#")]
        numbers = {self.sample(line) for line in served.splitlines() if line[0] != "#"}
        for line in own:
            self.assertIn(self.sample(line), numbers)
        self.assertGreater(len(own), 50)

    @unittest.skipIf(os.getuid(), "needs the right to become another user")
    def test_those_of_two_users_and_of_two_boards_of_a_user_are_scraped_together(self):
        """The programs of a user take turns to write the file of their board."""
        together, other = bed.fresh_dir("textfile"), bed.fresh_dir("state")
        os.chmod(os.path.dirname(other), 0o755)
        env = bed.hardened_environment(metrics="auto")
        del env["HARDEN_STATE"]
        env.pop("XDG_RUNTIME_DIR", None)
        for n, (user, state) in enumerate(((64101, None), (64102, None), (64102, other))):
            own = state or f"/dev/shm/harden-{user}"
            if state:
                os.chown(state, user, user)
            else:
                self.addCleanup(shutil.rmtree, own, True)
            for service in ("web", "nightly", "web"):
                more = {"HARDEN_SERVICE": service} | ({"HARDEN_STATE": state} if state else {})
                subprocess.run([*CURL, f"{self.http.url}/?key={bed.unique()}&fail=1"], check=True,
                               env=env | more, user=user, group=user, extra_groups=[])
            shutil.copy(own + "/metrics.prom", f"{together}/{n}.prom")
        served = self.served(together)
        host = f"localhost:{self.http.port}"
        samples = [self.sample(line) for line in served.splitlines() if line[0] != "#"]
        requests = {labels for name, labels, value in samples
                    if name == "harden_requests_total" and value == 3}
        self.assertEqual(
            {tuple(p for p in labels if p[1]) for labels in requests},
            {tuple(sorted({"user": user, "host": host, "outcome": "success"}.items() | board))
             for user, board in (("64101", set()), ("64102", set()),
                                 ("64102", {("board", other)}))})
        checked = subprocess.run(["promtool", "check", "metrics"], text=True, capture_output=True,
                                 input=served, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    @staticmethod
    def sample(line):
        name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
        pairs = re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', labels or "")
        return name, tuple(sorted((k, float(v) if k == "le" else v) for k, v in pairs)), float(value)

    def test_they_agree_with_the_snapshot(self):
        state = eventful(self)
        with open(state + "/metrics.prom", encoding="utf-8") as f:
            samples = [self.sample(line) for line in f.read().splitlines() if line[0] != "#"]
        with open(state + "/health.json", encoding="utf-8") as f:
            document = json.load(f)

        def total(name, host, **wanted):
            return sum(value for n, labels, value in samples
                       if n == name and dict(labels).get("host") == host and
                       all(dict(labels).get(k) == v for k, v in wanted.items()))

        for host, check in document["checks"].items():
            self.assertEqual(total("harden_attempts_total", host), check["attempts"], host)
            self.assertEqual(total("harden_retries_total", host), check["retries"], host)
            self.assertEqual(total("harden_request_duration_seconds_count", host),
                             check["duration_ms"]["count"], host)
            for reason, n in check["failures_by"].items():
                self.assertEqual(total("harden_failures_total", host, reason=reason), n, reason)
            self.assertEqual(total("harden_failures_total", host), check["failures"], host)
            self.assertEqual(total("harden_requests_total", host, outcome="success"),
                             check["successes"], host)
            self.assertEqual(total("harden_health_status", host),
                             ["healthy", "degraded", "unhealthy"].index(check["status"]), host)
            self.assertEqual(total("harden_breaker_open", host),
                             check["breaker"]["state"] == "open", host)


class Concurrent(unittest.TestCase):
    """Two readers of the command while the board changes."""

    def test_each_document_is_consistent(self):
        server = bed.server()
        env = bed.hardened_environment()
        loop = f"while :; do curl -sS -o {os.devnull} '{server.url}/?key={bed.unique()}'; done"
        p = bed.start(["sh", "-c", loop], env, start_new_session=True)
        reader = {k: v for k, v in env.items() if k != "LD_PRELOAD"}
        problems = []

        def read():
            for _ in range(40):
                done = subprocess.run([HARDEN, "status", "--json"], env=reader, text=True,
                                      capture_output=True, check=False)
                if done.returncode:
                    continue  # not created yet
                document = json.loads(done.stdout)
                for check in document["checks"].values():
                    if check["duration_ms"]["count"] != check["attempts"]:
                        problems.append(check)
                if document["totals"]["attempts"] != sum(c["attempts"]
                                                         for c in document["checks"].values()):
                    problems.append(document["totals"])

        threads = [threading.Thread(target=read) for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        server.stop()
        self.assertEqual(problems, [])
