# SPDX-License-Identifier: MIT
"""A program can do the same with a handle whose transfer is parked as with one in flight.

Without the shim the transfer waits for a slow server. With it, the transfer is parked: after a
failed attempt, or for a token before its first one. Return codes, results and bodies are the same,
and valgrind reports no error."""
import difflib
import itertools
import re
import unittest

import bed
from scenarios import LOOPS
from test_lives import VALGRIND

KINDS = ("retry", "token")
WAIT_MS = 500
# Handle 0 takes the token of a limit; handle 1 is the parked one; {new} or dup make number 2.
PREPARE = "new={first} add finish remove cleanup empty={events} new={url} add events={events} "

# script after parking, and the number of requests that reach the server besides the failed one
REMOVING = {
    "remove": ("remove turn=50 remove cleanup end", 0),
    "remove and add again": ("remove add finish cleanup end", 1),
    "remove and add elsewhere": ("remove multi=1 add finish", 1),
    "remove from another one": ("multi=1 add remove multi=0 add finish", 1),
    "remove one of two": ("{new} add use=1 remove use=2 finish", 0),
    "clean up the easy handle": ("cleanup turn=50 end", 0),
    "clean up the multi handle": ("end cleanup", 0),
    "clean up the multi handle first": ("end perform", 1),
    "clean up in the end": ("", 0),
}
CALLING = {
    "call from a progress callback": ("inside finish", 1),
    "abort from a progress callback": ("abort finish", 0),
    "perform": ("perform finish", 1),
    "perform when removed": ("remove perform", 1),
    "perform, then add": ("remove perform add finish", 2),
    "another sink": ("other finish", 1),
    "reset and remove": ("reset remove cleanup end", 0),
    "reset and add again": ("reset remove add finish", 0),
    "duplicate": ("dup use=1 remove cleanup use=2 add finish", 1),
    "duplicate beside it": ("dup add finish", 2),
    "clean up the duplicate": ("dup cleanup use=1 finish", 1),
}
READING = {
    "unread and removed": ("unread finish remove read finish end", 1),
    "unread and cleaned up": ("unread finish cleanup read finish end", 1),
    "unread in the end": ("unread finish end", 1),
}
PAUSING = {
    "pause and unpause": ("pause turn=50 unpause finish", 1),
    "pause until it was due": ("pause turn=1000 unpause finish", 1),
    "pause and remove": ("pause turn=50 remove cleanup end", 0),
    "pause and clean up": ("pause cleanup turn=50 end", 0),
}


def in_order(text):
    """Returns the lines; the order of two transfers that end in one turn varies."""
    groups = itertools.groupby(text.splitlines(), lambda line: line.startswith("message "))
    return [line for sort, lines in groups for line in (sorted(lines) if sort else lines)]


def unpaused(text):
    """Removes data that arrives while a transfer is paused: 8.x may deliver what came with the
    headers."""
    parts = re.split("(?m)^((?:un)?pause 0)$", text)
    parts[2::4] = [re.sub(r", sink of 1: \d+", "", part) for part in parts[2::4]]
    return "".join(parts)


