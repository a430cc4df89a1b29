# SPDX-License-Identifier: MIT
"""Reads tests/answers (the form: README.md there), and writes an answer as its server does."""
import re
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "answers"
PLACEHOLDER = re.compile(r'\{(-?\d+)\|([^}"]*)\}')

FRACTIONS = ("s.fff", "ms", "us", "ns")


class Answer:
    def __init__(self, name, lines):
        self.name, self.title = name, lines[0].removeprefix("# ")
        self.fields, self.hints = [], []
        self.status, self.connect = 0, False
        self.retry = self.others = ""
        for line in lines:
            if line.startswith("status "):
                self.connect = "CONNECT" in line
                self.status = int(line.split()[-1])
            elif line.startswith("hint "):
                self.hints.append(line.removeprefix("hint "))
            elif line.startswith("> retry "):
                self.retry = line.split()[-1]
            elif line.startswith("> others "):
                self.others = line.split()[-1]
            elif not line.startswith("# "):
                self.fields.append(line)

    def __str__(self):
        return f"{self.name}: {self.title}"

    @property
    def names(self):
        """The names of its fields in lower case; None for the continuation of a line."""
        return [None if line[0] in " \t" else line.split(":")[0].lower() for line in self.fields]

    @property
    def has_fractions(self):
        """It names a moment more exactly than in seconds."""
        return any(m[1] in FRACTIONS for line in self.fields for m in PLACEHOLDER.findall(line))

    def lines(self, now):
        """Its header lines at a time since 1970, in seconds."""
        return [PLACEHOLDER.sub(lambda m: moment(now + int(m[1]), m[2]), line)
                for line in self.fields]


def moment(at, form):
    ns = int(at * 1e9)
    if form == "s.fff":
        return f"{ns // 10**9}.{ns // 10**6 % 1000:03}"
    if form in ("s", "ms", "us", "ns"):
        return str(ns // {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[form])
    return time.strftime(form, time.gmtime(ns // 10**9))


def seconds(text):
    """What `> retry` or `> others` asks for; None: it names no time."""
    return float(text) if text[0].isdigit() else None


def read():
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        at = 1
        for block in path.read_text(encoding="ascii").rstrip("\n").split("\n\n"):
            found.append(Answer(f"{path.name}:{at}", block.split("\n")))
            at += block.count("\n") + 2
    return found
