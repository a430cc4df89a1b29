# SPDX-License-Identifier: MIT
"""The server never gets a body that differs from the original, and no non-idempotent request twice."""
import hashlib
import itertools
import os
import unittest

import bed
from scenarios import NOISE

BODY = bed.body_of(70000)
FAULTS = ("503", "rst", "rst-early", "fin", "early503", "500", "429")
IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}


def sha(data):
    return hashlib.sha256(data).hexdigest()


def parts(entry):
    """Returns [(headers, content)] of a multipart body, whose boundary is random."""
    boundary = entry["headers"]["content-type"].split("boundary=")[1]
    first, *middle, last = ("\r\n" + entry["multipart"]).split("\r\n--" + boundary)
    if (first, last) != ("", "--\r\n"):
        raise AssertionError(f"not a multipart body: {first[:80]!r} ... {last[-80:]!r}")
    pairs = [part.split("\r\n\r\n", 1) for part in middle]
    return [(headers.strip(), content.encode("latin-1")) for headers, content in pairs]


def comparable(outcome, how):
    """Returns the output of a program without the parts that vary if the answer comes before the
    end of the request body."""
    chance = {"early503": "early-answer", "rst-early": "early-reset"}.get(how)
    change = NOISE[chance][1] if chance else list
    status = outcome.status
    if chance == "early-reset" and status in (55, 56):
        status = "55 or 56"
    return status, change(outcome.text.splitlines())


class Bodies(bed.Bed):
    splittable = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = bed.fresh_file(BODY)
        cls.recorder = bed.compile_client("recorder")

    def upload(self, command, how, whole=BODY, stdin=None, offset=0, multipart=False, fail=2,
               tls=False, **options):
        """Runs `command + URL` hardened, checks every request that the server saw, and returns the
        log."""
        key = bed.unique("body")
        url = self.url(key, tls=tls, path="/up/", fail=fail, how=how, echo=1, ra="0")
        command = [c.replace("{url}", url) for c in command]

        def run(how_to_run, **more):
            if stdin != "file":
                return how_to_run(command, data=whole if stdin == "pipe" else None, **more)
            with open(self.file, "rb") as f:
                # A shell leaves a descriptor at a non-zero offset after `read`.
                os.lseek(f.fileno(), offset, os.SEEK_SET)
                return how_to_run(command, stdin=f, **more)
        server = self.https if tls else self.http
        outcome = run(bed.hardened, **options)
        log = server.log(key)
        self.assertTrue(log, "no request arrived")
        complete = [e for e in log if e["complete"]]
        for n, entry in enumerate(complete):
            if multipart:
                (headers, content), = parts(entry)
                self.assertIn('name="f"', headers)
                self.assertEqual(headers, parts(complete[0])[0][0])
                self.assertEqual(sha(content), sha(whole), f"a part of request {n + 1} differs")
            else:
                self.assertEqual((entry["length"], entry["sha256"]), (len(whole), sha(whole)),
                                 f"complete request {n + 1} has another body")
        if how in ("503", "500", "429", "rst", "fin"):
            self.assertEqual(len(complete), len(log), "an incomplete body was sent")
        if log[-1]["fault"]:
            # No recovery is possible: the program must get what it gets without the shim.
            server.reset(key)
            plain = run(bed.bare)
            self.assertEqual(comparable(outcome, how), comparable(plain, how))
        seen = [e for e in log if e["fault"] not in ("429",)]
        if log[0]["method"] not in IDEMPOTENT:
            self.assertLessEqual(len(seen), 1, "a non-idempotent request arrived twice")
        if outcome.status == 0 and log[-1]["fault"] is None:
            self.assertTrue(log[-1]["complete"], "success without a whole body")
        return outcome, log

    def test_a_file_at_an_offset_is_sent_from_that_offset_each_time(self):
        for how in FAULTS:
            with self.subTest(how=how):
                # curl -T - cannot seek: only data that was not read yet can be resent
                self.upload(["curl", "-sS", "-T", "-", "{url}"], how, BODY[1000:], "file", 1000)

    def test_a_put_from_a_named_file_recovers_with_the_same_bytes(self):
        for how in ("503", "500", "rst", "fin"):
            with self.subTest(how=how):
                outcome, log = self.upload(["curl", "-sS", "-T", self.file, "{url}"], how)
                self.assertEqual(outcome.status, 0, outcome.err)
                self.assertEqual(len(log), 3)
                self.assertIn(sha(BODY), outcome.text)

    def test_a_file_that_libcurl_reads_itself_is_rewound_to_its_start_offset(self):
        for how, driver in itertools.product(FAULTS, DRIVERS):
            with self.subTest(how=how, driver=driver):
                client = [self.recorder, f"driver={driver}", "UPLOAD=1",
                          f"INFILESIZE_LARGE={len(BODY) - 2000}", f"file={self.file}@2000",
                          "URL={url}", "perform"]
                _, log = self.upload(client, how, BODY[2000:])
                self.assertTrue(log[-1]["complete"] or how.startswith(("early", "rst")))

    def test_a_success_under_429_still_carries_the_same_body(self):
        _, log = self.upload(["curl", "-sS", "--data-binary", f"@{self.file}", "{url}"], "429")
        self.assertEqual(len(log), 3)

    def test_an_unread_body_may_be_sent_again_after_a_refused_tunnel(self):
        key = bed.unique("tunnel")
        self.http.proxy(key, 2, "503")
        url = self.url(key, echo=1)
        outcome = bed.hardened(
            ["curl", "-sS", "-p", "-x", f"http://127.0.0.1:{self.http.port}", "--proxy-header",
             f"X-Key: {key}", "--data-binary", "@-", url], data=BODY)
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertIn(sha(BODY), outcome.text)
        self.assertEqual(len(self.http.log(key)), 1)


