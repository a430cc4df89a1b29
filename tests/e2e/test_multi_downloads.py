# SPDX-License-Identifier: MIT
"""Programs that fetch many files with a library: ostree's (an event loop), and librepo."""
import filecmp
import hashlib
import os
import random
import unittest

import bed
from front import Front
from windows import check_windows

RATE, BURST = 20, 5
LIBREPO = """
import librepo, sys
base, ca, into = sys.argv[1:4]
h = librepo.Handle()
h.setopt(librepo.LRO_URLS, [base])
h.setopt(librepo.LRO_REPOTYPE, librepo.LR_YUMREPO)
h.setopt(librepo.LRO_SSLCACERT, ca)
h.setopt(librepo.LRO_MAXMIRRORTRIES, 1)
targets = []
for word in sys.argv[4:]:
    name, sum = word.split("=")
    targets.append(librepo.PackageTarget(name, handle=h, dest=into, checksum=sum,
                                         checksum_type=librepo.CHECKSUM_SHA256))
librepo.download_packages(targets, failfast=False)
sys.exit(any(t.err for t in targets))
"""


def make_tree(files=12):
    """Returns a directory with unrelated files."""
    directory, chance = bed.fresh_dir("tree"), random.Random(5)
    for number in range(files):
        with open(os.path.join(directory, f"f{number}"), "wb") as f:
            f.write(chance.randbytes(1 + 3000 * number))
    os.mkdir(os.path.join(directory, "d"))
    os.symlink("../f1", os.path.join(directory, "d", "link"))
    return directory


class DownloadsBed(unittest.TestCase):
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.tree = make_tree()
        cls.served = bed.fresh_dir("ostree")
        cls.ostree("init", "--mode=archive", repo=cls.served)
        cls.ostree("commit", "--branch=main", f"--tree=dir={cls.tree}", "--owner-uid=0",
                   "--owner-gid=0", "--no-xattrs", repo=cls.served)
        cls.ostree("summary", "--update", repo=cls.served)
        cls.head = cls.ostree("rev-parse", "main", repo=cls.served)

    @staticmethod
    def ostree(*words, repo):
        outcome = bed.bare(["ostree", f"--repo={repo}", *words])
        if outcome.status != 0:
            raise AssertionError(f"ostree {words}: {outcome.err[-500:]!r}")
        return outcome.text.strip()

    def front(self, root, tls=False, **how):
        front = Front(root, tls=bed.certificates()[1:] if tls else (None, None), **how).start()
        self.addCleanup(front.stop)
        return front

    def same_tree(self, directory):
        names = [f"f{i}" for i in range(12)] + ["d/link"]
        self.assertEqual(filecmp.cmpfiles(self.tree, directory, names, shallow=False),
                         (names, [], []))

    def pull(self, run, front, path="", **options):
        """Returns (outcome, repository) of ostree pull, which does not retry by itself."""
        repo = bed.fresh_dir("pull")
        self.ostree("init", "--mode=archive", repo=repo)
        self.ostree("remote", "add", "--no-gpg-verify",
                    f"--set=tls-ca-path={bed.certificates()[0]}", "origin", front.url + path,
                    repo=repo)
        return run(["ostree", f"--repo={repo}", "pull", "--network-retries=0", "origin", "main"],
                   **options), repo

    def pulled(self, repo):
        """The pulled files are complete and identical, byte for byte."""
        self.assertEqual(self.ostree("rev-parse", "origin:main", repo=repo), self.head)
        self.ostree("fsck", repo=repo)
        into = bed.fresh_dir() + "/out"
        self.ostree("checkout", "-U", "origin:main", into, repo=repo)
        self.same_tree(into)

    def get(self, run, front, path="", **options):
        """Returns (outcome, directory) of a download with librepo."""
        directory, words = bed.fresh_dir("librepo"), []
        for number in range(12):
            with open(os.path.join(self.tree, f"f{number}"), "rb") as f:
                words.append(f"f{number}={hashlib.sha256(f.read()).hexdigest()}")
        return run(["/usr/bin/python3", "-c", LIBREPO, front.url + path, bed.certificates()[0],
                    directory, *words], **options), directory

    def faults(self, front):
        """Returns {path: failed requests}."""
        return {path: sum(e["fault"] is not None for e in entries)
                for path, entries in front.paths().items()}


