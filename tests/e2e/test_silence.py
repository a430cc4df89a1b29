# SPDX-License-Identifier: MIT
"""Silence, secrets, the switches, and the contents of the health files and the event log."""
import base64
import datetime
import json
import os
import re
import unittest

import bed

GOOD = bed.body_of(64)
HOST_FIELDS = {
    "kind": str, "status": str, "since": (str, type(None)), "consecutive_failures": int,
    "last_success": (str, type(None)), "last_failure": (str, type(None)),
    "last_error": (dict, type(None)), "requests": int, "attempts": int, "successes": int,
    "failures": int, "retries": int, "recovered": int, "exhausted": int, "failures_by": dict,
    "duration_ms": dict, "rate": (dict, type(None)), "budget": (dict, type(None)),
    "breaker": dict}
METRICS = {"harden_requests_total", "harden_failures_total", "harden_attempts_total", "harden_retries_total",
           "harden_rate_limited_total", "harden_rate_wait_seconds_total",
           "harden_concurrency_limited_total", "harden_concurrency_wait_seconds_total",
           "harden_retry_budget_available", "harden_retry_budget_denied_total",
           "harden_breaker_open",
           "harden_breaker_rejected_total", "harden_slow_attempts_total", "harden_health_status",
           "harden_request_duration_seconds", "harden_hosts", "harden_internal_errors_total",
           "harden_snapshot_timestamp_seconds"}


def read(path):
    with open(path, "rb") as f:
        return f.read()


def timeless(err):
    """Removes the time that a connection took to fail, which curl prints and which varies."""
    return re.sub(rb"after \d+ ms", b"after N ms", err)


class Silence(bed.Bed):
    def test_output_of_programs_is_the_same_to_the_byte(self):
        key = bed.unique("quiet")
        commands = [["curl", "-sS", self.url(key)], ["curl", "-s", self.url(key, fail=-1)],
                    ["curl", "-sS", "-f", self.url(key, fail=-1)],
                    ["curl", "-sS", self.url(key, fail=-1, how="rst")],
                    ["curl", "-sS", "http://127.0.0.1:1/"], ["curl", "-sS", "http://no.invalid/"],
                    ["curl", "-sSi", self.url(key, fail=-1, how="429", ra="99999")],
                    ["curl"], ["curl", "--version"], ["curl", "-sS", "nothing://x"]]
        for command in commands:
            plain, shim = bed.bare(command), bed.hardened(command, reached=False)
            self.assertEqual((shim.status, shim.out, timeless(shim.err)),
                             (plain.status, plain.out, timeless(plain.err)), command)

    def test_the_log_goes_to_the_configured_place(self):
        log = os.path.join(bed.fresh_dir(), "log")
        outcome = bed.hardened(["curl", "-sS", self.url(bed.unique(), fail=1)], log="info",
                               log_to=log)
        self.assertEqual((outcome.out, outcome.err), (GOOD, b""))
        self.assertIn(b"retry", read(log))
        outcome = bed.hardened(["curl", "-sS", self.url(bed.unique(), fail=1)], log="info")
        self.assertIn(b"harden", outcome.err)
        self.assertEqual(outcome.out, GOOD)

    def test_nothing_secret_is_written_anywhere(self):
        directory, state = bed.fresh_dir(), bed.fresh_dir("state")
        log, events = os.path.join(directory, "log"), os.path.join(directory, "events")
        secrets = ["pathsecret", "querysecret", "usersecret", "passsecret", "headersecret",
                   "bodysecret", "cookiesecret", "fragmentsecret", "failsecret", "proxysecret"]
        port = self.http.port

        def curl(*arguments, **options):
            bed.hardened(["curl", "-s", *arguments], state=state, log="debug", log_to=log,
                         events=events, reached=False, **options)
        url = (f"http://usersecret:passsecret@localhost:{port}/pathsecret/x?key=querysecret"
               "&fcookie=failsecret&fail=2#fragmentsecret")
        common = ["-H", "X-Api-Key: headersecret", "-b", "c=cookiesecret", "-d", "bodysecret"]
        curl("-X", "PUT", *common, url)
        curl(*common, url + "1")
        curl("-X", "PUT", *common, url.replace("fail=2", "fail=-1&how=rst"))
        curl("-x", f"http://usersecret:proxysecret@localhost:{port}", "-H",
             "X-Api-Key: headersecret", url, per="host+header:X-Api-Key", rate="2/60s",
             on_limit="fail")
        curl("-H", "X-Api-Key: headersecret", url, url, per="host+header:X-Api-Key",
             rate="1/60s", on_limit="fail")
        curl(f"http://usersecret:passsecret@localhost:1/pathsecret?querysecret")
        curl(f"http://usersecret:passsecret@no-host.invalid/pathsecret?querysecret")
        curl("-L", self.url("r", to=f"http:%2F%2Flocalhost:{port}%2Fpathsecret%3Fkey=querysecret"))
        curl("http://local host/pathsecret?querysecret")
        curl(url, rate="querysecret")
        secrets += [base64.b64encode(b"usersecret:" + s).decode().rstrip("=")
                    for s in (b"passsecret", b"proxysecret")]
        files = [log, events] + [os.path.join(state, n) for n in os.listdir(state)]
        self.assertTrue({bed.BOARD, "health.json", "metrics.prom"} <= set(os.listdir(state)))
        self.assertGreater(os.path.getsize(log), 100)
        self.assertGreater(os.path.getsize(events), 100)
        for path in files:
            data = read(path).replace(b"querysecret' ", b"")
            for secret in secrets:
                if path == log and secret == "querysecret":
                    # The wrong value of a setting is quoted in its message; no other line may
                    # contain it.
                    data = b"\n".join(line for line in data.split(b"\n")
                                      if b"HARDEN_RATE" not in line)
                self.assertNotIn(secret.encode(), data, os.path.basename(path))

    def test_files_are_private(self):
        outcome = bed.hardened(["curl", "-sS", self.url(bed.unique())])
        for name in (bed.BOARD, "health.json", "metrics.prom"):
            mode = os.stat(os.path.join(outcome.state, name)).st_mode
            self.assertEqual(mode & 0o077, 0, name)
        self.assertEqual([n for n in os.listdir(outcome.state)
                          if n not in (bed.BOARD, "health.json", "metrics.prom")], [])


