# SPDX-License-Identifier: MIT
"""harden run --trace: the program behaves as without it, and the time line says what was done and why."""
import os
import signal
import subprocess

import bed
from test_command import HARDEN, environment, harden

CURL = ["curl", "-sS", "-o", os.devnull]


class Trace(bed.Bed):
    def test_output_and_status_are_those_of_the_program(self):
        env = environment()
        status, out, err = harden("run", "--trace", "sh", "-c", "echo words; echo more >&2; exit 7", env=env)
        self.assertEqual((status, out), (7, "words\n"))
        self.assertTrue(err.startswith("more\ntrace of sh: 0 requests"), err)
        o = bed.run([HARDEN, "run", "--trace", "sh", "-c", "kill -USR1 $$"], env)
        self.assertEqual(o.status, -signal.SIGUSR1)

    def test_signals_sent_to_the_command_reach_the_program(self):
        env = environment()
        script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
        p = bed.start([HARDEN, "run", "--trace", "sh", "-c", script], env)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        p.send_signal(signal.SIGTERM)
        self.assertEqual(p.stdout.readline(), b"caught\n")
        self.assertEqual(bed.finish(p, env).status, 3)

    def test_an_interrupt_from_the_terminal_is_delivered_once(self):
        script = "trap 'echo caught' INT; echo ready; while [ ! -e $1 ]; do sleep 0.05; done; exit 5"
        flag = os.path.join(bed.fresh_dir(), "end")
        pid, terminal = os.forkpty()
        if not pid:
            os.execve(HARDEN, ["harden", "run", "--trace", "sh", "-c", script, "sh", flag], environment())
        with os.fdopen(terminal, "rb", 0) as screen:
            seen = b""
            while b"ready" not in seen:
                seen += screen.read(100)
            os.write(terminal, b"\x03")
            while b"caught" not in seen:
                seen += screen.read(100)
            with open(flag, "wb"):
                pass
            try:
                while more := screen.read(100):
                    seen += more
            except OSError:  # the terminal's other end is closed
                pass
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 5)
        self.assertEqual(seen.count(b"caught"), 1, seen)
        self.assertIn(b"trace of sh", seen)

    def test_ignored_signals_stay_ignored(self):
        o = bed.run(["sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh", HARDEN, "run", "--trace",
                     "grep", "SigIgn", "/proc/self/status"], environment())
        ignored = int(o.out.split()[1], 16)
        for number in (signal.SIGHUP, signal.SIGINT):
            self.assertTrue(ignored >> (number - 1) & 1, o.out)

    def test_an_output_that_cannot_be_written_is_said_before_the_program_starts(self):
        flag = os.path.join(bed.fresh_dir(), "started")
        status, _, err = harden("run", "--trace", "-o", "/no/such/trace", "touch", flag)
        self.assertEqual((status, os.path.exists(flag)), (74, False))
        self.assertIn("/no/such/trace: No such file or directory", err)
        status, _, err = harden("run", "-o", "trace", "touch", flag)
        self.assertEqual((status, os.path.exists(flag)), (64, False), err)

    def test_programs_that_cannot_be_run_have_the_status_of_a_shell(self):
        self.assertEqual(harden("run", "--trace", "/no/such")[0], 127)
        plain = bed.fresh_file(b"echo by sh $1\n")
        os.chmod(plain, 0o755)
        self.assertEqual(harden("run", "--trace", plain, "too")[:2], (0, "by sh too\n"))
        broken = bed.fresh_file(b"#!/no/such/interpreter\n")
        os.chmod(broken, 0o755)
        status, _, err = harden("run", "--trace", broken)
        self.assertEqual(status, 126, err)
        self.assertNotIn("trace of", err)

    def test_a_reader_that_is_gone_does_not_change_the_status(self):
        directory = bed.fresh_dir()
        gone, screen = os.pipe()
        os.close(gone)
        for script, status in (("exit 7", 7), ("kill -TERM $$", -signal.SIGTERM)):
            p = subprocess.Popen([HARDEN, "run", "--trace", "sh", "-c", script], stderr=screen,
                                 env=environment() | {"TMPDIR": directory})
            self.assertEqual(p.wait(bed.TIMEOUT_S), status)
        os.close(screen)
        self.assertEqual(os.listdir(directory), [])

    def test_a_program_that_outlives_the_traced_one_writes_nothing_more(self):
        directory = bed.fresh_dir()
        curl = " ".join([*CURL, self.http.url])
        script = f"{{ while [ ! -e {directory}/go ]; do sleep 0.02; done; {curl}; }} & {curl}"
        p = bed.start([HARDEN, "run", "--trace", "-o", os.devnull, "sh", "-c", script],
                      environment() | {"TMPDIR": directory})
        self.assertEqual(p.wait(bed.TIMEOUT_S), 0)
        with open(os.path.join(directory, "go"), "w", encoding="ascii"):
            pass
        out, err = p.communicate(timeout=bed.TIMEOUT_S)  # until the last program has ended
        self.assertEqual((out, err, os.listdir(directory)), (b"", b"", ["go"]))

    def test_no_file_is_left(self):
        directory = bed.fresh_dir()
        harden("run", "--trace", *CURL, self.http.url, env=environment() | {"TMPDIR": directory})
        harden("run", "--trace", "sh", "-c", "kill -TERM $$", env=environment() | {"TMPDIR": directory})
        self.assertEqual(os.listdir(directory), [])
