# SPDX-License-Identifier: MIT
"""A server that speaks HTTP/2 without TLS from the first byte on (prior knowledge).

    H2cServer().start()      .port, .url, .log(path), .stop()

The query of a path says what happens to its requests:

    fail=N        the first N get `status` (default 429) and `Retry-After: after` (default 1)
    break=N       the first N get a frame that violates the protocol
    (then)        200, with the request's method and body as body
"""
import contextlib
import socket
import threading
import urllib.parse

import h2.config
import h2.connection
import h2.events
import h2.exceptions

BAD_FRAME = b"\0\0\1" + b"\0" + b"\0" + b"\0\0\0\0" + b"x"  # DATA without a stream


class Connection:
    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8"))
        self.requests = {}  # by stream: (headers, body so far)

    def serve(self):
        self.h2.initiate_connection()
        self.sock.sendall(self.h2.data_to_send())
        while data := self.sock.recv(65536):
            for event in self.h2.receive_data(data):
                self.handle(event)
            self.sock.sendall(self.h2.data_to_send())

    def handle(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.requests[event.stream_id] = dict(event.headers), bytearray()
        elif isinstance(event, h2.events.DataReceived):
            self.requests[event.stream_id][1].extend(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.answer(event.stream_id, *self.requests.pop(event.stream_id))

    def answer(self, stream, headers, body):
        number = self.server.note(headers[":path"], self.number)
        query = {k: v[0] for k, v in
                 urllib.parse.parse_qs(urllib.parse.urlsplit(headers[":path"]).query).items()}
        if number <= int(query.get("break", 0)):
            self.sock.sendall(self.h2.data_to_send() + BAD_FRAME)
            return
        if number <= int(query.get("fail", 0)):
            fields = [(":status", query.get("status", "429")),
                      ("retry-after", query.get("after", "1"))]
            body = b"busy"
        else:
            fields = [(":status", "200")]
            body = headers[":method"].encode() + b" " + bytes(body)
        self.h2.send_headers(stream, fields + [("content-length", str(len(body)))])
        self.h2.send_data(stream, body, end_stream=True)


class H2cServer:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.lock = threading.Lock()
        self.seen = {}

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def stop(self):
        self.listener.close()

    def note(self, path, connection):
        """Returns the number of this request among those of its path."""
        with self.lock:
            log = self.seen.setdefault(path, [])
            log.append(connection)
            return len(log)

    def log(self, path):
        """Returns the number of the connection of each request with this path."""
        with self.lock:
            return list(self.seen.get(path, []))

    def accept(self):
        number = 0
        with contextlib.suppress(OSError):  # it was closed
            while True:
                sock, _ = self.listener.accept()
                number += 1
                threading.Thread(target=self.serve, args=(sock, number), daemon=True).start()

    def serve(self, sock, number):
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError), sock:
            Connection(self, sock, number).serve()
