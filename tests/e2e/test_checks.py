# SPDX-License-Identifier: MIT
"""Active checks: real programs that stay alive, and servers that count connections."""
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import bed

PYTHON = "/usr/bin/python3"
# Connects once for each input line; on "fork" it continues in a child.
STAY = """
import os, socket, sys, threading
def connect():
    with socket.socket() as s:
        return s.connect_ex((sys.argv[1], int(sys.argv[2])))
connect()
print("ready", flush=True)
for line in sys.stdin:
    if line == "fork\\n":
        if os.fork():
            os._exit(0)
        connect()
    else:
        connect()
    print("done", os.getpid(), flush=True)
"""
TRANSFERS = """
import pycurl, sys
def get():
    c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); c.setopt(c.WRITEFUNCTION, lambda b: None)
    c.perform(); code = c.getinfo(c.RESPONSE_CODE); c.close(); return code
print("ready" if get() == 200 else "bad", flush=True)
for line in sys.stdin:
    for i in range(200):
        assert get() == 200
    print("done", flush=True)
"""
# Makes ten transfers for each input line, whatever comes of them.
ANY_RESULT = """
import pycurl, sys
print("ready", flush=True)
for line in sys.stdin:
    for i in range(10):
        c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); c.setopt(c.WRITEFUNCTION, lambda b: None)
        try:
            c.perform()
        except pycurl.error:
            pass
        c.close()
    print("done", flush=True)
"""
# Connects, and stays until the server closes the connection and a check has been tried.
OWN_TLS = """
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
void *SSL_CTX_new(void) { return NULL; }
int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char c;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) || read(fd, &c, 1) < 0)
        return 1;
    usleep(700000);
    return 7;
}
"""
WAIT_S = 20


