# SPDX-License-Identifier: MIT
"""The cost of the shim for a process: nothing without network, and nothing that grows with use."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

import bed

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--show-leak-kinds=definite,possible", "--errors-for-leak-kinds=definite,possible",
            f"--suppressions={bed.ROOT}/tests/support/valgrind.supp"]


class WithoutNetwork(unittest.TestCase):
    def look(self, env):
        """Returns the threads, mappings and descriptors of a sleeping process, by name."""
        p = subprocess.Popen(["sleep", "30"], env=env)
        try:
            time.sleep(0.3)
            tasks = len(os.listdir(f"/proc/{p.pid}/task"))
            with open(f"/proc/{p.pid}/maps", encoding="utf-8") as f:
                maps = {line.split(None, 5)[5].strip() for line in f if len(line.split()) > 5}
            fds = sorted(os.listdir(f"/proc/{p.pid}/fd"))
            return tasks, maps, fds
        finally:
            p.kill()
            p.wait()

    def test_a_process_without_network_has_no_thread_file_or_mapping_of_ours(self):
        env = bed.hardened_environment()
        parent = bed.fresh_dir()
        env["HARDEN_STATE"] = os.path.join(parent, "state")
        plain, shim = self.look(bed.environment()), self.look(env)
        self.assertEqual(shim[0], 1)
        self.assertEqual(shim[1] - plain[1], {str(bed.LIBRARY)})
        self.assertEqual(shim[2], plain[2])
        self.assertEqual(os.listdir(parent), [])

    def test_common_tools_behave_as_without_the_library(self):
        for command in (["ls", "/"], ["sh", "-c", "echo a; (exit 3)"], ["/bin/true"],
                        ["/bin/false"], ["python3", "-c", "print(1)"], ["env", "-i", "pwd"],
                        ["sh", "-c", "kill -9 $$"], ["cat", "/no/such"]):
            parent = bed.fresh_dir()
            env = bed.hardened_environment(state=os.path.join(parent, "state"))
            plain, shim = bed.bare(command), bed.run(command, env)
            self.assertEqual((shim.status, shim.out, shim.err),
                             (plain.status, plain.out, plain.err), command)
            self.assertEqual(os.listdir(parent), [], command)


class Growth(bed.Bed):
    def test_ten_thousand_transfers_leak_no_descriptor_memory_or_thread(self):
        with socket.socket() as s:  # bound but not listening: refuses
            s.bind(("127.0.0.1", 0))
            base = self.http.url
            good, fresh = f"{base}/good?size=100", f"+{base}/fresh?size=100"
            urls = [good, f"{base}/f%d?fail=1", good, f"+{base}/r%d?fail=1&how=rst", good, fresh,
                    good, f"http://127.0.0.1:{s.getsockname()[1]}/", good, f"+{base}/n%d?fail=1"]
            outcome = bed.hardened([bed.compile_client("load"), " ".join(urls), 1, 100, 10000],
                                   timeout=120, retry_budget="off", breaker="off",
                                   base_delay="1ms", max_delay="1ms")
        report = json.loads(outcome.out)
        early, late = report["early"], report["late"]
        self.assertEqual((report["good"], report["bad"]), ([9000], 1000))
        self.assertEqual(outcome.transfers(), 10000)
        self.assertEqual(sum(c["retries"] for c in outcome.health["checks"].values()),
                         3000 + 2 * 1000)
        # Our thread starts late, because the program has two.
        self.assertIn(late["threads"] - early["threads"], (0, 1))
        self.assertEqual(late["fds"], early["fds"])
        # Without the shim it differs by up to 10 kB; leaking 8 bytes per transfer would add 72 kB.
        self.assertLessEqual(late["heap_kb"], early["heap_kb"] + 48)
        self.assertLessEqual(late["rss_kb"], early["rss_kb"] + 512)

    def test_no_descriptor_of_ours_stays_open(self):
        script = ("import pycurl, os, sys\n"
                  "def fds(): return sorted(os.listdir('/proc/self/fd'))\n"
                  "c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1])\n"
                  "c.setopt(c.WRITEFUNCTION, lambda b: None); a = fds()\n"
                  "c.perform(); c.close(); assert fds() == a, fds()\n")
        outcome = bed.hardened(["/usr/bin/python3", "-c", script, self.url(bed.unique())])
        self.assertEqual((outcome.status, outcome.err), (0, b""))


class Valgrind(bed.Bed):
    def clean(self, *arguments, status=0, reached=True):
        command = VALGRIND + ["curl", "-sS", *arguments]
        outcome = bed.hardened(command, timeout=180, reached=reached)
        self.assertEqual((outcome.status, outcome.err), (status, b""))

    def test_a_plain_transfer(self):
        self.clean(self.url(bed.unique()))

    def test_a_transfer_with_retries(self):
        self.clean(self.url(bed.unique(), fail=2))
        self.clean(self.url(bed.unique(), fail=2, how="rst"))

    def test_a_transfer_that_never_succeeds(self):
        self.clean(self.url(bed.unique(), fail=-1, ra="0", how="429"))

    def test_tls_and_an_upload(self):
        path = bed.fresh_file(bed.body_of(20000))
        self.clean("--cacert", self.ca, "-T", path, self.url(bed.unique(), tls=True, fail=1))

    def test_parallel_transfers(self):
        self.clean("--no-progress-meter", "-Z", *[self.url(bed.unique(), fail=1) for _ in range(3)],
                   reached=False)

    def test_a_redirect_with_headers_in_the_body(self):
        to = self.url(bed.unique(), fail=1).replace("&", "%26").replace("?", "%3F")
        self.clean("-iL", self.url(bed.unique(), path="/hop", to=to))

    def test_a_process_without_network(self):
        env = bed.hardened_environment()
        self.assertEqual(bed.run(VALGRIND + ["/bin/true"], env).status, 0)


FORKS = """
import os, pycurl, sys, signal
def get():
    c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); c.setopt(c.WRITEFUNCTION, lambda b: None)
    c.perform(); code = c.getinfo(c.RESPONSE_CODE); c.close(); return code