class Downloads(DownloadsBed):
    def pulls(self, tls=False, **how):
        front = self.front(self.served, tls)
        healthy, repo = self.pull(bed.bare, front)
        self.assertEqual((healthy.status, healthy.err), (0, b""))
        self.pulled(repo)
        wanted = {path: len(entries) for path, entries in front.paths().items()}
        # A front for each run: the requests in progress when ostree gave up may be read later.
        plain, _ = self.pull(bed.bare, self.front(self.served, tls, fail=2, **how))
        self.assertEqual(plain.status, 1)
        front = self.front(self.served, tls, fail=2, **how)
        shim, repo = self.pull(bed.hardened, front, **bed.PATIENT)
        self.assertEqual((shim.status, shim.err), (0, b""))
        self.pulled(repo)
        faults = self.faults(front)
        self.assertEqual(faults, {path: 2 if path.startswith(front.below) else 0
                                  for path in wanted})
        self.assertEqual({path: len(entries) - faults[path]
                          for path, entries in front.paths().items()}, wanted)
        self.assertEqual(shim.health["coverage"]["transfers_multi"], sum(wanted.values()))

    def test_ostree_pull_outlasts_two_failures_of_each_file(self):
        self.pulls()

    def test_ostree_pull_outlasts_two_resets_for_each_file(self):
        self.pulls(how="rst")

    def test_ostree_pull_outlasts_failures_of_the_objects_alone(self):
        self.pulls(below="/objects/")

    def test_ostree_pull_over_tls_outlasts_two_failures_of_each_file(self):
        self.pulls(tls=True)

    def test_ostree_pull_ends_as_without_the_shim_when_the_server_stays_down(self):
        front = self.front(self.served, fail=-1)
        plain, _ = self.pull(bed.bare, front)
        front.reset()
        shim, _ = self.pull(bed.hardened, front)
        self.assertEqual((shim.status, shim.out, shim.err), (plain.status, plain.out, plain.err))
        self.assertEqual(self.faults(front), {"/summary.sig": 3})

    def gets(self, tls=False, **how):
        plain, directory = self.get(bed.bare, self.front(self.tree, tls, fail=2, **how))
        self.assertEqual(plain.status, 1)
        self.assertEqual(self.sizes(directory), set())
        front = self.front(self.tree, tls, fail=2, **how)
        shim, directory = self.get(bed.hardened, front, **bed.PATIENT)
        self.assertEqual((shim.status, shim.out, shim.err), (0, b"", b""))
        self.assertEqual(len(self.sizes(directory)), 12)
        self.assertEqual(set(self.faults(front).values()), {2})
        self.assertEqual({len(entries) for entries in front.paths().values()}, {3})
        names = sorted(os.listdir(directory))
        self.assertEqual(filecmp.cmpfiles(self.tree, directory, names, shallow=False),
                         (names, [], []))

    def sizes(self, directory):
        """Returns the sizes of the non-empty files."""
        return {os.path.getsize(os.path.join(directory, name))
                for name in os.listdir(directory)} - {0}

    def test_librepo_outlasts_two_failures_of_each_file(self):
        self.gets()

    def test_librepo_outlasts_two_resets_for_each_file(self):
        self.gets(how="rst")

    def test_librepo_over_tls_outlasts_two_failures_of_each_file(self):
        self.gets(tls=True)


class DownloadsLimits(DownloadsBed):
    alone = True  # it measures when requests arrive

    def test_ostree_and_librepo_share_one_limit(self):
        root = bed.fresh_dir("both")
        os.symlink(self.served, os.path.join(root, "repo"))
        os.symlink(self.tree, os.path.join(root, "tree"))
        front = self.front(root, fail=1)
        limit = {"rate": f"{RATE}/1s", "burst": str(BURST), "max_wait": "50s",
                 "max_elapsed": "120s", "state": bed.fresh_dir("state"), **bed.PATIENT}
        (pull, repo), (get, _) = bed.in_parallel(
            lambda job: job[0](bed.hardened, front, job[1], **limit),
            [(self.pull, "/repo"), (self.get, "/tree")])
        self.assertEqual((pull.status, pull.err, get.status, get.err), (0, b"", 0, b""))
        self.pulled(repo)
        self.assertEqual(set(self.faults(front).values()), {1})
        check_windows(self, front.times(), RATE, BURST)


if __name__ == "__main__":
    unittest.main()
