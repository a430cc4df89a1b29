# SPDX-License-Identifier: MIT
"""An FTP server with one file, as the target of a redirect from HTTP."""
import socket
import threading

FILE = b"a file that came by ftp\n"
ANSWERS = {"USER": "331 password?", "PASS": "230 welcome", "PWD": '257 "/" is here', "TYPE": "200 yes",
           "SIZE": f"213 {len(FILE)}", "CWD": "250 there", "MDTM": "213 20260101000000"}


class FtpServer:
    """The answers are always the same: all data connections use one port. A path that begins with
    "no" does not exist."""

    def __init__(self, host="127.0.0.1"):
        self.control = socket.create_server((host, 0), backlog=64)
        self.data = socket.create_server((host, 0), backlog=64)
        self.data.settimeout(10)
        self.port = self.control.getsockname()[1]

    def start(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def stop(self):
        for s in (self.control, self.data):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def serve(self):
        while True:
            try:
                sock, _ = self.control.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(sock,), daemon=True).start()

    def session(self, sock):
        with sock, sock.makefile("rb") as lines:
            def say(line):
                sock.sendall(line.encode() + b"\r\n")
            try:
                say("220 a test")
                for line in lines:
                    word, _, argument = line.decode("latin-1").strip().partition(" ")
                    if word == "QUIT":
                        return say("221 bye")
                    self.answer(word.upper(), argument, say)
            except OSError:
                pass

    def answer(self, word, argument, say):
        if word == "EPSV":
            say(f"229 over there (|||{self.data.getsockname()[1]}|)")
        elif word in ("RETR", "SIZE") and argument.startswith("no"):
            say("550 no such file")
        elif word == "RETR":
            say("150 here it comes")
            with self.data.accept()[0] as data:
                data.sendall(FILE)
            say("226 that was it")
        else:
            say(ANSWERS.get(word, "500 what?"))