assert get() == 200
for i in range(5):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if get() == 200 else 1)
    assert os.waitpid(pid, 0)[1] == 0
assert get() == 200
"""


class Lives(bed.Bed):
    def test_forked_children_are_covered(self):
        key = bed.unique()
        outcome = bed.hardened(["/usr/bin/python3", "-W", "always", "-c", FORKS, self.url(key, fail=1)])
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertEqual(len(self.http.log(key)), 8)
        (host,) = outcome.health["checks"].values()
        self.assertEqual((host["requests"], host["attempts"]), (7, 8))

    def test_a_program_of_one_thread_stays_one_however_long_it_lives(self):
        script = ("import os, pycurl, sys, time\n"
                  "c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); c.setopt(c.WRITEFUNCTION, len)\n"
                  "end = time.monotonic() + 0.8\n"
                  "while time.monotonic() < end:\n"
                  "    c.perform(); n = len(os.listdir('/proc/self/task')); assert n == 1, n\n"
                  "os.fork() or os._exit(0)\n")
        outcome = bed.hardened(["/usr/bin/python3", "-W", "error", "-c", script,
                                self.url(bed.unique())], snapshot_interval="100ms")
        self.assertEqual((outcome.status, outcome.err), (0, b""))

    def test_a_signal_during_a_wait_still_ends_the_program(self):
        env = bed.hardened_environment(base_delay="20s", max_delay="20s", jitter="none")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            p = bed.start(["curl", "-sS", self.url(bed.unique(), fail=-1)], env)
            time.sleep(0.6)
            began = time.monotonic()
            p.send_signal(number)
            outcome = bed.finish(p, env)
            self.assertEqual(outcome.status, -number)
            self.assertLess(time.monotonic() - began, 1)

    def test_an_exit_is_not_delayed(self):
        key = bed.unique()
        bed.bare(["curl", "-sS", self.url(key)])

        def took(run):
            best = 9
            for _ in range(5):
                began = time.monotonic()
                run(["curl", "-sS", self.url(key)])
                best = min(best, time.monotonic() - began)
            return best
        self.assertLess(took(bed.hardened), took(bed.bare) + 0.15)

    def test_a_small_stack_and_many_threads(self):
        load = bed.compile_client("load")
        outcome = bed.hardened([load, self.url("t", size=10), 24, 30, 20])
        report = json.loads(outcome.out)
        self.assertEqual((report["bad"], sum(report["good"])), (0, 480))
        (host,) = outcome.health["checks"].values()
        self.assertEqual((host["requests"], host["attempts"], host["successes"]),
                         (480, 480, 480))


AGAIN = """
import io, pycurl, socket, sys
c = pycurl.Curl()
c.setopt(c.URL, sys.argv[1])
for line in sys.stdin:
    c.setopt(c.WRITEDATA, io.BytesIO())
    c.perform()
    for _ in range(2):
        with socket.socket() as s:
            s.connect(("localhost", int(sys.argv[2])))
    print("done", flush=True)
