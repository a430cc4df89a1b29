#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An HTTP/1.1 server that fails on demand and logs the requests that it saw.

The query of a request selects how the server answers it, so one server serves all tests:

    /any/path?key=K            the counter and the log that the request belongs to
      &fail=N                  the first N requests of the key fail as `how` says (-1: all)
      &how=FAULT               a status (503), or a name of faults.py
      &then=FAULT              the fault from the second failure on, instead of `how`
      &ra=V                    Retry-After of the failure: text, or date:SECONDS from now
      &rl=R,T                  RateLimit: "p";r=R;t=T
      &fsize=N                 size of the body of the failure
      &size=N &te=cl|chunked|close &trailers=1 &gzip=1 &info=103 &cookie=NAME &type=T &status=S
      &delay_ms=N              delay before the good answer
      &to=PATH &code=302       the good answer is a redirect (PATH is percent-encoded)
      &auth=1                  the good answer requires Basic credentials
      &ranges=1                honour Range
      &echo=1                  the answer is JSON about the body of the request
      &date=1                  send a Date header

/-/log?key=K returns the log as JSON, /-/reset?key=K deletes it, /-/seen?key=K&n=N makes the next
request number N+1, /-/proxy?key=K&fail=N&how=FAULT sets the answers to the next CONNECTs whose
header X-Key is K. A request in absolute form is answered as if this server were the origin.

    fault_server.py [--port N] [--cert FILE --key FILE]   prints its port, then serves
