# SPDX-License-Identifier: MIT
"""A failing callback of a multi handle: all transfers end, no callback is called any more, and then
everything can start again. Without the shim libcurl has bugs here: 7.88 and 8.14 crash when a
handle that was refused with the timer's failure is freed, 8.22 counts it forever, and 7.88
crashes after most failures of a socket callback. So the results are compared only where libcurl
works. If an answer arrives in the turn of the failure, 7.88 counts it twice."""
import re

import bed


class Failing(bed.Bed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = bed.compile_client("failing")

    def words(self, callback, nth):
        # An address, because names are resolved in threads, for which there are timeouts as well.
        url = f"http://127.0.0.1:{self.http.port}/x?key={bed.unique('failing')}&delay_ms=50"
        return [self.client, callback, nth, url]

    def check(self, outcome):
        lines = outcome.text.splitlines()
        rounds = [re.findall(r"-?\d+", line) for line in lines if line.startswith("running")]
        refused = lines.count("add: 11")
        self.assertEqual({r[0] for r in rounds}, {"0"}, "transfers that still run")
        self.assertEqual(rounds[0].count("-1"), refused, "transfers that were added have a result")
        self.assertLessEqual(set(rounds[0][1:]), {"0", "42", "-1"})
        for again in rounds[1:]:
            self.assertEqual(again[1:], ["0", "0"], "everything can start again")
        self.assertEqual([line for line in lines if "remove" in line or "cleanup" in line], [])

    def test_all_transfers_end_and_no_callback_is_called_any_more(self):
        for nth in range(1, 4):
            with self.subTest(nth=nth):
                outcome = bed.hardened(self.words("timer", nth))
                self.assertEqual(outcome.status, 0, outcome.err)
                self.check(outcome)
                if nth > 1:  # before that nothing ran: it starts again at once
                    self.assertIn("failed: called 0 times afterwards", outcome.text)

    def test_a_failure_while_one_runs_is_as_bare(self):
        for case in (("timer", 2), ("socket", 1)):
            with self.subTest(case=case):
                words = self.words(*case)
                bare, shim = bed.bare(words), bed.hardened(words)
                self.assertEqual((shim.status, shim.text), (bare.status, bare.text))
