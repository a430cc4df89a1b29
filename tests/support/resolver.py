# SPDX-License-Identifier: MIT
"""Runs a command in a network namespace with a name server that fails at first.

    unshare -rmn python3 resolver.py FAILURES COMMAND...     (-r only if the caller is not root)

Every name resolves to 127.0.0.1, except that names below none.example do not exist. The first
FAILURES queries get SERVFAIL. Each query is written as a line to $QUESTIONS. A server on port 80
answers every connection. The command inherits the environment of the caller, and its exit status
becomes ours."""
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

SIOCSIFFLAGS, IFF_UP, SERVFAIL, NXDOMAIN, A = 0x8914, 1, 2, 3, 1


def loopback_up():
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def answer_names(s, failures, log):
    while True:
        query, peer = s.recvfrom(512)
        end = query.index(b"\0", 12)
        kind, = struct.unpack_from("!H", query, end + 1)
        question, failures = query[12:end + 5], failures - 1
        print(kind, question[:-4], file=log, flush=True)
        is_none = question[:-4].endswith(b"\4none\7example\0")
        status, found = SERVFAIL if failures >= 0 else NXDOMAIN if is_none else 0, b""
        if not status and kind == A:
            found = struct.pack("!HHHIH4s", 0xc00c, A, 1, 60, 4, bytes([127, 0, 0, 1]))
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | status, 1, bool(found), 0, 0)
        s.sendto(head + question + found, peer)


def answer_connections(s):
    while True:
        c, _ = s.accept()
        c.recv(4096)
        c.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nfound\n")
        c.close()


def main():
    loopback_up()
    names, listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
    names.bind(("127.0.0.1", 53))
    listener.bind(("127.0.0.1", 80))
    listener.listen(16)
    with tempfile.NamedTemporaryFile("w") as conf:
        conf.write("nameserver 127.0.0.1\noptions attempts:1 timeout:5\n")
        conf.flush()
        subprocess.run(["mount", "--bind", conf.name, "/etc/resolv.conf"], check=True)
        log = open(os.environ.get("QUESTIONS", os.devnull), "w", encoding="ascii")
        threading.Thread(target=answer_names, args=(names, int(sys.argv[1]), log),
                         daemon=True).start()
        threading.Thread(target=answer_connections, args=(listener,), daemon=True).start()
        env = dict(os.environ)
        preload = env.pop("PRELOAD", None)  # only for the command, not for this script and mount
        if preload:
            env["LD_PRELOAD"] = preload
        return subprocess.run(sys.argv[2:], env=env, check=False).returncode


sys.exit(main())
