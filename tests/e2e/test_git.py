# SPDX-License-Identifier: MIT
"""Unmodified git over dumb http: one request per file, five at a time, with the multi interface."""
import os
import shutil
import unittest

import bed
from git_bed import GitBed, commit, git, make_repository
from windows import check_windows

RATE, BURST = 20, 5


class DumbBed(GitBed):
    """A repository shared by all tests of a class, and a Front per test that serves it."""

    @classmethod
    def setUpClass(cls):
        cls.work, cls.repository = make_repository()
        cls.head = git("rev-parse", "HEAD", directory=cls.work)

    def served(self, **how):
        return self.front(root=os.path.dirname(self.repository), **how)

    def clone(self, run, front, **options):
        """Returns (outcome, directory) of a clone whose output is always the same."""
        front.reset()
        base = bed.fresh_dir("clone")
        outcome = run(self.command() + ["clone", f"{front.url}/repo.git", "copy"], cwd=base,
                      **options)
        return outcome, os.path.join(base, "copy")

    def twice_each(self, front, below="/repo.git/"):
        """Each file below the path was requested until it succeeded; git drops the requests for
        files that a pack contains."""
        seen = self.seen(front)
        self.assertGreater(len(seen), 20)
        for path, (failed, good) in seen.items():
            if not path.startswith(below):
                self.assertEqual((failed, good), (0, 1), path)
            elif "/pack/" in path or "/info/" in path or path.endswith("HEAD"):
                self.assertEqual((failed, good), (2, 1), path)
            else:
                self.assertTrue(good == 0 and failed <= 2 or (failed, good) == (2, 1), path)
        self.assertEqual(sum(path.endswith(".pack") for path in seen), 2)
        self.assertGreater(sum(good for _, good in seen.values()), 15)
        return seen


