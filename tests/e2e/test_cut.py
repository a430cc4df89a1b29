# SPDX-License-Identifier: MIT
"""A retry that nobody answers in time: the program gets the failed response before it, and all that
it asks is about that one."""
import unittest

import bed

ASKED = ("%{http_code} %{content_type} %{size_download} %{size_header} %{num_connects} %{errormsg} "
         "%{exitcode} %{method} %{scheme} %{num_redirects} %{http_version}\n")
SHORT = {"max_elapsed": "600ms", "base_delay": "1ms", "breaker": "off"}


class Cut(unittest.TestCase):
    def compare(self, *options, how="503", **config):
        def command():
            url = f"{bed.server().url}/x?key={bed.unique()}&fail=-1&how={how}&then=never"
            return ["curl", "-sS", "-w", ASKED, *options, url]
        bare = bed.bare(command())
        ours = bed.hardened(command(), **{**SHORT, **config})
        self.assertEqual((ours.status, ours.out, ours.err), (bare.status, bare.out, bare.err))
        host = next(iter(ours.health["checks"].values()))
        self.assertEqual(host["attempts"], 2)
        self.assertEqual(host["failures_by"]["timeout"], 0)

    def test_the_whole_response_is_that_of_the_attempt_before(self):
        self.compare("-i")

    def test_an_error_text_is_that_of_the_attempt_before(self):
        self.compare("-f")

    def test_a_response_without_a_body(self):
        self.compare("-I")

    def test_a_failure_without_a_response(self):
        self.compare(how="rst")

    def test_in_a_loop(self):
        self.compare("-Z", "--no-progress-meter")

    def test_within_the_programs_own_time(self):
        self.compare("-m", "0.6", max_elapsed="30s")


if __name__ == "__main__":
    unittest.main()
