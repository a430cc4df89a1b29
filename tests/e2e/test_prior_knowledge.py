# SPDX-License-Identifier: MIT
"""HTTP/2 with prior knowledge: a retry is not made on a connection that libcurl has spoilt."""
import os
import unittest

import bed
from h2c_server import H2cServer
from loops import FDSET, PERFORM, SOCKET_ACTION

CURL = ["curl", "-sS", "--http2-prior-knowledge", "-w",
        r"\n%{http_code} %{http_version} %{num_connects} %{exitcode}\n"]
POST = ["-d", "order=1"]
H2C = "c.setopt(c.HTTP_VERSION, 5)\n    c.setopt(c.WRITEDATA, c.body)"  # prior knowledge
ORDER = "\n    c.setopt(c.POSTFIELDS, 'order=1')"
ONE_CONNECTION = "m = pycurl.CurlMulti()\nm.setopt(pycurl.%s, 1)"
# This version cannot make two requests with prior knowledge on a connection.
BROKEN = (7, 88) <= bed.libcurl_version()[:2] < (8, 0)


class PriorKnowledge(bed.Bed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.h2c = H2cServer().start()

    @classmethod
    def tearDownClass(cls):
        cls.h2c.stop()
        super().tearDownClass()

    def path(self, **query):
        return f"/{bed.unique('h2c')}?" + "&".join(f"{k}={v}" for k, v in query.items())

    def connections(self, path, requests):
        """Checks how many requests the server saw; returns how many connections they used."""
        log = self.h2c.log(path)
        self.assertEqual(len(log), requests, path)
        return len(set(log))

    def test_a_refused_request_is_repeated_on_a_connection_that_works(self):
        for more, body in ([], "GET "), (POST, "POST order=1"):
            for status in "429", "503":
                path = self.path(fail=1, status=status, after=1)
                o = bed.hardened(CURL + more + [self.h2c.url + path])
                if status == "503" and more:  # it might have been carried out
                    self.assertEqual((o.status, o.text), (0, "busy\n503 2 1 0\n"))
                    self.assertEqual(self.connections(path, 1), 1)
                    continue
                self.assertEqual((o.status, o.err), (0, b""))
                self.assertEqual(o.text, f"{body}\n200 2 {int(BROKEN)} 0\n")
                self.assertEqual(self.connections(path, 2), 1 + BROKEN)

    def test_each_further_attempt_works(self):
        path = self.path(fail=3, after=0)
        o = bed.hardened(CURL + POST + [self.h2c.url + path], max_attempts="4", **bed.PATIENT)
        self.assertEqual((o.status, o.text), (0, f"POST order=1\n200 2 {int(BROKEN)} 0\n"))
        self.assertEqual(self.connections(path, 4), 4 if BROKEN else 1)

    def test_a_refusal_that_lasts_is_delivered(self):
        path = self.path(fail=9, after=0)
        wanted = bed.bare(CURL + POST + [self.h2c.url + path])
        o = bed.hardened(CURL + POST + [self.h2c.url + path])
        self.assertEqual((o.status, o.text.replace(" 2 0 0", " 2 1 0")), (0, wanted.text))

    def test_in_parallel_refused_requests_are_repeated(self):
        for more, body in ([], "GET "), (POST, "POST order=1"):
            # Each transfer begins on a connection of its own.
            command = CURL + ["--parallel", "--parallel-immediate", "--no-progress-meter", *more]
            paths = [self.path(fail=2, after=0, n=i) for i in range(5)]
            directory = bed.fresh_dir("h2c")
            for i, path in enumerate(paths):
                command += ["-o", os.path.join(directory, str(i)), self.h2c.url + path]
            o = bed.hardened(command, **bed.PATIENT)
            self.assertEqual((o.status, o.err), (0, b""))
            self.assertEqual({line[:5] for line in o.text.split("\n") if line}, {"200 2"})
            for i, path in enumerate(paths):
                with open(os.path.join(directory, str(i)), encoding="ascii") as f:
                    self.assertEqual(f.read(), body)
                connections = self.connections(path, 3)
                if BROKEN:
                    self.assertEqual(connections, 3)

    def test_streams_that_fail_together_are_repeated(self):
        command = CURL + ["--parallel", "--no-progress-meter"]
        paths = [self.path(n=i, **{"break": int(i == 2)}) for i in range(6)]
        for path in paths:
            command += ["-o", "/dev/null", self.h2c.url + path]
        plain = bed.bare(command)
        self.assertIn("000 0 0 16", plain.text)
        with self.h2c.lock:
            self.h2c.seen.clear()
        o = bed.hardened(command, **bed.PATIENT)
        self.assertEqual((o.status, o.err), (0, b""))
        self.assertEqual([line[:5] for line in o.text.split("\n") if line], ["200 2"] * 6)

    def test_event_loops_repeat_refused_requests(self):
        for loop in PERFORM, FDSET, SOCKET_ACTION:
            for more in "", ORDER:
                program = loop.replace("c.setopt(c.WRITEDATA, c.body)", H2C + more)
                command = ["/usr/bin/python3", "-c", program]
                recovered = [self.h2c.url + self.path(n=i) for i in range(3)]
                wanted = bed.bare(command + recovered)
                self.assertIn("0 0 200", wanted.text)
                paths = [self.path(fail=1, after=1, n=i) for i in range(3)]
                o = bed.hardened(command + [self.h2c.url + path for path in paths], **bed.PATIENT)
                self.assertEqual((o.status, o.err, o.text), (0, b"", wanted.text))
                for path in paths:
                    self.connections(path, 2)

    def test_a_limit_of_one_connection_is_kept(self):
        for option in "M_MAX_TOTAL_CONNECTIONS", "M_MAX_HOST_CONNECTIONS":
            for loop in PERFORM, SOCKET_ACTION:
                program = loop.replace("c.setopt(c.WRITEDATA, c.body)", H2C + ORDER)
                program = program.replace("m = pycurl.CurlMulti()", ONE_CONNECTION % option)
                path = self.path(fail=2, after=0)
                o = bed.hardened(["/usr/bin/python3", "-c", program, self.h2c.url + path],
                                 **bed.PATIENT)
                self.assertEqual((o.status, o.err), (0, b""))
                self.assertIn("0 0 200", o.text)
                connections = self.connections(path, 3)
                if BROKEN:
                    self.assertEqual(connections, 3)

    def test_a_connection_that_was_spoilt_before_the_request_is_replaced(self):
        first, second = self.path(n=1), self.path(n=2)
        command = CURL + [self.h2c.url + first, self.h2c.url + second]
        plain = bed.bare(command)
        self.assertEqual(plain.status, 16 if BROKEN else 0)
        o = bed.hardened(command)
        self.assertEqual((o.status, o.err), (0, b""))
        self.assertEqual(o.text, f"GET \n200 2 1 0\nGET \n200 2 {int(BROKEN)} 0\n")

    def test_a_connection_whose_server_violates_the_protocol_is_replaced(self):
        path = self.path(**{"break": 1})
        plain = bed.bare(CURL + [self.h2c.url + path])
        self.assertNotEqual(plain.status, 0)
        path = self.path(**{"break": 2})
        o = bed.hardened(CURL + [self.h2c.url + path])
        self.assertEqual((o.status, o.text), (0, "GET \n200 2 1 0\n"))
        self.assertEqual(self.connections(path, 3), 3)


if __name__ == "__main__":
    unittest.main()
