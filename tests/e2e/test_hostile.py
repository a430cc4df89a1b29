# SPDX-License-Identifier: MIT
"""Hostile servers, wrong configuration, broken boards: bounded cost, clear messages, no crash."""
import os
import random
import re
import shutil
import stat
import struct
import subprocess
import time
import unittest
from unittest import mock

import bed

GOOD = bed.body_of(64)


def measure(command, env, limit_s=40):
    """Returns (status, seconds, maximum kB, stdout)."""
    out = os.path.join(bed.fresh_dir(), "out")
    with open(out, "wb") as f:
        began = time.monotonic()
        p = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=f,
                             stderr=subprocess.STDOUT)
        while True:
            pid, status, usage = os.wait4(p.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - began > limit_s:
                p.kill()
            time.sleep(0.01)
    took = time.monotonic() - began
    p.returncode = os.waitstatus_to_exitcode(status)
    with open(out, "rb") as f:
        return p.returncode, took, usage.ru_maxrss, f.read(1 << 20)


class Servers(bed.Bed):
    def cost(self, how, time_limit="4", same=True, **query):
        key = bed.unique("hostile")
        command = ["curl", "-sS", "-m", time_limit, self.url(key, fail=-1, how=how, **query)]
        plain = measure(command, bed.environment())
        self.http.reset(key)
        shim = measure(command, bed.hardened_environment())
        self.assertEqual(shim[0], plain[0], shim[3][-300:])
        self.assertLess(shim[1], float(time_limit) + 1)
        self.assertLess(shim[2], plain[2] + 6 * 1024, "resident memory, kB")
        if same:
            outputs = [re.sub(rb"after \d+ milliseconds", b"after N milliseconds", r[3])
                    for r in (shim, plain)]
            self.assertEqual(*outputs)
        return shim, self.http.log(key)

    def test_300_kb_of_headers(self):
        self.cost("big-head", head_kb=290)
        self.cost("big-head", head_kb=400)

    def test_300_kb_of_headers_of_a_good_answer(self):
        self.cost("big-head", head_kb=290, fstatus=200)

    def test_endless_headers(self):
        self.cost("endless-head")

    def test_endless_informational_answers(self):
        self.cost("endless-1xx")

    def test_an_endless_503(self):
        self.cost("endless-503", same=False)

    def test_a_silent_server(self):
        self.cost("never", time_limit="2", same=False)

    def test_one_byte_at_a_time(self):
        self.cost("slow-head", time_limit="2", same=False)
        self.cost("slow-body", time_limit="2", same=False, fsize=500)

    def test_a_retry_after_of_hours_is_not_waited_for(self):
        for value in ("301", "86400", "date:86000"):
            for how in ("503", "429"):
                shim, log = self.cost(how, time_limit="20", ra=value)
                self.assertLess(shim[1], 3, value)
                self.assertEqual(len(log), 1, value)

    def test_a_retry_after_of_more_than_a_day_is_ignored(self):
        for value in ("86401", "99999999", "9" * 30, "2147483648", "date:400000000"):
            for how in ("503", "429"):
                shim, log = self.cost(how, time_limit="20", ra=value)
                self.assertLess(shim[1], 3, value)
                self.assertEqual(len(log), 3, value)

    def test_an_unusable_retry_after_is_ignored(self):
        for value in ("Thu,%2001%20Jan%201970%2000:00:00%20GMT", "-5", "soon", "", "0", "1e9",
                      "Thu,%2099%20Foo%2099999%2099:99:99%20GMT"):
            shim, log = self.cost("503", time_limit="20", ra=value)
            self.assertLess(shim[1], 3, value)
            self.assertEqual(len(log), 3, value)

    def test_malformed_ratelimit_fields_are_ignored(self):
        for value in ("0,", ",", "0,-1", "x,y", "99999999999999999999,1", "0,1e99"):
            key = bed.unique("rl")
            command = ["curl", "-sS", self.url(key, rl=value), self.url(key, rl=value)]
            shim = measure(command, bed.hardened_environment())
            self.assertEqual((shim[0], shim[3]), (0, GOOD * 2))
            self.assertLess(shim[1], 3, value)

    def test_a_redirect_loop(self):
        loop = "%2Floop%3Fkey%3Dloop%26to%3D%2Floop%3Fkey%3Dloop"
        command = ["curl", "-sSL", "--max-redirs", "10",
                   self.url("loop", path="/loop", to=loop)]
        plain = bed.bare(command)
        shim = bed.hardened(command)
        self.assertEqual((shim.status, shim.out), (plain.status, plain.out))


WRONG_LINES = [
    # (section, line, words that the message must contain)
    ("harden", "mode = strict", ("mode", "strict")),
    ("harden", "log = loud", ("log", "loud")),
    ("harden", "max_hosts = many", ("max_hosts", "many")),
    ("harden", "snapshot_interval = 10", ("snapshot_interval", "10")),
    ("harden", "moed = observe", ("moed", "mode")),
    ("harden", "thread = perhaps", ("thread", "perhaps")),
    ("host *", "rate = 60", ("rate", "60")),
    ("host *", "rate = 60/1fortnight", ("rate", "60/1fortnight")),
    ("host *", "rate = -5/1s", ("rate", "-5/1s")),
    ("host *", "burst = 0", ("burst",)),
    ("host *", "max_wait = soon", ("max_wait", "soon")),
    ("host *", "retry = always", ("retry", "always")),
    ("host *", "max_attempts = three", ("max_attempts", "three")),
    ("host *", "base_delay = 5", ("base_delay", "5")),
    ("host *", "jitter = some", ("jitter", "some")),
    ("host *", "retry_on = bogus", ("retry_on", "bogus")),
    ("host *", "retry_budget = 20 percent", ("retry_budget",)),
    ("host *", "hold_limit = 64 apples", ("hold_limit",)),
    ("host *", "commit = never", ("commit", "never")),
    ("host *", "breaker = ajar", ("breaker", "ajar")),
    ("host *", "breaker_ratio = 150%", ("breaker_ratio", "150%")),
    ("host *", "per = moon", ("per", "moon")),
    ("host *", "on_limit = weep", ("on_limit", "weep")),
    ("host *", "retry_atfer = 5s", ("retry_atfer", "retry_after")),
    ("host *", "just some words", ()),
    ("host *", "rate = " + "1" * 300, ()),
    ("nonsense", "rate = 5/1s", ("nonsense",)),
    ("chek x", "type = http", ("chek x", "section")),
    ("check x", "type = http", ("check x", "no target")),
]


class Configuration(bed.Bed):
    def write(self, text, mode=0o600):
        path = bed.fresh_file(text.encode())
        os.chmod(path, mode)
        return path

    def get(self, config, **options):
        return bed.hardened(["curl", "-sS", self.url(bed.unique())], config=config,
                            base_delay=None, max_delay=None, **options)

    def test_each_wrong_line_gives_one_clear_error_and_the_program_runs(self):
        def one(case):
            section, line, _ = case
            path = self.write(f"# a comment\n[{section}]\n{line}\n")
            return path, self.get(path)
        results = bed.in_parallel(one, WRONG_LINES)
        for (section, line, words), result in zip(WRONG_LINES, results):
            with self.subTest(section=section, line=line[:60]):
                if isinstance(result, Exception):
                    raise result
                path, outcome = result
                self.assertEqual((outcome.status, outcome.out), (0, GOOD))
                message = outcome.err.decode("latin-1")
                self.assertEqual(len(message.splitlines()), 1, message)
                self.assertTrue(message.startswith("harden"), message)
                self.assertIn(os.path.basename(path), message)
                for word in words:
                    self.assertIn(word, message)
                at = 3 if section in ("harden", "host *") else 2
                self.assertRegex(message, rf":{at}\b")

    def test_a_wrong_environment_variable_is_named(self):
        for name, value in (("rate", "fast"), ("base_delay", "soon"), ("mode", "hard")):
            outcome = bed.hardened(["curl", "-sS", self.url(bed.unique())], **{name: value})
            self.assertEqual((outcome.status, outcome.out), (0, GOOD))
            message = outcome.err.decode()
            self.assertEqual(len(message.splitlines()), 1, message)
            self.assertIn("HARDEN_" + name.upper(), message)
            self.assertIn(value, message)

    def test_the_other_keys_still_apply(self):
        path = self.write("[host *]\nbase_delay = 10ms\nmax_delay = soon\nmax_attempts = 2\n")
        key = bed.unique()
        bed.hardened(["curl", "-sS", self.url(key, fail=-1)], config=path, base_delay=None,
                     max_delay=None)
        self.assertEqual(len(self.http.log(key)), 2)

    def test_strict_refuses_to_run(self):
        path = self.write("[host *]\nrate = fast\n")
        key = bed.unique()
        outcome = bed.hardened(["curl", "-sS", self.url(key)], config=path, strict="1",
                               reached=False)
        self.assertEqual(outcome.status, 78)
        self.assertEqual(self.http.log(key), [])

    def test_a_file_that_others_can_write_is_refused(self):
        path = self.write("[host *]\nmax_attempts = 1\n", 0o666)
        key = bed.unique()
        outcome = self.get(path)
        self.assertEqual(outcome.out, GOOD)
        self.assertEqual(len(outcome.err.splitlines()), 1)
        outcome = bed.hardened(["curl", "-sS", self.url(key, fail=2)], config=path)
        self.assertEqual(len(self.http.log(key)), 3, "its settings were used")

    def test_a_file_of_random_bytes(self):
        chance = random.Random(3)
        for size in (0, 1, 1000, 100000):
            path = self.write("")
            with open(path, "wb") as f:
                f.write(chance.randbytes(size))
            outcome = self.get(path)
            self.assertEqual((outcome.status, outcome.out), (0, GOOD))

    def test_a_configuration_that_is_not_a_regular_file_is_refused(self):
        pipe = os.path.join(bed.fresh_dir(), "pipe")
        os.mkfifo(pipe)
        for path in ("/no/such/file", "/", "/dev/full", "/dev/zero", pipe):
            outcome = self.get(path)
            self.assertEqual((outcome.status, outcome.out), (0, GOOD), path)
            lines = outcome.err.decode().splitlines()
            self.assertEqual(len(lines), 1, lines)
            self.assertTrue(lines[0].startswith(f"harden: error: {path}: "), lines)

    def test_rules_of_a_file_apply_only_to_their_host(self):
        path = self.write("[host localhost]\nmax_attempts = 2\nbase_delay = 10ms\n"
                          "[host other.example]\nretry = off\n")
        key = bed.unique()
        bed.hardened(["curl", "-sS", self.url(key, fail=-1)], config=path)
        self.assertEqual(len(self.http.log(key)), 2)


class Boards(bed.Bed):
    """A board in an unexpected state is not used, and never causes a crash or a stall."""

    def state_with_board(self):
        outcome = bed.hardened(["curl", "-sS", self.url(bed.unique(), fail=1)])
        path = os.path.join(outcome.state, bed.BOARD)
        self.assertTrue(os.path.isfile(path))
        return outcome.state, path

    def get(self, state, lines=1, good=True, **options):
        began = time.monotonic()
        outcome = bed.hardened(["curl", "-sS", self.url(bed.unique(), fail=1)], state=state,
                               reached=False, max_wait="1s", **options)
        self.assertLess(time.monotonic() - began, 5)
        if good:
            self.assertEqual((outcome.status, outcome.out), (0, GOOD), outcome.err)
        else:
            self.assertIn(outcome.status, (0, 7, 28))
            if outcome.status:
                self.assertIn(b"harden:", outcome.err)
        self.assertLessEqual(len(outcome.err.splitlines()), lines, outcome.err)
        return outcome

    def test_a_truncated_board(self):
        state, path = self.state_with_board()
        size = os.path.getsize(path)
        for length in (0, 1, 63, 100, 4096, size // 2, size - 1):
            os.truncate(path, length)
            self.get(state)

    def test_a_board_that_shrinks_under_a_running_program(self):
        state, path = self.state_with_board()
        env = bed.hardened_environment(state, base_delay="800ms", max_delay="800ms",
                                       jitter="none")
        p = bed.start(["curl", "-sS", self.url(bed.unique(), fail=1)], env)
        time.sleep(0.4)
        other = os.path.join(state, "other")
        shutil.copyfile(path, other)
        os.rename(other, path)
        outcome = bed.finish(p, env)
        self.assertEqual((outcome.status, outcome.out), (0, GOOD))

    def test_random_bytes_as_a_board(self):
        chance = random.Random(11)
        for _ in range(4):
            state, path = self.state_with_board()
            size = os.path.getsize(path)
            with open(path, "wb") as f:
                f.write(chance.randbytes(size))
            self.get(state)

    def test_a_board_with_corrupted_words(self):
        state, path = self.state_with_board()
        with open(path, "rb") as f:
            whole = f.read()
        used = [i for i in range(0, len(whole), 8) if any(whole[i:i + 8])]

        def one(seed):
            chance = random.Random(seed)
            data = bytearray(whole)
            for _ in range(chance.choice((1, 4, 30))):
                at = chance.choice(used)
                word = chance.choice((0, (1 << 64) - 1, 1 << 63, (1 << 63) - 1,
                                      chance.getrandbits(64)))
                data[at:at + 8] = struct.pack("<Q", word)
            mine = bed.fresh_dir("state")
            with open(os.path.join(mine, bed.BOARD), "wb") as f:
                f.write(data)
            os.chmod(os.path.join(mine, bed.BOARD), 0o600)
            self.get(mine, lines=2, good=False, rate="100/1s")
        for result in bed.in_parallel(one, range(60), 4):
            if isinstance(result, Exception):
                raise result

    def test_a_board_of_an_old_layout_is_replaced(self):
        state, path = self.state_with_board()
        with open(path, "r+b") as f:
            f.seek(8)
            f.write(struct.pack("<I", 0))
        self.get(state)
        with open(path, "rb") as f:
            f.seek(8)
            self.assertNotEqual(f.read(4), struct.pack("<I", 0))

    def test_a_foreign_board_is_not_touched(self):
        if os.getuid() != 0:
            # An ordinary user can only use another user's directory for this.
            self.get("/usr")
            return
        state, path = self.state_with_board()
        os.chown(path, 65534, 65534)
        with open(path, "rb") as f:
            before = f.read()
        self.get(state)
        if os.path.exists(path) and os.stat(path).st_uid == 65534:
            with open(path, "rb") as f:
                self.assertEqual(f.read(), before)
        foreign = bed.fresh_dir("state")
        os.chown(foreign, 65534, 65534)
        runtime = bed.fresh_dir("runtime")
        with mock.patch.dict(os.environ, XDG_RUNTIME_DIR=runtime):
            self.get(foreign)
        self.assertEqual(os.listdir(foreign), [])
        self.assertIn(bed.BOARD, os.listdir(runtime + "/harden"))

    def test_a_board_that_others_can_write_is_not_used(self):
        state, path = self.state_with_board()
        os.chmod(path, 0o666)
        inode = os.stat(path).st_ino
        with open(path, "rb") as f:
            before = f.read()
        self.get(state)
        if os.stat(path).st_ino == inode:
            with open(path, "rb") as f:
                self.assertEqual(f.read(), before)

    def test_a_board_that_is_not_a_regular_file(self):
        target = bed.fresh_file(b"precious")
        for make in (os.mkdir, os.mkfifo, lambda p: os.symlink(target, p),
                     lambda p: os.symlink("/dev/zero", p), lambda p: os.symlink(p, p)):
            state = bed.fresh_dir("state")
            make(os.path.join(state, bed.BOARD))
            self.get(state)
        with open(target, "rb") as f:
            self.assertEqual(f.read(), b"precious")

    def test_a_state_directory_that_cannot_be_created(self):
        for state in ("/proc/none", "/dev/null/x", "/" + "x" * 5000, bed.fresh_file(b"")):
            self.get(state)

    def test_snapshots_that_cannot_be_written_replace_nothing(self):
        pipe = os.path.join(bed.fresh_dir(), "pipe")
        os.mkfifo(pipe)
        outcome = self.get(bed.fresh_dir("state"), 2, snapshot="/dev/null/x", metrics=pipe)
        self.assertEqual(outcome.err.decode(), (
            "harden: error: /dev/null/x: cannot be written: its directory is missing or out of reach; "
            f"create it\nharden: error: {pipe}: cannot be written: it is not a regular file; name "
            "another path\n"))
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode), "replaced by a file")


if __name__ == "__main__":
    unittest.main()
