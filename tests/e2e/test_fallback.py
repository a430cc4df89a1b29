# SPDX-License-Identifier: MIT
"""fallback: while a place fails, its requests succeed at another place of the same name.

test_fallback_curl.py has what libcurl sends and reports there."""
import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import unittest

import bed
import servers

PYTHON = "/usr/bin/python3"
ALWAYS = 1000  # more requests than a test makes
# Prints for each request its status, or libcurl's code as a negative number, and the port of the peer.
PYCURL = """
import io, pycurl, sys
c = pycurl.Curl()
body = io.BytesIO()
c.setopt(pycurl.WRITEFUNCTION, body.write)
for name, value in [a.split("=", 1) for a in sys.argv[2:]]:
    c.setopt(getattr(pycurl, name), value)
for url in sys.argv[1].split(" "):
    c.setopt(pycurl.URL, url)
    try:
        c.perform()
        print(c.getinfo(pycurl.RESPONSE_CODE), c.getinfo(pycurl.PRIMARY_PORT))
    except pycurl.error as e:
        print(-e.args[0], c.getinfo(pycurl.PRIMARY_PORT))
print(len(body.getvalue()))
"""
# Prints for each connection the port of the peer, or the name of the errno.
CONNECT = """
import errno, socket, sys
for _ in range(int(sys.argv[2])):
    s = socket.socket()
    try:
        s.connect(("127.0.0.1", int(sys.argv[1])))
        print(s.getpeername()[1])
    except OSError as e:
        print(errno.errorcode[e.errno])
"""
ASYNC = """
import asyncio, sys
async def main():
    try:
        await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    except OSError as e:
        print(type(e).__name__)
asyncio.run(main())
"""
TLS = """
import ssl, sys, urllib.request
trust = ssl.create_default_context(cafile=sys.argv[2])
try:
    print(urllib.request.urlopen(sys.argv[1], context=trust).status)
except urllib.error.URLError as e:
    print(type(e.reason).__name__)
"""


def other_certificate():
    """Returns a certificate of the test CA for another name, and its key."""
    ca = bed.certificates()[0]
    path = os.path.join(bed.fresh_dir("other"), "other")

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)

    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            f"{path}.key", "-out", f"{path}.csr", "-subj", "/CN=other.example")
    with open(f"{path}.ext", "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:other.example\nauthorityKeyIdentifier=keyid\n")
    openssl("x509", "-req", "-in", f"{path}.csr", "-CA", ca, "-CAkey",
            ca.replace("ca.pem", "ca.key"), "-CAcreateserial", "-days", "2", "-extfile",
            f"{path}.ext", "-out", f"{path}.pem")
    return f"{path}.pem", f"{path}.key"


class Places(unittest.TestCase):
    """A primary server and a second one with the same content."""
    longMessage = True

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.state = bed.fresh_dir("state")

    def server(self, cert=None, key=None, port=0):
        server = bed.FaultServer(cert, key, port).start()
        self.stack.callback(server.stop)
        return server

    def silent(self):
        """Returns a port at which connections get no answer, because the queue is full."""
        s = self.stack.enter_context(socket.socket())
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        for _ in range(3):
            c = self.stack.enter_context(socket.socket())
            c.setblocking(False)
            c.connect_ex(s.getsockname())
        return s.getsockname()[1]

    def env(self, *places, **options):
        """The environment of a program whose requests may go to these places, too."""
        values = {"breaker_after": "0", "fallback": " ".join(places)} | options
        lines = "".join(f"{k} = {v}\n" for k, v in values.items() if k != "mode")
        more = {"mode": options["mode"]} if "mode" in options else {}
        return bed.hardened_environment(
            self.state, config=bed.fresh_file(f"[host *]\n{lines}".encode()), **more)

    def checks(self):
        with open(os.path.join(self.state, "health.json"), encoding="utf-8") as f:
            return json.load(f)["checks"]


