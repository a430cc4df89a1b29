# SPDX-License-Identifier: MIT
"""Many transfers on one HTTP/2 connection, and server push."""
import os
import re
import unittest

import bed
import servers
from loops import FDSET, PERFORM, SOCKET_ACTION

CURL = ["curl", "-sS", "--no-progress-meter", "--parallel", "--http2"]
H2 = """c.setopt(c.WRITEDATA, c.body)
    c.setopt(c.CAINFO, %r)
    c.setopt(c.HTTP_VERSION, c.CURL_HTTP_VERSION_2TLS)
    c.setopt(c.PIPEWAIT, 1)"""


# Pushed responses come later than their promises, and one after the other: libcurl 7.88 crashes
# when it reads the beginnings of several at once.
ONE, TWO = (f"/fault/pushed?key=pushed&size={size}&delay_ms={delay}"
            for size, delay in ((150000, 400), (77, 1600)))


class Http2(bed.Bed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        behind = f"proxy_pass http://127.0.0.1:{cls.http.port}/; proxy_next_upstream off;"
        cls.nginx = servers.nginx(cls.http.port, f"""
    location /few/ {{ keepalive_requests 5; {behind} }}
    location = /page {{ http2_push "{ONE}"; http2_push "{TWO}"; try_files /file.txt =404; }}
    location /busy/ {{ http2_push "{ONE}"; {behind} }}
""")
        cls.push = bed.compile_client("push")
        cls.loops = [["/usr/bin/python3", "-c",
                      loop.replace("c.setopt(c.WRITEDATA, c.body)", H2 % cls.ca)]
                     for loop in (PERFORM, FDSET, SOCKET_ACTION)]

    @classmethod
    def tearDownClass(cls):
        cls.nginx.stop()
        super().tearDownClass()

    def at(self, path):
        return f"https://localhost:{self.nginx.tls_port}{path}"

    def connections(self, key):
        """Returns the connections on which nginx saw requests with this key; all of them use
        HTTP/2."""
        with open(os.path.join(self.nginx.directory, "access.log"), encoding="ascii") as f:
            lines = [line.split() for line in f if f"key={key}&" in line]
        self.assertEqual({protocol for _, protocol, _, _ in lines}, {"HTTP/2.0"})
        return {connection for connection, _, _, _ in lines}

    def transfers(self, run, command, where, **faults):
        """Returns (outcome, requests that the server saw, connections)."""
        key = bed.unique("h2")
        # A key for each transfer, so that each has its own failures.
        keys = [f"{key}-{i}" for i in range(12)]
        query = "".join(f"&{n}={v}" for n, v in faults.items())
        urls = [self.at(f"{where}x?key={k}&size={100 + 3000 * i}{query}")
                for i, k in enumerate(keys)]
        outcome = run(command + urls, **(bed.PATIENT if run is bed.hardened else {}))
        return (outcome, [len(self.http.log(k)) for k in keys],
                set().union(*(self.connections(k) for k in keys)))

    def test_transfers_of_one_connection_outlast_two_failures_each(self):
        for command in self.loops:
            wanted, _, connections = self.transfers(bed.bare, command, "/fault/")
            self.assertEqual((wanted.status, wanted.err, len(connections)), (0, b"", 1))
            for how in "503", "rst":  # nginx turns it into a 502
                plain, seen, _ = self.transfers(bed.bare, command, "/fault/", fail=2, how=how)
                self.assertNotEqual(plain.out, wanted.out)
                self.assertEqual(seen, [1] * 12)
                shim, seen, connections = self.transfers(bed.hardened, command, "/fault/", fail=2,
                                                         how=how)
                self.assertEqual((shim.status, shim.err, shim.text), (0, b"", wanted.text))
                self.assertEqual((seen, len(connections)), ([3] * 12, 1))

    def test_transfers_outlast_failures_while_connections_reach_their_request_limit(self):
        for command in self.loops:
            wanted, _, _ = self.transfers(bed.bare, command, "/few/")
            shim, seen, _ = self.transfers(bed.hardened, command, "/few/", fail=2)
            self.assertEqual((shim.status, shim.err, shim.text), (0, b"", wanted.text))
            self.assertEqual(seen, [3] * 12)

    def test_curl_in_parallel_outlasts_two_failures_each(self):
        results = []
        for run, fail in (bed.bare, 2), (bed.hardened, 2):
            keys, directory = [bed.unique("h2c") for _ in range(20)], bed.fresh_dir("h2")
            command = CURL + ["--cacert", self.ca, "-w", r"%{http_version} %{http_code}\n"]
            for i, key in enumerate(keys):
                command += ["-o", os.path.join(directory, str(i)),
                            self.at(f"/fault/x?key={key}&fail={fail}&size={500 + i}")]
            outcome = run(command, **(bed.PATIENT if run is bed.hardened else {}))
            self.assertEqual((outcome.status, outcome.err), (0, b""))
            bodies = []
            for i in range(20):
                with open(os.path.join(directory, str(i)), "rb") as f:
                    bodies.append(f.read())
            results.append((set(outcome.text.splitlines()), bodies == [bed.body_of(500 + i)
                                                                       for i in range(20)],
                            {len(self.http.log(key)) for key in keys}))
        self.assertEqual(results, [({"2 503"}, False, {1}), ({"2 200"}, True, {3})])

    def needs_push(self):
        version = re.search(rb"nginx/(\d+)\.(\d+)\.(\d+)", bed.run(["nginx", "-v"], bed.environment()).err)
        if tuple(map(int, version.groups())) >= (1, 25, 1):
            self.skipTest("not run: nginx has no server push since 1.25.1")

    def take(self, run, path, **options):
        """Returns (lines, {path: [body]}) of the client that accepts pushes."""
        directory = bed.fresh_dir("pushed")
        outcome = run([self.push, self.ca, directory, self.nginx.tls_port, path], **options)
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        lines, bodies = outcome.text.splitlines(), {}
        for number, line in enumerate(lines):
            with open(os.path.join(directory, str(number)), "rb") as f:
                bodies.setdefault(line.rsplit(" ", 3)[0], []).append(f.read())
        return lines, bodies

    def test_pushes_arrive_as_without_the_shim(self):
        self.needs_push()
        for run in bed.bare, bed.hardened:
            lines, bodies = self.take(run, "/page")
            self.assertEqual(lines, ["/page 0 200 3", f"{ONE} 0 200 3", f"{TWO} 0 200 3"])
            self.assertEqual(bodies, {"/page": [bed.body_of(100000)], ONE: [bed.body_of(150000)],
                                      TWO: [bed.body_of(77)]})

    def test_pushes_of_a_page_that_fails_at_first_arrive_too(self):
        self.needs_push()
        key = bed.unique("busy")
        path = f"/busy/x?key={key}&fail=2&size=3000"
        lines, bodies = self.take(bed.bare, path)
        self.assertEqual(lines[0], path + " 0 503 3")
        self.http.reset(key)
        lines, bodies = self.take(bed.hardened, path, base_delay="1s", max_delay="1s",
                                  jitter="none")
        self.assertEqual(lines[0], path + " 0 200 3")
        self.assertEqual(bodies.pop(path), [bed.body_of(3000)])
        self.assertEqual(set(lines[1:]), {f"{ONE} 0 200 3"})
        self.assertEqual(set(bodies[ONE]), {bed.body_of(150000)})
        self.assertEqual(len(self.http.log(key)), 3)


if __name__ == "__main__":
    unittest.main()
