# SPDX-License-Identifier: MIT
"""A retry that gets no answer in time: the program gets the failed response of the attempt before,
and everything that it can query describes that response."""
import re
import unittest
import urllib.parse

import bed

ASKED = ("%{http_code} %{content_type} %{size_download} %{size_header} %{num_connects} %{errormsg} "
         "%{exitcode} %{method} %{scheme} %{num_redirects} %{http_version}\n")
SHORT = {"max_elapsed": "2s", "base_delay": "1ms", "breaker": "off"}


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

    def test_all_queries_describe_the_attempt_before(self):
        """For every CURLINFO, curl_easy_header and curl_easy_nextheader, in callbacks and
        afterwards."""
        recorder = bed.compile_client("recorder")
        server = bed.server()

        def client(*options):
            key = bed.unique()
            url = f"{server.url}/x?key={key}&fail=-1&how=503&then=never"
            if "FOLLOWLOCATION=1" in options:
                url = f"{server.url}/hop?key={key}-hop&to={urllib.parse.quote(url, '')}"
            return [recorder, *options, "inflight=infos", f"URL={url}", "perform"]

        def normal(outcome):  # without the sockets, whose current values are returned
            lines = re.sub(r"\n  asked (29/2|44/5) .*", "", outcome.text)
            return re.sub("(key(=|%3D))[-k0-9]+", r"\1K", lines)

        for driver in "easy", "poll":
            for options in (), ("HEADER=1",), ("FOLLOWLOCATION=1",):
                with self.subTest(driver=driver, options=options):
                    bare = bed.bare(client(f"driver={driver}", *options))
                    ours = bed.hardened(client(f"driver={driver}", *options), **SHORT)
                    self.assertIn("nextheader ", bare.text)
                    self.assertEqual(normal(ours), normal(bare))

    def test_an_error_text_is_that_of_the_attempt_before(self):
        self.compare("-f")

    def test_a_response_without_a_body(self):
        self.compare("-I")

    def test_a_failure_without_a_response(self):
        self.compare(how="rst")

    def test_in_a_loop(self):
        self.compare("-Z", "--no-progress-meter")

    def test_within_the_programs_own_time(self):
        self.compare("-m", "2", max_elapsed="30s")


if __name__ == "__main__":
    unittest.main()