def until(condition, seconds=WAIT_S):
    """Whether the condition becomes true; the tests assume no speed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


class Listener:
    """Accepts and closes connections, and counts them."""

    def __init__(self, port=0, host="127.0.0.1"):
        self.at = []
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def seen(self):
        return len(self.at)

    def serve(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.at.append(time.monotonic())

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Web:
    """Answers with the configured status or not at all, and records the requests."""

    def __init__(self, tls=False):
        self.status, self.hang, self.requests = 200, False, []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.requests.append((self.command, self.path, dict(self.headers)))
                while web.hang:
                    time.sleep(0.02)
                self.send_response(web.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                self.wfile.write(bytes(1000000))

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass
        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            _, cert, key = bed.certificates()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.hang = False
        self.server.shutdown()
        self.server.server_close()


def section(name, kind, target, interval="200ms", **more):
    keys = {"type": kind, "target": target, "interval": interval, **more}
    return f"[check {name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def write(path, text):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write("[harden]\nsnapshot_interval = 100ms\n" + text)
    os.rename(path + ".new", path)


class Program:
    """A program that has made its first connection or transfer and waits for an input line."""

    def __init__(self, env, script, *arguments):
        self.env = env
        self.process = bed.start([PYTHON, "-c", script, *arguments], env, stdin=subprocess.PIPE)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        if line != b"ready\n":
            raise AssertionError(f"{line!r} {self.process.stderr.read()!r}")

    def say(self, line="go"):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def threads(self):
        names = {}
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/comm", encoding="ascii") as f:
                names[f.read().strip()] = task
        return names

    def end(self):
        return bed.finish(self.process, self.env, b"")


class Checks(bed.Bed):
    def setUp(self):
        self.first = Listener()  # the programs themselves connect to it
        self.to_stop, self.programs = [self.first], []
        self.config = os.path.join(bed.fresh_dir(), "harden.ini")
        self.env = None

    def tearDown(self):
        for p in self.programs:
            p.process.kill()
            p.process.communicate()
        for server in self.to_stop:
            try:
                server.stop()
            except OSError:
                pass

    def server(self, kind, *arguments, **more):
        self.to_stop.append(kind(*arguments, **more))
        return self.to_stop[-1]

    def start(self, text=None, script=STAY, arguments=None, **options):
        if text is not None:
            write(self.config, text)
        self.env = bed.hardened_environment(self.env and self.env["HARDEN_STATE"],
                                            config=self.config, **options)
        program = Program(self.env, script, *(arguments or ("127.0.0.1", self.first.port)))
        self.programs.append(program)
        return program

    def health(self):
        try:
            with open(os.path.join(self.env["HARDEN_STATE"], "health.json"), encoding="utf-8") as f:
                return json.load(f)
        except FileNotFoundError:
            return {"checks": {}, "failed": []}

    def check(self, name):
        return self.health()["checks"].get(name, {})

    def comes_to(self, name, status):
        self.assertTrue(until(lambda: self.check(name).get("status") == status),
                        f"{name} is not {status}: {self.check(name)}")
        return self.check(name)

    def state_contents(self):
        """Returns the contents of all files in the state directory."""
        data = b""
        for name in os.listdir(self.env["HARDEN_STATE"]):
            with open(os.path.join(self.env["HARDEN_STATE"], name), "rb") as f:
                data += f.read()
        return data


class Results(Checks):
    def test_a_port_that_closes_and_opens_again(self):
        db = self.server(Listener)
        program = self.start(section("db", "tcp", f"127.0.0.1:{db.port}"))
        entry = self.comes_to("db", "healthy")
        self.assertEqual((entry["kind"], entry["target"]), ("tcp", f"127.0.0.1:{db.port}"))
        self.assertLess(entry["duration_ms"]["last"], 1000)
        db.stop()
        entry = self.comes_to("db", "unhealthy")
        self.assertGreaterEqual(entry["consecutive_failures"], 3)
        self.assertEqual(entry["last_error"]["reason"], "connect")
        health = self.health()
        self.assertEqual((health["overall_status"], health["failed"]), ("degraded", ["db"]))
        self.server(Listener, db.port)
        entry = self.comes_to("db", "healthy")
        self.assertEqual(entry["consecutive_failures"], 0)
        self.assertEqual(entry["attempts"], entry["successes"] + entry["failures"])
        outcome = program.end()
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual(outcome.health["overall_status"], "healthy")

    def test_a_server_that_answers_well_with_errors_and_not_at_all(self):
        web = self.server(Web)
        target = f"http://user:secret@localhost:{web.port}/secret?secret=1"
        program = self.start(section("web", "http", target, timeout="300ms",
                                     expect="200-399", unhealthy_after=2))
        entry = self.comes_to("web", "healthy")
        self.assertEqual((entry["kind"], entry["target"]), ("http", f"http://localhost:{web.port}"))
        web.status = 503
        entry = self.comes_to("web", "unhealthy")
        self.assertEqual((entry["last_error"]["http"], entry["last_error"]["reason"]),
                         (503, "http_5xx"))
        web.status = 302  # expected, and not followed
        self.comes_to("web", "healthy")
        web.status = 404
        entry = self.comes_to("web", "unhealthy")
        self.assertEqual(entry["last_error"]["http"], 404)
        web.status = 200
        self.comes_to("web", "healthy")
        web.hang = True
        entry = self.comes_to("web", "unhealthy")
        self.assertEqual((entry["last_error"]["curl"], entry["last_error"]["reason"]),
                         (28, "timeout"))
        self.assertTrue(until(lambda: 290 < self.check("web")["duration_ms"]["last"] < 2000))
        web.hang = False
        self.comes_to("web", "healthy")
        self.assertEqual({(method, path) for method, path, _ in web.requests},
                         {("GET", "/secret?secret=1")})
        headers = web.requests[0][2]
        self.assertEqual(headers["User-Agent"], "libharden-check")
        self.assertTrue(headers["Authorization"].startswith("Basic "))
        self.assertNotIn(b"secret", self.state_contents())
        self.assertEqual(program.end().err, b"")

    def test_an_untrusted_certificate(self):
        web = self.server(Web, tls=True)
        self.start(section("web", "http", f"https://localhost:{web.port}/", unhealthy_after=1))
        entry = self.comes_to("web", "unhealthy")
        self.assertEqual(entry["last_error"]["reason"], "tls")
        self.assertEqual(web.requests, [])

    def test_names(self):
        self.start(section("here", "dns", "localhost", unhealthy_after=1) +
                   section("nowhere", "dns", "no-such-host.invalid", timeout="2s",
                           unhealthy_after=1))
        self.comes_to("here", "healthy")
        entry = self.comes_to("nowhere", "unhealthy")
        self.assertEqual((entry["kind"], entry["last_error"]["reason"]), ("dns", "dns"))
        self.assertLess(entry["duration_ms"]["max"], 3000)
        with open(os.path.join(self.env["HARDEN_STATE"], "metrics.prom"), encoding="utf-8") as f:
            lines = [line for line in f if 'host="nowhere"' in line]
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].startswith("harden_health_status{") and lines[0].endswith(" 2\n"))


class Processes(Checks):
    def test_one_of_many_processes_runs_each_check_once_per_interval(self):
        db, web = self.server(Listener), self.server(Web)
        text = (section("db", "tcp", f"127.0.0.1:{db.port}", "500ms") +
                section("web", "http", f"http://127.0.0.1:{web.port}/", "500ms"))
        for _ in range(6):
            self.start(text)
        self.comes_to("db", "healthy")
        self.comes_to("web", "healthy")
        before, began = (db.seen, len(web.requests)), time.monotonic()
        time.sleep(4)
        seen, intervals = (db.seen, len(web.requests)), (time.monotonic() - began) / 0.5
        for i in range(2):
            self.assertLessEqual(seen[i] - before[i], intervals + 1)
            self.assertGreaterEqual(seen[i] - before[i], intervals / 4)  # tolerates a slow machine
        for a, b in zip(db.at, db.at[1:]):
            self.assertGreater(b - a, 0.35)

    def test_a_killed_runner_is_replaced(self):
        web = self.server(Web)
        web.hang = True
        runner = self.start(section("web", "http", f"http://127.0.0.1:{web.port}/", timeout="1s",
                                    unhealthy_after=1))
        self.assertTrue(until(lambda: web.requests))
        runner.process.send_signal(signal.SIGKILL)
        killed, seen = time.monotonic(), len(web.requests)
        web.hang = False
        self.start()
        self.comes_to("web", "healthy")
        self.assertEqual(len(web.requests) - seen > 0, True)
        self.assertGreater(time.monotonic() - killed, 1, "the lease has not expired")

    def test_a_forked_child_continues_the_checks(self):
        db = self.server(Listener)
        program = self.start(section("db", "tcp", f"127.0.0.1:{db.port}"))
        self.comes_to("db", "healthy")
        child = int(program.say("fork").split()[1])
        self.assertNotEqual(child, program.pid)
        program.process.wait()
        seen = db.seen
        self.assertTrue(until(lambda: db.seen > seen + 3))
        self.assertTrue(until(lambda: self.health()["pid"] == child))
        self.comes_to("db", "healthy")
        program.end()
        self.assertTrue(until(lambda: not os.path.exists(f"/proc/{child}")))

    def test_the_child_of_an_early_fork_continues_the_checks(self):
        # Like a daemon, it continues in a child shortly after its first connection.
        web = self.server(Web)
        program = self.start(section("web", "http", f"http://127.0.0.1:{web.port}/"))
        self.assertTrue(until(lambda: "harden-check" in program.threads()))
        program.say("fork")
        program.process.wait()
        self.comes_to("web", "healthy")

    def test_libraries_work_in_children_forked_at_any_time(self):
        web = self.server(Web, tls=True)
        script = TRANSFERS.replace("for line in sys.stdin:", """import os