class Transfers(Places):
    """libcurl: the host is `localhost`, at the port of the primary; the place is 127.0.0.1."""
    CLIENTS = {"easy": ["curl", "-sS"], "multi": ["curl", "-sS", "-Z", "--parallel-max", "2"]}

    def curl(self, env, urls, *more, client="easy"):
        """Returns the statuses, 0 for a request without an answer."""
        outputs = [w for _ in urls for w in ("-o", os.devnull)]
        done = bed.run([*self.CLIENTS[client], "-w", "%{http_code}\n", *more, *outputs, *urls], env)
        return [int(line) for line in done.out.split()]

    def urls(self, port, n, scheme="http", **query):
        """n different requests that fail at every server but one that has `seen` ALWAYS of them."""
        keys = [bed.unique() for _ in range(n)]
        parts = "".join(f"&{k}={v}" for k, v in query.items())
        return keys, [f"{scheme}://localhost:{port}/x?key={k}{parts}" for k in keys]

    def heal(self, server, keys):
        for key in keys:
            server.seen(key, ALWAYS)

    def requests_at(self, server, keys):
        return sum(len(server.log(key)) for key in keys)

    def failing(self, how, n, **options):
        """n GETs by each client while the primary fails so. Returns how many reached the primary."""
        first, second = self.server(), self.server()
        reached = []
        for client in self.CLIENTS:
            self.state = bed.fresh_dir("state")
            env = self.env(f"127.0.0.1:{second.port}", **options)
            keys, urls = self.urls(first.port, n, fail=ALWAYS, how=how)
            self.heal(second, keys)
            statuses = self.curl(env, urls, client=client)
            self.assertEqual(statuses, [200] * n, client)
            self.assertEqual(self.requests_at(second, keys), n)
            reached.append(self.requests_at(first, keys))
        return reached

    def test_every_get_succeeds_at_the_second_place_while_the_first_answers_503(self):
        for reached in self.failing("503", 100):
            self.assertLess(reached, 20, "its circuit is open after the first failures")

    def test_every_get_succeeds_at_the_second_place_while_the_first_does_not_answer(self):
        for reached in self.failing("never", 20, attempt_timeout="200ms"):
            self.assertLess(reached, 12)

    def test_every_get_succeeds_at_the_second_place_while_the_first_refuses_connections(self):
        second = self.server()
        for client in self.CLIENTS:
            env = self.env(f"127.0.0.1:{second.port}")
            _, urls = self.urls(servers.free_port(), 100)
            self.assertEqual(self.curl(env, urls, client=client), [200] * 100)

    def test_a_place_without_a_port_is_at_the_port_of_the_request(self):
        port = servers.free_port()
        second = bed.FaultServer(port=port, host="127.0.0.2").start()
        self.stack.callback(second.stop)
        self.assertEqual(self.curl(self.env("127.0.0.2"), self.urls(port, 3)[1]), [200] * 3)

    def test_without_the_key_the_failures_are_delivered(self):
        first, second = self.server(), self.server()
        keys, urls = self.urls(first.port, 3, fail=ALWAYS, how="503")
        self.heal(second, keys)
        self.assertEqual(self.curl(self.env("none"), urls), [503] * 3)
        self.assertEqual(self.requests_at(second, keys), 0)

    def test_both_places_have_a_certificate_of_the_name(self):
        ca, cert, key = bed.certificates()
        first, second = self.server(cert, key), self.server(cert, key)
        keys, urls = self.urls(first.port, 10, "https", fail=ALWAYS, how="503")
        self.heal(second, keys)
        env = self.env(f"127.0.0.1:{second.port}")
        for client in self.CLIENTS:
            self.assertEqual(self.curl(env, urls, "--cacert", ca, client=client), [200] * 10)

    def test_a_place_with_a_certificate_of_another_name_gets_and_delivers_no_byte(self):
        ca, cert, key = bed.certificates()
        first, second = self.server(cert, key), self.server(*other_certificate())
        for how in ("503", "fin"):
            self.state = bed.fresh_dir("state")
            keys, urls = self.urls(first.port, 20, "https", fail=ALWAYS, how=how, size=100)
            self.heal(second, keys)
            env = self.env(f"127.0.0.1:{second.port}")
            done = bed.run([PYTHON, "-c", PYCURL, " ".join(urls), f"CAINFO={ca}"], env)
            *lines, received = done.out.split(b"\n")[:-1]
            self.assertEqual(len(lines), 20, done.err)
            self.assertFalse([w for w in lines if w.startswith(b"200")], lines)
            self.assertEqual(self.requests_at(second, keys), 0)
            self.assertLessEqual(int(received), 20 * 40, "only what the first place has sent")

    def test_a_post_that_the_first_place_may_have_seen_goes_to_no_second_place(self):
        first, second = self.server(), self.server()
        env = self.env(f"127.0.0.1:{second.port}", attempt_timeout="200ms")
        for how, status in (("503", 503), ("fin", 0), ("rst", 0), ("never", 0)):
            keys, urls = self.urls(first.port, 1, fail=ALWAYS, how=how)
            self.heal(second, keys)
            self.assertEqual(self.curl(env, urls, "-d", "a=b"), [status], how)
            self.assertEqual((len(first.log(keys[0])), len(second.log(keys[0]))), (1, 0), how)

    def test_a_post_that_was_not_sent_goes_to_the_second_place(self):
        second = self.server()
        keys, urls = self.urls(servers.free_port(), 3)
        self.assertEqual(self.curl(self.env(f"127.0.0.1:{second.port}"), urls, "-d", "a=b"),
                         [200] * 3)
        self.assertEqual([e["method"] for k in keys for e in second.log(k)], ["POST"] * 3)

    def test_a_post_goes_to_the_second_place_while_the_circuit_of_the_first_is_open(self):
        first, second = self.server(), self.server()
        env = self.env(f"127.0.0.1:{second.port}")
        keys, urls = self.urls(first.port, 8, fail=ALWAYS, how="503")
        self.heal(second, keys)
        self.curl(env, urls)
        keys, urls = self.urls(first.port, 3, fail=ALWAYS, how="503")
        self.heal(second, keys)
        self.assertEqual(self.curl(env, urls, "-d", "a=b"), [200] * 3)
        self.assertEqual(self.requests_at(first, keys), 0)

    def test_requests_return_to_the_first_place_when_it_is_back(self):
        first, second = self.server(), self.server()
        env = self.env(f"127.0.0.1:{second.port}", breaker_open="200ms", breaker_max_open="200ms")
        keys, urls = self.urls(first.port, 10, fail=ALWAYS, how="503")
        self.heal(second, keys)
        self.assertEqual(self.curl(env, urls), [200] * 10)
        end = time.monotonic() + 20
        while True:
            keys, urls = self.urls(first.port, 10)
            self.assertEqual(self.curl(env, urls), [200] * 10)
            if self.requests_at(second, keys) == 0:
                return
            self.assertLess(time.monotonic(), end, "they do not return")

    def test_in_observe_mode_no_request_goes_to_another_place(self):
        first, second = self.server(), self.server()
        keys, urls = self.urls(first.port, 3, fail=ALWAYS, how="503")
        self.heal(second, keys)
        env = self.env(f"127.0.0.1:{second.port}", mode="observe")
        self.assertEqual(self.curl(env, urls), [503] * 3)
        self.assertEqual(self.requests_at(second, keys), 0)

    def test_if_all_places_fail_the_last_answer_is_delivered(self):
        first, second = self.server(), self.server()
        keys, urls = self.urls(first.port, 3, fail=ALWAYS, how="503", fsize=70)
        env = self.env(f"127.0.0.1:{second.port}")
        done = bed.run(["curl", "-sS", urls[0]], env)
        self.assertEqual((done.status, done.out), (0, bed.body_of(70)))
        self.assertEqual(self.requests_at(first, keys[:1]), 1)


