# SPDX-License-Identifier: MIT
"""Policies that are on but never take effect change nothing that a program sees: the scenarios of
test_transcripts with all of them, compared with bare runs."""
import socket

import bed
import test_transcripts as transcripts
from scenarios import FIRST

POLICIES = {"concurrency": "512", "on_concurrency": "fail", "adaptive": "on", "slow_after": "1h",
            "check_opens": "on", "slo": "99.5%", "slo_latency": "1h"}


class Unused(transcripts.Matrix):
    """With another place as well, if the scenario has no second attempt, which would go there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = socket.create_server(("127.0.0.1", 0))
        cls.place.setblocking(False)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        with cls.place:
            try:
                cls.place.accept()
            except BlockingIOError:
                return
        raise AssertionError("a request went to the other place")

    def settings(self, case):
        settings = {**POLICIES, **case.s.options}
        if case.s.expects == FIRST or case.variant == "at_once":
            settings["fallback"] = "127.0.0.1:%d" % self.place.getsockname()[1]
        return settings


class UnusedByEasy(Unused, transcripts.Transcripts):
    pass


class UnusedByLoops(Unused, transcripts.Loops):
    pass
