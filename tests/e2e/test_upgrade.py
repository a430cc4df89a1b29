# SPDX-License-Identifier: MIT
"""An upgrade to a version whose board has another layout, and back, while programs are running."""
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import bed
from windows import check_windows

RATE, BURST = 20, 20
OLD_LAYOUT, OLD_VERSION = 99, "0.0.9"
EACH = 40  # requests per process
OLD = bed.ROOT / f"build/layout{OLD_LAYOUT}"
OLD_BOARD = f"board.{OLD_LAYOUT}"
DAY_S = 86400


def build_old():
    """Builds the other version; nothing to do if it is up to date."""
    env = {k: v for k, v in bed.environment().items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD", "SANITIZE", "RARE", "DEVELOPER")}
    subprocess.run(["make", "-s", f"LAYOUT={OLD_LAYOUT}", f"VERSION={OLD_VERSION}",
                    f"build/layout{OLD_LAYOUT}/libharden.so", f"build/layout{OLD_LAYOUT}/harden"],
                   cwd=bed.ROOT, env=env, check=True, stdout=subprocess.DEVNULL)


class Upgrade(bed.Bed):
    alone = True

    @classmethod
    def setUpClass(cls):
        build_old()
        super().setUpClass()

    def setUp(self):
        self.prefix = bed.fresh_dir("prefix")
        self.state = bed.fresh_dir("state")
        self.running = []
        os.mkdir(self.prefix + "/bin")
        os.mkdir(self.prefix + "/lib")

    def tearDown(self):
        for p in self.running:
            p.kill()
            if not p.stdout.closed:
                p.communicate()

    def install(self, build):
        """As a package manager does it: a new file takes the name of the old one."""
        for name, place in (("harden", "bin"), ("libharden.so", "lib")):
            path = f"{self.prefix}/{place}/{name}"
            shutil.copy(build / name, path + ".new")
            os.rename(path + ".new", path)

    def env(self, **options):
        return bed.hardened_environment(self.state, **options) | {
            "LD_PRELOAD": f"{self.prefix}/lib/libharden.so"}

    def load(self, key, n, **options):
        env = self.env(rate=f"{RATE}/1s", max_wait="30s", max_elapsed="60s", **options)
        command = ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}\n",
                   f"{self.http.url}/x?key={key}&size=10&n=[1-{EACH}]"]
        started = [(bed.start(command, env), env) for _ in range(n)]
        self.running += [p for p, _ in started]
        return started

    def harden(self, *argv, **env):
        o = bed.run([f"{self.prefix}/bin/harden", *argv],
                    bed.environment({"HARDEN_CONFIG": "none", "HARDEN_STATE": self.state, **env}))
        return o.status, o.text, o.err.decode()

    def ps(self, *flags):
        status, out, err = self.harden("ps", "--state", self.state, "--json", *flags)
        self.assertEqual((status, err), (0, ""))
        return {p["pid"]: p for p in json.loads(out)["processes"]}

    def until_on_board(self, processes, board):
        """Waits until they are on the board, and returns what `harden ps` says about them."""
        pids, until = {p.pid for p, _ in processes}, time.monotonic() + 30
        while time.monotonic() < until:
            seen = {pid: p for pid, p in self.ps().items()
                    if pid in pids and p["board"] == f"{self.state}/{board}" and p["mode"]}
            if set(seen) == pids:
                return seen
            time.sleep(0.02)
        self.fail(f"not all are on {board}: {self.ps()}")

    def all_answered(self, processes, key):
        for p, env in processes:
            o = bed.finish(p, env)
            self.assertEqual((o.status, o.err), (0, b""))
            self.assertEqual(o.out, b"200\n" * EACH)
        entries = self.http.log(key)
        self.assertEqual(len(entries), EACH * len(processes))
        check_windows(self, [e["time"] for e in entries], RATE, BURST)

    def boards(self):
        return sorted(n for n in os.listdir(self.state) if n.startswith("board"))

    def aged(self, board):
        long_ago = time.time() - DAY_S - 1
        os.utime(f"{self.state}/{board}", (long_ago, long_ago))

    def one_request(self):
        o = bed.run(["curl", "-sS", "-o", os.devnull, self.url(bed.unique())], self.env())
        self.assertEqual((o.status, o.err), (0, b""))

    def change(self, before, after):
        """Four programs of one version, then four of another: (build, board, version)."""
        was, now = bed.unique("before"), bed.unique("after")
        self.install(before[0])
        first = self.load(was, 4)
        for p in self.until_on_board(first, before[1]).values():
            self.assertEqual((p["version"], p["mode"], p["restart"]), (before[2], "enforce", False))
        self.install(after[0])
        second = self.load(now, 4)
        new = self.until_on_board(second, after[1])
        old = self.until_on_board(first, before[1])
        for p in new.values():
            self.assertEqual((p["version"], p["mode"], p["restart"]), (after[2], "enforce", False))
        for p in old.values():
            self.assertEqual((p["version"], p["mode"], p["restart"]), (before[2], "enforce", True))
            self.assertIn(f"it has loaded {before[2]}, now there is {after[2]}", p["reason"])
        self.assertEqual(set(self.ps("--restart")), set(old))
        for command in ("status", "health", "doctor"):
            self.assertIn(f"4 programs use {before[1]}, with limits of its own",
                          self.harden(command)[1])
        _, out, _ = self.harden("doctor", str(second[0][0].pid))
        self.assertIn(f"4 programs use {before[1]}", out)
        status, out, _ = self.harden("ps", "--clean")
        self.assertEqual((status, "in use" in out), (1, True))
        self.all_answered(first, was)
        self.all_answered(second, now)
        self.assertEqual(self.boards(), sorted([before[1], after[1]]), "it rests for a day")
        self.assertNotIn(before[1], self.harden("status")[1])
        self.aged(before[1])
        self.one_request()
        self.assertEqual(self.boards(), [after[1]])
        self.assertEqual(self.ps(), {})

    def test_an_upgrade_under_load_keeps_both_limits_and_loses_nothing(self):
        self.change((OLD, OLD_BOARD, OLD_VERSION), self.current())

    def test_a_downgrade_under_load_keeps_both_limits_and_loses_nothing(self):
        self.change(self.current(), (OLD, OLD_BOARD, OLD_VERSION))

    def current(self):
        version = bed.run([bed.LIBRARY.parent / "harden", "--version"], bed.environment()).text
        return bed.LIBRARY.parent, bed.BOARD, version.split()[1]

    def test_programs_that_start_while_boards_are_removed_share_their_board(self):
        """The new command removes the old board all the time, while old programs open and leave it."""
        self.install(OLD)
        cleaner = self.start_cleaner()
        env = self.env(rate="1000/1s", log="warn")
        ends = time.monotonic() + 4
        n = 0
        while time.monotonic() < ends:
            started = [bed.start(["curl", "-sS", "-o", os.devnull, self.url(bed.unique())], env)
                       for _ in range(4)]
            for p in started:
                o = bed.finish(p, env)
                self.assertEqual((o.status, o.err), (0, b""), "a private board is an error in the log")
                n += 1
        cleaner.kill()
        out, _ = cleaner.communicate()
        self.assertGreater(n, 8)
        self.assertIn(b"removed", out)

    def start_cleaner(self):
        harden = bed.LIBRARY.parent / "harden"
        loop = subprocess.Popen(
            [sys.executable, "-c", "import subprocess\n"
             f"while True: subprocess.run([{str(harden)!r}, 'ps', '--clean'])"],
            env=bed.environment({"HARDEN_CONFIG": "none", "HARDEN_STATE": self.state}),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(loop)
        return loop

    def until_loaded(self, p):
        until = time.monotonic() + 30
        while "libharden" not in Path(f"/proc/{p.pid}/maps").read_text(encoding="utf-8"):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def test_a_program_that_has_made_no_call_must_be_restarted_too(self):
        self.install(OLD)
        p = bed.start(["sleep", "60"], self.env())
        self.running.append(p)
        self.until_loaded(p)
        self.install(self.current()[0])
        _, out, _ = self.harden("ps", "--restart")
        self.assertRegex(out, rf"(?m)^restart sleep \(pid {p.pid}\): libharden\.so was replaced")
        os.unlink(self.prefix + "/lib/libharden.so")
        _, out, _ = self.harden("ps", "--restart")
        self.assertRegex(out, rf"(?m)^restart sleep \(pid {p.pid}\): .*/lib/libharden\.so was removed$")

    def test_what_is_no_file_in_the_place_of_the_library_is_not_opened(self):
        self.install(self.current()[0])
        p = bed.start(["sleep", "60"], self.env())
        self.running.append(p)
        self.until_loaded(p)
        library, opened = self.prefix + "/lib/libharden.so", threading.Event()
        os.unlink(library)
        os.mkfifo(library)
        writer = threading.Thread(target=lambda: (os.close(os.open(library, os.O_WRONLY)), opened.set()))
        writer.start()
        _, out, _ = self.harden("ps", "--restart")
        self.assertRegex(out, rf"(?m)^restart sleep \(pid {p.pid}\): libharden\.so was replaced")
        self.assertFalse(opened.wait(0.05))
        os.close(os.open(library, os.O_RDONLY | os.O_NONBLOCK))
        writer.join()

    def test_a_state_directory_may_be_named_by_a_link_or_a_relative_path(self):
        self.install(self.current()[0])
        p = self.running_program("none")
        self.until_mode(p, "enforce")
        link = os.path.join(bed.fresh_dir(), "link")
        os.symlink(os.path.dirname(self.state), link)
        for name in (f"{link}/{os.path.basename(self.state)}", os.path.relpath(self.state)):
            status, out, _ = self.harden("ps", "--state", name)
            self.assertEqual((status, f"{p.pid} python" in out), (0, True), out)

    def test_the_script_of_the_package_names_what_must_be_restarted_and_never_fails(self):
        self.install(OLD)
        running = self.load(bed.unique(), 1)[0][0]
        while running.pid not in self.ps():
            time.sleep(0.02)
        self.install(self.current()[0])
        script = bed.ROOT / "scripts/packaging/debian/libharden.postinst"
        path = {"PATH": f"{self.prefix}/bin:{os.environ['PATH']}"}
        for argv, names in ((["configure", "0.0.9"], os.geteuid() == 0), (["configure", ""], False),
                            (["abort-upgrade", "0.0.9"], False)):
            o = bed.run(["sh", script, *argv], bed.environment(path))
            self.assertEqual((o.status, o.err), (0, b""))
            self.assertEqual(f"(pid {running.pid}" in o.text, names, o.text)
            self.assertEqual(bool(o.text), names)
        os.unlink(self.prefix + "/bin/harden")
        os.symlink("/bin/false", self.prefix + "/bin/harden")
        o = bed.run(["sh", script, "configure", "0.0.9"], bed.environment(path))
        self.assertEqual((o.status, o.out, o.err), (0, b"", b""))

    def test_the_mode_follows_the_configuration_of_a_running_program(self):
        self.install(self.current()[0])
        config = bed.fresh_file(b"[harden]\nmode = observe\n")
        p = self.running_program(config)
        self.assertEqual(self.until_mode(p, "observe")["service"], "batch")
        with open(config, "w", encoding="ascii") as f:
            f.write("[harden]\nmode = off\n# longer\n")
        self.until_mode(p, "off")

    def running_program(self, config):
        env = self.env(snapshot_interval="100ms", service="batch") | {"HARDEN_CONFIG": config}
        p = bed.start([sys.executable, "-c", "import pycurl, time\nc = pycurl.Curl()\n"
                       f"c.setopt(c.URL, '{self.url(bed.unique())}')\n"
                       "c.setopt(c.WRITEFUNCTION, lambda b: None)\n"
                       "while True: c.perform(); time.sleep(0.05)"], env)
        self.running.append(p)
        return p

    def until_mode(self, p, mode):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            seen = self.ps().get(p.pid)
            if seen and seen["mode"] == mode:
                return seen
            time.sleep(0.05)
        self.fail(f"not {mode}: {self.ps()}")


class Flags(unittest.TestCase):
    def test_flags_that_exclude_each_other_are_refused(self):
        harden = bed.LIBRARY.parent / "harden"
        for flags in (["--clean", "--json"], ["--user", "no-such-user"], ["--user", "4294967296"],
                      ["--user", "+0"], ["x"]):
            self.assertEqual(bed.run([harden, "ps", *flags], bed.environment()).status, 64)

    @unittest.skipIf(os.geteuid(), "only root can hide /proc")
    def test_without_proc_nothing_is_said_about_processes(self):
        harden = bed.LIBRARY.parent / "harden"
        o = bed.run(["unshare", "-m", "sh", "-c", f"mount -t tmpfs none /proc && exec {harden} ps"],
                    bed.environment())
        self.assertEqual((o.status, o.out), (1, b""), o.err)
        self.assertIn(b"/proc cannot be read", o.err)
