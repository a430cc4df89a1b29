# SPDX-License-Identifier: MIT
"""A server that fails the first requests of each path and then answers with a file from a
directory, or with the answer of a backend.

    Front(root="/srv")                      files
    Front(backend=8080, fail=2)             the answer of 127.0.0.1:8080 from the third request on
    Front(..., how="rst", methods=["POST"]) a fault of faults.py, and only for POST
    Front(..., how="lost")                  the backend handles the request, its answer is lost

The log of fault_server.py has paths as keys."""
import base64
import http.client
import os
import urllib.parse

from fault_server import FaultServer

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "te"}


class Front(FaultServer):
    def __init__(self, root=None, backend=None, tls=(None, None), **plan):
        super().__init__(*tls)
        self.root, self.backend = root, backend
        self.password = None  # password of the user "test", if the server requires one
        self.plan(**plan)

    @property
    def url(self):
        return super().url.replace("localhost", "127.0.0.1")

    def plan(self, fail=0, how="503", methods=("GET", "HEAD"), below="/", close=False):
        """Sets how requests with these methods to paths with this prefix are treated from now on.
        With close, each connection ends after one good answer."""
        self.fail, self.how, self.methods, self.below = fail, how, methods, below
        self.close = close

    def paths(self):
        """Returns {path: its log entries}, without the control requests."""
        with self.lock:
            return {path: list(key.entries) for path, key in self.keys.items()}

    def times(self):
        return sorted(e["time"] for entries in self.paths().values() for e in entries)

    def count(self, method, path_end=""):
        return sum(e["method"] == method for path, entries in self.paths().items()
                   if path.endswith(path_end) for e in entries)

    def request(self, c, r, accepted, number):
        r.key = r.path
        if r.method in self.methods and r.path.startswith(self.below):
            r.query.update(fail=self.fail, how=self.how)
        r.keep = bytearray()
        return super().request(c, r, accepted, number)

    def fault(self, c, r, entry):
        if self.how == "lost":
            c.body(r, entry)
            self.behind(r)
            c.reset()
        return super().fault(c, r, entry)

    def good(self, c, r, entry):
        if self.password and r.headers.get("authorization") != self.expected():
            headers = [("WWW-Authenticate", 'Basic realm="test"')]
            status, body = 401, b"who are you?\n"
        else:
            status, headers, body = self.behind(r) if self.backend else self.file(r)
        if self.close:
            headers.append(("Connection", "close"))
        self.answer(c, r, status, headers, body)
        if self.close:
            c.finish()

    def expected(self):
        return "Basic " + base64.b64encode(f"test:{self.password}".encode()).decode()

    def behind(self, r):
        connection = http.client.HTTPConnection("127.0.0.1", self.backend, timeout=120)
        try:
            kept = {n: v for n, v in r.headers.items() if n not in HOP_BY_HOP}
            connection.request(r.method, r.target, bytes(r.keep) or None, kept)
            answer = connection.getresponse()
            headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in HOP_BY_HOP]
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def file(self, r):
        path = os.path.normpath(self.root + "/" + urllib.parse.unquote(r.path))
        try:
            with open(path, "rb") as f:
                body = f.read()
        except OSError:
            return 404, [("Content-Type", "text/plain")], b"no such file\n"
        wanted = r.headers.get("range", "")
        if wanted.startswith("bytes=") and wanted.endswith("-") and int(wanted[6:-1]) < len(body):
            first = int(wanted[6:-1])
            return (206, [("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")],
                    body[first:])
        return 200, [("Content-Type", "application/octet-stream")], body
