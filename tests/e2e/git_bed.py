# SPDX-License-Identifier: MIT
"""Repositories for tests, git with only our configuration, and servers for them."""
import os
import random
import shutil
import unittest

import bed
import servers
from front import Front

CONFIG = {"user.name": "test", "user.email": "test@test.invalid", "init.defaultBranch": "main",
          "protocol.version": "2", "gc.auto": "0", "advice.detachedHead": "false"}
GIT = (["env", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "git"] +
       [word for name, value in CONFIG.items() for word in ("-c", f"{name}={value}")])
HTTP_BACKEND = "/usr/lib/git-core/git-http-backend"


def git(*arguments, directory=None):
    """Runs bare git and returns its output; it must not fail."""
    outcome = bed.bare(GIT + (["-C", directory] if directory else []) + list(arguments))
    if outcome.status != 0:
        raise AssertionError(f"git {arguments}: {outcome.err[-500:]!r}")
    return outcome.text.strip()


def commit(directory, number, size=20000):
    """Makes one commit with files of its own, one of which cannot be compressed."""
    chance = random.Random(number)
    for name, data in (("text", bed.body_of(size)), ("noise", chance.randbytes(size))):
        path = os.path.join(directory, f"d{number % 3}", f"{name}{number}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
    git("add", ".", directory=directory)
    git("commit", "-qm", f"commit {number}", directory=directory)


def make_repository(commits=7):
    """Returns (work, bare). The bare repository has two packs and loose objects, and is ready for
    dumb servers."""
    base = bed.fresh_dir("git")
    work, repository = os.path.join(base, "work"), os.path.join(base, "repo.git")
    git("init", "-q", work)
    commit(work, 1)
    git("clone", "-q", "--bare", work, repository)
    git("config", "http.receivepack", "true", directory=repository)
    git("remote", "add", "origin", repository, directory=work)
    for number in range(2, commits + 1):
        commit(work, number)
        git("push", "-q", "origin", "HEAD:main", directory=work)
        if number in (3, 5):
            git("repack", "-dq", directory=repository)
    git("tag", "-am", "a tag", "v1", directory=work)
    git("push", "-q", "origin", "v1", directory=work)
    git("update-server-info", directory=repository)
    return work, repository


class SmartServer:
    """git http-backend behind nginx, for the repositories below a directory. fcgiwrap runs the CGI."""

    def __init__(self, root):
        gateway = servers.free_port()
        self.gateway = servers.Daemon(
            [servers.path_of("fcgiwrap"), "-c", "4", "-s", f"tcp:127.0.0.1:{gateway}"], gateway,
            env=bed.environment({"PATH": os.environ["PATH"]}))
        parameters = {
            "SCRIPT_FILENAME": HTTP_BACKEND, "GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": "$uri", "QUERY_STRING": "$query_string",
            "REQUEST_METHOD": "$request_method", "CONTENT_TYPE": "$content_type",
            "CONTENT_LENGTH": "$content_length", "REMOTE_ADDR": "$remote_addr"}
        lines = "".join(f"fastcgi_param {n} {v}; " for n, v in parameters.items())
        try:
            self.nginx = servers.run_nginx(f"""
client_max_body_size 0;
server {{
  listen 127.0.0.1:{{port}};
  location / {{ fastcgi_pass 127.0.0.1:{gateway}; fastcgi_read_timeout 120s; {lines} }}
}}""")
        except AssertionError:
            self.gateway.stop()
            raise
        self.port = self.nginx.port

    def stop(self):
        self.nginx.stop()
        self.gateway.stop()


class GitBed(unittest.TestCase):
    """Tests of programs that use a Front of their own."""
    longMessage = True

    def front(self, tls=False, **how):
        certificate = bed.certificates()[1:] if tls else (None, None)
        front = Front(tls=certificate, **how).start()
        self.addCleanup(front.stop)
        return front

    def copy_of(self, repository, target=None):
        """Copies the repository into a new directory, to be changed and served."""
        target = target or os.path.join(bed.fresh_dir("served"), "repo.git")
        shutil.copytree(repository, target)
        return target

    def command(self):
        return ["env", f"GIT_SSL_CAINFO={bed.certificates()[0]}"] + GIT

    def seen(self, front):
        """Returns {path: (failed requests, others)}."""
        return {path: (sum(e["fault"] is not None for e in entries),
                       sum(e["fault"] is None for e in entries))
                for path, entries in front.paths().items()}

    def sound(self, directory, head):
        """The repository is intact, and HEAD is that commit."""
        self.assertEqual(git("rev-parse", "HEAD", directory=directory), head)
        checked = bed.bare(GIT + ["-C", directory, "fsck", "--full", "--strict", "--no-dangling"])
        self.assertEqual((checked.status, checked.out, checked.err), (0, b"", b""))