for line in sys.stdin:
    for i in range(30):
        pid = os.fork()
        if not pid:
            os._exit(0 if get() == 200 else 1)
        assert os.waitpid(pid, 0)[1] == 0
""").replace("c.perform()", "c.setopt(c.CAINFO, sys.argv[2]); c.perform()")
        program = self.start(section("web", "http", f"https://localhost:{web.port}/", "100ms") +
                             section("other", "http", f"https://127.0.0.1:{web.port}/", "100ms"),
                             script, (self.url(bed.unique(), tls=True), self.ca))
        self.comes_to("web", "unhealthy")
        self.assertEqual(program.say(), b"done\n")
        self.assertEqual(program.end().status, 0)


class Traffic(Checks):
    def test_check_traffic_is_not_counted_for_the_program_or_limited(self):
        web = self.server(Web)
        checks = (section("db", "tcp", f"localhost:{self.first.port}", "100ms") +
                  section("web", "http", f"http://127.0.0.1:{web.port}/", "100ms") +
                  section("ns", "dns", "localhost", "100ms"))
        program = self.start("[host *]\nrate = 1/1h\non_limit = fail\n" + checks)
        for name in ("db", "web", "ns"):
            self.assertTrue(until(lambda n=name: self.check(n).get("successes", 0) > 5), name)
        program.say()
        health = program.end().health
        hosts = {n: c for n, c in health["checks"].items() if c["kind"] == "passive"}
        # A name that a check resolved is not used for the program's connections to the same
        # address.
        self.assertEqual(list(hosts), [f"127.0.0.1:{self.first.port}"])
        (host,) = hosts.values()
        self.assertEqual((host["requests"], host["attempts"], host["rate"]["rejected"]), (2, 1, 1))
        self.assertEqual(health["totals"]["requests"], 2)
        self.assertEqual(health["totals"]["hosts"], 1)
        coverage = health["coverage"]
        self.assertEqual((coverage["connects_blocking"], coverage["connects_nonblocking"],
                          coverage["transfers_easy"], coverage["internal_errors"],
                          coverage["libcurl"]), (2, 0, 0, 0, []))

    def test_checks_run_next_to_transfers_of_the_program(self):
        web = self.server(Web)
        program = self.start(section("web", "http", f"http://127.0.0.1:{web.port}/", "100ms"),
                             TRANSFERS, (self.url(bed.unique()),))
        self.assertTrue(until(lambda: self.check("web").get("successes", 0) > 3))
        self.assertEqual(program.say(), b"done\n")
        outcome = program.end()
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual(outcome.health["coverage"]["transfers_easy"], 201)
        self.assertEqual(outcome.health["totals"]["requests"], 201)
        self.assertEqual(len(outcome.health["coverage"]["libcurl"]), 1)


class Circuits(Checks):
    KEYS = "[host *]\nbreaker_open = 1h\nbreaker_max_open = 1h\nretry = off\n"

    def circuit(self, host):
        return self.check(host).get("breaker", {}).get("state")

    def comes_to_be(self, host, state):
        self.assertTrue(until(lambda: self.circuit(host) == state),
                        f"not {state}: {self.check(host)}")

    def test_a_check_opens_a_circuit_and_lets_the_next_requests_close_it(self):
        db = self.server(Listener)
        host = f"127.0.0.1:{db.port}"
        program = self.start(section("db", "tcp", host, unhealthy_after="2") + self.KEYS +
                             "check_opens = on\n", arguments=("127.0.0.1", db.port))
        self.comes_to("db", "healthy")
        self.assertEqual(self.circuit(host), "closed")
        db.stop()
        self.comes_to_be(host, "open")  # no request has failed
        self.assertEqual(self.check(host)["failures"], 0)
        self.server(Listener, db.port)
        self.comes_to_be(host, "half-open")
        program.say()
        program.say()
        self.comes_to_be(host, "closed")
        self.assertEqual(program.end().status, 0)

    def test_an_http_check_ends_the_wait_of_a_transfer_s_circuit(self):
        web = self.server(Web)
        web.status = 503
        host, url = f"localhost:{web.port}", f"http://localhost:{web.port}/"
        program = self.start(section("web", "http", url + "health") + self.KEYS, ANY_RESULT, (url,))
        program.say()
        self.comes_to_be(host, "open")
        seen = sum(path == "/" for _, path, _ in web.requests)
        program.say()
        self.assertEqual(sum(path == "/" for _, path, _ in web.requests), seen, "all refused")
        web.status = 200
        self.comes_to_be(host, "half-open")
        program.say()
        self.comes_to_be(host, "closed")
        self.assertEqual(program.end().status, 0)


class Life(Checks):
    def test_a_program_that_blocks_signals_without_handlers(self):
        """Like a program that takes signals with sigwait() or signalfd()."""
        db = self.server(Listener)
        self.start(section("db", "tcp", f"127.0.0.1:{db.port}"),
                   "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, 10])\n" + STAY)
        self.comes_to("db", "healthy")

    def test_removing_a_section_stops_its_check(self):
        db, other = self.server(Listener), self.server(Listener)
        stays = section("other", "tcp", f"127.0.0.1:{other.port}")
        text = section("db", "tcp", f"127.0.0.1:{db.port}") + stays
        self.start(text)
        self.comes_to("db", "healthy")
        write(self.config, stays)
        self.assertTrue(until(lambda: "db" not in self.health()["checks"]))
        seen, others = db.seen, other.seen
        self.assertTrue(until(lambda: other.seen > others + 5))
        self.assertEqual(db.seen, seen)
        write(self.config, text)
        self.assertTrue(until(lambda: db.seen > seen + 2))
        self.comes_to("db", "healthy")

    def test_the_descriptors_of_the_program_do_not_change(self):
        web, db = self.server(Web), self.server(Listener)
        program = self.start(section("web", "http", f"http://localhost:{web.port}/", "100ms") +
                             section("db", "tcp", f"localhost:{db.port}", "100ms"))

        def descriptors(task):
            return sorted(os.listdir(f"/proc/{program.pid}/task/{task}/fd"))
        before = descriptors(program.pid)
        self.assertEqual(before, ["0", "1", "2"])
        self.assertTrue(until(lambda: len(web.requests) > 5 and db.seen > 5))
        self.assertEqual(descriptors(program.pid), before)
        task = program.threads()["harden-check"]
        # Between two checks; all threads except these two have ended.
        self.assertTrue(until(lambda: descriptors(task) == ["0", "1", "2"]), descriptors(task))
        self.assertTrue(until(lambda: len(os.listdir(f"/proc/{program.pid}/task")) == 3))
        for fd in "012":
            self.assertEqual(os.readlink(f"/proc/{program.pid}/task/{task}/fd/{fd}"), "/dev/null")

    def test_without_a_thread_there_are_no_checks(self):
        db = self.server(Listener)
        program = self.start(section("db", "tcp", f"127.0.0.1:{db.port}"), thread="off")
        time.sleep(0.5)
        program.say()
        self.assertEqual(list(program.threads()), ["python3"])
        self.assertNotIn("db", program.end().health["checks"])
        self.assertEqual(db.seen, 0)

    def test_without_checks_there_is_no_thread(self):
        program = self.start("")
        self.assertTrue(until(lambda: self.health()["checks"]))
        self.assertEqual(list(program.threads()), ["python3"])

    def test_without_a_libcurl_an_http_check_is_unknown_and_logged_once(self):
        directory = bed.fresh_dir()
        for name in ("libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"):
            subprocess.run([os.environ.get("CC", "cc"), "-shared", "-nostdlib", "-x", "c",
                            "/dev/null", "-o", f"{directory}/{name}", f"-Wl,-soname,{name}"],
                           check=True)
        text = (section("web", "http", f"http://127.0.0.1:{self.first.port}/", unhealthy_after=1) +
                section("too", "http", f"http://127.0.0.1:{self.first.port}/"))
        write(self.config, text)
        self.env = dict(bed.hardened_environment(config=self.config), LD_LIBRARY_PATH=directory)
        program = Program(self.env, STAY, "127.0.0.1", self.first.port)
        self.programs.append(program)
        self.comes_to("web", "unknown")
        self.comes_to("too", "unknown")
        health = self.health()
        self.assertEqual((health["overall_status"], health["failed"]), ("healthy", []))
        time.sleep(1)
        outcome = program.end()
        self.assertEqual(outcome.status, 0)
        self.assertEqual(len(outcome.err.splitlines()), 1, outcome.err)
        self.assertIn(b"harden: error: check web: this libcurl lacks functions", outcome.err)

    def test_a_short_program_ends_as_without_checks(self):
        """Whatever the check is doing: looking for libcurl, a handshake, waiting for an answer."""
        web = self.server(Web, tls=True)
        web.hang = True
        write(self.config, section("web", "http", f"https://127.0.0.1:{web.port}/", "100ms") +
              section("db", "tcp", f"localhost:{self.first.port}", "100ms") +
              section("ns", "dns", "no-such-host.invalid", "100ms"))
        key = bed.unique()
        commands = [["curl", "-sS", self.url(key)], ["curl", "-sS", "--cacert", self.ca,
                                                     self.url(key, tls=True)],
                    [PYTHON, "-c", "import socket, sys, time\n"
                     "socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
                     "time.sleep(float(sys.argv[2]))", self.first.port]]

        def run(i):
            lasts = (i * 7 % 180) / 100  # covers the end of every step of the first http check
            command = [*commands[i % 3], *([lasts] if i % 3 == 2 else [])]
            return command, bed.run(command, bed.hardened_environment(config=self.config))
        for result in bed.in_parallel(run, range(180), workers=8):
            command, outcome = result
            self.assertEqual((outcome.status, outcome.err), (0, b""), command)

    def test_programs_with_a_tls_library_of_their_own(self):
        web = self.server(Web)
        write(self.config, section("web", "http", f"http://127.0.0.1:{web.port}/"))
        program = f"{bed.fresh_dir()}/own-tls"
        subprocess.run(["cc", "-rdynamic", "-x", "c", "-", "-o", program], check=True, text=True,
                       input=OWN_TLS)
        self.env = bed.hardened_environment(config=self.config)
        outcome = bed.run([program, self.first.port], self.env)
        self.assertEqual(outcome.status, 7)
        self.assertIn(b"TLS library", outcome.err)
        self.assertEqual(self.check("web")["status"], "unknown")


if __name__ == "__main__":
    unittest.main()
