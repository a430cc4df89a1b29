# SPDX-License-Identifier: MIT
"""Unmodified git with git http-backend: requests that may be repeated are, and a POST never is."""
import os
import unittest

import bed
from git_bed import GitBed, SmartServer, commit, git, make_repository

FETCH, PUSH = "/git-upload-pack", "/git-receive-pack"


class Smart(GitBed):
    @classmethod
    def setUpClass(cls):
        _, cls.repository = make_repository(commits=4)
        cls.head = git("rev-parse", "HEAD", directory=cls.repository)
        cls.root = bed.fresh_dir("root")
        cls.server = SmartServer(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def serve(self, tls=False, **how):
        """Returns (front, name, directory) of a copy of the repository that logs each push to a
        file."""
        name = bed.unique("r") + ".git"
        directory = self.copy_of(self.repository, os.path.join(self.root, name))
        hook = os.path.join(directory, "hooks", "post-receive")
        with open(hook, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\ncat >>pushes\n")
        os.chmod(hook, 0o755)
        return self.front(tls=tls, backend=self.server.port, **how), name, directory

    def pushes(self, directory):
        path = os.path.join(directory, "pushes")
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as f:
            return f.read().splitlines()

    def clone(self, run, front, name, more=(), **options):
        front.reset()
        base = bed.fresh_dir("clone")
        outcome = run(self.command() + [*more, "clone", f"{front.url}/{name}", "copy"], cwd=base,
                      **options)
        return outcome, os.path.join(base, "copy")

    def committed(self, front, name, number=30, size=20000):
        """Returns (directory, head) of a clone with a commit that is not pushed yet."""
        front.plan()
        _, directory = self.clone(bed.bare, front, name)
        commit(directory, number, size)
        front.reset()
        return directory, git("rev-parse", "HEAD", directory=directory)

    def push(self, run, directory, more=(), **options):
        return run(self.command() + [*more, "-C", directory, "push", "-q", "origin", "HEAD:main"],
                   **options)

    def same(self, shim, plain):
        self.assertEqual((shim.status, shim.out, shim.err), (plain.status, plain.out, plain.err))

    # ---- cloning and fetching --------------------------------------------------------------------
    def clones(self, how="503", tls=False, more=()):
        front, name, _ = self.serve(tls=tls)
        healthy, directory = self.clone(bed.bare, front, name, more)
        self.sound(directory, self.head)
        posts = front.count("POST")
        front.plan(fail=2, how=how)
        plain, _ = self.clone(bed.bare, front, name, more)
        self.assertNotEqual(plain.status, 0)
        self.assertEqual(front.count("POST"), 0)
        shim, directory = self.clone(bed.hardened, front, name, more, **bed.PATIENT)
        self.same(shim, healthy)
        self.sound(directory, self.head)
        self.assertEqual((front.count("GET", "/info/refs"), front.count("POST", FETCH)), (3, posts))
        self.assertEqual(shim.health["coverage"]["transfers_multi"], 1 + posts)

    def test_a_clone_outlasts_two_failures(self):
        self.clones()

    def test_a_clone_outlasts_two_resets(self):
        self.clones(how="rst")

    def test_a_clone_outlasts_two_busy_answers(self):
        self.clones(how="429")

    def test_a_clone_over_tls_outlasts_two_failures(self):
        self.clones(tls=True)

    def test_a_clone_by_the_older_protocols_outlasts_two_failures(self):
        for version in "0", "1":
            self.clones(more=["-c", f"protocol.version={version}"])

    def test_a_fetch_outlasts_two_failures(self):
        front, name, directory = self.serve()
        _, copy = self.clone(bed.bare, front, name)
        other, head = self.committed(front, name)
        git("push", "-q", directory, "HEAD:main", directory=other)
        front.plan(fail=2)
        before = git("rev-parse", "origin/main", directory=copy)
        plain = bed.bare(self.command() + ["-C", copy, "fetch", "-q"])
        self.assertNotEqual(plain.status, 0)
        self.assertEqual(git("rev-parse", "origin/main", directory=copy), before)
        front.reset()
        shim = bed.hardened(self.command() + ["-C", copy, "fetch", "-q"])
        self.assertEqual((shim.status, shim.out, shim.err), (0, b"", b""))
        git("merge", "-q", "origin/main", directory=copy)
        self.sound(copy, head)

    def test_a_failed_post_of_a_fetch_is_not_repeated(self):
        for how in "503", "500", "rst", "fin":
            front, name, _ = self.serve(fail=-1, how=how, methods=["POST"])
            plain, _ = self.clone(bed.bare, front, name)
            posts = front.count("POST")
            self.assertNotEqual(plain.status, 0)
            shim, _ = self.clone(bed.hardened, front, name)
            self.same(shim, plain)
            self.assertEqual((front.count("GET"), front.count("POST")), (1, posts), how)
            if how.isdigit():
                self.assertEqual(posts, 1)

    # ---- pushing ---------------------------------------------------------------------------------
    def test_a_push_outlasts_two_failures_and_arrives_once(self):
        for tls, how in (False, "503"), (False, "rst"), (True, "503"):
            front, name, directory = self.serve(tls=tls)
            copy, head = self.committed(front, name)
            front.plan(fail=2, how=how)
            plain = self.push(bed.bare, copy)
            self.assertNotEqual(plain.status, 0)
            self.assertEqual((front.count("POST"), self.pushes(directory)), (0, []))
            self.assertEqual(git("rev-parse", "main", directory=directory), self.head)
            front.reset()
            shim = self.push(bed.hardened, copy)
            self.assertEqual((shim.status, shim.out, shim.err), (0, b"", b""))
            self.assertEqual((front.count("GET"), front.count("POST", PUSH)), (3, 1))
            self.assertEqual(self.pushes(directory), [f"{self.head} {head} refs/heads/main"])
            self.sound(directory, head)

    def test_a_push_of_many_pieces_arrives_once(self):
        pieces = ["-c", "http.postBuffer=65536"]
        front, name, directory = self.serve()
        copy, head = self.committed(front, name, size=500000)
        front.plan(fail=2)
        shim = self.push(bed.hardened, copy, pieces)
        self.assertEqual((shim.status, shim.out, shim.err), (0, b"", b""))
        posts = [e for entries in front.paths().values() for e in entries
                 if e["method"] == "POST"]
        # First, git sends an empty one to test whether it is allowed.
        self.assertEqual([e["length"] > 4 for e in posts], [False, True])
        self.assertEqual(posts[1]["headers"].get("transfer-encoding"), "chunked")
        self.assertEqual(self.pushes(directory), [f"{self.head} {head} refs/heads/main"])
        self.sound(directory, head)

    def test_a_failed_post_of_a_push_is_not_repeated(self):
        for how in "503", "500", "429", "rst":
            front, name, directory = self.serve()
            copy, _ = self.committed(front, name)
            front.plan(fail=-1, how=how, methods=["POST"])
            plain = self.push(bed.bare, copy)
            posts = front.count("POST")
            self.assertNotEqual(plain.status, 0)
            front.reset()
            shim = self.push(bed.hardened, copy, base_delay="1ms")
            self.same(shim, plain)
            # A server that answers 429 has not processed the request.
            self.assertEqual(front.count("POST"), 3 if how == "429" else posts, how)
            self.assertEqual(self.pushes(directory), [])
            self.assertEqual(git("rev-parse", "main", directory=directory), self.head)

    def test_a_push_whose_answer_is_lost_arrives_once(self):
        for run in bed.bare, bed.hardened:
            front, name, directory = self.serve()
            copy, head = self.committed(front, name)
            # On a reused connection libcurl itself would send it again.
            front.plan(fail=-1, how="lost", methods=["POST"], close=True)
            outcome = self.push(run, copy)
            self.assertNotEqual(outcome.status, 0)
            self.assertEqual(front.count("POST"), 1)
            self.assertEqual(self.pushes(directory), [f"{self.head} {head} refs/heads/main"])
            self.sound(directory, head)

    def test_a_push_that_the_server_refuses_is_reported_as_without_the_shim(self):
        front, name, directory = self.serve()
        copy, _ = self.committed(front, name)
        git("config", "http.receivepack", "false", directory=directory)
        plain, shim = self.push(bed.bare, copy), self.push(bed.hardened, copy)
        self.same(shim, plain)
        self.assertNotEqual(shim.status, 0)
        self.assertEqual(front.count("GET"), 2)

    # ---- other commands --------------------------------------------------------------------------
    def test_other_commands_outlast_failures(self):
        front, name, _ = self.serve()
        command = self.command() + ["ls-remote", f"{front.url}/{name}"]
        healthy = bed.bare(command)
        self.assertIn(self.head.encode(), healthy.out)
        front.reset()
        front.plan(fail=2)
        self.assertNotEqual(bed.bare(command).status, 0)
        front.reset()
        self.same(bed.hardened(command), healthy)

    def test_a_shallow_clone_and_its_deepening_outlast_failures(self):
        front, name, _ = self.serve(fail=2)
        front.reset()
        directory = bed.fresh_dir("clone") + "/copy"
        shim = bed.hardened(self.command() + ["clone", "-q", "--depth=1", f"{front.url}/{name}",
                                              directory])
        self.assertEqual((shim.status, shim.err), (0, b""))
        self.assertEqual(git("rev-list", "--count", "HEAD", directory=directory), "1")
        front.reset()
        shim = bed.hardened(self.command() + ["-C", directory, "fetch", "-q", "--unshallow"])
        self.assertEqual((shim.status, shim.err), (0, b""))
        self.assertEqual(git("rev-list", "--count", "HEAD", directory=directory), "4")
        self.sound(directory, self.head)

    def test_authentication_outlasts_failures(self):
        front, name, _ = self.serve(fail=2)
        front.password = "secret"
        url = front.url.replace("//", "//test:secret@")
        healthy = None
        for fail, run in (0, bed.bare), (2, bed.hardened):
            front.plan(fail=fail)
            front.reset()
            directory = bed.fresh_dir("clone") + "/copy"
            outcome = run(self.command() + ["clone", "-q", f"{url}/{name}", directory])
            self.assertEqual((outcome.status, outcome.err), (0, b""))
            self.sound(directory, self.head)
            seen = front.count("GET"), front.count("POST")
            healthy = healthy or seen
            self.assertEqual(seen, (healthy[0] + fail, healthy[1]))

    def test_a_wrong_password_is_not_tried_again(self):
        front, name, _ = self.serve()
        front.password = "secret"
        url = front.url.replace("//", "//test:wrong@")
        seen = []
        for run in bed.bare, bed.hardened:
            front.reset()
            outcome = run(self.command() + ["ls-remote", f"{url}/{name}"])
            self.assertEqual(outcome.status, 128)
            seen.append((front.count("GET"), outcome.err))
        self.assertEqual(seen[0], seen[1])


if __name__ == "__main__":
    unittest.main()
