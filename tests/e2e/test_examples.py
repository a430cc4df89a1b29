# SPDX-License-Identifier: MIT
"""The files of conf/examples work: each is used as it is, with the paths of this build."""
import configparser
import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import time
import unittest

import yaml

import bed

EXAMPLES = bed.ROOT / "conf/examples"
HARDEN = bed.LIBRARY.parent / "harden"


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

    def test_the_probe_of_the_pod_distinguishes_healthy_unhealthy_and_stale(self):
        pod = yaml.safe_load(here(example("kubernetes-probe.yaml")))["containers"][0]
        variables = {v["name"]: v["value"] for v in pod["env"]}
        command = pod["readinessProbe"]["exec"]["command"]
        reader = bed.environment(self.path | {"HARDEN_STATE": self.state, "HARDEN_CONFIG": "none"})
        self.assertEqual(bed.run(command, reader).status, 3)
        self.recovers(variables | {"HARDEN_STATE": self.state})
        self.assertEqual(bed.run(command, reader).status, 0)
        sick = bed.environment(bed.QUICK | variables | {"HARDEN_STATE": self.state})
        bed.run(["curl", "-sS", "http://127.0.0.1:1/"], sick)
        self.assertEqual(bed.run(command, reader).status, 1)

    def test_the_configuration_for_node_exporter_is_valid(self):
        out = bed.run([HARDEN, "config", EXAMPLES / "node_exporter.ini"], bed.environment())
        self.assertEqual((out.status, out.err), (0, b""))
        self.assertRegex(out.text, r"(?m)^metrics = /var/lib/prometheus/node-exporter/harden\.prom ")


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
        for mode in ("enforce", "observe"):
            bed.run(["curl", "-sS", "-o", os.devnull, f"{cls.http.url}/?key={bed.unique()}"],
                    bed.hardened_environment(cls.state, mode=mode, rate="60/1m"))
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


class Completeness(unittest.TestCase):
    def test_no_example_is_without_a_test(self):
        with open(__file__, encoding="utf-8") as f:
            source = f.read()
        for path in EXAMPLES.iterdir():
            self.assertIn(f'"{path.name}"', source)
