# SPDX-License-Identifier: MIT
"""Unmodified programs and real servers: each fails without the shim and recovers with it."""
import os
import threading
import time
import unittest

import bed
import servers

CURL = ["curl", "-sS"]
GOOD = bed.body_of(64)


class Curl(bed.Bed):
    def recovers(self, arguments, how="503", status=0, bare_status=None, tls=False, body=None,
                 expect=GOOD, data=None, attempts=3, query=None):
        """The same command meets the fault without the shim, but not with it."""
        results = []
        for run in (bed.bare, bed.hardened):
            key = bed.unique("curl")
            url = self.url(key, tls=tls, path="/dir/name", fail=2, how=how, **(query or {}))
            command = [a.replace("{url}", url) for a in CURL + arguments]
            outcome = run(command, data=data)
            results.append((outcome, (self.https if tls else self.http).log(key)))
        (plain, plain_log), (shim, log) = results
        self.assertEqual(len(plain_log), 1)
        if bare_status is not None:
            self.assertEqual(plain.status, bare_status, plain.err)
        else:
            self.assertNotEqual((plain.status, plain.out), (status, expect))
        self.assertEqual(shim.status, status, shim.err)
        self.assertEqual(len(log), attempts)
        self.assertEqual(shim.err, b"")
        if expect is not None:
            self.assertEqual(shim.out, expect)
        return shim, log

    def test_plain_get(self):
        self.recovers(["{url}"])

    def test_reset(self):
        self.recovers(["{url}"], how="rst", bare_status=56)

    def test_empty_reply(self):
        self.recovers(["{url}"], how="fin", bare_status=52)

    def test_fail(self):
        self.recovers(["--fail", "{url}"], bare_status=22)

    def test_fail_with_body(self):
        self.recovers(["--fail-with-body", "{url}"], bare_status=22)

    def test_follow(self):
        hop = self.url(bed.unique("hop"), path="/hop", to="{to}")
        key = bed.unique("follow")
        to = self.url(key, fail=2).replace("&", "%26").replace("?", "%3F")
        outcome = bed.hardened(CURL + ["-L", hop.replace("{to}", to)])
        self.assertEqual((outcome.status, outcome.out), (0, GOOD))
        self.assertEqual(len(self.http.log(key)), 3)

    def test_include(self):
        shim, _ = self.recovers(["-i", "{url}"], expect=None)
        self.assertTrue(shim.out.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(shim.out.count(b"HTTP/1.1"), 1, "one response only")

    def test_head(self):
        shim, log = self.recovers(["-I", "{url}"], expect=None)
        self.assertEqual(shim.out.count(b"HTTP/1.1"), 1)
        self.assertEqual(log[0]["method"], "HEAD")

    def test_dump_header(self):
        path = os.path.join(bed.fresh_dir(), "head")
        self.recovers(["-D", path, "{url}"])
        with open(path, "rb") as f:
            self.assertEqual(f.read().count(b"HTTP/1.1"), 1)

    def test_output_file(self):
        path = os.path.join(bed.fresh_dir(), "out")
        self.recovers(["-o", path, "{url}"], expect=b"", bare_status=0)
        with open(path, "rb") as f:
            self.assertEqual(f.read(), GOOD)

    def test_remote_name(self):
        directory = bed.fresh_dir()
        key = bed.unique("O")
        outcome = bed.hardened(CURL + ["-O", self.url(key, path="/dir/name", fail=2)],
                               cwd=directory)
        self.assertEqual(outcome.status, 0)
        self.assertEqual(os.listdir(directory), ["name"])
        with open(os.path.join(directory, "name"), "rb") as f:
            self.assertEqual(f.read(), GOOD)

    def test_resume(self):
        for how in ("503", "rst"):
            path = bed.fresh_file(GOOD[:20])
            key = bed.unique("resume")
            outcome = bed.hardened(CURL + ["-C", "-", "-o", path,
                                           self.url(key, fail=2, how=how, ranges=1)])
            self.assertEqual(outcome.status, 0, outcome.err)
            self.assertEqual(len(self.http.log(key)), 3)
            with open(path, "rb") as f:
                self.assertEqual(f.read(), GOOD)

    def test_retries_of_curl_itself_are_not_multiplied_by_much(self):
        key = bed.unique("retry")
        outcome = bed.hardened(CURL + ["--retry", "0", self.url(key, fail=-1)])
        self.assertEqual(len(self.http.log(key)), 3)
        self.assertEqual(outcome.status, 0)

    def test_upload(self):
        path = bed.fresh_file(bed.body_of(5000))
        self.recovers(["-T", path, "{url}"])

    def test_post_is_not_repeated(self):
        for arguments in (["-d", "a=b"], ["-F", "a=b"], ["--json", "{}"], ["-X", "POST"],
                          ["-X", "PATCH"]):
            key = bed.unique("post")
            url = self.url(key, fail=2)
            shim, plain = bed.hardened(CURL + arguments + [url]), None
            self.assertEqual(len(self.http.log(key)), 1, arguments)
            self.http.reset(key)
            plain = bed.bare(CURL + arguments + [url])
            self.assertEqual((shim.status, shim.out, shim.err),
                             (plain.status, plain.out, plain.err))

    def test_get_with_data(self):
        self.recovers(["-G", "-d", "x=y", "{url}"])

    def test_proxy(self):
        self.recovers(["-x", f"http://127.0.0.1:{self.http.port}", "{url}"])

    def test_tunnel(self):
        self.recovers(["-p", "-x", f"http://127.0.0.1:{self.http.port}", "{url}"])

    def test_tls_through_a_tunnel_that_is_refused(self):
        key = bed.unique("ctls")
        self.http.proxy(key, 2, "503")
        outcome = bed.hardened(CURL + [
            "--cacert", self.ca, "-x", f"http://127.0.0.1:{self.http.port}", "--proxy-header",
            f"X-Key: {key}", self.url(key, tls=True)])
        self.assertEqual((outcome.status, outcome.out), (0, GOOD), outcome.err)

    def test_tls(self):
        self.recovers(["--cacert", self.ca, "{url}"], tls=True)
        self.recovers(["--cacert", self.ca, "{url}"], tls=True, how="rst", bare_status=56)

    def test_untrusted_certificate_is_not_hammered(self):
        before = self.https.connections
        outcome = bed.hardened(CURL + [self.url(bed.unique("t"), tls=True)])
        self.assertEqual(outcome.status, 60)
        self.assertEqual(self.https.connections - before, 1)

    def test_many_addresses_in_one_command(self):
        keys = [bed.unique("m") for _ in range(5)]
        outcome = bed.hardened(CURL + [self.url(k, fail=1, size=10) for k in keys])
        self.assertEqual((outcome.status, outcome.out), (0, bed.body_of(10) * 5))

    def test_time_limit_is_kept(self):
        began = time.monotonic()
        outcome = bed.hardened(CURL + ["-m", "1", self.url(bed.unique("m"), fail=-1, how="never")],
                               attempt_timeout="300ms")
        self.assertEqual(outcome.status, 28)
        self.assertLess(time.monotonic() - began, 1.6)

    def test_a_server_that_comes_up_late(self):
        port = servers.free_port()
        late = []
        timer = threading.Timer(0.4, lambda: late.append(bed.FaultServer(port=port).start()))
        timer.start()
        try:
            outcome = bed.hardened(CURL + ["-d", "a=b", f"http://127.0.0.1:{port}/late?size=64"],
                                   base_delay="800ms", max_delay="800ms", jitter="none")
            self.assertEqual((outcome.status, outcome.out), (0, GOOD), outcome.err)
        finally:
            timer.join()
            late[0].stop()


PYCURL = """
import pycurl, io, sys
b = io.BytesIO()
c = pycurl.Curl()
c.setopt(c.URL, sys.argv[1]); c.setopt(c.WRITEDATA, b)
c.perform()
sys.stdout.write("%d %d" % (c.getinfo(c.RESPONSE_CODE), len(b.getvalue())))
"""
PYCURL_MULTI = """
import pycurl, io, sys
m = pycurl.CurlMulti(); b = io.BytesIO(); c = pycurl.Curl()
c.setopt(c.URL, sys.argv[1]); c.setopt(c.WRITEDATA, b)
m.add_handle(c)
n = 1
while n:
    while True:
        ret, n = m.perform()
        if ret != pycurl.E_CALL_MULTI_PERFORM: break
    m.select(0.2)
q, ok, bad = m.info_read()
sys.stdout.write("%d %d" % (c.getinfo(c.RESPONSE_CODE), len(b.getvalue())))
"""
PHP = """$c = curl_init($argv[1]); curl_setopt($c, CURLOPT_RETURNTRANSFER, true);
$r = curl_exec($c); echo curl_getinfo($c, CURLINFO_RESPONSE_CODE), " ", strlen($r);"""
PERL = """use WWW::Curl::Easy; my $c = WWW::Curl::Easy->new; my $b = "";
$c->setopt(CURLOPT_URL, $ARGV[0]); open(my $f, ">", \\$b); $c->setopt(CURLOPT_WRITEDATA, $f);
$c->perform; print $c->getinfo(CURLINFO_RESPONSE_CODE), " ", length($b);"""


class Programs(bed.Bed):
    def recovers(self, command, tls=False):
        key = bed.unique("program")
        url = self.url(key, tls=tls, fail=2, fsize=7)
        plain = bed.bare([a.replace("{url}", url) for a in command])
        self.assertEqual(plain.text, "503 7", plain.err)
        self.http.seen(key, 0)
        before = len(self.http.log(key))
        shim = bed.hardened([a.replace("{url}", url) for a in command])
        self.assertEqual((shim.status, shim.text, shim.err), (0, "200 64", b""))
        self.assertEqual(len(self.http.log(key)) - before, 3)

    def test_pycurl(self):
        self.recovers(["/usr/bin/python3", "-c", PYCURL, "{url}"])

    def test_pycurl_of_the_multi_interface(self):
        self.recovers(["/usr/bin/python3", "-c", PYCURL_MULTI, "{url}"])

    def test_php(self):
        self.require("php")
        self.recovers(["php", "-r", PHP, "{url}"])

    def test_perl(self):
        self.recovers(["perl", "-e", PERL, "{url}"])

    def test_cmake_download(self):
        self.require("cmake")
        directory = bed.fresh_dir()
        script, out = os.path.join(directory, "get.cmake"), os.path.join(directory, "out")
        key = bed.unique("cmake")
        with open(script, "w", encoding="ascii") as f:
            f.write(f'file(DOWNLOAD "{self.url(key, fail=2)}" "{out}" STATUS s)\n'
                    'list(GET s 0 code)\nif(code)\nmessage(FATAL_ERROR "${s}")\nendif()\n')
        plain = bed.bare(["cmake", "-P", script])
        self.assertNotEqual((plain.status, os.path.getsize(out)), (0, 64))
        self.http.seen(key, 0)
        shim = bed.hardened(["cmake", "-P", script])
        self.assertEqual(shim.status, 0, shim.err)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), GOOD)

    def test_a_program_with_both_libcurls(self):
        source = os.path.join(bed.fresh_dir(), "both.py")
        with open(source, "w", encoding="ascii") as f:
            f.write("import ctypes, sys\n"
                    "ctypes.CDLL('libcurl-gnutls.so.4', ctypes.RTLD_GLOBAL)\n" + PYCURL)
        self.recovers(["/usr/bin/python3", source, "{url}"])


