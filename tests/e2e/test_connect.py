# SPDX-License-Identifier: MIT
"""Programs that open their connections themselves, and the treatment of their connect() calls."""
import contextlib
import os
import pwd
import shutil
import socket
import socketserver
import subprocess
import threading
import time
import unittest

import bed
import servers

PYTHON = "/usr/bin/python3"
# From the admission of a connection to its timestamp by the server: see test_limits.py.
LATENESS_S = 0.150
GET = """
import sys, urllib.request
for url in sys.argv[1:]:
    sys.stdout.buffer.write(urllib.request.urlopen(url).read())
"""
ASYNC = """
import asyncio, sys
async def get(port):
    r, w = await asyncio.open_connection("127.0.0.1", port)
    w.write(b"GET /x?size=50 HTTP/1.0\\r\\nConnection: close\\r\\n\\r\\n")
    body = (await r.read()).split(b"\\r\\n\\r\\n", 1)[1]
    w.close()
    return body
async def main():
    print(await asyncio.gather(*(get(int(sys.argv[1])) for _ in range(5))))
asyncio.run(main())
"""
POOL = """
import multiprocessing, sys, urllib.request
def get(url):
    return urllib.request.urlopen(url).read()
if __name__ == "__main__":
    with multiprocessing.Pool(4) as pool:
        print(pool.map(get, [sys.argv[1]] * 12))
"""
NODE = """
require("http").get(process.argv[1], r => {
  let body = ""; r.on("data", d => body += d); r.on("end", () => console.log(r.statusCode, body));
});
"""


def connects(outcome):
    c = outcome.health["coverage"]
    return c["connects_blocking"], c["connects_nonblocking"]


def as_user(name):
    """Returns arguments of Popen for a server that does not run as root."""
    return {"user": name, "group": pwd.getpwnam(name).pw_gid} if os.getuid() == 0 else {}