COMMANDS = {
    "stdin_put_pipe": (["curl", "-sS", "-T", "-", "{url}"], "pipe", False),
    "stdin_put_dot": (["curl", "-sS", "-T", ".", "{url}"], "pipe", False),
    "data_from_file": (["curl", "-sS", "--data-binary", "@{file}", "{url}"], None, False),
    "data_from_stdin": (["curl", "-sS", "--data-binary", "@-", "{url}"], "pipe", False),
    "data_put": (["curl", "-sS", "-X", "PUT", "--data-binary", "@{file}", "{url}"], None, False),
    "json": (["curl", "-sS", "--json", "@{file}", "{url}"], None, False),
    "form": (["curl", "-sS", "-F", "f=@{file}", "{url}"], None, True),
    "form_from_stdin": (["curl", "-sS", "-F", "f=@-", "{url}"], "pipe", True),
    "form_put": (["curl", "-sS", "-X", "PUT", "-F", "f=@{file}", "{url}"], None, True),
    "chunked_post": (["curl", "-sS", "-H", "Transfer-Encoding: chunked", "--data-binary",
                      "@{file}", "{url}"], None, False),
    "post_upload": (["curl", "-sS", "-X", "POST", "-T", "{file}", "{url}"], None, False),
    "patch_upload": (["curl", "-sS", "-X", "PATCH", "-T", "-", "{url}"], "pipe", False),
    "expect": (["curl", "-sS", "-H", "Expect: 100-continue", "-T", "{file}", "{url}"], None,
               False),
    "idempotency_key": (["curl", "-sS", "-H", "Idempotency-Key: 7", "-X", "PUT",
                         "--data-binary", "@{file}", "{url}"], None, False),
}
READS = {
    "put_seek": ("UPLOAD=1", "INFILESIZE_LARGE=50000", "read=50000,seek"),
    "put_ioctl": ("UPLOAD=1", "INFILESIZE_LARGE=50000", "read=50000,ioctl"),
    "put_no_seek": ("UPLOAD=1", "INFILESIZE_LARGE=50000", "read=50000"),
    "put_chunked_seek": ("UPLOAD=1", "read=50000,seek"),
    "put_chunked_no_seek": ("UPLOAD=1", "read=50000"),
    "post_seek": ("POST=1", "POSTFIELDSIZE=50000", "read=50000,seek"),
    "post_chunked_seek": ("POST=1", "HTTPHEADER=Transfer-Encoding: chunked", "read=50000,seek"),
    "post_chunked_no_seek": ("POST=1", "HTTPHEADER=Transfer-Encoding: chunked", "read=50000"),
}
DRIVERS = ("easy", "poll", "socket")
READ_BODY = bytes(ord("a") + i % 23 for i in range(50000))


def add_methods():
    for how in FAULTS:
        for name, (command, stdin, multipart) in COMMANDS.items():
            def method(self, command=command, stdin=stdin, multipart=multipart, how=how):
                command = [c.replace("{file}", self.file) for c in command]
                self.upload(command, how, stdin=stdin, multipart=multipart)
            setattr(Bodies, f"test_{name}__{how.replace('-', '_')}", method)
        for name, options in READS.items():
            for driver in DRIVERS:
                def read(self, name=name, options=options, how=how, driver=driver):
                    client = [self.recorder, f"driver={driver}", *options, "HTTPHEADER=Expect:",
                              "URL={url}", "perform"]
                    _, log = self.upload(client, how, READ_BODY)
                    if "no_seek" not in name and "post" not in name and how != "rst-early":
                        self.assertEqual(log[-1]["fault"], None, "the request was not repeated")
                setattr(Bodies, f"test_read_{name}__{how.replace('-', '_')}__{driver}", read)


add_methods()

if __name__ == "__main__":
    unittest.main()