# Each looks functions up in the named library, with dlsym() on the handle.
CTYPES = """
import ctypes, sys
def fetch(library, url):
    curl = ctypes.CDLL(library)
    curl.curl_easy_init.restype = ctypes.c_void_p
    body, status = [], ctypes.c_long()
    @ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t,
                      ctypes.c_size_t, ctypes.c_void_p)
    def keep(data, size, count, _):
        body.append(data[:size * count])
        return size * count
    h = ctypes.c_void_p(curl.curl_easy_init())
    curl.curl_easy_setopt(h, 10002, ctypes.c_char_p(url.encode()))
    curl.curl_easy_setopt(h, 20011, keep)
    curl.curl_easy_perform(h)
    curl.curl_easy_getinfo(h, 0x200002, ctypes.byref(status))
    curl.curl_easy_cleanup(h)
    return "%d %d" % (status.value, len(b"".join(body)))
"""
CTYPES_ONE = CTYPES + "sys.stdout.write(fetch('libcurl.so.4', sys.argv[1]))"
CTYPES_TWO = CTYPES + """
for i, flavour in enumerate(("", "-gnutls") * 2):
    print(fetch(f"libcurl{flavour}.so.4", sys.argv[1] + str(i)))
"""
CTYPES_MULTI = """
import ctypes, sys
curl, status, running = ctypes.CDLL("libcurl.so.4"), ctypes.c_long(), ctypes.c_int(1)
curl.curl_easy_init.restype = curl.curl_multi_init.restype = ctypes.c_void_p
h, m = ctypes.c_void_p(curl.curl_easy_init()), ctypes.c_void_p(curl.curl_multi_init())
curl.curl_easy_setopt(h, 10002, ctypes.c_char_p(sys.argv[1].encode()))
curl.curl_easy_setopt(h, 44, ctypes.c_long(1))
curl.curl_multi_add_handle(m, h)
while running.value:
    curl.curl_multi_perform(m, ctypes.byref(running))
    curl.curl_multi_wait(m, None, 0, 1000, None)
curl.curl_easy_getinfo(h, 0x200002, ctypes.byref(status))
curl.curl_multi_remove_handle(m, h)
curl.curl_easy_cleanup(h)
curl.curl_multi_cleanup(m)
sys.stdout.write(str(status.value))
"""
PHP_FFI = """$f = FFI::cdef("void *curl_easy_init(); int curl_easy_setopt(void *h, int o, ...);
int curl_easy_perform(void *h); int curl_easy_getinfo(void *h, int i, ...);
void curl_easy_cleanup(void *h);", "libcurl.so.4");
$h = $f->curl_easy_init(); $f->curl_easy_setopt($h, 10002, $argv[1]);
$f->curl_easy_perform($h); $s = FFI::new("long");
$f->curl_easy_getinfo($h, 0x200002, FFI::addr($s)); $f->curl_easy_cleanup($h);
echo $s->cdata;"""


