# SPDX-License-Identifier: MIT
"""What `harden config` prints is a configuration with the same meaning.

tests/unit/test_config_round_trip.c compares 1,000 others. ROUND_TRIPS=1000 makes this test as long, if it is
run without scripts/run-e2e."""
import os
import random
import re
import subprocess
import unittest

import bed

HARDEN = bed.LIBRARY.parent / "harden"
COUNT = int(os.environ.get("ROUND_TRIPS", "40"))

RATES = ["5/s", "60/1m 5/1s", "none", "100/2m, 1/1d  7/s", "1000000/31d"]
DURATIONS = ["1s", "1.5s", "30s", "2m"]
HARDEN_KEYS = {
    "mode": ["enforce", "observe", "off"], "programs": ["*", "python* !ruby"], "service": ["auto", "a b"],
    "log": ["off", "debug", "warn"], "log_to": ["stderr", "syslog", "/tmp/x/%p.log"],
    "events": ["none", "~/events"], "state": ["private", "./state", "auto"], "max_hosts": ["7", "100000"],
    "snapshot": ["auto", "none", "/tmp/h.json"], "metrics": ["none"], "snapshot_interval": DURATIONS,
    "files_mode": ["0600", "0640"], "deepbind": ["leave", "mask"], "thread": ["on", "off", "no"]}
HOST_KEYS = {
    "rate": RATES, "burst": ["auto", "3", "50"], "cost": ["1", "5"],
    "per": ["host", "rule", "host+header:X-Org-Id", "origin+env:HOME", "uid"], "on_limit": ["wait", "fail"],
    "max_wait": DURATIONS, "retry": ["normal", "expensive", "off", "quick"], "max_attempts": ["1", "7"],
    "base_delay": DURATIONS, "max_delay": DURATIONS, "jitter": ["full", "equal", "decorrelated", "none"],
    "max_elapsed": DURATIONS, "retry_on": ["default", "none", "dns 503, 28 CURLE_GOT_NOTHING " * 4 + "tls"],
    "never_on": ["none", "5xx", "404, throttled"], "retry_methods": ["none", "GET post", "M-SEARCH"],
    "retry_after": ["off", "2m"], "hint": ["none", "X-Retry-In ms, X-Next epoch"],
    "retry_budget": ["off", "7%"], "retry_reserve": ["none", "3/1m"], "hold_limit": ["0", "64KiB"],
    "commit": ["late", "headers"], "connect_timeout": ["none", "1.5s"], "attempt_timeout": ["0", "2m"],
    "stall_timeout": ["none", "10s"], "breaker": ["on", "off", "observe"], "breaker_failures": ["1", "9"],
    "breaker_after": ["0", "1h"], "breaker_ratio": ["1%", "100%"], "breaker_open": ["100ms", "1m"],
    "breaker_max_open": ["10m"], "breaker_successes": ["1", "3"], "unhealthy_after": ["1"],
    "healthy_after": ["5"], "concurrency": ["none", "1", "512"], "on_concurrency": ["wait", "fail"],
    "adaptive": ["on", "off", "no"], "slow_after": ["none", "1.5s"], "check_opens": ["on", "off"],
    "fallback": ["none", "b.example, 192.0.2.7:8443 [fd00::7]:443"], "slo": ["none", "99.5%", "99%"],
    "slo_latency": ["none", "800ms"]}
PATTERNS = [
    "*", "*:8080", "*/v1/search*", "*.example", "a.*", "*.example/v1/*", "a.example", "Api.A.example",
    "api.a.example:8443", "api.a.example/v1/search*", "api.a.example:8443/V1/*", "xn--bcher-kva.example",
    "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", "localhost", "10.0.0.1", "10.0.0.0/8",
    "10.0.0.1/v1/x", "::1", "[::1]:8080", "fd00::/8", "unix:/run/App.sock", "unix:/run/*", "unix:@Name"]
