# SPDX-License-Identifier: MIT
"""`harden status` in a window, and at the boards of other users. Each terminal is a pty of the test."""
import fcntl
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

import bed
from test_command import CURL, HARDEN, environment, harden
from test_report import fill_board

ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"
ESCAPE = re.compile(r"\033\[[0-9;?]*[A-Za-z]")
LONG = "a-rather-long-name-of-a-host.eu-central-1.compute.cloud.example.com:8443"
NAMES = [LONG, "[2001:db8:1234:5678:9abc:def0:1234:5678]:9200", "xn--mnchen-3ya.example",
         "münchen.example", "a\033[31mb.example", "10.20.30.40:5432"]
NAMES += [f"host-{i}.example.com" for i in range(54)]
STRANGER = 61234  # no user of this machine


class Terminal:
    """A program on a terminal of its own; with Terminal(...) as t: t.until(b"words")."""

    def __init__(self, command, env, columns, rows):
        self.own, terminal = pty.openpty()
        self.path, self.seen = os.ttyname(terminal), b""
        self.resize(columns, rows)
        self.modes = termios.tcgetattr(terminal)

        def control():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
            command, env=env | {"TERM": "xterm"}, stdin=terminal, stdout=terminal, stderr=terminal,
            start_new_session=True, preexec_fn=control)
        self.terminal = terminal

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.own)
        os.close(self.terminal)

    def resize(self, columns, rows):
        fcntl.ioctl(self.own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, wait_s):
        if not select.select([self.own], [], [], wait_s)[0]:
            return False
        self.seen += os.read(self.own, 65536)
        return True

    def until(self, words, after=0):
        """Reads until the words have come, and returns where they end."""
        end = time.monotonic() + bed.TIMEOUT_S
        while words not in self.seen[after:]:
            if time.monotonic() > end:
                raise AssertionError(f"no {words} in {self.seen[-2000:]}")
            self.read(0.1)
        return self.seen.index(words, after) + len(words)

    def wait(self):
        end = time.monotonic() + bed.TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.02)
        while self.read(0.02):
            pass
        return self.process.returncode

    def type(self, text):
        os.write(self.own, text)

    def modes_are_restored(self):
        return termios.tcgetattr(self.terminal) == self.modes


def frames(seen):
    """The views that were drawn, each as lines without escape sequences."""
    for part in seen.split(b"\033[H")[1:]:
        text = ESCAPE.sub("", part.split(b"\033[J")[0].decode()).replace("\r", "")
        yield text.rstrip("\n").split("\n")


class Window(bed.Bed):
    def shown(self, env, columns, rows, *arguments):
        with Terminal([HARDEN, "status", *arguments], env, columns, rows) as t:
            status = t.wait()
            return status, ESCAPE.sub("", t.seen.decode()).replace("\r\n", "\n").splitlines()

    def test_no_line_is_wrapped_and_none_scrolls_away(self):
        env = fill_board("names", *NAMES)
        for columns, rows in ((80, 24), (120, 40), (40, 10), (20, 6), (300, 90)):
            status, lines = self.shown(env, columns, rows)
            self.assertEqual(status, 0)
            self.assertLess(len(lines), rows, (columns, rows))
            self.assertLessEqual(max(map(len, lines)), columns, (columns, rows))
            hosts = sum(" unhealthy" in line and "not shown" not in line for line in lines)
            self.assertGreater(hosts, 0)
            if hosts < 60 and columns > 30:
                self.assertTrue(lines[-1].startswith(f"{60 - hosts} hosts not shown (60"[:20]),
                                lines[-1])

    def test_names_are_shortened_in_the_middle(self):
        env = fill_board("names", LONG)
        _, lines = self.shown(env, 80, 24)
        self.assertRegex(lines[-1], r"^a-rather[^ ]*\.\.\.[^ ]*\.com:8443 unhealthy ")
        _, lines = self.shown(env, 200, 24)
        self.assertTrue(lines[-1].startswith(LONG + " unhealthy "))

    def test_without_a_terminal_the_whole_table_is_printed(self):
        env = fill_board("names", *NAMES)
        text = harden("status", env=env)[1]
        self.assertNotIn("\033", text)
        self.assertNotIn("not shown", text)
        head, = re.findall(r"(?m)^HOST .*$", text)
        self.assertEqual(head.split(), ["HOST", "STATUS", "REQUESTS", "SUCCESS", "RETRIES", "REJECTED",
                                        "WAITED", "P50", "P99", "BREAKER", "TOKENS"])
        self.assertEqual(len(re.findall(r"(?m)^[^ ]+ +unhealthy ", text)), 60)
        self.assertIn(f"\n{LONG} unhealthy", text)

    def test_colours_are_for_terminals_and_can_be_switched_off(self):
        env = fill_board("names", "a.example")
        for extra, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            with Terminal([HARDEN, "status"], env | extra, 80, 24) as t:
                t.wait()
                self.assertEqual(b"\033[31munhealthy" in t.seen, coloured)
                self.assertIn(b"unhealthy", t.seen)

    def test_a_pattern_selects_hosts(self):
        env = fill_board("names", *NAMES)
        status, text, err = harden("status", "--host", "*.example.com", env=env)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(len(re.findall(r"(?m)^host-\d+\.example\.com +unhealthy", text)), 54)
        self.assertEqual(text.count("unhealthy"), 55)  # and the long one
        status, text, err = harden("status", "--host", "10.20.0.0/16", env=env)
        self.assertEqual((status, text.splitlines()[-1].split()[0]), (0, "10.20.30.40:5432"))
        status, _, err = harden("status", "--host", "*.example.org", env=env)
        self.assertEqual((status, err), (1, "harden status: no host or active check matches "
                                            "*.example.org\n"))
        self.assertEqual(harden("status", "--host", "a.example/path", env=env)[0], 64)
        self.assertEqual(harden("status", "--host", "*", "--json", env=env)[0], 64)


