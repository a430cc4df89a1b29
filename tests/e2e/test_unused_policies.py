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

    in_force = False

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
                raise AssertionError("a request went to the other place")
            except BlockingIOError:
                pass
        if not cls.in_force:
            raise AssertionError("no run has an objective: the policies were not in force")

    def settings(self, case):
        settings = {**POLICIES, **case.s.options}
        if case.s.expects == FIRST or case.variant == "at_once":
            settings["fallback"] = "127.0.0.1:%d" % self.place.getsockname()[1]
        return settings

    def compare(self, shim, plain, must=(), may=()):
        super().compare(shim, plain, must, may)
        for host in shim.health["checks"].values():
            limit = host["concurrency"]
            self.assertEqual((host["breaker"]["slow"], host["fallback_used"], limit["waited"],
                              limit["rejected"], limit["in_flight"] or 0), (0,) * 5)
            if host["slo"]:  # null if the program ended all requests itself
                type(self).in_force = True


class UnusedByEasy(Unused, transcripts.Transcripts):
    pass


class UnusedByLoops(Unused, transcripts.Loops):
    pass
