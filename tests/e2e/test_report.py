# SPDX-License-Identifier: MIT
"""`harden report`: the page is correct, accessible and self-contained."""
import html.parser
import json
import os
import pty
import random
import re
import subprocess
import unittest

import bed
import browser
from test_checks import PYTHON, STAY, until
from test_command import CURL, HARDEN, environment, harden

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
# Read when the board is opened: a shorter file is refused.
HEADER_BYTES = 64
ALONE_IN_SVG = {"path", "line", "rect", "circle"}


def fill_board(kind, *names):
    """Returns the environment of a board with a history: tests/support/fill_board.c."""
    source, engine = bed.ROOT / "tests/support/fill_board.c", bed.LIBRARY.parent / "libengine.a"
    program = os.path.join(bed.scratch(), "fill_board")
    if not os.path.exists(program):
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-Wall", "-Wextra",
                        "-D_GNU_SOURCE", f"-I{bed.ROOT}/src", "-o", program, source, engine,
                        "-lpthread"], check=True)
    env = environment()
    subprocess.run([program, env["HARDEN_STATE"], kind, *names], check=True)
    return env


class Node:
    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.parts = tag, attributes, []

    def all(self, tag=None, **wanted):
        """Returns the elements below, in order; class_ stands for class."""
        for part in self.parts:
            if isinstance(part, Node):
                if tag in (None, part.tag) and all(
                        part.attributes.get(k.rstrip("_").replace("_", "-")) == v
                        for k, v in wanted.items()):
                    yield part
                yield from part.all(tag, **wanted)

    def one(self, tag=None, **wanted):
        found = list(self.all(tag, **wanted))
        if len(found) != 1:
            raise AssertionError(f"{len(found)} of {tag} {wanted}")
        return found[0]

    @property
    def text(self):
        return "".join(p.text if isinstance(p, Node) else p for p in self.parts)

    def rows(self):
        return [[cell for cell in row.parts if isinstance(cell, Node)]
                for body in self.all("tbody") for row in body.all("tr")]


class Page(html.parser.HTMLParser):
    """A tree of the page; anything that is not well-formed is an error."""

    def __init__(self, text):
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]
        self.feed(text)
        self.close()
        if len(self.open) != 1:
            raise AssertionError(f"not closed: {[n.tag for n in self.open]}")

    def handle_starttag(self, tag, attrs):
        if len(dict(attrs)) != len(attrs):
            raise AssertionError(f"duplicate attribute: {tag} {attrs}")
        node = Node(tag, dict(attrs))
        self.open[-1].parts.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        if tag not in ALONE_IN_SVG:
            raise AssertionError(f"<{tag}/> is not a void element")
        self.open[-1].parts.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag):
        if self.open[-1].tag != tag:
            raise AssertionError(f"</{tag}> within <{self.open[-1].tag}>")
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].parts.append(data)


def report(env):
    status, out, err = harden("report", env=env)
    if (status, err) != (0, ""):
        raise AssertionError((status, err))
    return out


def page_of(env):
    return Page(report(env)).root


def number(cell):
    return float(cell.one("data").attributes["value"])