class Watch(bed.Bed):
    def watch(self, env, columns=80, rows=24):
        t = Terminal([HARDEN, "status", "--watch"], env, columns, rows)
        self.addCleanup(t.__exit__)
        t.until(ENTER)
        t.until(b"q quits")
        return t

    def test_q_quits_and_the_terminal_is_as_before(self):
        t = self.watch(fill_board("names", *NAMES))
        self.assertFalse(t.modes_are_restored())
        t.type(b"xq")
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.modes_are_restored())
        self.assertTrue(t.seen.endswith(LEAVE))
        for lines in frames(t.seen):
            self.assertLessEqual(len(lines), 24)
            self.assertLessEqual(max(map(len, lines)), 80)
            self.assertIn(" REQ/S ", "\n".join(lines))

    def test_a_signal_ends_it_and_the_terminal_is_as_before(self):
        env = fill_board("names", "a.example")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            t = self.watch(env)
            os.kill(t.process.pid, number)
            self.assertEqual(t.wait(), -number)
            self.assertTrue(t.modes_are_restored(), number)
            self.assertTrue(t.seen.endswith(LEAVE), number)

    def test_control_c_ends_it(self):
        t = self.watch(fill_board("names", "a.example"))
        t.type(b"\x03")
        self.assertEqual(t.wait(), -signal.SIGINT)
        self.assertTrue(t.modes_are_restored())

    def test_a_new_size_is_used_at_once(self):
        t = self.watch(fill_board("names", *NAMES))
        began, sizes = time.monotonic(), [(50, 12), (80, 24)] * 20
        for columns, rows in sizes:
            at = len(t.seen)
            t.resize(columns, rows)
            lines = []
            while len(lines) != rows:
                t.read(1)
                lines = (list(frames(t.seen[at:])) or [[]])[-1]
            self.assertLessEqual(max(map(len, lines)), columns)
            # A rate of so short a time would say nothing: it is that of the last whole interval.
            self.assertNotIn(" in 0 s", "\n".join(lines))
        # Otherwise, each size is seen after the second to the next view.
        self.assertLess(time.monotonic() - began, 0.7 * len(sizes))

    def test_a_stopped_watch_gives_the_terminal_back(self):
        env, notes = fill_board("names", "a.example"), bed.fresh_dir()
        script = (f"stty -g > {notes}/before; '{HARDEN}' status --watch; stty -g > {notes}/stopped; "
                  f"echo is stopped; fg > /dev/null; echo ended $?; stty -g > {notes}/after")
        with Terminal(["bash", "--norc", "-mc", script], env, 80, 24) as t:
            at = t.until(b"q quits")
            t.type(b"\x1a")
            at = t.until(b"is stopped", at)
            self.assertIn(LEAVE, t.seen[:at])
            at = t.until(ENTER, at)
            t.until(b"q quits", at)
            t.type(b"q")
            t.until(b"ended 0")
            t.wait()
        modes = []
        for name in ("before", "stopped", "after"):
            with open(f"{notes}/{name}", encoding="ascii") as f:
                modes.append(f.read())
        self.assertEqual(len(set(modes)), 1, modes)

    def test_the_rate_is_what_was_counted_since_the_last_view(self):
        env = environment()
        key = bed.unique()
        harden("run", *CURL, f"{self.http.url}/?key={key}", env=env)
        t = self.watch(env, 120, 24)
        host = f"localhost:{self.http.port}"
        harden("run", *CURL, f"{self.http.url}/?key={key}&n=[1-50]", env=env)

        def rows():
            text = t.seen.decode()
            return [(int(r[0]), 0 if r[1] == "-" else float(r[1])) for r in
                    re.findall(rf"{re.escape(host)} \S+healthy\S* +(\d+) +([\d.]+|-) ", text)]

        end = time.monotonic() + bed.TIMEOUT_S
        while not (rows() and rows()[-1] == (51, 0)):  # none in the last interval
            t.read(0.1)
            self.assertLess(time.monotonic(), end, rows())
        counted, rated = [r[0] for r in rows()], sum(r[1] for r in rows())
        self.assertEqual(counted[-1] - counted[0], 50)
        self.assertGreater(rated, 0)


