# SPDX-License-Identifier: MIT
"""nginx and HAProxy for tests: private directories, free ports, stopped at the end."""
import os
import shutil
import signal
import socket
import subprocess
import time

import bed


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    def __init__(self, command, port, **more):
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, start_new_session=True, **more)
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise AssertionError(f"{command[0]} did not start: "
                                         f"{self.process.stderr.read()[-500:]!r}") from None
                time.sleep(0.05)

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stderr.close()


def path_of(program):
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise AssertionError(f"{program} is missing: scripts/setup check")
    return found


def run_nginx(sections):
    """sections: an http configuration, in which {port} and {tls_port} are replaced by the ports and
    {directory} by a private directory. The log has one line per request: connection, protocol
    and URI."""
    directory = bed.fresh_dir("nginx")
    port, tls = free_port(), free_port()
    os.chmod(os.path.dirname(directory), 0o755)
    os.chmod(directory, 0o755)
    for name, value in (("port", port), ("tls_port", tls), ("directory", directory)):
        sections = sections.replace("{%s}" % name, str(value))
    user = "user root;" if os.getuid() == 0 else ""
    config = f"""
daemon off; master_process off; {user}
pid {directory}/pid; error_log {directory}/error.log crit;
events {{ worker_connections 256; }}
http {{
  log_format seen '$connection $server_protocol $request_uri $status';
  access_log {directory}/access.log seen; client_body_temp_path {directory}/b;
  proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u;
  scgi_temp_path {directory}/s;
  {sections}
}}
"""
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(config)
    daemon = Daemon([path_of("nginx"), "-e", f"{directory}/error.log", "-c", path], port)
    daemon.tls_port, daemon.directory = tls, directory
    return daemon


def nginx(backend, more="", host="127.0.0.1"):
    """Serves http on .port and, at this host, https with h2 on .tls_port: / is a file, /fault/ goes
    to the backend."""
    _, cert, key = bed.certificates()
    daemon = run_nginx(f"""server {{
    listen 127.0.0.1:{{port}}; listen {host}:{{tls_port}} ssl http2;
    ssl_certificate {cert}; ssl_certificate_key {key};
    root {{directory}};
    location /fault/ {{ proxy_pass http://127.0.0.1:{backend}/; proxy_next_upstream off; }}
    {more}
  }}""")
    with open(os.path.join(daemon.directory, "file.txt"), "wb") as f:
        f.write(bed.body_of(100000))
    return daemon


def run_haproxy(sections):
    """sections: a configuration in which {port} is replaced by the port."""
    directory = bed.fresh_dir("haproxy")
    port = free_port()
    path = os.path.join(directory, "haproxy.cfg")
    with open(path, "w", encoding="ascii") as f:
        f.write("""
defaults
  mode http
  timeout connect 300ms
  timeout client 10s
  timeout server 10s
  retries 0
""" + sections.replace("{port}", str(port)))
    return Daemon([path_of("haproxy"), "-db", "-q", "-f", path], port)


def haproxy(backend):
    """In front of the backend; answers 503 itself while the backend is down."""
    return run_haproxy(f"""
listen front
  bind 127.0.0.1:{{port}}
  server back 127.0.0.1:{backend}
""")


def haproxy_forward(tunnels):
    """A forward proxy for http, which connects to the host of the URL. It cannot open tunnels
    itself and relays CONNECT to the proxy at the port `tunnels`; it answers 503 while that is
    down."""
    return run_haproxy(f"""
frontend proxy
  bind 127.0.0.1:{{port}}
  use_backend tunnels if METH_CONNECT
  default_backend anywhere
backend tunnels
  server tunnel 127.0.0.1:{tunnels}
backend anywhere
  http-request set-dst url_ip
  http-request set-dst-port url_port
  server there 0.0.0.0:0
""")