class Facts(bed.Bed):
    def used_board(self):
        """Two good hosts, one of which failed at first, and one that is down."""
        env = environment(rate="100/1h")
        by_name, by_number = (f"http://{host}:{self.http.port}/?key={bed.unique()}"
                              for host in ("localhost", "127.0.0.1"))
        for url in ("http://127.0.0.1:1/", "http://127.0.0.1:1/", f"{by_name}&fail=1", by_name,
                    by_number):
            harden("run", "--retry-budget=off", "--unhealthy-after=1", *CURL, url, env=env)
        return env

    def test_every_number_agrees_with_status(self):
        env = self.used_board()
        status = json.loads(harden("status", "--json", env=env)[1])
        page = page_of(env)
        rows = page.one(class_="hosts").rows()
        self.assertEqual(len(rows), 3)
        for row in rows:
            check = status["checks"][row[0].one("span").text]
            duration, rate = check["duration_ms"], check["rate"]
            settled = check["successes"] + check["failures"]
            self.assertEqual([row[1].text, row[11].text],
                             [check["status"], check["breaker"]["state"]])
            self.assertEqual([number(row[i]) for i in (2, 4, 5, 7)],
                             [check["requests"], check["retries"], check["recovered"],
                              rate["rejected"] + check["breaker"]["rejected"]])
            self.assertEqual(row[3].text, f"{100 * check['successes'] / settled:.1f} %")
            self.assertEqual(number(row[6]) // 1, rate["waited_s"] * 1000)
            self.assertEqual([number(row[i]) for i in (8, 9, 10)],
                             [duration[q] for q in ("p50", "p95", "p99")])
            self.assertRegex(row[12].text, r"^\d+(\.\d)? of 100$")
        sums = {d.one("dt").text: d.one("dd") for d in page.one(id="sums").all("div")}
        for name in ("Requests", "Retries", "Recovered", "Rejected"):
            self.assertEqual(number(sums[name]), status["totals"][name.lower()], name)

    def test_it_starts_with_a_summary(self):
        env = self.used_board()
        page = page_of(env)
        self.assertRegex(page.one("h1").text,
                         r"^1 of 3 hosts not healthy: 127\.0\.0\.1:1, for \d+ (s|min)$")
        self.assertEqual(page.one("head").one("title").text, "harden report: " + page.one("h1").text)
        self.assertRegex(page.one("p", class_="life").text,
                         r"^Last updated by a program \d+ s ago")
        self.assertRegex(page.one(id="hosts").text, r"last error at [\d:]+: transient, connect, "
                                                    r"curl 7, errno 111 Connection refused")
        self.assertIn("unhealthy", page.one(id="spans-data").text)

    def test_latencies_agree_with_the_counted_ones(self):
        env = self.used_board()
        status = json.loads(harden("status", "--json", env=env)[1])
        figures = list(page_of(env).one(id="latency").all("figure"))
        self.assertEqual(len(figures), 3)
        for figure in figures:
            check = status["checks"][figure.one("h3").text]
            counted = sum(number(row[1]) for row in figure.rows())
            self.assertEqual(counted, check["attempts"])
            self.assertEqual(float(next(figure.all("data")).attributes["value"]), counted)

    def test_active_checks_have_a_table_and_affect_the_summary(self):
        file = bed.fresh_file(b"[check db]\ntype = tcp\ntarget = 127.0.0.1:1\ninterval = 1s\n"
                              b"unhealthy_after = 1\n")
        env = environment() | {"HARDEN_CONFIG": file}

        def check():
            return json.loads(harden("status", "--json", env=env)[1])["checks"].get("db", {})

        p = bed.start([HARDEN, "run", PYTHON, "-c", STAY, "127.0.0.1", str(self.http.port)], env,
                      subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        self.assertTrue(until(lambda: check().get("attempts")))
        bed.finish(p, env)
        status, page = check(), page_of(env)
        self.assertEqual(page.one("h1").text, "The only host is healthy; the check db fails")
        row, = page.one(class_="hosts checks").rows()
        self.assertEqual([row[0].one("span").text, *(c.text for c in row[1:4])],
                         ["db", "unhealthy", "tcp", "127.0.0.1:1"])
        self.assertEqual([number(c) for c in row[4:]],
                         [status[k] for k in ("attempts", "successes", "failures")] +
                         [status["duration_ms"][k] for k in ("last", "p50", "p95")])

    def test_the_configuration_agrees_with_that_of_config(self):
        env = self.used_board()
        self.assertEqual(page_of(env).one(id="config").one("pre").text,
                         harden("config", env=env)[1])

    def test_differences_of_samples_show_the_events_between_them(self):
        page = page_of(fill_board("samples"))
        row = page.one(id="hour-data").rows()[-1]
        self.assertEqual([c.text for c in row[2:7]], ["30", "3", "20", "0", "10.000"])
        self.assertEqual(len(row[0].one("time").attributes["datetime"]), 24)
        svg = page.one("svg", aria_labelledby="hour-requests-title")
        self.assertIn("requests: at most 3/s", svg.one("desc").text)
        self.assertEqual(page.one("svg", aria_labelledby="hour-waited-title").one("desc").text[:52],
                         "waited for a token, or as the server asked: at most ")

    def test_pauses_and_resets_are_gaps(self):
        page = page_of(fill_board("lively"))
        notes = [row[-1].text for row in page.one(id="hour-data").rows()]
        self.assertEqual((notes.count("reset"), notes.count("average over a longer time")), (1, 1))
        svg = page.one("svg", aria_labelledby="hour-requests-title")
        line = svg.one("path", class_="line first").attributes["d"]
        self.assertEqual(line.count("M"), 3, "before, between and after")
        spans = [[c.text for c in row] for row in page.one(id="spans-data").rows()]
        self.assertEqual([s[2] for s in spans],
                         ["open", "half-open", "open", "half-open", "open", "unhealthy", "degraded",
                          "unhealthy"])
        self.assertEqual([s[5] for s in spans[:3]], ["30 s", "10 s", "60 s"])
        self.assertEqual([s[4] for s in spans if s[4] == "continues"], ["continues"] * 2)

    def test_the_budget_of_an_objective_burns_down(self):
        env = fill_board("objectives", "a.example", "b.example")
        page = page_of(env)
        self.assertEqual([a.text for a in page.one("nav").all("a")][:2], ["Hosts", "Error budgets"])
        section = page.one(id="slo")
        self.assertEqual(len(list(section.all("figure"))), 2)
        rows = section.one(id="slo-1-data").rows()[::-1]
        self.assertEqual(len(rows), 25)
        requests, bad = ([number(row[i]) for row in rows] for i in (2, 3))
        self.assertIn(40, bad)
        allowed, so_far = sum(requests) * .01, 0
        for row, n in zip(rows, bad):
            so_far += n
            shown = float(row[4].text.removesuffix(" %"))
            self.assertAlmostEqual(shown, 100 * (1 - so_far / allowed), delta=.1001)
        slo = json.loads(harden("status", "--json", env=env)[1])["checks"]["a.example"]["slo"]
        self.assertAlmostEqual(slo["budget_left"]["24h"], shown / 100, delta=.0011)
        svg = section.one("svg", aria_labelledby="slo-1-title")
        self.assertIn("; burns fast", svg.one("desc").text)
        self.assertTrue(svg.one("path", class_="line third").attributes["d"].startswith("M0.00 "))
        spans = [[c.text for c in row] for row in page.one(id="spans-data").rows()]
        self.assertEqual([(s[1], s[2], s[4]) for s in spans],
                         [("error budget", "burning", "continues")] * 2)

    def test_an_old_board_is_called_stale(self):
        env = environment(snapshot_interval="100ms")
        harden("run", *CURL, f"{self.http.url}/?key={bed.unique()}", env=env)
        life = ""
        while not life.startswith("Stale: no program is running"):  # until it is that old
            life = next(p.text for p in page_of(env).one("header").all("p") if "updated" in p.text)

    def test_missing_data_is_described_in_words(self):
        page = page_of(fill_board("names"))
        self.assertEqual(page.one("h1").text, "No request has been made yet")
        for section, words in (("hosts", "None yet"), ("times", "Nothing to draw yet"),
                               ("spans", "No circuit opened"), ("latency", "nothing to draw yet")):
            self.assertIn(words, page.one(id=section).text)
            self.assertFalse(list(page.one(id=section).all("svg")), section)


class Safety(unittest.TestCase):
    NAMES = ["<script>alert(1)</script>", "a.example'onload='x", "&amp;<b>", "x\"><img src=x>",
             "https://evil.example/", "--><!--", "</title><svg onload=x>"]

    def test_hostile_names_stay_names(self):
        for kind in ("names", "objectives"):
            self.check_names(fill_board(kind, *self.NAMES))

    def check_names(self, env):
        text = report(env)
        page = Page(text).root
        shown = {row[0].one("span").text for row in page.one(class_="hosts").rows()}
        self.assertEqual(shown, set(json.loads(harden("status", "--json", env=env)[1])["checks"]))
        self.assertIn(self.NAMES[0], shown)
        for tag in ("script", "img", "iframe", "object"):
            self.assertFalse(list(page.all(tag)), tag)
        self.assertNotIn("onload=x>", text)
        for node in page.all():
            self.assertFalse([a for a in node.attributes if a.startswith("on")], node.attributes)

    def test_a_damaged_board_still_gives_a_page(self):
        env = fill_board("lively")
        path = os.path.join(env["HARDEN_STATE"], bed.BOARD)
        with open(path, "rb") as f:
            good = f.read()
        dice = random.Random(7)
        for words in (10, 1000, 10000) * 3:
            bad = bytearray(good)
            for _ in range(words):
                at = dice.randrange(HEADER_BYTES // 8, len(bad) // 8) * 8
                bad[at:at + 8] = dice.choice((b"\xff" * 8, b"\xff" * 7 + b"\x7f", bytes(8),
                                              dice.randbytes(8)))
            with open(path, "r+b") as f:
                f.write(bad)
            text = report(env)
            Page(text)
            self.assertNotRegex(text, r"\b(nan|inf)\b")

    def test_it_has_no_external_references(self):
        for kind in ("names", "objectives"):
            self.check_references(report(fill_board(kind, *self.NAMES)))

    def check_references(self, text):
        page = Page(text).root
        ids = [n.attributes["id"] for n in page.all() if "id" in n.attributes]
        self.assertEqual(len(ids), len(set(ids)))
        for node in page.all():
            for name, value in node.attributes.items():
                if name in ("href", "src", "data", "action", "xlink:href"):
                    self.assertTrue(value == "data:," or value[1:] in ids, f"{name}={value}")
                if name.startswith("aria-") and name not in ("aria-label", "aria-hidden"):
                    self.assertIn(value, ids, name)
        self.assertNotRegex(page.one("style").text, r"url\(|@import|//")
        policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
        self.assertTrue(policy.startswith("default-src 'none'"))

    def test_the_file_is_complete_or_absent(self):
        env, folder = fill_board("samples"), bed.fresh_dir()
        file = os.path.join(folder, "r.html")
        self.assertEqual(harden("report", "-o", file, env=env), (0, "", ""))
        self.assertEqual(os.listdir(folder), ["r.html"])
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        with open(file, encoding="utf-8") as f:
            Page(f.read())
        self.assertEqual(harden("report", "--output=r.html", env=env, cwd=folder)[0], 0)
        os.mkdir(os.path.join(folder, "d"))
        for target, words in ((f"{folder}/no/r.html", "No such file"), (f"{folder}/d", "not a regular"),
                              ("/dev/null", "not a regular")):
            status, out, err = harden("report", "-o", target, env=env)
            self.assertEqual((status, out), (74, ""), target)
            self.assertIn(words, err)
        self.assertEqual(sorted(os.listdir(folder)), ["d", "r.html"])

    def test_a_page_that_others_may_read_stays_so(self):
        env, file = fill_board("samples"), os.path.join(bed.fresh_dir(), "r.html")
        with open(file, "wb"):
            os.chmod(file, 0o644)
        self.assertEqual(harden("report", "-o", file, env=env), (0, "", ""))
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o644)

    def test_a_damaged_time_is_not_shown(self):
        env = fill_board("damaged")
        self.assertEqual(harden("health", "--host", "a.example", env=env),
                         (2, "unhealthy: a.example, 1 failure in a row\n", ""))
        page = page_of(env)
        self.assertNotIn(" for ", page.one("h1").text)

    def test_the_exit_status_says_why_there_is_no_page(self):
        env = environment(state=os.path.join(bed.fresh_dir(), "state"))
        status, out, err = harden("report", env=env)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("no program has used the library yet", err)
        for arguments in (["extra"], ["-o"], ["--output="], ["--outptu", "x"]):
            self.assertEqual(harden("report", *arguments, env=env)[:2], (64, ""), arguments)
        with open("/dev/full", "w", encoding="ascii") as full:
            p = subprocess.run([HARDEN, "report"], env=fill_board("samples"), stdout=full,
                               check=False, stderr=subprocess.DEVNULL)
        self.assertEqual(p.returncode, 74)

    def test_nothing_is_written_to_a_terminal(self):
        env = fill_board("samples")
        ours, theirs = pty.openpty()
        p = subprocess.run([HARDEN, "report"], env=env, stdout=theirs, stderr=subprocess.PIPE,
                           check=False)
        self.assertEqual(p.returncode, 64)
        self.assertIn(b"-o FILE.html, or redirect", p.stderr)
        os.close(theirs)
        os.close(ours)
        self.assertTrue(harden("report", "-o", "-", env=env)[1].startswith("<!DOCTYPE html>"))


# The WCAG 2 contrast ratio of every visible text against the nearest background.
CONTRAST = """(() => {
  const rgb = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const back = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; }
    return [255, 255, 255, 1]; };
  const bad = []; let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, s = getComputedStyle(e);
    if (!walk.currentNode.data.trim() || ['title', 'desc'].includes(e.localName)) continue;
    seen++;
    const svg = e.namespaceURI.endsWith('svg');
    const a = lum(rgb(svg ? s.fill : s.color)), b = lum(back(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5 || parseFloat(s.fontSize) < 12)
      bad.push([e.localName, walk.currentNode.data.slice(0, 20), ratio, s.fontSize]);
  }
  return {seen, bad}; })()"""

FOCUSED = """(() => { const e = document.activeElement, s = getComputedStyle(e);
  return [e.localName, e.getAttribute('aria-label') || e.textContent.trim(), s.outlineStyle,
          parseFloat(s.outlineWidth), e.getBoundingClientRect().left >= 0]; })()"""


class Browser(bed.Bed):
    """One Chromium for all tests, to save resources."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = os.path.join(bed.fresh_dir(), "report.html")
        status, _, err = harden("report", "-o", cls.page, env=fill_board("lively"))
        if status:
            raise AssertionError(err)
        cls.browser = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        super().tearDownClass()

    def test_it_is_rendered_without_errors_at_each_width_and_scheme(self):
        backs = {}
        for width, dark in ((1280, False), (1280, True), (400, False), (400, True)):
            with self.subTest(width=width, dark=dark):
                self.browser.open(self.page, width, dark=dark)
                self.assertEqual(self.browser.complaints(), [])
                colours = browser.colours(self.browser.picture())
                self.assertGreater(len(colours), 60)
                back = max(colours, key=colours.get)
                self.assertLess(colours[back], .97 * width * 900)
                self.assertEqual(sum(back) < 3 * 128, dark)
                backs[width, dark] = back
        self.assertEqual(len(backs), 4)

    def test_the_page_does_not_scroll_sideways(self):
        for width in (320, 400, 768, 1280):
            self.browser.open(self.page, width)
            for _ in range(2):
                self.assertLessEqual(
                    self.browser.evaluate("document.documentElement.scrollWidth"), width)
                self.browser.evaluate(
                    "document.querySelectorAll('details').forEach(d => d.open = true)")
        # At this width the table of hosts fits without scrolling.
        self.assertTrue(self.browser.evaluate(
            "(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.hosts .scroll'))"))

    def test_notes_about_a_host_do_not_push_the_figures_out(self):
        page = os.path.join(bed.fresh_dir(), "report.html")
        env = fill_board("held", "api.example.com", "10.20.30.40:5432")
        self.assertEqual(harden("report", "-o", page, env=env)[0], 0)
        for width in (1280, 400):
            self.browser.open(page, width)
            shown = self.browser.evaluate(
                "document.querySelector('.hosts tbody td').getBoundingClientRect().right")
            self.assertLess(shown, width)  # the status
        self.browser.open(page, 1280)
        self.assertTrue(self.browser.evaluate(
            "(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.hosts .scroll'))"))

    def test_all_text_has_enough_contrast_and_size(self):
        for width, dark in ((1280, False), (400, True)):
            self.browser.open(self.page, width, dark=dark)
            self.browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            result = self.browser.evaluate(CONTRAST)
            self.assertGreater(result["seen"], 1000)
            self.assertEqual(result["bad"], [])

    def test_the_keyboard_reaches_everything_in_order(self):
        self.browser.open(self.page)
        seen = []
        for _ in range(60):
            self.browser.press("Tab", 9)
            name, words, style, width, visible = self.browser.evaluate(FOCUSED)
            if name == "body":
                break
            self.assertNotEqual(style, "none", words)
            self.assertGreaterEqual(width, 2, words)
            self.assertTrue(visible, words)
            seen.append(words)
        expected = ["Skip to the report", "Hosts", "Over time", "Circuits and health", "Latency",
                    "Configuration", "Hosts, worst status first",
                    "The last hour as a table", "The two days as a table", "The same as a table",
                    *["As a table"] * 12, "Effective configuration"]
        self.assertEqual(seen, expected)

    def test_skipping_and_unfolding_need_no_mouse(self):
        self.browser.open(self.page)
        self.browser.press("Tab", 9)
        self.browser.press("Enter", 13)
        self.assertEqual(self.browser.evaluate("document.activeElement.id"), "main")
        self.browser.press("Tab", 9)
        self.browser.press("Tab", 9)
        self.browser.press("Enter", 13)
        self.assertTrue(self.browser.evaluate("document.getElementById('hour-data').open"))
        self.browser.press("Tab", 9)
        self.assertEqual(self.browser.evaluate(FOCUSED)[1], "The last hour as a table")

    def test_a_screen_reader_is_told_the_same(self):
        self.browser.open(self.page)
        nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
        exposed = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes
                if not n["ignored"]]
        roles = [role for role, _ in exposed]
        images = [name for role, name in exposed if role in ("image", "img")]
        self.assertEqual(len(images), 8 + 1 + 12)
        self.assertEqual(len(set(images)), len(images), "each has its own name")
        self.assertNotIn("", images)
        for landmark in ("banner", "navigation", "main", "contentinfo"):
            self.assertEqual(roles.count(landmark), 1, landmark)
        self.assertIn(("table", "Hosts, worst status first"), exposed)
        self.assertEqual(roles.count("columnheader"), 13)
        self.assertEqual(roles.count("rowheader"), 12)
        for role, name in exposed:
            if role in ("region", "link", "heading", "DisclosureTriangle", "button"):
                self.assertTrue(name, role)
        levels = self.browser.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.localName[1])")
        self.assertEqual((levels[0], levels.count(1)), (1, 1))
        for before, after in zip(levels, levels[1:]):
            self.assertLessEqual(after, before + 1)
        self.assertEqual(self.browser.evaluate("document.documentElement.lang"), "en")

    def test_the_print_version_has_no_navigation_and_is_white(self):
        self.browser.open(self.page, 800, dark=True, media="print")
        self.assertEqual(self.browser.evaluate(
            "getComputedStyle(document.querySelector('nav')).display"), "none")
        self.assertEqual(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"),
                         "rgb(255, 255, 255)")

    def test_hostile_names_run_nothing(self):
        page = os.path.join(bed.fresh_dir(), "hostile.html")
        harden("report", "-o", page, env=fill_board("names", *Safety.NAMES))
        self.browser.open(page, 400)
        self.assertEqual(self.browser.complaints(), [])
        self.assertEqual(self.browser.evaluate("document.scripts.length + document.images.length"), 0)
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), 400)
        self.assertTrue(re.match(r"7 of 7 hosts not healthy: ",
                                 self.browser.evaluate("document.querySelector('h1').textContent")))
