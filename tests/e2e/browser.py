# SPDX-License-Identifier: MIT
"""A headless Chromium, controlled over two pipes with the DevTools protocol, and its screenshots."""
import base64
import json
import os
import select
import shutil
import struct
import subprocess
import tempfile
import time
import zlib

ANSWER_S = 60
# Chromium's sandbox works neither as root nor in most containers; the pages are our own.
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--disable-extensions", "--disable-background-networking",
         "--hide-scrollbars", "--remote-debugging-pipe"]


class Browser:
    """with Browser() as b: b.open(path, width=400, dark=True); b.evaluate("document.title")"""

    def __init__(self):
        if not shutil.which("chromium"):
            raise AssertionError("chromium is missing: scripts/setup check")
        self.profile = tempfile.mkdtemp(prefix="harden-chromium-")
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()

        def set_up_pipes():  # the protocol uses descriptors 3 and 4
            a, b = os.dup(to_read), os.dup(to_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        env = {k: v for k, v in os.environ.items()
               if not k.startswith("HARDEN_") and k != "LD_PRELOAD"}
        self.process = subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
            ["chromium", *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            env=env | {"HOME": self.profile}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=set_up_pipes)
        os.close(to_read)
        os.close(to_write)
        self.received, self.events, self.number, self.session = b"", [], 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session = None
        try:
            self.call("Browser.close")
            self.process.wait(timeout=20)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        shutil.rmtree(self.profile, True)

    def _message(self):
        end = time.monotonic() + ANSWER_S
        while b"\0" not in self.received:
            if not select.select([self.from_browser], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("Chromium does not answer")
            data = os.read(self.from_browser, 1 << 20)
            if not data:
                raise AssertionError(f"Chromium has ended: {self.process.poll()}")
            self.received += data
        message, _, self.received = self.received.partition(b"\0")
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1280, height=900, dark=False, media=""):
        """Loads a file in a window of that size."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=f"file://{path}")
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._message())

    def complaints(self):
        """Returns the messages of the console, the log and the network."""
        wrong = []
        for e in self.events:
            method, params = e.get("method"), e.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded",
                          "Network.loadingFailed"):
                wrong.append(params)
            if method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file:", "data:")):
                    wrong.append(url)
        return wrong

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    def press(self, key, code=0, modifiers=0):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=modifiers,
                      windowsVirtualKeyCode=code, **({"text": "\r"} if key == "Enter" else {}))

    def picture(self, whole=False):
        """Returns a screenshot as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png",
                                          captureBeyondViewport=whole)["data"])


def pixels(png):
    """Returns (width, height, rows of bytes, bytes per pixel) of an 8-bit PNG without interlacing."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, head = 8, b"", None
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        at += 12 + size
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            data += body
    width, height, depth, colour, _, _, interlaced = head
    assert depth == 8 and colour in (2, 6) and not interlaced, head
    n = 3 if colour == 2 else 4
    raw, stride, rows, above = zlib.decompress(data), width * n, [], bytearray(width * n)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride) if kind else ():
            left, up = (row[x - n] if x >= n else 0), above[x]
            corner = above[x - n] if x >= n else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            else:
                p = left + up - corner
                guess = min((abs(p - left), 0, left), (abs(p - up), 1, up),
                            (abs(p - corner), 2, corner))[2]
            row[x] = (row[x] + guess) & 255
        rows.append(bytes(row))
        above = row
    return width, height, rows, n


def colours(png):
    """Returns the number of pixels of each colour."""
    _, _, rows, n = pixels(png)
    counted = {}
    for row in rows:
        for x in range(0, len(row), n):
            colour = row[x:x + 3]
            counted[colour] = counted.get(colour, 0) + 1
    return counted
