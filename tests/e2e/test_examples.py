# SPDX-License-Identifier: MIT
"""The files of conf/examples work: each is used as it is, with the paths of this build."""
import configparser
import grp
import gzip
import json
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import yaml

import bed

EXAMPLES = bed.ROOT / "conf/examples"
HARDEN = bed.LIBRARY.parent / "harden"
TEXTFILES = "/var/lib/prometheus/node-exporter"


def example(name):
    return (EXAMPLES / name).read_text(encoding="utf-8")


def here(text):
    """Replaces the paths of an installation by those of this build."""
    return text.replace("/usr/local/lib/libharden.so", str(bed.LIBRARY))


def covered(state):
    with open(state + "/health.json", encoding="utf-8") as f:
        return json.load(f)["coverage"]["transfers_easy"]


class Examples(bed.Bed):
    def setUp(self):
        self.failing = f"{self.http.url}/?key={bed.unique()}&fail=2"
        self.state = bed.fresh_dir("state")
        self.bin = bed.fresh_dir("bin")
        os.symlink(HARDEN, self.bin + "/harden")
        self.path = {"PATH": f"{self.bin}:{os.environ['PATH']}"}

    def recovers(self, env):
        env = bed.environment(bed.QUICK | env)
        o = bed.run(["curl", "-fsS", "-o", os.devnull, self.failing], env)
        self.assertEqual((o.status, o.err), (0, b""))
        self.assertEqual(covered(env["HARDEN_STATE"]), 1)

    def test_the_drop_in_is_valid_and_takes_effect(self):
        units = bed.fresh_dir("units")
        with open(units + "/agent.service", "w", encoding="ascii") as f:
            f.write("[Service]\nExecStart=/bin/true\n")
        os.mkdir(units + "/agent.service.d")
        shutil.copy(EXAMPLES / "systemd-drop-in.conf", units + "/agent.service.d/harden.conf")
        done = subprocess.run(["systemd-analyze", "--man=no", "verify", units + "/agent.service"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        variables = {}
        for line in re.findall(r"(?m)^Environment=(.*)$", example("systemd-drop-in.conf")):
            variables |= dict(word.split("=", 1) for word in shlex.split(line))
        self.assertEqual(variables["HARDEN_STATE"], "/run/%N-harden")
        self.assertEqual(variables["LD_PRELOAD"], "libharden.so")
        self.recovers(variables | {"HARDEN_STATE": self.state, "LD_PRELOAD": str(bed.LIBRARY)})

    def test_the_job_of_cron_survives_two_failures(self):
        line = re.search(r"(?m)^\*/5 \* \* \* \* (\S+) (.*)$", example("crontab"))
        self.assertEqual(line[1], "sync")
        target = os.path.join(bed.fresh_dir(), "data.json")
        command = line[2].replace("/var/lib/sync/data.json", target)
        command = command.replace("https://api.example.com/v1/data", f"'{self.failing}'")
        self.assertIn(target, command)
        self.assertIn(self.failing, command)
        env = bed.environment(bed.QUICK | self.path | {"HARDEN_STATE": self.state})
        o = bed.run(["sh", "-c", command], env)  # as cron runs it
        self.assertEqual((o.status, o.out, o.err), (0, b"", b""))
        self.assertEqual(os.path.getsize(target) > 0, True)
        self.assertEqual(covered(self.state), 1)

    def test_the_dockerfile_preloads_the_library_and_checks_health(self):
        text = here(example("Dockerfile"))
        variables = dict(re.findall(r"(?m)^ENV (\w+)=(\S+)$", text))
        self.assertEqual(set(variables), {"LD_PRELOAD", "HARDEN_STATE"})
        self.recovers(variables | {"HARDEN_STATE": self.state})
        probe = json.loads(re.search(r"(?m)^HEALTHCHECK .* CMD (\[.*\])$", text)[1])
        env = bed.environment(self.path | {"HARDEN_STATE": self.state, "HARDEN_CONFIG": "none"})
        self.assertEqual(bed.run(probe, env).status, 0)

    def test_the_configuration_for_node_exporter_is_valid(self):
        out = bed.run([HARDEN, "config", EXAMPLES / "node_exporter.ini"], bed.environment())
        self.assertEqual((out.status, out.err), (0, b""))
        self.assertRegex(out.text, rf"(?m)^metrics = {TEXTFILES}/harden-%u\.prom ")


@unittest.skipIf(os.getuid(), "needs the right to become another user")
class OtherUsers(bed.Bed):
    """Programs and exporters that run as users of their own, with what Debian's packages create."""
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="harden-e2e-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.base)
        os.chmod(self.base, 0o755)
        self.library = shutil.copy(bed.LIBRARY, self.base)

    def directory(self, name, user="root", group="root", mode=0o755):
        path = os.path.join(self.base, name)
        os.mkdir(path)
        shutil.chown(path, user, group)
        os.chmod(path, mode)
        return path

    def environment(self, **variables):
        return bed.environment({"LD_PRELOAD": self.library, "HOME": "/root", **bed.QUICK, **variables})

    def get(self, user, textfiles, umask=0o077):
        """Runs curl as a user of the group www-data, with the example for the directory."""
        config = os.path.join(self.base, "harden.ini")
        with open(config, "w", encoding="ascii") as f:
            f.write(example("node_exporter.ini").replace(TEXTFILES, textfiles))
        state = os.path.join(self.base, bed.unique("state"))
        os.mkdir(state)
        shutil.chown(state, user)
        env = self.environment(HARDEN_CONFIG=config, HARDEN_STATE=state)
        o = bed.run(["curl", "-fsS", "-o", os.devnull, self.url(bed.unique())], env, user=user,
                    group="www-data", extra_groups=[], umask=umask)
        self.assertEqual(o.status, 0)
        return o.err.decode()

    def served(self, textfiles):
        """What the exporter, as its own user, serves of the directory."""
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        account = pwd.getpwnam("prometheus")
        exporter = subprocess.Popen(
            ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}",
             "--collector.disable-defaults", "--collector.textfile",
             f"--collector.textfile.directory={textfiles}"], user=account.pw_uid,
            group=account.pw_gid, extra_groups=[], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as r:
                        return r.read().decode()
                except OSError:
                    time.sleep(0.05)
            return self.fail("node_exporter does not answer")
        finally:
            exporter.terminate()
            exporter.wait()

    def test_node_exporter_as_its_own_user_serves_what_another_user_writes(self):
        override = re.search(rf"--add (\S+) (\S+) (\d+) {TEXTFILES}$", example("node_exporter.ini"),
                             re.MULTILINE)
        textfiles = self.directory("textfiles", override[1], override[2], int(override[3], 8))
        self.assertEqual(self.get("www-data", textfiles), "")
        served = self.served(textfiles)
        self.assertIn("node_textfile_scrape_error 0", served)
        self.assertRegex(served, r"(?m)^harden_requests_total\{.*\} 1$")
        name = f"harden-{pwd.getpwnam('www-data').pw_uid}.prom"
        with open(f"{textfiles}/{name}", encoding="utf-8") as f:
            before = f.read()
        for user in ("nobody", "root"):
            self.assertEqual(self.get(user, textfiles), "")
        self.assertEqual(len(os.listdir(textfiles)), 3)
        with open(f"{textfiles}/{name}", encoding="utf-8") as f:
            self.assertEqual(f.read(), before)
        served = self.served(textfiles)
        self.assertIn("node_textfile_scrape_error 0", served)
        users = re.findall(r'(?m)^harden_requests_total\{.*\buser="(\d+)".*\} 1$', served)
        self.assertEqual(sorted(users), ["0", "33", "65534"], "each user's own figures")

    def test_in_debians_own_directory_only_root_can_write_and_others_are_told(self):
        if os.path.exists(TEXTFILES):  # unless its administrator has changed that
            st = os.stat(TEXTFILES)
            if not os.path.exists("/var/lib/dpkg/statoverride") or not os.path.getsize(
                    "/var/lib/dpkg/statoverride"):
                self.assertEqual((st.st_uid, st.st_gid, st.st_mode & 0o7777), (0, 0, 0o755))
        textfiles = self.directory("textfiles")
        self.assertEqual(self.get("root", textfiles), "")
        self.assertIn("node_textfile_scrape_error 0", self.served(textfiles))
        self.assertEqual(os.listdir(textfiles), ["harden-0.prom"])
        error = self.get("www-data", textfiles)
        self.assertRegex(error, r"\Aharden: error: \S+/harden-33\.prom: cannot be written: its "
                         r"directory is owned by user 0, with mode 0755; let user 33 create .*\n\Z")


class Kubernetes(bed.Bed):
    USER = 10001

    def setUp(self):
        text = here(example("kubernetes.yaml"))
        self.deployment, self.map = yaml.safe_load_all(text)
        self.pod = self.deployment["spec"]["template"]["spec"]
        # As the kubelet makes it: writable for the group, with the bit that directories inherit.
        self.volume = tempfile.mkdtemp(prefix="harden-e2e-", dir=bed.base_dir())
        self.addCleanup(shutil.rmtree, self.volume)
        os.chmod(self.volume, 0o2777)
        self.bin = self.volume + "/bin"
        os.mkdir(self.bin, 0o755)
        for name in ("harden", "libharden.so"):
            shutil.copy(bed.LIBRARY.parent / name, self.bin)

    def env(self, container, **extra):
        variables = {v["name"]: v["value"] for v in container["env"]}
        mount = container["volumeMounts"][0]["mountPath"]
        self.assertTrue(variables["HARDEN_STATE"].startswith(mount + "/"))
        return bed.environment(bed.QUICK | variables | {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "LD_PRELOAD": self.bin + "/libharden.so",
            "HARDEN_STATE": variables["HARDEN_STATE"].replace(mount, self.volume)} | extra)

    def run_in(self, container, command, **extra):
        who = {"user": self.USER, "group": self.USER, "extra_groups": []} if os.geteuid() == 0 else {}
        return bed.run(command, self.env(container, **extra), **who)

    def test_the_containers_of_the_pod_share_one_board(self):
        self.assertEqual(self.pod["securityContext"]["runAsUser"], self.USER)
        for c in self.pod["containers"]:
            self.assertNotIn("runAsUser", c["securityContext"])
            self.assertTrue(c["securityContext"]["readOnlyRootFilesystem"])
            key = bed.unique()
            o = self.run_in(c, ["curl", "-fsS", "-o", "/dev/null", f"{self.http.url}/?key={key}&fail=1"],
                            HARDEN_RATE="100/1s")
            self.assertEqual((o.status, o.err), (0, b""), "a private board is an error in the log")
        o = self.run_in(c, ["harden", "status", "--json"], LD_PRELOAD="")
        (host,) = json.loads(o.text)["checks"].values()
        self.assertEqual(host["requests"], 2)
        self.assertEqual(sorted(os.listdir(self.volume)), ["bin", "state"])

    def test_only_a_pod_whose_hosts_are_all_unhealthy_is_not_ready(self):
        c = self.pod["containers"][0]
        probe = c["readinessProbe"]["exec"]["command"]

        def ready():
            return self.run_in(c, probe, LD_PRELOAD="").status == 0
        self.assertTrue(ready(), "nothing is known yet")
        for _ in range(10):
            self.run_in(c, ["curl", "-sS", "http://127.0.0.1:1/"], HARDEN_MAX_ATTEMPTS="1")
        self.assertFalse(ready(), "all are unhealthy")
        self.run_in(c, ["curl", "-sS", f"{self.http.url}/?key={bed.unique()}"])
        self.assertTrue(ready(), "one of two is healthy")

    def test_no_state_of_a_remote_host_restarts_a_pod(self):
        for c in self.pod["containers"]:
            for probe in ("livenessProbe", "startupProbe"):
                self.assertNotIn("harden", json.dumps(c.get(probe, {})))

    def test_the_configuration_of_the_pod_is_valid(self):
        path = bed.fresh_file(self.map["data"]["harden.ini"].encode())
        out = bed.run([HARDEN, "config", path], bed.environment())
        self.assertEqual((out.status, out.err), (0, b""))


class Rotation(bed.Bed):
    def setUp(self):
        self.require("logrotate")
        self.dir = bed.fresh_dir("log")
        text = example("logrotate").replace("/var/log/harden", self.dir)
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        self.rules = bed.fresh_file(text.replace("su sync sync", f"su {user} {group}").encode())
        os.chmod(self.rules, 0o644)

    def rotate(self, *flags):
        o = bed.run(["logrotate", "-s", self.dir + "/state", *flags, self.rules], bed.environment())
        self.assertEqual(o.status, 0, o.err)
        return o

    def lines(self, name):
        with open(f"{self.dir}/{name}", encoding="utf-8") as f:
            return f.read().splitlines()

    def test_a_running_program_goes_on_writing_into_the_new_files(self):
        env = bed.hardened_environment(events=self.dir + "/events.jsonl", log="info",
                                       log_to=self.dir + "/harden.log", **bed.PATIENT)
        script = ("import pycurl, sys\nc = pycurl.Curl()\nc.setopt(c.WRITEFUNCTION, lambda b: None)\n"
                  "for url in sys.stdin:\n    c.setopt(c.URL, url.strip()); c.perform()\n"
                  "    print('done', flush=True)\n")
        program = bed.start([sys.executable, "-c", script], env, stdin=subprocess.PIPE)

        def fail_once():
            program.stdin.write(f"{self.http.url}/?key={bed.unique()}&fail=1\n".encode())
            program.stdin.flush()
            self.assertEqual(program.stdout.readline(), b"done\n")
        try:
            fail_once()
            before = {name: self.lines(name) for name in ("events.jsonl", "harden.log")}
            self.rotate("-d")
            self.assertEqual(self.lines("events.jsonl"), before["events.jsonl"])
            self.rotate("-f")
            for name, lines in before.items():
                self.assertEqual(self.lines(name + ".1"), lines)
                self.assertFalse(os.path.exists(f"{self.dir}/{name}"))
            fail_once()
            for name, lines in before.items():
                self.assertEqual(self.lines(name + ".1"), lines, "the old file is complete")
                self.assertGreater(len(self.lines(name)), 0)
            self.rotate("-f")
            with gzip.open(self.dir + "/events.jsonl.2.gz", "rt", encoding="utf-8") as f:
                self.assertEqual(f.read().splitlines(), before["events.jsonl"])
        finally:
            program.kill()
            program.communicate()


class AppArmor(bed.Bed):
    def test_the_rules_are_valid(self):
        self.require("apparmor_parser")
        profile = bed.fresh_file(f"""abi <abi/3.0>,
include <tunables/global>
profile harden_test /usr/bin/agent {{
  include <abstractions/base>
  include "{EXAMPLES}/apparmor"
}}
""".encode())
        o = bed.run(["apparmor_parser", "-Q", "-K", "-T", profile], bed.environment())
        self.assertEqual(o.status, 0, o.err)
        self.assertNotIn(b"rror", o.err)  # it may note that this kernel has no AppArmor

    @staticmethod
    def regex(rule):
        """The rule's path; only with what the example uses."""
        for name, value in (("PROC", "/proc"), ("HOME", "/home/u"), ("run", "/run"),
                            ("multiarch", "*-linux-*"), ("pid", "[0-9]*"), ("tid", "[0-9]*")):
            rule = rule.replace(f"@{{{name}}}", value)
        marks = {"**": ".*", "*": "[^/]*", "{": "(?:", "}": ")", ",": "|", "[0-9]*": "[0-9][^/]*"}
        return "".join(marks.get(part) or re.escape(part)
                       for part in re.findall(r"\[0-9\]\*|\*\*|.", rule))

    def test_the_rules_contain_every_file_that_the_library_uses(self):
        self.require("strace")
        rules = re.findall(r"(?m)^  (?:owner )?(/\S+|@\S+) [rwkm]+,$", example("apparmor"))
        allowed = re.compile("|".join(f"(?:{self.regex(r)})" for r in rules))
        state, home = bed.fresh_dir("state"), bed.fresh_dir("home")
        bare = self.opened(bed.environment({"HOME": home}))
        more = self.opened(bed.hardened_environment(state, config=None, snapshot_interval="100ms") |
                           {"HOME": home}) - bare
        self.assertGreater(len(more), 6)
        for path in sorted(p for p in more if not state.startswith(p + "/")):
            path += "/" * (os.path.isdir(path) and path[-1] != "/")  # as the kernel matches directories
            path = path.replace(str(bed.LIBRARY), "/usr/lib/libharden.so").replace(home, "/home/u")
            path = path.replace(state, "/dev/shm/harden-1000").replace("thread-self", "1/task/1")
            path = path.replace("/proc/self", "/proc/1")
            self.assertTrue(allowed.fullmatch(path), path)

    def opened(self, env):
        trace = os.path.join(bed.fresh_dir("trace"), "t")
        preload = [f"-ELD_PRELOAD={env.pop('LD_PRELOAD')}"] if "LD_PRELOAD" in env else []
        o = bed.run(["strace", "-s", "4096", "-o", trace, "-e", "trace=%file", *preload, "curl", "-sS", "-Z",
                     "-o", os.devnull, f"{self.http.url}/?key={bed.unique()}&size=1"], env)
        self.assertEqual(o.status, 0, o.err)
        with open(trace, encoding="utf-8") as f:
            return {path for line in f if "ENOENT" not in line or "/proc" in line
                    for path in re.findall(r'"(/[^"]*)"', line)} - {"/"}


class Fpm(bed.Bed):
    SCRIPT = b"<?php $c = curl_init($_GET['url']); curl_setopt($c, CURLOPT_RETURNTRANSFER, true);\n" \
             b"curl_exec($c); echo curl_getinfo($c, CURLINFO_RESPONSE_CODE);\n"

    def setUp(self):
        self.dir = bed.fresh_dir("fpm")
        self.script = f"{self.dir}/get.php"
        with open(self.script, "wb") as f:
            f.write(self.SCRIPT)
        user = pwd.getpwuid(os.geteuid()).pw_name
        pool = configparser.ConfigParser(interpolation=None, comment_prefixes=("#", ";"))
        pool.read_string(example("php-fpm.conf"))
        values = dict(pool["www"]) | {"user": user, "listen": f"{self.dir}/socket"}
        del values["group"]
        with open(f"{self.dir}/fpm.conf", "w", encoding="ascii") as f:
            f.write(f"[global]\nerror_log = {self.dir}/log\ndaemonize = no\n[www]\n" +
                    "".join(f"{k} = {v}\n" for k, v in values.items()))

    def ask(self, env):
        """Returns the answer of a fresh master to a request for a page that fails twice."""
        version = bed.run(["php", "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"],
                          bed.environment()).text
        master = bed.start([f"php-fpm{version}", "-R", "-y", f"{self.dir}/fpm.conf"], env)
        try:
            for _ in range(200):
                if os.path.exists(f"{self.dir}/socket"):
                    break
                time.sleep(0.05)
            url = f"{self.http.url}/?key={bed.unique()}%26fail=2"
            o = bed.run(["cgi-fcgi", "-bind", "-connect", f"{self.dir}/socket"], bed.environment({
                "SCRIPT_FILENAME": self.script, "REQUEST_METHOD": "GET",
                "QUERY_STRING": "url=" + url}))
            for _ in range(200):  # a worker that gets SIGTERM writes no last snapshot
                if "HARDEN_STATE" not in env or covered(env["HARDEN_STATE"]):
                    break
                time.sleep(0.05)
            return o.out.split(b"\r\n\r\n")[-1]
        finally:
            master.terminate()
            master.communicate()
            if os.path.exists(f"{self.dir}/socket"):
                os.unlink(f"{self.dir}/socket")

    def test_a_pool_recovers_from_failures(self):
        self.assertEqual(self.ask(bed.environment()), b"503")
        env = bed.hardened_environment(snapshot_interval="100ms")
        self.assertEqual(self.ask(env), b"200")
        self.assertEqual(covered(env["HARDEN_STATE"]), 1)


class Prometheus(bed.Bed):
    """The rules and the dashboard use what metrics.prom has."""
    SELECTOR = r'(\w+)\s*(?:=~|!~|!=|=)\s*"(?:\\.|[^"\\])*"'
    FROM_SCRAPE = {"instance", "job"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.state = bed.fresh_dir("state")
        # Two throttles with more than a second between them: an adaptive rate.
        for mode in ("enforce", "observe"):
            sinks = [word for query in ("fail=1&how=429", "delay_ms=1100", "fail=1&how=429")
                     for word in ("-o", os.devnull, f"{cls.http.url}/?key={bed.unique()}&{query}")]
            bed.run(["curl", "-sS", *sinks],
                    bed.hardened_environment(cls.state, mode=mode, rate="60/1m", slo="99.5%",
                                             fallback="127.0.0.2", adaptive="on", retry="off",
                                             concurrency="8"))
        cls.labels = {}  # of each metric
        with open(cls.state + "/metrics.prom", encoding="utf-8") as f:
            for name, labels in re.findall(r"(?m)^(harden_\w+)\{(.*)\}", f.read()):
                cls.labels.setdefault(name, set(cls.FROM_SCRAPE)).update(
                    name for name in re.findall(cls.SELECTOR, labels))

    def check(self, expression, recorded=()):
        """Finds each metric of an expression, and each label in a selector or an aggregation."""
        metrics = re.findall(r"\bharden_\w+", expression)
        self.assertTrue(metrics or any(name in expression for name in recorded), expression)
        for metric in metrics:
            self.assertIn(metric, self.labels, expression)
        for metric, selector in re.findall(r"(harden_\w+)\{([^}]*)\}", expression):
            for label in re.findall(self.SELECTOR, selector):
                self.assertIn(label, self.labels[metric], expression)
        known = set().union(*(self.labels[metric] for metric in metrics))
        for labels in re.findall(r"\b(?:by|without|on)\s*\(([\w, ]*)\)", expression):
            self.assertLessEqual(set(re.findall(r"\w+", labels)), known, expression)
        return known

    def test_promtool_runs_the_tests_of_the_rules(self):
        for command in (["check", "rules", EXAMPLES / "prometheus-rules.yaml"],
                        ["test", "rules", bed.ROOT / "tests/support/prometheus_rules.yaml"]):
            done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_rules_use_metrics_and_labels_that_exist(self):
        groups = yaml.safe_load(example("prometheus-rules.yaml"))["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        recorded = {rule["record"] for rule in rules if "record" in rule}
        for rule in rules:
            known = self.check(rule["expr"], recorded)
            self.assertLessEqual(set(re.findall(r"harden:\w+:\w+", rule["expr"])), recorded)
            if "alert" in rule and known:
                used = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
                self.assertLessEqual(set(used), known, rule["alert"])

    def test_each_alert_fires_in_a_test_and_is_silent_in_another(self):
        groups = yaml.safe_load(example("prometheus-rules.yaml"))["groups"]
        alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
        text = (bed.ROOT / "tests/support/prometheus_rules.yaml").read_text(encoding="utf-8")
        tests = [t for test in yaml.safe_load(text)["tests"] for t in test.get("alert_rule_test", [])]
        for fires in (True, False):
            self.assertEqual({t["alertname"] for t in tests if bool(t.get("exp_alerts")) == fires},
                             alerts)

    def dashboard(self):
        return json.loads(example("grafana-dashboard.json"))

    def test_each_panel_has_a_title_a_unit_and_a_place_of_its_own(self):
        taken = {}
        for panel in self.dashboard()["panels"]:
            self.assertTrue(panel["title"] and panel["description"] and panel["targets"], panel)
            self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], panel["title"])
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken[x, y] = panel["title"]
        for key in ("id", "title"):
            values = [panel[key] for panel in self.dashboard()["panels"]]
            self.assertEqual(len(values), len(set(values)), key)

    def test_the_dashboard_uses_every_metric_and_labels_that_exist(self):
        dashboard, expressions = self.dashboard(), []
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                known = self.check(target["expr"])
                expressions.append(target["expr"])
                self.assertLessEqual(set(re.findall(r"{{(\w+)}}", target["legendFormat"])), known)
        variables = {v["name"]: v for v in dashboard["templating"]["list"]}
        for name, v in variables.items():
            if v["type"] == "query":
                self.check(v["definition"])
                metric, label = re.fullmatch(r"label_values\((\w+).*, (\w+)\)", v["definition"]).groups()
                self.assertEqual((label, v["query"]["query"]), (name, v["definition"]))
                self.assertIn(label, self.labels[metric])
        text = example("grafana-dashboard.json")
        used = set(re.findall(r"\$(?!__)\{?(\w+)", text))
        self.assertEqual(used, set(variables))
        families = {re.sub("_(bucket|sum|count)$", "", name) for name in self.labels}
        shown = {re.sub("_bucket$", "", name) for name in re.findall(r"harden_\w+", text)}
        self.assertEqual(shown, families)
        rules = [{"record": f"panel:{i}", "expr": self.plain(e)} for i, e in enumerate(expressions)]
        file = bed.fresh_file(json.dumps({"groups": [{"name": "panels", "rules": rules}]}).encode())
        done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @staticmethod
    def plain(expression):
        return re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "5m"))