class Parked(bed.Bed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = bed.compile_client("parked")

    def words(self, script, kind, events, key):
        url = self.url(key, fail=int(kind == "retry"), delay_ms=WAIT_MS if kind == "bare" else 0)
        new = self.url(bed.unique("new"), delay_ms=1)
        return (PREPARE + script).format(first=self.url(bed.unique("first")), url=url,
                                         events=events, new=f"new={new}").split()

    def run_words(self, words, kind, events, prefix=()):
        """kind: "bare", or the reason why it is parked."""
        if kind == "bare":
            return bed.bare([*prefix, self.client, *words])
        wait = f"{WAIT_MS}ms"
        return bed.hardened([*prefix, self.client, *words], base_delay=wait, max_delay=wait,
                            jitter="none", rate=f"1/{wait}" if kind == "token" else None,
                            events=events)


class ParkedLives(Parked):
    def check(self, script, requests, style, kinds):
        words = self.words(script, "bare", "/dev/null", bed.unique())
        plain = self.run_words([style, *words], "bare", None)
        self.assertEqual((plain.status, plain.err), (0, b""))
        for kind in kinds:
            events, key = bed.fresh_file(b""), bed.unique("parked")
            shim = self.run_words([style, *self.words(script, kind, events, key)], kind, events)
            diff = difflib.unified_diff(in_order(unpaused(plain.text)), in_order(unpaused(shim.text)),
                                        "bare", kind, lineterm="", n=9)
            self.assertEqual("\n".join(diff), "", kind)
            self.assertEqual((shim.status, shim.err), (0, b""), kind)
            seen = len(self.http.log(key)) - (kind == "retry")
            self.assertEqual(seen, requests, f"requests of the parked transfer: {kind}")

    def check_all(self, scripts, kinds=KINDS):
        jobs = [(name, style) for name in scripts for style in LOOPS]
        results = bed.in_parallel(lambda job: self.check(*scripts[job[0]], job[1], kinds), jobs, 10)
        for (name, style), result in zip(jobs, results):
            with self.subTest(script=name, style=style):
                if isinstance(result, Exception):
                    raise result

    def test_a_parked_handle_can_be_removed_or_cleaned_up(self):
        self.check_all(REMOVING)

    def test_a_parked_handle_answers_every_call(self):
        self.check_all(CALLING)

    def test_the_message_of_a_parked_handle_may_stay_unread(self):
        self.check_all(READING)

    def test_a_parked_handle_can_be_paused(self):
        self.check_all(PAUSING, kinds=("retry",))

    def outputs(self, script, kind):
        """Returns the output of the client in each style."""
        def run(style):
            events = bed.fresh_file(b"")
            words = self.words(script, kind, events, bed.unique("parked"))
            return self.run_words([style, *words], kind, events).text
        return bed.in_parallel(run, LOOPS)

    def test_before_its_first_attempt_a_handle_cannot_be_paused(self):
        words = ["socket", f"new={self.url(bed.unique())}", "add", "pause", "finish"]
        self.assertIn("pause 43\n", self.run_words(words, "bare", None).text)
        for text in self.outputs("pause finish", "token"):
            self.assertIn("pause 43\nmessage of 1: 0, status 200\n", text)

    def test_an_aborted_handle_has_the_status_of_the_failed_attempt(self):
        for text in self.outputs("abort finish status", "retry"):
            self.assertIn('message of 1: 42 "Callback aborted"\n', text)
            self.assertIn("status 0 503\n", text)

    def test_a_reset_handle_ends_with_the_response_that_it_has(self):
        for text in self.outputs("reset finish", "retry"):
            self.assertIn(bed.body_of(40).decode() + "message of 1: 0, status ", text)


class ParkedMemory(Parked):
    """All scripts of a kind in one process, under valgrind."""
    FIRST_IS_SLOW = "new={0} add finish new={0} add finish fresh"

    def check(self, scripts, kind, style):
        events = bed.fresh_file(b"")
        words = [style, *self.FIRST_IS_SLOW.format(self.url(bed.unique("first"))).split()]
        for script, _ in scripts.values():
            words += [*self.words(script, kind, events, bed.unique("parked")), "fresh"]
        outcome = self.run_words(words, kind, events, VALGRIND)
        self.assertEqual((outcome.status, outcome.err), (0, b""))
        self.assertNotIn("nothing is parked", outcome.text)

    def test_a_parked_handle_leaks_no_memory(self):
        jobs = [(scripts, kind, style) for scripts in (REMOVING, CALLING, READING)
                for kind, style in zip(KINDS, ("socket", "poll"))] + [(PAUSING, "retry", "socket")]
        for job, result in zip(jobs, bed.in_parallel(lambda job: self.check(*job), jobs, 7)):
            with self.subTest(scripts=list(job[0]), kind=job[1]):
                if isinstance(result, Exception):
                    raise result


if __name__ == "__main__":
    unittest.main()
