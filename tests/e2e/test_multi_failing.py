# SPDX-License-Identifier: MIT
"""A callback of a multi handle that fails: all ends, nobody is called any more, and then all can start
over. Bare, what was refused with the timer's failure crashes libcurl 7.88 and 8.14 when it is freed, and
8.22 counts it for ever; and 7.88 crashes after most failures of a socket callback. So what is as bare is
only what works there; and where an answer comes in the turn of the failure, 7.88 counts it twice."""
import re

import bed


class Failing(bed.Bed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = bed.compile_client("failing")

    def words(self, callback, nth):
        # By number: names are looked up by threads, for which there are times as well.
        url = f"http://127.0.0.1:{self.http.port}/x?key={bed.unique('failing')}&delay_ms=50"
        return [self.client, callback, nth, url]

    def check(self, told):
        lines = told.text.splitlines()
        rounds = [re.findall(r"-?\d+", line) for line in lines if line.startswith("running")]
        refused = lines.count("add: 11")
        self.assertEqual({r[0] for r in rounds}, {"0"}, "nothing runs for ever")
        self.assertEqual(rounds[0].count("-1"), refused, "what was added has a result")
        self.assertLessEqual(set(rounds[0][1:]), {"0", "42", "-1"})
        for again in rounds[1:]:
            self.assertEqual(again[1:], ["0", "0"], "and all starts over")
        self.assertEqual([line for line in lines if "remove" in line or "cleanup" in line], [])

    def test_all_that_runs_ends_and_nobody_is_called_any_more(self):
        for nth in range(1, 4):
            with self.subTest(nth=nth):
                told = bed.hardened(self.words("timer", nth))
                self.assertEqual(told.status, 0, told.err)
                self.check(told)
                if nth > 1:  # before that nothing ran: it starts over at once
                    self.assertIn("failed: called 0 times afterwards", told.text)

    def test_a_failure_while_one_runs_is_as_bare(self):
        for case in (("timer", 2), ("socket", 1)):
            with self.subTest(case=case):
                words = self.words(*case)
                bare, shim = bed.bare(words), bed.hardened(words)
                self.assertEqual((shim.status, shim.text), (bare.status, bare.text))
