# SPDX-License-Identifier: MIT
"""Attempts at another place of the same name, with real libcurls and TLS."""
import json
import os
import re

import bed
import events
import servers
from fault_server import FaultServer
from loops import FDSET, PERFORM, SOCKET_ACTION
from test_command import HARDEN

CURL = ["curl", "-sS", "--no-progress-meter"]
INFO = r"%{exitcode} %{http_code} %{url_effective} %{remote_ip} %{num_connects}\n"


class FallbackOfCurl(bed.Bed):
    """The place is 127.0.0.2, which the certificate does not name."""
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, cert, key = bed.certificates()
        cls.backup = FaultServer(host="127.0.0.2").start()
        cls.tls_backup = FaultServer(cert, key, host="127.0.0.2").start()
        cls.curl = CURL + ["--cacert", cls.ca]

    @classmethod
    def tearDownClass(cls):
        cls.backup.stop()
        cls.tls_backup.stop()
        super().tearDownClass()

    @staticmethod
    def place(server):
        return f"127.0.0.2:{server.port}"

    def run_curl(self, server, *arguments, **options):
        # A delay that no test waits for: only an attempt at another place follows at once.
        options = {"base_delay": "1h", "max_delay": "1h", "max_elapsed": "2h", "retry_budget": "off",
                   "jitter": "none", "fallback": self.place(server), **options}
        return bed.hardened(self.curl + list(arguments), **options)

    def test_a_place_serves_what_the_name_refuses_and_the_certificate_is_that_of_the_name(self):
        port, key = servers.free_port(), bed.unique()
        url = f"https://localhost:{port}/get?key={key}"
        outcome = self.run_curl(self.tls_backup, "-w", INFO, url)
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertIn(f"0 200 {url} 127.0.0.2 1", outcome.text)
        (seen,) = self.tls_backup.log(key)
        self.assertEqual(seen["headers"]["host"], f"localhost:{port}")

    def test_a_place_with_a_certificate_of_another_name_never_gets_a_request(self):
        port, key = servers.free_port(), bed.unique()
        outcome = self.run_curl(self.tls_backup, "-w", INFO,
                                f"https://127.0.0.3:{port}/get?key={key}")
        self.assertEqual(outcome.status, 7, "that of the name itself")
        self.assertIn(str(port), outcome.err.decode())
        self.assertIn("7 000 ", outcome.text)
        self.assertEqual(self.tls_backup.log(key), [])

    def test_event_loops_reach_the_other_place(self):
        for loop in PERFORM, FDSET, SOCKET_ACTION:
            keys = [bed.unique() for _ in range(5)]
            urls = [self.url(key, fail=1, how="rst", size=30000) for key in keys]
            wanted = bed.bare(["/usr/bin/python3", "-c", loop,
                               *(self.url(key, size=30000) for key in keys)])
            for key in keys:
                self.http.reset(key)
                self.backup.seen(key, 1)
            outcome = bed.hardened(["/usr/bin/python3", "-c", loop, *urls],
                                   fallback=self.place(self.backup))
            self.assertEqual((outcome.status, outcome.err, outcome.text), (0, b"", wanted.text))
            self.assertEqual([(len(self.http.log(k)), len(self.backup.log(k))) for k in keys],
                             [(1, 1)] * 5)

    def test_connections_of_two_places_are_never_mixed(self):
        keys = [bed.unique() for _ in range(4)]
        self.backup.seen(keys[1], 1)
        urls = [self.url(keys[0]), self.url(keys[1], fail=1), self.url(keys[2]), self.url(keys[3])]
        outcome = self.run_curl(self.backup, "-w", INFO, *urls)
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        own = {e["connection"] for k in keys for e in self.http.log(k)}
        self.assertEqual([len(self.http.log(k)) for k in keys], [1, 1, 1, 1])
        self.assertEqual([len(self.backup.log(k)) for k in keys], [0, 1, 0, 0])
        self.assertEqual(len(own), 1)
        self.assertEqual(re.findall(r"0 200 \S+ (\S+) (\d+)\n", outcome.text),
                         [("127.0.0.1", "1"), ("127.0.0.2", "1"), ("127.0.0.1", "0"),
                          ("127.0.0.1", "0")])

    def test_streams_of_http2_are_never_mixed(self):
        backup = bed.server()
        own, other = servers.nginx(self.http.port), servers.nginx(backup.port, host="127.0.0.2")
        for server in own, other, backup:
            self.addCleanup(server.stop)
        keys = [bed.unique() for _ in range(20)]
        for key in keys:
            backup.seen(key, 1)
        urls = [f"https://localhost:{own.tls_port}/fault/get?key={key}&fail={i % 2}&size={1000 + i}"
                for i, key in enumerate(keys)]
        results = {}
        for runs in (["--parallel"], []):
            outcome = bed.hardened(self.curl + ["--http2", *runs, "-w", r"%{http_version}\n", *urls],
                                   fallback=f"127.0.0.2:{other.tls_port}", **bed.PATIENT)
            self.assertEqual((outcome.status, outcome.err), (0, b""))
            self.assertEqual(outcome.text.count("2\n"), 20)
            results[bool(runs)] = [(len(self.http.log(k)), len(backup.log(k))) for k in keys]
            for key in keys:
                self.http.reset(key)
                backup.reset(key)
                backup.seen(key, 1)
        self.assertEqual(results, {True: [(1, 0), (1, 1)] * 10, False: [(1, 0), (1, 1)] * 10})

    def test_a_redirect_at_the_place_to_another_host_goes_there(self):
        key, there = bed.unique(), bed.unique()
        to = f"http://127.0.0.1:{self.http.port}/get?key={there}".replace("?", "%3F")
        self.backup.seen(key, 1)
        outcome = self.run_curl(self.backup, "-L", self.url(key, fail=1, to=to))
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual(len(self.backup.log(key)), 1)
        self.assertEqual((len(self.http.log(there)), len(self.backup.log(there))), (1, 0))

    def test_a_redirect_at_the_place_to_the_same_name_stays_there(self):
        key, there = bed.unique(), bed.unique()
        self.backup.seen(key, 1)
        outcome = self.run_curl(self.backup, "-L", self.url(key, fail=1, to=f"/get%3Fkey={there}"))
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual((len(self.http.log(there)), len(self.backup.log(there))), (0, 1))

    def test_a_program_that_has_chosen_the_place_keeps_it(self):
        key = bed.unique()
        own = f"localhost:{self.http.port}:127.0.0.1:{self.http.port}"
        outcome = self.run_curl(self.backup, "--connect-to", own, self.url(key, fail=1),
                                base_delay="10ms")
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual((len(self.http.log(key)), len(self.backup.log(key))), (2, 0))

    def test_through_an_http_proxy_the_place_is_reached_by_a_tunnel(self):
        key = bed.unique()
        proxy = FaultServer().start()
        self.addCleanup(proxy.stop)
        self.backup.seen(key, 1)
        outcome = self.run_curl(self.backup, "-x", proxy.url, "--proxy-header", f"X-Key: {key}",
                                self.url(key, fail=1))
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual([e["target"] for e in proxy.log("CONNECT " + key)],
                         [self.place(self.backup)])
        self.assertEqual(len(proxy.log(key)), 1, "the first attempt has no tunnel")
        self.assertEqual(len(self.backup.log(key)), 1)

    def test_cookies_and_credentials_are_those_of_the_name(self):
        key, jar = bed.unique(), os.path.join(bed.fresh_dir(), "jar")
        self.backup.seen(key, 1)
        outcome = self.run_curl(self.backup, "-u", "me:secret", "-c", jar, "-b", "have=1",
                                self.url(key, fail=1, cookie="took"))
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        (seen,) = self.backup.log(key)
        self.assertEqual((seen["headers"]["cookie"], seen["headers"]["authorization"]),
                         ("have=1", "Basic bWU6c2VjcmV0"))
        with open(jar, encoding="ascii") as f:
            self.assertIn("localhost\tFALSE\t/\tFALSE\t0\ttook\tgood", f.read())

    def test_a_fallback_that_is_never_used_changes_nothing(self):
        for tls, backup in (False, self.backup), (True, self.tls_backup):
            server, results = self.https if tls else self.http, []
            for run in bed.bare, bed.hardened:
                key = bed.unique()
                urls = [self.url(key, tls, fail=1, how="404"), self.url(key, tls, te="chunked")]
                options = {} if run is bed.bare else {"fallback": self.place(backup)}
                outcome = run(self.curl + ["-i", "-w", INFO, "-d", "x=1", *urls], **options)
                log = [(e["method"], e["headers"], e["sha256"]) for e in server.log(key)]
                results.append((outcome.status, outcome.err,
                                outcome.text.replace(key, "KEY"), str(log).replace(key, "KEY")))
                self.assertEqual(backup.log(key), [])
            self.assertEqual(*results)

    def test_events_say_where_attempts_are_made(self):
        key, directory = bed.unique(), bed.fresh_dir()
        files = {name: os.path.join(directory, name) for name in ("events", "trace")}
        self.backup.seen(key, 1)
        self.run_curl(self.backup, self.url(key, fail=1), **files)
        host, place = f"localhost:{self.http.port}", self.place(self.backup)
        seen = [(e["event"], e["host"], e.get("attempt"), e.get("place"))
                for e in events.read(files["trace"]) if "id" in e]
        self.assertEqual(seen, [("attempt", host, 1, None), ("retry", host, 1, place),
                                ("attempt", host, 2, place), ("end", host, None, place)])
        (retry,) = (e for e in events.read(files["events"]) if e["event"] == "retry")
        self.assertEqual((retry["wait_ms"], retry["place"]), (0, place))

    def command(self, state, *arguments):
        return bed.run([HARDEN, *arguments], bed.environment({"HARDEN_CONFIG": "none",
                                                              "HARDEN_STATE": state}))

    def test_status_health_and_report_have_a_row_for_each_place(self):
        state, port = bed.fresh_dir("state"), servers.free_port()
        for _ in range(6):
            key = bed.unique()
            self.assertEqual(self.run_curl(self.backup, f"http://localhost:{port}/get?key={key}",
                                           state=state, breaker_after="0s").status, 0)
            self.assertEqual(len(self.backup.log(key)), 1)
        host = f"localhost:{port}"
        own, other = f"{host} via itself", f"{host} via {self.place(self.backup)}"
        with open(os.path.join(state, "health.json"), encoding="utf-8") as f:
            health = json.load(f)
        checks = health["checks"]
        self.assertEqual({name: (c["status"], c["breaker"]["state"], c["requests"], c["attempts"],
                                 c["failures"], c["fallback_used"]) for name, c in checks.items()},
                         {host: ("healthy", "closed", 6, 11, 0, 6),
                          own: ("unhealthy", "open", 5, 5, 5, 0),
                          other: ("healthy", "closed", 6, 6, 0, 0)})
        self.assertEqual((health["overall_status"], health["totals"]["requests"]), ("degraded", 6))
        for arguments in ("status",), ("status", "--host", host), ("report",):
            text = self.command(state, *arguments).text
            for name in own, other:
                self.assertIn(name, text, arguments)
        self.assertIn("6 served by another place", self.command(state, "report").text)
        self.assertIn("cleared the limits, breaker and counters of 1 host\n",
                      self.command(state, "reset", host).text)
        self.assertNotIn("open", self.command(state, "status").text)

    def test_observe_mode_says_what_it_would_do_and_goes_nowhere_else(self):
        key, state = bed.unique(), bed.fresh_dir("state")
        outcome = self.run_curl(self.backup, self.url(key, fail=-1), state=state, mode="observe")
        self.assertEqual((outcome.status, len(self.http.log(key))), (0, 1))
        self.assertEqual(self.backup.log(key), [])
        entry = outcome.health["checks"][f"localhost:{self.http.port}"]
        self.assertEqual((entry["observed"]["would_fall_back"], entry["fallback_used"]), (1, 0))