"""
import argparse
import email.utils
import gzip
import json
import select
import socket
import ssl
import threading
import time

from faults import FAULTS, Gone, body_of
from wire import Connection


class Key:
    def __init__(self):
        self.count = 0
        self.entries = []


class FaultServer:
    def __init__(self, cert=None, key=None, port=0, host="127.0.0.1"):
        self.tls = None
        if cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(cert, key)
        self.lock = threading.Lock()
        self.keys = {}
        self.proxy_faults = {}
        self.connections = 0
        self.open, self.most_open = [], 0  # counted without TLS only
        self.socket = socket.create_server((host, port), backlog=512)
        self.host, self.port = host, self.socket.getsockname()[1]
        self.stopping = False

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def start(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def stop(self):
        self.stopping = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def serve(self):
        while not self.stopping:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            self.count_open(sock)
            threading.Thread(target=self.connection, args=(sock,), daemon=True).start()

    def count_open(self, sock):
        """Counts a new connection; connections that the client closed earlier no longer count."""
        with self.lock:
            self.open = [s for s in self.open if not is_closed(s)] + [sock]
            self.most_open = max(self.most_open, len(self.open))

    # ---- interface for the tests -----------------------------------------------------------------
    def log(self, key):
        with self.lock:
            return [dict(e) for e in self.keys[key].entries] if key in self.keys else []

    def reset(self, key=None):
        with self.lock:
            if key is None:
                self.keys.clear()
            else:
                self.keys.pop(key, None)

    def seen(self, key, n):
        """Makes the next request of the key its request number n+1."""
        with self.lock:
            self.keys.setdefault(key, Key()).count = n

    def proxy(self, key, fail, how):
        """Sets how CONNECTs whose header X-Key is the key are answered."""
        with self.lock:
            self.proxy_faults[key] = [fail, how]

    # ---- one connection ---------------------------------------------------------------------
    def connection(self, sock):
        accepted = time.monotonic()
        with self.lock:
            self.connections += 1
            number = self.connections
        connection = None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(60)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            connection = Connection(sock)
            while True:
                request = connection.head()
                self.request(connection, request, accepted, number)
                if request.headers.get("connection", "").lower() == "close":
                    connection.finish()
        except (Gone, OSError, ValueError, ssl.SSLError):
            pass
        finally:
            sock.close()

    def request(self, c, r, accepted, number):
        now = time.monotonic()
        if r.path.startswith("/-/"):
            return self.control(c, r)
        if r.method == "CONNECT":
            r.key = "CONNECT " + r.headers.get("x-key", r.target)
        entry = {"time": now, "accepted": accepted, "connection": number, "method": r.method,
                 "target": r.target, "headers": r.headers, "sha256": "", "length": 0,
                 "multipart": "", "complete": False, "fault": None, "sent": 0}
        with self.lock:
            key = self.keys.setdefault(r.key, Key())
            key.count += 1
            turn = key.count
            key.entries.append(entry)
        if r.method == "CONNECT":
            return self.connect(c, r, entry)
        fail = r.number("fail")
        if fail < 0 or turn <= fail:
            how = r.get("how", "503")
            entry["fault"] = how if turn == 1 else r.get("then", how)
            return self.fault(c, r, entry)
        c.body(r, entry)
        return self.good(c, r, entry)

    def control(self, c, r):
        key = r.get("key")
        answer = {}
        if r.path == "/-/log":
            answer = self.log(key)
        elif r.path == "/-/reset":
            self.reset(key)
        elif r.path == "/-/seen":
            self.seen(key, r.number("n"))
        elif r.path == "/-/proxy":
            self.proxy(key, r.number("fail"), r.get("how", "503"))
        data = json.dumps(answer).encode()
        self.answer(c, r, 200, [("Content-Type", "application/json")], data)

    # ---- answers ----------------------------------------------------------------------------
    def head_of(self, status, headers):
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}"]
        lines += [f"{n}: {v}" for n, v in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def answer(self, c, r, status, headers, body, cut=None):
        """Sends a whole answer; with cut=N, stops after N bytes of the body."""
        te = r.get("te", "cl")
        headers = list(headers)
        if r.get("date"):
            headers.insert(0, ("Date", email.utils.formatdate(usegmt=True)))
        bodyless = r.method == "HEAD" or status in (204, 304)
        if status in (204, 304):
            pass
        elif te == "chunked":
            headers.append(("Transfer-Encoding", "chunked"))
            if r.get("trailers"):
                headers.append(("Trailer", "X-Sum"))
        elif te == "close":
            headers.append(("Connection", "close"))
        else:
            headers.append(("Content-Length", str(len(body))))
        c.send(self.head_of(status, headers))
        if bodyless:
            return
        sent = body if cut is None else body[:cut]
        if te == "chunked":
            for i in range(0, len(sent), 4096):
                piece = sent[i:i + 4096]
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            if cut is None:
                trailer = b"X-Sum: 42\r\n" if r.get("trailers") else b""
                c.send(b"0\r\n" + trailer + b"\r\n")
        else:
            c.send(sent)
            if te == "close" and cut is None:
                c.finish()

    def good(self, c, r, entry):
        if r.number("delay_ms"):
            time.sleep(r.number("delay_ms") / 1000)
        for code in filter(None, r.get("info", "").split(",")):
            c.send(self.head_of(int(code), [("Link", "</s.css>; rel=preload")]))
        headers = [("Content-Type", r.get("type", "text/plain")), ("X-Final", "yes")]
        if r.get("cookie"):
            headers.append(("Set-Cookie", f"{r.get('cookie')}=good; path=/"))
        if r.get("rl"):
            headers.append(("RateLimit", '"p";r=%s;t=%s' % tuple(r.get("rl").split(","))))
        if r.get("auth") and "authorization" not in r.headers:
            headers.append(("WWW-Authenticate", 'Basic realm="test"'))
            return self.answer(c, r, 401, headers, b"who are you?\n")
        if r.get("to"):
            headers.append(("Location", r.get("to")))
            return self.answer(c, r, r.number("code", 302), headers, b"over there\n")
        body = body_of(r.number("size", 64))
        if r.get("echo"):
            body = json.dumps({"method": r.method, "length": entry["length"],
                               "sha256": entry["sha256"]}).encode() + b"\n"
        if r.get("gzip"):
            body = gzip.compress(body, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        status = r.number("status", 200)
        wanted = r.headers.get("range", "")
        if r.get("ranges") and wanted.startswith("bytes="):
            first, last = (wanted[6:].split("-") + [""])[:2]
            first, last = int(first), int(last or len(body) - 1)
            if first >= len(body):
                headers.append(("Content-Range", f"bytes */{len(body)}"))
                return self.answer(c, r, 416, headers, b"")
            headers.append(("Content-Range", f"bytes {first}-{last}/{len(body)}"))
            status, body = 206, body[first:last + 1]
        return self.answer(c, r, status, headers, body)

    def fault_headers(self, r):
        headers = [("Content-Type", "text/html"), ("X-Failed", "yes")]
        ra = r.get("ra")
        if ra is not None:
            if ra.startswith("date:"):
                ra = email.utils.formatdate(time.time() + float(ra[5:]), usegmt=True)
            headers.append(("Retry-After", ra))
        if r.get("rl"):
            headers.append(("RateLimit", '"p";r=%s;t=%s' % tuple(r.get("rl").split(","))))
        if r.get("fcookie"):
            headers.append(("Set-Cookie", f"{r.get('fcookie')}=bad; path=/"))
        return headers

    def fault(self, c, r, entry):
        how = entry["fault"]
        early = how.startswith("early")
        if not early and how not in ("rst-early",):
            c.body(r, entry)
        body = body_of(r.number("fsize", 40))
        headers = self.fault_headers(r)
        if early:
            c.send(self.head_of(int(how[5:] or 503), headers + [
                ("Content-Length", str(len(body))), ("Connection", "close")]) + body)
            return c.finish()
        if how.isdigit():
            return self.answer(c, r, int(how), headers, body)
        return FAULTS[how](self, c, r, entry, headers, body)

    # ---- CONNECT ----------------------------------------------------------------------------
    def connect(self, c, r, entry):
        with self.lock:
            plan = self.proxy_faults.get(r.headers.get("x-key", ""))
            how = None
            if plan and plan[0] != 0:
                plan[0] -= 1
                how = plan[1]
        if how:
            entry["fault"] = how
            if how.isdigit():
                return self.answer(c, r, int(how), [("X-Proxy", "no")], b"no tunnel\n")
            return FAULTS[how](self, c, r, entry, [], b"")
        host, port = r.target.rsplit(":", 1)
        try:
            other = socket.create_connection((host, int(port)), 5)
        except OSError:
            return self.answer(c, r, 502, [("X-Proxy", "no")], b"nobody there\n")
        entry["complete"] = True
        c.send(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
        if c.rest:
            other.sendall(c.rest)
        with other:
            ends = {c.sock: other, other: c.sock}
            while True:
                for ready in select.select(list(ends), [], [], 60)[0]:
                    try:
                        data = ready.recv(65536)
                        if data:
                            ends[ready].sendall(data)
                            continue
                    except ConnectionResetError:
                        c.reset()
                    raise Gone


def is_closed(sock):
    """Whether either side has closed the connection."""
    fd = sock.fileno()
    if fd < 0:
        return True
    poll = select.poll()
    poll.register(fd, select.POLLRDHUP)
    # Another thread may have closed it meanwhile, and a third one may have got its number.
    return bool(poll.poll(0)) or sock.fileno() != fd


REASONS = {100: "Continue", 103: "Early Hints", 200: "OK", 204: "No Content",
           206: "Partial Content", 302: "Found", 303: "See Other", 401: "Unauthorized",
           404: "Not Found", 416: "Range Not Satisfiable", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
           504: "Gateway Timeout"}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--cert")
    p.add_argument("--key")
    a = p.parse_args()
    server = FaultServer(a.cert, a.key, a.port)
    print(server.port, flush=True)
    server.serve()


if __name__ == "__main__":
    main()