class Switches(bed.Bed):
    def as_bare(self, **options):
        """Checks that a failing transfer with these options behaves like a bare one; returns the
        run."""
        key = bed.unique("off")
        command = ["curl", "-sSi", self.url(key, fail=-1)]
        plain = bed.bare(command)
        shim = bed.hardened(command, reached=False, **options)
        self.assertEqual((shim.status, shim.out, shim.err),
                         (plain.status, plain.out, plain.err))
        self.assertEqual(len(self.http.log(key)), 2, "one request each")
        return shim

    def test_the_kill_switch(self):
        shim = self.as_bare(disable="1", state=os.path.join(bed.fresh_dir(), "state"))
        self.assertFalse(os.path.exists(shim.state))

    def test_mode_off(self):
        self.as_bare(mode="off")

    def test_programs_that_are_excluded(self):
        self.as_bare(programs="!curl")
        self.as_bare(programs="wget")

    def test_retry_off_still_counts(self):
        shim = self.as_bare(retry="off")
        (host,) = shim.health["checks"].values()
        self.assertEqual((host["attempts"], host["failures"], host["retries"]), (1, 1, 0))

    def test_observe_changes_nothing_but_counts(self):
        events = os.path.join(bed.fresh_dir(), "events")
        shim = self.as_bare(mode="observe", events=events)
        (host,) = shim.health["checks"].values()
        self.assertEqual((host["requests"], host["attempts"], host["failures"]), (1, 1, 1))
        lines = [json.loads(line) for line in read(events).splitlines()]
        self.assertIn("retry", [line["event"] for line in lines])

    def test_observe_does_not_limit(self):
        env = bed.hardened_environment(mode="observe", rate="1/60s", on_limit="fail",
                                       breaker_failures="1", retry="off")
        key = bed.unique("observe")
        for _ in range(4):
            outcome = bed.run(["curl", "-sS", self.url(key, fail=-1)], env)
            self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual(len(self.http.log(key)), 4)
        (host,) = outcome.health["checks"].values()
        self.assertEqual(host["requests"], 4)

    def test_a_program_with_a_private_state(self):
        shim = bed.hardened(["curl", "-sS", self.url(bed.unique(), fail=1)], state="private",
                            reached=False)
        self.assertEqual((shim.status, shim.out, shim.err), (0, GOOD, b""))


