# SPDX-License-Identifier: MIT
"""Why a request of a real program failed, waited or was refused: the event, the log at level debug, and the
trace say it. One row of SITUATIONS for each; tests of what else shows the reason may use the rows, too."""
import dataclasses
import json
import os
import re
import sys
import time
import unittest

import bed
import servers

HARDEN = bed.LIBRARY.parent / "harden"
FILE_LINE = "FILE:{}"  # stands for the configuration file


@dataclasses.dataclass
class Situation:
    """A command ({url}: of a request that fails once, {bad}: always, {ok}: never, {closed}: a port where
    nobody listens), and what the last event of it says."""
    name: str
    command: list
    event: dict
    log: str                      # a regular expression; FILE is the configuration file
    keys: str = ""                # of [host *], from line 5 on
    harden: str = ""              # one key of [harden], in line 3
    query: dict = dataclasses.field(default_factory=dict)
    data: bytes = None
    environment: dict = dataclasses.field(default_factory=dict)
    events_file: bool = True      # False: only the trace says it
    before: str = ""              # a method of Why, which makes the circuit open and the like
    trace_only_log: bool = False  # the log says nothing either
    time_line: str = ""           # a regular expression for what harden run --trace prints; "": as the log


CURL = ["curl", "-sS", "-o", "/dev/null"]
NONBLOCKING = [sys.executable, "-c", """import socket, sys
s = socket.socket()
s.setblocking(False)
s.connect_ex(("127.0.0.1", int(sys.argv[1])))""", "{port}"]
CONNECT = [sys.executable, "-c", """import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])))
except ConnectionRefusedError:
    pass""", "{closed_port}"]


def setting(key, value, source):
    return {"setting": key, "value": value, "source": source}


METHODS = "GET HEAD OPTIONS TRACE PUT DELETE"