class Connections(Places):
    """Programs that open their connections themselves: blocking sockets, and places that are
    addresses."""

    def connect(self, env, port, n=1):
        done = bed.run([PYTHON, "-c", CONNECT, str(port), str(n)], env)
        self.assertEqual(done.err, b"")
        return done.text.split()

    def test_a_connection_that_is_refused_is_made_to_the_second_place(self):
        second = self.server()
        peers = self.connect(self.env(f"127.0.0.1:{second.port}"), servers.free_port(), 50)
        self.assertEqual(peers, [str(second.port)] * 50)

    def test_a_connection_without_an_answer_is_made_to_the_second_place(self):
        second = self.server()
        env = self.env(f"127.0.0.1:{second.port}", connect_timeout="200ms")
        self.assertEqual(self.connect(env, self.silent(), 12), [str(second.port)] * 12)

    def test_a_connection_returns_to_the_first_place_when_it_is_back(self):
        port, second = servers.free_port(), self.server()
        env = self.env(f"127.0.0.1:{second.port}", breaker_open="200ms", breaker_max_open="200ms")
        self.assertEqual(self.connect(env, port, 8), [str(second.port)] * 8)
        self.server(port=port)
        end = time.monotonic() + 20
        while self.connect(env, port, 4) != [str(port)] * 4:
            self.assertLess(time.monotonic(), end, "they do not return")

    def test_a_place_with_a_name_is_not_looked_up(self):
        second = self.server()
        env = self.env(f"localhost:{second.port}")
        self.assertEqual(self.connect(env, servers.free_port()), ["ECONNREFUSED"])

    def test_a_place_of_the_other_address_family_is_not_used(self):
        env = self.env(f"[::1]:{self.server().port}")
        self.assertEqual(self.connect(env, servers.free_port()), ["ECONNREFUSED"])

    def test_a_socket_that_does_not_block_stays_with_its_address(self):
        env = self.env(f"127.0.0.1:{self.server().port}")
        port = servers.free_port()
        for _ in range(8):
            done = bed.run([PYTHON, "-c", ASYNC, str(port)], env)
            self.assertEqual(done.text, "ConnectionRefusedError\n")

    def test_programs_get_their_answer_from_the_second_place(self):
        env, port = self.env(f"127.0.0.1:{self.server().port}"), servers.free_port()
        url = f"http://127.0.0.1:{port}/x?size=50"
        get = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).status)"
        bash = (f"exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET /x?size=5 HTTP/1.0\\r\\n"
                "Connection: close\\r\\n\\r\\n' >&3; head -1 <&3")
        for command, wanted in ((["wget", "-q", "-t1", "-O-", url], bed.body_of(50)),
                                ([PYTHON, "-c", get, url], b"200\n"),
                                (["bash", "-c", bash], b"HTTP/1.1 200 OK\r\n")):
            self.assertNotEqual(bed.bare(command).out, wanted)
            done = bed.run(command, env)
            self.assertEqual((done.status, done.out), (0, wanted), done.err)

    def test_a_certificate_of_another_name_delivers_no_byte(self):
        ca, cert, key = bed.certificates()
        for pair, wanted in (((cert, key), "200"), (other_certificate(), "SSLCertVerificationError")):
            second = self.server(*pair)
            env, name = self.env(f"127.0.0.1:{second.port}"), bed.unique()
            url = f"https://127.0.0.1:{servers.free_port()}/x?key={name}"
            done = bed.run([PYTHON, "-c", TLS, url, ca], env)
            self.assertEqual(done.text.strip(), wanted, done.err)
            self.assertEqual(len(second.log(name)), wanted == "200")

    def test_in_observe_mode_no_connection_is_made_to_another_place(self):
        env = self.env(f"127.0.0.1:{self.server().port}", mode="observe")
        self.assertEqual(self.connect(env, servers.free_port(), 8), ["ECONNREFUSED"] * 8)

    def test_what_fails_at_every_place_is_the_failure_of_the_last(self):
        env = self.env(f"127.0.0.1:{servers.free_port()}")
        self.assertEqual(self.connect(env, servers.free_port()), ["ECONNREFUSED"])


if __name__ == "__main__":
    unittest.main()