class Dumb(DumbBed):
    def recovers(self, below="/repo.git/", how="503", tls=False):
        """Each file below the path fails twice: bare git gives up, hardened git behaves as if
        nothing had failed.

        If the connection fails, no connection is used twice, because libcurl itself then retries on
        a new one and gives up at the sixth time in the life of a handle; git has five handles."""
        # A front for each run: the requests in progress when git gave up may be read later.
        healthy, directory = self.clone(bed.bare, self.served(tls=tls))
        self.sound(directory, self.head)
        faults = {"tls": tls, "fail": 2, "how": how, "below": below, "close": not how.isdigit()}
        plain, directory = self.clone(bed.bare, self.served(**faults))
        self.assertNotEqual(plain.status, 0)
        self.assertFalse(os.path.exists(directory))
        front = self.served(**faults)
        shim, directory = self.clone(bed.hardened, front, **bed.PATIENT)
        self.assertEqual((shim.status, shim.out, shim.err), (0, healthy.out, healthy.err))
        self.sound(directory, self.head)
        seen = self.twice_each(front, below)
        (host,) = shim.health["checks"].values()
        self.assertGreaterEqual(host["attempts"], sum(map(sum, seen.values())))
        self.assertGreaterEqual(shim.health["coverage"]["transfers_multi"], len(seen))

    def test_a_clone_outlasts_two_failures_of_each_file(self):
        self.recovers()

    def test_a_clone_outlasts_two_resets_for_each_file(self):
        self.recovers(how="rst")

    def test_a_clone_outlasts_two_empty_replies_for_each_file(self):
        self.recovers(how="fin")

    def test_a_clone_outlasts_failures_of_the_objects_alone(self):
        self.recovers(below="/repo.git/objects/")

    def test_a_clone_outlasts_failures_of_the_packs_alone(self):
        self.recovers(below="/repo.git/objects/pack/")

    def test_a_clone_over_tls_outlasts_two_failures_of_each_file(self):
        self.recovers(tls=True)

    def test_a_clone_over_tls_outlasts_two_resets_for_each_file(self):
        self.recovers(tls=True, how="rst")

    def test_a_healthy_server_sees_the_same_requests_as_without_the_shim(self):
        front = self.served()
        plain, _ = self.clone(bed.bare, front)
        before = front.paths()
        shim, directory = self.clone(bed.hardened, front)
        self.assertEqual((shim.status, shim.out, shim.err), (0, plain.out, plain.err))
        self.sound(directory, self.head)
        after = front.paths()
        # Which objects git requests before it knows of the packs depends on timing. So does the use
        # of a handle that had requested compression before.
        for path in [p for p in before.keys() | after.keys() if "/pack/" in p or "/info/" in p]:
            seen, wanted = ([{n: v for n, v in e["headers"].items() if n != "accept-encoding"}
                             for e in log[path]] for log in (after, before))
            self.assertEqual(seen, wanted, path)

    def test_a_lasting_failure_is_reported_after_three_attempts(self):
        front = self.served(fail=-1)
        plain, _ = self.clone(bed.bare, front)
        self.assertEqual(self.seen(front), {"/repo.git/info/refs": (1, 0)})
        shim, _ = self.clone(bed.hardened, front)
        self.assertEqual((shim.status, shim.out, shim.err), (plain.status, plain.out, plain.err))
        self.assertEqual(self.seen(front), {"/repo.git/info/refs": (3, 0)})

    def test_a_missing_repository_is_requested_once(self):
        front = self.front(root=bed.fresh_dir())
        plain, _ = self.clone(bed.bare, front)
        before = self.seen(front)
        shim, _ = self.clone(bed.hardened, front)
        self.assertEqual((shim.status, shim.out, shim.err), (plain.status, plain.out, plain.err))
        self.assertEqual(shim.status, 128)
        self.assertEqual(self.seen(front), before)

    def test_a_fetch_of_new_commits_outlasts_two_failures_of_each_file(self):
        served, work = self.copy_of(self.repository), bed.fresh_dir("work") + "/work"
        shutil.copytree(self.work, work)
        git("remote", "set-url", "origin", served, directory=work)
        front = self.front(root=os.path.dirname(served))
        for run, options in ((bed.bare, {}), (bed.hardened, bed.PATIENT)):
            front.plan()
            _, copy = self.clone(bed.bare, front)
            before = git("rev-parse", "HEAD", directory=copy)
            commit(work, 20 + len(options))
            git("push", "-q", "origin", "HEAD:main", directory=work)
            git("update-server-info", directory=served)
            head = git("rev-parse", "HEAD", directory=work)
            front.plan(fail=2)
            front.reset()
            fetched = run(self.command() + ["fetch", "-q", "origin"], cwd=copy, **options)
            if run is bed.bare:
                self.assertNotEqual(fetched.status, 0)
                self.assertEqual(git("rev-parse", "origin/main", directory=copy), before)
                continue
            self.assertEqual((fetched.status, fetched.out, fetched.err), (0, b"", b""))
            self.assertTrue(all(failed == 2 for failed, _ in self.seen(front).values()))
            git("merge", "-q", "origin/main", directory=copy)
            self.sound(copy, head)


class DumbLimits(DumbBed):
    alone = True  # it measures when requests arrive

    def test_clones_at_the_same_time_share_one_limit(self):
        front = self.served(fail=1)
        env = bed.hardened_environment(rate=f"{RATE}/1s", burst=str(BURST), max_wait="50s",
                                       max_elapsed="120s", **bed.PATIENT)
        copies = [bed.fresh_dir("clone") + "/copy" for _ in range(2)]
        running = [bed.start(self.command() + ["clone", "-q", f"{front.url}/repo.git", copy], env)
                   for copy in copies]
        outcomes = [bed.finish(process, env) for process in running]
        self.assertEqual([(o.status, o.err) for o in outcomes], [(0, b"")] * 2)
        for copy in copies:
            self.sound(copy, self.head)
        times = front.times()
        self.assertGreater(len(times), 60)
        check_windows(self, times, RATE, BURST)
        (host,) = outcomes[-1].health["checks"].values()
        self.assertGreaterEqual(host["attempts"], len(times))
        self.assertGreater(host["rate"]["waited"], 0)

    def test_a_clone_keeps_its_limit_while_each_file_fails_twice(self):
        front = self.served(fail=2)
        shim, directory = self.clone(bed.hardened, front, rate=f"{RATE}/1s", burst=str(BURST),
                                     max_wait="50s", max_elapsed="120s", **bed.PATIENT)
        self.assertEqual(shim.status, 0, shim.err)
        self.sound(directory, self.head)
        self.twice_each(front)
        check_windows(self, front.times(), RATE, BURST)


if __name__ == "__main__":
    unittest.main()
