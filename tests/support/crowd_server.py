#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An HTTP/1.1 server that counts the requests that it has in flight, in one thread.

A request is in flight from the moment at which it was read until just before its answer is sent, or until its
client is gone. GET /any?delay_ms=100 is answered after that time.

/-/counts returns as JSON, since the last /-/reset: `most` in flight at a time, `served`, `busy_s`: the sum of the
times in flight, and `seconds`. `longest_s`, the longest time for which fewer than `most` were in flight.

    crowd_server.py     prints its port, then serves
"""
import heapq
import json
import select
import socket
import time


class CrowdServer:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        self.clients = {}  # socket, bytes read, by descriptor
        self.flying = {}  # when they began, by descriptor
        self.due = []  # (when to answer, descriptor, its begin)
        self.reset(time.monotonic())

    def reset(self, now):
        self.since, self.at = now, now
        self.most, self.served, self.busy_s = len(self.flying), 0, 0.0
        self.longest_s, self.most_at = 0.0, now

    def pass_time(self, now):
        self.busy_s += len(self.flying) * (now - self.at)
        self.at = now
        if len(self.flying) == self.most:
            self.most_at = now
        self.longest_s = max(self.longest_s, now - self.most_at)

    def counts(self, now):
        return json.dumps({"most": self.most, "served": self.served, "busy_s": self.busy_s,
                           "seconds": now - self.since, "longest_s": self.longest_s})

    def drop(self, fd):
        self.flying.pop(fd, None)
        self.poll.unregister(fd)
        self.clients.pop(fd)[0].close()

    def drop_gone(self):
        """The client of a request in flight sends nothing: what can be read is its end."""
        for fd in list(self.flying):
            try:
                gone = not self.clients[fd][0].recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                self.drop(fd)

    def answer(self, fd, body=b"ok"):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        try:
            self.clients[fd][0].send(head + body)
        except OSError:
            self.drop(fd)

    def begin(self, fd, target, now):
        if target.startswith("/-/"):
            if target == "/-/reset":
                self.reset(now)
            self.answer(fd, self.counts(now).encode())
            return
        delay_ms = int(target.partition("delay_ms=")[2] or 0)
        self.drop_gone()
        self.flying[fd] = now
        if len(self.flying) > self.most:
            self.most, self.most_at, self.longest_s = len(self.flying), now, 0.0
        heapq.heappush(self.due, (now + delay_ms / 1000, fd, now))

    def read(self, fd, now):
        client = self.clients[fd]
        try:
            data = client[0].recv(65536)
        except OSError:
            data = b""
        if not data:
            self.drop(fd)
            return
        client[1] += data
        if b"\r\n\r\n" in client[1]:
            request, client[1] = client[1], b""
            self.begin(fd, request.split(b" ")[1].decode(), now)

    def accept(self):
        client, _ = self.listener.accept()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients[client.fileno()] = [client, b""]
        self.poll.register(client, select.EPOLLIN)

    def serve(self):
        while True:
            wait = max(0, self.due[0][0] - time.monotonic()) if self.due else None
            ready = self.poll.poll(wait)
            now = time.monotonic()
            self.pass_time(now)
            while self.due and self.due[0][0] <= now:
                _, fd, begun = heapq.heappop(self.due)
                if self.flying.get(fd) == begun:
                    del self.flying[fd]
                    self.served += 1
                    self.answer(fd)
            for fd, _ in ready:
                if fd == self.listener.fileno():
                    self.accept()
                elif fd in self.clients:
                    self.read(fd, now)


if __name__ == "__main__":
    server = CrowdServer()
    print(server.port, flush=True)
    server.serve()
