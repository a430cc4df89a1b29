# SPDX-License-Identifier: MIT
"""Programs for each way to drive libcurl's multi interface. Each makes one transfer per URL and
prints, in the order of the URLs: its number, result and status, and the size and hash of its
body."""

PYTHON = """
import hashlib, io, pycurl, selectors, sys, time
m = pycurl.CurlMulti()
handles = []
for number, url in enumerate(sys.argv[1:]):
    c = pycurl.Curl()
    c.number, c.body = number, io.BytesIO()
    c.setopt(c.URL, url)
    c.setopt(c.WRITEDATA, c.body)
    handles.append(c)
def print_results():
    results = {}
    while True:
        left, good, bad = m.info_read()
        results.update({c: 0 for c in good})
        results.update({c: code for c, code, text in bad})
        if not left:
            break
    for c in handles:
        body = c.body.getvalue()
        print(c.number, results.get(c, "lost"), c.getinfo(c.RESPONSE_CODE), len(body),
              hashlib.md5(body).hexdigest())
"""
PERFORM = PYTHON + """
for c in handles:
    m.add_handle(c)
running = 1
while running:
    result, running = m.perform()
    if running:
        m.select(1.0)
print_results()
"""
FDSET = PYTHON + """
import select
for c in handles:
    m.add_handle(c)
running = 1
while running:
    result, running = m.perform()
    wait = m.timeout()
    readers, writers, others = m.fdset()
    if running:
        select.select(readers, writers, others, min(1.0, wait / 1000) if wait >= 0 else 1.0)
print_results()
"""
SOCKET_ACTION = PYTHON + """
look = selectors.DefaultSelector()
due = [None]
def on_socket(what, fd, multi, data):
    if fd in look.get_map():
        look.unregister(fd)
    if what != pycurl.POLL_REMOVE:
        look.register(fd, {pycurl.POLL_IN: 1, pycurl.POLL_OUT: 2, pycurl.POLL_INOUT: 3}[what])
def on_timer(ms):
    due[0] = None if ms < 0 else time.monotonic() + ms / 1000
m.setopt(pycurl.M_SOCKETFUNCTION, on_socket)
m.setopt(pycurl.M_TIMERFUNCTION, on_timer)
for c in handles:
    m.add_handle(c)
running = len(handles)
while running:
    # Nothing but its sockets and its timer wakes an event loop.
    if due[0] is None and not look.get_map():
        sys.exit("nothing left to wait for")
    wait = None if due[0] is None else max(0, due[0] - time.monotonic())
    ready = look.select(wait)
    for key, events in ready:
        bits = ((pycurl.CSELECT_IN if events & 1 else 0) |
                (pycurl.CSELECT_OUT if events & 2 else 0))
        running = m.socket_action(key.fd, bits)[1]
    if not ready and due[0] is not None and due[0] <= time.monotonic():
        due[0] = None
        running = m.socket_action(pycurl.SOCKET_TIMEOUT, 0)[1]
print_results()
"""
PHP = """
$m = curl_multi_init(); $handles = []; $results = [];
foreach (array_slice($argv, 1) as $url) {
    $c = curl_init($url);
    curl_setopt($c, CURLOPT_RETURNTRANSFER, true);
    curl_multi_add_handle($m, $c);
    $handles[] = $c;
}
do {
    $status = curl_multi_exec($m, $running);
    if ($running) curl_multi_select($m, 1.0);
} while ($running && $status == CURLM_OK);
while ($told = curl_multi_info_read($m)) $results[spl_object_id($told["handle"])] = $told["result"];
foreach ($handles as $number => $c) {
    $body = (string)curl_multi_getcontent($c);
    echo $number, " ", $results[spl_object_id($c)] ?? "lost", " ",
        curl_getinfo($c, CURLINFO_RESPONSE_CODE), " ", strlen($body), " ", md5($body), "\\n";
    curl_multi_remove_handle($m, $c);
}
"""