"""


class VanishedBoards(bed.Bed):
    """RemoveIPC at logout, or rm -rf, removes the board of running programs."""

    def test_running_programs_open_a_new_board_and_share_it_with_new_ones(self):
        env = bed.hardened_environment(snapshot_interval="100ms")
        state, port = env["HARDEN_STATE"], self.http.url.split(":")[2]
        url = f"http://127.0.0.1:{port}/get?key={bed.unique()}"
        p = subprocess.Popen(["/usr/bin/python3", "-c", AGAIN, url, port], env=env, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        self.addCleanup(p.stdout.close)

        def turn():
            p.stdin.write(b"go\n")
            p.stdin.flush()
            self.assertEqual(p.stdout.readline(), b"done\n")
        for _ in range(2):
            turn()
            turn()
            shutil.rmtree(state)
            time.sleep(0.2)  # more than an interval
            turn()
            outcome = bed.run(["curl", "-sS", "-o", "/dev/null", url], env)
            checks = outcome.health["checks"]
            self.assertEqual({name: host["requests"] for name, host in checks.items()},
                             {f"127.0.0.1:{port}": 2, f"localhost:{port}": 2})
        p.stdin.close()
        self.assertEqual(p.wait(20), 0)


class TwoCopies(bed.Bed):
    """The library twice in LD_PRELOAD, from two files."""

    def test_two_copies_count_each_call_once(self):
        copy = os.path.join(bed.fresh_dir(), "libharden.so")
        shutil.copyfile(bed.LIBRARY, copy)
        port = self.http.url.split(":")[2]
        for both in (f"{bed.LIBRARY}:{copy}", f"{copy} {bed.LIBRARY}"):
            env = bed.hardened_environment(rate="2/1h", on_limit="fail")
            env["LD_PRELOAD"] = both
            curl = ["curl", "-sS", "-o", "/dev/null",
                    f"http://127.0.0.1:{port}/get?key={bed.unique()}"]
            self.assertEqual([bed.run(curl, env).status for _ in range(3)], [0, 0, 28])
            env = bed.hardened_environment()
            env["LD_PRELOAD"] = both
            dial = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]
            self.assertEqual([bed.run(dial, env).status for _ in range(3)], [0] * 3)
            health = bed.run(curl, env).health
            (host,) = health["checks"].values()
            self.assertEqual((host["requests"], host["attempts"]), (4, 4))
            coverage = health["coverage"]
            self.assertEqual((coverage["transfers_easy"], coverage["connects_blocking"],
                              coverage["connects_nonblocking"]), (1, 3, 0))
            (libcurl,) = coverage["libcurl"]
            self.assertIn("/libcurl", libcurl["path"])


class ShortLives(bed.Bed):
    """Many programs that end at once: the counts of each are in the files when the last one has
    ended."""
    ROUNDS, EACH = 20, 40
    LEASE_AT = 72  # struct board_header: a line of text, snapshot_due_ns, snapshot_lease_ns

    def test_their_last_counts_are_written_and_no_file_is_left(self):
        script = "".join('curl -sS -o /dev/null "$1" & ' for _ in range(self.EACH)) + "wait"
        url = self.url(bed.unique())
        for _ in range(self.ROUNDS):
            env = bed.hardened_environment()
            self.assertEqual(bed.run(["sh", "-c", script, "sh", url], env).err, b"")
            state = env["HARDEN_STATE"]
            with open(os.path.join(state, bed.BOARD), "rb") as f:
                lease = struct.unpack_from("=q", f.read(4096), self.LEASE_AT)[0]
            with open(os.path.join(state, "health.json"), encoding="utf-8") as f:
                (host,) = json.load(f)["checks"].values()
            self.assertEqual((host["requests"], host["attempts"], host["successes"]),
                             (self.EACH,) * 3)
            self.assertEqual(lease, 0)
            self.assertEqual(sorted(os.listdir(state)), [bed.BOARD, "health.json", "metrics.prom"])


if __name__ == "__main__":
    unittest.main()
