#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The table of scripts/demo: curl against a failing server, bare and under libharden."""
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/e2e", ROOT + "/tests/support"]
import bed  # noqa: E402

# what the server does, its query, more arguments of curl
FAULTS = [
    ("503 twice", {"how": "503", "fsize": 22}, []),
    ("reset before the answer, twice", {"how": "rst"}, []),
    ("429, Retry-After: 1", {"how": "429", "ra": 1, "fail": 1, "fsize": 22}, []),
    ("503 twice, its body cut off", {"how": "partial503"}, []),
    ("200, its body cut off", {"how": "partial"}, []),
    ("503 to an order (POST)", {"how": "503", "fsize": 22}, ["-d", "order=1"]),
]
WIDTHS = (30, 26, 5, 18, 5, 7)
CURL_SAYS = {18: "cut off", 52: "no answer", 56: "connection reset", 28: "time is up",
             7: "no connection"}


def line(*cells):
    print("  " + " ".join(f"{c:<{w}}" for c, w in zip(cells, WIDTHS)).rstrip(), flush=True)


class Demo:
    def __init__(self):
        self.ca, cert, key = bed.certificates()
        self.servers = {"http": bed.server(), "https": bed.FaultServer(cert, key).start()}
        self.state = bed.fresh_dir("state")
        self.events = os.path.join(bed.scratch(), "events")
        self.bare = bed.environment()
        # Nearly every request fails here: the circuit breaker would rightly end the show.
        self.hard = dict(self.bare, LD_PRELOAD=str(bed.LIBRARY), HARDEN_STATE=self.state,
                         HARDEN_EVENTS=self.events, HARDEN_CONFIG="none",
                         HARDEN_BREAKER="off")

    def curl(self, scheme, env, query, more):
        """(what curl got, requests that the server saw, whether it went well)"""
        server, key = self.servers[scheme], bed.unique("demo")
        query = {"key": key, "fail": 2, "size": 5000, **query}
        url = f"{server.url}/?" + "&".join(f"{k}={v}" for k, v in query.items())
        p = subprocess.run(["curl", "-sS", "--cacert", self.ca, "-o", "/dev/null", "-w",
                            "%{http_code} %{size_download}", *more, url], env=env, check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True)
        code, size = p.stdout.split()
        if p.returncode:
            got = f"error {p.returncode}: {CURL_SAYS.get(p.returncode, '')}"
        else:
            got = f"{code}, {size} bytes"
        return got, len(server.log(key)), p.returncode == 0 and code == "200"

    def waited(self):
        """Seconds that the library announced to wait since the last call."""
        if not os.path.exists(self.events):
            return 0.0
        with open(self.events, encoding="utf-8") as f:
            total = sum(json.loads(x).get("wait_ms", 0) for x in f)
        os.unlink(self.events)
        return total / 1000

    def row(self, scheme, title, query, more):
        plain = self.curl(scheme, self.bare, query, more)
        hard = self.curl(scheme, self.hard, query, more)
        wait = self.waited()
        line(title, plain[0], plain[1], hard[0], hard[1], f"{wait:.1f} s" if wait else "-")
        return plain[2], hard[2]

    def health(self):
        with open(self.state + "/health.json", encoding="utf-8") as f:
            h = json.load(f)
        print("\nThe health snapshot that these runs left behind (shortened):\n")
        for name in ("overall_status", "totals"):
            print(f"  {name}: {json.dumps(h[name])}")
        for host, c in h["checks"].items():
            print(f"  {host}: {c['status']}")
            print("    " + ", ".join(f"{c[k]} {k}" for k in (
                "requests", "attempts", "successes", "failures", "retries", "recovered")))
            d, b = c["duration_ms"], c["breaker"]
            print(f"    p50 {d['p50']} ms, p99 {d['p99']} ms; breaker {b['state']}")


def main():
    began = time.monotonic()
    demo, results = Demo(), []
    print("curl, unmodified, against a server that fails. Without libharden and with it:")
    print("LD_PRELOAD=libharden.so curl ...\n")
    line("", "without libharden", "", "with libharden")
    line("the server answers", "curl got", "sent", "curl got", "sent", "waited")
    for scheme in ("http", "https"):
        line(f"-- {scheme} ".ljust(WIDTHS[0], "-"), *("-" * (w - 1) for w in WIDTHS[1:]))
        results += [demo.row(scheme, *fault) for fault in FAULTS]
    print(f"\n  good answers: {sum(r[0] for r in results)} of {len(results)} without, "
          f"{sum(r[1] for r in results)} of {len(results)} with libharden")
    print("  sent: requests that the server saw. Not repeated: an answer of which curl had a part\n"
          "  already, and an order: it must not be placed twice. The circuit breaker is off here.")
    demo.health()
    print(f"\nThat took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
