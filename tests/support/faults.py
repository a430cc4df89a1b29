# SPDX-License-Identifier: MIT
"""The faults of fault_server.py. Each function gets the server, the connection, the request, its
log entry, and the headers and body of a failure."""
import random
import time

BODY_BLOCK = bytes(range(32, 127)) + b"\n"
ENDLESS_S = 20  # an endless fault ends when the client closes the connection, or after this time


def body_of(size):
    return (BODY_BLOCK * (size // len(BODY_BLOCK) + 1))[:size]


class Gone(Exception):
    """The connection has ended, on purpose or not."""


def rst(s, c, r, entry, headers, body):
    c.reset()


def fin(s, c, r, entry, headers, body):
    c.finish()


def half_head(s, c, r, entry, headers, body):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Ha")


def rst_head(*args):
    half_head(*args)
    args[1].reset()


def half(s, c, r, entry, headers, body):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Half: yes\r\n")
    c.finish()


def rst_body(s, c, r, entry, headers, body):
    s.answer(c, r, 200, headers, body, cut=len(body) // 2)
    c.reset()


def rst_after_head(s, c, r, entry, headers, body):
    s.answer(c, r, 200, headers, body, cut=0)
    c.reset()


def partial(s, c, r, entry, headers, body):
    s.answer(c, r, 200, headers, body, cut=len(body) // 2)
    c.finish()


def partial503(s, c, r, entry, headers, body):
    s.answer(c, r, 503, headers, body, cut=len(body) // 2)
    c.finish()


def slow_head(s, c, r, entry, headers, body):
    for byte in s.head_of(200, headers + [("Content-Length", "0")]):
        c.send(bytes([byte]))
        time.sleep(r.number("step_ms", 50) / 1000)


def slow_body(s, c, r, entry, headers, body):
    c.send(s.head_of(200, headers + [("Content-Length", str(len(body)))]))
    for byte in body:
        c.send(bytes([byte]))
        time.sleep(r.number("step_ms", 50) / 1000)


def never(s, c, r, entry, headers, body):
    c.wait_gone(ENDLESS_S)


def garbage(s, c, r, entry, headers, body):
    c.send(b"\x00\x01\x02SSH-2.0-not_http\r\n\x16\x03\x01\r\n\r\n")
    c.finish()


def http09(s, c, r, entry, headers, body):
    c.send(b"just some words, no header\n")
    c.finish()


def big_head(s, c, r, entry, headers, body):
    line = ("X-Fill", "f" * 1000)
    count = r.number("head_kb", 300)
    s.answer(c, r, r.number("fstatus", 503), headers + [line] * count, body)


def endless(c, entry, first, piece):
    c.send(first)
    end = time.monotonic() + ENDLESS_S
    while time.monotonic() < end:
        c.send(piece)
        entry["sent"] += len(piece)
        time.sleep(0.001)  # fast, but without starving the other tests of processor time
    raise Gone


def endless_1xx(s, c, r, entry, headers, body):
    endless(c, entry, b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")


def endless_503(s, c, r, entry, headers, body):
    endless(c, entry, s.head_of(503, headers), body_of(65536))


def endless_head(s, c, r, entry, headers, body):
    endless(c, entry, b"HTTP/1.1 503 Busy\r\n", b"X-More: " + b"m" * 4000 + b"\r\n")


def mutant(s, c, r, entry, headers, body):
    """Sends a plausible answer with damage that depends only on the seed."""
    chance = random.Random(r.number("seed"))
    status = chance.choice((200, 200, 204, 206, 302, 304, 401, 404, 429, 500, 503, 503, 103, 999))
    lines = headers + [("Content-Length", str(len(body))),
                       ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")]
    if chance.random() < 0.3:
        lines[-2] = ("Transfer-Encoding", "chunked")
        body = b"%x\r\n%s\r\n0\r\nX-T: 1\r\n\r\n" % (len(body), body)
    if chance.random() < 0.3:
        lines.append(("Retry-After", chance.choice(("0", "x", "-1", "99999999999"))))
    data = bytearray(s.head_of(status, lines) + body)
    for _ in range(chance.choice((0, 1, 1, 2, 8))):
        at = chance.randrange(len(data))
        way = chance.randrange(4)
        if way == 0:
            data[at] = chance.randrange(256)
        elif way == 1:
            del data[at:at + chance.randrange(1, 6)]
        elif way == 2:
            data[at:at] = chance.choice((b"\r\n", b"\n", b"\0", b" ", b":", b"9" * 12))
        else:
            data = data[:at + 1]
    c.send(bytes(data))
    c.finish()


FAULTS = {
    "rst": rst, "rst-early": rst, "fin": fin, "rst-head": rst_head, "half": half,
    "rst-body": rst_body, "rst-after-head": rst_after_head, "partial": partial,
    "partial503": partial503, "slow-head": slow_head, "slow-body": slow_body, "never": never,
    "garbage": garbage, "http09": http09, "big-head": big_head, "endless-1xx": endless_1xx,
    "endless-503": endless_503, "endless-head": endless_head, "mutant": mutant,
}