LISTS = ["api.a.example=5/s, *.example=60/1m 7/s", "API.a.example/v1*=3/s,*=9/s", "10.0.0.0/8=none,a.*=2/s"]
HOSTS = ["http://a.example", "https://api.a.example", "https://api.a.example:8443", "http://other.net",
         "http://xn--bcher-kva.example", "http://localhost:8080", "http://10.0.0.1", "http://10.1.2.3:8080",
         "http://[::1]:8080", "http://[fd00::7]", "http://label1", "a.example:8443"]
URLS = [host + path for host in HOSTS for path in ("/", "/v1/search?q=1", "/v1/x", "/V1/Foo")]
URLS += ["unix:/run/App.sock", "unix:@Name"]


def some_keys(rng, table, most):
    return {key: rng.choice(table[key]) for key in rng.sample(sorted(table), rng.randint(0, most))}


def sections(rng):
    yield "[harden]", some_keys(rng, HARDEN_KEYS, 8)
    for pattern in rng.sample(PATTERNS, rng.randint(0, 7)):
        yield f"[{rng.choice(['host', 'host', 'override'])} {pattern}]", some_keys(rng, HOST_KEYS, 20)
    for label in rng.sample(range(3), rng.randint(0, 3)):
        patterns = {"match": " ".join(rng.sample(PATTERNS, rng.randint(1, 9)))}
        yield (f"[{rng.choice(['host', 'override'])} label{label}]",
               some_keys(rng, HOST_KEYS, 20) | (patterns if rng.random() < .8 else {}))
    if rng.random() < .4:
        keys = some_keys(rng, HARDEN_KEYS, 4) | some_keys(rng, HOST_KEYS, 9)
        keys.pop("programs", None)
        yield "[program cu*]", keys
    if rng.random() < .5:
        yield "[check c]", {"type": "http", "target": "https://u@h.example/x?y=z", "expect": "2xx 404"}


def random_configuration(seed):
    rng = random.Random(seed)
    file = "".join(f"{name}\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                   for name, keys in sections(rng))
    variables = {}
    if rng.random() < .5:
        variables = some_keys(rng, HARDEN_KEYS, 3) | some_keys(rng, HOST_KEYS, 5)
        if rng.random() < .6:
            variables["rate"] = rng.choice(LISTS)
    return file, {"HARDEN_" + key.upper(): value for key, value in variables.items()}


def without_sources(text):
    """Neither comments nor, in the list of matching sections, those for all hosts, which print the defaults."""
    lines = (re.sub(r" +; .*", "", line) for line in text.splitlines() if not line.startswith("; "))
    return [line for line in lines if line not in ("  [host *]", "  none: the defaults apply")]


class RoundTrip(unittest.TestCase):
    @staticmethod
    def harden(env, *arguments):
        done = subprocess.run([HARDEN, "config", *arguments], env=env | {"HOME": "/home/u"}, text=True,
                              capture_output=True, timeout=bed.TIMEOUT_S, check=False)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return done.stdout

    def round_trip(self, seed):
        text, variables = random_configuration(seed)
        written = {"HARDEN_CONFIG": bed.fresh_file(text.encode())} | variables
        out = self.harden(written)
        printed = {"HARDEN_CONFIG": bed.fresh_file(out.encode())}
        pairs = [(out, self.harden(printed))]
        pairs += [(self.harden(written, "--explain", url), self.harden(printed, "--explain", url))
                  for url in URLS]
        pairs += [(self.harden(written, "--program", "curl", "--explain", url),
                   self.harden(printed, "--program", "curl", "--explain", url)) for url in URLS[::9]]
        for one, other in pairs:
            if without_sources(one) != without_sources(other):
                raise AssertionError(f"seed {seed}:\n{text}\n{variables}\n{one}\n-- and --\n{other}")

    def test_random_configurations_mean_the_same_when_printed_and_read_again(self):
        self.assertEqual([e for e in bed.in_parallel(self.round_trip, range(COUNT)) if e], [])

    def test_every_key_is_among_them(self):
        keys = set(re.findall(r"(?m)^(\w+) = ", self.harden({"HARDEN_CONFIG": "none"})))
        self.assertEqual(keys, {*HARDEN_KEYS, *HOST_KEYS})


if __name__ == "__main__":
    unittest.main()
