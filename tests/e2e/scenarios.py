# SPDX-License-Identifier: MIT
"""The scenarios of test_transcripts: what the client does, how the server fails, the result.

SAME   the retries are invisible: the transcript is that of a run against the recovered server.
FIRST  one attempt only: the transcript is that of a bare run against the failing server.

Each of SCENARIOS runs with curl_easy_perform and with each of LOOPS, the ways to drive the multi
interface ({loop} is one of them). LOOP_SCENARIOS run with LOOPS only."""
import re
from dataclasses import dataclass, field

from bed import libcurl_version

LIBCURL = libcurl_version()
SAME, FIRST = "same", "first"
LOOPS = ("poll", "wait", "fdset", "socket")
GET = ("URL={url}", "perform")


@dataclass
class Scenario:
    name: str
    client: tuple = GET
    how: str = "503"
    expects: str = SAME
    query: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    tls: bool = False
    proxy: bool = False          # the CONNECT fails, not the request
    attempts: int = 3            # of a request that never succeeds and may be retried
    differs: tuple = ()          # ids of DIFFERENCES and NOISE, except connection-reuse


def S(name, *client, how="503", expects=SAME, options=None, tls=False, proxy=False, attempts=3,
      differs=(), **query):
    return Scenario(name, client or GET, how, expects, query, options or {}, tls, proxy, attempts,
                    differs)


READ = ("UPLOAD=1", "INFILESIZE_LARGE=5000")
ASKED = "inflight=infos"
PATIENT = {"breaker": "off"}  # more failures in a row than the breaker allows
TUNNEL = ("PROXY={proxy}", "HTTPPROXYTUNNEL=1", "PROXYHEADER=X-Key: {key}")

