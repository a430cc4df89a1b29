# SPDX-License-Identifier: MIT
"""The `harden` command as users run it."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import bed

HARDEN = bed.LIBRARY.parent / "harden"
CURL = ["curl", "-sS", "-o", os.devnull]


def environment(state=None, **options):
    env = bed.hardened_environment(state, **options)
    del env["LD_PRELOAD"]
    return env


def harden(*arguments, env=None, **kw):
    done = subprocess.run([HARDEN, *map(str, arguments)], env=env or environment(), text=True,
                          capture_output=True, timeout=bed.TIMEOUT_S, check=False,
                          stdin=subprocess.DEVNULL, **kw)
    return done.returncode, done.stdout, done.stderr


class Run(bed.Bed):
    def test_the_program_replaces_the_command(self):
        env = environment()
        p = bed.start([HARDEN, "run", "sh", "-c", "echo $$; cat; exit 7"], env, subprocess.PIPE)
        o = bed.finish(p, env, b"words\n")
        self.assertEqual((o.status, o.out, o.err), (7, f"{p.pid}\nwords\n".encode(), b""))
        self.assertEqual(bed.run([HARDEN, "run", "--", "sh", "-c", "kill -TERM $$"], env).status,
                         -signal.SIGTERM)

    def test_keys_on_the_command_line_apply(self):
        env = environment()
        self.assertEqual(harden("run", *CURL, "-f", f"{self.http.url}/?key={bed.unique()}&fail=2",
                                env=env)[0], 0)
        status, _, err = harden("run", "--retry=off", *CURL, "-f",
                                f"{self.http.url}/?key={bed.unique()}&fail=2", env=env)
        self.assertEqual((status, "503" in err), (22, True), err)
        self.assertEqual(harden("run", "--max-attempts", "7", "--mode=observe", "sh", "-c",
                                "echo $HARDEN_MAX_ATTEMPTS $HARDEN_MODE")[1], "7 observe\n")
        self.assertEqual(harden("run", "--observe", "sh", "-c", "echo $HARDEN_MODE")[1],
                         "observe\n")

    def test_nothing_starts_with_a_bad_configuration(self):
        flag = os.path.join(bed.fresh_dir(), "started")
        file = bed.fresh_file(b"[harden]\nmode = enforced\n")
        for arguments, words in ((["--rate", "x"], "HARDEN_RATE = x"),
                                 (["--max-atempts", "3"], "did you mean --max_attempts?"),
                                 (["--match", "a.example"], "--match"),
                                 (["--rate"], "--rate needs a value"),
                                 (["--config", file], f"{file}:2: [harden] mode = enforced"),
                                 (["--config", "/no/such"], "/no/such")):
            following = [] if arguments == ["--rate"] else ["touch", flag]
            status, out, err = harden("run", *arguments, *following)
            self.assertEqual((status, out), (2, ""), err)
            self.assertIn(words, err)
            self.assertFalse(os.path.exists(flag))

    def test_programs_that_cannot_be_run_are_reported_as_by_a_shell(self):
        plain = bed.fresh_file(b"echo by sh $1\n")
        for program, expected in (("no-such-program", 127), ("/no/such/program", 127),
                                  ("/etc", 126), (plain, 126)):
            status, out, err = harden("run", program)
            self.assertEqual((status, out), (expected, ""), program)
            self.assertIn(program, err)
        os.chmod(plain, 0o755)
        self.assertEqual(harden("run", plain, "too"), (0, "by sh too\n", ""))
        self.assertEqual(harden("run")[0], 64)

    def test_other_preloaded_libraries_are_kept(self):
        show = ["sh", "-c", "echo $LD_PRELOAD"]
        self.assertEqual(harden("run", *show)[1], f"{bed.LIBRARY}\n")
        env = environment() | {"LD_PRELOAD": "libm.so.6"}
        self.assertEqual(harden("run", *show, env=env)[1], f"{bed.LIBRARY}:libm.so.6\n")
        self.assertEqual(harden("run", HARDEN, "run", *show)[1], f"{bed.LIBRARY}\n")

    def test_with_audit_the_second_object_is_preloaded_too(self):
        show = ["sh", "-c", "echo $LD_PRELOAD"]
        both = f"{bed.LIBRARY}:{bed.LIBRARY.with_name('libharden-audit.so')}"
        self.assertEqual(harden("run", "--audit", *show), (0, both + "\n", ""))
        self.assertEqual(harden("run", "--audit", "--observe", "--", *show)[1], both + "\n")
        env = environment() | {"LD_PRELOAD": "libm.so.6"}
        self.assertEqual(harden("run", "--audit", *show, env=env)[1], f"{both}:libm.so.6\n")
        # Added only once, also to a library that is preloaded already.
        for outer, inner in ((["--audit"], ["--audit"]), (["--audit"], [])):
            self.assertEqual(harden("run", *outer, HARDEN, "run", *inner, *show)[1], both + "\n")
        added = harden("run", HARDEN, "run", "--audit", *show)[1]
        self.assertEqual(sorted(added.strip().split(":")), sorted(both.split(":")))
        status, _, err = harden("run", "--audit=on", *show)
        self.assertEqual((status, "did you mean --audit?" in err), (2, True), err)

    def test_nothing_starts_without_the_second_object(self):
        alone, flag = bed.fresh_dir(), os.path.join(bed.fresh_dir(), "started")
        for file in (HARDEN, bed.LIBRARY):
            shutil.copy(file, alone)
        run = [f"{alone}/harden", "run"]
        p = bed.run([*run, "--audit", "touch", flag], environment())
        self.assertEqual((p.status, p.out, os.path.exists(flag)), (2, b"", False))
        self.assertIn(f"libharden-audit.so is not beside {alone}/libharden.so", p.err.decode())
        self.assertEqual(bed.run([*run, "touch", flag], environment()).status, 0)

    def test_the_address_sanitizer_comes_first(self):
        program = os.path.join(bed.fresh_dir(), "asan")
        source = bed.fresh_file(b"#include <stdlib.h>\n#include <stdio.h>\n"
                                b"int main(void) { puts(getenv(\"LD_PRELOAD\")); return 0; }\n")
        subprocess.run(["gcc", "-fsanitize=address", "-x", "c", source, "-o", program], check=True)
        status, out, err = harden("run", program)
        self.assertEqual(status, 0, err)
        self.assertRegex(out, rf"^libasan\.so\.\d+:{bed.LIBRARY}\n$")
        audit = bed.LIBRARY.with_name("libharden-audit.so")
        self.assertRegex(harden("run", "--audit", program)[1],
                         rf"^libasan\.so\.\d+:{bed.LIBRARY}:{audit}\n$")
        # Also for programs started by a hardened program, and only once.
        status, again, err = harden("run", HARDEN, "run", program)
        self.assertEqual((status, again), (0, out), err)
        status, again, err = harden("run", program, env=environment() | {"LD_PRELOAD": out.strip()})
        self.assertEqual((status, again), (0, out), err)

    def test_a_program_that_cannot_be_covered_is_reported(self):
        program = os.path.join(bed.fresh_dir(), "static")
        source = bed.fresh_file(b"int main(void) { return 5; }\n")
        subprocess.run(["gcc", "-static", "-x", "c", source, "-o", program], check=True)
        status, _, err = harden("run", program)
        self.assertEqual(status, 5)
        self.assertEqual(err, f"harden run: {program} is a static program: the library is not "
                              "loaded\n")

    def test_the_loader_chooses_among_several_architectures(self):
        multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True,
                                   check=True).stdout.strip()
        usr = bed.fresh_dir()
        for path in ("bin", f"lib/{multiarch}", "lib/other"):
            os.makedirs(f"{usr}/{path}")
        shutil.copy(HARDEN, f"{usr}/bin")
        for place in (multiarch, "other"):
            shutil.copy(bed.LIBRARY, f"{usr}/lib/{place}")
        shutil.copy(bed.LIBRARY.with_name("libharden-audit.so"), f"{usr}/lib/{multiarch}")
        subprocess.run(["ln", "-s", f"{multiarch}/libharden.so", f"{usr}/lib/libharden.so"],
                       check=True)
        env = environment()
        out = subprocess.run([f"{usr}/bin/harden", "run", "sh", "-c",
                              f"echo $LD_PRELOAD; curl -sS '{self.http.url}/?key={bed.unique()}'"],
                             env=env, capture_output=True, text=True, check=True)
        self.assertEqual(out.stdout.splitlines()[0], f"{usr}/$LIB/libharden.so")
        self.assertEqual(out.stderr, "")
        both = subprocess.run([f"{usr}/bin/harden", "run", "--audit", "sh", "-c", "echo $LD_PRELOAD"],
                              env=env, capture_output=True, text=True, check=True)
        self.assertEqual((both.stdout, both.stderr), (
            f"{usr}/$LIB/libharden.so:{usr}/$LIB/libharden-audit.so\n", ""))
        with open(env["HARDEN_STATE"] + "/health.json", encoding="utf-8") as f:
            self.assertEqual(json.load(f)["coverage"]["transfers_easy"], 1)


class Config(unittest.TestCase):
    FILE = b"""[harden]