@unittest.skipIf(os.getuid(), "needs the right to become another user and to mount")
class StockFpm(bed.Bed):
    """php-fpm with the pool of the Debian package: the master is root, the workers are www-data."""
    OWN_MEMORY = "mount -t tmpfs -o mode=1777 shm /dev/shm && exec \"$@\""
    LIMIT = {"HARDEN_RATE": "2/1h", "HARDEN_ON_LIMIT": "fail"}

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="harden-e2e-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.base)
        os.chmod(self.base, 0o755)
        self.library, self.log = shutil.copy(bed.LIBRARY, self.base), f"{self.base}/log/harden"
        os.mkdir(f"{self.base}/log")
        shutil.chown(f"{self.base}/log", "www-data")
        with open(f"{self.base}/get.php", "wb") as f:
            f.write(Fpm.SCRIPT)
        self.version = bed.run(["php", "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"],
                               bed.environment()).text
        stock, own = (configparser.ConfigParser(interpolation=None, comment_prefixes=("#", ";"),
                                                delimiters=("=",)) for _ in range(2))
        stock.read(f"/etc/php/{self.version}/fpm/pool.d/www.conf")
        own.read_string(example("php-fpm.conf"))
        pool = dict(stock["www"]) | dict(own["www"]) | {"listen": f"{self.base}/socket"}
        self.assertEqual((pool["user"], pool["group"]), ("www-data", "www-data"))
        with open(f"{self.base}/fpm.conf", "w", encoding="ascii") as f:
            f.write(f"[global]\nerror_log = {self.base}/fpm.log\ndaemonize = no\n[www]\n" +
                    "".join(f"{k} = {v}\n" for k, v in pool.items()))

    def variables(self, name):
        found = {}
        for line in re.findall(r"(?m)^Environment=(.*)$", example(name)):
            found |= dict(word.split("=", 1) for word in shlex.split(line))
        return found | {"LD_PRELOAD": self.library, "HARDEN_LOG_TO": self.log}

    def ask(self):
        url = f"{self.http.url}/?key={bed.unique()}"
        return bed.run(["cgi-fcgi", "-bind", "-connect", f"{self.base}/socket"], bed.environment({
            "SCRIPT_FILENAME": f"{self.base}/get.php", "REQUEST_METHOD": "GET",
            "QUERY_STRING": f"url={url}"})).out.split(b"\r\n\r\n")[-1]

    def answers(self, env):
        """Returns eight answers, and the owner of the board that the workers share."""
        env = bed.environment({**bed.QUICK, **self.LIMIT, "HOME": "/root", **env})
        env.pop("XDG_RUNTIME_DIR", None)  # a service has none
        around = ["unshare", "-m", "--propagation", "private", "sh", "-c", self.OWN_MEMORY, "sh"]
        if bed.run([*around, "true"], bed.environment()).status:
            self.skipTest("not run: nothing can be mounted here")
        master = bed.start([*around, f"php-fpm{self.version}", "-y", f"{self.base}/fpm.conf"], env)
        try:
            for _ in range(200):
                if os.path.exists(f"{self.base}/socket"):
                    break
                time.sleep(0.05)
            got = [self.ask() for _ in range(8)]
            memory = f"/proc/{master.pid}/root/dev/shm"
            boards = {name: os.stat(f"{memory}/{name}/{bed.BOARD}").st_uid
                      for name in os.listdir(memory) if name.startswith("harden")}
            return got, boards
        finally:
            master.terminate()
            master.communicate()

    def logged(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as f:
            return [line.split("harden: ", 1)[1] for line in f]

    def test_the_workers_share_the_limits_without_a_setting(self):
        got, boards = self.answers(self.variables("php-fpm-drop-in.conf"))
        self.assertEqual(got, [b"200"] * 2 + [b"0"] * 6)
        self.assertEqual(boards, {"harden-33": 33})
        self.assertEqual([line for line in self.logged() if line.startswith("error")], [])

    def test_the_workers_share_the_limits_although_the_services_directory_is_roots(self):
        run = f"{self.base}/php-fpm-harden"  # as RuntimeDirectory= makes it
        for mode in (0o700, 0o755):
            os.mkdir(run, mode)
            variables = self.variables("systemd-drop-in.conf") | {"HARDEN_STATE": run}
            got, boards = self.answers(variables)
            self.assertEqual(got, [b"200"] * 2 + [b"0"] * 6)
            self.assertEqual(boards, {"harden-33": 33})
            errors = [line for line in self.logged() if line.startswith("error")]
            self.assertEqual(set(errors), {
                f"error: {run}: owned by another user; set state = to a directory of user 33, or "
                "leave it out. The board is in /dev/shm/harden-33\n"})
            self.assertLessEqual(len(errors), 4, "once in each worker")
            self.assertEqual(os.listdir(run), [])
            os.rmdir(run)
            os.unlink(self.log)


class Completeness(unittest.TestCase):
    def test_no_example_is_without_a_test(self):
        with open(__file__, encoding="utf-8") as f:
            source = f.read()
        for path in EXAMPLES.iterdir():
            self.assertIn(f'"{path.name}"', source)