class Health(bed.Bed):
    def one(self, *urls, status=0, **options):
        outcome = bed.hardened(["curl", "-sS", "-o", "/dev/null", *urls], **options)
        self.assertEqual(outcome.status, status, outcome.err)
        return outcome

    def test_the_snapshot_has_every_field_of_its_schema(self):
        outcome = self.one(self.url(bed.unique(), fail=2), rate="60/1m")
        h = outcome.health
        self.assertEqual(h["schema"], "harden.health/1")
        self.assertEqual((h["service"], h["overall_status"], h["healthy"], h["failed"]),
                         ("curl", "healthy", True, []))
        for name in ("pid", "seq"):
            self.assertIsInstance(h[name], int)
        moments = [datetime.datetime.strptime(h[n], "%Y-%m-%dT%H:%M:%S.%fZ")
                   for n in ("time", "expires")]
        self.assertLess(moments[0], moments[1])
        age = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - moments[0]
        self.assertLess(abs(age.total_seconds()), 5)
        self.assertEqual(len(h["checks"]), 1)
        (name, host), = h["checks"].items()
        self.assertIn("localhost", name)
        for field, kind in HOST_FIELDS.items():
            self.assertIsInstance(host[field], kind, field)
        self.assertEqual(host["kind"], "passive")
        self.assertEqual(set(host["failures_by"]), {"dns", "connect", "tls", "timeout", "reset",
                                                    "http_5xx", "throttled", "other"})
        self.assertEqual(set(host["duration_ms"]), {"count", "mean", "p50", "p95", "p99", "max"})
        self.assertEqual(set(host["rate"]), {"limit", "window_s", "available", "waited",
                                             "waited_s", "rejected"})
        self.assertEqual(set(host["budget"]), {"available", "capacity", "denied"})
        self.assertEqual(set(host["breaker"]), {"state", "opened", "rejected", "slow"})
        self.assertEqual((host["rate"]["limit"], host["rate"]["window_s"]), (60, 60))
        self.assertAlmostEqual(host["rate"]["available"], 57, delta=2)
        for name in ("requests", "attempts", "retries", "recovered", "rejected", "hosts"):
            self.assertIsInstance(h["totals"][name], int)
        c = h["coverage"]
        self.assertIn("curl_easy_perform", c["hooks"])
        self.assertEqual(c["libcurl"][0]["version"], ".".join(map(str, bed.libcurl_version())))
        self.assertEqual(c["libcurl"][0]["node"], "CURL_OPENSSL_4")
        self.assertTrue(os.path.isabs(c["libcurl"][0]["path"]))
        self.assertEqual((c["transfers_easy"], c["transfers_multi"], c["internal_errors"]),
                         (1, 0, 0))

    def test_the_numbers_are_those_of_the_server(self):
        keys = [bed.unique("n") for _ in range(4)]
        outcome = self.one(self.url(keys[0]), self.url(keys[1], fail=1),
                           self.url(keys[2], fail=2), self.url(keys[3], fail=-1))
        (host,) = outcome.health["checks"].values()
        seen = sum(len(self.http.log(k)) for k in keys)
        self.assertEqual(seen, 1 + 2 + 3 + 3)
        self.assertEqual(
            {k: host[k] for k in ("requests", "attempts", "successes", "failures", "retries",
                                  "recovered", "exhausted")},
            {"requests": 4, "attempts": seen, "successes": 3, "failures": 1, "retries": 5,
             "recovered": 2, "exhausted": 1})
        self.assertEqual(host["failures_by"]["http_5xx"], 1)
        self.assertEqual(sum(host["failures_by"].values()), 1)
        self.assertEqual(host["duration_ms"]["count"], seen)
        self.assertEqual(host["last_error"]["http"], 503)
        totals = outcome.health["totals"]
        self.assertEqual((totals["requests"], totals["attempts"], totals["hosts"]), (4, seen, 1))

    def test_a_failing_host_becomes_unhealthy_and_recovers(self):
        state = bed.fresh_dir("state")
        bad = self.url(bed.unique(), fail=-1)
        outcome = self.one(bad, bad, bad, state=state, retry="off", breaker="off")
        self.assertEqual((outcome.health["overall_status"], outcome.health["healthy"]),
                         ("unhealthy", False))
        (name, host), = outcome.health["checks"].items()
        self.assertEqual((host["status"], host["consecutive_failures"]), ("unhealthy", 3))
        self.assertEqual(outcome.health["failed"], [name])
        outcome = self.one(self.url(bed.unique()), state=state)
        self.assertEqual(outcome.health["overall_status"], "healthy")

    def test_one_failing_host_of_two_is_degraded(self):
        bad = [self.url(bed.unique(), fail=-1)] * 3
        other = self.url(bed.unique()).replace("localhost", "127.0.0.1")
        h = self.one(*bad, other, retry="off").health
        self.assertEqual((h["overall_status"], len(h["failed"]), len(h["checks"])),
                         ("degraded", 1, 2))

    def test_metrics_are_prometheus_text_and_agree_with_the_snapshot(self):
        outcome = self.one(self.url(bed.unique(), fail=2), self.url(bed.unique()), rate="60/1m")
        text = read(os.path.join(outcome.state, "metrics.prom")).decode()
        line_form = re.compile(r'^([a-z_]+)(\{([a-z_]+="[^"\n]*",?)*\})? (\+Inf|[-+.0-9e]+)$')
        values, names = {}, set()
        for line in text.splitlines():
            if line.startswith("#"):
                self.assertRegex(line, r"^# (HELP|TYPE) harden_[a-z_]+ ")
                continue
            m = line_form.match(line)
            self.assertTrue(m, line)
            names.add(re.sub("_(bucket|sum|count)$", "", m.group(1)))
            self.assertNotIn((m.group(1), m.group(2)), values, "duplicate series")
            values[m.group(1), m.group(2)] = float(m.group(4))
        self.assertLessEqual(METRICS, names)

        def total(name, text=""):
            return sum(v for (n, labels), v in values.items()
                       if n == name and text in (labels or ""))
        self.assertEqual(total("harden_requests_total"), 2)
        self.assertEqual(total("harden_attempts_total"), 4)
        self.assertEqual(total("harden_retries_total"), 2)
        self.assertEqual(total("harden_request_duration_seconds_count"), 4)
        self.assertEqual(total("harden_request_duration_seconds_bucket", 'le="+Inf"'), 4)
        buckets = [v for (n, labels), v in values.items()
                   if n == "harden_request_duration_seconds_bucket"]
        self.assertEqual(buckets, sorted(buckets), "a cumulative histogram")

    def test_snapshots_can_be_put_elsewhere_or_left_out(self):
        directory = bed.fresh_dir()
        path = os.path.join(directory, "my-health.json")
        outcome = bed.hardened(["curl", "-sS", self.url(bed.unique())], snapshot=path,
                               metrics="none", reached=False)
        self.assertEqual(json.loads(read(path))["schema"], "harden.health/1")
        self.assertEqual(os.listdir(outcome.state), [bed.BOARD])


