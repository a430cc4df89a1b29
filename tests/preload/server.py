# SPDX-License-Identifier: MIT
"""The smallest server that the hosts need. The path selects the answer, its last part identifies
the request:

    .../fN/KEY   503 for the first N requests of this path, then 200; the body names the attempt
    .../ok/KEY   200
    .../late/KEY 200 after 100 ms
    .../hang/KEY no answer until the client closes the connection
"""
import collections
import http.server
import re
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_expect_100(self):
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        with self.server.lock:
            self.server.seen[self.path] += 1
            attempt = self.server.seen[self.path]
        kind = self.path.split("/")[-2]
        if kind == "hang":
            self.connection.settimeout(30)
            try:
                self.connection.recv(1)
            finally:
                self.close_connection = True
            return
        if kind == "late":
            time.sleep(0.1)
        failures = re.fullmatch(r"f(\d+)", kind)
        self.send_response(503 if failures and attempt <= int(failures[1]) else 200)
        body = b"attempt %d" % attempt
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = collections.Counter()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()


    def handle_error(self, *_):
        """Ignores connections of killed clients."""