log = warn
[host *]
retry = expensive
[host api.example.com]
rate = 120/1m
[host api.example.com/v1/search*]
rate = 30/1m
[check database]
type = http
target = https://user:secret@db.example.com/secret?secret
"""

    def values(self, text):
        return {tuple(line.split(";")[0].split(" = ", 1)) for line in text.splitlines()
                if " = " in line and not line.startswith(";")}

    def test_it_prints_every_key_and_where_its_value_comes_from(self):
        file = bed.fresh_file(self.FILE)
        env = environment() | {"HARDEN_CONFIG": file, "HARDEN_MAX_WAIT": "7s"}
        status, out, err = harden("config", env=env)
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, rf"(?m)^log = warn +; {file}:2$")
        self.assertRegex(out, rf"(?m)^retry = expensive +; {file}:4$")
        self.assertRegex(out, rf"(?m)^rate = 30/1m +; {file}:8$")
        self.assertRegex(out, r"(?m)^max_wait = 7s +; environment$")
        self.assertRegex(out, r"(?m)^mode = enforce +; default$")
        keys = set(re.findall(r"(?m)^(?:; )?(\w+) = ", out))
        self.assertRegex(out, rf"(?m)^type = http +; {file}:10$")
        self.assertRegex(out, r"(?m)^interval = 30s +; default$")
        with open(bed.ROOT / "conf/harden.ini", encoding="utf-8") as f:
            sample = set(re.findall(r"(?m)^;?(\w+) *=", f.read()))
        self.assertEqual(sample - keys - {"match"}, set())

    def test_what_it_prints_is_a_configuration_with_the_same_meaning(self):
        file = bed.fresh_file(self.FILE)
        _, out, _ = harden("config", file)
        again = bed.fresh_file(out.encode())
        status, second, err = harden("config", again)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self.values(second), self.values(out))

    def test_values_that_come_from_a_preset_or_are_overridden_are_comments(self):
        file = bed.fresh_file(b"[host *]\nretry = expensive\n[host a.example]\nmax_wait = 3s\n")
        env = environment() | {"HARDEN_CONFIG": file, "HARDEN_MAX_WAIT": "7s"}
        del env["HARDEN_BASE_DELAY"], env["HARDEN_MAX_DELAY"]
        out = harden("config", env=env)[1]
        self.assertRegex(out, r"(?m)^; max_attempts = 5 +; by retry$")
        self.assertRegex(out, rf"(?m)^; max_wait = 3s +; {file}:4, overridden by \[override \*\]$")
        self.assertRegex(out, r"(?m)^\[override \*\]\n(.*\n)*max_wait = 7s +; environment$")

    def test_what_no_file_can_say_is_printed_as_a_comment(self):
        env = environment() | {"HARDEN_SERVICE": "a ;b", "HARDEN_RATE": "unix:/run/a b=5/s",
                               "HARDEN_PROGRAMS": "c\nlog = debug"}
        status, out, _ = harden("config", env=env)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^; service = a ;b +; environment; a file cannot have this value$")
        self.assertRegex(out, r"(?m)^; programs = c\?log = debug +; environment; a file cannot")
        self.assertIn("; a file cannot have this section:\n; [override unix:/run/a b]\n; rate = 5/s", out)
        self.assertEqual(harden("config", bed.fresh_file(out.encode()))[::2], (0, ""))

    def test_a_contradiction_is_a_note_and_with_strict_an_error(self):
        file = bed.fresh_file(b"[host *]\nbase_delay = 10s\nmax_delay = 5s\n")
        note = f"{file}:2: [host *] base_delay = 10s: every delay is at most max_delay = 5s\n"
        status, out, err = harden("config", file)
        self.assertEqual((status, err), (0, f"harden config: note: {note}"))
        self.assertIn("base_delay = 10s", out)
        status, _, err = harden("config", "--strict", file)
        self.assertEqual((status, err.splitlines(True)[0]), (2, f"harden config: {note}"))
        self.assertEqual(harden("config", "--strict", bed.fresh_file(b""))[::2], (0, ""))

    def test_explain_shows_the_preset_of_a_more_specific_section(self):
        file = bed.fresh_file(b"[host *]\nmax_attempts = 7\n[host a.example]\nretry = quick\n")
        out = harden("config", "--explain", "http://a.example", file)[1]
        self.assertRegex(out, r"(?m)^  max_attempts = 3 +; by retry$")

    def test_the_same_holds_for_each_sample(self):
        for sample in bed.ROOT.glob("conf/**/*.ini"):
            _, out, _ = harden("config", sample)
            status, second, err = harden("config", bed.fresh_file(out.encode()))
            self.assertEqual((status, err), (0, ""), sample)
            self.assertEqual(self.values(second), self.values(out), sample)

    def test_every_error_is_printed_and_sets_the_exit_status(self):
        file = bed.fresh_file(b"[harden]\nsevrice = warn\n[host *]\nrate = fast\n")
        status, out, err = harden("config", file)
        self.assertEqual(status, 2)
        self.assertIn(f"{file}:2: [harden] sevrice = warn: unknown key; did you mean service?", err)
        self.assertIn(f"{file}:4: [host *] rate = fast: not a rate", err)
        self.assertIn("2 errors", err)
        self.assertIn("rate = none", out)
        self.assertEqual(harden("config", "/no/such")[0], 2)

    def test_explain_shows_what_applies_to_a_url(self):
        file = bed.fresh_file(self.FILE)
        env = environment() | {"HARDEN_CONFIG": file, "HARDEN_BURST": "9"}
        del env["HARDEN_BASE_DELAY"], env["HARDEN_MAX_DELAY"]
        status, out, err = harden("config", "--explain",
                                  "https://me:secret@API.example.com./v1/search?q=x", env=env)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("host api.example.com, port 443, by https", out)
        self.assertNotIn("secret", out)
        sections = re.findall(r"(?m)^  (\[\w+ .*?\])", out)
        self.assertEqual(sections[:4], ["[override *]", "[host api.example.com/v1/search*]",
                                        "[host api.example.com]", "[host *]"])
        self.assertRegex(out, r"(?m)^  120/1m, burst 9, per host +\[host api\.example\.com\]$")
        self.assertRegex(out, r"(?m)^  30/1m, burst \d+, per \S+ +\[host api.example.com/v1/search")
        self.assertRegex(out, r"(?m)^  max_attempts = 5 +; by retry$")
        self.assertRegex(out, rf"(?m)^  retry = expensive +; \[host \*\] {file}:4$")
        _, other, _ = harden("config", "--explain=other.example:8080", env=env)
        self.assertIn("host other.example, port 8080, by connect()", other)
        self.assertIn("limits; a request takes one token from each\n  none", other)
        for wrong in ("http://", "http://[::1", "host:99999"):
            status, out, err = harden("config", "--explain", wrong, env=env)
            self.assertEqual((status, out), (64, ""), wrong)
            self.assertIn(wrong, err)

    def test_program_sections_are_printed_or_applied_to_the_program_that_is_named(self):
        file = bed.fresh_file(b"[harden]\nmode = enforce\n[host *]\ncost = 2\n"
                              b"[program php*]\nmode = observe\ncost = 3\n")
        status, out, err = harden("config", file)
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"(?m)^mode = enforce\b")
        self.assertRegex(out, r"(?ms)^\[program php\*\]\nmode = observe +; \S+:6\ncost = 3 +; \S+:7$")
        _, out, _ = harden("config", "--program", "php8.2", file)
        self.assertRegex(out, r"(?ms)^\[harden\]\nmode = observe +; \S+:6$")
        again = bed.fresh_file(out.encode())
        for name, cost in ("php8.2", 3), ("curl", 2):
            _, out, err = harden("config", "--program", name, "--explain", "a.example", file)
            self.assertRegex(out, rf"(?m)^  cost = {cost}\b", err)
        _, out, err = harden("config", "--program=php8.2", "--explain=a.example", again)
        self.assertRegex(out, r"(?m)^  cost = 3\b", err)


class Board(bed.Bed):
    """Status, health and reset with the data of real programs on the board."""
    REFUSED = "transient, connect, curl 7, errno 111 Connection refused"

    def sick_and_well(self, **options):
        env = environment(**options)
        harden("run", *CURL, f"{self.http.url}/?key={bed.unique()}", env=env)
        harden("run", "--retry=off", "sh", "-c",
               "for i in 1 2 3; do curl -sS http://127.0.0.1:1/; done", env=env)
        return env, f"localhost:{self.http.port}"

    def test_explain_shows_the_live_state_if_there_is_a_board(self):
        env, _ = self.sick_and_well(rate="100/1m")
        out = harden("config", "--explain", "http://127.0.0.1:1/", env=env)[1]
        self.assertRegex(out, rf"(?s)\nlive: {env['HARDEN_STATE']}\n  status unhealthy\n  circuit \w+\n"
                              r"  retry budget \d+ of 100\n  100/1m: \d+\.\d of 100 tokens\n$")
        env["HARDEN_STATE"] = os.path.join(bed.fresh_dir(), "none")
        self.assertNotIn("live", harden("config", "--explain", "http://127.0.0.1:1/", env=env)[1])
        self.assertFalse(os.path.exists(env["HARDEN_STATE"]))

    def test_the_table_lists_unhealthy_hosts_first_with_their_counts(self):
        env, well = self.sick_and_well(rate="100/1m")
        status, out, err = harden("status", env=env)
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        self.assertRegex(lines[0], rf"^{env['HARDEN_STATE']}: 2 hosts; last updated by a program")
        self.assertRegex(lines[1], rf"^last error: 127\.0\.0\.1:1, \d+ s ago: {self.REFUSED}$")
        self.assertEqual(lines[3].split(), ["HOST", "STATUS", "REQUESTS", "SUCCESS", "RETRIES",
                                            "REJECTED", "WAITED", "P50", "P99", "BREAKER", "TOKENS"])
        self.assertRegex(lines[4], r"^127\.0\.0\.1:1 +unhealthy +3 +0\.0 % +0 +0 .* closed ")
        self.assertRegex(lines[5], rf"^{well} +healthy +1 +100\.0 % +0 +0 +- .* ms +\S+ ms closed +\S+/100$")
        self.assertNotIn("\033", out)

    def test_refusals_are_shown_and_observed_ones_are_marked(self):
        env = environment(rate="1/1h", on_limit="fail")
        for _ in range(3):
            harden("run", *CURL, f"{self.http.url}/?key={bed.unique()}", env=env)
        row = harden("status", env=env)[1].splitlines()[-1].split()
        self.assertEqual(row[2:7], ["3", "33.3", "%", "0", "2"])
        self.assertNotIn("observe", harden("status", env=env)[1])
        self.assertIn("mode = observe: ", harden("status", env=env | {"HARDEN_MODE": "observe"})[1])

    def test_a_host_whose_circuit_is_open_is_not_healthy_anywhere(self):
        env, host = environment(breaker_failures="1", unhealthy_after="100", retry="off"), None
        harden("run", *CURL, f"{self.http.url}/bad?key={bed.unique()}&fail=-1", env=env)
        host = f"localhost:{self.http.port}"
        status, out, err = harden("health", env=env)
        self.assertEqual((status, out, err), (1, f"degraded: 0 of 1 host healthy; not healthy: {host} "
                                                 "(circuit open; transient, http_5xx, http 503)\n", ""))
        status, out, err = harden("health", "--host", host, env=env)
        self.assertEqual(status, 1)
        self.assertIn(f"degraded: {host}, 1 failure in a row, circuit open, for ", out)
        self.assertRegex(harden("status", env=env)[1], rf"(?m)^{host} +degraded .* open ")
        document = json.loads(harden("status", "--json", env=env)[1])
        self.assertEqual((document["overall_status"], document["healthy"]), ("degraded", False))
        self.assertEqual(document["checks"][host]["status"], "degraded")
        with open(env["HARDEN_STATE"] + "/health.json", encoding="utf-8") as f:
            self.assertEqual(json.load(f)["checks"][host]["status"], "degraded")
        with open(env["HARDEN_STATE"] + "/metrics.prom", encoding="utf-8") as f:
            self.assertRegex(f.read(), rf'harden_health_status{{[^}}]*host="{host}"}} 1\n')
        status, out, err = harden("report", "-o", "-", env=env)
        self.assertIn("1 of 1 host not healthy", out)

    def test_retries_denied_by_the_budget_are_shown(self):
        env = environment(retry_budget="1%", retry_reserve="none", base_delay="10ms")
        harden("run", *CURL, f"{self.http.url}/?key={bed.unique()}", env=env)
        self.assertNotIn("denied", harden("status", env=env)[1])
        host = f"localhost:{self.http.port}"
        for denied, more in enumerate(([], ["--parallel"]), 1):  # both interfaces of libcurl
            harden("run", *CURL, *more, f"{self.http.url}/?key={bed.unique()}&fail=-1", env=env)
            self.assertIn(f"\nretries denied by the budget: {denied} ({host} {denied})\n",
                          harden("status", env=env)[1])
            document = json.loads(harden("status", "--json", env=env)[1])
            self.assertEqual(document["checks"][host]["budget"]["denied"], denied)
            with open(env["HARDEN_STATE"] + "/metrics.prom", encoding="utf-8") as f:
                self.assertRegex(f.read(), rf'_budget_denied_total{{[^}}]*host="{host}"}} {denied}\n')

    def test_responses_later_than_slow_after_open_the_circuit_and_are_shown(self):
        for options, refused in (({}, 5), ({"mode": "observe"}, 0)):
            env = environment(slow_after="10ms", **options)
            host = f"localhost:{self.http.port}"
            url = f"{self.http.url}/?key={bed.unique()}&delay_ms=30&n=[1-15]"
            harden("run", *CURL, url, env=env)
            slow = 15 - refused
            self.assertIn(f"\nlater than slow_after: {slow} ({host} {slow})\n",
                          harden("status", env=env)[1])
            document = json.loads(harden("status", "--json", env=env)[1])["checks"][host]
            self.assertEqual(document["breaker"], {
                "state": "closed" if options else "open", "opened": 0 if options else 1,
                "rejected": refused, "slow": slow})
            self.assertEqual((document["successes"], document["failures"]), (slow, 0))
            with open(env["HARDEN_STATE"] + "/metrics.prom", encoding="utf-8") as f:
                self.assertRegex(f.read(), rf'_slow_attempts_total{{[^}}]*host="{host}"}} {slow}\n')
            self.assertIn(f"{slow} later than slow_after", harden("report", "-o", "-", env=env)[1])
            if options:
                self.assertEqual(document["observed"]["would_reject"], 5)

    def test_json_is_the_same_document_as_the_snapshot(self):
        env, well = self.sick_and_well()
        status, out, err = harden("status", "--json", env=env)
        self.assertEqual((status, err), (0, ""))
        document = json.loads(out)
        with open(env["HARDEN_STATE"] + "/health.json", encoding="utf-8") as f:
            written = json.load(f)
        self.assertEqual(document["schema"], "harden.health/1")
        self.assertEqual(document["failed"], ["127.0.0.1:1"])
        self.assertEqual(document["totals"], written["totals"])
        self.assertEqual(set(document), set(written))
        self.assertEqual(set(document["checks"][well]), set(written["checks"][well]))

    def test_active_checks_are_hosts_of_their_own(self):
        file = bed.fresh_file(f"""