class LookUps(bed.Bed):
    """Programs that look libcurl's functions up at run time, under harden run --audit."""

    def started(self, command, *flags):
        env = bed.hardened_environment()
        del env["LD_PRELOAD"]
        return bed.run([bed.LIBRARY.with_name("harden"), "run", *flags, "--", *command], env)

    def recovers(self, command, failed, well):
        key = bed.unique("lookup")
        url = self.url(key, fail=2, fsize=7)
        command = [a.replace("{url}", url) for a in command]
        plain = bed.bare(command)
        self.assertIn(failed, plain.text, plain.err)
        self.http.seen(key, 0)
        unaudited = self.started(command)
        self.assertEqual((unaudited.text, unaudited.transfers()), (plain.text, 0))
        self.http.seen(key, 0)
        before = len(self.http.log(key))
        shim = self.started(command, "--audit")
        self.assertEqual((shim.status, shim.err), (0, b""))
        self.assertIn(well, shim.text)
        self.assertEqual(len(self.http.log(key)) - before, 3)
        self.assertEqual(shim.transfers(), 1)

    def test_python_ctypes(self):
        self.recovers(["/usr/bin/python3", "-c", CTYPES_ONE, "{url}"], "503 7", "200 64")

    def test_python_ctypes_with_the_multi_interface(self):
        self.recovers(["/usr/bin/python3", "-c", CTYPES_MULTI, "{url}"], "503", "200")

    def test_php_ffi(self):
        self.recovers(["php", "-r", PHP_FFI, "{url}"], "503", "200")

    def test_each_look_up_leads_to_its_own_flavour(self):
        command = ["/usr/bin/python3", "-c", CTYPES_TWO,
                   self.url(bed.unique("two"), fail=1, fsize=7, n="")]
        shim = self.started(command, "--audit")
        self.assertEqual((shim.text, shim.err), ("200 64\n" * 4, b""))
        self.assertEqual(shim.transfers(), 4)
        self.assertEqual({used["node"] for used in shim.health["coverage"]["libcurl"]},
                         {"CURL_OPENSSL_4", "CURL_GNUTLS_3"})

    def test_programs_without_libcurl_behave_as_without_the_library(self):
        for command in (["true"], ["sh", "-c", "echo $0; exit 3"],
                        ["/usr/bin/python3", "-c", "import ctypes\n"
                         "ctypes.CDLL('libm.so.6').ceil, print(ctypes.CDLL(None).abs(-3))\n"
                         "try: ctypes.CDLL('libm.so.6').curl_easy_init\n"
                         "except AttributeError as e: print(e)"],
                        ["perl", "-MPOSIX", "-e", "print floor(2.5)"],
                        ["node", "-e", "console.log(process.arch)"]):
            plain, shim = bed.bare(command), self.started(command, "--audit")
            self.assertEqual((shim.status, shim.out, shim.err),
                             (plain.status, plain.out, plain.err), command)
            self.assertEqual(os.listdir(shim.state), [], command)


