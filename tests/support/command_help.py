# SPDX-License-Identifier: MIT
"""What the command `harden` says about itself in --help: the one list with which the manual page and the
completions are compared."""
import os
import pathlib
import re
import subprocess

BUILD = pathlib.Path(os.environ.get("BUILD", "build/release")).resolve()
HARDEN = BUILD / "harden"
COMMON = {"-h", "--help", "-V", "--version"}
FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])")
# "  -o, --output FILE  write to this file": the completions read these lines too.
OPTION = re.compile(r"^  (-[A-Za-z])?(?:, )?(--[a-z][a-z-]*)?(?: ([A-Z][^ ]*))?(?:  .*)?$", re.M)


class World:
    """An empty directory with a state directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HARDEN_")}
        self.env |= {"HARDEN_CONFIG": "none", "HARDEN_STATE": directory + "/state",
                     "HOME": directory, "PATH": f"{BUILD}:{os.environ['PATH']}"}

    def run(self, *argv, out=subprocess.PIPE, **env):
        return subprocess.run(argv, env=self.env | env, cwd=self.directory, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)

    def status(self, *argv, out=subprocess.PIPE):
        return self.run(HARDEN, *argv, out=out).returncode


class Command:
    def __init__(self, text):
        self.text = text
        self.usage = set(FLAG.findall(text.partition("\n")[0]))
        self.values = {flag: value for short, name, value in OPTION.findall(text)
                       for flag in (short, name) if flag}
        self.flags = set(self.values)
        self.statuses = set(re.findall(r"\b\d+\b", text.rpartition("exit status:")[2]))

    def faults(self):
        for flag in sorted(self.usage - self.flags):
            yield f"{flag} is in the usage, but has no line of its own"
        for part in ("example", "exit status:"):
            if not re.search(rf"^{part}", self.text, re.M):
                yield f'no line begins with "{part}"'
        for line in self.text.splitlines()[1:]:
            if len(line) > 100:
                yield f"longer than 100 columns: {line}"


def overview(world):
    return world.run(HARDEN, "--help").stdout


def commands(world):
    """{name: Command}"""
    names = re.findall(r"^  (\w+) +[A-Z]", overview(world), re.M)
    return {name: Command(world.run(HARDEN, name, "--help").stdout) for name in names}


def keys(world):
    """The keys as flags of run: --max-attempts."""
    return {"--" + k.replace("_", "-")
            for k in re.findall(r"^(\w+) = ", world.run(HARDEN, "config").stdout, re.M)}
