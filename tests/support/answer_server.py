# SPDX-License-Identifier: MIT
"""A server of many hosts. Each gives one answer (answers.py) until the time that it asks for has
passed, and notes when requests come.

One port for everything: HTTP/1.1, HTTP/2 without TLS, both with TLS, and CONNECT to itself. The
path of a request, or the host that a tunnel leads to, tells whether it is the request that the
answer is about, or one of the others:

    http://a7.demo.localhost/          http://a7.demo.localhost/other
    CONNECT a7.demo.localhost:443      CONNECT other-a7.demo.localhost:443
"""
import email.utils
import socket
import ssl
import threading
import time

import h2.config
import h2.connection
import h2.events

from answers import seconds
from faults import Gone
from wire import Connection

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DOMAIN = ".demo.localhost"


class Host:
    """One answer and the requests so far. Times are those of time.monotonic()."""

    def __init__(self, answer):
        self.answer = answer
        self.lock = threading.Lock()
        self.began = None  # when the answer was sent first
        self.lines = []
        self.seen = {"same": [], "other": []}

    def refuses(self, whose, now):
        asked = self.answer.others if whose == "other" else self.answer.retry
        wait = seconds(asked)
        if wait is not None:
            return now < self.began + wait
        return asked == "once" or (whose == "same" and len(self.seen["same"]) == 1)

    def reply(self, whose):
        """Returns (status, header lines)."""
        with self.lock:
            now = time.monotonic()
            self.seen[whose].append(now)
            if self.began is None and whose == "same":
                self.began, self.lines = now, self.answer.lines(time.time())
            if self.began is not None and self.refuses(whose, now):
                return self.answer.status, self.lines
            return 200, []


class AnswerServer:
    def __init__(self, cert, key):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cert, key)
        self.tls.set_alpn_protocols(["h2", "http/1.1"])
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        self.hosts = {}
        self.stopping = False

    def add(self, name, answer):
        """Returns the Host, whose name is NAME.demo.localhost."""
        host = self.hosts[name] = Host(answer)
        return host

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
            threading.Thread(target=self.connection, args=(sock,), daemon=True).start()

    def connection(self, sock):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(60)
            self.speak(sock)
        except (Gone, OSError, ValueError, KeyError):
            pass
        finally:
            sock.close()

    def speak(self, sock):
        """In the protocol that the client begins with."""
        first = sock.recv(1, socket.MSG_PEEK)
        if first == b"\x16":
            with self.tls.wrap_socket(sock, server_side=True) as tls:
                if tls.selected_alpn_protocol() == "h2":
                    self.http2(tls)
                else:
                    self.http1(tls)
        elif sock.recv(len(PREFACE), socket.MSG_PEEK | socket.MSG_WAITALL) == PREFACE:
            self.http2(sock)
        elif first:
            self.http1(sock)

    def reply(self, authority, path):
        name = authority.split(":")[0].removesuffix(DOMAIN)
        host = self.hosts[name.removeprefix("other-")]
        connect = not path
        if connect != host.answer.connect:
            return 200, []
        other = name.startswith("other-") if connect else path != "/"
        return host.reply("other" if other else "same")

    def http1(self, sock):
        c = Connection(sock)
        while True:
            r = c.head()
            connect = r.method == "CONNECT"
            status, lines = self.reply(r.target if connect else r.headers["host"],
                                       "" if connect else r.path)
            if not connect or status >= 300:
                lines = [*lines, "Content-Length: 0"]
            date = email.utils.formatdate(usegmt=True)
            c.send("\r\n".join([f"HTTP/1.1 {status} .", f"Date: {date}", *lines, "", ""]).encode())
            if connect and status < 300:
                self.speak(sock)
                return

    def http2(self, sock):
        c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False,
                                                                 header_encoding="ascii"))
        c.initiate_connection()
        sock.sendall(c.data_to_send())
        while data := sock.recv(65536):
            for event in c.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    headers = dict(event.headers)
                    status, lines = self.reply(headers[":authority"], headers[":path"])
                    c.send_headers(event.stream_id, http2_headers(status, lines), end_stream=True)
                elif isinstance(event, h2.events.ConnectionTerminated):
                    return
            sock.sendall(c.data_to_send())


def http2_headers(status, lines):
    """There are no folded lines in HTTP/2."""
    headers = [[":status", str(status)], ["date", email.utils.formatdate(usegmt=True)]]
    for line in lines:
        if line[0] in " \t":
            headers[-1][1] = f"{headers[-1][1]} {line.strip()}".strip()
        else:
            name, value = line.split(":", 1)
            headers.append([name.lower(), value.strip()])
    return [tuple(h) for h in headers]