class Events(bed.Bed):
    def lines(self, *arguments, runs=1, **options):
        events, state = os.path.join(bed.fresh_dir(), "events"), bed.fresh_dir("state")
        for _ in range(runs):
            bed.hardened(["curl", "-sS", "-o", "/dev/null", *arguments], state=state,
                         events=events, **options)
        if not os.path.exists(events):
            return []
        lines = [json.loads(line) for line in read(events).splitlines()]
        for line in lines:
            self.assertEqual(line["service"], "curl")
            self.assertIn("localhost", line["host"])
            for field in ("time", "pid", "event"):
                self.assertIn(field, line)
        return lines

    def of(self, lines, event):
        return [line for line in lines if line["event"] == event]

    def test_a_line_for_each_retry(self):
        lines = self.of(self.lines(self.url(bed.unique(), fail=2)), "retry")
        self.assertEqual([(x["attempt"], x["http"], x["reason"]) for x in lines],
                         [(1, 503, "http_5xx"), (2, 503, "http_5xx")])
        self.assertTrue(all(x["wait_ms"] >= 0 for x in lines))

    def test_a_line_for_each_retry_that_the_budget_denies(self):
        lines = self.lines(self.url(bed.unique(), fail=-1), runs=2, base_delay="10ms",
                           retry_budget="1%", retry_reserve="none")
        self.assertEqual(len(self.of(lines, "retry")), 1)
        self.assertEqual([(x["attempt"], x["http"], x["reason"]) for x in self.of(lines, "denied")],
                         [(2, 503, "http_5xx"), (1, 503, "http_5xx")])

    def test_no_line_without_an_event(self):
        self.assertEqual(self.lines(self.url(bed.unique())), [])

    def test_a_line_for_each_wait(self):
        url = self.url(bed.unique())
        lines = self.of(self.lines(url, url, url, rate="10/1s", burst="1"), "wait")
        self.assertEqual(len(lines), 2)
        self.assertEqual({x["reason"] for x in lines}, {"rate"})

    def test_a_line_for_each_refusal(self):
        url = self.url(bed.unique())
        lines = self.lines(url, runs=3, rate="1/60s", on_limit="fail")
        self.assertEqual(len(self.of(lines, "reject")), 2)

    def test_a_line_for_each_change_of_breaker_and_status(self):
        lines = self.lines(self.url(bed.unique(), fail=-1), runs=6, retry="off",
                           breaker_failures="4")
        (opened,) = self.of(lines, "breaker")
        self.assertEqual(opened["state"], "open")
        states = [x["state"] for x in self.of(lines, "health")]
        self.assertEqual(states[-1], "unhealthy")
        self.assertEqual(len(self.of(lines, "reject")), 2)


if __name__ == "__main__":
    unittest.main()