class Servers(bed.Bed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nginx = servers.nginx(cls.http.port)

    @classmethod
    def tearDownClass(cls):
        cls.nginx.stop()
        super().tearDownClass()

    def same(self, *arguments):
        plain, shim = bed.bare(CURL + list(arguments)), bed.hardened(CURL + list(arguments))
        self.assertEqual((shim.status, shim.err), (plain.status, plain.err))
        self.assertEqual(shim.out, plain.out)
        self.assertEqual(plain.status, 0, plain.err)
        return shim

    def through_nginx(self, arguments, tls=True):
        key = bed.unique("nginx")
        base = (f"https://localhost:{self.nginx.tls_port}" if tls
                else f"http://localhost:{self.nginx.port}")
        shim = bed.hardened(CURL + arguments + ["--cacert", self.ca, "-w", "%{http_version}",
                                                f"{base}/fault/x?key={key}&fail=2"])
        self.assertEqual(shim.status, 0, shim.err)
        self.assertEqual(len(self.http.log(key)), 3)
        return shim

    def test_a_file_over_http(self):
        shim = self.same(f"http://localhost:{self.nginx.port}/file.txt")
        self.assertEqual(shim.out, bed.body_of(100000))

    def test_a_file_over_https_with_http1_and_http2(self):
        for version in ("--http1.1", "--http2"):
            shim = self.same(version, "--cacert", self.ca,
                             f"https://localhost:{self.nginx.tls_port}/file.txt")
            self.assertEqual(shim.out, bed.body_of(100000))

    def test_a_range_of_a_file(self):
        self.same("-r", "5-99", f"http://localhost:{self.nginx.port}/file.txt")

    def test_a_failing_backend_over_http(self):
        self.assertEqual(self.through_nginx([], tls=False).out, GOOD + b"1.1")

    def test_a_failing_backend_over_http2(self):
        self.assertEqual(self.through_nginx(["--http2"]).out, GOOD + b"2")

    def test_an_upload_over_http2(self):
        path = bed.fresh_file(bed.body_of(50000))
        key = bed.unique("nginx")
        shim = bed.hardened(CURL + ["--http2", "--cacert", self.ca, "-T", path,
                                    f"https://localhost:{self.nginx.tls_port}/fault/x?key={key}"
                                    "&fail=2&echo=1"])
        self.assertEqual(shim.status, 0, shim.err)
        self.assertEqual([e["length"] for e in self.http.log(key)], [50000] * 3)

    def test_haproxy_without_its_backend_until_it_comes_up(self):
        backend = servers.free_port()
        front = servers.haproxy(backend)
        late = []
        try:
            url = f"http://localhost:{front.port}/x?size=64"
            plain = bed.bare(CURL + ["-w", "%{http_code}", "-o", "/dev/null", url])
            self.assertEqual(plain.text, "503")
            timer = threading.Timer(0.5,
                                    lambda: late.append(bed.FaultServer(port=backend).start()))
            timer.start()
            shim = bed.hardened(CURL + [url], base_delay="600ms", max_delay="600ms",
                                jitter="none")
            timer.join()
            self.assertEqual((shim.status, shim.out), (0, GOOD), shim.err)
        finally:
            front.stop()
            for s in late:
                s.stop()

    def test_haproxy_as_a_forward_proxy(self):
        proxy = servers.haproxy_forward(servers.free_port())
        try:
            key = bed.unique("forward")
            url = f"http://127.0.0.1:{self.http.port}/x?key={key}&size=64"
            through = CURL + ["-x", f"http://127.0.0.1:{proxy.port}"]
            plain = bed.bare(through + [url])
            shim = bed.hardened(through + [url + "&fail=3"])
            self.assertEqual((shim.status, shim.out, shim.err), (0, plain.out, plain.err))
            self.assertEqual(len(self.http.log(key)), 4)
            way = f"http://127.0.0.1:{proxy.port}"
            checks = shim.health["checks"]
            self.assertEqual(set(checks), {f"127.0.0.1:{self.http.port}", way})
            self.assertEqual((checks[way]["attempts"], checks[way]["failures"]), (3, 0))
            self.assertEqual(shim.health["totals"]["requests"], 1)
            self.assertEqual(shim.health["totals"]["hosts"], 1)
        finally:
            proxy.stop()

    def test_failures_of_a_dead_proxy_count_for_the_proxy_only(self):
        dead = servers.free_port()
        urls = [f"http://h{i}.example/" for i in range(7)]
        for how in (["-x", f"http://127.0.0.1:{dead}"], ["-x", f"socks5h://127.0.0.1:{dead}"], []):
            scheme = "socks5h" if how and "socks" in how[1] else "http"
            variable = [] if how else ["env", f"http_proxy=127.0.0.1:{dead}"]
            state = bed.fresh_dir("proxy")
            last = None
            for url in urls:
                last = bed.hardened(variable + CURL + how + [url], state=state, retry="off")
                self.assertEqual(last.status, 7)
            way = f"{scheme}://127.0.0.1:{dead}"
            self.assertIn(f"harden: circuit open for {way}".encode(), last.err)
            checks = last.health["checks"]
            self.assertEqual(last.health["failed"], [way])
            self.assertEqual(checks[way]["breaker"]["rejected"], 2)
            self.assertTrue(all(c["status"] == "healthy" and c["breaker"]["state"] == "closed"
                                for name, c in checks.items() if name != way))

    def test_haproxy_as_a_connect_proxy_that_is_busy_at_first(self):
        tunnels = servers.free_port()
        proxy = servers.haproxy_forward(tunnels)
        late = []
        try:
            command = CURL + ["--cacert", self.ca, "-x", f"http://127.0.0.1:{proxy.port}",
                              f"https://localhost:{self.nginx.tls_port}/file.txt"]
            self.assertEqual(bed.bare(command).status, 56)
            timer = threading.Timer(0.5,
                                    lambda: late.append(bed.FaultServer(port=tunnels).start()))
            timer.start()
            shim = bed.hardened(command, base_delay="600ms", max_delay="600ms", jitter="none")
            timer.join()
            self.assertEqual((shim.status, shim.out), (0, bed.body_of(100000)), shim.err)
            host = shim.health["checks"][f"localhost:{self.nginx.tls_port}"]
            way = shim.health["checks"][f"http://127.0.0.1:{proxy.port}"]
            self.assertEqual(host["consecutive_failures"], 0, "the proxy's fault, not the host's")
            self.assertEqual(way["retries"], host["retries"])
            self.assertEqual(way["breaker"]["opened"], 0)
            self.assertEqual(host["recovered"], 1)
        finally:
            proxy.stop()
            for s in late:
                s.stop()


if __name__ == "__main__":
    unittest.main()
