# SPDX-License-Identifier: MIT
"""curl, and servers that refuse until the time that they ask for has passed (tests/answers).

For each answer two processes with a common state directory: the first one gets the answer, and the
second one asks the same host for something else as soon as the first one knows. Back-off is short,
so that no request is right by luck. "Early" is by the server's clock, "late" by the waits that were
decided.

HARDEN_TEST_ANSWERS=all: all answers, not only one for each field, status and kind of unit."""
import json
import os
import re
import time
import unittest

import bed
import answers
from answer_server import DOMAIN, AnswerServer

AT_ONCE = 40
BACK_OFF_MS = 100
# Two clocks are compared.
EARLY_S = 0.002
LATE_MS = 50
PROTOCOLS = {"1.1": ("http", "--http1.1"), "h2c": ("http", "--http2-prior-knowledge"),
             "h2": ("https", "--http2")}


def rows():
    """A pattern for each row of the table of fields."""
    source = (bed.ROOT / "src/engine/policy/hint_fields.c").read_text()
    row = re.compile(r'^ +(FIELD|STARRED)\("([^"]*)", (?:"([^"]*)")?', re.M)
    for kind, head, tail in row.findall(source):
        yield re.compile(re.escape(head) + (".+" + re.escape(tail) if kind == "STARRED" else ""))


def chosen():
    """The answers to try."""
    every = answers.read()
    if os.environ.get("HARDEN_TEST_ANSWERS") == "all":
        return every
    table, known, result = list(rows()), set(), []
    for answer in every:
        facts = {(answer.connect, answer.status, answer.others == "free"),
                 *(hint.split()[-1] for hint in answer.hints),
                 *(next((row for row in table if name and row.fullmatch(name)), None)
                   for name in answer.names)}
        if not facts <= known:
            result.append(answer)
        known |= facts
    return result


class Run:
    """One answer in one protocol: two processes, and what is wrong with each."""

    def __init__(self, server, number, answer, protocol):
        self.answer, self.server = answer, server
        self.name = f"{protocol.replace('.', '')}-{number}"
        self.host = server.add(self.name, answer)
        self.scheme, self.option = PROTOCOLS[protocol]
        self.state = bed.fresh_dir("state")
        self.wrong = {"same": [], "other": []}

    def start(self, whose):
        connect = self.answer.connect
        name = ("other-" if connect and whose == "other" else "") + self.name + DOMAIN
        port = self.server.port
        proxy = ["-p", "-x", f"http://127.0.0.1:{port}"] if connect else []
        env = bed.hardened_environment(
            self.state, base_delay=f"{BACK_OFF_MS}ms", max_delay=f"{BACK_OFF_MS}ms",
            events=f"{self.state}/events", hint=" ".join(self.answer.hints) or "none")
        path = "" if connect or whose == "same" else "other"
        return env, bed.start(
            ["curl", "-sS", self.option, "--cacert", bed.certificates()[0], *proxy,
             "--resolve", f"{name}:{port}:127.0.0.1", "-o", os.devnull,
             "-w", "%{http_code} %{http_version}", f"{self.scheme}://{name}:{port}/{path}"], env)

    def waits_ms(self, pid):
        """The waits that the process has decided on so far: before retries, and for a pause."""
        try:
            with open(f"{self.state}/events", encoding="ascii") as f:
                events = [json.loads(line) for line in f.read().split("\n")[:-1]]
        except FileNotFoundError:
            return []
        return [e["wait_ms"] for e in events if e["pid"] == pid and e["event"] in ("retry", "wait")]

    def play(self):
        env, first = self.start("same")
        while first.poll() is None and not self.waits_ms(first.pid):
            time.sleep(0.02)
        other_env, second = self.start("other")
        outcomes = bed.finish(first, env), bed.finish(second, other_env)
        self.check_same(first.pid, outcomes[0])
        self.check_other(second.pid, outcomes[1])
        return self

    def expect(self, whose, what, good):
        if not good:
            self.wrong[whose].append(what)

    def check_outcome(self, whose, outcome, status):
        version = "1.1" if self.option == "--http1.1" else "2"
        self.expect(whose, f"curl: {outcome.status} {outcome.text} {outcome.err.decode()}",
                    (outcome.status, outcome.text) == (0, f"{status} {version}"))

    def check_wait(self, whose, pid, asked, arrivals):
        """Of the requests after the answer."""
        waits = self.waits_ms(pid)
        for at in arrivals:
            came = at - self.host.began
            self.expect(whose, f"too early: after {came:.3f} s", came >= asked - EARLY_S)
        if self.answer.has_fractions:
            asked += 1  # a client that reads the answer late must rely on Date, which has none
        self.expect(whose, f"too late: waits of {waits} ms",
                    sum(waits) <= 1500 * asked + LATE_MS)

    def check_same(self, pid, outcome):
        asked, seen = self.answer.retry, self.host.seen["same"]
        ends = asked in ("once", "-")
        self.check_outcome("same", outcome, self.answer.status if ends else 200)
        self.expect("same", f"{len(seen)} attempts", len(seen) == (1 if ends else 2))
        waits = self.waits_ms(pid)
        if ends:
            self.expect("same", f"waits: {waits}", not waits)
        elif asked == "back-off":
            self.expect("same", f"waits: {waits}", len(waits) == 1 and waits[0] <= BACK_OFF_MS)
        else:
            self.check_wait("same", pid, answers.seconds(asked), seen[1:])

    def check_other(self, pid, outcome):
        asked, seen = answers.seconds(self.answer.others), self.host.seen["other"]
        self.check_outcome("other", outcome, 200)
        self.expect("other", f"{len(seen)} attempts", len(seen) == 1)
        if asked is None:
            self.expect("other", f"waits: {self.waits_ms(pid)}", not self.waits_ms(pid))
        else:
            self.check_wait("other", pid, asked, seen)


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        _, cert, key = bed.certificates()
        cls.server = AnswerServer(cert, key).start()
        cls.answers = chosen()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def check(self, protocol):
        self.assertGreater(len(self.answers), 80)
        runs = [Run(self.server, n, a, protocol) for n, a in enumerate(self.answers)]
        wrong, first = [], 0
        for run, result in zip(runs, bed.in_parallel(Run.play, runs, AT_ONCE)):
            if isinstance(result, Exception):
                run.wrong["same"].append(repr(result))
            first += not run.wrong["same"]
            if run.wrong["same"] or run.wrong["other"]:
                wrong.append(f"{run.answer}: retry {run.answer.retry}, others {run.answer.others}: "
                             f"{run.wrong}")
        if wrong:
            counts = f"{first} right for the first process, {len(runs) - len(wrong)} for both"
            self.fail("\n".join([f"{protocol}: of {len(runs)} answers {counts}", *wrong]))

    def test_over_http_1_nobody_comes_early_or_waits_for_longer_than_asked(self):
        self.check("1.1")

    def test_over_http_2_without_tls_nobody_comes_early_or_waits_for_longer_than_asked(self):
        self.check("h2c")

    def test_over_http_2_nobody_comes_early_or_waits_for_longer_than_asked(self):
        self.check("h2")