SCENARIOS = [
    # ---- failures of a server --------------------------------------------------------------------
    S("get"),
    S("get-500", how="500"),
    S("get-502", how="502"),
    S("get-504", how="504"),
    S("get-408", how="408"),
    S("get-429", how="429", ra="0"),
    S("get-429-wait", how="429", ra="1"),
    S("get-503-date", how="503", ra="date:1", differs=("moving-date",)),
    S("get-404", how="404", expects=FIRST),
    S("get-501", how="501", expects=FIRST),
    S("reset-before-answer", how="rst"),
    S("closed-before-answer", how="fin"),
    S("reset-in-header", how="rst-head"),
    S("closed-in-header", how="half"),
    S("reset-after-header", how="rst-after-head", expects=FIRST),
    S("reset-after-header-late", how="rst-after-head", options={"commit": "late"}),
    S("reset-in-body", how="rst-body", fsize=400, expects=FIRST),
    S("truncated", how="partial", fsize=400, expects=FIRST),
    S("truncated-chunked", how="partial", fsize=400, te="chunked", expects=FIRST),
    S("truncated-503", how="partial503", fsize=400),
    S("early-answer", *READ, "read=5000,seek", "URL={url}", "perform", how="early503",
      differs=("early-answer",)),
    S("not-http", how="garbage", expects=FIRST),
    S("http09", "HTTP09_ALLOWED=1", *GET, how="http09", expects=FIRST),
    S("timeout-of-the-program", "TIMEOUT_MS=400", *GET, how="never", expects=FIRST),
    S("timeout-of-an-attempt", "TIMEOUT_MS=2000", *GET, how="never",
      options={"attempt_timeout": "250ms"}),
    S("big-error", how="503", fsize=400000),
    S("huge-error", how="503", fsize=600000, expects=FIRST),
    S("failed-cookie", "COOKIEFILE=", *GET, fcookie="f", cookie="c", differs=("shared-cookies",)),
    # ---- forms of a good answer ------------------------------------------------------------------
    S("chunked", te="chunked", size=20000),
    S("trailers", te="chunked", trailers=1),
    S("until-close", te="close", size=5000),
    S("gzip", "ACCEPT_ENCODING=gzip", *GET, gzip=1, size=20000),
    S("raw-gzip", gzip=1, size=20000),
    S("early-hints", info="103,103"),
    S("empty", size=0),
    S("no-content", status=204),
    S("not-modified", status=304),
    S("big", size=3000000),
    S("created", status=201),
    S("cookie", "COOKIEFILE=", *GET, cookie="c"),
    S("teapot", status=418),
    # ---- forms of a request ----------------------------------------------------------------------
    S("head", "NOBODY=1", *GET),
    S("header-in-body", "HEADER=1", *GET),
    S("header-in-body-chunked", "HEADER=1", *GET, te="chunked", trailers=1, info="103"),
    S("no-header-callback", "header=none", *GET),
    S("header-data", "header=data", *GET),
    S("fail-on-error", "FAILONERROR=1", *GET),
    S("fail-on-429", "FAILONERROR=1", *GET, how="429", ra="0"),
    S("range", "RANGE=10-19", *GET, ranges=1),
    S("range-unsatisfiable", "RANGE=100000-", *GET, ranges=1),
    S("resume", "RESUME_FROM_LARGE=20", *GET, ranges=1),
    S("resume-refused", "RESUME_FROM_LARGE=20", *GET),
    S("stdout", "write=default", *GET, size=500),
    S("no-error-buffer", "ERRORBUFFER=NULL", *GET),
    S("userinfo", "USERPWD=me:secret", *GET, auth=1),
    S("any-auth", "HTTPAUTH=4294967279", "USERPWD=me:secret", *GET, auth=1),
    S("curlu", "curlu={url}", "perform"),
    S("custom-verb", "CUSTOMREQUEST=OPTIONS", *GET),
    S("delete", "CUSTOMREQUEST=DELETE", *GET),
    S("body-limit", "MAXFILESIZE=100", *GET, size=5000),
    S("connect-only", "CONNECT_ONLY=1", "URL={url}", "perform", expects=FIRST),
    S("two-addresses", "URL={url}", "perform", "URL={url2}", "perform", size=100),
    S("same-again", "URL={url}", "perform", "perform", options=PATIENT),
    S("duplicate", "URL={url}", "dup", "perform"),
    S("reset-and-again", "HEADER=1", "URL={url2}", "perform", "reset", "URL={url}", "perform",
      options=PATIENT),
    S("infos-twice", "URL={url}", "perform", "infos"),
    # ---- redirects -------------------------------------------------------------------------------
    S("redirect", "FOLLOWLOCATION=1", "URL={hop}", "perform"),
    S("redirect-not-followed", "URL={url}", "perform", to="/elsewhere"),
    S("redirect-in-body", "FOLLOWLOCATION=1", "HEADER=1", "URL={hop}", "perform"),
    S("redirect-infos", "FOLLOWLOCATION=1", "inflight=getinfo", "URL={hop}", "perform"),
    S("redirect-reset", "FOLLOWLOCATION=1", "URL={hop}", "perform", how="rst"),
    S("redirect-post-303", "FOLLOWLOCATION=1", "POSTFIELDS=a=b", "URL={hop303}", "perform",
      expects=FIRST),
    S("redirect-post-307", "FOLLOWLOCATION=1", "POSTFIELDS=a=b", "URL={hop307}", "perform",
      expects=FIRST),
    S("redirect-too-many", "FOLLOWLOCATION=1", "MAXREDIRS=0", "URL={hop}", "perform", expects=FIRST),
    # ---- redirects out of HTTP: the response is passed on as it arrives --------------------------
    S("redirect-ftp", "FOLLOWLOCATION=1", ASKED, "URL={ftp}", "perform", expects=FIRST),
    S("redirect-ftp-in-body", "FOLLOWLOCATION=1", "HEADER=1", ASKED, "URL={ftp}", "perform",
      expects=FIRST),
    S("redirect-ftp-missing", "FOLLOWLOCATION=1", ASKED, "URL={ftp_missing}", "perform",
      expects=FIRST),
    S("redirect-file", "FOLLOWLOCATION=1", "REDIR_PROTOCOLS_STR=all", ASKED, "URL={to_file}",
      "perform", expects=FIRST),
    S("redirect-file-in-body", "FOLLOWLOCATION=1", "REDIR_PROTOCOLS_STR=all", "HEADER=1", ASKED,
      "URL={to_file}", "perform", expects=FIRST),
    S("redirect-forbidden", "FOLLOWLOCATION=1", ASKED, "URL={to_file}", "perform", expects=FIRST),
    S("redirect-unknown", "FOLLOWLOCATION=1", ASKED, "URL={to_unknown}", "perform", expects=FIRST),
    # ---- all values that can be queried, at each header line and piece of the body ---------------
    S("asked", ASKED, *GET),
    S("asked-reset", ASKED, *GET, how="rst"),
    S("asked-hints", ASKED, *GET, info="103,103"),
    S("asked-in-body", "HEADER=1", ASKED, *GET, info="103"),
    S("asked-redirect", "FOLLOWLOCATION=1", "COOKIEFILE=", ASKED, "URL={hop}", "perform", cookie="c"),
    S("asked-redirect-in-body", "FOLLOWLOCATION=1", "HEADER=1", "header=none", ASKED, "URL={hop}",
      "perform"),
    S("asked-auth", "HTTPAUTH=4294967279", "USERPWD=me:secret", ASKED, *GET, auth=1),
    S("asked-unauthorized", "HEADER=1", ASKED, *GET, auth=1),
    S("asked-fail-on-error", "FAILONERROR=1", ASKED, *GET),
    S("asked-tunnel-refused", ASKED, *TUNNEL, *GET, proxy=True),
    S("asked-tunnel-in-body", "HEADER=1", ASKED, *TUNNEL, *GET, proxy=True),
    S("asked-late", ASKED, *GET, options={"commit": "late"}),
    S("asked-large-error", ASKED, *GET, fsize=3000, options={"hold_limit": "1KiB"}, expects=FIRST),
    # ---- bodies ----------------------------------------------------------------------------------
    S("post", "POSTFIELDS=a=b", *GET, expects=FIRST),
    S("post-reset", "POSTFIELDS=a=b", *GET, how="rst", expects=FIRST),
    S("post-429", "POSTFIELDS=a=b", *GET, how="429", ra="0"),
    S("post-with-key", "POSTFIELDS=a=b", "HTTPHEADER=Idempotency-Key: 7", *GET),
    S("post-empty", "POST=1", "POSTFIELDSIZE=0", *GET, expects=FIRST),
    S("post-chunked", "POST=1", "HTTPHEADER=Transfer-Encoding: chunked", "read=5000,seek", *GET,
      expects=FIRST),
    S("patch", "CUSTOMREQUEST=PATCH", "COPYPOSTFIELDS=a=b", *GET, expects=FIRST),
    S("put-fields", "CUSTOMREQUEST=PUT", "COPYPOSTFIELDS=a=b", *GET),
    S("put-seek", *READ, "read=5000,seek", *GET, echo=1),
    S("put-seek-reset", *READ, "read=5000,seek", *GET, how="rst", echo=1),
    S("put-ioctl", *READ, "read=5000,ioctl", *GET, echo=1),
    S("put-chunked-seek", "UPLOAD=1", "read=5000,seek", *GET, echo=1),
    S("put-no-seek", *READ, "read=5000", *GET, echo=1, expects=FIRST),
    S("put-chunked-no-seek", "UPLOAD=1", "read=5000", *GET, echo=1, expects=FIRST),
    S("put-file", *READ, "file={file}", *GET, echo=1),
    S("put-file-offset", "UPLOAD=1", "INFILESIZE_LARGE=3000", "file={file}@2000", *GET, echo=1),
    S("put-read-abort", *READ, "read=5000,abort", *GET, echo=1, expects=FIRST,
      differs=("own-abort",)),
    S("put-expect", *READ, "HTTPHEADER=Expect: 100-continue", "read=5000,seek", *GET, echo=1),
    S("mime", "mime=a:data:b", *GET, expects=FIRST),
    S("mime-callback", "mime=a:cb:500", *GET, expects=FIRST),
    S("form", "form=a:b", *GET, expects=FIRST),
    # ---- callbacks that do more than read data ---------------------------------------------------
    S("write-pause", "write=pause:1", *GET, size=100000),
    S("write-pause-small", "write=pause:1", *GET),
    S("write-short", "write=short:1", *GET),
    S("write-error", "write=error:1", *GET),
    S("header-short", "header=short:3", *GET, differs=("header-refused",)),
    S("header-error", "header=error:2", *GET, differs=("header-refused",)),
    S("header-pause", "header=pause:3", *GET, differs=("header-pause",)),
    S("nested", "nested={plain}", "inflight=nested", *GET),
    S("nested-failing", "nested={url2}", "inflight=nested", *GET),
    S("setopt-in-flight", "inflight=setopt", *GET, size=500),
    S("dup-in-flight", "nested={plain}", "inflight=dup", *GET),
    S("infos-in-flight", "inflight=getinfo", *GET, info="103"),
    S("abort", "progress=1", *GET, size=2000000, differs=("abort-point",)),
    # ---- TLS and proxies -------------------------------------------------------------------------
    S("tls", "CAINFO={ca}", *GET, tls=True),
    S("tls-reset", "CAINFO={ca}", *GET, tls=True, how="rst"),
    S("tls-post", "CAINFO={ca}", "POSTFIELDS=a=b", *GET, tls=True, expects=FIRST),
    S("tls-put", "CAINFO={ca}", *READ, "read=5000,seek", *GET, tls=True, echo=1),
    S("tls-untrusted", *GET, tls=True, expects=FIRST),
    S("proxy", "PROXY={proxy}", *GET),
    S("tunnel", *TUNNEL, *GET, differs=("tunnel-reuse",)),
    S("tunnel-hidden", "SUPPRESS_CONNECT_HEADERS=1", *TUNNEL, *GET, differs=("tunnel-reuse",)),
    S("tunnel-tls", "CAINFO={ca}", *TUNNEL, *GET, tls=True, differs=("tunnel-reuse",)),
    S("tunnel-refused", *TUNNEL, *GET, proxy=True),
    S("tunnel-refused-post", "POSTFIELDS=a=b", *TUNNEL, *GET, proxy=True),
    S("tunnel-reset", *TUNNEL, *GET, proxy=True, how="rst"),
    S("tunnel-forbidden", *TUNNEL, *GET, proxy=True, how="403", expects=FIRST),
    # ---- both interfaces with one handle ---------------------------------------------------------
    S("loop-then-easy", "driver={loop}", "URL={url}", "perform", "driver=easy", "URL={url2}",
      "perform", options=PATIENT),
    S("easy-then-loop", "driver=easy", "URL={url}", "perform", "driver={loop}", "URL={url2}",
      "perform", options=PATIENT),
]