SITUATIONS = [
    Situation("POST", [*CURL, "-d", "x", "{url}"],
              {"method": "POST", "result": {"curl": 0, "http": 503, "errno": 0}, "attempts": 1,
               "not_retried": "method", **setting("retry_methods", METHODS, "default")},
              r"POST \(http 503\), 1 attempt, .*; not repeated: such a request is not repeated after that",
              time_line=r"POST localhost:\d+: HTTP 503.*\n.*attempt 1: HTTP 503.*\n.*not repeated: such a request is not repeated after that: retry_methods = GET"),
    Situation("body from a pipe", [*CURL, "-T", "-", "{url}"],
              {"method": "PUT", "attempts": 1, "not_retried": "body"},
              "not repeated: the request body cannot be sent again", data=b"x" * 100),
    Situation("404", [*CURL, "{bad}"],
              {"result": {"curl": 0, "http": 404, "errno": 0}, "not_retried": "class"},
              "not repeated: such a result is not repeated", query={"how": 404}),
    Situation("over hold_limit", [*CURL, "{bad}"],
              {"attempts": 1, "not_retried": "hold_limit",
               **setting("hold_limit", "1KiB", FILE_LINE.format(5))},
              r"not repeated: .* hold_limit = 1KiB allows no more \(FILE:5\)",
              keys="hold_limit = 1KiB", query={"fsize": 50000},
              time_line=r"not repeated: .*: hold_limit = 1KiB \(FILE:5\)"),
    Situation("cut off after commit", [*CURL, "{bad}"],
              {"result": {"curl": 18, "http": 200, "errno": 0}, "not_retried": "committed"},
              "not repeated: the program has seen a part of the response",
              query={"how": "partial", "fsize": 50000}),
    Situation("the program's own time-out", [*CURL, "-m", "0.3", "{bad}"],
              {"result": {"curl": 28, "http": 0, "errno": 0}, "not_retried": "program_timeout"},
              "not repeated: the program's own time-out leaves no time", query={"how": "never"}),
    Situation("max_elapsed", [*CURL, "{bad}"],
              {"not_retried": "deadline", **setting("max_elapsed", "2s", FILE_LINE.format(5))},
              r"not repeated: no time is left: max_elapsed = 2s allows no more \(FILE:5\)",
              keys="max_elapsed = 2s", query={"ra": 5},
              time_line=r"not repeated: no time is left: max_elapsed = 2s \(FILE:5\)"),
    Situation("hint too long", [*CURL, "{bad}"],
              {"not_retried": "hint", **setting("retry_after", "2s", FILE_LINE.format(5))},
              r"not repeated: the server asks for a longer wait: retry_after = 2s allows no more \(FILE:5\)",
              keys="retry_after = 2s", query={"ra": 5},
              time_line=r"not repeated: the server asks for a longer wait: retry_after = 2s \(FILE:5\)"),
    Situation("budget empty", [*CURL, *["{bad}"] * 16],
              {"not_retried": "budget", **setting("retry_budget", "1%", FILE_LINE.format(5))},
              r"not repeated: the retry budget is empty: retry_budget = 1% \(FILE:5\)",
              keys="retry_budget = 1%\nretry_reserve = none\nbreaker = off"),
    Situation("circuit open", [*CURL, "{closed}", "{closed}"],
              {"attempts": 0, "result": {"curl": 7, "http": 0, "errno": 0}, "refused": "breaker",
               **setting("breaker", "on", FILE_LINE.format(5))},
              r"refused: breaker: breaker = on \(FILE:5\)",
              keys="breaker = on\nbreaker_failures = 1\nbreaker_after = 0s\nretry = off",
              time_line=r"refused, because the circuit of .* is open for another .*: breaker = on \(FILE:5\)"),
    Situation("circuit opens before the retry", [*CURL, "{bad}"],
              {"attempts": 1, "not_retried": "breaker", **setting("breaker", "on", FILE_LINE.format(5))},
              r"not repeated: the circuit is open: breaker = on \(FILE:5\)",
              keys="breaker = on\nbreaker_failures = 1\nbreaker_after = 0s", before="open_meanwhile",
              environment={"base_delay": "2s", "max_delay": "2s", "jitter": "none"}),
    Situation("attempts used up", [*CURL, "{bad}"],
              {"attempts": 2, "not_retried": "attempts",
               **setting("max_attempts", "2", FILE_LINE.format(5))},
              r"2 attempts, .*; not repeated: all attempts are used: max_attempts = 2 .*\(FILE:5\)",
              keys="max_attempts = 2",
              time_line=r"HTTP 503 after 2 attempts.*(\n.*)*not repeated: all attempts are used: max_attempts = 2 \(FILE:5\)"),
    Situation("attempts of a connect() used up", CONNECT,
              {"method": "connect", "result": {"curl": 0, "http": 0, "errno": 111}, "attempts": 2,
               "not_retried": "attempts", **setting("max_attempts", "2", FILE_LINE.format(5))},
              r"connect \(errno 111\), 2 attempts", keys="max_attempts = 2",
              time_line=r"connect .*: Connection refused after 2 attempts.*(\n.*)*all attempts are used"),
    Situation("waited for a token", [*CURL, "{ok}", "-o", "/dev/null", "{ok}"],
              {"result": {"curl": 0, "http": 200, "errno": 0}, "attempts": 1, "waited_for": "rate",
               **setting("rate", "5/1s", FILE_LINE.format(5))},
              r"GET \(http 200\), 1 attempt, waited \d+ ms for a rate: rate = 5/1s \(FILE:5\)",
              keys="rate = 5/1s\nburst = 1",
              time_line=r"waits [\d.]+ ms for a token: rate = 5/1s \(FILE:5\)"),
    Situation("refused by a rate", [*CURL, "{ok}", "{ok}"],
              {"attempts": 0, "refused": "rate", "result": {"curl": 28, "http": 0, "errno": 0},
               **setting("max_wait", "10s", FILE_LINE.format(6))},
              r"reject .*: rate, needs [\d.]+ s, max_wait = 10s allows no more \(FILE:6\)",
              keys="rate = 1/1m\nmax_wait = 10s",
              time_line=r"refused, because the wait for a token would be [\d.]+ s: max_wait = 10s \(FILE:6\)"),
    Situation("refused by a rate of the environment", [*CURL, "{ok}", "{ok}"],
              {"refused": "rate", **setting("on_limit", "fail", "HARDEN_ON_LIMIT")},
              r"refused: rate: on_limit = fail \(HARDEN_ON_LIMIT\)",
              environment={"rate": "1/1m", "on_limit": "fail"},
              time_line=r"refused, because the wait .*: on_limit = fail \(HARDEN_ON_LIMIT\)"),
    Situation("waited for a pause", [*CURL, "{url}", "-o", "/dev/null", "{ok}"],
              {"result": {"curl": 0, "http": 200, "errno": 0}, "waited_for": "pause"},
              r"GET \(http 200\), 1 attempt, waited \d+ ms for a pause",
              keys="retry = off", query={"how": 429, "ra": 1},
              time_line=r"waits .* because localhost:\d+ has asked for a pause, the server sent Retry-After: 1"),
    Situation("refused by a pause", [*CURL, "{url}", "{ok}"],
              {"refused": "pause", **setting("max_wait", "5s", FILE_LINE.format(6))},
              r"Retry-After: 100, needs [\d.]+ s, max_wait = 5s allows no more \(FILE:6\)",
              keys="retry = off\nmax_wait = 5s", query={"how": 429, "ra": 100},
              time_line=r"refused, because the wait for the end of a pause .* sent Retry-After: 100: max_wait = 5s \(FILE:6\)"),
    Situation("off by programs", [*CURL, "{ok}"],
              {"event": "off", "reason": "programs",
               **setting("programs", "!curl", FILE_LINE.format(3))},
              r"does nothing in this process: programs = !curl \(FILE:3\)", harden="programs = !curl",
              time_line=r"the library does nothing: programs = !curl \(FILE:3\)\n$"),
    Situation("mode off", [*CURL, "{ok}"],
              {"event": "off", "reason": "mode", **setting("mode", "off", FILE_LINE.format(3))},
              r"does nothing in this process: mode = off \(FILE:3\)", harden="mode = off",
              time_line=r"the library does nothing: mode = off \(FILE:3\)\n$"),
    Situation("HARDEN_DISABLE", [*CURL, "{ok}"],
              {"event": "off", "reason": "disabled", **setting("disable", "1", "HARDEN_DISABLE")},
              "", environment={"disable": "1"}, events_file=False, trace_only_log=True,
              time_line=r"the library does nothing: disable = 1 \(HARDEN_DISABLE\)\n$"),
    Situation("observe", [*CURL, "{bad}"],
              {"attempts": 1, "not_retried": "observe", "observed": True,
               **setting("mode", "observe", FILE_LINE.format(3))},
              r"not repeated: it is only observed: mode = observe \(FILE:3\)", harden="mode = observe"),
    Situation("retry = off", [*CURL, "{bad}"],
              {"attempts": 1, "not_retried": "off",
               **setting("max_attempts", "1", "preset off, " + FILE_LINE.format(5))},
              r"not repeated: retries are off: .*\(preset off, FILE:5\)", keys="retry = off"),
    Situation("never_on", [*CURL, "{bad}"],
              {"attempts": 1, "not_retried": "class",
               **setting("never_on", "503", FILE_LINE.format(5))},
              r"not repeated: such a result is not repeated: never_on = 503 \(FILE:5\)",
              keys="never_on = 503"),
    Situation("scheme that is not covered", [*CURL, "file:///no/such/file"],
              {"result": {"curl": 37, "http": 0, "errno": 0}, "not_retried": "uncovered"},
              "not repeated: a transfer like this is not covered"),
    Situation("scheme that is not covered, in an event loop",
              [*CURL, "--parallel", "file:///no/such/file"],
              {"result": {"curl": 37, "http": 0, "errno": 0}, "not_retried": "uncovered"},
              "not repeated: a transfer like this is not covered"),
    Situation("connect() that does not block", NONBLOCKING,
              {"method": "connect", "result": {"curl": 0, "http": 0, "errno": 115}, "attempts": 0,
               "not_retried": "nonblocking"}, "", events_file=False, trace_only_log=True,
              time_line=r"not repeated: the socket does not block"),
]