[check up]
type = tcp
target = 127.0.0.1:{self.http.port}
interval = 100ms
[check down]
type = tcp
target = 127.0.0.1:1
interval = 100ms
unhealthy_after = 1
""".encode())
        env = environment(config=file, snapshot_interval="100ms")
        p = bed.start([HARDEN, "run", "python3", "-c", "import socket, sys, time\n"
                       f"socket.create_connection(('127.0.0.1', {self.http.port})).close()\n"
                       "time.sleep(60)"], env)
        try:
            for _ in range(200):
                time.sleep(0.05)
                status, out, _ = harden("health", "--max-age", "1h", env=env)
                if "of 3" in out:
                    break
            refused = "transient, connect, errno 111 Connection refused"
            self.assertEqual((status, out), (
                1, f"degraded: 2 of 3 hosts healthy; not healthy: down ({refused})\n"))
            self.assertEqual(harden("health", "--host", "up", "--max-age", "1h", env=env)[0], 0)
            self.assertEqual(harden("health", "--host", "down", "--max-age", "1h", env=env)[0], 2)
            table = harden("status", env=env)[1]
            self.assertRegex(table, r"(?m)^down +unhealthy +\d+ +0\.0 % .* tcp +127\.0\.0\.1:1$")
            self.assertRegex(table, r"(?m)^up +healthy +\d+ +100\.0 % ")
            self.assertIn(f"\nlast error: down: {refused}\n", table)
            self.assertLess(table.index("\ndown "), table.index("\nup "))
        finally:
            p.kill()
            p.communicate()

    def test_a_report_omits_secrets_in_the_target_of_a_check(self):
        env, _ = self.sick_and_well()
        env["HARDEN_CONFIG"] = bed.fresh_file(Config.FILE)
        status, page, err = harden("report", env=env)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("target = https://db.example.com", page)
        self.assertNotIn("secret", page)
        self.assertIn("secret", harden("config", env=env)[1])

    def test_health_is_one_line_and_an_exit_status(self):
        env, well = self.sick_and_well()
        self.assertEqual(harden("health", env=env),
                         (1, "degraded: 1 of 2 hosts healthy; not healthy: 127.0.0.1:1 "
                             f"({self.REFUSED})\n", ""))
        self.assertEqual(harden("health", "--host", well, env=env)[0], 0)
        status, out, _ = harden("health", "--host", "127.0.0.1:1", env=env)
        self.assertEqual(status, 2)
        self.assertRegex(out, r"^unhealthy: 127\.0\.0\.1:1, 3 failures in a row, for \d+ s; "
                              rf"last error: {self.REFUSED}\n$")
        self.assertEqual(harden("health", "--host", "unknown.example", env=env)[0], 3)
        harden("reset", well, env=env)
        self.assertEqual(harden("health", env=env)[0], 1)
        for arguments in (["--max-age", "soon"], ["--hots", "x"], ["extra"], ["--host"]):
            self.assertEqual(harden("health", *arguments, env=env)[0], 64, arguments)

    def test_an_old_board_is_called_stale(self):
        env, _ = self.sick_and_well(snapshot_interval="100ms")
        self.assertEqual(harden("health", "--max-age", "1h", env=env)[0], 1)
        time.sleep(0.6)
        status, out, _ = harden("health", env=env)
        self.assertEqual(status, 3)
        self.assertRegex(out, r"^stale: no program is attached, and the last one updated the board \d+ s ago\n$")
        self.assertIn("stale, no program is running", harden("status", env=env)[1])
        self.assertEqual(harden("health", "--max-age", "1h", env=env)[0], 1)

    def test_an_idle_program_is_not_stale(self):
        env = bed.hardened_environment(snapshot_interval="100ms")
        script = ("import socket, sys\n"
                  "for _ in range(5): socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
                  "print(flush=True); sys.stdin.read()\n")
        p = subprocess.Popen(["/usr/bin/python3", "-c", script, str(self.http.port)], env=env,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(p.communicate)
        p.stdout.readline()
        time.sleep(0.6)
        self.assertEqual(harden("health", env=env)[0], 0)
        self.assertRegex(harden("status", env=env)[1], r": 1 host; 1 program is attached\n")
        p.kill()
        p.wait()
        self.assertEqual(harden("health", env=env)[0], 3)
        self.assertIn("stale, no program is running", harden("status", env=env)[1])

    def test_without_a_board_there_is_no_data(self):
        env = environment(state=os.path.join(bed.fresh_dir(), "state"))
        self.assertEqual(harden("status", env=env)[:2], (1, ""))
        self.assertEqual(harden("health", env=env),
                         (3, "none: no program has used the library yet\n", ""))
        self.assertEqual(harden("reset", env=env)[0], 1)
        self.assertFalse(os.path.exists(env["HARDEN_STATE"]))
        env["HARDEN_STATE"] = "private"
        status, _, err = harden("status", env=env)
        self.assertEqual(status, 1)
        self.assertIn("private", err)

    def test_a_board_that_others_can_write_to_or_that_is_damaged_is_refused(self):
        env, _ = self.sick_and_well()
        os.chmod(env["HARDEN_STATE"], 0o755)
        self.assertEqual(harden("status", env=env)[0], 0)
        os.chmod(env["HARDEN_STATE"], 0o775)
        status, out, err = harden("status", env=env)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("not owned by this user, or others can write to it", err)
        os.chmod(env["HARDEN_STATE"], 0o700)
        with open(os.path.join(env["HARDEN_STATE"], bed.BOARD), "r+b") as f:
            f.truncate(1000)
        status, out, err = harden("status", env=env)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("from another version", err)

    def test_the_board_of_another_version_is_reported(self):
        env, _ = self.sick_and_well()
        board = os.path.join(env["HARDEN_STATE"], bed.BOARD)
        for name in ("board", "board.1"):
            os.rename(board, os.path.join(env["HARDEN_STATE"], name))
            for command in ("status", "reset"):
                status, out, err = harden(command, env=env)
                self.assertEqual((status, out), (1, ""))
                self.assertIn("only the board of another version", err)
            os.rename(os.path.join(env["HARDEN_STATE"], name), board)
        self.assertEqual(harden("status", env=env)[0], 0)

    def test_reset_clears_one_host_or_all(self):
        env, well = self.sick_and_well(rate="2/1h", on_limit="fail")
        self.assertNotEqual(harden("run", *CURL, "http://127.0.0.1:1/", env=env)[0], 0)
        status, out, err = harden("reset", "127.0.0.1:1", env=env)
        self.assertEqual((status, out, err),
                         (0, "cleared the limits, breaker and counters of 1 host\n", ""))
        table = harden("status", env=env)[1]
        self.assertRegex(table, r"(?m)^127\.0\.0\.1:1 +healthy +0 ")
        self.assertRegex(table, rf"(?m)^{well} +healthy +1 ")
        self.assertEqual(harden("reset", "no.example", env=env)[0], 1)
        self.assertEqual(harden("reset", env=env)[0], 0)
        self.assertRegex(harden("status", env=env)[1], rf"(?m)^{well} +healthy +0 ")
        # All tokens are available again.
        for _ in range(2):
            self.assertEqual(harden("run", *CURL, f"{self.http.url}/?key={bed.unique()}", env=env)[0], 0)

    def test_reset_restores_the_limit_of_a_port_by_each_of_its_names(self):
        curl = ["curl", "-sS", "--noproxy", "*"]
        for url, name in (("http://[::1]:1/", "[::1]:1"),
                          ("http://localhost:1/", "LOCALHOST:1")):
            env = environment(rate="1/1h", on_limit="fail", retry="off")
            harden("run", *curl, url, env=env)
            self.assertIn("0.0/1", harden("status", env=env)[1])
            self.assertEqual(harden("reset", name, env=env)[0], 0)
            self.assertIn("1.0/1", harden("status", env=env)[1], name)

    def test_watch_repeats_and_ends_when_its_reader_closes_the_pipe(self):
        env, _ = self.sick_and_well()
        p = bed.start([HARDEN, "status", "--watch"], env)
        seen = b""
        while seen.count(b"HOST ") < 2:
            seen += os.read(p.stdout.fileno(), 65536)
        p.stdout.close()
        self.assertIn(p.wait(timeout=10), (0, -signal.SIGPIPE))
        p.stderr.close()

    def test_the_counts_are_right_after_a_program_is_killed_under_load(self):
        env = environment(snapshot_interval="1h")
        key = bed.unique()
        loop = f"while :; do curl -sS -o {os.devnull} '{self.http.url}/?key={key}'; done"
        p = bed.start([HARDEN, "run", "sh", "-c", loop], env, start_new_session=True)
        time.sleep(1.5)
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        document = json.loads(harden("status", "--json", env=env)[1])
        requests = document["totals"]["requests"]
        self.assertGreater(requests, 3)
        self.assertLessEqual(abs(len(self.http.log(key)) - requests), 1)
        self.assertEqual(harden("health", env=env)[0], 0)


class Usage(unittest.TestCase):
    def test_help_and_version_everywhere(self):
        status, out, err = harden("--help")
        self.assertEqual((status, err), (0, ""))
        commands = re.findall(r"(?m)^  (\w+) ", out)
        self.assertLessEqual({"run", "config", "status", "health", "reset"}, set(commands))
        for command in commands:
            status, out, err = harden(command, "--help")
            self.assertEqual((status, err), (0, ""), command)
            self.assertTrue(out.startswith(f"usage: harden {command}"), out)
            self.assertIn("exit status:", out)
            for flag in ("--version", "-V"):
                self.assertRegex(harden(command, flag)[1], r"^harden \d+\.\d+\.\d+\n$")
            self.assertEqual(harden(command, "-h"), (0, out, ""))
            self.assertEqual(harden("help", command), (0, out, ""))
        self.assertEqual(harden("-V"), harden("--version"))
        self.assertEqual(harden("help"), harden("--help"))
        self.assertEqual(harden("-h"), harden("--help"))

    def test_flags_may_follow_the_arguments(self):
        file = bed.fresh_file(b"[harden]\nmode = observe\n")
        explained = harden("config", "--explain", "http://a.example/", file)
        self.assertEqual(explained[0], 0)
        self.assertEqual(harden("config", file, "--explain", "http://a.example/"), explained)
        self.assertEqual(harden("config", file, "--explain=http://a.example/"), explained)
        env = environment()
        harden("run", *CURL, "http://127.0.0.1:9/", env=env)
        self.assertIn("host --help is not on the board", harden("reset", "--", "--help", env=env)[2])

    def test_usage_errors_suggest_the_right_spelling(self):
        for arguments, words in (([], "usage:"), (["statsu"], "did you mean status?"),
                                 (["rep"], "did you mean report?"),
                                 (["frobnicate"], "unknown command frobnicate\n"),
                                 (["help", "statsu"], "did you mean status?"),
                                 (["help", "a", "b"], "one command"),
                                 (["--json", "status"], "flags of a command follow it"),
                                 (["status", "-json"], "did you mean --json?"),
                                 (["run", "-rate", "5/s", "true"], "did you mean --rate?"),
                                 (["status", "--ver"], "did you mean --version?"),
                                 (["status", "--jsno"], "did you mean --json?"),
                                 (["status", "--json", "--watch"], "either"),
                                 (["status", "--json=yes"], "takes no value"),
                                 (["reset", "a", "b"], "at most one host")):
            status, out, err = harden(*arguments)
            self.assertEqual((status, out), (64, ""), arguments)
            self.assertIn(words, err)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            p = subprocess.run([HARDEN, "config"], env=environment(), stdout=full, check=False,
                               stderr=subprocess.PIPE)
        self.assertEqual((p.returncode, p.stderr), (74, b"harden: the output could not be written\n"))


class Reference(unittest.TestCase):
    """docs/quick-reference.md names everything that exists, and nothing else."""

    def setUp(self):
        with open(bed.ROOT / "docs/quick-reference.md", encoding="utf-8") as f:
            text = f.read()
        self.parts = dict(re.findall(r"(?ms)^## (.*?)\n(.*?)(?=^## |\Z)", text))

    def test_its_keys_and_defaults_are_those_without_a_configuration(self):
        env = environment()
        del env["HARDEN_BASE_DELAY"], env["HARDEN_MAX_DELAY"], env["HARDEN_STATE"]
        sections = re.findall(r"(?ms)^(\[.*?\])\n(.*?)(?=^\[|\Z)", harden("config", env=env)[1])
        file = bed.fresh_file(b"[check x]\ntype = http\ntarget = http://localhost\n")
        sections += re.findall(r"(?ms)^(\[check x\])\n(.*)", harden("config", file, env=env)[1])
        for (_, values), part, least in zip(sections, ("[harden]", "[host PATTERN]", "[check NAME]"),
                                            (10, 20, 4), strict=True):
            real = dict(re.findall(r"(?m)^(\w+) = (.*?) *; default$", values))
            rows = dict(re.findall(r"(?m)^\| `(\w+)` \| `(.*?)` \|", self.parts[part]))
            self.assertEqual(rows, real)
            self.assertGreater(len(real), least)

    def test_its_commands_and_exit_statuses_are_those_of_the_help(self):
        rows = re.findall(r"(?m)^\| `harden (\w+)(.*?)` \| .*? \| (.*) \|$",
                          self.parts["The command"])
        commands = re.findall(r"(?m)^  (\w+) ", harden("--help")[1])
        self.assertEqual({name for name, _, _ in rows}, set(commands))
        for name, arguments, statuses in rows:
            text = harden(name, "--help")[1]
            documented = text.split("exit status:")[1]
            self.assertEqual(set(re.findall(r"\b\d+\b", statuses)), set(re.findall(r"\b\d+\b", documented)),
                             name)
            for flag in re.findall(r"--[a-z-]+", arguments):
                self.assertIn(flag, text, name)

    def test_no_page_has_a_dead_link(self):
        pages = [*bed.ROOT.glob("*.md"), *bed.ROOT.glob("docs/*.md"), *bed.ROOT.glob("conf/*/*.md")]
        self.assertGreater(len(pages), 6)
        for page in pages:
            for link in re.findall(r"\]\(([^):#]+)[^)]*\)", page.read_text(encoding="utf-8")):
                self.assertTrue(link in ("https", "mailto") or (page.parent / link).exists(),
                                f"{page.name}: {link}")
