# SPDX-License-Identifier: MIT
"""Shared by all end-to-end tests: the library, the servers, bare and hardened runs."""
import atexit
import concurrent.futures
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import events  # noqa: E402
import packages  # noqa: E402
from ftp_server import FtpServer  # noqa: E402
from fault_server import FaultServer, body_of  # noqa: E402,F401  (tests take body_of from here)

LIBRARY = Path(os.environ.get("LIBHARDEN", ROOT / "build" / "release" / "libharden.so")).resolve()
BUILD = ROOT / "build" / "e2e"
TIMEOUT_S = 60
# The file name of the board in a state directory, which contains its layout number.
BOARD = "board." + re.search(r"#define BOARD_LAYOUT +(\d+)",
                             (ROOT / "src/engine/board/board.h").read_text())[1]

# Short delays for tests, without the configuration of the machine.
QUICK = {"HARDEN_CONFIG": "none", "HARDEN_BASE_DELAY": "10ms", "HARDEN_MAX_DELAY": "40ms"}

# For tests with many failures; the retry budget and the breaker have tests of their own.
PATIENT = {"retry_budget": "off", "breaker": "off"}

_scratch = None
_lock = threading.Lock()
_numbers = iter(range(1, 1 << 30))
_certificates = None


def base_dir():
    """Returns where directories of tests are; None: where those of tempfile are."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def scratch():
    """Returns a directory of this test process, which is removed at its end."""
    global _scratch
    with _lock:
        if _scratch is None:
            _scratch = tempfile.mkdtemp(prefix="harden-e2e-", dir=base_dir())
            atexit.register(shutil.rmtree, _scratch, True)
        return _scratch


def libcurl_version():
    """Returns the version of the libcurl that the clients use, such as (8, 14, 1)."""
    function = ctypes.CDLL("libcurl.so.4").curl_version
    function.restype = ctypes.c_char_p
    return tuple(map(int, function().split(b"/")[1].split(b" ")[0].split(b".")))


def needs(package):
    """Skips a test, with a message, if the release lacks the package."""
    if packages.lacks(package):
        raise unittest.SkipTest(packages.reason(package))


def unique(prefix="k"):
    return f"{prefix}{os.getpid()}-{next(_numbers)}"


def fresh_dir(prefix="d"):
    path = os.path.join(scratch(), unique(prefix))
    os.mkdir(path, 0o700)
    return path


def fresh_file(data, prefix="f"):
    path = os.path.join(scratch(), unique(prefix))
    with open(path, "wb") as f:
        f.write(data)
    return path


def compile_client(name):
    """Compiles tests/support/NAME*.c with the shared sources, again only if a source is newer."""
    target, support = BUILD / name, ROOT / "tests" / "support"
    sources = [*sorted(support.glob(f"{name}*.c")), support / "turn.c"]
    with _lock:
        headers = [*support.glob(f"{name}*.h"), support / "turn.h"]
        newest = max(s.stat().st_mtime for s in [*sources, *headers])
        if target.exists() and target.stat().st_mtime >= newest:
            return str(target)
        BUILD.mkdir(parents=True, exist_ok=True)
        temporary = f"{target}.{os.getpid()}"
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra",
                        "-D_GNU_SOURCE", "-o", temporary, *map(str, sources), "-lcurl",
                        "-lpthread"], check=True)
        os.rename(temporary, target)
        return str(target)


def certificates():
    """Returns (ca, certificate, key) of a test CA for localhost, created once per process."""
    global _certificates
    base = scratch()
    with _lock:
        if _certificates:
            return _certificates

        def path(name):
            return os.path.join(base, name)

        def openssl(*args):
            subprocess.run(["openssl", *args], check=True, capture_output=True)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *key, "-keyout", path("ca.key"), "-out", path("ca.pem"),
                "-days", "2", "-subj", "/CN=harden test CA",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl("req", *key, "-keyout", path("host.key"), "-out", path("host.csr"),
                "-subj", "/CN=localhost")
        with open(path("host.ext"), "w", encoding="ascii") as f:
            f.write("subjectAltName=DNS:localhost,DNS:*.demo.localhost,IP:127.0.0.1\n"
                    "authorityKeyIdentifier=keyid\n")  # required by Python 3.13
        openssl("x509", "-req", "-in", path("host.csr"), "-CA", path("ca.pem"), "-CAkey",
                path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", path("host.ext"),
                "-out", path("host.pem"))
        _certificates = path("ca.pem"), path("host.pem"), path("host.key")
        return _certificates


def server(tls=False):
    if tls:
        _, cert, key = certificates()
        return FaultServer(cert, key).start()
    return FaultServer().start()


def ftp_server():
    return FtpServer().start()


class Outcome:
    """One finished run of a program."""

    def __init__(self, process, out, err, state):
        self.status, self.out, self.err, self.state = process.returncode, out, err, state

    @property
    def text(self):
        return self.out.decode("latin-1")

    @property
    def health(self):
        with open(os.path.join(self.state, "health.json"), encoding="utf-8") as f:
            return json.load(f)

    def transfers(self, *interfaces):
        """Returns the number of transfers that the library saw, of "easy" and "multi" or one of
        them; 0 also if it wrote no snapshot."""
        if not os.path.exists(os.path.join(self.state, "health.json")):
            return 0
        coverage = self.health["coverage"]
        return sum(coverage[f"transfers_{i}"] for i in interfaces or ("easy", "multi"))


def environment(extra=None):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("HARDEN_") and k != "LD_PRELOAD" and "proxy" not in k.lower()}
    kept.update(LC_ALL="C", HOME=scratch(), NO_PROXY="", no_proxy="")
    kept.update(extra or {})
    return kept


def hardened_environment(state=None, **options):
    """Options are keywords: rate="5/1s" becomes HARDEN_RATE; None removes one of QUICK."""
    if not LIBRARY.exists():
        raise AssertionError(f"{LIBRARY} is not built: run make")
    extra = dict(QUICK, LD_PRELOAD=str(LIBRARY), HARDEN_STATE=state or fresh_dir("state"))
    for name, value in options.items():
        extra["HARDEN_" + name.upper()] = value
    return environment({k: v for k, v in extra.items() if v is not None})


def start(command, env, stdin=None, **kw):
    return subprocess.Popen([str(c) for c in command], env=env, stdin=stdin or subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)


def finish(process, env, data=None, timeout=TIMEOUT_S):
    try:
        out, err = process.communicate(data, timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args} did not end within {timeout} s; so far: "
                             f"{out[-500:]!r} {err[-500:]!r}") from None
    for path in (env.get("HARDEN_EVENTS"), env.get("HARDEN_TRACE")):
        if path and os.path.isfile(path):
            events.read(path)  # all of them are as the schema says
    return Outcome(process, out, err, env.get("HARDEN_STATE"))


def run(command, env, stdin=None, data=None, timeout=TIMEOUT_S, **kw):
    if data is not None:
        stdin = subprocess.PIPE
    return finish(start(command, env, stdin, **kw), env, data, timeout)


def bare(command, stdin=None, data=None, timeout=TIMEOUT_S, **kw):
    return run(command, environment(), stdin, data, timeout, **kw)


def hardened(command, stdin=None, data=None, state=None, timeout=TIMEOUT_S, reached=True, cwd=None,
             **options):
    """A run under the shim. Fails if no hook was reached, because such a run would prove nothing."""
    o = run(command, hardened_environment(state, **options), stdin, data, timeout, cwd=cwd)
    if reached and o.transfers() == 0:
        raise AssertionError(f"the hooks were not reached: {command}: {o.status} {o.err[-500:]!r}")
    return o


def in_parallel(function, items, workers=6):
    """Calls function(item) for all items in parallel and returns the results in order. An exception
    is a result."""
    def guarded(item):
        try:
            return function(item)
        except Exception as e:  # pylint: disable=broad-except
            return e
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(guarded, items))


class Bed(unittest.TestCase):
    """A test case with one plain and one TLS fault server per class."""
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.http, cls.https = server(), server(tls=True)
        cls.ca = certificates()[0]

    @classmethod
    def tearDownClass(cls):
        cls.http.stop()
        cls.https.stop()

    def url(self, key, tls=False, path="/get", **query):
        base = self.https.url if tls else self.http.url
        parts = "&".join(f"{k}={v}" for k, v in {"key": key, **query}.items())
        return f"{base}{path}?{parts}"

    def require(self, *programs):
        for program in programs:
            self.assertTrue(shutil.which(program) or os.path.exists(program),
                            f"{program} is missing: scripts/setup check")