LOOP_SCENARIOS = [
    S("calls-in-flight", "inflight=multi", *GET),
    S("calls-in-flight-small", "inflight=multi", *GET, size=0, fsize=0),
    S("two-loops", "URL={url}", "perform", "driver=poll", "URL={url2}", "perform",
      options=PATIENT),
]

# Requests that fail without any server: the transcript shows one attempt, however many are made.
HOPELESS = [
    ("refused", ("URL=http://127.0.0.1:{closed}/", "perform")),
    ("refused-post", ("POSTFIELDS=a", "URL=http://127.0.0.1:{closed}/", "perform")),
    ("refused-proxy", ("PROXY=http://127.0.0.1:{closed}", "URL=http://127.0.0.1:1/", "perform")),
    ("unknown-name", ("URL=http://no-such-host.invalid/", "perform")),
    ("bad-url", ("URL=http://:::/", "perform")),
    ("no-url", ("perform",)),
    ("unknown-scheme", ("URL=gopherus://x/", "perform")),
    ("file", ("URL=file://{file}", "perform")),
    ("file-missing", ("URL=file:///no/such/file", "perform")),
]


# ---- intended differences ------------------------------------------------------------------------
def without(pattern):
    regex = re.compile(pattern)
    return lambda lines: [line for line in lines if not regex.search(line)]


