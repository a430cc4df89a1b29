# SPDX-License-Identifier: MIT
"""The server's side of one connection: reads requests, and closes in various ways."""
import hashlib
import select
import socket
import ssl
import struct
import time
import urllib.parse

from faults import Gone


class Request:
    def __init__(self, method, target, version, headers):
        self.method, self.target, self.version, self.headers = method, target, version, headers
        url = urllib.parse.urlsplit(target if "://" in target else "http://h" + target)
        self.path = url.path
        self.query = {k: v[-1] for k, v in urllib.parse.parse_qs(url.query, True).items()}
        self.key = self.query.get("key", self.path)
        self.keep = None  # a bytearray that receives the body

    def get(self, name, default=None):
        return self.query.get(name, default)

    def number(self, name, default=0):
        return int(self.query.get(name, default))


class Connection:
    """One accepted socket."""

    def __init__(self, sock):
        self.sock = sock
        self.rest = b""
        self.sent = False  # whether a part of the current answer was sent

    def more(self):
        try:
            piece = self.sock.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            raise Gone
        self.rest += piece

    def line(self):
        while b"\n" not in self.rest:
            if len(self.rest) > 1 << 20:
                raise Gone
            self.more()
        line, self.rest = self.rest.split(b"\n", 1)
        return line.rstrip(b"\r")

    def exactly(self, n, into):
        while n > 0:
            if not self.rest:
                self.more()
            piece, self.rest = self.rest[:n], self.rest[n:]
            into(piece)
            n -= len(piece)

    def head(self):
        self.sent = False
        first = self.line()
        while not first:
            first = self.line()
        method, target, version = first.decode("latin-1").split(" ", 2)
        headers = {}
        while True:
            line = self.line().decode("latin-1")
            if not line:
                return Request(method, target, version, headers)
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()

    def body(self, request, entry):
        """Reads the body into the log entry: hash, length, completeness; multipart forms in full."""
        digest = hashlib.sha256()
        multipart = request.headers.get("content-type", "").startswith("multipart/")
        def into(piece):
            digest.update(piece)
            entry["length"] += len(piece)
            entry["sha256"] = digest.hexdigest()
            if multipart:
                entry["multipart"] += piece.decode("latin-1")
            if request.keep is not None:
                request.keep += piece

        entry["sha256"] = digest.hexdigest()
        if request.headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in request.headers.get("transfer-encoding", ""):
            while True:
                size = int(self.line().split(b";")[0], 16)
                self.exactly(size, into)
                if size == 0:
                    while self.line():
                        pass
                    break
                self.line()
        else:
            self.exactly(int(request.headers.get("content-length", "0") or 0), into)
        entry["complete"] = True

    def send(self, data):
        self.sent = True
        try:
            self.sock.sendall(data)
        except OSError:
            raise Gone from None

    def reset(self):
        # Linger 0: close() sends RST, and the client may lose data that it has not read yet.
        if self.sent:
            time.sleep(0.02)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def finish(self):
        # Read the rest: closing with unread data would send RST instead of FIN.
        try:
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(1)
                self.sock.unwrap()
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(1)
            while self.sock.recv(65536):
                pass
        except (OSError, ValueError):
            pass
        raise Gone

    def wait_gone(self, seconds):
        """Waits until the client has closed the connection."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.sock], [], [], 0.2)[0]:
                try:
                    if not self.sock.recv(65536):
                        break
                except OSError:
                    break
        raise Gone