def as_root(test):
    return unittest.skipUnless(os.geteuid() == 0, "needs root")(test)


@as_root
class OtherUsers(bed.Bed):
    def board_of(self, user, *names):
        """The state directory of another user, with a board."""
        env = fill_board("names", *names)
        directory = env["HARDEN_STATE"]
        for path in (directory, self.board(directory)):
            os.chown(path, user, user)
        return directory

    def board(self, directory):
        return os.path.join(directory, bed.BOARD)

    def test_root_may_look_but_not_write(self):
        directory = self.board_of(STRANGER, "a.example")
        with open(self.board(directory), "rb") as f:
            before = f.read()
        status, text, err = harden("status", "--state", directory)
        self.assertEqual((status, err), (0, ""))
        self.assertIn(f"{directory} (user {STRANGER}): 1 host", text)
        self.assertEqual(json.loads(harden("status", "--state", directory, "--json")[1])
                         ["totals"]["requests"], 1)
        self.assertEqual(harden("health", "--state", directory, "--max-age", "1h")[:2],
                         (2, "unhealthy: 0 of 1 host healthy; not healthy: a.example\n"))
        self.assertIn("a.example", harden("report", "--state", directory)[1])
        status, _, err = harden("reset", "--state", directory)
        self.assertEqual((status, "run it as that user" in err), (1, True), err)
        with open(self.board(directory), "rb") as f:
            self.assertEqual(f.read(), before)

    def test_a_user_is_found_by_name_or_number(self):
        directory = f"/dev/shm/harden-{STRANGER}"
        self.addCleanup(shutil.rmtree, directory, True)
        shutil.copytree(self.board_of(STRANGER, "a.example"), directory)
        for path in (directory, self.board(directory)):
            os.chown(path, STRANGER, STRANGER)
        self.assertIn(f"{directory} (user {STRANGER}): 1 host",
                      harden("status", "--user", STRANGER)[1])
        text = harden("status", "--all-users")[1]
        self.assertIn(f"{directory} (user {STRANGER}): 1 host", text)
        every = json.loads(harden("status", "--all-users", "--json")[1])["boards"]
        own, = [b for b in every if b["state"] == directory]
        self.assertEqual((own["user"], list(own["health"]["checks"])), (STRANGER, ["a.example"]))
        status, text, _ = harden("health", "--all-users", "--max-age", "1h")
        self.assertEqual(status, 2)
        self.assertIn(f"{directory}: unhealthy: 0 of 1 host healthy; not healthy: a.example", text)
        # One that another user has put there is not shown as this user's.
        os.chown(directory, STRANGER + 1, STRANGER + 1)
        self.assertEqual(harden("status", "--user", STRANGER)[0], 1)
        self.assertNotIn(directory, harden("status", "--all-users")[1])
        self.assertIn("no such user", harden("status", "--user", "no-such-user")[2])

    def test_another_user_may_not_look(self):
        place = tempfile.mkdtemp(dir="/dev/shm")
        self.addCleanup(shutil.rmtree, place, True)
        os.chmod(place, 0o755)
        command = shutil.copy(HARDEN, place)
        directory = os.path.join(place, "state")
        shutil.copytree(fill_board("names", "a.example")["HARDEN_STATE"], directory)
        env = {"HARDEN_CONFIG": "none", "PATH": os.environ["PATH"]}
        for flags, words in ((["--user", "root"], "only root may look at the boards of other users"),
                             (["--all-users"], "only root may look at the boards of other users"),
                             (["--state", directory], "only root may look at it")):
            done = subprocess.run([command, "status", *flags], env=env, user=STRANGER, group=STRANGER,
                                  extra_groups=[], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(words, done.stderr)

    def test_a_file_that_is_no_board_of_that_user_is_refused(self):
        def pipe(path):
            os.remove(path)
            os.mkfifo(path)
            os.chown(path, STRANGER, STRANGER)

        def link(path):
            os.rename(path, path + ".real")
            os.symlink(path + ".real", path)
            os.lchown(path, STRANGER, STRANGER)

        def huge(path):
            with open(path, "r+b") as f:
                f.seek(24)
                f.write(struct.pack("I", 1 << 22))
                f.truncate(2304 + ((1 << 22) + 1) * 1280 + 99536)

        for change in (pipe, link, huge, lambda path: os.chown(path, 0, 0),
                       lambda path: os.chmod(path, 0o666), lambda path: os.truncate(path, 4000),
                       lambda path: os.truncate(path, 0),
                       lambda path: os.chmod(os.path.dirname(path), 0o777)):
            directory = self.board_of(STRANGER, "a.example")
            change(self.board(directory))
            began = time.monotonic()
            status, out, err = harden("status", "--state", directory)
            self.assertEqual((status, out), (1, ""), err)
            self.assertTrue(err.startswith(f"harden status: {directory}: "), err)
            self.assertLess(time.monotonic() - began, bed.TIMEOUT_S / 2)

    def test_a_directory_that_is_a_link_is_not_followed(self):
        directory = self.board_of(STRANGER, "a.example")
        link = os.path.join(bed.fresh_dir(), "link")
        os.symlink(directory, link)
        os.lchown(link, STRANGER, STRANGER)
        self.assertEqual(harden("status", "--state", link)[:2], (1, ""))

    def test_garbage_is_shown_as_text(self):
        dice = random.Random(14)
        directory = self.board_of(STRANGER, *NAMES)
        size = os.stat(self.board(directory)).st_size
        for turn in range(12):
            with open(self.board(directory), "r+b") as f:
                if turn % 3 == 0:
                    f.seek(128)
                    f.write(dice.randbytes(size - 128))
                for _ in range(20000):
                    f.seek(dice.randrange(64, size))
                    f.write(dice.choice((b"\xff" * 8, b"\x00", b"\033[2J", dice.randbytes(4))))
            for command in ("status", "health", "report"):
                status, out, err = harden(command, "--state", directory)
                self.assertIn(status, (0, 1, 2, 3), (command, err))
                self.assertRegex(out, r"\A[\n -~]*\Z" if command != "report" else r"\A[^\033]*\Z")

    def test_a_file_that_is_cut_meanwhile_kills_nobody(self):
        directory = self.board_of(STRANGER, *NAMES)
        path, over = self.board(directory), threading.Event()
        with open(path, "rb") as f:
            whole = f.read()

        def cut():
            with open(path, "r+b", buffering=0) as f:
                while not over.is_set():
                    f.truncate(random.randrange(len(whole)))
                    f.seek(0)
                    f.write(whole)

        cutter = threading.Thread(target=cut)
        cutter.start()
        try:
            results = {harden("status", "--state", directory)[0] for _ in range(150)}
        finally:
            over.set()
            cutter.join()
        self.assertLessEqual(results, {0, 1})

    def test_both_default_locations_are_looked_at(self):
        if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
            self.skipTest("no mount namespace")
        script = r"""
            mount -t tmpfs t /run && mount -t tmpfs t /dev/shm && mkdir -m 700 -p /run/user/0
            unset XDG_RUNTIME_DIR
            connect='import socket, sys; s = socket.socket(); s.connect_ex(("127.0.0.1", 1)); print(flush=True); sys.stdin.read()'
            use() { "$HARDEN" run python3 -c "$connect"; }
            (export XDG_RUNTIME_DIR=/run/user/0; use < /dev/null > /dev/null)
            "$HARDEN" status; echo = $?
            mkfifo /run/hold /run/ready; use < /run/hold > /run/ready & exec 3> /run/hold; read -r line < /run/ready
            "$HARDEN" status; echo = $?
            XDG_RUNTIME_DIR=/run/user/0 "$HARDEN" status; echo = $?
            mkfifo /run/hold2 /run/ready2; (export XDG_RUNTIME_DIR=/run/user/0; use < /run/hold2 > /run/ready2) &
            exec 4> /run/hold2; read -r line < /run/ready2
            "$HARDEN" status; echo = $?
        """
        env = environment() | {"HARDEN": str(HARDEN)}
        del env["HARDEN_STATE"]
        done = subprocess.run(["unshare", "-m", "bash", "-c", script], env=env, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=bed.TIMEOUT_S)
        shown = [s.strip().splitlines() for s in done.stdout.split("= 0\n")]
        session, memory = "/run/user/0/harden", "/dev/shm/harden-0"
        self.assertEqual(len(shown), 5, done)
        self.assertTrue(shown[0][0].startswith(session + ": 1 host"), shown)
        self.assertEqual(shown[0][1], f"note: no program uses a board in {memory}, the default without "
                                      "XDG_RUNTIME_DIR")
        self.assertTrue(shown[1][0].startswith(memory + ": 1 host"), shown)
        self.assertFalse(shown[1][1].startswith("note"), shown)
        self.assertTrue(shown[2][0].startswith(session + ": 1 host"), shown)
        self.assertTrue(shown[3][0].startswith(memory + ": 1 host"), shown)
        self.assertEqual(shown[3][1], f"note: 1 program uses another board: --state {session} shows it")


if __name__ == "__main__":
    unittest.main()