def replaced(pattern, by):
    regex = re.compile(pattern)
    return lambda lines: [regex.sub(by, line) for line in lines]


def glued(lines):
    """Joins consecutive header lines to one call."""
    out = []
    for line in without("^nextheader (X-Final|X-Failed|Content-Length)=")(lines):
        m = re.match(r'header "(.*)" code=', line)
        if m and out and out[-1].startswith('header "'):
            out[-1] = out[-1].replace('" code=', m.group(1) + '" code=')
        else:
            out.append(line)
    return out


def tunnelled(lines):
    """Removes the CONNECT block, from its status line to its blank line."""
    out, inside = [], False
    for line in lines:
        if "Connection established" in line:
            inside = True
        if not inside:
            out.append(line)
        elif line.startswith('header "\\0d\\0a"'):
            inside = False
    return without("^info (HTTP_CONNECTCODE|HEADER_SIZE|REQUEST_SIZE) ")(out)


ALWAYS, RETRIED = ("recovers", "never", "at_once"), ("recovers", "never")

# id: the variants in which the transcript always differs, and the function that makes the
# transcripts equal. docs/differences.md gives the reasons.
DIFFERENCES = {
    "connection-reuse": (RETRIED, without("^info NUM_CONNECTS |^  asked (26/2|(4|5|33)/3|5[126]/6) ")),
    "tunnel-reuse": (RETRIED, tunnelled),
    "shared-cookies": (RETRIED, without("^cookie .*\tf\tbad$|^info REQUEST_SIZE ")),
    "header-refused": (ALWAYS, without("^info (HEADER_SIZE|CONTENT_LENGTH_DOWNLOAD_T) |"
                                       "^nextheader (X-Final|X-Failed|Content-Length)=")),
    "header-pause": (ALWAYS if LIBCURL < (8, 7) else (), glued),
}
# Variations that do not come from the shim: two runs without it may differ in the same way.
NOISE = {
    "moving-date": (("never",), lambda lines: without("^info RETRY_AFTER ")(
        replaced(r"Retry-After(: |=)\w+, [ \w:]+ GMT", r"Retry-After\1DATE")(lines))),
    "early-answer": (ALWAYS, without("^info (SIZE_UPLOAD_T|REQUEST_SIZE) ")),
    "early-reset": (ALWAYS, lambda lines: without("^info (SIZE_UPLOAD_T|REQUEST_SIZE|OS_ERRNO) ")(
        replaced(r'^perform 5[56] ".*"', "perform 55 or 56")(lines))),
    "own-abort": (ALWAYS, without("^info (SIZE_UPLOAD_T|REQUEST_SIZE) ")),
    "abort-point": (ALWAYS, lambda lines: without("^info SIZE_DOWNLOAD_T ")(
        replaced(r"^body \d+ bytes \w+ ", "body ")(lines))),
}


def differences(scenario, variant):
    """Returns (the differences that must show, those that may)."""
    must = [d for d in scenario.differs if d in DIFFERENCES]
    broken = {"FAILONERROR=1", "RESUME_FROM_LARGE=20"} & set(scenario.client)
    if (scenario.expects == SAME and scenario.how.isdigit() and not scenario.proxy and not broken
            and scenario.query.get("te") != "close"):
        must.append("connection-reuse")  # the failed answer left its connection open
    return ([DIFFERENCES[d][1] for d in must if variant in DIFFERENCES[d][0]],
            [NOISE[d][1] for d in scenario.differs if d in NOISE and variant in NOISE[d][0]])
