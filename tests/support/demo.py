#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the table of scripts/demo: curl against a failing server, without and with libharden."""
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/e2e", ROOT + "/tests/support"]
import bed  # noqa: E402

# description of the fault, host name, query that selects it, more curl arguments, number of runs
FAULTS = [
    ("503 twice, then 200", "busy", {"how": "503"}, [], 1),
    ("a reset twice, then 200", "reset", {"how": "rst"}, [], 1),
    ("429 with Retry-After: 1", "limit", {"how": "429", "ra": 1, "fail": 1}, [], 1),
    ("503 cut off, twice", "cut503", {"how": "partial503"}, [], 1),
    ("200 cut off (a)", "cut200", {"how": "partial"}, [], 1),
    ("503 to a POST (b)", "order", {"how": "503"}, ["-d", "order=1"], 1),
    ("503 forever, 6 runs (c)", "down", {"how": "503", "fail": -1}, [], 6),
]
NOTES = """
  sent: requests that the server received. waited: total time before retries.
  (a) Not retried: curl has already received a part of the response.
  (b) Not retried: the server may have processed the POST before it failed.
  (c) The result of the last run. After five failed requests in a row and no success,
      the circuit breaker is open: this run fails at once, and its error text says so."""
WIDTHS = (25, 17, 4, 17, 4, 6)
CURL_SAYS = {7: "refused", 18: "cut off", 28: "too slow", 52: "nothing", 56: "reset"}


def line(*cells):
    print("  " + " ".join(f"{c:<{w}}" for c, w in zip(cells, WIDTHS)).rstrip(), flush=True)


class Demo:
    def __init__(self):
        self.ca, cert, key = bed.certificates()
        self.servers = {"http": bed.server(), "https": bed.FaultServer(cert, key).start()}
        self.state = bed.fresh_dir("state")
        self.events = os.path.join(bed.scratch(), "events")
        self.bare = bed.environment()
        # Everything else keeps its default: retries, budget, breaker. Each row uses its own host.
        self.hard = dict(self.bare, LD_PRELOAD=str(bed.LIBRARY), HARDEN_CONFIG="none",
                         HARDEN_STATE=self.state, HARDEN_EVENTS=self.events)

    def curl(self, scheme, env, name, query, more, times):
        """Returns (what curl got in the last run, number of requests that the server saw, success)."""
        server, key = self.servers[scheme], bed.unique("demo")
        query = {"key": key, "fail": 2, "size": 5000, "fsize": 22, **query}
        url = (f"{scheme}://{name}.demo.localhost:{server.port}/?"
               + "&".join(f"{k}={v}" for k, v in query.items()))
        for _ in range(times):
            p = subprocess.run(["curl", "-sS", "--cacert", self.ca, "-o", "/dev/null", "-w",
                                "%{http_code} %{size_download}", *more, url], env=env,
                               check=False, stdin=subprocess.DEVNULL, capture_output=True,
                               text=True)
        code, size = p.stdout.split()
        got = f"{code}, {size} bytes"
        if "harden: circuit open" in p.stderr:
            got = f"error {p.returncode}: breaker"
        elif p.returncode:
            got = f"error {p.returncode}: {CURL_SAYS.get(p.returncode, '')}"
        return got, len(server.log(key)), p.returncode == 0 and code == "200"

    def waited(self):
        """Returns the seconds that the library announced to wait since the last call."""
        if not os.path.exists(self.events):
            return 0.0
        with open(self.events, encoding="utf-8") as f:
            events = [json.loads(x) for x in f]
        os.unlink(self.events)
        return sum(e["wait_ms"] for e in events if e["event"] in ("retry", "wait")) / 1000

    def row(self, scheme, title, *fault):
        plain = self.curl(scheme, self.bare, *fault)
        hard = self.curl(scheme, self.hard, *fault)
        wait = self.waited()
        line(title, plain[0], plain[1], hard[0], hard[1], f"{wait:.1f} s" if wait else "-")
        return plain[2], hard[2]

    def health(self):
        with open(self.state + "/health.json", encoding="utf-8") as f:
            h = json.load(f)
        print("\nThe health snapshot after these runs (health.json, shortened):\n\n"
              f"  overall_status: {h['overall_status']}")
        print("  totals: " + ", ".join(f"{n} {name}" for name, n in h["totals"].items()) + "\n")
        form = "  {:<27} {:<9} {:>8} {:>8} {:>9} {:>6}  {}"
        print(form.format("host", "status", "requests", "attempts", "recovered", "p50 ms", "breaker"))
        for host, c in sorted(h["checks"].items()):
            print(form.format(host, c["status"], c["requests"], c["attempts"], c["recovered"],
                              round(c["duration_ms"]["p50"], 1), c["breaker"]["state"]))


def main():
    began = time.monotonic()
    demo, results = Demo(), []
    print("Unmodified curl and a server that fails: without libharden, then with it\n"
          "and its defaults. To try it yourself:\n"
          f"  LD_PRELOAD={bed.LIBRARY} curl URL\n")
    line("", "without libharden", "", "with libharden")
    line("the server answers", "curl got", "sent", "curl got", "sent", "waited")
    for scheme in ("http", "https"):
        line(f"-- {scheme} ".ljust(WIDTHS[0], "-"), *("-" * w for w in WIDTHS[1:]))
        results += [demo.row(scheme, *fault) for fault in FAULTS]
    print(f"\n  good answers: {sum(r[0] for r in results)} of {len(results)} without, "
          f"{sum(r[1] for r in results)} of {len(results)} with libharden")
    print(NOTES)
    demo.health()
    print(f"\nThat took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