class Run:
    """A situation, played once, and what it has left in the three files."""

    def __init__(self, test, situation, traced=False):
        directory, s = bed.fresh_dir("why"), situation
        self.file = os.path.join(directory, "harden.ini")
        self.paths = {name: os.path.join(directory, name) for name in ("events", "trace", "log", "time line")}
        with open(self.file, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(f"[harden]\nlog = debug\n{s.harden}\n[host *]\n{s.keys}\n")
        options = {"config": self.file, "events": self.paths["events"], "trace": self.paths["trace"],
                   "log_to": self.paths["log"], **s.environment}
        self.env = bed.hardened_environment(**options)
        key, closed = bed.unique("why"), servers.free_port()
        query = {"how": 503, **s.query}
        names = {"url": test.url(key, fail=1, **query), "bad": test.url(key, fail=-1, **query),
                 "ok": test.url(key), "port": test.http.port, "closed_port": closed,
                 "closed": f"http://127.0.0.1:{closed}/"}
        self.command = [word.format(**names) if "{" in word else word for word in s.command]
        if traced:
            del self.env["LD_PRELOAD"]
            self.command = [HARDEN, "run", "--trace", "-o", self.paths["time line"], *self.command]
        process = bed.start(self.command, self.env, bed.subprocess.PIPE if s.data else None)
        if s.before:
            getattr(self, s.before)()
        self.outcome = bed.finish(process, self.env, s.data)

    def read(self, name):
        return self.text(name).splitlines()

    def text(self, name):
        if not os.path.exists(self.paths[name]):
            return ""
        with open(self.paths[name], encoding="utf-8") as f:
            return f.read()

    def last(self, name):
        """The last event of a file, with FILE in place of the path of the configuration."""
        ends = [json.loads(line) for line in self.read(name)]
        ends = [e for e in ends if e["event"] in ("end", "off")]
        return {k: v.replace(self.file, "FILE") if isinstance(v, str) else v
                for k, v in ends[-1].items()} if ends else None

    def open_meanwhile(self):
        """Another process opens the circuit while this one waits for its retry, and this one sees it."""
        end = time.monotonic() + 20
        while '"retry"' not in self.text("events") and time.monotonic() < end:
            time.sleep(0.01)
        other = dict(self.env, HARDEN_MAX_ATTEMPTS="1")
        for name in ("HARDEN_EVENTS", "HARDEN_TRACE"):
            del other[name]
        bed.run(self.command, other)


class Why(bed.Bed):
    maxDiff = None

    def check(self, situation):
        run = Run(self, situation)
        trace, event = run.last("trace"), run.last("events")
        self.assertIsNotNone(trace, f"{run.command}: {run.outcome.err} {run.read('trace')}")
        self.assertEqual(trace, {**trace, **situation.event})
        self.assertEqual(event, trace if situation.events_file else None)
        log = run.text("log").replace(run.file, "FILE")
        if situation.trace_only_log:
            self.assertNotIn("end of", log)
        else:
            self.assertRegex(log, situation.log)

    def each(self, check):
        results = bed.in_parallel(check, SITUATIONS, workers=3)
        for situation, error in zip(SITUATIONS, results):
            with self.subTest(situation.name):
                if error:
                    raise error

    def test_every_situation_is_explained_by_event_log_and_trace(self):
        self.each(self.check)

    def check_time_line(self, situation):
        run = Run(self, situation, traced=True)
        text = run.text("time line").replace(run.file, "FILE")
        self.assertRegex(text, situation.time_line or situation.log)

    def test_every_situation_is_explained_by_the_time_line(self):
        self.each(self.check_time_line)

    def test_all_events_of_a_request_have_its_id(self):
        run = Run(self, Situation("", [*CURL, "{url}", "{url}"], {}, ""))
        events = [json.loads(line) for line in run.read("trace")]
        first, second = [e for e in events if e["event"] == "end"]
        self.assertEqual(first["id"], f"{first['pid']}-1")
        self.assertEqual(second["id"], f"{first['pid']}-2")
        kinds = [(e["event"], e["id"]) for e in events if "id" in e and e["event"] != "health"]
        self.assertEqual(kinds, [("attempt", first["id"]), ("retry", first["id"]),
                                 ("attempt", first["id"]), ("end", first["id"]),
                                 ("attempt", second["id"]), ("end", second["id"])])
        self.assertNotIn(second["id"], run.text("events"), "a clean request is traced only")

    def test_log_and_trace_say_once_what_is_used(self):
        run = Run(self, Situation("", [*CURL, "{ok}", "{ok}"], {}, "", keys="max_wait = 20s"))
        starts = [e for e in map(json.loads, run.read("trace")) if e["event"] == "start"]
        board = os.path.join(run.env["HARDEN_STATE"], bed.BOARD)
        self.assertEqual([(e["mode"], e["config"], e["board"]) for e in starts],
                         [("enforce", [run.file], board)])
        lines = [re.sub(r".*harden: ", "", line) for line in run.read("log")]
        self.assertEqual(lines.count(f"debug: mode enforce; configuration: {run.file}; board: {board}"), 1)
        host = f"localhost:{self.http.port}"
        self.assertEqual(lines.count(f"debug: {host}: settings of [override *] (environment), "
                                     f"[host *] ({run.file}:5)"), 1, lines)

    def test_the_error_text_of_a_refusal_names_the_setting(self):
        run = Run(self, Situation("", [*CURL, "{ok}", "{ok}"], {}, "",
                                  keys="rate = 1/1m\nmax_wait = 10s"))
        self.assertRegex(run.outcome.err.decode(),
                         r"curl: \(28\) harden: rate limit of localhost:\d+ reached, needs \d+ s, "
                         r"max_wait = 10s allows no more \(harden\.ini:6\)")


if __name__ == "__main__":
    unittest.main()