class Programs(bed.Bed):
    """The output and exit status are the same with the library as without, and the library was
    reached."""

    def same(self, command, blocking=True):
        env = bed.hardened_environment()
        plain, shim = bed.bare(command, timeout=60), bed.run(command, env)
        self.assertEqual((shim.status, shim.out, shim.err), (plain.status, plain.out, plain.err))
        self.show(env)
        made = connects(shim)[0] - 1, connects(shim)[1]
        self.assertGreater(sum(made) if blocking is None else made[not blocking], 0, made)
        self.assertEqual(shim.health["coverage"]["internal_errors"], 0)
        return shim

    def show(self, env):
        """Makes one more connection. A program that ends by _exit or a signal writes no last
        snapshot; its counts are on the board, and the next program writes them."""
        command = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.http.port}"]
        self.assertEqual(bed.run(command, env).status, 0)

    def test_wget(self):
        shim = self.same(["wget", "-q", "-O-", f"{self.http.url}/x?size=5000"])
        self.assertEqual(shim.status, 0)
        self.same(["wget", "-q", "-O-", "--ca-certificate", self.ca,
                   f"{self.https.url}/x?size=5000"])

    def test_aria2(self):
        path = bed.fresh_dir("aria2")
        command = ["aria2c", "-q", "--allow-overwrite=true", "--auto-file-renaming=false", "-x4",
                   "-d", path, "-o", "f", f"{self.http.url}/x?size=5000"]
        self.same(command, blocking=False)
        with open(os.path.join(path, "f"), "rb") as f:
            self.assertEqual(f.read(), bed.body_of(5000))

    def test_python(self):
        self.same([PYTHON, "-c", GET, f"{self.http.url}/x?size=50",
                   f"http://localhost:{self.http.port}/x?size=60"])
        self.same([PYTHON, "-c", ASYNC, self.http.port], blocking=False)

    def test_python_with_processes_that_are_killed(self):
        command = [PYTHON, "-c", POOL, f"http://127.0.0.1:{self.http.port}/x?size=20"]
        env = bed.hardened_environment()
        plain, shim = bed.bare(command), bed.run(command, env)
        self.assertEqual((shim.status, shim.out, shim.err), (plain.status, plain.out, plain.err))
        self.show(env)
        self.assertEqual(connects(shim), (13, 0))

    def test_node(self):
        self.same(["node", "-e", NODE, f"{self.http.url}/x?size=50"], blocking=False)

    def test_bash(self):
        self.same(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.http.port}; "
                   "printf 'GET /x?size=9 HTTP/1.0\\r\\nConnection: close\\r\\n\\r\\n' >&3; tail -n 1 <&3"])

    def test_redis(self):
        port = servers.free_port()
        server = servers.Daemon([servers.path_of("redis-server"), "--port", str(port), "--bind",
                                 "127.0.0.1", "--save", "", "--dir", bed.fresh_dir("redis")], port)
        try:
            self.same(["redis-cli", "-p", port, "SET", "a", "b"], blocking=False)
            self.same(["redis-cli", "-p", port, "GET", "a"], blocking=False)
        finally:
            server.stop()

    def test_rsync(self):
        directory, port = bed.fresh_dir("rsync"), servers.free_port()
        with open(os.path.join(directory, "f"), "wb") as f:
            f.write(bed.body_of(5000))
        config = bed.fresh_file(f"use chroot = no\n[m]\npath = {directory}\n".encode())
        server = servers.Daemon([servers.path_of("rsync"), "--daemon", "--no-detach", "--port",
                                 str(port), "--address=127.0.0.1", f"--config={config}"], port)
        try:
            # Blocking or not, depending on the version.
            self.same(["rsync", "--list-only", f"rsync://127.0.0.1:{port}/m/"], blocking=None)
        finally:
            server.stop()

    def test_git(self):
        directory, port = bed.fresh_dir("git"), servers.free_port()
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", directory]
        subprocess.run([*git, "init", "-q", "r"], check=True)
        subprocess.run([*git, "-C", "r", "commit", "-q", "--allow-empty", "-m", "one"], check=True)
        server = servers.Daemon(["git", "daemon", f"--port={port}", "--listen=127.0.0.1",
                                 "--export-all", f"--base-path={directory}", directory], port)
        try:
            self.same(["git", "ls-remote", f"git://127.0.0.1:{port}/r"])
        finally:
            server.stop()

    def test_ssh(self):
        directory, port = bed.fresh_dir("ssh"), servers.free_port()
        for key in ("host", "own"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            f"{directory}/{key}"], check=True)
        shutil.copy(f"{directory}/own.pub", f"{directory}/authorized")
        os.makedirs("/run/sshd", exist_ok=True)
        server = servers.Daemon(
            ["/usr/sbin/sshd", "-D", "-f", "/dev/null", "-p", str(port), "-h", f"{directory}/host",
             "-o", "ListenAddress=127.0.0.1", "-o", f"AuthorizedKeysFile={directory}/authorized",
             "-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PidFile=none"], port)
        try:
            self.same(["ssh", "-F", "none", "-p", port, "-i", f"{directory}/own", "-o",
                       "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                       "LogLevel=ERROR", "127.0.0.1", "echo through"])
            subprocess.run(["git", "init", "-q", f"{directory}/r"], check=True)
            subprocess.run(["git", "-C", f"{directory}/r", "-c", "user.name=t", "-c",
                            "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m",
                            "one"], check=True)
            how = (f"ssh -F none -i {directory}/own -o StrictHostKeyChecking=no -o "
                   "UserKnownHostsFile=/dev/null -o LogLevel=ERROR")
            self.same(["git", "-c", f"core.sshCommand={how}", "ls-remote",
                       f"ssh://127.0.0.1:{port}{directory}/r"])
        finally:
            server.stop()

    def test_psql(self):
        binaries = sorted(os.listdir("/usr/lib/postgresql"))[-1]
        binaries = f"/usr/lib/postgresql/{binaries}/bin"
        directory, port = bed.fresh_dir("postgres"), servers.free_port()
        user = as_user("postgres")
        if user:
            os.chmod(os.path.dirname(directory), 0o755)
            os.chown(directory, pwd.getpwnam("postgres").pw_uid, -1)
        subprocess.run([f"{binaries}/initdb", "-D", f"{directory}/d", "-A", "trust", "-U", "t"],
                       check=True, capture_output=True, cwd="/", **user)
        server = servers.Daemon([f"{binaries}/postgres", "-D", f"{directory}/d", "-p", str(port),
                                 "-h", "127.0.0.1", "-k", ""], port, **user)
        try:
            self.same(["psql", "-At", "-h", "127.0.0.1", "-p", port, "-U", "t", "postgres", "-c",
                       "select 6 * 7"], blocking=False)
        finally:
            server.stop()

    def test_sudo_and_su_behave_as_without_the_library(self):
        # Root already has the rights that these programs give, so the library is loaded into
        # them; for other users the loader ignores LD_PRELOAD.
        commands = [["sudo", "-n", "echo", "a"], ["su", "-s", "/bin/sh", "nobody", "-c", "id -u"]]
        if os.getuid() == 0:
            commands += [["setpriv", "--reuid", "65534", "--clear-groups", *c] for c in commands]
        for command in commands:
            env = bed.hardened_environment()
            plain, shim = bed.bare(command), bed.run(command, env)
            self.assertEqual((shim.status, shim.out, shim.err),
                             (plain.status, plain.out, plain.err))
            self.assertEqual(os.listdir(env["HARDEN_STATE"]), [])

    def test_wget_gives_up_by_its_own_alarm_and_jumps_out_of_connect(self):
        with socket.socket() as s, contextlib.ExitStack() as waiting:
            s.bind(("127.0.0.1", 0))
            s.listen(0)
            for _ in range(3):  # the queue is full then, and further connections get no answer
                c = waiting.enter_context(socket.socket())
                c.setblocking(False)
                c.connect_ex(s.getsockname())
            command = ["wget", "-q", "-t2", "--connect-timeout=0.5", "--waitretry=0", "-O-",
                       f"http://127.0.0.1:{s.getsockname()[1]}/"]
            plain, shim = bed.bare(command), bed.run(command, bed.hardened_environment())
        self.assertEqual(plain.status, 4)
        self.assertEqual((shim.status, shim.out, shim.err), (plain.status, plain.out, plain.err))

    def test_two_names_of_one_address_are_two_hosts(self):
        shim = bed.hardened([PYTHON, "-c", GET, f"http://localhost:{self.http.port}/x?size=1",
                             f"{self.http.url}/x?size=1"], reached=False)
        self.assertEqual(shim.status, 0, shim.err)
        self.assertIn(f"localhost:{self.http.port}", shim.health["checks"])

    def test_a_transfer_of_libcurl_is_one_request(self):
        shim = bed.hardened(["curl", "-sS", f"http://localhost:{self.http.port}/x?size=1"],
                            rate="2/1h", on_limit="fail")
        self.assertEqual(shim.status, 0, shim.err)
        self.assertEqual(shim.health["totals"]["requests"], 1)
        self.assertEqual(connects(shim), (0, 0))
        (check,) = shim.health["checks"].values()
        self.assertEqual(check["rate"]["available"], 1)

    def test_a_transfer_of_the_multi_interface_is_one_request(self):
        urls = [f"{self.http.url}/x?size=1&n={i}" for i in range(3)]
        shim = bed.hardened(["curl", "-sS", "-Z", *urls])
        self.assertEqual(shim.status, 0, shim.err)
        self.assertEqual(shim.health["totals"]["requests"], 3)
        self.assertEqual(connects(shim), (0, 0))


class Recovery(bed.Bed):
    """A server that is not ready yet when the program starts."""

    def late(self, command):
        port, events, up = servers.free_port(), bed.fresh_file(b""), []
        command = [str(w).replace("{port}", str(port)) for w in command]
        plain = bed.bare(command)
        self.assertNotEqual(plain.status, 0)

        def come_up_after_the_first_refusal():
            end = time.monotonic() + 20
            while not os.path.getsize(events) and time.monotonic() < end:
                time.sleep(0.02)
            up.append(bed.FaultServer(port=port).start())

        watcher = threading.Thread(target=come_up_after_the_first_refusal)
        watcher.start()
        try:
            shim = bed.hardened(command, reached=False, base_delay="1s", max_delay="1s",
                                jitter="none", events=events)
        finally:
            watcher.join()
            for s in up:
                s.stop()
        self.assertEqual(shim.status, 0, shim.err)
        check = shim.health["checks"][f"127.0.0.1:{port}"]
        self.assertEqual((check["requests"], check["recovered"]), (1, 1))
        self.assertEqual(check["retries"], check["attempts"] - 1)
        return shim

    def test_wget(self):
        shim = self.late(["wget", "-q", "-t1", "-O-", "http://127.0.0.1:{port}/x?size=100"])
        self.assertEqual(shim.out, bed.body_of(100))

    def test_python(self):
        shim = self.late([PYTHON, "-c", GET, "http://127.0.0.1:{port}/x?size=100"])
        self.assertEqual(shim.out, bed.body_of(100))

    def test_bash(self):
        self.late(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/{port}"])

    def test_a_local_socket_is_covered_only_by_a_rule_that_names_it(self):
        path = os.path.join(bed.fresh_dir("local"), "S")
        script = ("import socket, sys, threading, time\n"
                  "def serve():\n"
                  "    time.sleep(0.6)\n"
                  "    s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
                  "    s.accept()\n"
                  "threading.Thread(target=serve, daemon=True).start()\n"
                  "socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n")
        command = [PYTHON, "-c", script, path]
        env = bed.hardened_environment()
        self.assertIn(b"FileNotFoundError", bed.run(command, env).err)
        self.assertEqual(os.listdir(env["HARDEN_STATE"]), [])
        rule = (f"[host late]\nmatch = unix:{path}\nbase_delay = 900ms\nmax_delay = 900ms\n"
                "jitter = none\n")
        shim = bed.hardened(command, reached=False, base_delay=None, max_delay=None,
                            config=bed.fresh_file(rule.encode()))
        self.assertEqual(shim.status, 0, shim.err)
        self.assertEqual(shim.health["checks"][f"unix:{path}"]["recovered"], 1)

    def test_a_dead_host_is_refused_at_once_after_a_while(self):
        port, state = servers.free_port(), bed.fresh_dir("state")
        command = ["wget", "-q", "-t1", "-O-", f"http://127.0.0.1:{port}/"]
        for _ in range(6):
            shim = bed.hardened(command, reached=False, state=state, retry="off")
            self.assertEqual(shim.status, 4)
        (check,) = shim.health["checks"].values()
        self.assertEqual(check["breaker"]["state"], "open")
        self.assertEqual((check["attempts"], check["breaker"]["rejected"]), (5, 1))


class Names(unittest.TestCase):
    """A name server that answers SERVFAIL to the first query, for A and for AAAA."""
    WGET = ["wget", "-q", "-t1", "-O-", "http://db.example/"]

    def world(self, command, env, failures=2):
        unshare = ["unshare", "-mn" if os.getuid() == 0 else "-rmn"]
        env = dict(env)
        if "LD_PRELOAD" in env:
            env["PRELOAD"] = env.pop("LD_PRELOAD")
        return bed.run([*unshare, PYTHON, str(bed.ROOT / "tests/support/resolver.py"),
                        str(failures), *command], env)

    def test_a_query_to_a_name_server_that_is_not_ready_is_retried(self):
        plain = self.world(self.WGET, bed.environment())
        self.assertNotEqual(plain.status, 0)
        env = bed.hardened_environment()
        for command in (self.WGET, [PYTHON, "-c", GET, "http://db.example/"]):
            shim = self.world(command, env)
            self.assertEqual((shim.status, shim.out), (0, b"found\n"), shim.err)
        check = shim.health["checks"]["db.example"]
        self.assertEqual((check["retries"], check["recovered"]), (2, 2))
        self.assertEqual(connects(shim), (2, 0))

    def test_a_name_query_gets_all_attempts_of_the_policy(self):
        for command in (self.WGET, [PYTHON, "-c", GET, "http://db.example/"],
                        ["curl", "-sS", "http://db.example/"],
                        ["curl", "-sSZ", "http://db.example/", "-o", "-"]):
            with self.subTest(command[0]):
                shim = self.world(command, bed.hardened_environment(), failures=4)
                self.assertEqual((shim.status, shim.out), (0, b"found\n"), shim.err)
                check = shim.health["checks"]["db.example"]
                self.assertEqual((check["retries"], check["recovered"]), (2, 1))

    def test_a_query_for_a_name_that_does_not_exist_is_not_retried(self):
        url = "http://db.none.example/"
        for command, status in ((["wget", "-q", "-t1", "-O-", url], 4),
                                ([PYTHON, "-c", GET, url], 1),
                                (["curl", "-sS", url], 6), (["curl", "-sSZ", url], 6),
                                (["curl", "-sS", "-x", "http://proxy.none.example", url], 5)):
            with self.subTest(command=command):
                asked = []
                for env in bed.environment(), bed.hardened_environment():
                    env["QUESTIONS"] = bed.fresh_file(b"")
                    run = self.world(command, env, failures=0)
                    self.assertEqual(run.status, status, run.err)
                    with open(env["QUESTIONS"], encoding="ascii") as f:
                        asked.append(sorted(f))
                self.assertEqual(asked[0], asked[1])
                self.assertGreater(len(asked[0]), 0)
                if command[0] == "curl":
                    host, proxy = "db.none.example", "http://proxy.none.example:1080"
                    checks = run.health["checks"]
                    self.assertEqual(checks[host]["attempts"], 1)
                    party = checks[proxy if status == 5 else host]
                    self.assertEqual((party["retries"], party["failures_by"]["dns"]), (0, 1))

    def test_name_queries_of_libcurl_are_retried_only_by_its_transfer(self):
        shim = self.world(["curl", "-sS", "http://db.example/"], bed.hardened_environment())
        self.assertEqual((shim.status, shim.out), (0, b"found\n"), shim.err)
        check = shim.health["checks"]["db.example"]
        self.assertEqual((check["requests"], check["attempts"], check["retries"]), (1, 2, 1))

    def test_a_rule_for_a_name_applies_to_its_connections(self):
        env = bed.hardened_environment(rate=None, config=bed.fresh_file(
            b"[host db.example]\nrate = 1/1h\non_limit = fail\n"))
        shim = self.world(["sh", "-c", "wget -q -t1 -O- http://db.example/;"
                           "wget -q -t1 -O- http://other.example/;"
                           "wget -q -t1 -O- http://db.example/"], env, failures=0)
        self.assertEqual((shim.status, shim.out), (4, b"found\nfound\n"))


class Crowd(unittest.TestCase):
    """The limit at connect(), measured by the clock of the server."""
    alone = True
    CLIENT = """
import socket, sys, threading, time
end = time.monotonic() + float(sys.argv[2])
made = [0] * 4
def run(i):
    while time.monotonic() < end:
        socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
        made[i] += 1
threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print(*made)
"""

    def setUp(self):
        self.times = []
        times = self.times

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                times.append(time.monotonic())

        class Server(socketserver.TCPServer):
            allow_reuse_address, request_queue_size = True, 256

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def test_eight_processes_of_four_threads_share_one_limit(self):
        env = bed.hardened_environment(rate="50/1s", max_wait="20s")
        crowd = [bed.start([PYTHON, "-c", self.CLIENT, str(self.port), "6"], env)
                 for _ in range(8)]
        made = []
        for p in crowd:
            outcome = bed.finish(p, env)
            self.assertEqual((outcome.status, outcome.err), (0, b""))
            made += [int(n) for n in outcome.out.split()]
        time.sleep(0.2)
        self.assertEqual(sum(made), len(self.times))
        self.assertTrue(all(made), "a starved thread")
        self.assertGreater(len(self.times), 0.9 * (50 + 50 * 6))
        times = sorted(self.times)
        for window in (0.01, 0.1, 0.5, 1, 2, 5):
            most = max(sum(1 for t in times[i:i + 400] if t - start <= window)
                       for i, start in enumerate(times))
            self.assertLessEqual(most, 50 + 50 * (window + LATENESS_S), f"within {window} s")

    def test_a_thousand_children_of_xargs_share_one_board_and_leave_no_files(self):
        state = bed.fresh_dir("state")
        env = bed.hardened_environment(state=state, rate="400/1s", burst="400", max_wait="30s")
        outcome = bed.run(["sh", "-c", "seq 1000 | xargs -P 16 -I{} bash -c "
                           f"'exec 3<>/dev/tcp/127.0.0.1/{self.port}'"], env, timeout=120)
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        time.sleep(0.2)
        self.assertEqual(len(self.times), 1000)
        self.assertEqual(set(os.listdir(state)), {bed.BOARD, "health.json", "metrics.prom"})
        (check,) = outcome.health["checks"].values()
        self.assertEqual((check["requests"], check["successes"]), (1000, 1000))
        times = sorted(self.times)
        for i, start in enumerate(times):
            within = sum(1 for t in times[i:] if t - start <= 0.5)
            self.assertLessEqual(within, 400 + 400 * (0.5 + LATENESS_S))


class Hosts(bed.Bed):
    """Servers that run under the library: many processes, non-blocking, with dropped rights."""

    def test_nginx_as_a_proxy(self):
        directory, port = bed.fresh_dir("nginx"), servers.free_port()
        os.chmod(os.path.dirname(directory), 0o755)
        os.chmod(directory, 0o755)
        config = bed.fresh_file(f"""
daemon off; worker_processes 2; pid {directory}/pid; error_log {directory}/log crit;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {self.http.url}; }} }} }}
""".encode())
        env = bed.hardened_environment(snapshot_interval="100ms")
        server = servers.Daemon([servers.path_of("nginx"), "-e", f"{directory}/log", "-c", config],
                                port, env=env)
        self.through(server, port, env)

    def test_haproxy(self):
        port = servers.free_port()
        config = bed.fresh_file(f"""
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
listen front
  bind 127.0.0.1:{port}
  server back 127.0.0.1:{self.http.port}
""".encode())
        env = bed.hardened_environment(snapshot_interval="100ms")
        server = servers.Daemon([servers.path_of("haproxy"), "-db", "-q", "-f", config], port,
                                env=env)
        self.through(server, port, env)

    def through(self, server, port, env):
        try:
            for i in range(20):
                o = bed.bare(["curl", "-sS", f"http://127.0.0.1:{port}/x?size=200&n={i}"])
                self.assertEqual((o.status, o.out), (0, bed.body_of(200)))
            with open(f"/proc/{server.process.pid}/maps", encoding="utf-8") as f:
                self.assertIn(str(bed.LIBRARY), f.read())
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()
